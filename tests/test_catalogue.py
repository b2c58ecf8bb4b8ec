"""The built-in models: each loads without a network and costs what is kept beside it."""

import json
import re
import socket
from pathlib import Path
from typing import Any

import pytest

import symroof
from symroof.config.catalogue import EXACT, GRADES, built_in_alias, built_in_models, catalogue_entry, model_catalogue
from symroof.config.config import HUB_ID, Config, load_config
from symroof.errors import UsageError
from symroof.families.reading.catalogue import longest_context
from symroof.families.registry import FAMILIES

TRUTHS = json.loads((Path(__file__).parent / "truth" / "parameter_counts.json").read_text())
KEPT = {"source", "hub", "grade", "parameters", "active", "cache_per_token", "cache_at_context", "config"}


@pytest.fixture(autouse=True)
def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any) -> None:
        raise AssertionError("a built-in model needs no network")

    monkeypatch.setattr(socket.socket, "connect", refuse)


def test_there_are_many_and_their_names_are_plain() -> None:
    assert len(model_catalogue()) >= 300
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
    assert report.warnings == model.warnings


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


def test_the_longest_context_is_that_of_the_text_model() -> None:
    nested = {"text_config": {"max_position_embeddings": 8}, "vision_config": {"max_position_embeddings": 2}}
    for data in (nested, {"thinker_config": nested, "max_position_embeddings": 4}, {"llm_config": {"n_positions": 8}}):
        assert longest_context(Config(data, "", "")) == 8
    for value in (None, 0, -1, "8", 1.5, [8]):
        assert longest_context(Config({"max_position_embeddings": value}, "", "")) is None


def test_names_are_found_in_any_case() -> None:
    assert load_config("LLAMA-3.1-8B").data == load_config("llama-3.1-8b").data


