"""Exported formulas, run in their languages: each gives what a report says, to the last digit its numbers can hold."""

import json
import keyword
import random
import re
import shutil
import subprocess
from fractions import Fraction
from math import floor, inf, isclose, nextafter
from xml.etree import ElementTree

import pytest
from click.testing import CliRunner

import symroof
from symroof import symbols as s
from symroof.cli import cli
from symroof.cost import batch_sums
from symroof.cost.batch import queries
from symroof.export import code, json_trees, mathml, spreadsheet
from symroof.export.code.folding import folded_lines
from symroof.export.code.syntax import tree_source
from symroof.export.functions import bound_functions, unbound_functions
from symroof.export.naming import function_name
from symroof.export.trees import Node
from symroof.render.forms import FORMULA_FORMS

# A model of every kind: dense, latent with experts, sliding, chunked, compressed, indexed, hybrid, recurrent, mxfp4.
MODELS = (
    "llama-3.1-8b",
    "deepseek-v3",
    "gemma-2-2b",
    "llama-4-scout",
    "deepseek-v4-flash",
    "glm-5",
    "qwen3-next-80b-a3b",
    "mamba-130m",
    "gpt-oss-20b",
)
QUANTITIES = ("flops", "bytes", "weight_bytes", "cache_size", "parameters")
ULPS = 16  # roundings that a double of some ten operations may be off by
TOOLS = ("node", "cc", "rustc", "julia")


def points(seed):
    """Batches small and large, with windows and blocks not full, just full and passed; every figure is below 2^53."""
    draw = random.Random(seed)
    fixed = [(1, 1, 0), (2, 128, 0), (1, 1, 127), (3, 5, 8190)]
    return [dict(zip("Bnc", x, strict=True)) for x in fixed] + [
        {"B": draw.randint(1, 300), "n": draw.randint(1, 3000), "c": draw.randint(0, 60000)} for _ in range(4)
    ]


def told(model, values):
    """What a report says."""
    report = model.report(values["n"], values["c"], values["B"])
    return {
        "flops": report.total.flops,
        "bytes": report.total.moved,
        "weight_bytes": report.total.weight_read,
        "cache_size": report.storage.cache,
        "parameters": model.parameters.total,
    }


def of_uniform(name):
    model = symroof.load(name)
    cases = [(values, told(model, values)) for values in points(name)]
    return bound_functions(model, QUANTITIES, free=["B", "n", "c"]), cases


def of_all_symbols(name):
    """All symbols as arguments: the values that a report of a ragged batch puts in."""
    model, names = symroof.load(name), ("flops", "bytes")
    export = unbound_functions(model, names)
    sums = batch_sums.sum_over_queries(queries([1, 4], [9, 20000], 6), model.definitions(), model.sizes)
    widths = {s.symbol(x): value for x, value in model.precision().widths().items()}
    bound = symroof.Binding(model.definitions(), sums, model.sizes, widths)
    values = {str(x): Fraction(str(bound(x))) for f in export.functions for x in f.arguments}
    total = model.report([1, 4], [9, 20000], 6).total
    return export, [(values, {"flops": total.flops, "bytes": total.moved})]


@pytest.fixture(scope="module")
def exports():
    """(export, [(values of its arguments, what each quantity comes to)])."""
    return [*map(of_uniform, MODELS), of_all_symbols("llama-3.1-8b"), of_all_symbols("llama-4-scout")]


def calls(exports):
    """(number of the export, its function, values of its arguments, what it should give)."""
    for i, (export, cases) in enumerate(exports):
        for values, expected in cases:
            for x in export.functions:
                arguments = {str(a): values[str(a)] for a in x.arguments}
                yield i, x.name, arguments, expected[x.quantity.name]


def near(found, expected, ulps=ULPS):
    """Whether a double is that number, within some of its last digits."""
    expected = float(expected)
    return abs(found - expected) <= ulps * (nextafter(abs(expected), inf) - abs(expected))


def check(exports, found):
    wanted = list(calls(exports))
    assert len(found) == len(wanted)
    wrong = [(*x, y) for x, y in zip(wanted, found, strict=True) if not near(y, x[3])]
    assert not wrong, wrong[:3]


