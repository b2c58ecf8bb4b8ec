"""Formulas for a spreadsheet: a cell for each quantity, `=LET(B_, 1, n_, 1, c_, 0, ..., value)`."""

from functools import cache
from math import frexp

from sympy import Symbol

from symroof import symbols as s
from symroof.errors import UsageError
from symroof.export.code.syntax import LARGEST, Syntax
from symroof.export.code.texts import FunctionText, file_heading, function_texts
from symroof.export.functions import Export
from symroof.files import spreadsheet_cell

LONGEST = 8192  # characters of a formula, and
PAIRS = 126  # names of a LET, at most in Excel
TYPED = 10**15  # Excel keeps 15 digits of a number that is typed in

NOTES = (
    "Paste a line that begins with = into a cell, and put values or cells in place of the numbers behind the names.",
    "Needs LET: Excel 2021 or 365, Google Sheets, LibreOffice 24.8; English settings, commas between arguments.",
    "A symbol of one letter has an underscore behind it, since Excel keeps R and C for itself; one that differs from",
    "another by a capital only has _cap, since case does not count: c is c_, C is C_cap.",
    "Numbers are doubles: whole ones are exact up to 2^53 = 9007199254740992 and rounded above; cells show 15 digits.",
)


@cache
def spreadsheet_name(name: str) -> str:
    """A symbol's name in a spreadsheet."""
    base = s.entry(name).base if s.group(Symbol(name)) else name
    capital = base != base.lower() and any(x != base and x.lower() == base.lower() for x in s.VOCABULARY)
    return f"{name}_cap" if capital else f"{name}_" if len(name) == 1 else name


def spreadsheet_number(x: int | float) -> str:
    """A number that a spreadsheet represents exactly: in parts where it has more than 15 digits."""
    if isinstance(x, int) and x < TYPED:
        return str(x)
    if isinstance(x, float) and float(f"{x:.15g}") == x:
        return f"{x:.15g}".upper()
    part, twos = frexp(x) if isinstance(x, float) or x > LARGEST else (0.0, 0)
    whole, twos = (int(part * LARGEST), twos - 53) if part else (int(x), 0)
    digits = f"({whole // 10**6}*10^6+{whole % 10**6})"
    return f"({digits}*2^{twos})" if twos > 0 else f"({digits}/2^{-twos})" if twos else digits


SHEET = Syntax(
    spreadsheet_number, "POWER({}, {})", "MIN({}, {})", "MAX({}, {})", "INT({})", many=True, name=spreadsheet_name
)


def render_spreadsheet(export: Export) -> str:
    """Notes, and a line that begins with = for each quantity. Raises UsageError for a formula that is too long."""
    top = "\n".join((spreadsheet_cell(file_heading(export)), *NOTES))
    given = {spreadsheet_name(name): str(x) for name, x in export.model.architecture.sizes.items()} | {"c_": "0"}
    return f"{top}\n" + "".join(
        "\n" + "\n".join((*map(spreadsheet_cell, x.doc), let_formula(x, given))) + "\n"
        for x in function_texts(export, SHEET)
    )


def let_formula(x: FunctionText, given: dict[str, str]) -> str:
    """The formula of a quantity; arguments have the model's values, or are one."""
    pairs = [*((name, given.get(name, "1")) for name in x.arguments), *((y, v) for y, v, _ in x.steps)]
    text = f"=LET({', '.join(f'{name}, {y}' for name, y in pairs)}, {x.value})" if pairs else f"={x.value}"
    if len(text) > LONGEST or len(pairs) > PAIRS:
        raise UsageError(
            f"{x.name} is a formula of {len(text):,} characters and {len(pairs)} names, and Excel allows "
            f"{LONGEST:,} and {PAIRS}: bind more symbols, such as by --free B,n,c, or choose one part by --op"
        )
    return text
