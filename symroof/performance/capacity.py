"""Whether a step fits a machine's memory, and what would make it fit."""

import math
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from symroof.errors import ConfigError, SymroofError
from symroof.hardware.machines import Machine
from symroof.model.model import Model
from symroof.model.report import Report, plain


class DoesNotFit(SymroofError):
    """A step that needs more memory than there is."""


@dataclass(frozen=True)
class Need:
    """Bytes that a step keeps: all weights, the cache after it, and what one operator reads and writes at most."""

    weights: Any
    cache: Any
    activations: Any

    @property
    def total(self) -> Any:
        """All of it."""
        return self.weights + self.cache + self.activations

    def beside(self, other: "Need") -> "Need":
        """What is kept of two models that take steps in turn."""
        parts = self.weights + other.weights, self.cache + other.cache, max(self.activations, other.activations)
        return Need(*parts)

    def to_dict(self) -> dict[str, Any]:
        """Bytes by part, and their sum as `needed`."""
        return {name: plain(x) for name, x in {**self.__dict__, "needed": self.total}.items()}

    def __str__(self) -> str:
        from symroof.units import iec

        return f"{iec(self.total)} ({', '.join(f'{name} {iec(x)}' for name, x in self.__dict__.items())})"


def need(report: Report) -> Need:
    """What the step of a report keeps."""
    kept = report.storage
    activations = max(row.cost.act_read + row.cost.act_write for row in report.rows)
    return Need(kept.total - kept.cache, kept.cache, activations)


def worst(model: Model, steps: Sequence[Mapping[str, Any]], besides: Sequence[Need] = ()) -> Need:
    """What the most demanding of some steps keeps; `besides` is, step by step, what another model does."""
    kept = [need(model.report(**step)) for step in steps]
    every = [x.beside(other) for x, other in zip(kept, besides, strict=True)] if besides else kept
    return max(every, key=lambda x: x.total)


def least(needed: Any, machine: Machine) -> int:
    """The smallest number of such machines whose memory adds up to what is needed."""
    count: int = math.ceil(needed / (machine.memory // machine.count))
    return count


# Formats that make a model smaller, the mildest first.
SMALLER = (
    {"cache": "fp8"},
    {"weights": "fp8"},
    {"weights": "fp8", "cache": "fp8"},
    {"weights": "int4"},
    {"weights": "int4", "cache": "fp8"},
)


def shortfall(model: Model, machine: Machine, steps: Sequence[Mapping[str, Any]], besides: Sequence[Need] = ()) -> str:
    """By how much steps do not fit the machine, and what would make them fit; empty where all fit."""
    from symroof.units import iec

    found = worst(model, steps, besides)
    if found.total <= machine.memory:
        return ""
    over = f"{iec(found.total - machine.memory)} more than the {iec(machine.memory)} of {machine.label}"
    told = [f"{least(found.total, machine)} x {machine.name} would hold it"]
    for formats in SMALLER:
        with suppress(ConfigError):  # a config that names no dtype for what is left
            if worst(model, [{**step, **formats} for step in steps], besides).total <= machine.memory:
                told.append("so would " + " ".join(f"--{role} {name}" for role, name in formats.items()))
                break
    return f"{model.name} needs {found}: {over}; {', '.join(told)}"


def check(model: Model, machine: Machine, steps: Sequence[Mapping[str, Any]], besides: Sequence[Need] = ()) -> None:
    """Raise DoesNotFit, with by how much and what would fit, unless all the steps fit the machine."""
    if told := shortfall(model, machine, steps, besides):
        raise DoesNotFit(f"{told}; --anyway tells times all the same")
