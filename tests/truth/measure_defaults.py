"""What the config classes of transformers make of keys that a config leaves out, and which head shares its table.

    python tests/truth/measure_defaults.py

Run by hand, in an environment with `pip install torch==2.13.0 transformers==5.24.0 pillow`. The smallest configs of
transformers.jsonl.gz, and each class's default config, lose one key after the other; kept is what their class then
says instead. Models around a text model are built on the meta device with tie_word_embeddings at both levels true,
false and absent. The output is tests/truth/class_defaults.json.gz.
"""

import copy
import gzip
import json
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path

import torch
import transformers
from condense import NOISE, trimmed
from transformers import AutoConfig
from transformers.models.auto import modeling_auto
from transformers.models.auto.configuration_auto import CONFIG_MAPPING

from symroof.families.registry import FAMILIES

FOLDER = Path(__file__).parent
TARGET = FOLDER / "class_defaults.json.gz"
FIXED = NOISE | {"model_type", "dtype", "torch_dtype"}
MAPPINGS = ("IMAGE_TEXT_TO_TEXT", "MULTIMODAL_LM", "CAUSAL_LM", "SPEECH_SEQ_2_SEQ", "PRETRAINING")
TIE, ABSENT = "tie_word_embeddings", "absent"


def class_config(model_type, keys):
    """The config that the class makes of some keys, as plain data."""
    config = AutoConfig.for_model(
        model_type, **{key: x for key, x in copy.deepcopy(keys).items() if key != "model_type"}
    )
    return json.loads(json.dumps(config.to_dict(), default=str))


def is_config(key, value):
    """Whether a value is a config in another; the sizes of single layers (per_layer_config) are none."""
    return isinstance(value, dict) and key.endswith("_config") and key != "per_layer_config"


def key_paths(config, above=()) -> Iterator[tuple[str, ...]]:
    """The keys of a config and of the configs in it; those of rope_parameters only together."""
    for key, value in config.items():
        if key in FIXED:
            continue
        if is_config(key, value):
            yield from key_paths(value, (*above, key))
        yield (*above, key)


def parent(config, path):
    """The object that holds the last key of a path; it is made if there is none."""
    for key in path[:-1]:
        config = config.setdefault(key, {})
    return config


def without(config, path):
    """The config without one key."""
    config = copy.deepcopy(config)
    del parent(config, path)[path[-1]]
    return config


def changes(old, new, above=()):
    """Path -> new value, of what differs between two configs."""
    found = {}
    for key in old.keys() | new.keys():
        if key in NOISE:
            continue
        one, other = old.get(key), new.get(key)
        if is_config(key, one) and is_config(key, other):
            found |= changes(one, other, (*above, key))
        elif one != other:
            found[".".join((*above, key))] = other
    return found


def absent_keys(model_type, config):
    """Path of a key -> what the class says where it is absent, if it differs; null where the class refuses that."""
    found = {}
    for path in key_paths(config):
        try:
            changed = changes(config, class_config(model_type, without(config, path)))
        except Exception:
            found[".".join(path)] = None
        else:
            if changed:
                found[".".join(path)] = changed
    return found


def model_class(config):
    """The class that generates with a config."""
    for name in MAPPINGS:
        mapping = getattr(modeling_auto, f"MODEL_FOR_{name}_MAPPING", {})
        if type(config) in mapping.keys():  # noqa: SIM118 - the mapping is lazy
            found = mapping[type(config)]
            return found[0] if isinstance(found, tuple | list) else found
    raise LookupError(type(config).__name__)


def shares_table(model):
    """Whether the head's table is the embedding's."""
    head = model.get_output_embeddings()
    if head is None:
        heads = [x for name, x in model.named_modules() if name.endswith("lm_head")]
        tables = {id(x.weight) for x in model.modules() if isinstance(x, torch.nn.Embedding)}
        return any(id(x.weight) in tables for x in heads)
    return head.weight is model.get_input_embeddings().weight


def ties(model_type, keys, path):
    """'outer/inner' value of tie_word_embeddings -> whether head and embedding share a table."""
    found = {}
    for outer in (ABSENT, True, False):
        for inner in (ABSENT, True, False):
            config = copy.deepcopy(keys)
            text = parent(config, (*path, TIE))
            text |= {"pad_token_id": 0}
            for where, value in ((parent(config, path), outer), (text, inner)):
                where.pop(TIE, None)
                where |= {} if value == ABSENT else {TIE: value}
            made = AutoConfig.for_model(model_type, **{key: x for key, x in config.items() if key != "model_type"})
            with torch.device("meta"):
                found[f"{outer}/{inner}".lower()] = shares_table(model_class(made)._from_config(made))
    return found


def text_path(config):
    """The keys to the text model's config; empty if the config is one itself."""
    for path in (("thinker_config", "text_config"), ("text_config",)):
        if isinstance(parent(copy.deepcopy(config), path).get(path[-1]), dict):
            return path
    return ()


def small_configs():
    """Model type -> the smallest measured config."""
    with gzip.open(FOLDER / "transformers.jsonl.gz", "rt") as file:
        records = [json.loads(line) for line in file]
    return {x["model_type"]: x["config"] for x in records if x["variant"] == "v1"}


def measured(model_type, small):
    """The records of one type: its default config, and the smallest one."""
    for name, keys in (("default", {}), ("small", small)):
        if keys is None:
            continue
        try:
            config = class_config(model_type, keys)
        except Exception as error:
            print(f"{model_type}, {name}: is not built: {error!r:.80}", file=sys.stderr)
            continue
        record = {
            "model_type": model_type,
            "config": trimmed(config),
            "absent": absent_keys(model_type, trimmed(config)),
        }
        path = text_path(config)
        if path and (name == "small" or small is None):
            try:
                record["tied"] = ties(model_type, keys or {}, path)
            except Exception as error:
                print(f"{model_type}, {name}: no model: {error!r:.80}", file=sys.stderr)
        yield record


if __name__ == "__main__":
    warnings.filterwarnings("ignore")
    transformers.logging.set_verbosity_error()
    small = small_configs()
    types = [x for x in sorted(FAMILIES) if x in CONFIG_MAPPING]
    records = [json.dumps(x, separators=(",", ":")) for name in types for x in measured(name, small.get(name))]
    with TARGET.open("wb") as raw, gzip.GzipFile("", "wb", 9, raw, mtime=0) as packed:
        packed.write(("\n".join(records) + "\n").encode())
