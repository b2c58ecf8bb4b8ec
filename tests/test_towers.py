"""Towers of multimodal models, which are not counted: every result says which, and how large they are.

tests/truth/towers.json has their sizes in transformers 5.23.0, by class defaults.
"""

import gzip
import json
import re
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from test_checkpoints import GEMMA_4_VISION, MOONVIT, PIXTRAL, SIGLIP, WHISPER, qwen3_vision

import symroof
from symroof.cli import cli
from symroof.config.catalogue import model_catalogue
from symroof.config.config import Config
from symroof.families.reading.towers import tower_warnings
from symroof.families.registry import WRAPPED, uncounted_towers

TRUTH = Path(__file__).parent / "truth"
TOWERS = json.loads((TRUTH / "towers.json").read_text())
WHOLE = {"gemma3", "mistral3", "qwen3_5", "qwen3_5_moe", "qwen3_vl", "qwen3_vl_moe", "shieldgemma2"}
# Layers of which only a part is in the figure, and why; and towers whose configs do not have their sizes.
PARTS = {
    "blip-2": 0.98,  # the Q-Former's cross attention
    "instructblip": 0.93,  # the same
    "instructblipvideo": 0.93,
    "janus": 0.97,  # the image tokenizer's blocks
    "muse_spark": 0.94,  # the audio tower's convolutions, of no size in its config
    "phi4_multimodal": 0.48,  # the same
    "video_llava": 0.49,  # one of two equal towers
}
UNTOLD = {"dots3_note", "idefics2", "inkling_mm_model", "lfm3_vl", "unlimited_ocr"}
TEXT_MODELS = {"kimi_k2", "ministral3"}  # types that have towers in some configs only


def said(family: str, towers: dict[str, Any], text: int) -> tuple[str, ...]:
    return tower_warnings(Config({"model_type": family, **towers}, "", ""), family, text)


def exact(warnings: tuple[str, ...]) -> list[int]:
    """The exact sizes that warnings name."""
    numbers = (re.search(r"([\d,]+) parameters with its projector", x) for x in warnings)
    return [int(x[1].replace(",", "")) for x in numbers if x]


def about(warnings: tuple[str, ...]) -> float:
    """The sum of the sizes of layers that warnings name."""
    numbers = (re.search(r"about ([\d.]+) ([MG]) parameters in its \d+ layers", x) for x in warnings)
    return sum(float(x[1]) * {"M": 1e6, "G": 1e9}[x[2]] for x in numbers if x)


@pytest.mark.parametrize("family", TOWERS)
def test_the_size_of_a_tower_is_that_of_transformers(family: str) -> None:
    truth = TOWERS[family]
    found = said(family, truth["towers"], truth["text"])
    if family in WHOLE:
        assert exact(found) == [truth["parameters"]]
    elif family in UNTOLD:
        assert any(x.endswith("whose size the config does not say") for x in found)
    else:
        least = PARTS.get(family, 0.995)
        assert least * truth["layers"] <= about(found) <= min(least + 0.02, 1.005) * truth["layers"]


@pytest.mark.parametrize(
    ("name", "size"),
    [
        ("gemma-3-4b", SIGLIP),
        ("ministral-3-3b", PIXTRAL - 3072 + 1024),  # the norm before the projector is as wide as the tower
        ("qwen2-audio-7b", WHISPER),
        ("qwen3.5-122b-a10b", qwen3_vision(3072)),
        ("qwen3.6-35b-a3b", qwen3_vision(2048)),
    ],
)
def test_whole_towers_of_checkpoints(name: str, size: int) -> None:
    assert exact(symroof.load(name).warnings) == [size]


@pytest.mark.parametrize(("name", "size"), [("kimi-k2.6", MOONVIT), ("gemma-4-31b-nvfp4", GEMMA_4_VISION)])
def test_layers_are_most_of_the_towers_of_checkpoints(name: str, size: int) -> None:
    assert 0.85 * size < about(symroof.load(name).warnings) < size  # the rest is in embeddings and projector


@cache
def configs() -> dict[str, dict[str, Any]]:
    """A config of each type, from the catalogue or, without towers, from transformers."""
    with gzip.open(TRUTH / "transformers.jsonl.gz", "rt") as file:
        measured = [json.loads(line)["config"] for line in file]
    found = [*(x["config"] for x in model_catalogue().values()), *measured]
    return {x["model_type"]: x for x in found if "model_type" in x}


def is_multimodal(family: str) -> bool:
    return family in WRAPPED and not family.endswith("_text") and family not in TEXT_MODELS


@pytest.mark.parametrize("family", sorted(filter(is_multimodal, configs())))
def test_every_wrapper_says_what_is_not_counted(family: str) -> None:
    towers = TOWERS.get(family, {"towers": {}})["towers"]
    report = symroof.load({**configs()[family], **towers}).report(dtype="bf16")
    parts = [x for x in report.warnings if x.startswith("not counted: the ")]
    assert len(parts) >= max(1, len(towers))
    assert all(f"Warning: {x}." in " ".join(str(report).split()) for x in parts)
    assert report.to_dict()["warnings"] == list(report.warnings)


@pytest.mark.parametrize(
    "command",
    [
        ("report",),
        ("fit", "--on", "h100-sxm", "--batch-size", "1"),
        ("roofline", "--on", "h100-sxm"),
        ("serve", "--on", "h100-sxm", "--prompt", "64", "--output-tokens", "8"),
        ("compare",),
        ("knobs", "--on", "h100-sxm"),
        ("limits",),
    ],
)
def test_results_say_it_in_text_and_in_json(command: tuple[str, ...]) -> None:
    warning = f"not counted: the vision tower, {SIGLIP:,} parameters with its projector"
    args = (command[0], "gemma-3-4b", *command[1:])
    text, found = (CliRunner().invoke(cli, [*args, *more], catch_exceptions=False).output for more in ((), ("--json",)))
    assert f"{warning}." in " ".join(text.split())
    assert warning in found


@pytest.mark.parametrize("family", sorted(filter(is_multimodal, WRAPPED)))
def test_a_wrapper_without_towers_in_its_config_says_so(family: str) -> None:
    text = symroof.load("llama-3.1-8b").architecture
    found = uncounted_towers(Config({"model_type": family}, "", ""), replace(text, family=family))
    assert found[0].startswith("not counted: the towers for images, audio or video")


def test_text_models_say_nothing_of_towers() -> None:
    for name in ("llama-3.1-8b", "kimi-k2", "gemma-3-1b"):
        assert not [x for x in symroof.load(name).warnings if "not counted" in x]


@pytest.mark.parametrize("value", [None, True, -1, 0, 1.5, "27", [27], 10**30, float("nan"), {}])
def test_a_size_that_cannot_be_is_not_said(value: object) -> None:
    towers = TOWERS["gemma3"]["towers"]["vision_config"]
    for key in ("hidden_size", "num_hidden_layers", "intermediate_size"):
        (found,) = said("gemma3", {"vision_config": {**towers, key: value}}, 2304)
        assert found == "not counted: the vision tower, whose size the config does not say"
    sizes = {"hidden_size": 64, "num_hidden_layers": 2, "mlp_ratio": value}
    (found,) = said("llava", {"vision_config": sizes}, 64)
    assert ("not say" in found) == (value != 1.5)
