"""A program at a model's sizes and formats: the numbers of any batch, exactly."""

from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import Any

from symroof.algebra.arithmetic import whole
from symroof.cost.batch import Batch
from symroof.cost.cost import FIELDS, Cost
from symroof.model.programs import Program
from symroof.quantization.precision import Precision
from symroof.records import frozen

Numbers = tuple[Any, ...]
MANY = 1000  # queries listed from which numpy is worth its import
PROBES = ((1_000_003, 7_919), (611_953, 104_729))  # start and stride of numbers that a linear form has to agree at


@frozen
class Evaluation:
    """A program and numbers for all that it takes of a model: sizes, widths."""

    program: Program
    known: Numbers
    precision: Precision

    @classmethod
    def of(cls, program: Program, sizes: Mapping[str, int], precision: Precision) -> "Evaluation":
        """The program at some sizes and formats."""
        values = {**{name: whole(x) for name, x in precision.widths().items()}, **sizes}
        return cls(program, tuple(values[name] for name in program.known), precision)

    def sums(self, batch: Batch) -> Numbers:
        """The sums over a batch; of many queries in numpy, where it is there and whole numbers of 64 bits suffice."""
        if len(batch.new) >= MANY:
            from symroof.model import batch_arrays

            if (found := batch_arrays.sums(self.program.text, self.known, batch)) is not None:
                return found
        added, known = self.program.added, self.known
        totals = [0] * len(self.program.sums)
        for (new, cached), count in batch.pairs.items():
            totals = [x + count * y for x, y in zip(totals, added(new, cached, *known), strict=True)]
        return tuple(whole(x * batch.times) for x in totals)

    def step(self, sums: Numbers) -> Numbers:
        """The sums, and what the step makes of the model."""
        return (*sums, *map(whole, self.program.stepped(*sums, *self.known)))

    def rows(self, sums: Numbers) -> Iterator[tuple[int, Cost]]:
        """(layers, cost of one layer) of each operator."""
        flat = map(whole, self.program.counted(*self.step(sums), *self.known))
        for n in flat:
            yield n, Cost(*(next(flat) for _ in FIELDS))

    def total(self, sums: Numbers) -> Cost:
        """The cost of the whole step."""
        at = self.step(sums)
        if self.linear is None:
            return Cost(*self._summed(at))
        return Cost(*(whole(first + sum(y * at[i] for i, y in rest)) for first, rest in self.linear))

    @cached_property
    def linear(self) -> tuple[tuple[Any, tuple[tuple[int, Any], ...]], ...] | None:
        """Each field of the whole cost as a constant and factors of the step's numbers; None where it is no such form.

        Costs are linear in sums over the batch and in the experts touched; a graph of one's own may have others.
        """
        size = len(self.program.sums) + len(self.program.steps)
        first = self._summed((0,) * size)
        units = [self._summed(tuple(int(i == j) for j in range(size))) for i in range(size)]
        slopes = [[whole(y - x) for y in column] for x, column in zip(first, zip(*units, strict=True), strict=True)]
        found = tuple(
            (whole(x), tuple((i, y) for i, y in enumerate(row) if y))
            for x, row in zip(first, slopes or [[]] * len(first), strict=True)
        )
        for start, stride in PROBES:
            at = tuple(start + i * stride for i in range(size))
            if self._summed(at) != tuple(x + sum(y * at[i] for i, y in row) for x, row in found):
                return None
        return found

    def _summed(self, at: Numbers) -> Numbers:
        flat = iter(self.program.counted(*at, *self.known))
        total = [0] * len(FIELDS)
        for n in flat:
            total = [x + n * next(flat) for x in total]
        return tuple(total)
