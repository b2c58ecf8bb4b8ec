"""What goes wrong is told in one line: what, where and the cure; exit code 2 for what was typed, 1 for what failed."""

import ast
import contextlib
import csv
import io
import json
import math
import os
import re
import socket
import stat
import subprocess
import sys
import time
from bisect import bisect
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

import symroof
from symroof.cli import cli
from symroof.config.config import MAX_LAYERS
from symroof.errors import ConfigError, SymroofError, UsageError
from symroof.render.forms import render_report

SYMROOF = Path(sys.executable).with_name("symroof")
ABSENT = object()
NEEDS_POSIX = pytest.mark.skipif(os.name != "posix", reason="a POSIX system")
NEEDS_PROC = pytest.mark.skipif(not Path("/proc/self/mem").exists(), reason="a system with /proc")

SHARED = {
    "hidden_size": 64,
    "num_hidden_layers": 4,
    "num_attention_heads": 8,
    "num_key_value_heads": 4,
    "head_dim": 8,
    "vocab_size": 100,
    "hidden_act": "silu",
    "tie_word_embeddings": False,
    "attention_bias": False,
    "torch_dtype": "bfloat16",
}
LLAMA = {**SHARED, "model_type": "llama", "intermediate_size": 128, "mlp_bias": False}
TEXT = {
    **SHARED,
    "model_type": "llama4_text",
    "intermediate_size": 32,
    "intermediate_size_mlp": 128,
    "use_qk_norm": True,
    "attn_temperature_tuning": True,
    "attention_chunk_size": 16,
    "no_rope_layer_interval": 4,
    "num_local_experts": 4,
    "num_experts_per_tok": 1,
    "interleave_moe_layer_step": 2,
}


def changed(config: Mapping[str, Any], **keys: Any) -> dict[str, Any]:
    """A config with other values; ABSENT leaves a key out."""
    return {key: value for key, value in {**config, **keys}.items() if value is not ABSENT}


def llama(**keys: Any) -> dict[str, Any]:
    """A llama config."""
    return changed(LLAMA, **keys)


def llama4(**keys: Any) -> dict[str, Any]:
    """A multimodal llama4 config; the keys are those of its text part."""
    return {"model_type": "llama4", "text_config": changed(TEXT, **keys)}


def run(*args: str) -> Result:
    """symroof with these arguments, in this process."""
    runner = CliRunner()
    return runner.invoke(cli, list(args), prog_name="symroof")


def process(*args: str, **options: Any) -> "subprocess.CompletedProcess[str]":
    """symroof with these arguments, as a process of its own."""
    return subprocess.run(
        [SYMROOF, *args],
        **{"stdout": subprocess.PIPE, "timeout": 20, **options},
        stderr=subprocess.PIPE,
        text=True,
        encoding="utf-8",
        check=False,
    )


def the_line(stderr: str) -> str:
    """The one error line; click's usage may stand before it."""
    lines = stderr.removesuffix("\n").split("\n")
    while len(lines) > 1 and (not lines[0] or lines[0].startswith(("Usage: ", "Try "))):
        lines.pop(0)
    assert len(lines) == 1, stderr
    assert lines[0].startswith("Error: "), stderr
    assert lines[0].isprintable(), ascii(stderr)
    assert len(lines[0]) < 600, stderr
    return lines[0]


def check(result: Result, code: int, words: tuple[str, ...]) -> str:
    """That a command failed in one line, with this exit code and these words."""
    if result.exception and not isinstance(result.exception, SystemExit):
        raise AssertionError(f"{type(result.exception).__name__} went through") from result.exception
    line = the_line(result.stderr)
    assert [x for x in words if x not in line] == [], line
    assert result.exit_code == code, line
    assert result.stdout == ""
    return line


def saved(tmp_path: Path, content: Any) -> str:
    """The path of a config.json: bytes as they are, anything else as JSON."""
    path = tmp_path / "config.json"
    path.write_bytes(content if isinstance(content, bytes) else json.dumps(content).encode())
    return str(path)


def served(*args: str) -> str:
    """What a command prints when all is well."""
    result = run(*args)
    assert (result.exit_code, result.stderr) == (0, ""), result.stderr or repr(result.exception)
    return result.stdout


def table(*cases: tuple[Any, ...]) -> list[Any]:
    """Rows (name, ..., words...) as parameters (..., words) with the name as test id; the last is a tuple."""
    return [pytest.param(*case[1:], id=case[0]) for case in cases]


# ---- files

DEEP = b"[" * 100_000

FILES = table(
    ("empty", b"", ("not valid JSON",)),
    ("blank", b" \n", ("not valid JSON",)),
    ("html", b"<html>\n<b>\x1b[31mnot found</b>", ("not valid JSON", "line 1")),
    ("cut off", json.dumps(LLAMA).encode()[:100], ("not valid JSON",)),
    ("trailing comma", b'{"model_type": "llama",}', ("not valid JSON", "line 1")),
    ("two objects", b"{}{}", ("not valid JSON",)),
    ("single quotes", b"{'model_type': 'llama'}", ("not valid JSON",)),
    ("binary", bytes(range(256)), ("not valid JSON",)),
    ("zeros", b"\0" * 1000, ("not valid JSON",)),
    ("safetensors", (8).to_bytes(8, "little") + b"{}", ("not valid JSON",)),
    ("utf-16", json.dumps(LLAMA).encode("utf-16"), ("not valid JSON", "utf-8")),
    ("latin-1", '{"model_type": "\xe9"}'.encode("latin-1"), ("not valid JSON", "utf-8")),
    ("list", b"[1]", ("list", "object of config keys")),
    ("string", b'"llama"', ('"llama"', "object of config keys")),
    ("number", b"1", ("holds 1", "object of config keys")),
    ("null", b"null", ("object of config keys",)),
    ("NaN", b"NaN", ("object of config keys",)),
    ("nested list", DEEP, ("nested too deep",)),
    ("nested object", b'{"a":' * 100_000, ("nested too deep",)),
    ("huge", b" " * (17 * 2**20), ("larger than 16 MiB",)),
    ("number of 5000 digits", b'{"model_type": "llama", "hidden_size": 1' + b"0" * 5000 + b"}", ("digits",)),
    ("no keys", b"{}", ("model_type", "missing", "known", "symroof families")),
)


@pytest.mark.parametrize(("content", "words"), FILES)
def test_a_file_that_is_no_config(tmp_path: Path, content: bytes, words: tuple[str, ...]) -> None:
    path = saved(tmp_path, content)
    line = check(run("report", path), 1, words)
    assert path[:100] in line


def test_a_byte_order_mark_is_fine(tmp_path: Path) -> None:
    assert "symroof.report" in served("report", saved(tmp_path, b"\xef\xbb\xbf" + json.dumps(LLAMA).encode()), "--json")


def readable(depth: int) -> bool:
    """Whether JSON's reader takes a list this deep."""
    try:
        return bool(json.loads("[" * depth + "]" * depth)) or depth == 1
    except RecursionError:
        return False


@pytest.mark.parametrize("key", ["hidden_size", "tie_word_embeddings", "hidden_act", "torch_dtype", "no_rope_layers"])
def test_a_nested_value(tmp_path: Path, key: str) -> None:
    """A value that JSON's reader just takes is not too deep for the message about it."""
    deepest = bisect(range(1, 10**5), False, key=lambda depth: not readable(depth))
    for depth in range(deepest - 80, deepest + 2):
        text = json.dumps(llama4(**{key: "nested"})).replace('"nested"', "[" * depth + "]" * depth)
        path = saved(tmp_path, text.encode())
        with pytest.raises(ConfigError) as error:
            symroof.load(path).report()
        assert "config.json" in the_line(f"Error: {error.value}")


# ---- paths

