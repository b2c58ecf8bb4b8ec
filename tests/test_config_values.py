"""Hostile values at every key that a reader uses: a reading where they mean something, else a ConfigError that says so.

Bases are real configs, one of every model type; values replace those of one key, or the first or last of a list.
"""

import contextlib
import gzip
import json
import math
import re
from collections.abc import Iterator, Mapping
from pathlib import Path as FilePath
from typing import Any

import pytest

from symroof.config.audit import audit
from symroof.config.catalogue import model_catalogue
from symroof.config.config import Config, load_config
from symroof.errors import ConfigError
from symroof.families.registry import FAMILIES, read_architecture
from symroof.quantization.precision import precision

Path = tuple[str, ...]
ABSENT: Any = object()
HOSTILE: dict[str, Any] = {
    "NaN": math.nan,
    "inf": math.inf,
    "-1": -1,
    "1e300": 1e300,
    "10^30": 10**30,
    "banana": "banana",
    "[]": [],
    "{}": {},
    "true": True,
    "[[]]": [[]],
    "null": None,
}
# Keys -> hostile values that mean something there.
LEGITIMATE: tuple[tuple[str, tuple[str, ...]], ...] = (
    (r".*", ("null",)),  # as if absent, which is the default or an error
    (r".*(_multiplier|_factor|_alpha|_beta|scale_emb|scale_depth|logit_scale|logits_scaling|_lower_bound)", ("-1",)),
    (r"mlp_only_layers|full_attn_idxs|moe_layers|cross_attention_layers|local_layer_ids|ple_layer_ids", ("[]",)),
    (r"moe_layers_enum|attn_layer_indices|no_rope_layers|swiglu_limits(_shared)?", ("[]",)),
    (r"layer_types|block_types|kv_source_layers", ("[]",)),  # as if absent
    (r"no_rope_layers", ("[true, ...]", "[..., true]")),
    (r"moe_layer_end_index", ("-1",)),  # the last layer
    (r"per_layer_config|quantization_config", ("{}",)),
)


def bases() -> dict[str, dict[str, Any]]:
    """A config of every model type: the smallest that was measured, else a built-in one."""
    found: dict[str, dict[str, Any]] = {}
    with gzip.open(FilePath(__file__).parent / "truth" / "transformers.jsonl.gz", "rt") as file:
        measured = [x for x in map(json.loads, file) if x["model_type"] in FAMILIES and "parameters" in x]
    for x in sorted(measured, key=lambda x: (x["variant"] != "v1", x["kind"] != "causal")):
        found.setdefault(x["model_type"], x["config"])
    for entry in model_catalogue().values():
        found.setdefault(read_architecture(load_config(entry["config"])).family, entry["config"])
    return found


BASES = bases()


def read(data: Mapping[str, Any]) -> Config:
    """A config of which everything has been read that a report reads."""
    config = load_config(data)
    precision(config, read_architecture(config), dtype=None if config.dtype() or config.quantization() else "bf16")
    return config


def used_keys(data: Mapping[str, Any]) -> list[Path]:
    """The keys that the audit calls used or defaulted."""
    config = read(data)
    statuses = audit(config, read_architecture(config))
    return [tuple(x.key.split(".")) for x in statuses if x.status in ("used", "defaulted")]


def value_at(data: Any, path: Path) -> Any:
    """The value under a key, ABSENT where there is none."""
    for key in path:
        data = data.get(key, ABSENT) if isinstance(data, Mapping) else ABSENT
    return data


def with_value(data: Mapping[str, Any], path: Path, value: Any) -> dict[str, Any]:
    """The config with another value under a key."""
    key, *rest = path
    if not rest:
        return {**data, key: value}
    inner = data.get(key)
    return {**data, key: with_value(inner if isinstance(inner, Mapping) else {}, tuple(rest), value)}


def hostile_values(value: Any) -> Iterator[tuple[str, Any]]:
    """Hostile values in place of one, and in place of the first and the last of a list."""
    yield from HOSTILE.items()
    if isinstance(value, list) and value:
        for name, x in HOSTILE.items():
            yield f"[{name}, ...]", [x, *value[1:]]
            yield f"[..., {name}]", [*value[:-1], x]


def is_legitimate(key: str, old: Any, name: str, new: Any) -> bool:
    """Whether a value may be read: one of LEGITIMATE, or of the kind of the one that it replaces."""
    if any(re.fullmatch(keys, key) and name in names for keys, names in LEGITIMATE):
        return True
    flags = isinstance(old, bool) or old is ABSENT or old is None
    return new == old or (isinstance(new, bool) and flags)


def accepted(data: dict[str, Any]) -> Iterator[str]:
    """Each hostile value that is read and means nothing, or is refused without the name of a key."""
    for path in used_keys(data):
        old = value_at(data, path)
        for name, new in hostile_values(old):
            try:
                read(with_value(data, path, new))
            except ConfigError as error:
                text = str(error)
                if (
                    not re.search(r"keys? '\w|model_type|dtype|\w ?=", text)
                    or len(text) > 300
                    or not text.isprintable()
                ):
                    yield f"{'.'.join(path)} = {name}: {text}"
            else:
                if not is_legitimate(path[-1], old, name, new):
                    yield f"{'.'.join(path)} = {name} is read"


@pytest.mark.parametrize("family", BASES)
def test_no_wrong_kind_is_read(family: str) -> None:
    assert list(accepted(BASES[family])) == []


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("inner", [None, {}, {"text_config": {}}, {"text_config": {"model_type": "llama"}}])
def test_a_config_of_almost_no_keys(family: str, inner: dict[str, Any] | None) -> None:
    """Keys that have no default are asked for; what has defaults for all is read."""
    with contextlib.suppress(ConfigError):
        read({"model_type": family, **(inner or {})})


@pytest.mark.parametrize(
    ("family", "key", "value", "named"),
    [
        ("minicpm", "scale_depth", 1e300, "scale_depth"),
        ("minimax_m1", "attn_type_list", [[]], "attn_type_list"),
        ("glm_moe_dsa", "indexer_types", [[]], "indexer_types"),
        ("dbrx", "attn_config.clip_qkv", "banana", "clip_qkv"),
        ("deepseek_v4", "swiglu_limit", "banana", "swiglu_limit"),
        ("rwkv5", "tie_word_embeddings", "banana", "tie_word_embeddings"),
        ("glm4v", "text_config.attention_bias", "banana", "attention_bias"),
        ("mimo_v2_flash", "sliding_window_size", 9, "contradict"),
    ],
)
def test_values_that_were_once_passed_over(family: str, key: str, value: Any, named: str) -> None:
    with pytest.raises(ConfigError, match=named):
        read(with_value(BASES[family], tuple(key.split(".")), value))


@pytest.mark.parametrize("key", ["layer_types", "layers_block_type", "hybrid_override_pattern", "block_types"])
@pytest.mark.parametrize("value", ["x" * 2000, "\x1b[31m", "full_attention\n"])
def test_a_long_or_odd_name_in_a_list_is_shortened(key: str, value: str) -> None:
    """The first entry of a list, or all of it, of whichever families have one."""
    for base in BASES.values():
        for path in used_keys(base):
            if path[-1] == key:
                old = value_at(base, path)
                with pytest.raises(ConfigError) as error:
                    read(with_value(base, path, [value, *old[1:]] if isinstance(old, list) and old else value))
                assert len(str(error.value)) <= 330
                assert str(error.value).isprintable()
