"""Statements of code, folded where they are long; doc comments, wrapped."""

from collections.abc import Iterable
from dataclasses import dataclass
from textwrap import wrap

from symroof.export.code.folding import STEP, folded_lines, split_outermost
from symroof.export.code.texts import FunctionText

WIDTH = 100  # columns


@dataclass(frozen=True)
class Statements:
    """How a language writes a step, what it means, and the result.

    `parentheses`: whether a line that could end a statement does.
    """

    indent: str
    assign: str
    end: str
    mark: str
    result: tuple[str, str]
    parentheses: bool = False

    def body(self, x: FunctionText) -> str:
        """Steps and result of a function."""
        steps = "".join(self.step(*step) for step in x.steps)
        return f"{steps}{self.statement(self.result[0], x.value, self.result[1])}\n"

    def step(self, name: str, value: str, meaning: str) -> str:
        """A step, what it means behind it, or above it where lines would be long."""
        line = self.statement(self.assign.format(name), value, self.end)
        beside = f"{line}{self.mark}{meaning}" if meaning else line
        if len(beside) <= WIDTH and "\n" not in line:
            return f"{beside}\n"
        above = wrapped([meaning] if meaning else [], self.indent + self.mark.lstrip())
        return "\n".join([*above, f"{line}\n"])

    def statement(self, head: str, value: str, end: str) -> str:
        """A statement without its line's end."""
        line = f"{self.indent}{head}{value}{end}"
        if len(line) <= WIDTH:
            return line
        terms = len(split_outermost(value)) > 1
        enclosed = terms and self.parentheses
        lines = folded_lines(value, WIDTH - len(self.indent) - len(STEP if enclosed else head + end))
        if enclosed:
            lines = [f"{head}(", *(STEP + x for x in lines), f"){end}"]
        else:
            lines = [head + lines[0], *((STEP if terms else "") + x for x in lines[1:])]
            lines[-1] += end
        return "\n".join(self.indent + x for x in lines)


def wrapped(lines: Iterable[str], prefix: str) -> list[str]:
    """Lines of a comment behind a prefix."""
    room = WIDTH - len(prefix)
    folded = (wrap(x, room, subsequent_indent="  ", break_on_hyphens=False) or [""] for x in lines)
    return [prefix + part for parts in folded for part in parts]
