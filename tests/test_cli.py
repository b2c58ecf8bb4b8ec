"""The command line as its users meet it."""

import json
import os
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

import symroof
from symroof.cli import SECTIONS, cli
from symroof.cli.command import join_numbers
from symroof.config.catalogue import model_catalogue

SCRIPT = Path(sys.executable).with_name("symroof")
STEP = ["--cached-tokens", "2048", "--input-tokens", "1"]


def call(*words):
    result = CliRunner().invoke(cli, list(map(str, words)))
    assert result.exit_code == 0, result.output
    return result.stdout


def as_json(*words):
    return json.loads(call("report", *words, "--json"))


def batch(*words):
    return as_json("llama-3.2-1b", *words)["batch"]["groups"]


@pytest.mark.parametrize(
    ("words", "groups"),
    [
        ([], [(1, 0, 1)]),
        (["--cached-tokens", 1048576, "--input-tokens", 1], [(1, 1048576, 1)]),
        (["--cached-tokens", 1048576, 1024, "--input-tokens", 1, 1], [(1, 1048576, 1), (1, 1024, 1)]),
        (["--cached-tokens", "1048576,1024", "--input-tokens", "1,2"], [(1, 1048576, 1), (2, 1024, 1)]),
        (["--cached-tokens", 5, "--cached-tokens", 6, "--input-tokens", 1], [(1, 5, 1), (1, 6, 1)]),
        (["--cached-tokens=5", 6, "--input-tokens=1"], [(1, 5, 1), (1, 6, 1)]),
        (["--cached-tokens", 1024, "--input-tokens", 1, "--batch-size", 2], [(1, 1024, 2)]),
        (["--cached-tokens", 1024, "--batch-size", 1000000], [(1, 1024, 1000000)]),
        (["--input-tokens", 3, 4, "--batch-size", 6], [(3, 0, 3), (4, 0, 3)]),
        (["--input-tokens", 3, 4, "--cached-tokens", 7], [(3, 7, 1), (4, 7, 1)]),
        (["--input-tokens", 3, 3, "--cached-tokens", 7, 7], [(3, 7, 2)]),
    ],
)
def test_batches(words, groups):
    assert [(x["new"], x["cached"], x["count"]) for x in batch(*words)] == groups


def test_the_model_may_stand_anywhere(tmp_path):
    config = tmp_path / "config.json"
    config.write_text(json.dumps(model_catalogue()["llama-3.2-1b"]["config"]))
    expected = as_json("llama-3.2-1b", "--cached-tokens", 7, 8)["totals"]
    for words in (
        ["--cached-tokens", 7, 8, config],
        [config, "--cached-tokens", 7, 8],
        [tmp_path, "--cached-tokens", 7, 8],
        ["LLaMA-3.2-1B", "--cached-tokens", 7, 8],
    ):
        assert as_json(*words)["totals"] == expected
    behind_dashes = call("report", "--json", "--cached-tokens", 7, 8, "--", config)
    assert json.loads(behind_dashes)["totals"] == expected


def test_options_end_at_the_double_dash(tmp_path):
    config = tmp_path / "7"
    config.write_text(json.dumps(model_catalogue()["llama-3.2-1b"]["config"]))
    out = CliRunner().invoke(cli, ["report", "--json", "--cached-tokens", "5", "6", "--", str(config)])
    assert json.loads(out.stdout)["batch"]["queries"] == 2
    assert join_numbers(["--a", "1", "2", "--", "3"], {"--a"}) == ["--a", "1;2", "--", "3"]
    assert join_numbers(["--a", "1", "7b/config.json"], {"--a"}) == ["--a", "1", "7b/config.json"]
    assert join_numbers(["--a", "--b"], {"--a"}) == ["--a", "--b"]


def test_report_json_is_the_documented_schema():
    found = as_json("llama-4-scout", *STEP, "--cache", "fp8")
    assert list(found) == [
        "schema",
        "symroof",
        "model",
        "parameters",
        "batch",
        "rules",
        "precision",
        "rows",
        "totals",
        "storage",
        "notes",
        "warnings",
    ]
    assert found["schema"] == "symroof.report/1"
    assert found == symroof.load("llama-4-scout").report(1, 2048, cache="fp8").to_dict()
    assert found["precision"]["cache"] == {"format": "fp8", "bytes": 1.0, "origin": "given as cache"}
    assert found["precision"]["weights"] == {"format": "bf16", "bytes": 2.0, "origin": "the config's dtype"}
    figures = [
        "matmul_flops",
        "vector_flops",
        "flops",
        "weight_bytes",
        "cache_read_bytes",
        "cache_write_bytes",
        "input_bytes",
        "output_bytes",
        "intensity",
    ]
    assert list(found["totals"]) == figures
    for row in found["rows"]:
        assert list(row) == ["path", "op", "block", "role", "layers", "of_layers", "one_layer", "all_layers"]
        assert list(row["one_layer"]) == list(row["all_layers"]) == figures
        for name in figures[:-1]:
            assert isinstance(row["one_layer"][name], int)
            assert row["all_layers"][name] == row["layers"] * row["one_layer"][name]
    for name in figures[:-1]:
        assert found["totals"][name] == sum(row["all_layers"][name] for row in found["rows"])
    *parts, total = found["storage"].values()
    assert sum(parts) == total


