"""The package's shape: direction of imports, public names, what start-up loads, one definition of each symbol."""

import ast
import subprocess
import sys
from pathlib import Path
from typing import get_args

import pytest

import symroof
from symroof import kinds, rulebook, rules
from symroof import symbols as s
from symroof.cli import cli

ROOT = Path(symroof.__file__).parent

# A module imports only from lower levels.
LEVELS = {
    "frozen": -1, "files": -1, "exact": 0, "store": 0, "unevaluated": 0,
    "errors": 0, "kinds": 0, "quadratics": 0, "quantities": 0,
    "local": 1, "source": 1, "operations": 2,
    "architecture": 1, "dtypes": 1, "hub": 1, "queries": 1, "quoting": 1, "rulebook": 1, "symbols": 1, "tables": 1,
    "assembly": 2, "axes": 2, "binding": 2, "config": 2, "cost": 0, "machines": 2, "masks": 2, "notation": 2,
    "branches": 3, "growth": 4, "closed_forms": 14, "asymptotics": 15, "differences": 15, "elasticity": 15,
    "graph": 3, "ignored": 3, "models": 3, "modules": 3, "ops": 3, "rules": 3, "segments": 3, "steps": 3, "timing": 3,
    "keeping": 4, "devices": 4, "collectives": 4,
    "audit": 4, "grafts": 4, "blocks": 4, "formula": 4, "listing": 4, "piecewise": 4, "schemes": 4, "workload": 4,
    "analyzer": 5, "llm_viewer": 5, "quantization": 5,
    "foreign": 6, "precision": 6,
    "derivation": 7, "compiling": 8, "programs": 9, "arrays": 9, "evaluation": 10,
    "platforms": 7, "report": 11,
    "comparison": 12,
    "model": 13,
    "lineup": 14, "memory": 14, "crossings": 14, "functions": 14, "demand": 14, "training": 14, "schedule": 14,
    "backward": 15, "parallelism": 15, "footprint": 16,
    "conventions": 15, "fitting": 15, "rooflines": 15, "scaling": 15, "serving": 15, "ways": 15,
    "matching": 16, "optima": 16,
    "runs": 1, "units": 1, "language": 2, "decimals": 3, "terms": 3, "brackets": 4, "quotients": 4, "roots": 5,
    "tape": 2, "sheets": 3, "vectorised": 4, "grids": 5, "engines": 6, "plans": 7, "columns": 18, "sweeps": 19,
    "scope": 15, "clocks": 16, "isolating": 16, "unknowns": 16, "questions": 17, "solutions": 17, "solving": 18,
    "render": 18,
    "options": 19, "plots": 19, "terminal": 19,
    "commands": 20,
    "cli": 21,
}  # fmt: skip

# Reading a config, and telling a user of a mistake, does without these.
PLAIN = ("errors", "kinds", "architecture", "assembly", "dtypes", "hub", "queries", "rulebook", "config", "audit",
         "ignored", "models", "modules", "schemes", "quantization", "listing", "machines", "tables", "quantities",
         "quoting", "platforms", "precision", "options", "terminal", "units", "language",
         "local", "axes", "sheets", "tape", "grids", "engines", "plans",
         "cost", "exact", "store", "programs", "evaluation", "arrays", "report", "model", "lineup")  # fmt: skip


def module_of(path):
    parts = path.relative_to(ROOT).with_suffix("").parts
    return parts[0]


def imports(path):
    """(name of the symroof module, whether it is imported at the top) for each import of the package."""
    tree = ast.parse(path.read_text())
    top = set(map(id, tree.body))
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "symroof":
            found = [node.module.split(".")[1]] if "." in node.module else [alias.name for alias in node.names]
            yield from ((name, id(node) in top) for name in found)


def sources():
    return sorted(path for path in ROOT.rglob("*.py") if path.name != "__init__.py" or path.parent != ROOT)


@pytest.mark.parametrize("path", sources(), ids=lambda path: str(path.relative_to(ROOT)))
def test_a_module_imports_only_from_lower_levels(path):
    own = module_of(path)
    for name, at_top in imports(path):
        if name == own or name == "__version__":
            continue
        shown = own in ("report", "comparison", "lineup", "memory", "rooflines", "serving", "fitting",
                        "conventions", "matching", "asymptotics", "differences",
                        "elasticity", "solutions")  # fmt: skip  # print renders
        hook = not at_top and ((shown and name == "render") or (own, name) == ("model", "sweeps"))
        assert hook or LEVELS[name] < LEVELS[own], f"{own} imports {name}"


def test_every_module_has_a_level():
    assert {module_of(path) for path in sources()} == set(LEVELS)


def run(code):
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout


@pytest.mark.parametrize("name", PLAIN)
def test_the_reading_half_needs_no_sympy(name):
    loaded = run(f"import sys, symroof.{name}; print('sympy' in sys.modules, 'rich' in sys.modules)")
    assert loaded.split() == ["False", "False"]


def test_reading_a_config_needs_no_sympy():
    code = "import sys; from symroof import config, models; models.read(config.load_config('llama-4-scout'))"
    assert run(code + "; print('sympy' in sys.modules)").strip() == "False"


