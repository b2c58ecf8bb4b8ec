"""A program with the sizes and formats of a model: evaluates the costs of any batch, exactly."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import cached_property
from typing import Any

from symroof.algebra.arithmetic import Unknown, int_if_whole
from symroof.cost.batch import Batch
from symroof.cost.cost import FIELDS, Cost, PartialCost
from symroof.errors import MissingFormat
from symroof.model.programs import Program
from symroof.quantization.precision import DETAILS, ROLES, Precision
from symroof.records import frozen

Numbers = tuple[Any, ...]
LinearForms = tuple[tuple[Any, tuple[tuple[int, Any], ...]], ...]  # of each: its constant, (index of a value, factor)
MANY = 1000  # number of queries from which numpy is worth its import
WIDTHS = tuple(dict.fromkeys(x for names in (*ROLES.values(), *DETAILS.values()) for x in names))
PROBES = ((1_000_003, 7_919), (611_953, 104_729))  # start and stride of the points at which linearity is verified


@frozen
class Evaluation:
    """A program, and the values of its sizes and widths in a model."""

    program: Program
    known: Numbers
    precision: Precision

    @classmethod
    def of(cls, program: Program, sizes: Mapping[str, int], precision: Precision) -> "Evaluation":
        """The program with given sizes and formats; bytes of elements without a format are not known."""
        values = {**{name: int_if_whole(x) for name, x in precision.known_widths().items()}, **sizes}
        if precision.lack:
            values = {**dict.fromkeys(program.known, Unknown(MissingFormat(precision.lack))), **values}
        return cls(program, tuple(values[name] for name in program.known), precision)

    @property
    def cost_type(self) -> type[Cost]:
        """The class of its costs."""
        return PartialCost if self.precision.lack else Cost

    def in_elements(self) -> "Evaluation":
        """The same with one byte per element: its bytes are numbers of elements."""
        widths = dict.fromkeys(WIDTHS, 1)
        known = (widths.get(name, x) for name, x in zip(self.program.known, self.known, strict=True))
        return Evaluation(self.program, tuple(known), replace(self.precision, lack=""))

    def sums(self, batch: Batch) -> Numbers:
        """The sums over a batch; for many queries in numpy, if it is installed and 64-bit integers suffice."""
        if len(batch.new) >= MANY:
            from symroof.model import batch_arrays

            if (sums := batch_arrays.array_sums(self.program.text, self.known, batch)) is not None:
                return sums
        per_query, known = self.program.per_query, self.known
        totals = [0] * len(self.program.sums)
        for (new, cached), count in batch.pairs.items():
            totals = [x + count * y for x, y in zip(totals, per_query(new, cached, *known), strict=True)]
        return tuple(int_if_whole(x * batch.times) for x in totals)

    def step(self, sums: Numbers) -> Numbers:
        """The sums, and the values that a step derives from them."""
        return (*sums, *map(int_if_whole, self.program.per_step(*sums, *self.known)))

    def rows(self, sums: Numbers) -> Iterator[tuple[int, Cost]]:
        """(layers, cost per layer) of each operator."""
        flat = map(int_if_whole, self.program.per_operator(*self.step(sums), *self.known))
        for n in flat:
            yield n, self.cost_type(*(next(flat) for _ in FIELDS))

    def total(self, sums: Numbers) -> Cost:
        """The cost of the whole step."""
        at = self.step(sums)
        linear = None if self.precision.lack else self.linear
        return self.cost_type(*(self._total_fields(at) if linear is None else evaluate_linear(linear, at)))

    @cached_property
    def linear(self) -> LinearForms | None:
        """Each field of the whole cost as a linear form in the step's values; None where they are not linear.

        Costs are linear in the sums over the batch and in the experts touched; those of a custom graph need not be.
        """
        size = len(self.program.sums) + len(self.program.steps)
        constants = self._total_fields((0,) * size)
        units = [self._total_fields(tuple(int(i == j) for j in range(size))) for i in range(size)]
        forms = linear_forms(constants, units)
        points = [tuple(start + i * stride for i in range(size)) for start, stride in PROBES]
        return forms if all(self._total_fields(at) == evaluate_linear(forms, at) for at in points) else None

    def _total_fields(self, at: Numbers) -> Numbers:
        """The fields of the cost of all operators and layers, at the step's values."""
        flat = iter(self.program.per_operator(*at, *self.known))
        total = [0] * len(FIELDS)
        for n in flat:
            total = [x + n * next(flat) for x in total]
        return tuple(total)


def linear_forms(constants: Numbers, units: list[Numbers]) -> LinearForms:
    """Linear forms from their values at the origin and at each unit vector."""
    return tuple(
        (int_if_whole(x), tuple((i, y) for i, unit in enumerate(units) if (y := int_if_whole(unit[field] - x))))
        for field, x in enumerate(constants)
    )


def evaluate_linear(forms: LinearForms, at: Numbers) -> Numbers:
    """The values of linear forms at a point."""
    return tuple(int_if_whole(constant + sum(factor * at[i] for i, factor in terms)) for constant, terms in forms)
