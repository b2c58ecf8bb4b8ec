"""What limits, compare, solve, knobs and roofline print is read back: the engine's expressions, in short lines.

Regular runs take some models; with SYMROOF_ALL_MODELS in the environment all built-in ones are taken.
"""

import os
import re
from functools import cache

import pytest
import sympy
from click.testing import CliRunner
from printed_formulas import parse_formula, same
from sympy import Integer, Rational, Symbol

import symroof
from symroof.algebra.points import Point
from symroof.analysis.limits import limits
from symroof.analysis.model_diff import Differences, changed_symbol, compare
from symroof.cli import cli
from symroof.config.catalogue import model_catalogue
from symroof.model import operator_formulas
from symroof.render.results.limits import limits_text
from symroof.render.results.model_diff import differences_text
from symroof.render.results.sensitivity import knobs_text
from symroof.render.solution.text import solution_text

SOME = (
    "llama-3.1-8b",
    "deepseek-v3",
    "deepseek-v3.2",
    "deepseek-v4-flash",
    "gemma-3-12b",
    "gemma-3n-e4b",
    "gpt2",
    "gpt-oss-20b",
    "jamba-v0.1",
    "kimi-k2",
    "llama-4-scout",
    "longcat-flash",
    "mamba-codestral-7b",
    "minimax-text-01",
    "mixtral-8x7b",
    "nemotron-3-nano-30b-a3b",
    "falcon-7b",
    "qwen3-next-80b-a3b",
    "rwkv-5-world-3b",
    "falcon-mamba-7b",
)
MODELS = (
    sorted(model_catalogue()) if os.environ.get("SYMROOF_ALL_MODELS") else [x for x in SOME if x in model_catalogue()]
)
NUMBER = re.compile(r"^= [-\d.]")


def rows(section: str, column: int) -> dict[str, tuple[str, dict[str, sympy.Expr]]]:
    """Name of each row of a section whose formulas begin in a column -> its formula, and what is defined below it."""
    found: dict[str, tuple[str, dict[str, str]]] = {}
    name = defined = ""
    for line in section.splitlines():
        start = re.match(r" {4}(?:where|     ) ([\w']+) = (.*)", line) if not line[2:4].strip() else None
        head, text = line[:column].strip(), line[column:].strip()
        if start:
            defined = start[1]
            found[name][1][defined] = start[2]
        elif (head and not defined) or (head and line[2] != " "):
            name, defined = head, ""
            found[name] = (text, {})
        elif NUMBER.match(text) and not defined:
            continue
        elif defined:
            found[name][1][defined] += " " + line.strip()
        else:
            found[name] = (f"{found[name][0]} {text}", found[name][1])
    return {name: (text, values(definitions)) for name, (text, definitions) in found.items()}


def values(definitions: dict[str, str]) -> dict[str, sympy.Expr]:
    """What names stand for, each defined in those below it or above it."""
    known: dict[str, sympy.Expr] = {}
    for name, text in reversed(definitions.items()):
        known[name] = parse_formula(text, known)
    return known


def check_lines(text: str) -> None:
    """Formulas fit 100 columns, a line has at most 12 terms, and nothing is left out."""
    assert "too long" not in text
    for line in text.splitlines():
        if re.match(r"^ +", line) and not re.match(r"^  as . grows", line):
            assert len(line) <= 100, line
            assert len(re.findall(r" [+-] ", line)) < 12, line


@pytest.mark.parametrize("name", MODELS)
def test_limits_read_back(name):
    found = limits(symroof.load(name), new=3, cached=2000, batch_size=2)
    text = limits_text(found)
    body = text.partition("Numbers:")[0]
    check_lines(body)
    sections = dict(part.split("\n", 1) for part in body.strip().split("\n\n")[1:])
    for limit in found.limits:
        section = sections[f"{limit.title} ({limit.symbol} -> oo)"]
        column = section.index("=", section.index("\n"))  # of a number below a formula
        column -= section.rindex("\n", 0, column) + 1
        printed = rows(section, column)
        assert set(printed) == {row.name for row in limit.rows}
        wholes = {}
        for row in limit.rows:
            formula, names = printed[row.name]
            if row.leading is None:
                assert formula == "-"
                continue
            wholes[row.name] = parse_formula(formula, {**names, **wholes})
            assert same(wholes[row.name], row.leading.expr), (row.name, formula)


