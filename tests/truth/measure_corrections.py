"""Count the learned corrections of experts' scores, which the classes of transformers hold in buffers.

    python tests/truth/measure_corrections.py

Run by hand, in an environment with `pip install torch==2.13.0 transformers==5.24.0`. A checkpoint holds these buffers
(e_score_correction_bias and the like), and no optimizer changes them: `numel` over parameters leaves them out. Models
of the configs in transformers.jsonl.gz and transformers_variants.jsonl.gz are built on the meta device; the output is
tests/truth/corrections.json.
"""

import gzip
import json
import sys
import warnings
from pathlib import Path

import torch
import transformers
from condense import TOWERS
from measure_defaults import model_class
from transformers import AutoConfig

FOLDER = Path(__file__).parent
TARGET = FOLDER / "corrections.json"
NAMES = ("e_score_correction_bias", "expert_bias", "balancing_biases")


def corrections(config):
    """Elements of the language model's buffers that correct scores; None where the model is not built."""
    keys = {key: value for key, value in config.items() if key != "model_type"}
    try:
        made = AutoConfig.for_model(config["model_type"], **keys)
        for part in (made, getattr(made, "text_config", None)):
            if getattr(part, "pad_token_id", None) is not None:
                part.pad_token_id = 0
        with torch.device("meta"):
            model = model_class(made)._from_config(made)
    except Exception as error:
        print(f"{config['model_type']}: is not built: {error!r:.80}", file=sys.stderr)
        return None
    buffers = [(name, x) for name, x in model.named_buffers() if name.endswith(NAMES)]
    return sum(x.numel() for name, x in buffers if not any(part.startswith(TOWERS) for part in name.split(".")))


def records(name):
    """The lines of a file of measurements."""
    with gzip.open(FOLDER / name, "rt") as file:
        return [json.loads(line) for line in file]


def label(x):
    """What the tests call a record."""
    return f"{x['model_type']} {x['kind']} {x['variant']}" if "variant" in x else f"{x['model_type']} {x['flip']}"


if __name__ == "__main__":
    warnings.filterwarnings("ignore")
    transformers.logging.set_verbosity_error()
    measured, flips = records("transformers.jsonl.gz"), records("transformers_variants.jsonl.gz")
    smallest = {x["model_type"]: x["config"] for x in flips if not x["flip"]}
    smallest |= {x["model_type"]: x["config"] for x in sorted(measured, key=lambda x: x["variant"])}
    chosen = {kind for kind, config in smallest.items() if "expert" in json.dumps(config) and corrections(config)}
    found = {label(x): corrections(x["config"]) for x in (*measured, *flips) if x["model_type"] in chosen}
    TARGET.write_text(json.dumps(found, indent=0, sort_keys=True) + "\n")
