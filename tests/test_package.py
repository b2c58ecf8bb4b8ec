"""The package's shape: direction of imports, public names, what start-up loads, one definition of each symbol."""

import ast
import io
import json
import re
import subprocess
import sys
import tarfile
import tokenize
from collections import Counter
from graphlib import TopologicalSorter
from importlib import import_module
from pathlib import Path
from statistics import median

import pytest
import zoo

import symroof
from symroof import symbols as s
from symroof.blocks import decoder
from symroof.cli import cli
from symroof.cost import rule_names, rules

ROOT = Path(symroof.__file__).parent

# Reading a config, and telling a user of a mistake, does without these.
PLAIN = (
    "dtypes", "errors", "files", "records", "results", "units", "version",
    "algebra.arithmetic", "architecture.assembly", "architecture.structure", "config.audit", "config.config",
    "config.files", "config.hub", "config.ignored_keys", "cost.batch", "cost.cost", "cost.rule_names",
    "families.reading.catalogue", "families.registry", "hardware.machines", "hardware.platform", "hardware.toml_tables",
    "quantization.methods", "quantization.module_names", "quantization.precision", "quantization.quantization_config",
    "analysis.quoted_number", "analysis.side_by_side", "model.batch_arrays", "model.formula_cache", "model.evaluation",
    "model.model", "model.programs", "model.report", "solving.parser", "sweeps.axes", "sweeps.backends", "sweeps.grid",
    "sweeps.plan", "sweeps.ufunc_program", "sweeps.writers", "cli.options", "cli.settings", "cli.terminal",
)  # fmt: skip


# The storeys: a package imports only from packages of a lower number, and from the ground.
GROUND = ("version", "errors", "files", "records", "results", "symbols", "dtypes", "units")
STOREYS = {
    "algebra": 1,
    "architecture": 1,
    "config": 2,
    "cost": 2,
    "families": 3,
    "quantization": 3,
    "ops": 3,
    "blocks": 4,
    "reference_tools": 4,
    "hardware": 4,
    "model": 5,
    "parallel": 6,
    "performance": 7,
    "training": 7,
    "sweeps": 8,
    "solving": 8,
    "analysis": 8,
    "render": 9,
    "export": 10,
    "plots": 10,
    "cli": 11,
}
OPEN_LISTS = ("families", "cli/commands")  # folders with a module for each lineage, or each command
CROWDED = 12


def module_name(path):
    return ".".join(("symroof", *path.relative_to(ROOT).with_suffix("").parts)).removesuffix(".__init__")


MODULES = {module_name(path): path for path in sorted(ROOT.rglob("*.py"))}


