"""What is said of an exported function in every language: its doc comment, its steps and its value as text."""

from collections.abc import Iterator
from dataclasses import dataclass

from sympy import Symbol

from symroof.errors import shorten
from symroof.export.code.syntax import Syntax, tree_source
from symroof.export.functions import Export
from symroof.export.stepwise import Function, symbol_meaning
from symroof.export.trees import expression_tree
from symroof.render.machine_notes import efficiency_text
from symroof.render.report.lines import precision_text
from symroof.units import duration
from symroof.version import __version__

UNITS = {"byte": "bytes", "s": "seconds", "J": "joules"}


@dataclass(frozen=True)
class Parameter:
    """An argument of a function, and what it means; `used`: whether it is in the formula."""

    name: str
    meaning: str
    used: bool


@dataclass(frozen=True)
class FunctionText:
    """One function as text: title, notes, parameters, steps (name, value, meaning) and value."""

    name: str
    title: str
    unit: str
    notes: tuple[str, ...]
    parameters: tuple[Parameter, ...]
    steps: tuple[tuple[str, str, str], ...]
    value: str

    @property
    def arguments(self) -> list[str]:
        """The names of all parameters, in order."""
        return [x.name for x in self.parameters]

    @property
    def used(self) -> list[str]:
        """The names of those that the formula has."""
        return [x.name for x in self.parameters if x.used]

    @property
    def unused(self) -> list[str]:
        """The names of the others."""
        return [x.name for x in self.parameters if not x.used]

    @property
    def doc(self) -> list[str]:
        """Lines for languages without functions: title, the function's name elsewhere, notes, parameters."""
        call = f"Function: {self.name}({', '.join(self.arguments)})."
        return [self.title, call, *self.notes, *(f"{x.name}: {x.meaning}" for x in self.parameters)]


def function_texts(export: Export, y: Syntax) -> list[FunctionText]:
    """The functions of an export in a language."""
    return [function_text(export, x, y) for x in export.functions]


def function_text(export: Export, x: Function, y: Syntax) -> FunctionText:
    """One function in a language."""
    steps = tuple(
        (y.name(str(z.name)), tree_source(expression_tree(z.value), y), symbol_meaning(z.name)) for z in x.steps
    )
    return FunctionText(
        x.name,
        comment_text(title_text(export, x)),
        UNITS.get(x.quantity.unit, x.quantity.unit),
        tuple(map(comment_text, note_lines(export, x))),
        tuple(parameter(export, x, a, y) for a in x.arguments),
        steps,
        tree_source(expression_tree(x.value), y),
    )


def title_text(export: Export, x: Function) -> str:
    """The model or the part of it, the machine, and what the function gives, with its unit where words lack it."""
    part = f", one layer of {export.op}" if export.op else ""
    machine = f" on {x.platform.label}" if x.platform else ""
    unit = f", in {x.quantity.unit}" if x.quantity.unit in ("s", "J") else ""
    return f"{export.model.name}{part}{machine}: {x.quantity.title}{unit}."


def note_lines(export: Export, x: Function) -> Iterator[str]:
    """Under which rules, in which formats and how near to the machine's peaks."""
    yield f"Rules: {', '.join(export.rules)}."
    if x.precision:
        yield f"Precision: {precision_text(x.precision, 'k' in export.model.architecture.sizes)}."
    if x.platform:
        reach, launch = efficiency_text(x.platform), x.platform.overhead
        overhead = f", launching an operator takes {duration(launch)}, also one without work" if launch else ""
        yield f"Machine: {x.platform.label}, {reach or 'at its peaks'}{overhead}."
    if x.quantity.name == "time" and x.steps:
        yield "Steps that begin with t_: seconds of an operator."


def parameter(export: Export, x: Function, a: Symbol, y: Syntax) -> Parameter:
    """An argument, the value of a size in the model behind its meaning."""
    value = export.model.architecture.sizes.get(str(a))
    size = f" ({value} in {export.model.name})" if value is not None else ""
    used = a in x.used
    meaning = symbol_meaning(a) + size + ("" if used else "; not in this formula")
    return Parameter(y.name(str(a)), comment_text(meaning), used)


def comment_text(text: str) -> str:
    """Text that ends no comment or string of any language: names of models are the user's."""
    return shorten(text, 1000).replace('"', "'").replace("*/", "* /").replace("\\", "/")


def file_heading(export: Export) -> str:
    """The first line of a file: the model, and where its config is from."""
    model = export.model
    return comment_text(
        f"{model.name} ({model.family}){export.following_text}, written by symroof {__version__}. "
        f"Config: {model.config.source}."
    )
