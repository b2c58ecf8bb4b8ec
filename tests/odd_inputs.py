"""Odd inputs drawn from a `random.Random`: configs, command lines, questions, machine files, sweeps; what may come out.

`test_fuzz.py` draws a few of each, `bench/fuzz.py` very many.
"""

import csv
import io
import json
import math
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass
from functools import cache
from inspect import signature
from pathlib import Path
from random import Random
from typing import Any

import click
from click.testing import CliRunner

from symroof.cli import cli
from symroof.config.catalogue import model_catalogue
from symroof.cost.rule_names import RULEBOOK
from symroof.dtypes import BITS
from symroof.sweeps.axes import SETTINGS

LONGEST_ERROR = 330  # characters: about 300, and what click says of the option
MODELS = (
    "llama-3.1-8b",
    "llama-4-scout",
    "deepseek-v3",
    "gpt-oss-20b",
    "gemma-3-1b",
    "jamba-v0.1",
    "mamba-130m",
    "qwen3-30b-a3b",
    "deepseek-v4-flash",
    "gpt2",
)

# ---- words and numbers

WORDS = (
    "",
    " ",
    "e",
    "banana",
    "None",
    "nan",
    "inf",
    "-1",
    "1e9",
    "__import__('os')",
    "\x00",
    "[bold]x[/]",
    "$x^2$",
    "=cmd|' /C calc'!A0",
    "a\nb",
    "\x1b[31m",
    "é" * 5,
    "x" * 2000,
    "float16",
    "sliding_attention",
    "full_attention",
    "linear_attention",
    "silu",
)
NUMBERS = (0, 1, 2, 3, 7, 64, 100, 4096, 10**6, 10**9, 10**9 + 1, 10**18, 10**18 + 1, 2**63, 10**30, -1, -(10**12))
FLOATS = (0.0, 0.5, 1.5, -0.5, 1e-300, 1e300, math.nan, math.inf, -math.inf)
OTHERS = ([[]], {"a": [None]}, [0, 1], [1.5, "x"])
WHOLE = ("1", "2", "3", "8", "17", "100", "4096", "131072", str(10**6), str(10**9), str(10**18))
ODD_WHOLE = (*map(str, NUMBERS), *WORDS, "1.5", "8k", "1,2,3", "1,048,576", "1_000", "40%")
ODD_DECIMALS = (*map(str, FLOATS), *map(str, NUMBERS), *WORDS)


def odd_value(draw: Random) -> Any:
    """A JSON value."""
    kind = draw.randrange(8)
    if kind == 7:
        return [odd_value(draw) for _ in range(draw.randrange(4))]
    if kind == 6:
        return {draw.choice(WORDS): odd_value(draw) for _ in range(draw.randrange(3))}
    kinds: tuple[Sequence[Any], ...] = ((None,), (True, False), NUMBERS, FLOATS, WORDS, OTHERS)
    return draw.choice(kinds[kind])


def whole_number(draw: Random) -> str:
    """A whole number as typed, at times none."""
    return draw.choice(WHOLE if draw.random() < 0.7 else ODD_WHOLE)


def decimal_number(draw: Random) -> str:
    """A number as typed, at times none."""
    return draw.choice(("0.5", "1", "0.01", "5e-6", "1e-12", "2.5", ".9") if draw.random() < 0.6 else ODD_DECIMALS)


# ---- configs


@cache
def catalogue_configs() -> tuple[dict[str, Any], ...]:
    """The configs of built-in models."""
    return tuple(x["config"] for x in model_catalogue().values())


