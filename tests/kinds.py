"""Kinds of sublayers written out on a tape, operator by operator, from what they read to what they write.

What files of their own run on numbers (scans, attention to special keys, compressors) is a `core` here: it reads what
it is given, and writes so many elements. A tensor is [token][feature] or [token][head][feature].
"""

from collections.abc import Callable
from itertools import chain, pairwise
from typing import Any

import counting
from counting import Tape, dot, split

Rows = list[Any]


class Run:
    """A step of one query through a kind of sublayer of these sizes."""

    def __init__(self, new: int, cached: int, sizes: dict[str, int]) -> None:
        self.tape, self.new, self.cached, self.sizes = Tape(), new, cached, sizes
        self.cores: set[str] = set()

    def z(self, *names: str) -> list[int]:
        """Sizes, by symbol."""
        return [self.sizes[x] for x in names]

    def rows(self, *shape: int) -> Rows:
        """Activations of the new tokens that lie in memory."""
        return self.tape.filled("a", self.new, *shape)

    def op(self, name: str, function: Callable[..., Any], *args: Any, **options: Any) -> Any:
        """Run an operator on the tape."""
        with self.tape.op(name):
            return function(self.tape, *args, **options)

    def core(self, name: str, read: Any, *shape: int) -> Any:
        """An operator that reads all of this, and writes activations of a shape."""
        self.cores.add(name)
        with self.tape.op(name):
            touch(read)
            return self.tape.store(self.tape.filled("", *shape))


def touch(read: Any) -> None:
    """Read what lies in memory."""
    for x in read:
        touch(x) if isinstance(x, list) else x.tape.tally.touch(x)


def cut(rows: Rows, *sizes: int) -> list[Rows]:
    """Rows in parts of these sizes."""
    ends = [sum(sizes[:i]) for i in range(len(sizes) + 1)]
    assert len(rows[0]) == ends[-1]
    return [[row[a:b] for row in rows] for a, b in pairwise(ends)]


def heads(rows: Rows, count: int) -> Rows:
    """[token][feature] as [token][head][feature]."""
    return [split(row, count) for row in rows]


def flat(rows: Rows) -> Rows:
    """[token][head][feature] as [token][feature]."""
    return [list(chain(*row)) for row in rows]


def beside(*tensors: Rows) -> Rows:
    """Tensors of the same tokens side by side."""
    return [list(chain(*row)) for row in zip(*tensors, strict=True)]


def product(tape: Tape, first: Rows, second: Rows) -> Rows:
    """Element by element."""
    return tape.store([[x * y for x, y in zip(*pair, strict=True)] for pair in zip(first, second, strict=True)])


def weighed_by_position(tape: Tape, given: Rows) -> Rows:
    """Heads times a learned factor each that depends on the position."""
    count = len(given[0])
    a, b = tape.table("n", count), tape.table("n", count)
    factors = [[a[i] * 0.7 + b[i] for i in range(count)] for _ in given]
    return tape.store(
        [[[x * g for x in head] for head, g in zip(*p, strict=True)] for p in zip(given, factors, strict=True)]
    )


def sink(tape: Tape, tokens: int, count: int, projected: Rows | None = None) -> None:
    """One more score per row of a softmax, learned or projected: compared, subtracted, exponentiated, added."""
    learned = None if projected else tape.table("n", count)
    for t in range(tokens):
        for i in range(count):
            score = projected[t][i] if projected else learned[i]
            score.exceeds(0.0)
            (score - 0.5).exp() + 1.0


def turn(run: Run, name: str, given: Rows, part: int | None = None) -> Rows:
    """Heads rotated, or the first `part` of each."""
    return run.op(name, counting.rotate, given, run.cached, part)


def by_group(tape: Tape, rows: Rows, groups: int, d_out: int, role: str = "w") -> Rows:
    """Each group of features through its own projection."""
    parts = heads(rows, groups)
    weights = tape.table(role, groups, d_out, len(parts[0][0]))
    return tape.store([[[dot(part, column) for column in weights[g]] for g, part in enumerate(row)] for row in parts])


def convolved(tape: Tape, run: Run, rows: Rows, k: int, bias: bool = False) -> Rows:
    """A short convolution of the query's rows; past columns lie in memory where there are any."""
    past = tape.filled("c" if run.cached else "", k - 1, len(rows[0]))
    return counting.convolve(tape, [(rows, past)], k, bias)