PATHS = table(
    ("missing file", "missing.json", ("missing.json", "give the path")),
    ("missing absolute file", "/missing/config", ("/missing/config", "give the path")),
    ("missing directory", "./missing", ("./missing", "give the path")),
    ("up", "../../missing-etc", ("../../missing-etc", "give the path")),
    ("backslash", "C:\\models\\llama", ("models", "give the path")),
    ("no such home", "~nosuchuser0/config.json", ("~nosuchuser0", "give the path")),
    ("directory", "empty", ("empty", "no config.json", "directory")),
    ("dot", ".", ("no config.json",)),
    ("broken link", "broken.json", ("broken.json", "give the path")),
    ("link loop", "loop.json", ("loop.json", "give the path")),
    ("link loop without suffix", "loop", ("loop",)),
    ("directory with a link loop", "looping", ("looping", "config.json")),
    ("below a file", "./file/config.json", ("file/config.json", "give the path")),
    ("nothing", "", ("model",)),
    ("space", " ", ("unknown model", "known")),
    ("escape", "x\x1b[31mred\n", ("unknown model", "known")),
    ("escape in a file name", "x\x1b[31m\nred.json", ("give the path",)),
    ("escape in a directory", "odd\x1b[31m\ndirectory", ("no config.json",)),
    ("undecodable", "\udcff.json", ("give the path",)),
    ("zero byte", "a\0b", ("unknown model", "known")),
    ("long", "x" * 5000, ("unknown model", "xxx", "...")),
    ("long path", "./" + "x" * 5000, ("xxx", "...")),
    ("long file", "x" * 300 + ".json", ("xxx",)),
    ("python", "__import__('os').getcwd()", ("unknown model", "__import__", "known")),
    ("three parts", "a/b/c", ("unknown model 'a/b/c'", "known", "org/name")),
    ("empty revision", "org/good@", ("unknown model 'org/good@'", "org/name")),
    ("address", "https://huggingface.co/org/name", ("unknown model", "org/name")),
    ("near miss", "lama-3-8b", ("unknown model 'lama-3-8b'", "did you mean 'llama-3-8b'")),
    ("far miss", "zzz", ("unknown model 'zzz'", "known", "more", "symroof models")),
)


