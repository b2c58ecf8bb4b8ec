"""Whatever is asked: an exact answer or one clear error; never a traceback, a NaN, a negative or an overflow."""

import csv
import json
import math
from fractions import Fraction

from click.testing import CliRunner
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import symroof
from symroof.cli import cli
from symroof.config.catalogue import model_catalogue
from symroof.cost import rule_names
from symroof.cost.batch import LARGEST
from symroof.cost.cost import FIELDS
from symroof.dtypes import BITS
from symroof.sweeps.axes import SETTINGS

SOME = settings(max_examples=60, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
MODELS = (
    "llama-3.1-8b",
    "llama-4-scout",
    "deepseek-v3",
    "gpt-oss-20b",
    "gemma-3-1b",
    "jamba-v0.1",
    "mamba-130m",
    "qwen3-next-80b-a3b",
    "deepseek-v4-flash",
    "gpt2",
)
HOSTILE = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-3, 3),
    st.sampled_from([10**9, 10**9 + 1, 10**30, -(10**12), 2**63]),
    st.floats(),
    st.text(max_size=5),
    st.lists(st.integers(0, 9), max_size=3),
    st.just({}),
    st.just({"a": [None]}),
    st.sampled_from(["sliding_attention", "full_attention", "float16", "e", "E", "__import__('os')", "\x00", "[bold]"]),
)
TOKENS = st.one_of(st.integers(1, 9), st.integers(1, 10**6), st.integers(1, LARGEST))
NAMES = st.sampled_from([*BITS, "bf17", ""])
RULES = st.sampled_from([*rule_names.RULEBOOK, "standart", "standard,fused", "transformers,logits-last"])
OPTIONS = {
    "--cached-tokens": st.one_of(TOKENS.map(str), st.sampled_from(["0", "-1", "1.5", "x", "", "1,2,3"])),
    "--input-tokens": st.one_of(TOKENS.map(str), st.sampled_from(["0", "1e3", "7,8,9"])),
    "--batch-size": st.one_of(TOKENS.map(str), st.sampled_from(["0", "-2", "x"])),
    "--dtype": NAMES,
    "--weights": NAMES,
    "--cache": NAMES,
    "--experts": NAMES,
    "--rules": RULES,
    "--against": RULES,
    "--logits": st.sampled_from(["last", "all", "none", "some"]),
    "--set": st.sampled_from(["d=64", "L=1000000", "H_kv=3", "V=1", "N_e=1", "x=1", "d=", "d=-1", "k=2"]),
    "--format": st.sampled_from(["table", "json", "csv", "markdown", "html", "latex", "yaml"]),
}


AXES = {
    "batch": ("1,2,8", "1:512:x2", "1:9", "0", "5:1", "1:9:+0", "1e18", "1e19", "-1", "x", "", "1:10**3", "1:2:3:4"),
    "cached": ("0:9", "0:1e6:x10", "1e3:1e18:x1000", "1.5", "7,7,7", "0:4:x2"),
    "new": ("1,9", "1:1e6:x100", "0:3"),
    "d": ("4096,8192", "1:3", "0", "e"),
    "L": ("1,1000000", "32"),
    "N_e": ("8", "1,2"),
    "weights": ("bf16,fp8", "bf17", "mxfp4"),
    "cache": ("fp8,fp8", "int4"),
    "on": ("h100-sxm,mi300x", "h10", "tpu-v5e"),
    "gpus": ("1,8", "0", "1:4:x2"),
    "rules": ("standard,fused", "standard+fused", "transformers", "standart", "experts-bound"),
    "logits": ("last,all", "some"),
    "model": ("gpt2,llama-3.1-8b", "lama"),
    "bach": ("1",),
}
COLUMNS = st.sampled_from(
    ["flops", "bytes", "time", "time.lower", "storage", "intensity", "fits", "energy", "flop", ""]
)


def sound(found):
    """Every number in a JSON answer."""
    if isinstance(found, dict):
        return all(map(sound, found.values()))
    if isinstance(found, list):
        return all(map(sound, found))
    if isinstance(found, int | float) and not isinstance(found, bool):
        return math.isfinite(found) and found >= 0
    return True


