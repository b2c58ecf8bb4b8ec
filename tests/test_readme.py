"""The README's commands run as written and print what it shows."""

import json
import re
import shlex
from pathlib import Path

import pytest
from click.testing import CliRunner

import symroof
from symroof.cli import cli
from symroof.config.catalogue import model_catalogue

README = (Path(__file__).parent.parent / "README.md").read_text()
CONSOLE = re.findall(r"```console\n\$ symroof (.*)\n((?:.*\n)*?)```", README)
SHELL = [line for block in re.findall(r"```sh\n(.*?)```", README, re.S) for line in block.splitlines()]
HUB_ID = "meta-llama/Llama-3.1-8B"  # tests/test_hub.py runs this kind of command against a local server


@pytest.fixture
def directory(tmp_path, monkeypatch):
    """A directory with a config.json, as the README's commands expect."""
    (tmp_path / "config.json").write_text(json.dumps(model_catalogue()["llama-4-scout"]["config"]))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(words):
    result = CliRunner().invoke(cli, words)
    assert result.exit_code == 0, result.output
    return result.stdout


@pytest.mark.parametrize(("command", "shown"), CONSOLE)
def test_what_the_readme_shows_is_what_is_printed(command, shown):
    assert [x.rstrip() for x in run(shlex.split(command)).splitlines()] == shown.splitlines()


def test_the_readme_shows_a_table_and_a_formula():
    assert [command.split()[0] for command, _ in CONSOLE] == [
        "report",
        "formula",
        "formula",
        "serve",
        "solve",
        "knobs",
        "conventions",
        "compare",
    ]


@pytest.mark.parametrize("line", [x for x in SHELL if x.startswith("symroof") and HUB_ID not in x])
@pytest.mark.usefixtures("directory")
def test_the_readmes_commands_run(line):
    words = shlex.split(line, comments=True)[1:]
    assert run(words)


def test_set_up_is_two_commands():
    assert len([x for x in SHELL if x.startswith("python3 -m venv")]) == 2


def test_the_readmes_python_runs():
    blocks = re.findall(r"```python\n(.*?)```", README, re.S)
    assert len(blocks) == 3
    space = {}
    for code in blocks:
        exec(compile(code, "README.md", "exec"), space)
    assert space["model"].parameters.total == 8030261248
    assert space["report"].total.flops == space["report"].to_dict()["totals"]["flops"]


def test_what_is_to_be_cited_is_this_version():
    record = json.loads((Path(__file__).parent.parent / ".zenodo.json").read_text())
    cited = dict(re.findall(r"(\w+) = \{+(.*?)\}+", README[README.index("@software") :]))
    assert (record["version"], cited["version"]) == (symroof.__version__,) * 2
    assert ([x["name"] for x in record["creators"]], record["title"]) == ([cited["author"]], cited["title"])


def test_every_file_the_readme_names_is_there():
    root = Path(__file__).parent.parent
    for name in re.findall(r"`((?:symroof|tests|examples)/[\w./]*)`", README):
        assert (root / name).exists(), name