def ran(*words):
    done = subprocess.run(words, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    return [float(line) for line in done.stdout.split()]


def needs(tool):
    return pytest.mark.skipif(not shutil.which(tool), reason=f"no {tool} to run the exported source with")


def test_some_language_besides_python_can_be_run():
    assert any(map(shutil.which, TOOLS)), f"none of {', '.join(TOOLS)}: exported source is not tested at all"


def loaded(export, language):
    space = {}
    exec(compile(code.code_file(export, language), language, "exec"), space)
    return space


def test_python_is_exact(exports):
    spaces = [loaded(export, "python") for export, _ in exports]
    for i, name, arguments, expected in calls(exports):
        found = spaces[i][name](**arguments)
        exact = isinstance(expected, int | Fraction)
        assert found == expected if exact else near(found, expected), (i, name, arguments)
        assert isinstance(found, int | Fraction) or not exact


def test_python_is_exact_at_any_size():
    model = symroof.load("gemma-2-2b")
    space = loaded(bound_functions(model, QUANTITIES, free=["B", "n", "c"]), "python")
    values = {"B": 10**6, "n": 10**9 + 7, "c": 10**12 + 1}
    for name, expected in told(model, values).items():
        assert space[f"gemma_2_2b_{name}"](**values) == expected


def test_numpy_takes_arrays(exports):
    np = pytest.importorskip("numpy")
    spaces = [loaded(export, "numpy") for export, _ in exports]
    check(
        exports,
        [
            float(spaces[i][name](**{x: float(y) for x, y in arguments.items()}))
            for i, name, arguments, _ in calls(exports)
        ],
    )
    large = spaces[0]["llama_3_1_8b_flops"](B=np.array([1, 10**6]), n=np.array([1, 10**9]), c=np.array(0))
    assert large[1] > 10**25  # in whole numbers of 64 bits it would have overflowed


def written_modules(exports, form, folder, ending, head=""):
    """A file for each export; the source that calls all functions, each module being m0, m1, ..."""
    lines = [head]
    for i, (export, _) in enumerate(exports):
        (folder / f"m{i}.{ending}").write_text(code.code_file(export, form), encoding="utf-8")
        lines.append(f'import * as m{i} from "./m{i}.{ending}";')
    for i, name, arguments, _ in calls(exports):
        given = json.dumps({x: float(y) for x, y in arguments.items()}) if arguments else ""
        lines.append(f"console.log(m{i}.{name}({given}));")
    return "\n".join(lines)


@needs("node")
def test_javascript_is_a_module_that_runs(exports, tmp_path):
    (tmp_path / "main.mjs").write_text(written_modules(exports, "javascript", tmp_path, "mjs"), encoding="utf-8")
    assert ran("node", str(tmp_path / "m0.mjs")) == []
    check(exports, ran("node", str(tmp_path / "main.mjs")))


@needs("tsc")
def test_typescript_is_strict(exports, tmp_path):
    main = written_modules(exports, "typescript", tmp_path, "ts", "declare const console: { log(x: number): void };")
    (tmp_path / "main.ts").write_text(re.sub(r'(from "\./m\d+)\.ts', r"\1", main), encoding="utf-8")
    flags = "--strict --noUnusedLocals --noUnusedParameters --noEmit --target es2020 --module esnext"
    ran("tsc", *flags.split(), "--moduleResolution", "bundler", "--lib", "es2020", str(tmp_path / "main.ts"))


@needs("node")
def test_typescript_runs_where_node_strips_types(exports, tmp_path):
    if (
        "true"
        not in subprocess.run(
            ["node", "-p", "!!process.features.typescript"], capture_output=True, text=True, check=True
        ).stdout
    ):
        pytest.skip("this Node strips no types")
    (tmp_path / "main.ts").write_text(written_modules(exports, "typescript", tmp_path, "ts"), encoding="utf-8")
    check(exports, ran("node", str(tmp_path / "main.ts")))


def without_types(source):
    """TypeScript of exported functions as JavaScript: the head of each has its types stripped."""
    source = re.sub(r"\((\{[^}]*\}|_): \{[^}]*\}\)", r"(\1)", source)
    return source.replace("): number {", ") {")


@needs("node")
def test_typescript_without_its_types_is_javascript(exports, tmp_path):
    files = written_modules(exports, "typescript", tmp_path, "ts").replace('.ts"', '.mjs"')
    for path in tmp_path.glob("*.ts"):
        path.with_suffix(".mjs").write_text(without_types(path.read_text(encoding="utf-8")), encoding="utf-8")
    (tmp_path / "main.mjs").write_text(files, encoding="utf-8")
    check(exports, ran("node", str(tmp_path / "main.mjs")))


def from_julia(source):
    """The functions of exported Julia as Python: bodies are assignments and one result."""
    out, python = [], {"^": "**", "Float64(": "float("}
    for text in re.findall(r"^function .*?^end$", re.sub(r'""".*?"""', "", source, flags=re.DOTALL), re.M | re.DOTALL):
        head, body = re.fullmatch(r"function (\w+\([^)]*\))\n(.*)end", text, re.DOTALL).groups()
        head = re.sub(r";\s", "*, ", head).replace("::Real", "")
        for word, other in python.items():
            body = body.replace(word, other)
        out.append(f"def {head}:\n{body}")
    return "\n".join(out)


def test_julia_comes_to_the_same(exports):
    """Where there is no Julia: what these functions use of it differs from Python in the sign of a power only."""
    spaces = []
    for export, _ in exports:
        source = code.code_file(export, "julia")
        assert source.count("\nfunction ") == source.count("\nend\n") == len(export.functions)
        assert not re.search(
            r"//|%|(?<![\w.])[\d.]+(?![\d.])[(\w]", re.sub(r'""".*?"""|(?m:#.*?$)', "", source, flags=re.DOTALL)
        )
        spaces.append({"floor": floor})
        exec(compile(from_julia(source), "julia", "exec"), spaces[-1])
    check(exports, [float(spaces[i][name](**arguments)) for i, name, arguments, _ in calls(exports)])


@needs("julia")
def test_julia(exports, tmp_path):
    files = [f"module m{i}\n{code.code_file(export, 'julia')}end\n" for i, (export, _) in enumerate(exports)]
    shown = (
        f"println(m{i}.{name}({', '.join(f'{x}={float(y)!r}' for x, y in arguments.items())}))"
        for i, name, arguments, _ in calls(exports)
    )
    (tmp_path / "formulas.jl").write_text("\n".join([*files, *shown]), encoding="utf-8")
    check(exports, ran("julia", str(tmp_path / "formulas.jl")))


@needs("cc")
def test_c(exports, tmp_path):
    parts = ["#include <stdio.h>\n#include <time.h>\n"]
    for i, (export, _) in enumerate(exports):
        source = code.code_file(export, "c")
        parts.append(re.sub(r"^double ", f"double x{i}_", source, flags=re.MULTILINE))
    shown = (
        f'    printf("%.17g\\n", x{i}_{name}({", ".join(repr(float(y)) for y in arguments.values())}));\n'
        for i, name, arguments, _ in calls(exports)
    )
    path = tmp_path / "formulas.c"
    path.write_text("".join(parts) + "int main(void)\n{\n" + "".join(shown) + "    return 0;\n}\n", encoding="utf-8")
    ran("cc", "-std=c99", "-Wall", "-Wextra", "-Werror", "-o", str(tmp_path / "formulas"), str(path), "-lm")
    check(exports, ran(str(tmp_path / "formulas")))


@needs("rustc")
def test_rust(exports, tmp_path):
    modules = "".join(f"mod m{i} {{\n{code.code_file(export, 'rust')}\n}}\n" for i, (export, _) in enumerate(exports))
    shown = (
        f'    println!("{{:?}}", m{i}::{name}({", ".join(repr(float(y)) for y in arguments.values())}));\n'
        for i, name, arguments, _ in calls(exports)
    )
    path = tmp_path / "formulas.rs"
    path.write_text(f"{modules}fn main() {{\n{''.join(shown)}}}\n", encoding="utf-8")
    ran("rustc", "-D", "warnings", "--edition", "2021", "-o", str(tmp_path / "formulas"), str(path))
    check(exports, ran(str(tmp_path / "formulas")))


def test_a_spreadsheet_cell(exports):
    formulas = pytest.importorskip("formulas", reason="no spreadsheet engine: pip install formulas")
    parser = formulas.Parser()
    for export, cases in exports[: len(MODELS)]:
        lines = [x for x in spreadsheet.render_spreadsheet(export).splitlines() if x.startswith("=")]
        for x, line in zip(export.functions, lines, strict=True):
            values, expected = cases[-1]
            if line.startswith("=LET("):
                for a in map(str, x.arguments):
                    line, times = re.subn(rf"(?<=[(,\s]){a}_, [01]\b", f"{a}_, {values[a]}", line, count=1)
                    assert times == 1
                # the engine hands over only those names that the last operand has
                pairs = re.findall(r"(?:^=LET\(|, )([A-Za-z]\w*)(?=, )", line)
                line = f"{line[:-1]} + 0*({' + '.join(dict.fromkeys(pairs))}))"
            found = float(parser.ast(line)[1].compile()())
            assert near(found, expected[x.quantity.name]), (export.model.name, x.quantity.name)


def test_names_in_a_spreadsheet_differ_by_more_than_case():
    names = [spreadsheet.spreadsheet_name(name) for name in [*s.VOCABULARY, "x_1"]]
    assert len({name.lower() for name in names}) == len(names)
    assert not any(re.fullmatch(r"[RC]\d*|[A-Z]{1,3}\d+", name, re.IGNORECASE) for name in names)


def test_a_formula_that_no_cell_holds_is_refused(monkeypatch):
    export = unbound_functions(symroof.load("llama-4-scout"), ["bytes"])
    names = len(export.functions[0].arguments)
    for limit, most in (("LONGEST", 500), ("PAIRS", names - 1)):
        with monkeypatch.context() as patch:
            patch.setattr(spreadsheet, limit, most)
            with pytest.raises(
                symroof.SymroofError, match=rf"bytes is a formula of [\d,]+ characters and {names} names"
            ):
                spreadsheet.render_spreadsheet(export)


def valued(tree, known):
    """What a tree of schema symroof.formula/1 comes to."""
    if "number" in tree:
        return Fraction(tree["number"])
    if "symbol" in tree:
        return known[tree["symbol"]]
    first, *rest = args = [valued(x, known) for x in tree["args"]]
    match tree["op"]:
        case "add":
            return sum(args)
        case "mul":
            return first * valued({"op": "mul", "args": tree["args"][1:]}, known) if rest else first
        case "div":
            return Fraction(first) / rest[0]
        case "pow":
            return first ** int(rest[0])
        case "neg":
            return -first
        case "floor":
            return floor(first)
    return {"min": min, "max": max}[tree["op"]](args)


def test_json_is_exact(exports):
    documents = [json.loads(json_trees.formulas_json(export)) for export, _ in exports]
    for i, name, arguments, expected in calls(exports):
        if not isinstance(expected, int | Fraction):
            continue  # a power of many tokens: a report has a float there
        x = next(x for x in documents[i]["formulas"] if x["name"] == name)
        assert x["arguments"] == list(arguments)
        known = dict(arguments)
        for step in x["steps"]:
            known[step["name"]] = valued(step["value"], known)
        assert valued(x["value"], known) == expected


def test_json_says_what_each_symbol_is():
    found = json.loads(
        json_trees.formulas_json(
            bound_functions(symroof.load("llama-3.1-8b"), ["flops", "bytes"], free=["d", "B", "n", "c"])
        )
    )
    assert found["schema"] == "symroof.formula/1"
    assert found["symbols"]["d"]["meaning"] == s.entry("d").meaning
    assert found["symbols"]["d"]["value"] == 4096
    assert [x["unit"] for x in found["formulas"]] == ["FLOP", "byte"]
    assert [x["precision"] and x["precision"]["cache"] for x in found["formulas"]] == [None, "bf16"]


def source_of(element):
    """A presentation element as Python source."""
    tag, inner = element.tag.rpartition("}")[2], [source_of(x) for x in element]
    text = (element.text or "").strip()
    if tag == "mfrac":
        return f"(Fraction({inner[0]})/({inner[1]}))"
    if tag == "msup":
        return f"({inner[0]})**({inner[1]})"
    if tag == "msub":
        return "_".join(inner).replace(",", "_")
    marks = {"−": "-", "\u2062": "*", "\u2061": "", "⌊": "floor(", "⌋": ")"}
    return marks.get(text, text) + "".join(inner)


def test_mathml_says_the_same(exports):
    for export, cases in exports[: len(MODELS)]:
        page = ElementTree.fromstring(f"<page>{mathml.formulas_mathml(export)}</page>")
        for x, element in zip(export.functions, page, strict=True):
            *rows, texts = *([source_of(cell) for cell in row] for row in element[0]), []
            for name, sign, text in rows:  # a row without a name goes on with the one above
                texts[-1:] = [texts[-1] + sign + text] if not name else [*texts[-1:], f"{name}{sign}{text}"]
            values, expected = cases[0]
            space = {"Fraction": Fraction, "floor": floor, **values}
            for text in [*texts[1:], texts[0]]:
                exec(text, space)
            assert space[x.quantity.name] == expected[x.quantity.name], (export.model.name, x.quantity.name)


def test_text_and_latex_have_the_same_formulas(exports):
    for export, cases in exports[: len(MODELS)]:
        values, expected = cases[0]
        numbers = {s.symbol(x): y for x, y in values.items()}
        for x in export.formulas:
            assert x.total.free_symbols <= {s.B, s.n, s.c}
            assert isclose(symroof.Binding(numbers)(x.total), expected[x.quantity.name], rel_tol=1e-14)


@pytest.mark.parametrize("x", [2**53 - 1, 2**53 + 2, 10**15 - 1, 10**15, 10**30 + 7, 0.1, 1e-30, 5e300], ids=str)
@pytest.mark.parametrize("language", ["numpy", "javascript", "c", "rust", "julia", "excel"])
def test_no_literal_overflows_or_loses_a_digit(language, x):
    y = spreadsheet.SHEET if language == "excel" else code.LANGUAGES[language].syntax
    text = tree_source(Fraction(x) if isinstance(x, int) else x, y)
    assert float(eval(re.sub(r"\^(\d+)", r"**\1", text))) == float(x)
    if language == "excel":
        assert all(len(digits.strip("0")) <= 15 for digits in re.findall(r"\d+", text))
    elif language in ("c", "rust", "julia"):
        assert re.search(r"[.e]", text)


@pytest.mark.parametrize("language", code.LANGUAGES)
def test_a_fraction_too_large_for_doubles_is_the_nearest_one(language):
    x = Fraction(3**700, 5**480)
    text = tree_source(x, code.LANGUAGES[language].syntax)
    assert eval(text, {"ratio": Fraction}) == (x if language == "python" else float(x))


def test_a_product_of_a_power_keeps_its_sign_and_its_parentheses():
    x = Node(
        "add", (Node("neg", (Node("pow", ("n", Fraction(3))),)), Node("mul", ("B", Node("add", ("n", Fraction(1))))))
    )
    space = {"n": 2, "B": 5, "power": pow, "POWER": pow}
    assert eval(tree_source(x, code.LANGUAGES["python"].syntax), dict(space)) == 7
    assert tree_source(x, code.LANGUAGES["c"].syntax) == "-pow(n, 3.0) + B*(n + 1.0)"


def call(*words, code=0):
    result = CliRunner().invoke(cli, ["formula", *words])
    assert result.exit_code == code, result.output
    return result.stdout + result.stderr


@pytest.mark.parametrize("form", FORMULA_FORMS)
def test_every_form_is_written_to_a_file_and_ends_its_last_line(form, tmp_path):
    words = ("deepseek-v3", "--quantity", "flops,bytes", "--free", "B,n,c", "--format", form)
    path = tmp_path / "out"
    assert call(*words, "-o", str(path)) == ""
    text = path.read_text(encoding="utf-8")
    assert text == call(*words)
    assert text.endswith("\n")
    assert not text.endswith("\n\n")
    assert not any(line != line.rstrip() for line in text.splitlines())


@pytest.mark.parametrize("form", [x for x in FORMULA_FORMS if x not in ("text", "latex", "markdown", "json")])
def test_a_file_says_what_it_computes(form):
    text = call("deepseek-v3", "--quantity", "bytes", "--free", "B,n,c", "--format", form, "--cache", "fp8")
    flat = " ".join(re.sub(r"^ *[*/#]+ ", "", text, flags=re.MULTILINE).split())
    for words in (
        "deepseek-v3",
        "bytes moved",
        "Rules: standard",
        "cache fp8 (given as cache)",
        "new tokens of a query",
    ):
        assert words in flat


@pytest.mark.parametrize("form", code.LANGUAGES)
@pytest.mark.parametrize("free", ["B,n,c", "c,B,n", "n,sigma,c,B"])
def test_every_function_takes_the_symbols_asked_for_in_their_order(form, free):
    """Also where one drops out of the formula: parameters depend on none of them, weight bytes on no c."""
    names = free.split(",")
    text = call("llama-3.1-8b", "--quantity", "flops,weight_bytes,parameters", "--free", free, "--format", form)
    heads = re.findall(
        r"^(?:export function|function|pub fn|def|double) (llama\w*)\((.*?)\)", text, re.MULTILINE | re.DOTALL
    )
    assert [name for name, _ in heads] == [f"llama_3_1_8b_{x}" for x in ("flops", "weight_bytes", "parameters")]
    for _, arguments in heads:
        typed = arguments.rpartition(": {")[2] if form == "typescript" else arguments
        assert [x for x in re.findall(r"\w+", typed) if x not in ("number", "f64", "double", "Real")] == names
    flat = re.sub(r"\s+(\*|//+)?\s*", " ", text)
    assert flat.count("not in this formula") == (2 if "sigma" in names else 1) + len(names)


@pytest.mark.parametrize("free", ["B,n,c", "c,B,n"])
def test_a_cell_and_json_have_the_symbols_asked_for_in_their_order(free):
    words = ("llama-3.1-8b", "--quantity", "flops,weight_bytes,parameters", "--free", free, "--format")
    cells = [x for x in call(*words, "excel").splitlines() if x.startswith("=")]
    assert [re.findall(r"\b([Bnc])_, [01]\b", x) for x in cells] == 3 * [free.split(",")]
    assert [x["arguments"] for x in json.loads(call(*words, "json"))["formulas"]] == 3 * [free.split(",")]


@pytest.mark.parametrize(
    ("model", "op", "machine", "name"),
    [
        ("llama-3.1-8b", "", "", "llama_3_1_8b_time"),
        ("llama-3.1-8b", "mlp/down", "h100-sxm", "llama_3_1_8b_mlp_down_time_on_h100_sxm"),
        (
            "Qwen/Qwen3-8B",
            "moe/experts.gate_up",
            "8 x h100-sxm",
            "qwen_qwen3_8b_moe_experts_gate_up_time_on_8_x_h100_sxm",
        ),
        ("01-ai/Yi-34B", "", "", "model_01_ai_yi_34b_time"),
        ("名", "", "", "model_time"),
    ],
)
def test_a_function_is_named_after_model_part_quantity_and_machine(model, op, machine, name):
    assert function_name(model, op, "time", machine) == name


def test_no_symbol_is_a_word_of_a_language():
    """Python's are keyword.kwlist; of the others those of one or two letters, which symbols may be."""
    reserved = {*keyword.kwlist, "do", "if", "in", "of", "as", "fn", "is", "or", "ratio", "power", "np"}
    assert not reserved & {*s.VOCABULARY}


@pytest.mark.parametrize("form", code.LANGUAGES)
def test_no_line_is_longer_than_100_columns(form, exports):
    for export, _ in exports:
        lines = code.code_file(export, form).splitlines()
        assert max(map(len, lines)) <= 100, (export.model.name, max(lines, key=len))


@pytest.mark.parametrize(
    "text", ["a*(bb + cc*(d - e)) - ffff", "m(aa + b, c*(d - eee), f)", "(a + b)*(c - d)/(e + f*g)"]
)
@pytest.mark.parametrize("room", [1, 8, 12, 100])
def test_folding_changes_nothing_but_white_space(text, room):
    lines = folded_lines(text, room)
    assert "".join("".join(lines).split()) == text.replace(" ", "")
    assert len(lines) == 1 or all(x.count("(") == x.count(")") or x[-1] == "(" or x.strip()[0] == ")" for x in lines)
    assert eval(
        "(" + "\n".join(lines) + ")",
        dict.fromkeys("abdefg", 3) | {"bb": 5, "cc": 7, "ffff": 11, "m": max, "aa": 13, "eee": 17, "c": 19},
    )


@pytest.mark.parametrize("form", code.LANGUAGES)
def test_helpers_only_where_they_are_needed(form):
    dense = call("llama-3.1-8b", "--quantity", "parameters", "--free", "B,n,c", "--format", form)
    assert not any(word in dense for word in ("def power", "def ratio", "Math."))


def test_the_options_of_a_step_are_heeded():
    space = {}
    exec(
        call(
            "llama-3.1-8b",
            "--quantity",
            "bytes,flops",
            "--free",
            "B,n,c",
            "--format",
            "python",
            "--dtype",
            "fp8",
            "--logits",
            "all",
            "--rules",
            "exact-dots",
            "--set",
            "V=1000",
        ),
        space,
    )
    model = symroof.load("llama-3.1-8b").with_sizes(V=1000)
    total = model.report(70, 900, 3, rules="exact-dots", logits="all", dtype="fp8").total
    assert space["llama_3_1_8b_bytes"](B=3, n=70, c=900) == total.moved
    assert space["llama_3_1_8b_flops"](B=3, n=70, c=900) == total.flops


def test_the_rules_of_a_tool_that_reads_no_quantization_config_bind_its_formats():
    model, rules = symroof.load("llama-3.1-70b-fp8"), "transformer-roofline-analyzer"
    export = bound_functions(model, ["bytes"], rules=rules, free=["B", "n", "c"])
    moved = model.report(3, 7, 2, rules=rules).total.moved
    assert loaded(export, "python")["llama_3_1_70b_fp8_bytes"](B=2, n=3, c=7) == moved


def test_sizes_choices_and_rates_can_stay_free():
    space = {}
    rates = {"F": 10**15, "F_v": 10**14, "W": 3 * 10**12, "u_F": Fraction(1, 2), "u_W": Fraction(4, 5), "t_0": 0}
    free = ",".join(["d", "sigma", "B", "n", "c", *rates])
    exec(call("llama-3.1-8b", "--quantity", "matmul_flops,time", "--free", free, "--format", "python"), space)
    model = symroof.load("llama-3.1-8b").with_sizes(d=2048)
    report = model.report(7, 100, 2, rules="exact-dots").total
    step = {"d": 2048, "sigma": 1, "B": 2, "n": 7, "c": 100}
    assert space["llama_3_1_8b_matmul_flops"](**step, **rates) == report.matmul
    slow = max(
        Fraction(report.matmul) / (rates["F"] * rates["u_F"]), Fraction(report.moved) / (rates["W"] * rates["u_W"])
    )
    assert slow <= space["llama_3_1_8b_time"](**step, **rates) <= 2 * slow


@pytest.mark.parametrize(
    ("words", "parts", "exit_code"),
    [
        ("--format pyhton", ["'pyhton'", "javascript"], 2),
        ("--quantity flop --free B,n,c", ["'flop'", "did you mean 'flops'"], 2),
        ("--free B,n,c,b_q", ["unknown symbol 'b_q'", "did you mean"], 2),
        ("--free B,n,c,N_e", ["--free N_e", "have no such symbol", "H_kv"], 2),
        ("--free c,B --quantity flops", ["flops: neither bound nor free: n", "--free c,B,n"], 2),
        ("--free T --quantity flops", ["P, R", "--free T,P,R", "or B,n,c"], 2),
        ("--free B,n,c --quantity time", ["F, F_v, W", "--on h100-sxm", "--free B,n,c,F"], 2),
        ("--cache fp8", ["--cache", "--free B,n,c"], 2),
        ("--free B,n,c --dtype bf17", ["'bf17'"], 2),
    ],
)
def test_mistakes_are_told(words, parts, exit_code):
    text = call("llama-3.1-8b", *words.split(), code=exit_code)
    assert all(part in text for part in parts), text


def test_the_name_of_a_model_ends_no_comment(tmp_path):
    folder = tmp_path / 'a*" " " $(b) \\u'.replace(" ", "")
    folder.mkdir()
    config = {
        "model_type": "llama",
        "hidden_size": 64,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
        "intermediate_size": 128,
        "vocab_size": 100,
        "torch_dtype": "bfloat16",
        "tie_word_embeddings": False,
    }
    (folder / "config.json").write_text(json.dumps(config), encoding="utf-8")
    export = bound_functions(symroof.load(str(folder)), ["flops"], free=["B", "n", "c"])
    name = export.functions[0].name
    assert loaded(export, "python")[name](B=1, n=1, c=0) > 0
    assert all(code.code_file(export, form).count("*/") == 1 for form in ("c", "javascript", "typescript"))
    assert "\\$(b)" in (julia := code.code_file(export, "julia"))
    assert julia.count('"""') == 2
    assert not re.search(r"[^\\]\$", julia.partition('"""')[2])
    assert re.search(r"^double [a-z]\w*_flops\(", code.code_file(export, "c"), re.MULTILINE)
    ElementTree.fromstring(f"<page>{mathml.formulas_mathml(export)}</page>")
