"""Sheets of formulas as plain text."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from sympy import Add, Expr

from symroof.cost.notation import formula_text, term_order
from symroof.cost.quantities import NamedQuantity
from symroof.render.formulas.definitions import Definition
from symroof.render.formulas.legend import Legend
from symroof.render.formulas.sheet import BlockGroup, Condition, FormulaSheet, SheetLine, Terms, sum_text
from symroof.render.text_columns import WIDEST, hanging_text
from symroof.units import iec, si

ADDED = "where each query of n new and c cached tokens adds"


def sheet_text(sheet: FormulaSheet, width: int, plain: bool) -> str:
    """The sheet, folded at `width`, 100 columns at most; where `plain`, without coefficients in numbers."""
    room = min(width or WIDEST, WIDEST)
    numbers = [] if plain else [*number_rows(sheet)]
    names = [*(x for group in sheet.groups for x in group_names(group)), *sheet.cases, *(x for x, _ in numbers)]
    margin = max(map(len, names), default=0) + 2
    text = "".join(block_lines(group, sheet.cases, margin, room) for group in sheet.groups) or "0\n"
    rows = [*condition_rows(sheet.conditions, sheet.cases), *numbers]
    return text + "".join(folded(name.ljust(margin), row, room) for name, row in rows)


def group_names(group: BlockGroup) -> Iterator[str]:
    """The names in the first column, without the titles of groups of several lines."""
    if is_one_line(group):
        yield group.title
    else:
        yield from (f"  {line.label}" for line in group.lines)


def is_one_line(group: BlockGroup) -> bool:
    """Whether a group is one sum of the whole block."""
    return len(group.lines) == 1 and not group.lines[0].label and len(group.lines[0].sums) == 1


def block_lines(group: BlockGroup, cases: Sequence[str], margin: int, room: int) -> str:
    """A block: title and formula in one line, or title and count, and its lines below."""
    if is_one_line(group):
        return folded(group.title.ljust(margin), counted_text(group.count, group.lines[0].sums[0]), room)
    times = "" if group.count == 1 else f"x {factor_text(group.count)}"
    head = "  ".join(x for x in (group.title.ljust(margin - 2), times, bracketed(group.layers)) if x).rstrip()
    return f"{head}\n{lines_text(group, cases, margin, room)}"


def bracketed(text: str) -> str:
    """`(text)`; empty for an empty one."""
    return f"({text})" if text else ""


def lines_text(group: BlockGroup, cases: Sequence[str], margin: int, room: int) -> str:
    """The lines of a group: cases beside each other where there is room, else below each other."""
    texts = [[sum_text(terms) for terms in line.sums] for line in group.lines]
    first = max([*(len(x[0]) for x in texts if len(x) > 1), *map(len, cases[:1])], default=0) + 3
    beside = all(len(x) == 1 or margin + first + len(x[1]) <= room for x in texts)
    rows = zip(group.lines, texts, strict=True)
    if beside:
        return "".join(beside_each_other(rows, cases, margin, first, room))
    return "".join(below_each_other(rows, cases, margin, room))


def beside_each_other(
    rows: Iterable[tuple[SheetLine, list[str]]], cases: Sequence[str], margin: int, first: int, room: int
) -> Iterator[str]:
    """Lines with a column for each case, under the names of the cases where they begin or begin again."""
    parted = False
    for line, texts in rows:
        if len(texts) > 1 and not parted:
            yield f"{' ' * margin}{cases[0].ljust(first)}{cases[1]}\n"
        parted = len(texts) > 1
        text = "".join(x.ljust(first) for x in texts[:-1]) + texts[-1]
        yield folded(f"  {line.label}".ljust(margin), text, 0 if parted else room)


def below_each_other(
    rows: Iterable[tuple[SheetLine, list[str]]], cases: Sequence[str], margin: int, room: int
) -> Iterator[str]:
    """Lines with a row for each case."""
    indent = max(map(len, cases), default=0) + 2
    for line, texts in rows:
        label = f"  {line.label}".ljust(margin)
        for i, text in enumerate(texts):
            case = cases[i].ljust(indent) if len(texts) > 1 else ""
            yield folded((" " * margin if i else label) + case, text, room)


def counted_text(count: Expr, terms: Terms, write: Callable[[Expr], str] = formula_text) -> str:
    """`count (terms)`; of one term the product, unless that would multiply out a sum by a number."""
    if len(terms) == 1 and not (count.is_number and terms[0].has(Add)):
        return write(count * terms[0])
    return sum_text(terms, write) if count == 1 else f"{factor_text(count, write)} ({sum_text(terms, write)})"


def factor_text(count: Expr, write: Callable[[Expr], str] = formula_text) -> str:
    """A count as a factor: a sum such as L - 3 and a quotient such as 5 L/6 in parentheses."""
    text = write(count)
    return f"({text})" if count.is_Add or "/" in text else text


def condition_rows(conditions: Sequence[Condition], cases: Sequence[str]) -> Iterator[tuple[str, str]]:
    """When queries are in the first case."""
    for x in conditions:
        blocks = f" in {' and '.join(x.blocks)}" if x.blocks else ""
        yield cases[0], f"while {formula_text(x.left)} < {formula_text(x.right)}, query by query{blocks}"
        if x.bound is not None and x.number is not None:
            yield "", f"for long contexts n < {formula_text(x.bound)} = {float(x.number):,.4g}"
    if conditions:
        yield cases[1], "otherwise"


def number_rows(sheet: FormulaSheet) -> Iterator[tuple[str, str]]:
    """The coefficients of each case in numbers."""
    for i, coefficients in enumerate(sheet.coefficients if sheet.groups else ()):
        case = f"{sheet.cases[i]} " if sheet.cases else ""
        yield "" if i else "in numbers", case + coefficients_text(coefficients, sheet.quantity)


def coefficients_text(coefficients: Mapping[Expr, Any], quantity: NamedQuantity) -> str:
    """`13.96 G · T + 524.29 k · P`."""
    unit = iec if quantity.unit == "byte" else si
    rows = sorted(coefficients.items(), key=lambda x: term_order(x[0]))
    terms = (f"{'-' if x < 0 else '+'} {unit(abs(x))}" + ("" if y == 1 else f" · {formula_text(y)}") for y, x in rows)
    return " ".join(terms).removeprefix("+ ") or "0"


def folded(start: str, text: str, room: int) -> str:
    """`start` and a formula or words, continued below itself; a formula is broken before a sign, outside brackets."""
    column, lines = len(start), []
    while room and len(text) > room - column and (at := break_of(text, room - column)):
        lines.append(text[:at].rstrip())
        text = text[at:].lstrip()
    return start + ("\n" + " " * column).join([*lines, text]) + "\n"


def break_of(text: str, room: int) -> int:
    """Where a text of more than `room` characters is best broken: within the fewest brackets, as late as possible."""
    depth, places = 0, [(0, 0, 0)]
    for i, x in enumerate(text[: room + 1]):
        depth += (x == "(") - (x == ")")
        if x == " ":
            sign = text[i + 1] in "+-<=" or text[i - 1] in ",;:"
            places.append((-depth if sign else -depth - 10, i, i))
    return max(places[1:], default=(0, 0, 0))[1]


def legend_text(legend: Legend, width: int) -> str:
    """What each query adds to sums, what other names are; values of sizes and widths, and their origins."""
    room, words = min(width or WIDEST, WIDEST), legend.words
    sums = [definition_row(x, words.get(x.name, "")) for x in legend.added]
    others = [definition_row(x, words.get(x.name, "")) for x in legend.others]
    others += [(str(x), "", words[x]) for x in legend.free]
    sizes = [(str(x.name), x.value, f"{words[x.name]} ({x.source})") for x in legend.sizes]
    return "".join(
        section_text(title, rows, room) for title, rows in ((ADDED, sums), ("where", others), ("sizes", sizes))
    )


def definition_row(x: Definition, words: str) -> tuple[str, str, str]:
    """A name, what it is, and its meaning."""
    parts = "".join(f",  {formula_text(name)} = {formula_text(value)}" for name, value in x.parts)
    return formula_text(x.name), formula_text(x.value) + parts, words


def section_text(title: str, rows: Sequence[tuple[str, str, str]], room: int) -> str:
    """Rows of a name, a value and words, in columns; empty without rows."""
    name, value = (min(max((len(row[i]) for row in rows), default=0), most) for i, most in ((0, 16), (1, 26)))
    lines = (row_text(*row, name, value, room) for row in rows)
    return f"\n{title}\n{''.join(lines)}" if rows else ""


def row_text(symbol: str, text: str, words: str, name: int, value: int, room: int) -> str:
    """A row of a section; words go below a text that is longer than its column."""
    start = f"  {symbol.ljust(name)}  "
    column = f"{start}{text.ljust(value)}  " if value else start
    if not words or len(text) > value:
        below = hanging_text(" " * (len(start) + value + 2), words, room) if words else ""
        return folded(start, text, room) + below
    return hanging_text(column, words, room)
