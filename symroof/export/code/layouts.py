"""How a function and its doc comment are laid out in each language."""

from collections.abc import Sequence
from textwrap import wrap

from symroof.export.code.folding import STEP
from symroof.export.code.statements import WIDTH, Statements, wrapped
from symroof.export.code.texts import FunctionText

PYTHON = Statements("    ", "{} = ", "", "  # ", ("return ", ""), parentheses=True)
SCRIPT = Statements("  ", "const {} = ", ";", " // ", ("return ", ";"))
C = Statements("    ", "const double {} = ", ";", "  // ", ("return ", ";"))
RUST = Statements("    ", "let {} = ", ";", " // ", ("", ""))

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


def python_layout(x: FunctionText) -> str:
    """Exact numbers, named arguments only."""
    return _def(x, "")


def numpy_layout(x: FunctionText) -> str:
    """Doubles, or arrays of them, named arguments only; whole numbers of 64 bits overflow without a word."""
    return _def(x, "".join(f"    {y} = np.asarray({y}, dtype=np.float64)\n" for y in x.used))


def _def(x: FunctionText, first: str) -> str:
    head = parameter_list(f"def {x.name}(", ["*", *x.arguments] if x.arguments else [], "):")
    title, *rest = wrap(x.title, WIDTH - 7)
    lines = [f'    """{title}', *(STEP + y for y in rest), "", *wrapped(x.notes, STEP)]
    if x.parameters:
        lines += ["", "    Args:", *wrapped((f"{y.name}: {y.meaning}" for y in x.parameters), 2 * STEP)]
    return "\n".join([head, *lines, '    """', first + PYTHON.body(x)])


def javascript_layout(x: FunctionText) -> str:
    """A function of one object, so that arguments are named: llama_3_1_8b_flops({ B: 1, n: 1, c: 8192 })."""
    head = parameter_list(f"export function {x.name}({{ ", x.arguments, " }) {")
    return _script(x, head if x.arguments else f"export function {x.name}() {{", "number")


def typescript_layout(x: FunctionText) -> str:
    """The same with types; an argument that is not in the formula is in the type only."""
    opening = f"export function {x.name}("
    names = parameter_list(f"{opening}{{ ", x.used, " }") if x.used else f"{opening}_"
    kinds = parameter_list(f"{names}: {{ ", [f"{y}: number" for y in x.arguments], " }): number {", "; ")
    return _script(x, kinds if x.arguments else f"{opening}): number {{", "")


def _script(x: FunctionText, head: str, kind: str) -> str:
    typed = f"{{{kind}}} " if kind else ""
    values = [f"@param {'{object} ' if kind else ''}values"] if x.parameters else []
    described = [f"@param {typed}values.{y.name} - {y.meaning}" for y in x.parameters]
    doc = wrapped([x.title, *x.notes, *values, *described, f"@returns {typed}{x.unit}".rstrip()], " * ")
    return "\n".join(["/**", *doc, " */", head, SCRIPT.body(x) + "}\n"])


def c_layout(x: FunctionText) -> str:
    """A function of doubles."""
    head = parameter_list(f"double {x.name}(", [f"double {y}" for y in x.arguments] or ["void"], ")")
    doc = wrapped([x.title, *x.notes, *(f"@param {y.name} {y.meaning}" for y in x.parameters)], " * ")
    unused = (f"    (void){y};" for y in x.unused)
    return "\n".join(["/**", *doc, " */", head, "{", *unused, C.body(x) + "}\n"])


def rust_layout(x: FunctionText) -> str:
    """A public function of f64."""
    head = parameter_list(f"pub fn {x.name}(", [f"{y}: f64" for y in x.arguments], ") -> f64 {")
    allowed = ["non_snake_case"] * bool(x.arguments or x.steps) + ["unused_variables"] * bool(x.unused)
    doc = [y.rstrip() for y in wrapped(markdown_doc(x), "/// ")]
    return "\n".join([*doc, *([f"#[allow({', '.join(allowed)})]"] if allowed else []), head, RUST.body(x) + "}\n"])


def julia_layout(x: FunctionText) -> str:
    """A function with named arguments, which become doubles: whole numbers of 64 bits overflow without a word."""
    call = f"{x.name}({'; ' if x.arguments else ''}{', '.join(x.arguments)})"
    typed = parameter_list(f"function {x.name}({'; ' if x.arguments else ''}", [f"{y}::Real" for y in x.arguments], ")")
    doc = [*wrapped([call], "    "), "", *(y.replace("$", "\\$") for y in wrapped(markdown_doc(x), ""))]
    doubles = (f"    {y} = Float64({y})" for y in x.used)
    return "\n".join(['"""', *doc, '"""', typed, *doubles, PYTHON.body(x) + "end\n"])


def markdown_doc(x: FunctionText) -> list[str]:
    """A doc comment in Markdown."""
    parameters = [f"- `{y.name}`: {y.meaning}" for y in x.parameters]
    return [x.title, "", *x.notes, *([""] if parameters else []), *parameters]


def parameter_list(opening: str, parameters: Sequence[str], closing: str, comma: str = ", ") -> str:
    """The head of a function, its parameters on further lines where one would be long."""
    text = f"{opening}{comma.join(parameters)}{closing}"
    if len(text) <= WIDTH:
        return text
    inner = wrap(comma.join(parameters), WIDTH - len(STEP), break_on_hyphens=False)
    return "\n".join([opening.rstrip(), *(STEP + line for line in inner), closing.lstrip()])
