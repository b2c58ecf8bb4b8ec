"""The machines that --on and its like name, and what is found on each of them. No command: several use it."""

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any

from symroof.errors import SymroofError, UsageError

if TYPE_CHECKING:
    from symroof.hardware.machines import Machine
    from symroof.hardware.platform import Platform


def chosen(on: tuple[str, ...], inline: tuple[str, ...], machine_file: str | None, gpus: int) -> "tuple[Machine, ...]":
    """The machines that were named."""
    from symroof.hardware import machines

    return machines.chosen(on, inline, machine_file, gpus)


def platforms(machines: Mapping[str, Any], use: Mapping[str, Any]) -> "tuple[Platform, ...]":
    """The machines that were named, used as was said."""
    from symroof.hardware.platform import platform

    return tuple(platform(x, **use) for x in chosen(**machines))


def one_platform(machines: Mapping[str, Any], use: Mapping[str, Any]) -> "Platform | None":
    """The machine that was named, None where none was. Raises UsageError where several were."""
    if not (machines["on"] or machines["inline"] or machines["machine_file"]):
        return None
    found = platforms(machines, use)
    if len(found) > 1:
        raise UsageError(f"{len(found)} machines are named: closed forms are told of one at a time")
    return found[0]


def each(found: Iterable[Any], what: Callable[[Any], Any]) -> tuple[list[Any], list[tuple[str, SymroofError]]]:
    """What is found for each of several, and the labels of those it fails for. Raises SymroofError where for all."""
    done, failed = [], []
    for x in found:
        try:
            done.append(what(x))
        except SymroofError as error:
            failed.append((x.label, error))
    if not done and len(failed) > 1:
        raise SymroofError(" | ".join(str(error) for _, error in failed))
    if not done:
        raise failed[0][1]
    return done, failed


def told(failed: Iterable[tuple[str, SymroofError]]) -> list[str]:
    """Failures by label, a line each."""
    return [f"{label}: {error}" for label, error in failed]