@pytest.fixture
def oddities(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A directory of odd files, and the current one."""
    monkeypatch.chdir(tmp_path)
    for name in ("empty", "looping", "odd\x1b[31m\ndirectory"):
        Path(name).mkdir()
    for name, target in (("broken.json", "nowhere"), ("loop.json", "loop.json"), ("loop", "loop")):
        Path(name).symlink_to(target)
    Path("looping/config.json").symlink_to("config.json")
    Path("file").write_text("{}", encoding="utf-8")
    return tmp_path


@NEEDS_POSIX
@pytest.mark.parametrize(("model", "words"), PATHS)
@pytest.mark.parametrize("command", ["report", "formula"])
def test_a_model_that_is_none(oddities: Path, command: str, model: str, words: tuple[str, ...]) -> None:
    check(run(command, "--", model), 2, words)


def closed(path: Path, mode: int) -> None:
    """Take permissions away; root, who needs none, skips the test."""
    path.chmod(mode)
    if os.access(path, os.R_OK | os.W_OK):
        pytest.skip("root may read and write all")


def test_a_file_that_may_not_be_read(tmp_path: Path) -> None:
    path = saved(tmp_path, LLAMA)
    closed(Path(path), 0)
    check(run("report", path), 1, ("config.json", "cannot be read", "Permission denied"))


@pytest.mark.parametrize("model", ["closed", "closed/config.json", "closed/config"])
def test_a_directory_that_may_not_be_searched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, model: str) -> None:
    monkeypatch.chdir(tmp_path)
    Path("closed").mkdir()
    closed(Path("closed"), 0)
    result = run("report", f"./{model}")
    assert result.exit_code in (1, 2)
    check(result, result.exit_code, ("closed",))


def test_a_config_that_is_a_directory(tmp_path: Path) -> None:
    (tmp_path / "config.json").mkdir()
    check(run("report", str(tmp_path)), 1, ("config.json", "cannot be read", "directory"))


@NEEDS_PROC
def test_a_read_that_fails() -> None:
    check(run("report", "/proc/self/mem"), 1, ("/proc/self/mem", "cannot be read"))


@NEEDS_PROC
def test_a_file_without_end() -> None:
    check(run("report", "/dev/zero"), 1, ("/dev/zero", "larger than 16 MiB"))


@NEEDS_POSIX
def test_an_odd_path_in_a_config_s_error(oddities: Path) -> None:
    path = oddities / "odd\x1b[31m\ndirectory" / "config.json"
    for config in (llama(torch_dtype="bf61"), llama(hidden_size=0), b"no JSON"):
        path.write_bytes(config if isinstance(config, bytes) else json.dumps(config).encode())
        check(run("report", str(path)), 1, ("odd",))


# ---- keys and values

SIZES = (
    "hidden_size",
    "num_hidden_layers",
    "num_attention_heads",
    "num_key_value_heads",
    "head_dim",
    "vocab_size",
    "intermediate_size",
)
TEXT_SIZES = (
    *SIZES,
    "intermediate_size_mlp",
    "num_local_experts",
    "num_experts_per_tok",
    "interleave_moe_layer_step",
    "attention_chunk_size",
    "no_rope_layer_interval",
    "nope_layer_interval",
)
NO_SIZES = {
    "zero": 0,
    "negative": -1,
    "fraction": 1.5,
    "whole float": 64.0,
    "string": "64",
    "NaN": math.nan,
    "infinity": math.inf,
    "10^400": 10**400,
    "-10^400": -(10**400),
    "bool": True,
    "list": [64],
    "object": {"a": 1},
    "code": "__import__('os')",
    "escape": "\x1b[31m\n",
    "long": "x" * 10_000,
}


@pytest.mark.parametrize("value", NO_SIZES.values(), ids=NO_SIZES)
@pytest.mark.parametrize("key", SIZES)
def test_no_size_of_a_llama(tmp_path: Path, key: str, value: Any) -> None:
    check(run("report", saved(tmp_path, llama(**{key: value}))), 1, ("config.json", repr(key), "whole number"))


@pytest.mark.parametrize("value", NO_SIZES.values(), ids=NO_SIZES)
@pytest.mark.parametrize("key", TEXT_SIZES)
def test_no_size_of_a_llama4(tmp_path: Path, key: str, value: Any) -> None:
    words = ("config.json", "text_config", repr(key), "whole number")
    other = {"nope_layer_interval": "no_rope_layer_interval"}.get(key)  # one key by two names: not both at once
    keys = {key: value, **({other: ABSENT} if other else {})}
    check(run("report", saved(tmp_path, llama4(**keys))), 1, words)


@pytest.mark.parametrize("value", [ABSENT, None], ids=["absent", "null"])
@pytest.mark.parametrize("key", [x for x in SIZES if x not in ("num_key_value_heads", "head_dim")])
def test_a_missing_size(tmp_path: Path, key: str, value: Any) -> None:
    check(run("report", saved(tmp_path, llama(**{key: value}))), 1, ("config.json", repr(key), "missing", "add it"))


@pytest.mark.parametrize("value", [ABSENT, None], ids=["absent", "null"])
def test_sizes_that_follow_from_others(tmp_path: Path, value: Any) -> None:
    path = saved(tmp_path, llama(num_key_value_heads=value, head_dim=value))
    assert json.loads(served("report", path, "--json"))["model"]["sizes"] == {
        "L": 4,
        "d": 64,
        "H_q": 8,
        "H_kv": 8,
        "h": 8,
        "V": 100,
        "f": 128,
    }


CONFIGS = table(
    ("heads and KV heads", llama(num_key_value_heads=3), ("attention_heads", "8", "value_heads", "3", "multiple")),
    ("more KV heads", llama(num_key_value_heads=16), ("attention_heads", "8", "value_heads", "16", "multiple")),
    ("hidden size and heads", llama(hidden_size=65, head_dim=ABSENT), ("hidden_size=65", "=8", "give head_dim")),
    ("model_type absent", llama(model_type=ABSENT), ("model_type", "missing", "add it", "families")),
    ("model_type null", llama(model_type=None), ("model_type", "missing", "add it", "families")),
    ("model_type empty", llama(model_type=""), ("model_type", "missing", "add it")),
    ("model_type near", llama(model_type="lama"), ("'lama'", "did you mean 'llama'", "families")),
    ("model_type case", llama(model_type="LLaMA4"), ("'LLaMA4'", "did you mean 'llama4'")),
    ("model_type far", llama(model_type="zzz"), ("unknown model_type 'zzz'", "`symroof families` lists", "known")),
    ("model_type of an encoder", llama(model_type="bert"), ("'bert'", "not covered", "encoder")),
    ("model_type number", llama(model_type=7), ("model_type", "7", "string")),
    ("model_type list", llama(model_type=["llama"]), ("model_type", "string")),
    ("model_type escape", llama(model_type="\x1b]0;x\x07\nllama"), ("unknown model_type", "known")),
    ("model_type long", llama(model_type="x" * 10**6), ("unknown model_type", "...", "known")),
    ("model_type surrogate", llama(model_type="\ud800"), ("unknown model_type", "known")),
    ("model_type path", llama(model_type="../../etc/passwd"), ("unknown model_type", "known")),
    ("model_type code", llama(model_type="__import__('os')"), ("unknown model_type", "known")),
    ("model_type dunder", llama(model_type="__init__"), ("unknown model_type", "known")),
    ("activation unknown", llama(hidden_act="sliu"), ("hidden_act", '"sliu"', "silu", "gelu")),
    ("activation number", llama(hidden_act=1), ("hidden_act", "string")),
    ("activation escape", llama(hidden_act="\x1b[31m\n"), ("hidden_act", "silu")),
    ("activation long", llama(hidden_act="x" * 10**6), ("hidden_act", "silu")),
    ("flag number", llama(tie_word_embeddings=1), ("tie_word_embeddings", "true or false")),
    ("flag string", llama(attention_bias="false"), ("attention_bias", '"false"', "true or false")),
    ("flag list", llama(mlp_bias=[]), ("mlp_bias", "true or false")),
    ("flag long", llama(mlp_bias="x" * 10**6), ("mlp_bias", "true or false")),
    ("flag of llama4", llama4(use_qk_norm="yes"), ("use_qk_norm", "true or false")),
    ("tuning of llama4", llama4(attn_temperature_tuning=4), ("attn_temperature_tuning", "true or false")),
    ("text_config absent", {"model_type": "llama4"}, ("text_config", "missing")),
    ("text_config null", {"model_type": "llama4", "text_config": None}, ("text_config", "missing")),
    ("text_config list", {"model_type": "llama4", "text_config": []}, ("text_config", "not an object")),
    ("text_config empty", {"model_type": "llama4", "text_config": {}}, ("text_config", "num_hidden_layers", "missing")),
    ("experts", llama4(num_experts_per_tok=5), ("num_experts_per_tok", "5", "num_local_experts", "4")),
    ("rope short", llama4(no_rope_layers=[1, 1, 0]), ("no_rope_layers", "each of the 4 layers")),
    ("rope long", llama4(no_rope_layers=[1] * 5), ("no_rope_layers", "each of the 4 layers")),
    ("rope values", llama4(no_rope_layers=[1, 2, 1, 0]), ("no_rope_layers", "0 or 1")),
    ("rope types", llama4(no_rope_layers=["1", [], {}, None]), ("no_rope_layers", "0 or 1")),
    ("rope no list", llama4(no_rope_layers="1110"), ("no_rope_layers", "list")),
    ("rope number", llama4(no_rope_layers=1), ("no_rope_layers", "list")),
    ("layer types short", llama4(layer_types=["full_attention"]), ("layer_types", "contradict", "chunked_attention")),
    ("layer types empty", llama4(layer_types=[]), ("layer_types", "contradict")),
    ("layer types other", llama4(layer_types=["full_attention"] * 4), ("layer_types", "no_rope_layer", "contradict")),
    (
        "layer types against rope",
        llama4(no_rope_layers=[1, 0, 1, 0], layer_types=["chunked_attention"] * 3 + ["full_attention"]),
        ("layer_types", "'no_rope_layers'", "contradict"),
    ),
    ("layer types unknown", llama4(layer_types=["mamba"] * 4), ("layer_types", "chunked_attention", "full_attention")),
    ("layer types no list", llama4(layer_types="full_attention"), ("layer_types", "list")),
    ("moe layers beyond", llama4(moe_layers=[1, 4]), ("moe_layers", "from 0 to 3")),
    ("moe layers negative", llama4(moe_layers=[-1]), ("moe_layers", "from 0 to 3")),
    ("moe layers twice", llama4(moe_layers=[1, 1]), ("moe_layers", "different")),
    ("moe layers types", llama4(moe_layers=[True, [], "1"]), ("moe_layers", "from 0 to 3")),
    ("moe layers no list", llama4(moe_layers=2), ("moe_layers", "list")),
    ("experts absent", llama4(num_local_experts=ABSENT), ("num_local_experts", "missing", "add it")),
    ("dense size absent", llama4(intermediate_size_mlp=ABSENT), ("intermediate_size_mlp", "missing", "add it")),
    ("KV heads of llama4", llama4(num_key_value_heads=3), ("attention_heads", "8", "value_heads", "3", "multiple")),
    ("dtype unknown", llama(torch_dtype="bf61"), ("'bf61'", "did you mean 'bf16'", "--dtype")),
    ("dtype far", llama(torch_dtype="auto"), ("'auto'", "bf16", "--dtype")),
    ("dtype number", llama(torch_dtype=16), ("torch_dtype", "string")),
    ("dtype object", llama(torch_dtype={"text": "bfloat16"}), ("torch_dtype", "string")),
    ("dtype escape", llama(torch_dtype="\x1b[31m\n"), ("unknown format", "--dtype")),
    ("dtype long", llama(torch_dtype="x" * 10**6), ("unknown format", "--dtype")),
    ("dtypes contradict", llama(dtype="float16"), ("dtype", "torch_dtype", "contradict", "bf16", "fp16")),
    ("dtypes contradict in escapes", llama(dtype="\x1b[31m\nred"), ("dtype", "torch_dtype", "contradict")),
    ("dtypes contradict at length", llama(dtype="x" * 10**6), ("dtype", "torch_dtype", "contradict")),
    ("dtype of the text part", {**llama4(), "torch_dtype": "float32"}, ("contradict", "bf16", "fp32")),
    ("quantised", llama(quantization_config={"quant_method": "fp7"}), ("quantization_config", "'fp7'", "--weights")),
    ("quantised somehow", llama(quantization_config={}), ("quantization_config", "--weights")),
    ("quantised in words", llama(quantization_config="gptq"), ("quantization_config", '"gptq"', "object")),
    ("quantised falsely", llama(quantization_config=False), ("quantization_config", "false", "object")),
    ("quantised in escapes", llama(quantization_config={"quant_method": "\x1b[31m\n"}), ("quantization_config",)),
    ("quantised at length", llama(quantization_config={"quant_method": "x" * 10**6}), ("quantization_config",)),
    ("quantised by a list", llama(quantization_config={"quant_method": [[]] * 9999}), ("quantization_config",)),
    ("quantised llama4", {**llama4(), "quantization_config": {"quant_method": "fp7"}}, ("quantization_config", "fp7")),
    ("quantised text part", llama4(quantization_config={"quant_method": "fp7"}), ("quantization_config", "fp7")),
)


@pytest.mark.parametrize(("config", "words"), CONFIGS)
def test_a_config_that_cannot_be(tmp_path: Path, config: dict[str, Any], words: tuple[str, ...]) -> None:
    check(run("report", saved(tmp_path, config)), 1, ("config.json", *words))


@pytest.mark.parametrize(("config", "words"), CONFIGS)
def test_a_dict_that_cannot_be(config: dict[str, Any], words: tuple[str, ...]) -> None:
    with pytest.raises(ConfigError) as error:
        symroof.load(config).report()
    line = the_line(f"Error: {error.value}")
    assert [x for x in words if x not in line] == [], line


@pytest.mark.parametrize("key", [*SIZES, "tie_word_embeddings", "hidden_act", "torch_dtype", "model_type"])
@pytest.mark.parametrize("value", [10**5000, {1, 2}, b"64", object()], ids=["digits", "set", "bytes", "object"])
def test_a_dict_of_what_json_has_not(key: str, value: Any) -> None:
    with pytest.raises(ConfigError, match=key) as error:
        symroof.load(llama(**{key: value})).report()
    assert the_line(f"Error: {error.value}")


@pytest.mark.parametrize(
    "config",
    [
        llama(_name_or_path=10**5000),
        llama(_name_or_path=["a"]),
        llama(unread=object()),
        {**llama(), 1: 2, None: 3},
        llama(dtype="torch.bfloat16"),
        llama(dtype="bf16"),
        llama(torch_dtype="BFloat16"),
        llama(text_config=5),
    ],
    ids=range(8),
)
def test_what_is_no_fault(config: dict[Any, Any]) -> None:
    assert symroof.load(config).report().total.flops > 0


def test_more_layers_than_can_be_listed(tmp_path: Path) -> None:
    """The largest size that is taken ends in a report or an error, soon and in little memory."""
    resource = pytest.importorskip("resource")
    path = saved(tmp_path, llama4(num_hidden_layers=10**9))
    done = process(
        "report", path, timeout=10, preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, (2**30, 2**30))
    )
    assert done.returncode == 0 or the_line(done.stderr)


@pytest.mark.parametrize("layers", [MAX_LAYERS, MAX_LAYERS + 1, 10**6])
def test_layers_that_are_listed_one_by_one(layers: int) -> None:
    """As many layers as are taken are read and quantised soon; a million took a minute."""
    quantised = {"quant_method": "fp8", "modules_to_not_convert": [f"model.layers.{i}.mlp" for i in range(20)]}
    start = time.process_time()
    for config in (
        llama4(num_hidden_layers=layers, no_rope_layers=[1, 1, 1, 0] * (layers // 4) + [1] * (layers % 4)),
        llama(num_hidden_layers=layers, quantization_config=quantised),
    ):
        report = outcome(config)
        assert ("num_hidden_layers" in report) if isinstance(report, str) else layers <= MAX_LAYERS
    assert time.process_time() - start < 8


def test_every_size_at_its_largest(tmp_path: Path) -> None:
    sizes = {**dict.fromkeys(SIZES, 10**9), "num_hidden_layers": MAX_LAYERS}
    out = json.loads(served("report", saved(tmp_path, llama(**sizes)), "--json", "--cached-tokens", str(10**18)))
    assert out["totals"]["flops"] > 10**40


# ---- what nobody foresaw


@pytest.mark.parametrize("fault", [TypeError("a\nb"), KeyError("k"), OverflowError(), RecursionError(), MemoryError()])
@pytest.mark.parametrize(
    "where",
    [
        "families.registry._checked_architecture",
        "quantization.quantization_config.config_scheme",
        "quantization.quantization_config.role_formats",
    ],
)
def test_a_fault_while_a_config_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fault: Exception, where: str
) -> None:
    """One line that names the config and the kind of exception, and asks for a report; a traceback for who wants it."""

    def fail(*args: object) -> None:
        raise fault

    monkeypatch.setattr(f"symroof.{where}", fail)
    path = saved(tmp_path, llama(quantization_config={"quant_method": "fp8"}))
    with pytest.raises(type(fault)):
        symroof.load(path).report()
    monkeypatch.delenv("SYMROOF_TRACEBACK")
    check(run("report", path), 1, ("config.json", type(fault).__name__, "report it", "SYMROOF_TRACEBACK"))


# ---- options

OPTIONS = table(
    ("no model", "report", ["MODEL"], True),
    ("two models", "report llama-3-8b llama-3-70b", ["llama-3-70b", "unexpected"], True),
    ("no command", "reprot llama-3-8b", ["'reprot'"], True),
    ("no option", "report llama-3-8b --cached-token 1", ["--cached-token", "--cached-tokens"], True),
    ("form", "report llama-3-8b --format yaml", ["--format", "'yaml'", "csv"], True),
    ("lists", "report llama-3-8b --cached-tokens 1 2 3 --input-tokens 1 2", ["3", "2", "same length"], True),
    ("lists by commas", "report llama-3-8b --cached-tokens 1,2,3 --input-tokens 1,2", ["3", "2", "same length"], True),
    ("batch", "report llama-3-8b --cached-tokens 1 2 3 --batch-size 4", ["batch size 4", "multiple", "3"], True),
    ("batch below", "report llama-3-8b --cached-tokens 1 2 3 --batch-size 1", ["batch size 1", "multiple"], True),
    ("batch of none", "report llama-3-8b --batch-size 0", ["batch size", "0", "give 1"], True),
    ("batch negative", "report llama-3-8b --batch-size -4", ["batch size", "-4", "give 1"], True),
    ("batch fraction", "report llama-3-8b --batch-size 1.5", ["--batch-size", "'1.5'", "whole number"], True),
    ("batch word", "report llama-3-8b --batch-size two", ["--batch-size", "'two'", "whole number"], True),
    ("batch beyond", f"report llama-4-scout --batch-size {10**400}", ["batch", "give"], True),
    ("tokens beyond", f"report llama-4-scout --cached-tokens {10**30}", ["cached", "give"], True),
    ("batch digits", f"report llama-3-8b --batch-size 1{'0' * 5000}", ["--batch-size"], True),
    ("tokens negative", "report llama-3-8b --cached-tokens -1", ["cached", "-1", "give 0"], True),
    ("input of none", "report llama-3-8b --input-tokens 0", ["new tokens", "0", "give 1"], True),
    ("tokens fraction", "report llama-3-8b --cached-tokens 1.5", ["--cached-tokens", "'1.5'", "whole number"], True),
    ("tokens exponent", "report llama-3-8b --cached-tokens 1e-3", ["--cached-tokens", "'1e-3'", "whole number"], True),
    ("tokens word", "report llama-3-8b --cached-tokens many", ["--cached-tokens", "'many'", "whole number"], True),
    ("tokens hexadecimal", "report llama-3-8b --cached-tokens 0x10", ["--cached-tokens", "'0x10'"], True),
    ("tokens underscores", "report llama-3-8b --cached-tokens 1__0", ["--cached-tokens", "'1__0'"], True),
    ("tokens underscore", "report llama-3-8b --cached-tokens 1_", ["--cached-tokens", "'1_'"], True),
    ("tokens comma", "report llama-3-8b --cached-tokens ,", ["--cached-tokens", "whole number"], True),
    ("tokens none", "report llama-3-8b --cached-tokens", ["--cached-tokens"], True),
    ("tokens then option", "report llama-3-8b --cached-tokens --json", ["--cached-tokens"], True),
    ("tokens end", "report --cached-tokens -- llama-3-8b", ["--cached-tokens"], True),
    ("tokens digits", f"report llama-3-8b --cached-tokens 1{'0' * 5000}", ["--cached-tokens", "..."], True),
    ("tokens code", "report llama-3-8b --cached-tokens __import__('os')", ["--cached-tokens", "whole number"], True),
    ("dtype", "report llama-3-8b --dtype bf61", ["--dtype", "'bf61'", "did you mean 'bf16'"], True),
    ("dtype far", "report llama-3-8b --dtype zzz", ["--dtype", "'zzz'", "known", "mxfp4"], True),
    ("dtype nothing", "report llama-3-8b --dtype=", ["--dtype", "known"], True),
    ("weights", "report llama-3-8b --weights int44", ["--weights", "'int44'", "did you mean 'int4'"], True),
    ("experts", "report llama-3-8b --experts zzz", ["--experts", "'zzz'", "known"], True),
    ("cache", "report llama-3-8b --cache zzz", ["--cache", "'zzz'", "known"], True),
    ("activations", "report llama-3-8b --activations zzz", ["--activations", "'zzz'", "known"], True),
    ("dtype long", f"report llama-3-8b --dtype {'x' * 9999}", ["--dtype", "...", "known"], True),
    ("rules", "report llama-3-8b --rules standart", ["--rules", "'standart'", "did you mean 'standard'"], True),
    ("rules far", "report llama-3-8b --rules zzz", ["--rules", "'zzz'", "known", "standard"], True),
    ("rules two sets", "report llama-3-8b --rules standard,transformers", ["standard and transformers", "one"], True),
    ("rules dunder", "report llama-3-8b --rules __class__", ["--rules", "'__class__'", "known"], True),
    ("rules kept", "report llama-3-8b --rules transformer-roofline-analyzer,exact-dots", ["exact-dots", "drop"], True),
    (
        "rules and logits",
        "report llama-3-8b --rules transformer-roofline-analyzer --logits all",
        ["logits-all", "drop"],
        True,
    ),
    ("logits", "report llama-3-8b --logits first", ["--logits", "'first'", "last"], True),
    ("against", "report llama-3-8b --against standart", ["--against", "did you mean 'standard'"], True),
    ("against csv", "report llama-3-8b --against transformers --format csv", ["--against", "csv", "json"], True),
    ("against html", "report llama-3-8b --against transformers --format html", ["--against", "html", "table"], True),
    ("set nothing", "report llama-3-8b --set=", ["--set", "d=8192"], True),
    ("set without value", "report llama-3-8b --set d", ["--set", "'d'", "d=8192"], True),
    ("set empty value", "report llama-3-8b --set d=", ["--set", "'d='", "d=8192"], True),
    ("set no name", "report llama-3-8b --set =4", ["not a size", "d"], True),
    ("set zero", "report llama-3-8b --set d=0", ["d = 0", "from 1"], True),
    ("set negative", "report llama-3-8b --set d=-4", ["--set", "'d=-4'", "d=8192"], True),
    ("set fraction", "report llama-3-8b --set d=4.5", ["--set", "'d=4.5'", "d=8192"], True),
    ("set code", "report llama-3-8b --set d=__import__('os')", ["--set", "d=8192"], True),
    ("set huge", f"report llama-3-8b --set d={10**400}", ["--set", "d=8192"], True),
    ("set twice", "report llama-3-8b --set d=4=5", ["--set", "'d=4=5'"], True),
    ("set near", "report llama-3-8b --set H_kw=4", ["'H_kw'", "did you mean 'H_kv'"], True),
    ("set other", "report llama-3-8b --set N_e=4", ["'N_e'", "not a size of this model"], True),
    ("set unknown", "report llama-3-8b --set zzz=4", ["'zzz'", "its sizes", "H_kv"], True),
    ("set dunder", "report llama-3-8b --set __class__=4", ["'__class__'", "its sizes"], True),
    ("set long", f"report llama-3-8b --set {'x' * 9999}=4", ["not a size", "its sizes"], True),
    ("set width", "report llama-3-8b --set b_w=4", ["'b_w'", "not a size"], True),
    ("set KV heads", "report llama-3-8b --set H_kv=7", ["H_q", "32", "H_kv", "7"], True),
    ("set experts", "report llama-4-scout --set k=17", ["k", "17", "N_e", "16"], True),
    ("set layers", "report llama-4-scout --set L=5", ["L", "5", "L_chunk", "36"], True),
    ("set in a formula", "formula llama-3-8b --set zzz=4", ["'zzz'", "its sizes"], True),
    ("quantity", "formula llama-3-8b --quantity flop", ["'flop'", "did you mean 'flops'"], True),
    ("quantity far", "formula llama-3-8b --quantity zzz", ["'zzz'", "known", "cache_size"], True),
    ("quantity of two", "formula llama-3-8b --quantity flops,zzz", ["'zzz'", "known"], True),
    ("quantity code", "formula llama-3-8b --quantity __import__('os')", ["unknown quantity", "known"], True),
    ("operator", "formula llama-3-8b --op mlp/dwon", ["'mlp/dwon'", "did you mean 'mlp/down'"], True),
    ("operator far", "formula llama-3-8b --op zzz", ["'zzz'", "known", "mlp"], True),
    ("operator dunder", "formula llama-3-8b --op __class__/x", ["'__class__/x'"], True),
    ("operator of another", "formula llama-3-8b --op moe/router", ["'moe/router'"], True),
    ("operator slash", "formula llama-3-8b --op mlp/", ["'mlp/'"], True),
    ("formula form", "formula llama-3-8b --format html", ["--format", "'html'", "latex"], True),
    ("output nowhere", "report llama-3-8b --output missing/out.txt", ["missing/out.txt", "cannot be written"], False),
    ("output directory", "report llama-3-8b --output .", ["directory"], True),
    ("output below a file", "report llama-3-8b --output file/out.txt", ["file/out.txt", "cannot be written"], False),
)


@pytest.mark.parametrize(("line", "words", "typed"), OPTIONS)
def test_an_option_that_cannot_be(oddities: Path, line: str, words: list[str], typed: bool) -> None:
    before = sorted(os.listdir(oddities))
    check(run(*line.split(" ")), 2 if typed else 1, tuple(words))
    assert sorted(os.listdir(oddities)) == before


ODD = "x\x1b[31mred\x07\n\u202eevil\u2028"
ODD_ARGUMENTS = [
    [ODD],
    ["report", "llama-3-8b", ODD],
    ["report", "llama-3-8b", f"--{ODD}"],
    *(
        ["report", "llama-3-8b", f"{option}={ODD}"]
        for option in (
            "--cached-tokens",
            "--input-tokens",
            "--batch-size",
            "--dtype",
            "--rules",
            "--logits",
            "--against",
            "--format",
        )
    ),
    ["report", "llama-3-8b", "--set", ODD],
    ["report", "llama-3-8b", "--set", f"{ODD}=4"],
    ["report", "llama-3-8b", "--output", f"missing{ODD}/x"],
    ["formula", "llama-3-8b", "--op", ODD],
    ["formula", "llama-3-8b", "--quantity", ODD],
]


@pytest.mark.parametrize("args", ODD_ARGUMENTS, ids=lambda args: args[-1].partition("x")[0] or str(len(args)))
def test_an_argument_full_of_escapes(args: list[str]) -> None:
    result = run(*args)
    check(result, 1 if "--output" in args else 2, ())


@pytest.mark.parametrize(
    "line",
    [
        "report LLAMA-3-8B",
        "report llama-3-8b --dtype BF16",
        "report llama-3-8b --weights MXfp4",
        "report llama-3-8b --dtype torch.BFloat16",
        "report llama-3-8b --rules Standard,Exact-Dots",
        "report llama-3-8b --against TRANSFORMERS",
        "report llama-3-8b --logits ALL",
        "report llama-3-8b --format JSON",
        "formula llama-3-8b --quantity FLOPs",
        "formula llama-3-8b --op MLP/Down",
    ],
)
def test_names_have_no_case(line: str) -> None:
    args = line.split(" ")
    assert served(*args) == served(*(x if x.startswith("--") else x.lower() for x in args))


@pytest.mark.parametrize(
    "args",
    [
        ["--cached-tokens", "1", "2", "3", "--input-tokens", "4", "5", "6", "llama-3-8b"],
        ["llama-3-8b", "--cached-tokens", "1,2,3", "--input-tokens", "4,5,6"],
        ["llama-3-8b", "--cached-tokens=1", "2", "3", "--input-tokens", "4,5", "6"],
        ["--input-tokens", "4", "5", "6", "--cached-tokens", "1", "2", "3", "--", "llama-3-8b"],
        ["--cached-tokens", "1", "--cached-tokens", "2", "3", "llama-3-8b", "--input-tokens", "4", "5", "6"],
    ],
    ids=range(5),
)
def test_lists_of_tokens(args: list[str]) -> None:
    groups = json.loads(served("report", "--json", *args))["batch"]["groups"]
    assert groups == [{"new": n, "cached": c, "count": 1} for n, c in ((4, 1), (5, 2), (6, 3))]


@pytest.mark.parametrize(
    "step",
    [
        {"new": 0},
        {"new": -1},
        {"new": 1.0},
        {"new": "1"},
        {"new": True},
        {"new": None},
        {"new": []},
        {"new": [1, [2]]},
        {"cached": -1},
        {"cached": math.nan},
        {"cached": "12"},
        {"cached": [1, 2], "new": [1, 2, 3]},
        {"cached": -(10**5000)},
        {"batch_size": 0},
        {"batch_size": 2.0},
        {"batch_size": 3, "cached": [1, 2]},
        {"batch_size": 10**5000 + 1, "cached": [1, 2]},
        {"dtype": "bf61"},
        {"weights": "zzz"},
        {"rules": "zzz"},
        {"rules": ["standard", "transformers"]},
        {"logits": "first"},
    ],
    ids=range(22),
)
def test_a_step_that_cannot_be(step: dict[str, Any]) -> None:
    with pytest.raises(UsageError) as error:
        symroof.load(LLAMA).report(**step)
    assert the_line(f"Error: {error.value}")


@pytest.mark.parametrize(
    "sizes", [{"d": 0}, {"d": -1}, {"d": 1.5}, {"d": "64"}, {"d": True}, {"zzz": 1}, {"d": None}, {"H_kv": 3}], ids=str
)
def test_sizes_that_cannot_be(sizes: dict[str, Any]) -> None:
    with pytest.raises(SymroofError) as error:
        symroof.load(LLAMA).with_sizes(**sizes)
    assert next(iter(sizes)) in the_line(f"Error: {error.value}")


# ---- what a quantised config says is not passed over


@pytest.mark.parametrize("args", [(), ("--cache", "fp8"), ("--experts", "fp4"), ("--activations", "fp8")])
def test_an_unknown_quantisation_wants_a_word(tmp_path: Path, args: tuple[str, ...]) -> None:
    path = saved(tmp_path, llama(quantization_config={"quant_method": "mxfp7"}))
    check(run("report", path, *args), 1, ("quantization_config", "'mxfp7'", "known", "mxfp4", "--weights"))


@pytest.mark.parametrize("args", [("--weights", "fp8"), ("--dtype", "bf16"), ("--weights", "fp8", "--cache", "fp8")])
def test_a_quantised_config_is_overridden(tmp_path: Path, args: tuple[str, ...]) -> None:
    path = saved(tmp_path, llama(quantization_config={"quant_method": "mxfp4"}))
    weights = json.loads(served("report", path, "--json", *args))["precision"]["weights"]
    assert (weights["format"], weights["bytes"]) == (args[1], 1 if args[1] == "fp8" else 2)
    assert weights["origin"].startswith("given")
    assert "quantization_config (mxfp4)" in " ".join(served("report", path, *args).split())


@pytest.mark.parametrize(
    "keys",
    [{"torch_dtype": ABSENT}, {"torch_dtype": "bf61"}, {"dtype": "float16"}, {"quantization_config": {"bits": 4}}],
    ids=["absent", "unknown", "contradiction", "quantised"],
)
def test_formulas_need_no_format(tmp_path: Path, keys: dict[str, Any]) -> None:
    """What the config says of formats may be wrong: a closed form has none, or its error's cure can be followed."""
    result = run("formula", saved(tmp_path, llama(**keys)))
    assert result.exit_code == 0 or "--dtype" in run("formula", "--help").output


# ---- output


@pytest.fixture
def old(tmp_path: Path) -> Path:
    """A file that was there before."""
    path = tmp_path / "out.txt"
    path.write_text("old", encoding="utf-8")
    return path


def test_output_replaces_the_file(old: Path) -> None:
    assert served("report", "llama-3-8b", "--json", "--output", str(old)) == ""
    assert json.loads(old.read_text(encoding="utf-8"))["model"]["name"] == "llama-3-8b"
    assert os.listdir(old.parent) == ["out.txt"]


def test_output_through_a_link(old: Path) -> None:
    link = old.with_name("link.txt")
    link.symlink_to(old)
    served("report", "llama-3-8b", "--json", "--output", str(link))
    assert link.is_symlink()
    assert json.loads(old.read_text(encoding="utf-8"))


@NEEDS_POSIX
def test_output_to_what_is_no_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A socket, like a device, is written to or refused but never replaced: `--output /dev/null`."""
    monkeypatch.chdir(tmp_path)
    with socket.socket(socket.AF_UNIX) as bound:
        bound.bind("special")
        run("report", "llama-3-8b", "--json", "--output", "special")
        assert stat.S_ISSOCK(os.stat("special").st_mode)


OPEN_FILES = {
    "/dev/stdout": ">> log",
    "/dev/stderr": "2>> log",
    "/dev/fd/1": ">> log",
    "/proc/self/fd/1": ">> log",
    "/proc/thread-self/fd/1": ">> log",
    "/dev/fd/7": "7>> log",
    "link": ">> log",
}
WRITING = {
    "report": "report llama-3-8b --format markdown",
    "formula": "formula llama-3-8b --quantity parameters",
    "compare": "compare llama-3-8b",
    "sweep": "sweep llama-3-8b --over batch=1 --quantity flops",
}


@NEEDS_PROC
@pytest.mark.parametrize("name", OPEN_FILES)
def test_output_to_an_open_file_continues_it(tmp_path: Path, name: str) -> None:
    """What a shell opened is appended to, not replaced by another file of its name."""
    (tmp_path / "link").symlink_to("/dev/stdout")
    for command in WRITING.values() if name == "/dev/stdout" else (WRITING["report"], WRITING["sweep"]):
        log = tmp_path / "log"
        log.write_text("before\n")
        kept = log.stat().st_ino
        line = f"{sys.executable} -m symroof {command} -o {name} {OPEN_FILES[name]}"
        done = subprocess.run(["bash", "-c", line], cwd=tmp_path, capture_output=True, text=True, check=False)
        assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
        assert log.stat().st_ino == kept
        assert log.read_text() == "before\n" + served(*command.split())
        assert sorted(os.listdir(tmp_path)) == ["link", "log"]


@NEEDS_PROC
def test_output_between_other_output(tmp_path: Path) -> None:
    line = f"(echo before; {sys.executable} -m symroof {WRITING['sweep']} -o /dev/stdout; echo after) > log"
    subprocess.run(["bash", "-c", line], cwd=tmp_path, check=True)
    assert (tmp_path / "log").read_text() == f"before\n{served(*WRITING['sweep'].split())}after\n"


@NEEDS_POSIX
@pytest.mark.parametrize("command", WRITING.values(), ids=WRITING)
def test_output_to_a_pipe_with_a_name(tmp_path: Path, command: str) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    line = f"cat {pipe} & {sys.executable} -m symroof {command} -o {pipe}; wait"
    done = subprocess.run(["bash", "-c", line], capture_output=True, text=True, timeout=60, check=False)
    assert (done.stdout, done.stderr) == (served(*command.split()), "")
    assert stat.S_ISFIFO(pipe.stat().st_mode)


@NEEDS_PROC
def test_another_program_s_file_is_appended_to(tmp_path: Path) -> None:
    with (tmp_path / "log").open("w") as log:
        log.write("before\n")
        log.flush()
        subprocess.run(
            [
                sys.executable,
                "-m",
                "symroof",
                *WRITING["sweep"].split(),
                "-o",
                f"/proc/{os.getpid()}/fd/{log.fileno()}",
            ],
            check=True,
        )
    assert (tmp_path / "log").read_text() == "before\n" + served(*WRITING["sweep"].split())


@pytest.mark.parametrize("call", ["os.replace", "os.chmod", "tempfile.mkstemp"])
@pytest.mark.parametrize("command", ["report", "formula"])
def test_a_write_that_fails(old: Path, monkeypatch: pytest.MonkeyPatch, call: str, command: str) -> None:
    def fail(*args: object, **options: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(call, fail)
    check(run(command, "llama-3-8b", "--output", str(old)), 1, ("out.txt", "cannot be written", "No space left"))
    assert old.read_text(encoding="utf-8") == "old"
    assert os.listdir(old.parent) == ["out.txt"]


def test_a_write_that_is_interrupted(old: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def stop(*args: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("os.replace", stop)
    result = run("report", "llama-3-8b", "--output", str(old))
    assert result.exit_code == 1
    assert "Traceback" not in result.output
    assert old.read_text(encoding="utf-8") == "old"
    assert os.listdir(old.parent) == ["out.txt"]


def test_a_file_that_may_not_grow(old: Path) -> None:
    """A real write that fails half-way."""
    resource = pytest.importorskip("resource")
    limit = {"preexec_fn": lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (100, 100))}
    env = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1"}
    done = process("report", "llama-3-8b", "--json", "--output", str(old), env=env, **limit)
    assert done.returncode == 1
    assert "cannot be written: File too large" in the_line(done.stderr)
    assert old.read_text(encoding="utf-8") == "old"
    assert os.listdir(old.parent) == ["out.txt"]


def test_a_directory_that_may_not_be_written(old: Path) -> None:
    closed(old.parent, 0o500)
    try:
        check(run("report", "llama-3-8b", "--output", str(old)), 1, ("out.txt", "cannot be written", "denied"))
        assert old.read_text(encoding="utf-8") == "old"
    finally:
        old.parent.chmod(0o700)


@pytest.mark.parametrize("command", ["report", "formula"])
def test_no_output_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: str) -> None:
    monkeypatch.chdir(tmp_path)
    check(run(command, "llama-3-8b", "--output", ""), 2, ("--output",))
    assert os.listdir(tmp_path) == []


def test_an_output_name_as_long_as_may_be(tmp_path: Path) -> None:
    path = tmp_path / ("x" * 255)
    served("report", "llama-3-8b", "--json", "--output", str(path))
    assert json.loads(path.read_text(encoding="utf-8"))


@NEEDS_POSIX
@pytest.mark.parametrize("form", ["table", "markdown", "html"])
def test_a_name_that_is_no_text_is_written(tmp_path: Path, form: str) -> None:
    """A file name may hold bytes that are no UTF-8."""
    path = os.fsdecode(os.fsencode(tmp_path) + b"/\xff.json")
    with open(path, "w", encoding="utf-8") as file:
        json.dump(LLAMA, file)
    out = tmp_path / "out.txt"
    result = run("report", path, "--format", form, "--output", str(out))
    assert result.exit_code == 0 or check(result, 1, ("cannot be written",))
    assert len(os.listdir(tmp_path)) == 1 + out.exists()


# ---- as a process

PROCESSES = table(
    ("model", ["report", "lama-3-8b"], 2, "did you mean 'llama-3-8b'"),
    ("long model", ["report", "x" * 5000], 2, "unknown model"),
    ("home", ["report", "~nosuchuser0/config.json"], 2, "~nosuchuser0"),
    ("escape", ["report", "\x1b[31m\nred"], 2, "unknown model"),
    ("bytes", ["report", b"\xff\xfe.json"], 2, "give the path"),
    ("option", ["report", "llama-3-8b", "--dtype", "bf61"], 2, "did you mean 'bf16'"),
    ("tokens", ["report", "llama-3-8b", "--cached-tokens", "1", "2", "--input-tokens", "1", "2", "3"], 2, "same"),
    ("underscores", ["report", "llama-3-8b", "--cached-tokens", "1__0"], 2, "'1__0'"),
    ("operator", ["formula", "llama-3-8b", "--op", "zzz"], 2, "known"),
    ("output", ["report", "llama-3-8b", "--output", "missing/out.txt"], 1, "cannot be written"),
)


@pytest.mark.parametrize(("args", "code", "word"), PROCESSES)
def test_as_a_process(tmp_path: Path, args: list[Any], code: int, word: str) -> None:
    done = process(*args, cwd=tmp_path)
    assert (done.returncode, done.stdout) == (code, "")
    assert word in the_line(done.stderr)
    assert os.listdir(tmp_path) == []


def test_a_config_as_a_process(tmp_path: Path) -> None:
    done = process("report", saved(tmp_path, llama(model_type="lama")), env={**os.environ, "LC_ALL": "C"})
    assert (done.returncode, done.stdout) == (1, "")
    assert "did you mean 'llama'" in the_line(done.stderr)


def test_a_deep_config_as_a_process(tmp_path: Path) -> None:
    done = process("report", saved(tmp_path, DEEP))
    assert (done.returncode, done.stdout) == (1, "")
    assert "nested too deep" in the_line(done.stderr)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="a system with /dev/full")
@pytest.mark.parametrize("args", [["report", "llama-3-8b"], ["formula", "llama-3-8b"], ["rules"]], ids=lambda x: x[0])
def test_a_full_disk_behind_a_redirection(args: list[str]) -> None:
    with open("/dev/full", "w", encoding="utf-8") as full:
        done = process(*args, stdout=full)
    assert done.returncode == 1
    assert "No space left on device" in the_line(done.stderr)


@pytest.mark.parametrize("args", [["report", "llama-3-8b"], ["formula", "llama-3-8b"]], ids=lambda x: x[0])
def test_a_reader_that_hangs_up(args: list[str]) -> None:
    ours, theirs = os.pipe()
    os.close(ours)
    try:
        done = process(*args, stdout=theirs)
    finally:
        os.close(theirs)
    assert done.returncode in (0, 1, 141)
    assert done.stderr == ""


# ---- nothing a user or a config says is run


def code(path: Path) -> str:
    """Python that leaves a file when it is run."""
    return f"__import__('pathlib').Path({str(path)!r}).touch()"


@pytest.fixture
def trace(tmp_path: Path) -> Path:
    return tmp_path / "trace"


@pytest.mark.parametrize("base", [llama, llama4], ids=["llama", "llama4"])
def test_values_are_not_run(trace: Path, base: Any) -> None:
    text = code(trace)
    inner = TEXT if base is llama4 else LLAMA
    for key in inner:
        for value in (text, [text], {text: text}, f"{{{{ {text} }}}}"):
            with contextlib.suppress(SymroofError):
                symroof.load(base(**{key: value})).report()
    assert not trace.exists()


def test_keys_and_unread_values_are_not_run(tmp_path: Path, trace: Path) -> None:
    text = code(trace)
    unread = {
        text: text,
        "auto_map": {"AutoConfig": text},
        "_name_or_path": text,
        "architectures": [text],
        "custom_pipelines": {text: {"impl": text}},
        "rope_scaling": text,
        "__class__": text,
    }
    path = saved(tmp_path, llama(**unread))
    for form in ("table", "json", "csv", "markdown", "html", "latex"):
        served("report", path, "--format", form)
    for form in ("text", "latex", "markdown", "python"):
        served("formula", path, "--format", form)
    assert symroof.load(llama(**unread)).formula("flops").free_symbols
    assert not trace.exists()


def test_arguments_are_not_run(trace: Path) -> None:
    text = code(trace)
    options = ("--cached-tokens", "--batch-size", "--dtype", "--weights", "--rules", "--logits", "--against", "--set")
    for args in (["report", text], *(["report", "llama-3-8b", x, text] for x in options)):
        check(run(*args), 2, ())
    for args in (["--op", text], ["--quantity", text], ["--set", f"{text}=1"], ["--set", f"d={text}"]):
        check(run("formula", "llama-3-8b", *args), 2, ())
    with pytest.raises(UsageError):
        symroof.load("llama-3-8b").with_sizes(d=text)
    with pytest.raises(UsageError):
        symroof.load("llama-3-8b").report(new=text)
    assert not trace.exists()


def test_text_in_a_binding_is_not_run(trace: Path) -> None:
    """A definition is an expression or a number; text in its place is refused."""
    from symroof import symbols as s

    for use in (lambda x: symroof.Binding({s.d: x})(s.d), lambda x: symroof.Binding()(x)):
        with pytest.raises(Exception, match=r"\S"):
            use(code(trace))
    assert not trace.exists()


NAMES = ['quo"""te', 'a"""\nimport os\n"""b', "back\\x\\N{slash}", "a\\", '"', "a\nb", "{d}", "%s", "\x0c"]


@NEEDS_POSIX
@pytest.mark.parametrize("name", NAMES, ids=range(len(NAMES)))
def test_a_name_stays_out_of_written_code(tmp_path: Path, name: str) -> None:
    """Python that `formula` writes holds functions and nothing that a model's name put there."""
    (tmp_path / name).mkdir()
    text = served("formula", saved(tmp_path / name, LLAMA), "--format", "python")
    kinds = {type(node) for node in ast.parse(text).body}
    assert kinds <= {ast.Import, ast.FunctionDef}
    imported = [
        alias.name for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Import) for alias in node.names
    ]
    assert set(imported) <= {"math"}
    assert text.startswith("# ")