@pytest.mark.parametrize("name", MODELS)
def test_passings_read_back(name):
    found = limits(symroof.load(name), batch_size=4)
    _, _, section = limits_text(found).partition("where attention passes the feed-forward networks\n")
    for x in found.passings:
        if x.root is not None:
            title = f"  in {x.name.rpartition(' ')[2]}, {x.condition}"
            column = re.search(rf"{re.escape(title)} +", section).end() - section.index(title)
            printed = rows(section.partition("\n\n")[0], column)
            formula, names = printed[title.strip()]
            symbol, _, text = formula.partition(" = ")
            assert symbol == str(x.symbol)
            assert same(parse_formula(text, names), x.solution)


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("what", [{"on": "h100-sxm"}, {"quantity": "flops"}, {"quantity": "bytes"}])
def test_knobs_read_back(name, what):
    found = symroof.knobs(symroof.load(name), anyway=True, new=2, cached=3000, batch_size=4, dtype="bf16", **what)
    section = knobs_text(found).split("\n\n")[1].partition("\n")[2]
    section = section[: re.search(r"^  = ", section, re.M).start()]
    check_lines(section)
    printed = rows(section, max(map(len, found.parts)) + 5)
    assert list(printed) == list(found.parts)
    for block, (formula, names) in printed.items():
        assert same(parse_formula(formula, names), found.parts[block]), block


PAIRS = [
    ("deepseek-v3", "kimi-k2"),
    ("llama-3.1-8b", "qwen3-8b"),
    ("gpt2", "llama-2-7b"),
    ("qwen3-8b", "gpt-oss-20b"),
    ("deepseek-v2-lite", "deepseek-v3"),
    ("llama-4-scout", "llama-3.1-8b"),
    ("deepseek-v3", "deepseek-v4-pro"),
    ("mamba-1.4b", "jamba-v0.1"),
]


@cache
def differences(one: str, other: str) -> Differences:
    """How two models differ."""
    return compare(symroof.load(one), symroof.load(other))


@pytest.mark.parametrize("names", PAIRS, ids=" ".join)
def test_slopes_of_sizes_come_to_the_parts(names):
    """(x' - x) times what a size adds is what it adds, at the sizes that the change starts from."""
    found = differences(*names)
    one, other = found.one, found.other
    point = dict(operator_formulas.model_point(one, {}).values)
    theirs = operator_formulas.model_point(other, {}).values
    for x in found.quantities.values():
        values, slopes = {**theirs, **point}, 0
        for part in (part for part in x.parts if part.slope is not None):
            symbol, after = symroof.symbols.symbol(part.name), changed_symbol(part.name)
            assert part.slope.free_symbols <= {*values, after, *map(symroof.symbols.symbol, "Bnc")}
            slopes += 1
            before, new = (Integer(y.replace(",", "")) if "." not in y else None for y in (part.before, part.after))
            if None in (before, new):
                continue
            at = {
                **values,
                after: new,
                symbol: before,
                **{z: theirs[z] for z in changed_before(x, part) if z in theirs},
            }
            batch = {symroof.symbols.symbol(z): i for z, i in (("B", 3), ("n", 2), ("c", 50))}
            assert Point({**at, **batch}).number((after - symbol) * part.slope) == Point(batch).number(part.expr)
        assert slopes or not any(part.group == "sizes" for part in x.parts)


def changed_before(x, part):
    """The symbols that are changed ahead of a part."""
    names = [y.name for y in x.parts[: x.parts.index(part)] if y.group != "structure"]
    return [symroof.symbols.symbol(y) for y in names]


@pytest.mark.parametrize("names", PAIRS, ids=" ".join)
def test_lines_of_differences(names):
    found = differences(*names)
    check_lines(differences_text(found).partition("Parts add up")[0])
    assert not re.search("^ +where", differences_text(found, full=True), re.M)


def test_the_line_of_kimi_k2():
    """Half the heads of DeepSeek-V3: what its attention computes by head, where it is absorbed."""
    text = differences_text(differences(*PAIRS[0]))
    line = re.search(r"H_q 128 -> 64 .*\n +absorbed +((?:.*\n)+?) +expanded", text)[1]
    formula = parse_formula(" ".join(line.split()).replace("(H_q' - H_q)", "1"))
    d, h_r, h_n, h_v, r_q, r_kv, n, c = map(symroof.symbols.symbol, ["d", "h_r", "h_n", "h_v", "r_q", "r_kv", "n", "c"])
    a_token = formula.xreplace({symroof.symbols.symbol(x): Integer(1) for x in "LB"}) / n
    assert sympy.expand(a_token.diff(r_q)) == 2 * h_n + 2 * h_r
    assert sympy.expand(a_token.diff(d)) == 2 * h_v
    keys = (n + 2 * c + 1) / 2  # that a token sees on average: a product of scores, one of values
    assert sympy.expand(a_token.diff(r_kv) - 2 * (h_n + h_v) - 4 * keys) == 0