@pytest.mark.parametrize(
    "words",
    [
        ["--help"],
        ["report", "--help"],
        ["report", "lama-3"],
        ["report", "llama-3.1-8b", "--rules", "standart"],
        ["report", "llama-3.1-8b", "--dtype", "bf17"],
        ["report", "llama-3.1-8b", "--cached-tokens", "1", "2", "--input-tokens", "1", "2", "3"],
        ["report", "missing.json"],
        ["conventions", "llama-3.1-8b", "--match", "flop=1e9"],
        ["fit", "llama-3.1-8b", "--on", "h10"],
        ["report", "llama-3.1-8b", "--set", "H_kv=7"],
        ["serve", "--help"],
        ["serve", "llama-3.1-8b", "--prompt", "9", "--output-tokens", "5"],
        ["serve", "llama-3.1-8b", "--on", "h100", "--prompt", "9", "--output-tokens", "5"],
        ["serve", "llama-3.1-8b", "--on", "h100-sxm", "--prompt", "9", "--output-tokens", "0"],
        ["serve", "llama-3.1-8b", "--on", "h100-sxm", "--prompt", "9", "--output-tokens", "5", "--draft", "gpt2"],
        ["serve", "llama-3.1-8b", "--on", "h100-sxm", "--prompt", "9", "--output-tokens", "5", "--price", "abc"],
        ["serve", "lama-3.1-8b", "--on", "h100-sxm", "--prompt", "9", "--output-tokens", "5"],
        ["roofline", "--help"],
        ["roofline", "llama-3.1-8b"],
        ["roofline", "lama-3", "--on", "h100-sxm"],
        ["roofline", "llama-3.1-8b", "--on", "h100"],
        ["roofline", "llama-3.1-8b", "--on", "h100-sxm", "--mfu", "0"],
        ["roofline", "llama-3.1-8b", "--on", "h100-sxm", "--compute", "bf17"],
        ["roofline", "llama-3.1-8b", "--on", "h100-sxm", "--overhead", "nan"],
        ["roofline", "llama-3.1-8b", "--on", "h100-sxm", "--calibration", "missing.toml"],
        ["roofline", "llama-3.1-8b", "--on", "h100-sxm", "--input-tokens", "0"],
        ["roofline", "llama-3.1-8b", "--on", "h100-sxm", "--set", "H_kv=7"],
        ["roofline", "gpt2", "--on", "h100-sxm", "--dtype", "bf17"],
        ["roofline", "llama-3.1-8b", "--on", "h100-sxm", "--rules", "fussed"],
        ["sweep", "--help"],
        ["sweep", "llama-3.1-8b", "--over", "batch=0:9:+0"],
        ["sweep", "lama-3.1-8b", "--over", "batch=1:9"],
        ["sweep", "llama-3.1-8b", "--over", "on=h10,mi300x"],
        ["sweep", "llama-3.1-8b", "--over", "batch=1:9", "-o", "sweep.xls"],
        ["models"],
        ["machines"],
        ["rules"],
    ],
    ids=" ".join,
)
def test_help_and_mistakes_are_told_without_the_engine(words):
    code = (
        "import sys\nfrom symroof.cli import cli\n"
        f"try: cli({words!r}, standalone_mode=True)\nexcept SystemExit: pass\n"
        "print('loaded', [x for x in ('sympy', 'rich', 'numpy') if x in sys.modules])"
    )
    assert run(code).strip().splitlines()[-1] == "loaded []"


HEAVY = ("sympy", "numpy", "importlib.resources", "tempfile", "difflib")  # each takes milliseconds


@pytest.mark.parametrize(
    ("words", "commands", "models", "kinds", "heavy"),
    [
        (["--version"], "", "", "", ""),
        (["report", "--help"], "report", "", "", ""),
        (["machines", "--json"], "machines", "", "", ""),
        (["rules", "--json"], "rules", "", "", ""),
        (["report", "lama-3"], "report", "", "", "difflib"),
        (["report", "llama-3.1-8b", "--set", "H_kv=7"], "report", "llama", "attention feed_forward", ""),
        (["report", "gpt2", "--set", "H_q=0"], "report", "gpt", "attention feed_forward", ""),
        (["report", "mixtral-8x7b", "--set", "k=9"], "report", "mixtral patterns", "attention experts", ""),
        (["report", "llama-4-scout", "--set", "k=99"], "report", "llama4 wrappers",
         "attention experts feed_forward", ""),
        (["roofline", "qwen3-8b", "--on", "h100-sxm", "--set", "H_kv=7"], "on roofline", "patterns qwen",
         "attention feed_forward", ""),
    ],
    ids=" ".join,
)  # fmt: skip
def test_a_command_loads_what_it_needs(words, commands, models, kinds, heavy):
    code = f"import sys\nfrom symroof.cli import cli\ntry: cli({words!r})\nexcept SystemExit: pass\nprint(*sys.modules)"
    loaded = run(code).splitlines()[-1].split()
    shared = {"models": {"lineages", "reading"}}
    for package, expected in (("commands", commands), ("models", models), ("kinds", kinds)):
        found = {x.split(".")[2] for x in loaded if x.startswith(f"symroof.{package}.")}
        assert found - shared.get(package, set()) == set(expected.split())
    assert {x for x in HEAVY if x in loaded} == set(heavy.split())


