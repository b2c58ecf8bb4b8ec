"""One result per machine: those that were computed, and why the others failed."""

from collections.abc import Callable, Iterable
from typing import Any

from symroof.errors import LONGEST_MESSAGE, SymroofError, listed_names, shorten
from symroof.records import frozen


@frozen
class PerMachine:
    """Results, and by label the errors of the machines that have none."""

    results: tuple[Any, ...]
    failures: tuple[tuple[str, SymroofError], ...]

    @property
    def only(self) -> Any:
        """The result where there is a single machine; None where there are several."""
        return self.results[0] if len(self.results) + len(self.failures) == 1 else None

    @property
    def failure_lines(self) -> list[str]:
        """The failures by label, one line each."""
        return [f"{label}: {error}" for label, error in self.failures]

    def to_dict(self, kind: str) -> dict[str, Any]:
        """The JSON form of a single result, or of all of a kind."""
        from symroof.model.report import results_by_machine

        return self.only.to_dict() if self.only else results_by_machine(kind, self.results, self.failures)


def for_each_machine(machines: Iterable[Any], compute: Callable[[Any], Any]) -> PerMachine:
    """The result for each machine. Raises SymroofError where there is none at all."""
    results, failures = [], []
    for machine in machines:
        try:
            results.append(compute(machine))
        except SymroofError as error:
            failures.append((machine.label, error))
    if len(failures) == 1 and not results:
        raise failures[0][1]
    if not results:
        each = " | ".join(str(error) for _, error in failures)
        names = listed_names(label for label, _ in failures)
        several = (
            f"none of {len(failures)} machines ({shorten(names, 80)}) has a result; of the first: {failures[0][1]}"
        )
        raise SymroofError(each if len(each) <= LONGEST_MESSAGE else several)
    return PerMachine(tuple(results), tuple(failures))