def answered(words):
    """What a command says: (exit code, output, errors), once it is sure that it is an answer or one clear error."""
    result = CliRunner().invoke(cli, words, prog_name="symroof")
    assert result.exception is None or isinstance(result.exception, SystemExit), (words, result.exception)
    if result.exit_code == 0:
        assert result.stdout
        assert all(x.startswith("Warning: ") for x in result.stderr.splitlines())
    else:
        assert result.exit_code in (1, 2)
        told = [line for line in result.stderr.splitlines() if line.startswith("Error: ")]
        assert len(told) == 1
        assert len(told[0]) < 1000
        assert "Traceback" not in result.stderr
        assert not result.stdout
    return result


@SOME
@given(model=st.sampled_from(MODELS), data=st.data())
def test_a_config_with_something_wrong_in_it(model, data, tmp_path_factory):
    config = dict(model_catalogue()[model]["config"])
    for key in data.draw(st.lists(st.sampled_from([*config, "text_config", "quantization_config"]), max_size=3)):
        if data.draw(st.booleans()):
            config.pop(key, None)
        else:
            config[key] = data.draw(HOSTILE)
    path = tmp_path_factory.mktemp("config") / "config.json"
    path.write_text(json.dumps(config))
    result = answered(["report", str(path), "--cached-tokens", "77", "--json"])
    if result.exit_code == 0:
        assert sound(json.loads(result.stdout))


@SOME
@given(
    model=st.sampled_from(MODELS),
    given=st.dictionaries(st.sampled_from(sorted(OPTIONS)), st.none(), max_size=5),
    data=st.data(),
)
def test_any_options_of_a_report(model, given, data):
    words = [x for name in given for x in (name, data.draw(OPTIONS[name]))]
    result = answered(["report", model, *words])
    if result.exit_code == 0 and "--format" not in given:
        result = answered(["report", model, *words, "--json"])
        assert sound(json.loads(result.stdout))


@SOME
@given(model=st.sampled_from(MODELS), queries=st.lists(st.tuples(TOKENS, TOKENS), min_size=1, max_size=4))
def test_any_batch_is_the_sum_of_its_queries(model, queries):
    loaded = symroof.load(model)
    new, cached = map(list, zip(*queries, strict=True))
    options = {} if loaded.config.dtype() else {"dtype": "bf16"}
    whole = loaded.report(new, cached, rules="experts-all", **options).total
    parts = [loaded.report(n, c, rules="experts-all", **options).total for n, c in queries]
    for field in FIELDS:
        found = getattr(whole, field)
        assert isinstance(found, int | Fraction)
        assert found >= 0
        if field not in ("weight_read", "weight_held"):
            assert found == sum(getattr(x, field) for x in parts)


@SOME
@given(
    st.sampled_from(MODELS),
    st.lists(st.sampled_from(sorted(AXES)), min_size=1, max_size=3, unique=True),
    st.lists(COLUMNS, max_size=3),
    st.booleans(),
    st.data(),
)
def test_any_sweep(model, names, columns, machine, data):
    words = [x for name in names for x in ("--over", f"{name}={data.draw(st.sampled_from(AXES[name]))}")]
    words += ["--quantity", ",".join(columns)] if columns else []
    words += ["--on", "h100-sxm"] if machine else []
    result = answered(["sweep", *([] if "model" in names else [model]), *words, "--dtype", "bf16"])
    if result.exit_code == 0:
        head, *rows = csv.reader(result.stdout.splitlines())
        assert rows
        numbers = [float(x) for row in rows for name, x in zip(head, row, strict=True) if name not in SETTINGS]
        assert all(math.isfinite(x) and x >= 0 for x in numbers)


def test_a_million_queries():
    found = symroof.load("llama-3.1-8b").report(range(1, 10**6 + 1), 5)
    sums = 10**6 * (10**6 + 1) // 2
    assert found["mlp/down"].cost.matmul == 2 * sums * 14336 * 4096
    assert found.queries == 10**6


def test_the_largest_tokens_and_layers():
    deep = symroof.load("llama-4-scout").with_sizes(L=10**6, L_full=250_000, L_chunk=750_000)
    found, one = (deep.report(LARGEST, LARGEST, queries, rules="experts-all").total for queries in (LARGEST, 1))
    assert all(isinstance(getattr(found, field), int) for field in FIELDS)
    assert (found.matmul, found.cache_held) == (LARGEST * one.matmul, LARGEST * one.cache_held)
    assert one.matmul > 2 * LARGEST * LARGEST * 250_000 * 40 * 128 * 3
