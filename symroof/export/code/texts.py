"""What is said of an exported function in every language: its doc comment, its steps and its value as text."""

from dataclasses import dataclass
from textwrap import wrap

from sympy import Symbol

from symroof import symbols as s
from symroof.errors import shorten
from symroof.export.code.syntax import Syntax, term_sources, tree_source
from symroof.export.functions import Export, Function
from symroof.export.trees import Tree, expression_tree
from symroof.render.report.lines import precision_text
from symroof.version import __version__

ROOM = 100  # columns that a sum is folded at
DOUBLES = "Numbers are doubles: whole ones are exact up to 2^53 = 9007199254740992 and rounded above."


@dataclass(frozen=True)
class FunctionText:
    """One function as text: lines of its doc comment, steps (name, lines of its value, meaning), lines of its value."""

    name: str
    doc: tuple[str, ...]
    arguments: tuple[str, ...]
    steps: tuple[tuple[str, list[str], str], ...]
    value: list[str]


def function_texts(export: Export, y: Syntax) -> list[FunctionText]:
    """The functions of an export in a language."""
    return [function_text(export, x, y) for x in export.functions]


def function_text(export: Export, x: Function, y: Syntax) -> FunctionText:
    """One function in a language."""
    steps = ((y.name(str(name)), value_lines(expression_tree(expr), y), symbol_meaning(name)) for name, expr in x.steps)
    names = tuple(y.name(str(name)) for name in x.arguments)
    return FunctionText(
        x.quantity.name, tuple(doc_lines(export, x, y)), names, tuple(steps), value_lines(expression_tree(x.value), y)
    )


def value_lines(x: Tree, y: Syntax) -> list[str]:
    """A value on one line, or its terms one a line where it is long."""
    text = tree_source(x, y)
    return [text] if len(text) <= ROOM else term_sources(x, y)


def doc_lines(export: Export, x: Function, y: Syntax) -> list[str]:
    """What the function gives, under which rules and formats, and what its arguments mean."""
    lines = [f"{model_or_part(export)}: {title_with_unit(x)}.", f"Rules: {', '.join(export.rules)}."]
    if x.precision:
        lines.append(f"Precision: {precision_text(x.precision, 'k' in export.model.architecture.sizes)}.")
    lines += [f"{y.name(str(a))}: {symbol_meaning(a)}{model_value(a, export)}" for a in x.arguments]
    return [y for line in lines for y in wrap(comment_text(line), ROOM, subsequent_indent="  ", break_on_hyphens=False)]


def model_or_part(export: Export) -> str:
    """The model, or the part of it."""
    return export.model.name + (f", one layer of {export.op}" if export.op else "")


def title_with_unit(x: Function) -> str:
    """What a function gives, and its unit where the words leave that open."""
    return x.quantity.title + (f", in {x.quantity.unit}" if x.quantity.unit in ("s", "J") else "")


def symbol_meaning(x: Symbol) -> str:
    """The meaning and unit of a symbol of the vocabulary; empty for any other symbol."""
    if not s.group(x):
        return ""
    entry = s.entry(str(x))
    unit = "" if not entry.unit or entry.group == "width" else f", in {entry.unit}"
    return entry.meaning + unit


def model_value(x: Symbol, export: Export) -> str:
    """The value of a size in the model, in parentheses; empty for other symbols."""
    value = export.model.architecture.sizes.get(str(x))
    return f" ({value} in {export.model.name})" if value is not None else ""


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