@pytest.fixture
def catalogue(monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """A catalogue of four models, by name the JSON text of each."""
    config = model_catalogue()["llama-3.1-8b"]["config"]
    hub = {
        "some-7b": ["Org/Some-7B", "org/Some-7B-v0.1"],
        "some-7b-chat": ["org/Some-7B-Chat-hf"],
        "other-1b": ["org/other_1B", "copy/same"],
        "third-1b": ["other/same"],
    }
    grades = {"other-1b": "copies", "third-1b": "defaults"}
    entries = {
        name: {"source": "s", "hub": ids, "grade": grades.get(name, "released"), "config": config}
        for name, ids in hub.items()
    }
    texts = {name: json.dumps(entry) for name, entry in entries.items()}
    for module in ("catalogue", "config"):
        monkeypatch.setattr(f"symroof.config.{module}.built_in_models", lambda: texts)
        monkeypatch.setattr(f"symroof.config.{module}.catalogue_entry", lambda name: json.loads(texts[name]))
    return texts


@pytest.mark.parametrize(
    ("typed", "name"),
    [
        ("Some-7B", "some-7b"),
        ("some-7b-it", "some-7b"),
        ("some-7b-BASE", "some-7b"),
        ("some-7b-instruct-hf", "some-7b"),
        ("some-7b-chat", "some-7b-chat"),
        ("some-7b-chat-hf", "some-7b-chat"),
        ("some-7b-chat-base", "some-7b-chat"),
        ("some-7b-v0.1", "some-7b"),
        ("some-7b-v0.1-instruct", ""),
        ("other_1b", "other-1b"),
        ("other-1b-chat-hf", "other-1b"),
        ("same", ""),  # of two models
        ("other-1b-gguf", ""),
        ("-it", ""),
        ("org/some-7b", "some-7b"),
        ("ORG/OTHER_1B", "other-1b"),
        ("org/Some-7B@main", ""),
        ("org/Some-7B-it", ""),  # another checkpoint, which nobody looked at
        ("rg/Some-7B", ""),
        ('org/some-7b", "org/some-7b-v0.1', ""),
        ("other/same", ""),  # its config is not that of the released file
    ],
)
def test_names_that_mean_a_built_in_model(catalogue: dict[str, str], typed: str, name: str) -> None:
    assert built_in_alias(typed) == name


@pytest.mark.parametrize("name", model_catalogue())
def test_a_built_in_model_answers_for_the_hub_ids_it_names(name: str) -> None:
    entry = model_catalogue()[name]
    for hub_id in entry["hub"]:
        assert HUB_ID.fullmatch(hub_id)
        assert [x for x, other in model_catalogue().items() if hub_id in other["hub"]] == [name]
        if entry["grade"] in EXACT:
            found = load_config(hub_id.upper())
            assert (found.name, found.data) == (name, entry["config"])
            assert "not downloaded" in found.warnings[0]
            assert f"{hub_id.upper()}@main" in found.warnings[0]


def test_a_name_with_a_suffix_says_whose_config_it_has_unless_it_is_that_of_a_checkpoint(
    catalogue: dict[str, str],
) -> None:
    assert load_config("Some-7B-Chat-hf").warnings == load_config("some-7b-v0.1").warnings == ()
    assert load_config("Some-7B-it").warnings == ("config: that of the built-in some-7b; Some-7B-it is not built in",)


def test_an_unknown_name_is_answered_with_near_ones() -> None:
    with pytest.raises(UsageError, match=re.escape("did you mean 'qwen3-8b'")):
        load_config("qwen3-8b-sft")


def test_a_directory_comes_before_a_name_with_a_suffix(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("meta-llama/Llama-3.1-8B", "llama-3.1-8b-instruct"):
        Path(name).mkdir(parents=True)
        Path(name, "config.json").write_text('{"model_type": "mine"}')
        assert load_config(name).data == {"model_type": "mine"}
        assert load_config(name).warnings == ()


@pytest.mark.parametrize("name", model_catalogue())
def test_what_stands_for_no_released_file_says_so(name: str) -> None:
    said = [x for x in symroof.load(name).warnings if x.startswith("config: ")]
    grade = model_catalogue()[name]["grade"]
    assert said == ([] if grade in EXACT else [f"config: {GRADES[grade]}"])


STATES = "its state has one size at every length, and its config names no longest context"
UNLIMITED = {
    "falcon-mamba-7b": STATES,
    "mamba-1.4b": STATES,
    "mamba-130m": STATES,
    "mamba-370m": STATES,
    "mamba-790m": STATES,
    "mamba-codestral-7b": STATES,
    "rwkv-5-world-3b": STATES,
    "xlstm-7b": STATES,
}
GPT_2 = dict.fromkeys(("gpt2", "gpt2-medium", "gpt2-large", "gpt2-xl"), 1024)  # not chat models, learned positions


def contexts() -> dict[str, int | None]:
    return {name: longest_context(load_config(name)) for name in model_catalogue()}


def test_only_what_keeps_a_state_has_no_longest_context() -> None:
    assert {name for name, context in contexts().items() if context is None} == UNLIMITED.keys()


def test_no_chat_model_is_shorter_than_2048_tokens() -> None:
    assert {name: context for name, context in contexts().items() if context and context < 2048} == GPT_2


@pytest.mark.parametrize("name", [name for name in model_catalogue() if re.search(r"-\d+k\b", name)])
def test_a_length_in_a_name_is_its_context(name: str) -> None:
    if name == "minimax-m1-80k":  # the tokens that it thinks at most; its config has 10 240 000
        assert longest_context(load_config(name)) == 10_240_000
        return
    thousands = int(re.findall(r"-(\d+)k\b", name)[0])
    assert longest_context(load_config(name)) == 1024 * thousands


def test_lengths_in_names_are_met() -> None:
    assert [name for name in model_catalogue() if re.search(r"-\d+k\b", name)] == ["minimax-m1-80k", "phi-3-mini-128k"]


QUANTISED = r"-(fp8|nvfp4|mxfp4|awq|gptq|int4|int8)\b"
# Models whose release exists in no wider format: their plain name is the quantised checkpoint.
ONLY_QUANTISED = {
    "bitnet-2b-4t",
    "deepseek-r1",
    "deepseek-v3",
    "deepseek-v3.1",
    "deepseek-v3.2",
    "deepseek-v4-flash",
    "deepseek-v4-pro",
    "devstral-2-123b",
    "devstral-small-2-24b",
    "gpt-oss-120b",
    "gpt-oss-20b",
    "kimi-k2",
    "kimi-k2.5",
    "kimi-k2.6",
    "kimi-k3",
    "mimo-v2-flash",
    "minimax-m2.5",
    "minimax-m2.7",
}


@pytest.mark.parametrize("name", model_catalogue())
def test_a_quantised_model_says_so_in_its_name(name: str) -> None:
    quantised = bool(load_config(name).quantization())
    assert quantised == (name in ONLY_QUANTISED or bool(re.search(QUANTISED, name)))


@pytest.mark.parametrize("name", model_catalogue())
def test_where_a_config_was_read_is_public(name: str) -> None:
    entry = model_catalogue()[name]
    hub_id, _, read = entry["source"].partition(": ")
    assert hub_id == entry["hub"][0]
    assert re.search(r"[\w.-]+/[\w.-]+| on its page", read)  # owner/repository of a copy
    assert entry["grade"] != "copies" or len(re.findall(r"[\w.-]+/[\w.-]+", read)) >= 2


def by_hub_id() -> dict[str, str]:
    return {hub_id: name for name, entry in model_catalogue().items() for hub_id in entry["hub"]}


# Corrections of scores, one an expert of each layer, which these totals of the hub leave out.
LEFT_OUT = {f"nvidia/NVIDIA-Nemotron-3-Nano-30B-A3B-{x}": 23 * 128 for x in ("BF16", "Base-BF16")}


@pytest.mark.parametrize("hub_id", sorted(TRUTHS["of the language model"].keys() & by_hub_id().keys()))
def test_parameters_of_a_checkpoint(hub_id: str) -> None:
    count, _ = TRUTHS["of the language model"][hub_id]
    assert model_catalogue()[by_hub_id()[hub_id]]["parameters"] == count + LEFT_OUT.get(hub_id, 0)


@pytest.mark.parametrize("hub_id", sorted(TRUTHS["with towers of images or sound"].keys() & by_hub_id().keys()))
def test_parameters_of_a_checkpoint_with_towers(hub_id: str) -> None:
    count, _ = TRUTHS["with towers of images or sound"][hub_id]
    model = symroof.load(by_hub_id()[hub_id])
    (tower,) = (x for x in model.warnings if x.startswith("not counted: the vision tower, "))
    whole, layers = re.search(r"([\d,]+) parameters with", tower), re.search(r"about ([\d.]+) M parameters in", tower)
    rest = count - model.parameters.total
    if whole:
        assert rest == int(whole[1].replace(",", ""))
    else:  # the layers are most of it
        assert layers
        assert 0.75 < float(layers[1]) * 10**6 / rest < 1


def test_most_counts_have_a_built_in_model() -> None:
    counts = TRUTHS["of the language model"] | TRUTHS["with towers of images or sound"]
    assert len(counts.keys() & by_hub_id().keys()) >= 115


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
    for typed in ("qwen3-8b", "Qwen3-8B-Base", "qwen/qwen3-8b"):
        catalogue_entry.cache_clear()
        parsed.clear()
        assert load_config(typed).data["model_type"] == "qwen3"
        assert parsed == [built_in_models()["qwen3-8b"]]


@pytest.mark.parametrize("name", model_catalogue())
def test_a_built_in_config_is_understood(name: str) -> None:
    from symroof.config.audit import audit
    from symroof.families.registry import read_architecture

    config = load_config(name)
    assert [x.key for x in audit(config, read_architecture(config)) if x.status == "unknown"] == []
