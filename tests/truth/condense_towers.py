"""Condense measurements of transformers models into tests/truth/towers.json: what of each is no part of the text model.

    python tests/truth/condense_towers.py MEASURED.jsonl.gz

The input is that of condense.py. `parameters` is what of the model is outside its text model, `layers` what of that is
in layers of towers.
"""

import gzip
import json
import re
import sys
from math import prod
from pathlib import Path

from condense import TOWERS, trimmed

from symroof.families.registry import WRAPPED

TARGET = Path(__file__).parent / "towers.json"
KEYS = {"vision_config", "high_res_vision_config", "vq_config", "qformer_config", "perceiver_config", "audio_config"}
LAYER = re.compile(r"(layers|layer|blocks|encoders)\.#")
NOISE = re.compile("^(dtype|id2label|label2id|rope_.*|_name_or_path|.*token.*)$")


def bare(config):
    """A config without what no size of a tower depends on."""
    return {k: v for k, v in trimmed(config).items() if v is not None and not NOISE.match(k)}


def is_tower(group):
    """Whether a group of parameters is outside the text model and its layers."""
    name, *_, role = group
    parts = name.replace("_model", "").split(".")
    return "language_model" not in name and (role == "nontext" or any(x.startswith(TOWERS) for x in parts))


def record(line):
    """The truth of one model."""
    config, text = line["config"], line["config"].get("text_config", line["config"])
    sizes = [(group[0], prod(group[1]) * group[3]) for group in line["result"]["groups"] if is_tower(group)]
    return {
        "text": text.get("hidden_size"),
        "towers": {k: bare(v) for k, v in config.items() if k in KEYS and v},
        "parameters": sum(x for _, x in sizes),
        "layers": sum(x for name, x in sizes if LAYER.search(name)),
    }


def condense(lines):
    """The truths by type, of the class defaults."""
    measured = (x for x in lines if x["workload"]["kind"] == "params" and x["variant"] == "default")
    return {x["model_type"]: record(x) for x in measured if x["model_type"] in WRAPPED and KEYS & x["config"].keys()}


if __name__ == "__main__":
    with gzip.open(sys.argv[1], "rt") as file:
        truths = condense(map(json.loads, file))
    TARGET.write_text(
        "{\n" + ",\n".join(f"{json.dumps(k)}: {json.dumps(v)}" for k, v in sorted(truths.items())) + "\n}\n"
    )
