"""A batch as plain numbers: the new and the cached tokens of each query."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from operator import index
from typing import Any

from symroof.errors import UsageError, integer_text, shorten
from symroof.records import frozen

BATCH_SYMBOLS = {"batch": "B", "new": "n", "cached": "c"}
LARGEST = 10**18  # tokens of a query, and queries of a batch


@frozen
class Query:
    """`count` equal queries: `new` tokens to compute, `cached` tokens already in the cache."""

    new: int
    cached: int = 0
    count: int = 1


@frozen
class Batch:
    """Queries as listed, the whole list `times` times: `new[i]` tokens to compute, `cached[i]` in the cache."""

    new: Sequence[int]
    cached: Sequence[int]
    times: int = 1

    @property
    def size(self) -> int:
        """The number of queries."""
        return len(self.new) * self.times

    @cached_property
    def pairs(self) -> Mapping[tuple[int, int], int]:
        """New and cached tokens -> how often they are listed."""
        return Counter(zip(self.new, self.cached, strict=True))

    @cached_property
    def groups(self) -> tuple[Query, ...]:
        """The same, equal queries as one entry."""
        return tuple(Query(n, c, count * self.times) for (n, c), count in self.pairs.items())


def queries(
    new: int | Sequence[int] = 1, cached: int | Sequence[int] = 0, batch_size: int | None = None
) -> tuple[Query, ...]:
    """The batch in which query i adds `new[i]` tokens to `cached[i]`; equal queries are one entry.

    A list of one holds for every query. With `batch_size`, a multiple of the lists' length, the lists repeat.
    """
    return batch(new, cached, batch_size).groups


def batch(new: int | Sequence[int] = 1, cached: int | Sequence[int] = 0, batch_size: int | None = None) -> Batch:
    """The same batch with its queries as listed."""
    news, held = _tokens("new", new, least=1), _tokens("cached", cached, least=0)
    if len(news) != len(held) and 1 not in (len(news), len(held)):
        raise UsageError(
            f"{len(held)} cached-token counts and {len(news)} input-token counts: "
            "give lists of the same length, or one number for all queries"
        )
    length = max(len(news), len(held))
    size = length if batch_size is None else _token("batch size", batch_size, least=1)
    if size % length:
        raise UsageError(f"batch size {size} is not a multiple of the {length} queries listed")
    return Batch(_stretch(news, length), _stretch(held, length), size // length)


def _stretch(values: Any, length: int) -> Any:
    return values * length if len(values) == 1 else values


def _tokens(what: str, value: Any, least: int) -> Sequence[int]:
    if _is_integer_array(value) and least <= value.min() and value.max() <= LARGEST:
        from array import array

        return array("q", value.astype("=i8").tobytes())
    values = _listed(value)
    if not values:
        raise UsageError(f"an empty list of {what} tokens: give at least one number")
    if set(map(type, values)) == {int} and min(values) >= least and max(values) <= LARGEST:
        return values
    return [_token(f"{what} tokens", v, least) for v in values]


def _is_integer_array(value: Any) -> bool:
    """Whether it is a numpy array of one axis with whole numbers in it."""
    return getattr(value, "ndim", 0) == 1 and bool(value.size) and value.dtype.kind in "iu"


def _listed(value: Any) -> list[Any]:
    if _is_integer_array(value):
        return list(value.tolist())
    return list(value) if isinstance(value, Iterable) and not isinstance(value, str) else [value]


def _token(what: str, value: object, least: int) -> int:
    try:
        number = index(value)  # type: ignore[arg-type]
    except TypeError:
        number = None
    if number is None or isinstance(value, bool):
        raise UsageError(f"{what}: {shorten(repr(value))} is not a whole number")
    if not least <= number <= LARGEST:
        raise UsageError(f"{what}: {integer_text(number)} is out of range: give {least} to {LARGEST:.0e}")
    return number


@frozen
class Workload:
    """`batch_size` queries of `prompt` tokens, `cached` of them in the cache already, and `output_tokens` each.

    `chunk`: tokens of each prompt that a step of the prefill computes; all at once where it is 0.
    """

    prompt: int
    output_tokens: int
    batch_size: int = 1
    cached: int = 0
    chunk: int = 0

    def __post_init__(self) -> None:
        for name, least in (("prompt", 1), ("output_tokens", 1), ("batch_size", 1), ("cached", 0), ("chunk", 0)):
            _token(name.replace("_", " "), getattr(self, name), least)
        _token("prompt and output tokens", self.prompt + self.output_tokens, least=2)
        if self.cached >= self.prompt:
            raise UsageError(f"{self.cached:,} of {self.prompt:,} prompt tokens are cached: at least one has to be new")

    @property
    def chunks(self) -> int:
        """Whole chunks that the prefill computes before its last step."""
        return (self.prompt - self.cached - 1) // self.chunk if self.chunk else 0

    @property
    def left(self) -> int:
        """Tokens of each prompt that the last step of the prefill computes."""
        return self.prompt - self.cached - self.chunks * self.chunk