def imports(path):
    """The modules of symroof that one imports: at its top, inside functions and for type checkers."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "symroof":
            for name in node.names:
                module = f"{node.module}.{name.name}"
                yield module if module in MODULES else node.module
        elif isinstance(node, ast.Import):
            yield from (x.name for x in node.names if x.name.split(".")[0] == "symroof")


def package(module):
    """The package of a module; empty for the ground."""
    name = module.split(".")[1]
    return name if name in STOREYS else ""


@pytest.mark.parametrize("module", MODULES)
def test_a_package_imports_only_from_storeys_below(module):
    own = package(module) if module not in ("symroof", "symroof.__main__") else "cli"
    for name in imports(MODULES[module]):
        assert name != "symroof", "import a name from the module that defines it"
        of = package(name)
        assert of == own or not of or (own and STOREYS[of] < STOREYS[own]) or module == "symroof.__main__", name


def test_no_import_is_in_a_circle():
    graph = {name: {x for x in imports(path) if x != name} for name, path in MODULES.items()}
    order = list(TopologicalSorter(graph).static_order())  # raises CycleError
    assert set(order) == set(MODULES)


def test_the_root_holds_the_ground_alone():
    assert {path.stem for path in ROOT.glob("*.py")} == {*GROUND, "__init__", "__main__"}
    assert {path.name for path in ROOT.iterdir() if (path / "__init__.py").exists()} == set(STOREYS)


def test_no_folder_is_crowded():
    counts = Counter(str(path.parent.relative_to(ROOT)) for path in MODULES.values() if path.stem != "__init__")
    assert {folder for folder, n in counts.items() if n > CROWDED} <= set(OPEN_LISTS)


def test_no_package_bears_a_public_name():
    assert not set(STOREYS) & set(symroof.__all__)


def run(code):
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout


@pytest.mark.parametrize("name", PLAIN)
def test_the_reading_half_needs_no_sympy(name):
    loaded = run(f"import sys, symroof.{name}; print('sympy' in sys.modules, 'rich' in sys.modules)")
    assert loaded.split() == ["False", "False"]


def test_reading_a_config_needs_no_sympy():
    code = (
        "import sys\nfrom symroof.config.config import load_config\n"
        "from symroof.families.registry import read_architecture\n"
        "read_architecture(load_config('llama-4-scout')); print('sympy' in sys.modules)"
    )
    assert run(code).strip() == "False"


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
    ("words", "commands", "families", "kinds", "heavy"),
    [
        (["--version"], "", "", "", ""),
        (["report", "--help"], "report", "", "", ""),
        (["machines", "--json"], "machines", "", "", ""),
        (["rules", "--json"], "rules", "", "", ""),
        (["report", "lama-3"], "report", "", "", "difflib"),
        (["report", "llama-3.1-8b", "--set", "H_kv=7"], "report", "llama", "attention feed_forward", ""),
        (["report", "gpt2", "--set", "H_q=0"], "report", "gpt", "attention feed_forward", ""),
        (["report", "mixtral-8x7b", "--set", "k=9"], "report", "mixtral", "attention experts", ""),
        (
            ["report", "llama-4-scout", "--set", "k=99"],
            "report",
            "llama4 multimodal",
            "attention experts feed_forward",
            "",
        ),
        (
            ["roofline", "qwen3-8b", "--on", "h100-sxm", "--set", "H_kv=7"],
            "roofline",
            "qwen",
            "attention feed_forward",
            "",
        ),
    ],
    ids=" ".join,
)
def test_a_command_loads_what_it_needs(words, commands, families, kinds, heavy):
    code = f"import sys\nfrom symroof.cli import cli\ntry: cli({words!r})\nexcept SystemExit: pass\nprint(*sys.modules)"
    loaded = run(code).splitlines()[-1].split()
    shared = {"registry", "reading"}
    for prefix, expected in (("cli.commands", commands), ("families", families), ("architecture.kinds", kinds)):
        found = {
            x.removeprefix(f"symroof.{prefix}.").split(".")[0] for x in loaded if x.startswith(f"symroof.{prefix}.")
        }
        assert found - shared == set(expected.split())
    assert {x for x in HEAVY if x in loaded} == set(heavy.split())


def test_help_of_all_commands_reads_no_model():
    code = "import sys\nfrom symroof.cli import cli\ntry: cli(['--help'])\nexcept SystemExit: pass\nprint(*sys.modules)"
    loaded = run(code).splitlines()[-1].split()
    assert not {x for x in loaded if x.startswith(("symroof.families", "symroof.architecture"))}


def test_each_command_is_a_module_of_its_name():
    assert {path.stem for path in (ROOT / "cli" / "commands").glob("*.py")} - {"__init__"} == set(cli.commands)
    assert all(command.name == name for name, command in cli.commands.items())


@pytest.mark.parametrize("kind", zoo.KINDS)
def test_a_kind_names_its_builder_and_the_roles_of_its_weights(kind):
    needed = {"AltUp": ("merge",), "Pointwise": ("scale",)}
    assert decoder.kind_operators(kind(*needed.get(kind.__name__, ())))
    assert {*kind.weights} <= {
        "attention",
        "attention_output",
        "feed_forward",
        "experts",
        "shared_experts",
        "recurrence",
    }


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
    for path in MODULES.values():
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
                found.add(node.module.split(".")[0])
            elif isinstance(node, ast.Import):
                found |= {alias.name.split(".")[0] for alias in node.names}
    assert found - stdlib == {
        "symroof",
        "sympy",
        "mpmath",  # which sympy depends on
        "click",
        "rich",
        "huggingface_hub",
        "matplotlib",
        "numpy",
        "pandas",
        "pyarrow",
    }


def test_public_names():
    assert symroof.__all__ == [
        "Binding",
        "Block",
        "Cost",
        "Draft",
        "Machine",
        "Model",
        "Namespaced",
        "Op",
        "Parallel",
        "Platform",
        "Proof",
        "Query",
        "Report",
        "SymroofError",
        "Workload",
        "__version__",
        "asymptote",
        "by_convention",
        "compare",
        "crossovers",
        "fit",
        "init_printing",
        "knobs",
        "limits",
        "load",
        "machine",
        "match",
        "namespaced",
        "optimum",
        "platform",
        "prove",
        "roofline",
        "serve",
        "shape",
        "solve",
        "split",
        "sum_over",
        "sweep",
        "training_flops",
        "training_memory",
    ]
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
    assert set(rule_names.RULEBOOK) == set(rules.LAYERS)


def test_every_set_of_rules_defines_every_sum_and_choice():
    needed = {e.symbol for e in s.VOCABULARY.values() if e.group in ("batch", "step", "rule")}
    for name, rule in rule_names.RULEBOOK.items():
        if rule.base:
            assert set(rules.rule_layer((name,))) == needed


# --- how it reads ---------------------------------------------------------------------------------------------------

RETIRED = {
    "told", "kept", "found", "own", "apart", "besides", "stands", "unasked", "spared", "nobody", "ways", "grafts",
    "keeping", "footprint", "lineup", "quoting", "clocks", "quotients",
}  # fmt: skip
# Keys and names of JSON schemas, which stay as they are, names of rows that are still found by them, and exceptions.
RETIRED_KEYS = ('"told"', '"kept"', '"symroof.lineup/1"', '"cache kept"', '"weights kept"', "NotFoundError")
PER = re.compile(
    r"\b(FLOPs?|bytes?|elements?|numbers?|tokens?|seconds?|joules?|weights?|rows?|costs?) an? "
    r"(token|second|layer|element|query|device|head|step|expert|operator|line|file|machine|channel|tensor|row)\b"
)


def words(token):
    """The words of an identifier, a comment or a string, in lower case."""
    return {x.lower() for x in re.findall(r"[a-z]+|[A-Z][a-z]*", re.sub(r"([a-z])([A-Z])", r"\1 \2", token))}


@pytest.mark.parametrize("path", MODULES.values(), ids=MODULES)
def test_no_word_of_the_retired_lexicon_is_left(path):
    for token in tokenize.generate_tokens(io.StringIO(path.read_text()).readline):
        if token.type not in (tokenize.NAME, tokenize.STRING, tokenize.COMMENT):
            continue
        if token.string.strip('"') in s.VOCABULARY:  # T_kept, P_kept: symbols of formulas, with their letters
            continue
        text = re.sub("|".join(map(re.escape, RETIRED_KEYS)), "", token.string)
        assert not words(text) & RETIRED, (token.start, token.string)
        assert token.type == tokenize.NAME or not PER.search(token.string), (token.start, "write per")


def definitions():
    """(name, module) of every public function and class at the top of a module."""
    for module, path in MODULES.items():
        for node in ast.parse(path.read_text()).body:
            if isinstance(node, ast.FunctionDef | ast.ClassDef) and not node.name.startswith("_"):
                yield node.name, module


def test_no_public_name_is_defined_in_two_modules():
    homes = {}
    for name, module in definitions():
        homes.setdefault(name, set()).add(module)  # an overloaded function is defined once
    assert {name: modules for name, modules in homes.items() if len(modules) > 1} == {}


def test_functions_are_short():
    trees = (ast.parse(path.read_text()) for path in MODULES.values())
    functions = [x for tree in trees for x in ast.walk(tree) if isinstance(x, ast.FunctionDef)]
    lengths = sorted(x.end_lineno - x.lineno + 1 for x in functions)
    assert len(lengths) > 2000
    assert (median(lengths) <= 5, lengths[len(lengths) * 9 // 10] <= 12, lengths[-1] <= 40) == (True, True, True)


def test_contributors_find_the_files_they_are_sent_to():
    root = ROOT.parent
    text = (root / ".github" / "CONTRIBUTING.md").read_text()
    recipes = re.findall(r"^\*\*An? ([\w -]+)\*\*: (.*?)(?=\n\n)", text, re.M | re.S)
    assert [name for name, _ in recipes] == [
        "operator", "kind of sublayer", "family", "built-in model", "machine", "quantity", "counting rule", "command",
    ]  # fmt: skip
    for name, recipe in recipes:
        paths = re.findall(r"`((?:symroof|tests|examples)/[\w./]+)`", recipe)
        assert paths, name
        assert all((root / path).exists() for path in paths), (name, paths)
    assert all((root / path).exists() for path in re.findall(r"`((?:symroof|tests|examples)/[\w./]+)`", text))
    assert {x for row in re.findall(r"^\| \d+ \| (.*?) \|", text, re.M) for x in re.findall(r"`(\w+)`", row)} == {
        *STOREYS
    }


def test_the_source_archive_holds_what_its_tests_need(tmp_path):
    hatchling = pytest.importorskip("hatchling.builders.sdist")
    root = ROOT.parent
    if not (root / ".git").exists():
        pytest.skip("no checkout: nothing says which files belong to the project")
    archive = next(hatchling.SdistBuilder(str(root)).build(directory=str(tmp_path)))
    with tarfile.open(archive) as opened:
        held = {name.partition("/")[2] for name in opened.getnames()}
    listed = subprocess.run(["git", "ls-files"], cwd=root, text=True, capture_output=True, check=True).stdout.split()
    assert {x for x in listed if not x.startswith(".github/") and Path(root, x).exists()} <= held
    assert ".github/CONTRIBUTING.md" in held


def outside_the_suite():
    """Name -> source of the scripts and notebooks that the suite does not import."""
    root = ROOT.parent
    scripts = {x.name: x.read_text() for folder in ("bench", "truth") for x in (root / "tests" / folder).glob("*.py")}
    notebooks = {x.name: json.loads(x.read_text())["cells"] for x in (root / "examples").glob("*.ipynb")}
    code = {name: [x["source"] for x in cells if x["cell_type"] == "code"] for name, cells in notebooks.items()}
    return scripts | {name: "\n".join(map("".join, cells)) for name, cells in code.items()}


@pytest.mark.parametrize("name", outside_the_suite())
def test_scripts_and_notebooks_import_what_exists(name):
    for node in ast.walk(ast.parse(outside_the_suite()[name])):
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "symroof":
            module = import_module(node.module)
            for x in node.names:
                assert hasattr(module, x.name) or f"{node.module}.{x.name}" in MODULES, (node.module, x.name)