def paths_in(data: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The paths of all values in a config."""
    items = data.items() if isinstance(data, Mapping) else enumerate(data) if isinstance(data, list) else ()
    for key, value in items:
        yield (*path, key)
        yield from paths_in(value, (*path, key))


def odd_config(draw: Random) -> dict[str, Any]:
    """A config with a value or two changed, left out or exchanged."""
    config: dict[str, Any] = json.loads(json.dumps(draw.choice(catalogue_configs())))
    for _ in range(draw.choice((1, 1, 2))):
        paths = list(paths_in(config))
        if paths:
            change_value(draw, config, draw.choice(paths))
    return config


def change_value(draw: Random, config: Any, path: tuple[Any, ...]) -> None:
    """Change the value at a path."""
    *above, key = path
    for x in above:
        config = config[x]
    what = draw.randrange(6)
    if what == 0:
        del config[key]
    elif what == 1 and isinstance(config[key], int | float):
        config[key] *= draw.choice((2, -1, 0, 3, 0.5))
    elif what == 2 and isinstance(config, dict):
        config[key] = deepcopy(draw.choice(list(config.values())))
    else:
        config[key] = deepcopy(odd_value(draw))


# ---- questions of `symroof solve`

LEAVES = (
    *("flops", "bytes", "weight_bytes", "cache_bytes", "storage", "intensity", "weight_size", "cache_size"),
    *("parameters", "L", "d", "f", "V", "H_q", "B", "n", "c", "batch", "cached", "new", "b_w", "b_c", "W", "u_F"),
    *("flops(mlp/down)", "bytes(attention)", "time(h100-sxm)", "time(h100-sxm, 4).lower", "time(h100-sxm).bound"),
    *("energy(h100-sxm)", "memory(h100-sxm)", "bandwidth(h100-sxm)", "peak(h100-sxm, bf16)"),
    *("0", "1", "2", "9", "1.5", "1e99", "1e-99", "80 GiB", "5 ms", "3.35 TB/s", "1e9", "128k", "40%", ".5", "1 J"),
)
PLAIN = (
    *("c", "B", "n", "L", "d", "flops", "intensity", "parameters", "V"),
    *("0", "1", "2", "9", "0.5", "1e99", "1e-99", "1e9"),
)
UNKNOWNS = ("batch", "new", "cached", "B", "n", "c", "d", "L", "f", "V", "H_q", "W", "b_c", "b_w", "u_F", "N_e", "x")
RELATIONS = ("=", "==", "<", "<=", ">", ">=")


def term(draw: Random, depth: int, leaves: Sequence[str]) -> str:
    """A sum of the language, nested at most `depth` deep."""
    kind = draw.randrange(9) if depth else 0
    inner = [term(draw, depth - 1, leaves) for _ in range(2)] if kind else []
    if kind < 2:
        return draw.choice(leaves)
    if kind < 6:
        return f"{inner[0]} {draw.choice('+-*/^')} {inner[1]}"
    if kind == 6:
        return f"{draw.choice(('-', ''))}({inner[0]})"
    function = draw.choice(("min", "max", "floor", "ceil", "log", "sqrt"))
    return f"{function}({', '.join(inner[: 2 if function in ('min', 'max') else 1])})"


def odd_question(draw: Random) -> str:
    """A comparison, at times with a character changed."""
    leaves = PLAIN if draw.random() < 0.7 else LEAVES
    left, right = (term(draw, draw.randrange(4), leaves) for _ in range(2))
    text = f"{left} {draw.choice(RELATIONS)} {right}"
    if draw.random() < 0.1:
        at = draw.randrange(len(text))
        text = text[:at] + draw.choice("()^*,.=-0x \x00") + text[at + draw.randrange(2) :]
    return text


def solve_line(draw: Random, files: Path) -> list[str]:
    """A `symroof solve`."""
    names = [x for x in ("--batch-size", "--cached-tokens", "--input-tokens") if draw.random() < 0.2]
    options = [word for name in names for word in (name, whole_number(draw))]
    asked = ["--for", draw.choice(UNKNOWNS), "--dtype", "bf16", *options, "--json", "--", odd_question(draw)]
    return ["solve", draw.choice(MODELS), *asked]


# ---- machines

FIGURES = ("peak", "bf16", "fp8", "fp16", "vector", "memory", "bandwidth", "link", "power")
QUANTITIES = (
    *("990e12", "990T", "3.35TB/s", "80GiB", "80e9", "700", "0", "-1", "1", "nan", "inf", "1e400", "1e30", "1e99"),
    *("5 ms", "", "x", "9" * 50),
)
BARE = (
    *("990e12", "3.35e12", "80e9", "nan", "inf", "-inf", "0", "-1", "1e999", "true", "[]", "{}", "2024"),
    *("[1, 'a']", "1979-05-27", "9" * 400, ""),
)
BESIDE = ("name", "vendor", "year", "source", "confidence", "notes", "aliases", "unsourced", "banana")


def inline_machine(draw: Random) -> str:
    """A value of --machine."""
    figures = {"peak": "990e12", "bandwidth": "3.35e12", "memory": "80GiB"}
    for _ in range(draw.randrange(4)):
        figures[draw.choice((*FIGURES, "name", "x"))] = draw.choice((*QUANTITIES, *WORDS))
    return ",".join(f"{key}={value}" for key, value in figures.items())


def toml_value(draw: Random) -> str:
    """A value of TOML, at times none."""
    return draw.choice(BARE) if draw.random() < 0.5 else json.dumps(draw.choice((*QUANTITIES, *WORDS)))


def machine_file(draw: Random) -> str:
    """The text of a --machine-file."""
    figures = {"peak": "990e12", "bandwidth": "'3.35TB/s'", "memory": "'80GiB'"}
    for _ in range(draw.randrange(4)):
        figures[draw.choice((*FIGURES, *BESIDE))] = toml_value(draw)
    title = draw.choice(("gpu", "gpu", "'a b'", json.dumps(draw.choice(WORDS)), "a.b", ""))
    return "\n".join([f"[{title}]", *(f"{key} = {value}" for key, value in figures.items())])


def calibration_file(draw: Random) -> str:
    """The text of a --calibration."""
    table = draw.choice(("h100-sxm", "h100-sxm.matmul", "h100-sxm.attention", "x", "'a b'.matmul"))
    mfu, mbu = (x if draw.random() < 0.5 else toml_value(draw) for x in ("0.7", "0.8"))
    return f"[{table}]\nmfu = {mfu}\nmbu = {mbu}"


def written(files: Path, text: str) -> str:
    """The path of a TOML file with this text."""
    path = files / "odd.toml"
    path.write_text(text, encoding="utf-8")
    return str(path)


def machine_line(draw: Random, files: Path) -> list[str]:
    """A command on a machine of one's own."""
    from_file = ["--machine-file", written(files, machine_file(draw))]
    machine = from_file if draw.random() < 0.7 else ["--machine", inline_machine(draw)]
    serve = ["serve", "--prompt", "100", "--output-tokens", "9"]
    command = draw.choice((["roofline"], ["fit"], ["limits"], ["knobs"], serve))
    return [*command, draw.choice(MODELS), *machine, "--dtype", "bf16", "--json"]


# ---- sweeps

COLUMNS = ("flops", "bytes", "time", "time.lower", "storage", "intensity", "fits", "energy", "weight_size", "flop", "")
AXES = ("batch", "batch", "cached", "cached", "new", "new", "d", "L", "N_e", "f", "gpus", "x")
RANGES = (
    *("1,2,8", "1:512:x2", "1:9", "5:1", "1:9:+0", "1:9:+3", "0:1e6:x10", "7,7", "1e18", "1.5", "1:2:3:4", "", "4096"),
)
NAMED = {
    "weights": "bf16,fp8",
    "cache": "fp8,int4",
    "on": "h100-sxm,mi300x",
    "rules": "standard,fused",
    "logits": "last,all",
    "model": "gpt2,llama-3.1-8b",
}


def odd_axis(draw: Random) -> str:
    """A value of --over."""
    name = draw.choice((*AXES, *NAMED))
    values = draw.choice(("1,2,8", "1:512:x2", "4096") if draw.random() < 0.7 else (*RANGES, whole_number(draw)))
    return f"{name}={NAMED[name] if name in NAMED and draw.random() < 0.8 else values}"


def sweep_line(draw: Random, files: Path) -> list[str]:
    """A `symroof sweep`."""
    words = [] if draw.random() < 0.05 else [draw.choice(MODELS)]
    words += [x for _ in range(draw.randrange(1, 4)) for x in ("--over", odd_axis(draw))]
    words += (
        ["--quantity", ",".join(draw.sample(COLUMNS[: 11 if draw.random() < 0.2 else 9], draw.randrange(1, 4)))]
        if draw.random() < 0.7
        else []
    )
    words += ["--on", "h100-sxm"] if draw.random() < 0.4 else []
    words += ["--hold", draw.choice(("f/d", "H_q*h/d", "x", "f/d,f/d", "d/d", ""))] if draw.random() < 0.1 else []
    return ["sweep", *words, "--dtype", "bf16"]


# ---- command lines

SIZES = ("d=64", "L=10000", "L=1000000", "H_kv=3", "V=1", "N_e=1", "x=1", "d=", "d=-1", "k=2", "f=1000000000")
CHOICES: dict[str, Sequence[str]] = {  # by the name of a type
    "model": (*MODELS * 20, *WORDS),
    "machine": ("h100-sxm", "mi300x", "tpu-v5e", "b200", "h10", ""),
    "rules": (*RULEBOOK, "standart", "standard,fused", "transformers,logits-last"),
    "format": (*BITS, "bf17", ""),
    "name=value": SIZES,
    "number/h": ("2.5/h", "0", "1e9", "-1", "x", "99999999999/h"),
}
TEXTS: dict[str, Sequence[str]] = {  # by the name of an option
    "--quantity": ("flops", "bytes", "cache_size", "intensity", "time", "flop", "flops,bytes", *WORDS),
    "--op": ("mlp/down", "attention", "moe", "head", *WORDS),
    "--free": ("d", "L,d", "x", "B", *WORDS),
    "--hold": ("f/d", "x", "d/d", *WORDS),
    "--match": ("16.06 GFLOP", "1e12", "8.03 B", *WORDS),
    "--vendor": ("NVIDIA", "amd", *WORDS),
    "--family": ("llama", "qwen3", *WORDS),
}
COMMANDS = (
    *("report", "compare", "roofline", "serve", "fit", "formula", "knobs", "limits", "conventions", "audit"),
    *("models", "machines", "symbols", "rules", "families"),
)
LEFT_OUT = {"--output", "--plot"}  # files


@cache
def parameters(name: str) -> tuple[click.Parameter, ...]:
    """The arguments and options of a command."""
    command = cli.get_command(click.Context(cli), name)
    return () if command is None else tuple(x for x in command.params if not set(x.opts) & LEFT_OUT)


def option_value(draw: Random, x: click.Parameter, files: Path) -> str:
    """A value for an argument or option, by its name or type."""
    name, kind = x.opts[-1], x.type.name
    if name == "--machine":
        return inline_machine(draw)
    if name in ("--machine-file", "--calibration"):
        return written(files, machine_file(draw) if name == "--machine-file" else calibration_file(draw))
    if isinstance(x.type, click.Choice):
        return str(draw.choice((*x.type.choices, *x.type.choices, "yaml")))
    if kind in ("float", "part"):
        return decimal_number(draw)
    if kind.startswith("integer"):
        return whole_number(draw)
    return draw.choice(TEXTS.get(name) or CHOICES.get(kind) or WORDS)


def option_line(draw: Random, files: Path) -> list[str]:
    """A command with some of its options."""
    words = [draw.choice(COMMANDS)]
    for x in parameters(words[0]):
        if isinstance(x, click.Argument):
            words += [option_value(draw, x, files) for _ in range(draw.randrange(1, 4) if x.nargs < 0 else 1)]
        elif x.required or draw.random() < (0.6 if x.opts[0] in ("--on", "--json", "--dtype") else 0.12):
            words += [x.opts[0]] if getattr(x, "is_flag", False) else [x.opts[0], option_value(draw, x, files)]
    return words


def config_line(draw: Random, files: Path) -> list[str]:
    """A report on an odd config."""
    path = files / "config.json"
    path.write_text(json.dumps(odd_config(draw)), encoding="utf-8")
    formats = ["--dtype", "bf16"] if draw.random() < 0.7 else []
    return ["report", str(path), "--cached-tokens", draw.choice(("0", "77")), *formats, "--json"]


LINES: dict[str, Callable[[Random, Path], list[str]]] = {
    "configs": config_line,
    "options": option_line,
    "questions": solve_line,
    "machines": machine_line,
    "sweeps": sweep_line,
}

# ---- what may come out

# Numbers of answers that may be below 0: differences and their signs, derivatives, what a question compares.
SIGNED = re.compile(
    r".*\.(flips\..*|residual|left|right|elasticity|effect|difference|derivative|power|causes\[\d+\]\.number)"
)
ANSWER, USAGE, FAILURE, TRACEBACK = "answer", "usage error", "error", "traceback"


@dataclass(frozen=True)
class Outcome:
    """How a command ended, and what is wrong with that; `fault` is empty where nothing is."""

    kind: str
    fault: str = ""


def invoke(words: list[str]) -> Any:
    """A command's result, in this process."""
    old = "mix_stderr" in signature(CliRunner).parameters  # click 8.1
    runner: Any = CliRunner(**({"mix_stderr": False} if old else {}))
    return runner.invoke(cli, words, prog_name="symroof")


def outcome(words: list[str]) -> Outcome:
    """How a command ends."""
    result = invoke(words)
    error = result.exception
    if error is not None and not isinstance(error, SystemExit):
        return Outcome(TRACEBACK, f"{type(error).__name__}: {error}")
    if result.exit_code == 0:
        stray = [x for x in result.stderr.splitlines() if not x.startswith("Warning: ")]
        return Outcome(ANSWER, answer_fault(words, result.stdout) or "\n".join(stray))
    kind = {1: FAILURE, 2: USAGE}.get(result.exit_code)
    if kind is None or result.stdout:
        return Outcome(kind or TRACEBACK, f"exit code {result.exit_code}, {len(result.stdout)} characters of output")
    return Outcome(kind, error_fault(result.stderr))


def error_fault(stderr: str) -> str:
    """What is wrong with an error message: it is one line, printable and short."""
    lines = [x for x in stderr.split("\n") if x and not x.startswith(("Usage: ", "Try ", "  "))]
    if len(lines) != 1 or not lines[0].startswith("Error: "):
        return f"{len(lines)} lines: {stderr}"
    if not lines[0].isprintable():
        return f"unprintable: {lines[0]!a}"
    return f"{len(lines[0])} characters: {lines[0]}" if len(lines[0]) > LONGEST_ERROR else ""


def answer_fault(words: list[str], text: str) -> str:
    """What is wrong with an answer: a number that is negative or none."""
    if "--json" in words:
        return unsound_number(json.loads(text))
    return unsound_cell(text) if words[0] == "sweep" else ""


def unsound_number(found: Any, path: str = "") -> str:
    """The first number in a JSON answer that is negative or none, with its path; empty where all are sound."""
    if isinstance(found, dict | list):
        items = found.items() if isinstance(found, dict) else enumerate(found)
        inner = (unsound_number(x, f"{path}.{i}" if isinstance(i, str) else f"{path}[{i}]") for i, x in items)
        return next(filter(None, inner), "")
    if isinstance(found, bool) or not isinstance(found, int | float):
        return ""
    finite = isinstance(found, int) or math.isfinite(found)
    return "" if finite and (found >= 0 or SIGNED.fullmatch(path)) else f"{path} = {found}"


def unsound_cell(text: str) -> str:
    """The first cell of a sweep that is a negative number or none; empty where all are sound."""
    head, *rows = csv.reader(io.StringIO(text))
    cells = ((name, float(x)) for row in rows for name, x in zip(head, row, strict=True) if name not in SETTINGS)
    return next((f"{name} = {x}" for name, x in cells if not (math.isfinite(x) and x >= 0)), "")