@NEEDS_POSIX
@pytest.mark.parametrize(
    "args",
    [
        ["report"],
        ["report", "--format", "markdown"],
        ["report", "--format", "html"],
        ["formula"],
        ["formula", "--format", "python"],
    ],
    ids=" ".join,
)
def test_a_name_s_escapes_are_not_printed(tmp_path: Path, args: list[str]) -> None:
    (tmp_path / "x\x1b]0;title\x07\x1b[31m").mkdir()
    out = served(*args, saved(tmp_path / "x\x1b]0;title\x07\x1b[31m", LLAMA))
    assert not {"\x1b", "\x07"} & set(out)


FORMULA = "=cmd|' /C calc'!A0"
FORMULAS = ("=", "+", "-", "@", "\t", "\r")  # what a cell begins with that a spreadsheet takes for one
MARKED = "a|b*c*`d`_e_<i>f</i>[g](h)$i$\nj"


@NEEDS_POSIX
@pytest.mark.parametrize("name", [FORMULA, "+1", "-1", "@x"])
def test_a_name_is_no_formula_of_a_spreadsheet(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """Cells that a spreadsheet would run are those of formulas alone: nothing that a name begins is one."""
    path = tmp_path / f"{name.replace('/', '_')}.json"
    path.write_text(json.dumps(LLAMA))
    lines = served("formula", str(path), "--format", "excel").splitlines()
    assert [x for x in lines if x.startswith(FORMULAS)] == [x for x in lines if x.startswith("=LET(")]
    monkeypatch.chdir(tmp_path)
    swept = served("sweep", "--over", f"model={path.name}", "--over", "batch=1", "--dtype", "bf16")
    assert not [x for row in csv.reader(io.StringIO(swept)) for x in row if x[:1] in FORMULAS]


def test_a_name_is_no_markup() -> None:
    """Every character that GitHub's Markdown or HTML would read is escaped, and the text is all there."""
    model = symroof.load(llama(_name_or_path=MARKED))
    title = render_report(model.report(), "markdown").splitlines()[0]
    assert re.sub(r"\\(.)", r"\1", title).startswith("**" + MARKED.replace("\n", "?"))
    assert not re.search(r"(?<!\\)[|`<>$\[\]]|(?<!\\)\*(?!\*)(?<!\*\*)", title)
    assert "<i>" not in render_report(model.report(), "html")
    assert "<i>" not in model.report()._repr_html_()


AUDIT = """
import json, sys
seen, compiled = [], []

def watch(event, args):
    if event in ("compile", "exec", "import", "os.system", "subprocess.Popen", "os.exec", "os.posix_spawn", "pickle.find_class"):
        if event == "compile":
            compiled.append(1)
        if "zq_mark" in repr(args[:2]):
            seen.append([event, repr(args[:2])[:200]])

sys.addaudithook(watch)
from click.testing import CliRunner
from symroof.cli import cli

codes = []
for args in json.loads(sys.argv[1]):
    codes.append(CliRunner().invoke(cli, args).exit_code)
    compiled.append(0)
print(json.dumps({"seen": seen, "compiled": sum(compiled), "codes": codes}))
"""  # noqa: E501


def test_no_text_reaches_a_compiler_or_an_import(tmp_path: Path) -> None:
    """Python's own audit of what is compiled, imported or started, while marked text is everywhere."""
    mark = "zq_mark"
    marked = {mark: mark, "_name_or_path": mark, "architectures": [mark], "auto_map": {"AutoConfig": f"{mark}.{mark}"}}
    good, bad = tmp_path / mark, tmp_path / "bad"
    good.mkdir()
    bad.mkdir()
    path, wrong = saved(good, llama(**marked)), saved(bad, llama(model_type=mark))
    commands = [
        ["report", path],
        ["report", path, "--against", "transformers"],
        ["formula", path, "--format", "python"],
        ["report", path, "--json", "--set", "d=128"],
        ["report", wrong],
        ["report", mark],
        ["report", "llama-3-8b", "--dtype", mark],
        ["report", "llama-3-8b", "--rules", mark],
        ["report", "llama-3-8b", "--set", f"{mark}=1"],
        ["formula", "llama-3-8b", "--op", mark],
        ["formula", "llama-3-8b", "--quantity", mark],
    ]
    args = [sys.executable, "-c", AUDIT, json.dumps(commands)]
    done = subprocess.run(args, capture_output=True, text=True, timeout=60, check=True)
    found = json.loads(done.stdout)
    assert found["seen"] == []
    assert found["compiled"] > 0
    assert found["codes"] == [0, 0, 0, 0, 1, 2, 2, 2, 2, 2, 2]


# ---- any JSON at any key

NUMBERS = st.one_of(
    st.integers(-3, 40),
    st.integers(-(10**5), 10**5),
    st.sampled_from([10**9 + 1, -(10**9), 2**63, 10**30, 10**400, -(10**400)]),
    st.floats(),
)
WORDS = st.one_of(
    st.text(max_size=12),
    st.sampled_from(
        ["", "silu", "gelu", "bfloat16", "fp8", "torch.float16", "llama", "llama4", "full_attention", "64"]
    ),
)
VALUES = st.recursive(
    st.one_of(st.none(), st.booleans(), NUMBERS, WORDS),
    lambda x: st.one_of(st.lists(x, max_size=5), st.dictionaries(WORDS, x, max_size=3)),
    max_leaves=8,
)
MORE_KEYS = (
    "dtype",
    "quantization_config",
    "text_config",
    "no_rope_layers",
    "layer_types",
    "moe_layers",
    "nope_layer_interval",
    "_name_or_path",
    "rope_scaling",
    "sliding_window",
)
CALM = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow], derandomize=True)


