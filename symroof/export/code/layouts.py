"""How a function and its doc comment are laid out in each language."""

import re
from collections.abc import Sequence

from symroof.export.code.texts import FunctionText

LONGEST = 110  # columns of a line with what it means behind it

RATIO = '''from fractions import Fraction


def ratio(a, b):
    """a / b, exactly unless one is a float."""
    if isinstance(a, float) or isinstance(b, float):
        return a / b
    x = Fraction(a, b)
    return x.numerator if x.denominator == 1 else x
'''
POWER = '''def power(a, b):
    """a to the power of b, exactly where b is a whole number up to 64, else as a float."""
    return a**b if isinstance(b, int) and b <= 64 else float(a) ** float(b)
'''
FLOATS = '''import numpy as np


def floats(*arguments):
    """Numbers or arrays as doubles; whole ones of 64 bits overflow without a word."""
    return [np.asarray(x, dtype=np.float64) for x in arguments]
'''


def python_layout(x: FunctionText, _: str) -> str:
    """Exact numbers, named arguments only."""
    return _def(x, "")


def numpy_layout(x: FunctionText, _: str) -> str:
    """Doubles, or arrays of them, named arguments only."""
    names = ", ".join(x.arguments)
    return _def(x, f"    [{names}] = floats({names})\n" if names else "")


def _def(x: FunctionText, first: str) -> str:
    arguments = ", ".join(["*", *x.arguments]) if x.arguments else ""
    steps = _steps(x, "    {} = {}", "  # ", True)
    title, *rest = x.doc
    doc = "".join(f"    {line}\n" for line in rest)
    return (
        f'def {x.name}({arguments}):\n    """{title}\n\n{doc}    """\n'
        f"{first}{steps}    return {_folded(x.value, '    ', True)}\n"
    )


def javascript_layout(x: FunctionText, _: str) -> str:
    """A function of one object, so that arguments are named: flops({ B: 1, n: 1, c: 8192 })."""
    arguments = f"{{ {', '.join(x.arguments)} }}" if x.arguments else ""
    doc = "".join(f" * {line}\n" for line in x.doc)
    steps = _steps(x, "  const {} = {};", " // ")
    return f"/**\n{doc} */\nfunction {x.name}({arguments}) {{\n{steps}  return {_folded(x.value, '  ')};\n}}\n"


def c_layout(x: FunctionText, model: str) -> str:
    """A function whose name begins with the model's: C has one space of names, and `time` is taken in it."""
    name = re.sub(r"\W|^(?=\d)", "_", f"{model}_{x.name}", flags=re.ASCII)
    arguments = ", ".join(f"double {y}" for y in x.arguments) or "void"
    doc = "".join(f" * {line}\n" for line in x.doc)
    steps = _steps(x, "    const double {} = {};", "  // ")
    return f"/*\n{doc} */\ndouble {name}({arguments})\n{{\n{steps}    return {_folded(x.value, '    ')};\n}}\n"


def rust_layout(x: FunctionText, _: str) -> str:
    """A public function of f64."""
    arguments = ", ".join(f"{y}: f64" for y in x.arguments)
    doc = "".join(f"/// {line}\n" for line in x.doc)
    steps = _steps(x, "    let {} = {};", " // ")
    allowed = "#[allow(non_snake_case)]\n" if x.arguments else ""
    return f"{doc}{allowed}pub fn {x.name}({arguments}) -> f64 {{\n{steps}    {_folded(x.value, '    ')}\n}}\n"


def _steps(x: FunctionText, form: str, mark: str, parentheses: bool = False) -> str:
    """The steps, what each means behind it, or above it where lines would be long."""
    indent = form[: len(form) - len(form.lstrip())]
    out = ""
    for name, value, about in x.steps:
        line = form.format(name, _folded(value, indent, parentheses))
        beside = f"{line}{mark}{about}" if about else line
        short = len(beside) <= LONGEST and "\n" not in line
        out += f"{beside}\n" if short else f"{indent}{mark.lstrip()}{about}\n{line}\n" if about else f"{line}\n"
    return out


def _folded(lines: Sequence[str], indent: str, parentheses: bool = False) -> str:
    """A value on one line, or its terms one a line, a step further in."""
    if len(lines) == 1:
        return lines[0]
    body = f"\n{indent}    ".join(lines)
    return f"(\n{indent}    {body}\n{indent})" if parentheses else body