QUESTIONS = [
    ("llama-3.1-8b", "time(h100-sxm).bound = compute", "B", {}),
    ("llama-3.1-8b", "time(h100-sxm).bound = compute", "n", {"cached": 100}),
    ("qwen2-72b", "time(a100-sxm-80gb).memory >= 100 ms", "c", {"batch_size": 8}),
    ("deepseek-v3", "N_x >= 0.9*N_e", "B", {}),
    ("mixtral-8x7b", "N_x = 7.5", "n", {"batch_size": 2}),
    ("deepseek-v3", "flops(head) = 1e12", "B", {}),
    ("llama-3.1-8b", "flops = 100e12", "n", {"cached": 1000}),
    ("llama-3.1-8b", "intensity >= 100", "B", {}),
    ("deepseek-v3", "cache_bytes = weight_bytes", "c", {}),
    ("llama-3.1-8b", "parameters = 20e9", "d", {}),
    ("qwen3-next-80b-a3b", "cache_size = 4 GiB", "c", {}),
    ("mamba-codestral-7b", "bytes = 2*weight_bytes", "B", {}),
]


@pytest.mark.parametrize(("name", "question", "x", "step"), QUESTIONS, ids=str)
def test_roots_read_back(name, question, x, step):
    model = symroof.load(name)
    found = symroof.solve(model, question, x, **step)
    text = solution_text(found)
    formula, definitions = printed_root(text, x)
    known: dict[str, sympy.Expr] = {}
    for y, form in reversed(definitions.items()):
        known[y] = parse_formula(form, known, UNITS)
    numbers = {**numbers_of(found), **{Symbol(y): z for y, z in UNITS.items()}}
    place = parse_formula(formula, known, UNITS).xreplace({y: sympy.sympify(z) for y, z in numbers.items()})
    assert abs(float(place) - float(found.answer)) <= 1 + 1e-9 * float(found.answer)


UNITS = {"100 ms": Rational(1, 10), "4 GiB": 2**32}


def numbers_of(found):
    """The values of sizes, widths, rates and the batch, and of the quantities that do not depend on the unknown."""
    scope = found.scope
    numbers = {**scope.batch, **scope.model.sizes, **operator_formulas.known_width_values(scope.precision)}
    for used in scope.platforms.values():
        numbers |= operator_formulas.rate_values(used, scope.precision, scope.forms)
    return numbers | {Symbol(x.name): leaf_value(found, x) for x in found.leaves.values() if not x.depends}


def leaf_value(found, leaf):
    """The number of a quantity."""
    return found.scope.total(leaf.quantity, leaf.path) if leaf.quantity else leaf.made


def printed_root(text, x):
    """The formula beside `x =`, and the definitions below it."""
    lines = text.splitlines()
    first = next(i for i, line in enumerate(lines) if re.match(rf"  {x} = +\S", line))
    block = []
    for line in lines[first:]:
        if not line.strip():
            break
        block.append(line)
    formula, definitions, name = block[0].partition("=")[2].strip(), {}, ""
    for line in block[1:]:
        start = re.match(r" {4}(?:where|     ) ([\w']+) = (.*)", line)
        if start:
            name = start[1]
            definitions[name] = start[2]
        elif name:
            definitions[name] += " " + line.strip()
        else:
            formula += " " + line.strip()
    return formula, definitions


@pytest.mark.parametrize("name", ["llama-3.1-8b", "gemma-3-12b", "deepseek-v3", "mamba-codestral-7b"])
def test_roots_of_crossovers(name):
    model = symroof.load(name)
    used = symroof.platform("h100-sxm")
    for x in symroof.crossovers(model, used, 4096, 8):
        if x.root is not None:
            at = operator_formulas.model_point(
                model, {symroof.symbols.symbol(y): z for y, z in (("B", 8), ("c", 4096), ("n", 1))}
            )
            rates = operator_formulas.rate_values(used, model.precision(), operator_formulas.operator_formulas(model))
            place = float(x.root.xreplace({y: sympy.sympify(z) for y, z in {**at.values, **rates}.items()}))
            assert x.value - 1 <= place * (1 + 1e-9)
            assert place <= x.value * (1 + 1e-9)


@pytest.mark.parametrize(
    "words",
    [
        ["limits", "deepseek-v4-flash"],
        ["compare", "deepseek-v3", "deepseek-v3.2", "--symbolic"],
        ["solve", "deepseek-v3", "cache_bytes = weight_bytes", "--for", "c"],
        ["knobs", "deepseek-v3", "--quantity", "bytes"],
        ["roofline", "deepseek-v3", "--on", "h100-sxm", "--gpus", "16"],
    ],
    ids=lambda words: words[0],
)
def test_full_formulas_have_no_names(words):
    short, full = (CliRunner().invoke(cli, [*words, *more], terminal_width=80) for more in ([], ["--full"]))
    assert (short.exit_code, full.exit_code) == (0, 0), full.output
    assert re.search(r"^ +where \w+ = ", short.stdout, re.M)
    assert not re.search(r"^ +where \w+ = ", full.stdout, re.M)


def test_full_goes_with_symbolic():
    result = CliRunner().invoke(cli, ["compare", "gpt2", "llama-2-7b", "--full"])
    assert result.exit_code == 2
    assert "--full goes with --symbolic" in result.stderr