def test_help_of_all_commands_reads_no_model():
    code = "import sys\nfrom symroof.cli import cli\ntry: cli(['--help'])\nexcept SystemExit: pass\nprint(*sys.modules)"
    loaded = run(code).splitlines()[-1].split()
    assert not {x for x in loaded if x.startswith(("symroof.models", "symroof.kinds", "symroof.architecture"))}


def test_each_command_is_a_module_of_its_name():
    assert {path.stem for path in (ROOT / "commands").glob("*.py")} - {"__init__", "on"} == set(cli.commands)
    assert all(command.name == name for name, command in cli.commands.items())


def test_kinds_are_found_where_they_are_defined():
    defined = {}
    for path in (ROOT / "kinds").glob("*.py"):
        classes = [x.name for x in ast.parse(path.read_text()).body if isinstance(x, ast.ClassDef)]
        defined |= dict.fromkeys(classes, path.stem)
    assert defined | {"Kind": "every"} == kinds._HOMES
    assert sorted(kinds.__all__) == sorted(kinds._HOMES)
    assert {x.__name__ for x in get_args(kinds.Kind)} == set(defined)
    with pytest.raises(AttributeError, match="Atention"):
        kinds.Atention  # noqa: B018


@pytest.mark.parametrize(
    "words",
    [
        "report llama-3.1-8b --cached-tokens 2048 --input-tokens 1",
        "report deepseek-v3.2 --cached-tokens 7 9 --batch-size 6 --weights fp8 --set L=9",
        *(f"report gpt-oss-20b --format {form}" for form in ("json", "csv", "markdown", "html", "latex")),
        "report llama-3.1-8b --rules transformers,fused --logits last",
        "report llama-3.1-8b --rules transformer-roofline-analyzer",
        "compare llama-3.1-8b qwen3-8b --cached-tokens 8192",
    ],
)
def test_numbers_of_a_structure_seen_before_need_no_sympy(words):
    code = (
        "import sys\nfrom symroof.cli import cli\n"
        f"try: cli({words.split()!r})\nexcept SystemExit: pass\n"
        "print('loaded', [x for x in ('sympy', 'numpy') if x in sys.modules])"
    )
    cold, warm = run(code), run(code)
    assert "'sympy'" in cold.splitlines()[-1] or cold == warm  # an earlier test may have seen it
    assert warm.splitlines()[-1] == "loaded []"
    assert warm.splitlines()[:-1] == cold.splitlines()[:-1]


def test_no_core_dependency_beyond_three():
    stdlib = sys.stdlib_module_names
    found = set()
    for path in sources():
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
                found.add(node.module.split(".")[0])
            elif isinstance(node, ast.Import):
                found |= {alias.name.split(".")[0] for alias in node.names}
    assert found - stdlib == {"symroof", "sympy", "click", "rich", "huggingface_hub", "matplotlib", "numpy",
                              "pandas", "pyarrow"}  # fmt: skip


def test_public_names():
    assert symroof.__all__ == [
        "Binding", "Block", "Cost", "Draft", "Machine", "Model", "Op", "Parallel", "Platform", "Query", "Report",
        "SymroofError", "Workload", "__version__", "by_convention", "compare", "crossovers", "fit", "init_printing",
        "knobs", "limits", "load", "machine", "match", "optimum", "platform", "roofline", "serve", "shape", "solve",
        "split", "sweep", "training_flops", "training_memory",
    ]  # fmt: skip
    assert all(getattr(symroof, name) is not None for name in symroof.__all__)
    assert dir(symroof) == sorted(symroof.__all__)
    with pytest.raises(AttributeError, match="lod"):
        symroof.lod  # noqa: B018


def test_public_callables_are_documented():
    for name in symroof.__all__:
        thing = getattr(symroof, name)
        if callable(thing):
            assert len(thing.__doc__ or "") > 20, name


def test_a_symbol_is_declared_once():
    with pytest.raises(ValueError, match="'d' is declared already"):
        s.declare("d", "size", "another hidden size")
    with pytest.raises(ValueError, match="no group 'sise'"):
        s.declare("d_new", "sise", "a typo")
    assert "d_new" not in s.VOCABULARY


def test_a_symbols_python_name_is_its_printed_name():
    for name, entry in s.VOCABULARY.items():
        assert getattr(s, name) is entry.symbol
        assert str(entry.symbol) == name
        assert entry.group in s.GROUPS
        assert name not in ("E", "I", "N", "O", "Q", "S")  # letters that sympy owns


def test_the_rulebook_and_the_rules_have_the_same_names():
    assert set(rulebook.RULEBOOK) == set(rules.LAYERS)


def test_every_set_of_rules_defines_every_sum_and_choice():
    needed = {e.symbol for e in s.VOCABULARY.values() if e.group in ("batch", "step", "rule")}
    for name, rule in rulebook.RULEBOOK.items():
        if rule.base:
            assert set(rules.layer((name,))) == needed
