"""Errors are one line of about 300 characters, however long what was typed or is in a file, and no tracebacks."""

import json
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner

from symroof.cli import cli
from symroof.config.catalogue import model_catalogue
from symroof.errors import one_line

LONGEST = 300 + len("Error: ")
MODEL = "llama-3.2-1b"
HUGE = {
    "letters": "x" * 10**4,
    "digits": "9" * 10**4,
    "pair": "d=" + "9" * 10**4,
    "named": "x" * 10**4 + "=1",
    "list": ",".join(["x" * 100] * 100),
    "numbers": ",".join(["1024"] * 10**4),
    "machine": "name=" + "x" * 10**4 + ",peak=1e12,bandwidth=1e9,memory=1",
    "path": "/" + "x/" * 5000,
    "folder": "y" * 255 + "/" + "x" * 255,
    "hub": "x" * 95 + "/" + "y" * 95 + "@" + "z" * 10**4,
    "question": "flops(" + "x" * 190 + ") = 1",
    "sum": " + ".join(["flops"] * 2000) + " = 1",
    "lines": "x\ny" * 3000,
    "json": "z" * 10**4 + ".json",
    "range": f"batch=1:{'9' * 5000}:x2",
}
NEEDED = {
    "report": [MODEL],
    "compare": [MODEL, "qwen3-8b"],
    "sweep": [MODEL, "--over", "batch=1"],
    "roofline": [MODEL, "--on", "b200"],
    "serve": [MODEL, "--on", "b200", "--prompt", "100", "--output-tokens", "10"],
    "fit": [MODEL, "--on", "b200"],
    "formula": [MODEL],
    "solve": [MODEL, "storage <= 80 GiB", "--for", "batch"],
    "knobs": [MODEL, "--on", "b200"],
    "limits": [MODEL],
    "conventions": [MODEL],
    "audit": [MODEL],
}


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is written stays in a folder of the test's own, and no hub is spoken to."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")


def check(args: list[str]) -> str:
    """Run a command; an error of it is one line, and short."""
    result = CliRunner().invoke(cli, args)
    where = [x[:60] for x in args]
    assert result.exception is None or isinstance(result.exception, SystemExit), (where, result.exc_info)
    assert "Traceback" not in result.stderr
    lines = result.stderr.splitlines()
    if result.exit_code:
        assert lines[-1].startswith("Error: "), where
        assert lines[-1].isprintable(), where
        assert sum(x.startswith("Error: ") for x in lines) == 1, where
    assert max(map(len, lines), default=0) <= LONGEST, (where, len(lines[-1]), lines[-1][:400])
    return lines[-1] if lines else ""


def options(name: str) -> list[click.Parameter]:
    """The options of a command that take a value."""
    return [x for x in cli.commands[name].params if not getattr(x, "is_flag", False) and x.param_type_name == "option"]


CASES = [(name, x.opts[0]) for name in cli.commands for x in options(name)]


@pytest.mark.parametrize(("command", "option"), CASES)
def test_huge_values(command: str, option: str) -> None:
    for value in HUGE.values():
        check([command, *NEEDED.get(command, []), option, value])


@pytest.mark.parametrize("command", [*cli.commands, ""])
def test_huge_arguments(command: str) -> None:
    before = [command] if command else []
    for value in HUGE.values():
        check([*before, value])
        check([*before, *NEEDED.get(command, []), value])
        check([*before, f"--{value}"])
        check([*before, f"--{value}", value, value])


@pytest.mark.parametrize("command", ["report", "compare", "roofline", "audit", "formula", "fit"])
def test_a_config_of_huge_keys_and_values(command: str) -> None:
    base = model_catalogue()[MODEL]["config"]
    long = "x" * 10**4
    configs: list[Any] = [
        *({**base, key: long} for key in base),
        *({**base, key: [long] * 10} for key in base),
        *({**base, key: {long: long}} for key in base),
        *({**base, key: 10**300} for key in base),
        {**base, long: 1},
        {**base, **{f"{x}{long}": x for x in range(100)}},
        {**base, "quantization_config": {"quant_method": long}},
        {**base, "quantization_config": {"quant_method": "fp8", long: long}},
        {long: long},
        [long],
        long,
    ]
    path = Path("z" * 200) / "config.json"
    path.parent.mkdir()
    for config in configs:
        path.write_text(json.dumps(config))
        check([command, str(path), *NEEDED[command][1:]])


@pytest.mark.parametrize("text", [
    "[{x}]\npeak = 1", "[m]\n{x} = 1", "[m]\npeak = '{x}'", "[m]\nname = '{x}'", "{x} = 1", "[m",
    "[m]\nsource = ['{x}', 1]",
    "[m]\npeak = 1e12\nmemory = '80GiB'\nbandwidth = '{x}'", "[m]\nyear = '{x}'", "[m]\nconfidence = '{x}'",
])  # fmt: skip
def test_a_machine_file_of_huge_names(text: str) -> None:
    path = Path("m" * 200 + ".toml")
    path.write_text(text.format(x="x" * 10**4))
    for command in ("roofline", "fit", "serve"):
        words = [x for x in NEEDED[command] if x not in ("--on", "b200")]
        for more in ([], ["--on", "x" * 10**4], ["--on", "m"]):
            check([command, *words, "--machine-file", str(path), *more])
    check(["roofline", MODEL, "--on", "b200", "--calibration", str(path)])


def test_a_hundred_machines_that_all_fail() -> None:
    own = [f"--machine=name={'x' * 30}{i},peak=1e12,bandwidth=1e9,memory=1MiB" for i in range(100)]
    for command in ("roofline", "fit", "serve"):
        words = [x for x in NEEDED[command] if x not in ("--on", "b200")]
        assert "100 machines" in check([command, *words, *own])


def test_the_cure_at_the_end_of_a_long_error_stays() -> None:
    text = one_line("broken: " + "x" * 1000 + "\n\x1b[31m: give another")
    assert len(text) == 300
    assert text.startswith("broken: xxx")
    assert text.endswith(": give another")
    assert text.isprintable()
