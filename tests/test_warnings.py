"""What the reader has to know of a model is in every result on it, as text and as JSON."""

import json
from collections.abc import Sequence
from typing import Any

import pytest
from click.testing import CliRunner

from symroof.cli import cli
from symroof.config.catalogue import GRADES, model_catalogue

ON = ("--on", "h100-sxm")
RESULTS = {  # what follows a model's name, and the number of models
    "report": ("report", ()),
    "comparison": ("report", ("--against", "transformers")),
    "fit": ("fit", (*ON, "--batch-size", "1")),
    "fits": ("fit", (*ON, "--on", "mi300x", "--batch-size", "1")),
    "roofline": ("roofline", ON),
    "rooflines": ("roofline", (*ON, "--on", "mi300x")),
    "serve": ("serve", (*ON, "--prompt", "100", "--output-tokens", "10")),
    "servings": ("serve", (*ON, "--on", "mi300x", "--prompt", "100", "--output-tokens", "10")),
    "compare": ("compare", ("llama-3.1-8b",)),
    "differences": ("compare", ("llama-3.1-8b", "--symbolic")),
    "knobs": ("knobs", ON),
    "limits": ("limits", ()),
    "solve": ("solve", ("flops == 1e12", "--for", "n")),
}


def output(*args: str) -> str:
    result = CliRunner().invoke(cli, args, catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.output


def warnings_in(found: Any) -> list[str]:
    """Every warning in a JSON document."""
    if isinstance(found, dict):
        return [*found.get("warnings", []), *(x for value in found.values() for x in warnings_in(value))]
    return [x for value in found for x in warnings_in(value)] if isinstance(found, list) else []


def is_said(warning: str, command: Sequence[str]) -> bool:
    """Whether a result says it, in its text and in its JSON."""
    text, found = " ".join(output(*command).split()), warnings_in(json.loads(output(*command, "--json")))
    return f"{warning}." in text and any(x.endswith(warning) for x in found)


@pytest.mark.parametrize("result", RESULTS)
def test_class_defaults_are_named_as_such_in_every_result(result: str) -> None:
    assert model_catalogue()["apertus-8b"]["grade"] == "defaults"
    command, rest = RESULTS[result]
    assert is_said(f"config: {GRADES['defaults']}", (command, "apertus-8b", *rest))
    plain = warnings_in(json.loads(output(command, "llama-3.1-8b", *rest, "--json")))
    assert not [x for x in plain if "config: " in x]


@pytest.mark.parametrize("result", RESULTS)
def test_a_built_in_model_that_answers_for_a_hub_id_is_named_in_every_result(result: str) -> None:
    command, rest = RESULTS[result]
    said = "config: that of the built-in llama-3.1-8b, not downloaded (meta-llama/Llama-3.1-8B@main downloads it)"
    assert is_said(said, (command, "meta-llama/Llama-3.1-8B", *rest))


@pytest.mark.parametrize("command", ["audit", "conventions", "formula"])
def test_what_has_no_place_for_it_says_it_on_standard_error(command: str) -> None:
    for form in ((), () if command == "formula" else ("--json",)):
        result = CliRunner().invoke(cli, [command, "apertus-8b", *form], catch_exceptions=False)
        assert result.stderr == f"Warning: config: {GRADES['defaults']}.\n"
        assert "Warning" not in result.stdout


def test_a_sweep_says_it_beside_its_rows() -> None:
    args = ("sweep", "--over", "model=llama-3.1-8b,apertus-8b", "--over", "batch=1,2")
    result = CliRunner().invoke(cli, args, catch_exceptions=False)
    assert result.stderr == f"Warning: apertus-8b: config: {GRADES['defaults']}.\n"
    assert len(result.stdout.splitlines()) == 5