def edits(base: Mapping[str, Any]) -> "st.SearchStrategy[dict[str, Any]]":
    """Up to three keys with other values, ABSENT among them."""
    return st.dictionaries(
        st.sampled_from([*base, *MORE_KEYS]), st.one_of(VALUES, st.just(ABSENT)), min_size=1, max_size=3
    )


def numbers(tree: Any) -> list[Any]:
    """Every number in a report."""
    if isinstance(tree, Mapping):
        return [x for value in tree.values() for x in numbers(value)]
    if isinstance(tree, list):
        return [x for value in tree for x in numbers(value)]
    return [tree] if isinstance(tree, int | float) else []


def outcome(config: Mapping[str, Any]) -> "symroof.Report | str":
    """The report on a config, or the error in its place."""
    try:
        return symroof.load(config).report(new=[1, 3], cached=[0, 40])
    except SymroofError as error:
        return str(error)


def holds(config: Mapping[str, Any]) -> None:
    """A report of finite numbers from zero up, or one clear error."""
    report = outcome(config)
    if isinstance(report, str):
        assert the_line(f"Error: {report}")
        return
    found = numbers(report.to_dict())
    assert all(math.isfinite(x) and x >= 0 for x in found)
    assert isinstance(report.parameters.total, int)
    assert report.parameters.total >= report.parameters.active > 0
    assert all(isinstance(row.layers, int) and row.layers > 0 for row in report.rows)
    assert json.loads(json.dumps(report.to_dict(), allow_nan=False))["schema"]


