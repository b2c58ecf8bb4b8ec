"""The keywords that a function passes on: an unknown one is an error of the function that was called."""

from collections.abc import Callable, Iterable, Mapping
from functools import cache
from typing import Any

from symroof.errors import shorten, suggestion
from symroof.quantization.precision import precision

NO_FORMATS = ("config", "architecture", "recurrent", "tool")  # parameters of `precision`
STEP = ("new", "cached", "batch_size", "rules", "logits")
# Other names -> ours: the command line's, and those of other tools.
SPELLINGS = {
    "batch": "batch_size",
    "input_tokens": "new",
    "new_tokens": "new",
    "cached_tokens": "cached",
    "past": "cached",
    "kv_dtype": "cache",
    "kv_cache": "cache",
}


def check_keywords(function: Callable[..., Any], given: Mapping[str, Any], *others: str) -> None:
    """Raise TypeError for a keyword that is no format of a role and none of `others`, and name the nearest."""
    for name in given:
        if name not in format_keywords() and name not in others:
            raise unexpected_keyword(function, name, [*parameters(function), *format_keywords(), *others])


def unexpected_keyword(function: Callable[..., Any], name: str, known: Iterable[str]) -> TypeError:
    """The error for an unknown keyword, in Python's words, with the known one that is nearest."""
    names = list(dict.fromkeys(known))
    near = SPELLINGS.get(name, "")
    near = near if near in names else suggestion(name, names)
    cure = f"did you mean {near}?" if near else f"it takes {', '.join(names)}"
    return TypeError(f"{function.__name__}() got an unexpected keyword argument '{shorten(name)}'; {cure}")


@cache
def format_keywords() -> tuple[str, ...]:
    """The keywords that set the format of a role."""
    return tuple(x for x in parameters(precision) if x not in NO_FORMATS)


def parameters(function: Callable[..., Any]) -> list[str]:
    """The names of a function's parameters that keywords can set."""
    from inspect import Parameter, signature

    kinds = (Parameter.POSITIONAL_OR_KEYWORD, Parameter.KEYWORD_ONLY)
    return [x.name for x in signature(function).parameters.values() if x.kind in kinds and x.name != "self"]