@pytest.mark.parametrize("form", ["json", "csv", "markdown", "html", "latex", "table"])
def test_output_to_a_file_is_what_is_printed(tmp_path, form):
    target = tmp_path / "report"
    call("report", "llama-3.2-1b", "--format", form, "-o", target)
    assert target.read_text().strip() == call("report", "llama-3.2-1b", "--format", form).strip()
    assert [x.name for x in tmp_path.iterdir()] == ["report"]


def test_set_changes_a_size():
    wider = as_json("llama-3.2-1b", "--set", "L=17", "--set", "f=4096")
    assert (wider["model"]["sizes"]["L"], wider["model"]["sizes"]["f"]) == (17, 4096)
    assert {row["layers"] for row in wider["rows"]} == {1, 17}
    assert wider["totals"] == symroof.load("llama-3.2-1b").with_sizes(L=17, f=4096).report().to_dict()["totals"]


def test_rules_and_logits_are_told_and_obeyed():
    every = as_json("llama-3.2-1b", "--input-tokens", 9, "--rules", "exact-dots", "--logits", "all")
    assert list(every["rules"]) == ["standard", "exact-dots", "logits-all"]
    head = next(row for row in every["rows"] if row["path"] == "head/logits")
    assert head["one_layer"]["matmul_flops"] == 9 * 128256 * (2 * 2048 - 1)


def test_against_gives_both_and_the_reasons():
    text = call("report", "llama-4-maverick", *STEP, "--against", "transformer-roofline-analyzer")
    for words in ("kv_width", "multiplies scores with values for H_kv heads", "counts 2k - 1 FLOP", "moe/experts.act"):
        assert (words in text) == (words != "kv_width")
    found = json.loads(call("report", "llama-4-maverick", *STEP, "--against", "transformers", "--json"))
    assert found["schema"] == "symroof.comparison/1"
    assert found["ours"]["totals"] == as_json("llama-4-maverick", *STEP)["totals"]
    assert found["theirs"]["totals"] == as_json("llama-4-maverick", *STEP, "--rules", "transformers")["totals"]


@pytest.mark.parametrize("other", ["transformers", "transformer-roofline-analyzer", "full-square", "exact-dots"])
@pytest.mark.parametrize("name", ["llama-3.1-8b", "llama-3.2-1b", "llama-4-scout", "llama-4-maverick"])
def test_every_difference_has_a_reason_and_nothing_else_has(name, other):
    found = symroof.load(name).against(other, new=[1, 70], cached=[9000, 5])
    different = [row for row in found.rows if row.ours != row.theirs]
    assert different
    assert all(row.why for row in different)
    assert not any(row.why for row in found.rows if row.ours == row.theirs)


def test_formula_prints_the_closed_form_and_the_legend():
    text = call("formula", "llama-3.1-8b")
    assert "attention   L (2 T d h (H_q + 2 H_kv) + 4 P h H_q + 2 T d h H_q)\n" in text
    assert "mlp         6 L T d f\n" in text
    assert "in numbers  13.96 G · T + 524.29 k · P + 1.05 G · R\n" in text
    words = ["H_kv", "8", "key/value", "heads", "(num_key_value_heads)"]
    assert any(line.split() == words for line in text.splitlines())


def test_formula_of_one_operator():
    latex = call("formula", "llama-4-scout", "--op", "moe/experts.gate_up", "--format", "latex")
    assert r"4 T d\, f_e k" in latex
    text = call("formula", "llama-4-scout", "--op", "moe", "--quantity", "weight-bytes")
    assert "  experts.gate_up  2 N_x d f_e b_e" in text
    assert "N_e (1 - (1 - k/N_e)^T)" in text


def test_formula_uniform_and_bound():
    text = call("formula", "llama-3.1-8b", "--quantity", "matmul_flops", "--uniform")
    assert "6 L B n d f" in text
    assert " T " not in text
    bound = call("formula", "llama-3.1-8b", "--quantity", "matmul_flops", "--bind")
    assert "32 (83886080 T + 16384 P)" in bound
    assert "11274289152 T" in bound


def values_of(model, rules):
    """A number for every symbol: the model's sizes, widths of 2, and one decode step of 3 queries."""
    from symroof import symbols as s
    from symroof.cost import batch_sums
    from symroof.cost.batch import queries

    sums = batch_sums.sum_over_queries(queries([1, 4], [9, 20000], 6), model.definitions(rules), model.sizes)
    widths = {e.symbol: 2 for e in s.VOCABULARY.values() if e.group == "width"}
    defined = symroof.Binding(model.definitions(rules), sums, model.sizes, widths)
    numbers = {str(x): defined(x) for x in defined.definitions}
    return {name: float(x) for name, x in numbers.items() if x.is_number}