@CALM
@given(edits(LLAMA))
@example({"quantization_config": {"quant_method": "\n"}})
@example({"dtype": "\n"})
@example({"hidden_act": "x" * 10_000})
def test_any_value_at_any_key_of_llama(keys: dict[str, Any]) -> None:
    holds(llama(**keys))


@CALM
@given(edits(TEXT))
@example({"moe_layers": []})
@example({"no_rope_layers": [True, True, True, False]})
def test_any_value_at_any_key_of_llama4(keys: dict[str, Any]) -> None:
    holds(llama4(**keys))


@CALM
@given(st.dictionaries(st.one_of(st.sampled_from(list(LLAMA)), WORDS), VALUES, max_size=6))
def test_any_object(config: dict[str, Any]) -> None:
    holds(config)


@CALM
@given(st.text(max_size=30))
@example("a/\0")
@example("~a")
@example("\ud800")
def test_any_name(name: str) -> None:
    """No text is a model by chance; what might be a hub id is left to the tests of the hub."""
    if re.fullmatch(r"[\w.-]+/[\w.-]+(@[\w./-]+)?", name) or Path(name.replace("\0", "")).exists():
        return
    with pytest.raises(UsageError) as error:
        symroof.load(name)
    assert the_line(f"Error: {error.value}")


@CALM
@given(st.binary(max_size=40))
def test_any_file(tmp_path_factory: pytest.TempPathFactory, content: bytes) -> None:
    path = tmp_path_factory.getbasetemp() / "any.json"
    path.write_bytes(content)
    with pytest.raises(ConfigError) as error:
        symroof.load(path)
    assert "any.json" in the_line(f"Error: {error.value}")


@CALM
@given(st.text(alphabet="0123456789_-+.,eE٣²x ", min_size=1, max_size=8))
def test_any_token_list(text: str) -> None:
    """A number of tokens is taken as Python's int takes it, or refused in one line."""
    result = run("report", "llama-3-8b", "--json", f"--cached-tokens={text}", "--input-tokens", "0")
    check(result, 2, ())
