"""A key that a config leaves out reads as what its class in transformers 5.24.0 makes of that, or is an error.

tests/truth/class_defaults.json.gz, written by measure_defaults.py there, has for each type the default config of its
class and a small one; of every key, what the class says where it is absent; and, of models around a text model, whether
head and embedding of the real model share a table, by tie_word_embeddings at both levels.
"""

import copy
import gzip
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from symroof.config.config import config_of_dict
from symroof.errors import ConfigError
from symroof.families.registry import FAMILIES, read_architecture

TIE = "tie_word_embeddings"
TEXT_PATHS = (("thinker_config", "text_config"), ("text_config",))
# (type, key) -> why its class is not followed.
DIFFERENT = {
    ("mistral3", TIE): "the class ties, published checkpoints without the key (Mistral-Small-3.1) hold a head",
    ("xlstm", "hidden_size"): "the class ignores embedding_dim, the name of the first release",
    ("xlstm", "num_hidden_layers"): "the class ignores num_blocks, the name of the first release",
}

with gzip.open(Path(__file__).parent / "truth" / "class_defaults.json.gz", "rt") as file:
    RECORDS: list[dict[str, Any]] = [json.loads(line) for line in file]


def parent(config: dict[str, Any], path: tuple[str, ...]) -> dict[str, Any]:
    """The object that holds the last key of a path."""
    for key in path[:-1]:
        config = config[key]
    return config


def with_changes(config: dict[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """The config with other values, by dotted path."""
    config = copy.deepcopy(config)
    for name, value in changes.items():
        path = tuple(name.split("."))
        parent(config, path)[path[-1]] = value
    return config


def without(config: dict[str, Any], name: str) -> dict[str, Any]:
    """The config without the key at a dotted path."""
    config, path = copy.deepcopy(config), tuple(name.split("."))
    del parent(config, path)[path[-1]]
    return config


def described(config: dict[str, Any]) -> Any:
    """What a config describes; None where it is refused."""
    try:
        architecture = read_architecture(config_of_dict(config))
    except ConfigError:
        return None
    return architecture.structure, architecture.sizes, architecture.layout


def read_keys(config: dict[str, Any]) -> Iterator[str]:
    """The dotted paths of the keys that the reader of a config looks up; those of rope_parameters only together."""
    loaded = config_of_dict(config)
    read_architecture(loaded)

    def paths(data: Mapping[str, Any], read: Mapping[str, Any], above: str) -> Iterator[str]:
        for key in data.keys() & read.keys() - {"model_type"}:
            if isinstance(data[key], dict) and key.endswith("_config") and key != "per_layer_config":
                yield from paths(data[key], read[key] or {}, f"{above}{key}.")
            yield above + key

    return paths(config, loaded.read, "")


def disagreements(record: dict[str, Any]) -> Iterator[str]:
    """The keys that are read in another way than the class does where they are absent."""
    config, absent = record["config"], record["absent"]
    if described(config) is None:
        return
    for name in read_keys(config):
        changes = absent.get(name, {})  # None where the class refuses the rest
        if changes is not None and (record["model_type"], name) not in DIFFERENT:
            ours = described(without(config, name))
            if ours is not None and ours != described(with_changes(config, changes)):
                yield name


@pytest.mark.parametrize("model_type", sorted({x["model_type"] for x in RECORDS}))
def test_an_absent_key_is_what_the_class_makes_of_it_or_an_error(model_type):
    assert [x for record in RECORDS if record["model_type"] == model_type for x in disagreements(record)] == []


def tied(record: dict[str, Any], outer: str, inner: str) -> bool:
    """Whether head and embedding share a table, with tie_word_embeddings as said around and in the text model."""
    config = copy.deepcopy(record["config"])
    path = next(x for x in TEXT_PATHS if x[0] in config)
    around, text = parent(config, path), parent(config, (*path, ""))
    for where, value in ((around, outer), (text, inner)):
        where.pop(TIE, None)
        if value != "absent":
            where[TIE] = value == "true"
    return read_architecture(config_of_dict(config)).structure.frame.tied


WITH_TIES = [x for x in RECORDS if "tied" in x]


@pytest.mark.parametrize("record", WITH_TIES, ids=lambda x: x["model_type"])
def test_the_tie_that_counts_is_that_of_the_real_model(record):
    if described(record["config"]) is None:
        pytest.skip("refused for another reason")
    for combination, shared in record["tied"].items():
        outer, inner = combination.split("/")
        if outer == "absent" and (record["model_type"], TIE) in DIFFERENT:
            continue
        assert tied(record, outer, inner) == shared, combination


def test_the_truths_cover_most_types():
    assert len({x["model_type"] for x in RECORDS} & set(FAMILIES)) > 250
    assert len(WITH_TIES) > 80