@pytest.mark.parametrize("name", ["llama-3.1-8b", "llama-4-maverick"])
def test_printed_python_computes_what_the_report_says(name):
    model = symroof.load(name)
    source = call("formula", name, "--format", "python", "--quantity", "flops,weight_bytes,cache_size,bytes")
    space = {}
    exec(compile(source, "formula", "exec"), space)
    values = values_of(model, "standard")
    report = model.report([1, 4], [9, 20000], 6, dtype="bf16")
    expected = {
        "flops": report.total.flops,
        "weight_bytes": report.total.weight_read,
        "cache_size": report.storage.cache,
        "bytes": report.total.moved,
    }
    for quantity, number in expected.items():
        function = space[f"{name}_{quantity}".replace("-", "_").replace(".", "_")]
        arguments = {x: values[x] for x in function.__code__.co_varnames}
        assert function(**arguments) == pytest.approx(float(number), rel=1e-12)


@pytest.mark.parametrize("name", ["llama-4-maverick"])
def test_printed_python_of_a_uniform_batch(name):
    source = call("formula", name, "--format", "python", "--quantity", "flops", "--uniform")
    space = {}
    exec(compile(source, "formula", "exec"), space)
    model = symroof.load(name)
    values = {**model.architecture.sizes, "B": 3, "n": 70, "c": 20000}
    function = space["llama_4_maverick_flops"]
    arguments = {x: values[x] for x in function.__code__.co_varnames}
    assert function(**arguments) == model.report(70, 20000, 3).total.flops


def test_formula_markdown_has_a_row_a_part():
    text = call("formula", "llama-3.1-8b", "--format", "markdown", "--quantity", "matmul_flops")
    assert "| **mlp** | $6 L T d f$ |" in text
    assert "| $d$ | 4,096 | hidden size, the width of the residual stream | hidden_size |" in text


def test_lists_of_what_is_known():
    names = [x["name"] for x in json.loads(call("models", "--json"))]
    assert names == list(model_catalogue())
    text = call("models")
    assert all(name in text for name in names)
    symbols = {x["symbol"]: x for x in json.loads(call("symbols", "--json"))}
    assert symbols["H_kv"]["config keys"] == "num_key_value_heads"
    assert "H_kv" in call("symbols")
    rules = {x["rule"]: x["kind"] for x in json.loads(call("rules", "--json"))}
    assert rules["standard"] == "set"
    assert rules["exact-dots"] == "variant"
    assert "transformer-roofline-analyzer" in call("rules")


def test_help_shows_each_command_once_with_an_example_that_runs():
    text = call("--help")
    assert set(cli.commands) == {name for names in SECTIONS.values() for name in names}
    for name, command in cli.commands.items():
        assert f"  {name}" in text
        assert f"$ {command.example}" in text
        assert call(*shlex.split(command.example)[1:])
        assert "Usage: " in call(name, "--help")


def test_version():
    assert call("--version").strip() == f"symroof, version {symroof.__version__}"


def test_the_package_runs_as_a_module():
    for words in (["--version"], ["report", "llama-3.1-8b", *STEP]):
        done = subprocess.run([sys.executable, "-m", "symroof", *words], capture_output=True, text=True, check=True)
        assert done.stdout == call(*words)


def process(*words, **environment):
    env = {**os.environ, **environment}
    return subprocess.run([SCRIPT, *map(str, words)], capture_output=True, env=env, check=False)


def test_as_a_real_process_through_a_pipe():
    done = process("report", "llama-3.1-8b", *STEP, COLUMNS="40")
    text = done.stdout.decode()
    assert (done.returncode, done.stderr) == (0, b"")
    assert "\x1b" not in text
    assert "…" not in text
    assert "16.10 G" in text


def test_a_terminal_without_unicode_gets_an_answer():
    for words, answer in (["formula"], b"524.29 k"), (["report"], b"minimum storage"):
        done = process(*words, "llama-3.1-8b", PYTHONIOENCODING="ascii", PYTHONUTF8="0")
        assert (done.returncode, done.stderr) == (0, b"")
        assert answer in done.stdout


def test_a_closed_pipe_is_no_traceback():
    line = f"'{SCRIPT}' report llama-3.1-8b | head -1"
    done = subprocess.run(["bash", "-c", line], capture_output=True, check=False)
    assert b"llama-3.1-8b" in done.stdout
    assert b"Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("words", "completions"),
    [
        ("symroof re", ["report"]),
        ("symroof report llama-4", ["llama-4-maverick", "llama-4-maverick-fp8", "llama-4-scout", "llama-4-scout-fp8"]),
        ("symroof report llama-4-scout --rules standard,logits-a", ["standard,logits-all"]),
        ("symroof report llama-4-scout --dtype bf", ["bf16"]),
        ("symroof report llama-4-scout --cached", ["--cached-tokens"]),
    ],
)
def test_shell_completion(words, completions):
    count = len(words.split()) - 1
    done = process(_SYMROOF_COMPLETE="bash_complete", COMP_WORDS=words, COMP_CWORD=str(count))
    assert [line.split(",", 1)[1] for line in done.stdout.decode().splitlines()] == completions


def test_shell_completion_script_is_printed():
    assert b"complete" in process(_SYMROOF_COMPLETE="bash_source").stdout
