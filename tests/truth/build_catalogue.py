"""Build symroof/config/catalogue.json from config.json files of released models.

    python tests/truth/build_catalogue.py NAMES

Each line of NAMES is a JSON object: `name`, `path` of the config, `source`, the ids on the `hub` of the checkpoints
that have this config, the source's first, and the `grade` of its provenance (GRADES). Of each config stay the keys that
its reader asked for, the longest context and what says how elements are kept; parameters, cache per token and cache at
the longest context are computed and kept beside. Run by hand when a family or a model is added; the tests compute the
figures anew.
"""

import json
import re
import sys
from pathlib import Path

import symroof
from symroof.config.catalogue import GRADES
from symroof.families.reading import mtp
from symroof.families.reading.catalogue import CONTEXT
from symroof.families.reading.towers import TOWER_KEYS, TOWERS

TARGET = Path(symroof.__file__).parent / "config" / "catalogue.json"
FURTHER = {*mtp.KEYS, "mtp_hybrid_override_pattern", "mtp_layers_block_type", "mtp_use_dedicated_embeddings"}
ALWAYS = {*CONTEXT, *FURTHER, "model_type", "dtype", "torch_dtype", "quantization_config", "expert_dtype"}


def trimmed(data, read):
    """The keys that were asked for, those of nested objects likewise; of other towers those that their size needs."""
    kept = {}
    for key, value in data.items():
        if isinstance(value, dict) and key in TOWERS:
            kept[key] = {x: y for x, y in value.items() if x in TOWER_KEYS and y is not None}
        elif isinstance(value, dict) and isinstance(read.get(key), dict) and key != "quantization_config":
            kept[key] = trimmed(value, read[key])
        elif (key in read or key in ALWAYS) and value is not None and value != []:
            kept[key] = shorter(value) if key == "quantization_config" else value
        elif key in read and value is None:
            kept[key] = None
    return kept


def shorter(quant):
    """A quantization_config with one pattern for many layers, without other towers and what formats do not need."""
    for key in ("ignore", "modules_to_not_convert", "exclude_modules"):
        if key in quant:
            found = [x for x in quant[key] if not re.search("vision|visual|audio|projector|conv1d", x)]
            numbered = {re.sub(r"\.\d+", ".#", x) for x in found}
            many = {x for x in numbered if sum(re.sub(r"\.\d+", ".#", y) == x for y in found) > 20}
            rest = [x for x in found if re.sub(r"\.\d+", ".#", x) not in many]
            quant = {**quant, key: sorted(x.replace("#", "*") for x in many) + rest}
    if isinstance(layers := quant.get("quantized_layers"), dict):
        named = {re.sub(r"\.\d+", ".*", name): {"quant_algo": x["quant_algo"]} for name, x in layers.items()}
        quant = {**quant, "quantized_layers": named}
    for group in quant.get("config_groups", {}).values():
        group["targets"] = sorted({re.sub(r"\.\d+", ".*", x) for x in group.get("targets", ["Linear"])})
    if quant.get("quant_algo") == "MIXED_PRECISION" and quant.get("quantized_layers"):
        quant = {key: x for key, x in quant.items() if key != "config_groups"}
    drop = (
        "producer",
        "version",
        "quantization_status",
        "sparsity_config",
        "transform_config",
        "activation_scheme",
        "global_compression_ratio",
        "act_per_tensor",
        "weight_per_tensor",
        "activation_scale_ub",
    )
    return {key: bare(x) for key, x in quant.items() if key not in drop and x is not None}


def bare(x):
    """An object without what is null and what says how scales are found."""
    if isinstance(x, dict):
        return {k: bare(v) for k, v in x.items() if v is not None and k != "observer_kwargs"}
    return x


def entry(given):
    """The catalogue's entry for a line of NAMES; its config must cost what the whole config does."""
    path, source = given["path"], given["source"].strip()
    if given["grade"] not in GRADES:
        raise ValueError(f"grade {given['grade']!r} is none of {', '.join(GRADES)}")
    model = symroof.load(str(path))
    config = trimmed(model.config.data, model.config.read)
    if not model.config.dtype() and not model.config.quantization():
        config["torch_dtype"], source = "bfloat16", source + "; dtype bf16 assumed"
    kept = symroof.load(config)
    if kept.architecture != model.architecture:
        raise ValueError(f"{path}: a key that matters was not asked for")
    if kept.warnings != model.warnings:
        raise ValueError(f"{path}: a key that the size of a tower needs was left out")
    dtype = {} if model.config.dtype() or model.config.quantization() else {"dtype": "bf16"}
    ours, whole = kept.report(**dtype), model.report(**dtype)
    if ours.total != whole.total or ours.precision.formats != whole.precision.formats:
        raise ValueError(f"{path}: its quantisation was cut too short")
    figures = {"parameters": kept.parameters.total, "active": kept.parameters.active}
    figures |= {"cache_per_token": kept.cache_per_token(**dtype), "cache_at_context": kept.cache_at_context(**dtype)}
    return {"source": source, "hub": given["hub"], "grade": given["grade"], **figures, "config": config}


def build(lines):
    """All entries by name, and what could not be read."""
    found = {}
    for line in filter(str.strip, lines):
        given = json.loads(line)
        try:
            found[given["name"]] = entry(given)
        except (ValueError, symroof.errors.SymroofError) as error:
            print(f"{given['name']}: {error}", file=sys.stderr)
    return found


if __name__ == "__main__":
    entries = build(Path(sys.argv[1]).read_text().splitlines())
    rows = (f"  {json.dumps(name)}: {json.dumps(entries[name])}" for name in sorted(entries))
    TARGET.write_text("{\n" + ",\n".join(rows) + "\n}\n")
