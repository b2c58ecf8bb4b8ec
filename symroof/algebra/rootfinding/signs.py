"""Runs of numbers on which a formula keeps its sign, and those of a quotient, by its two sides."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

PIECES, ROOTS, BRACKETED = "piece by piece", "roots isolated", "bracketed"


@dataclass(frozen=True)
class Run:
    """Numbers from `first` to `last` at which a formula's sign is -1, 0 or 1; None where it has no value.

    Whole ones include both ends. Real ones are points where both are the same, else without their ends.
    """

    first: Any
    last: Any
    sign: int | None


@dataclass(frozen=True)
class Signs:
    """The runs of a range from its start, `how` they were determined; where there are too many, the first ones only."""

    runs: tuple[Run, ...]
    how: str
    complete: bool = True

    @property
    def solved(self) -> bool:
        """Whether nothing was sampled."""
        return self.how != BRACKETED

    @property
    def first(self) -> Any:
        """The sign at the start of the range."""
        return self.runs[0].sign

    @property
    def flips(self) -> tuple[tuple[Any, Any], ...]:
        """Each whole number from which the sign is another, and that sign."""
        return tuple((run.first, run.sign) for run in self.runs[1:])

    @property
    def reached(self) -> Any:
        """The first whole number at which the formula is 0 or more; None where there is none."""
        return next((run.first for run in self.runs if run.sign in (0, 1)), None)


def sign(value: Any) -> int:
    """-1, 0 or 1."""
    return int(bool(value > 0)) - int(bool(value < 0))


def multiply_signs(original: Signs, factor: int) -> Signs:
    """The signs of a formula times a number of that sign."""
    runs = (Run(x.first, x.last, None if x.sign is None or not factor else x.sign * factor) for x in original.runs)
    return Signs(tuple(join_runs(runs)), original.how, original.complete)


def quotient_signs(one: Sequence[Run], other: Sequence[Run]) -> Iterator[Run]:
    """The runs of a quotient, by those of its numerator and denominator; none where the latter is 0."""
    i = j = 0
    both_sides: list[Run] = []
    while i < len(one) and j < len(other):
        a, b = one[i], other[j]
        last = min(a.last, b.last)
        both = None if a.sign is None or not b.sign else a.sign * b.sign
        both_sides.append(Run(max(a.first, b.first), last, both))
        i, j = i + (a.last == last), j + (b.last == last)
    return join_runs(both_sides)


def join_runs(runs: Iterable[Run]) -> Iterator[Run]:
    """Runs with neighbours of one sign made one."""
    before: Run | None = None
    for run in runs:
        if before and before.sign == run.sign:
            before = Run(before.first, run.last, run.sign)
            continue
        if before:
            yield before
        before = run
    if before:
        yield before
