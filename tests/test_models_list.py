"""models, families, audit and compare, as their users meet them."""

import gzip
import json
import re
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from symroof.cli import cli
from symroof.config.audit import KeyStatus, audit
from symroof.config.catalogue import model_catalogue
from symroof.config.config import Config, load_config
from symroof.errors import ConfigError
from symroof.families.reading.catalogue import catalogue_rows
from symroof.families.registry import FAMILIES, read_architecture
from symroof.render.listings.audit import audit_table as audit_table
from symroof.render.listings.models import HEADS, OPTIONAL
from symroof.render.listings.models import models_table as models_table

TRUTH = Path(__file__).parent / "truth"
SMALL = {
    "model_type": "llama",
    "hidden_size": 256,
    "intermediate_size": 512,
    "num_hidden_layers": 4,
    "vocab_size": 1000,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "torch_dtype": "bfloat16",
}


def run(*args: str) -> Result:
    return CliRunner().invoke(cli, list(args), catch_exceptions=False)


def entries(config: Config) -> dict[str, KeyStatus]:
    return {x.key: x for x in audit(config, read_architecture(config))}


def written(path: Path, **keys: Any) -> str:
    path.write_text(json.dumps(SMALL | keys))
    return str(path)


def test_models_are_rows_of_one_table() -> None:
    lines = run("models").output.splitlines()
    assert len(lines) == len(model_catalogue()) + 1
    assert re.split(" {2,}", lines[0]) == list(HEADS)
    assert [line.split()[0] for line in lines[1:]] == list(model_catalogue())


def test_models_of_a_family() -> None:
    found = json.loads(run("models", "--family", "LLAMA", "--json").output)
    assert len(found) > 10
    assert {x["family"] for x in found} == {"llama"}
    one = next(x for x in found if x["name"] == "llama-3.1-8b")
    assert (one["parameters"], one["layers"], one["context"]) == (8_030_261_248, 32, 131_072)
    assert one["cache_bytes_per_token"] == 2 * 2 * 8 * 128 * 32
    assert one["cache_bytes_at_context"] == 131_072 * one["cache_bytes_per_token"]
    assert one["grade"] == "released"


@pytest.mark.parametrize(("width", "left_out"), [(0, 0), (400, 0), (140, 1), (80, 6), (10, len(OPTIONAL))])
def test_a_narrow_table_of_models_spares_columns(width: int, left_out: int) -> None:
    source = "org/Some-Model-Of-Some-Length config.json, trimmed, of a certain revision"
    figures = (10**9, 10**9, 32, 131072, "attention", 65536, 2**33, "dimensions")
    row = ("some-model-of-30b-a3b-instruct", "llama", *figures, source)
    text = models_table([row], width)
    spared = OPTIONAL[:left_out]
    assert [x for x in HEADS if x in text.splitlines()[0]] == [x for x in HEADS if x not in spared]
    assert ("Left out" in text) == bool(left_out)
    assert all(x in text for x in spared)
    assert width in (0, 10) or max(map(len, text.splitlines())) <= width


def test_grade_and_caches_of_all_models_fit_a_narrow_terminal() -> None:
    text = models_table(catalogue_rows(), 80)
    assert max(map(len, text.splitlines())) <= 80
    assert {"Grade", "Full cache", "Cache/token", "Parameters"} <= {x for x in HEADS if x in text.splitlines()[0]}


def test_families_are_all_listed() -> None:
    listed = {x["model_type"] for x in json.loads(run("families", "--json").output)}
    assert set(FAMILIES) <= listed
    assert all(name in run("families").output for name in FAMILIES)


@pytest.mark.parametrize(
    ("args", "told"),
    [
        (("models", "--family", "lama"), "did you mean 'llama'?"),
        (("models", "--family", "no such thing"), "known: "),
        (("audit", "lama-3.1-8b"), "did you mean 'llama-3.1-8b'?"),
        (("compare", "llama-3.1-8b", "qwen-9b"), "unknown model 'qwen-9b'"),
        (("compare",), "Missing argument"),
    ],
)
def test_wrong_names_are_told(args: tuple[str, ...], told: str) -> None:
    result = run(*args)
    assert result.exit_code == 2
    assert told in result.output


def test_an_audit_says_what_became_of_every_key(tmp_path: Path) -> None:
    path = written(tmp_path / "config.json", rope_theta=1.0, max_position_embeddings=8)
    found = {x["key"]: x for x in json.loads(run("audit", path, "--json").output)}
    assert set(SMALL) <= set(found)
    assert (found["hidden_size"]["status"], found["hidden_size"]["reason"]) == ("used", "d")
    assert found["hidden_act"] == {"key": "hidden_act", "value": "silu", "status": "defaulted", "reason": ""}
    assert {found[x]["status"] for x in ("rope_theta", "max_position_embeddings")} == {"ignored"}
    assert run("audit", path).exit_code == 0


def test_a_key_that_is_not_understood_is_an_error(tmp_path: Path) -> None:
    path = written(tmp_path / "config.json", num_extra_experts=4)
    for args in (("audit", path), ("audit", path, "--json")):
        result = run(*args)
        assert result.exit_code == 1
        assert "num_extra_experts" in result.output
        assert "1 of " in result.output


def test_a_size_that_no_layer_has_is_left_aside_and_one_that_it_has_is_not() -> None:
    assert entries(Config(SMALL | {"sliding_window": 4096}, "", ""))["sliding_window"].status == "ignored"
    window = {"model_type": "mistral", "sliding_window": 4096}
    assert entries(Config(SMALL | window, "", ""))["sliding_window"].status == "used"
    assert entries(Config(SMALL | {"num_experts": 4}, "", ""))["num_experts"].reason == "no layer has experts"


def test_a_key_beside_the_text_config_that_stands_in_it_too_is_left_aside() -> None:
    config = load_config("llama-4-scout")
    doubled = Config({**config.data, "hidden_size": 5120}, "", "")
    assert entries(doubled)["hidden_size"].status == "ignored"
    assert entries(doubled)["text_config.hidden_size"].status == "used"


@pytest.mark.parametrize("name", ["transformers", "transformers_variants"])
def test_every_config_of_transformers_is_understood(name: str) -> None:
    with gzip.open(TRUTH / f"{name}.jsonl.gz", "rt") as file:
        configs = [json.loads(line)["config"] for line in file]
    unknown = set()
    for data in configs:
        config = load_config(data)
        try:
            found = audit(config, read_architecture(config))
        except ConfigError:  # those that are refused, told by test_truth
            continue
        unknown |= {(data["model_type"], x.key) for x in found if x.status == "unknown"}
    assert unknown == set()


def test_an_audit_fits_a_narrow_terminal() -> None:
    config = load_config("llama-4-scout")
    found = audit(config, read_architecture(config))
    wide, narrow = audit_table(found), audit_table(found, 80)
    assert "Value" in wide.splitlines()[0]
    assert max(map(len, narrow.splitlines())) <= 80
    assert wide.splitlines()[-1].startswith(f"{len(found)} keys: ")


def test_models_side_by_side() -> None:
    args = ("compare", "llama-3.1-8b", "qwen3-8b", "--cached-tokens", "8192")
    found = json.loads(run(*args, "--json").output)
    assert [x["name"] for x in found["models"]] == ["llama-3.1-8b", "qwen3-8b"]
    assert found["models"][0]["parameters"] == 8_030_261_248
    head, first, second = run(*args).output.splitlines()[2:5]
    assert head.split()[:3] == ["Model", "Parameters", "Active"]
    assert (first.split()[0], second.split()[0]) == ("llama-3.1-8b", "qwen3-8b")
