"""The built-in models: each loads without a network and costs what is kept beside it."""

import json
import socket
from typing import Any

import pytest

import symroof
from symroof.config.config import GRADES, built_in_models, catalogue_entry, load_config, model_catalogue
from symroof.families.reading.catalogue import longest_context
from symroof.families.registry import FAMILIES

KEPT = {"source", "hub", "grade", "parameters", "active", "cache_per_token", "cache_at_context", "config"}


@pytest.fixture(autouse=True)
def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any) -> None:
        raise AssertionError("a built-in model needs no network")

    monkeypatch.setattr(socket.socket, "connect", refuse)


def test_there_are_many_and_their_names_are_plain() -> None:
    assert len(model_catalogue()) >= 100
    assert list(model_catalogue()) == sorted(model_catalogue())
    for name in model_catalogue():
        assert name == name.lower().strip()
        assert not set(name) - set("abcdefghijklmnopqrstuvwxyz0123456789.-")


@pytest.mark.parametrize("name", model_catalogue())
def test_a_built_in_model(name: str) -> None:
    entry = model_catalogue()[name]
    model = symroof.load(name)
    assert entry.keys() == KEPT
    assert entry["source"].strip()
    assert model.family in FAMILIES
    assert (model.parameters.total, model.parameters.active) == (entry["parameters"], entry["active"])
    assert entry["grade"] in GRADES
    assert float(model.cache_per_token()) == entry["cache_per_token"]
    assert model.cache_at_context() == entry["cache_at_context"]
    report = model.report(3, 5)
    assert report.total.flops > 2 * model.parameters.active
    assert report.storage.total > 0
    assert model.report(3, 5, rules="transformers").total.flops > 0
    assert not report.warnings


@pytest.mark.parametrize("name", model_catalogue())
def test_the_cache_of_a_context_is_that_of_its_tokens(name: str) -> None:
    entry = model_catalogue()[name]
    model, context = symroof.load(name), longest_context(load_config(name))
    if context is None:
        assert entry["cache_at_context"] is None
        return
    last = model.report(1, context - 1).storage.cache
    assert entry["cache_at_context"] == last
    assert bool(entry["cache_per_token"]) == (model.report(1, 1).storage.cache < last)  # 0 where none grows


@pytest.mark.parametrize(
    ("name", "per_token", "at_context"),
    [
        ("llama-3.1-8b", 131_072, 16 * 2**30),
        ("phi-4-mini", 131_072, 16 * 2**30),  # its window is twice its context
        ("mistral-7b-v0.1", 131_072, 2**29),  # full after 4 096 of 32 768 tokens
        ("mamba-130m", 0, None),
    ],
)
def test_the_cache_grows_as_published(name: str, per_token: int, at_context: int | None) -> None:
    model = symroof.load(name)
    assert (model.cache_per_token(), model.cache_at_context()) == (per_token, at_context)


def test_names_are_found_in_any_case() -> None:
    assert load_config("LLAMA-3.1-8B").data == load_config("llama-3.1-8b").data


def test_the_catalogue_is_one_line_a_model() -> None:
    from importlib.resources import files

    lines = (files("symroof.config") / "catalogue.json").read_text(encoding="utf-8").splitlines()
    assert len(lines) == len(model_catalogue()) + 2
    assert all(json.loads("{" + line.rstrip(",") + "}") for line in lines[1:-1])
    assert json.loads("".join(lines)) == model_catalogue()


def test_of_one_model_only_its_line_is_parsed(monkeypatch: pytest.MonkeyPatch) -> None:
    parsed: list[str] = []
    whole = json.loads
    monkeypatch.setattr("json.loads", lambda text: parsed.append(text) or whole(text))
    catalogue_entry.cache_clear()
    assert load_config("qwen3-8b").data["model_type"] == "qwen3"
    assert parsed == [built_in_models()["qwen3-8b"]]


@pytest.mark.parametrize("name", model_catalogue())
def test_a_built_in_config_is_understood(name: str) -> None:
    from symroof.config.audit import audit
    from symroof.families.registry import read_architecture

    config = load_config(name)
    assert [x.key for x in audit(config, read_architecture(config)) if x.status == "unknown"] == []
