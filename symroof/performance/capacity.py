"""Whether a step fits a machine's memory, and what would make it fit."""

import math
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from symroof.errors import MissingFormat, SymroofError
from symroof.hardware.machines import Machine
from symroof.model.model import Model
from symroof.model.report import Report, json_number
from symroof.units import iec


class DoesNotFit(SymroofError):
    """A step that needs more memory than there is."""


@dataclass(frozen=True)
class MemoryNeed:
    """Bytes that a step needs: all weights, the cache after it, and the most that one operator reads and writes."""

    weights: Any
    cache: Any
    activations: Any

    @property
    def total(self) -> Any:
        """Bytes of all three."""
        return self.weights + self.cache + self.activations

    def fits(self, machine: Machine) -> bool:
        """Whether that is no more than a machine's memory."""
        return bool(self.total <= machine.memory)

    def alternating_with(self, other: "MemoryNeed") -> "MemoryNeed":
        """What two models that run steps in turn need together."""
        activations = max(self.activations, other.activations)
        return MemoryNeed(self.weights + other.weights, self.cache + other.cache, activations)

    def to_dict(self) -> dict[str, Any]:
        """Bytes by part, and their sum as `needed`."""
        return {name: json_number(x) for name, x in {**self.__dict__, "needed": self.total}.items()}

    @property
    def parts(self) -> str:
        """`weights 14.96 GiB, cache 15.62 GiB, activations 10.25 GiB`."""
        return ", ".join(f"{name} {iec(x)}" for name, x in self.__dict__.items())

    def __str__(self) -> str:
        return f"{iec(self.total)} ({self.parts})"


def memory_need(report: Report) -> MemoryNeed:
    """What the step of a report needs."""
    storage = report.storage
    activations = max(row.cost.act_read + row.cost.act_write for row in report.rows)
    return MemoryNeed(storage.total - storage.cache, storage.cache, activations)


def largest_need(model: Model, steps: Sequence[Mapping[str, Any]], drafts: Sequence[MemoryNeed] = ()) -> MemoryNeed:
    """What the most demanding of some steps needs, together with what a draft model needs at each of them."""
    needs = [memory_need(model.report(**step)) for step in steps]
    if drafts:
        needs = [x.alternating_with(draft) for x, draft in zip(needs, drafts, strict=True)]
    return max(needs, key=lambda x: x.total)


def machines_needed(needed: Any, machine: Machine) -> int:
    """The smallest number of such machines whose memory adds up to what is needed."""
    count: int = math.ceil(needed / (machine.memory // machine.count))
    return count


# Formats that make a model smaller, the largest first.
SMALLER = (
    {"cache": "fp8"},
    {"weights": "fp8"},
    {"weights": "fp8", "cache": "fp8"},
    {"weights": "int4"},
    {"weights": "int4", "cache": "fp8"},
)


def shortfall(
    model: Model, machine: Machine, steps: Sequence[Mapping[str, Any]], drafts: Sequence[MemoryNeed] = ()
) -> str:
    """By how much steps do not fit the machine, and what would make them fit; empty where all fit."""
    needed = largest_need(model, steps, drafts)
    if needed.fits(machine):
        return ""
    excess = f"{iec(needed.total - machine.memory)} more than the {iec(machine.memory)} of {machine.label}"
    machines = f"{machines_needed(needed.total, machine)} x {machine.name} would hold it"
    formats = formats_that_fit(model, machine, steps, drafts)
    options = " ".join(f"--{role} {name}" for role, name in formats.items())
    return f"{model.name} needs {needed}: {excess}; {machines}" + (f", so would {options}" if options else "")


def formats_that_fit(
    model: Model, machine: Machine, steps: Sequence[Mapping[str, Any]], drafts: Sequence[MemoryNeed]
) -> Mapping[str, str]:
    """The first of SMALLER in which all steps fit; empty where there is none."""
    for formats in SMALLER:
        with suppress(MissingFormat):  # a config that names no dtype for the other roles
            if largest_need(model, [{**step, **formats} for step in steps], drafts).fits(machine):
                return formats
    return {}


def check_fits(
    model: Model, machine: Machine, steps: Sequence[Mapping[str, Any]], drafts: Sequence[MemoryNeed] = ()
) -> None:
    """Raise DoesNotFit, with by how much and what would fit, unless all the steps fit the machine."""
    if message := shortfall(model, machine, steps, drafts):
        raise DoesNotFit(f"{message}; --anyway shows the times regardless")
