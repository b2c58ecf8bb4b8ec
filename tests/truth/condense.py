"""Condense measurements of transformers models (one JSON object a line) into tests/truth/transformers.jsonl.gz.

    python tests/truth/condense.py MEASURED.jsonl.gz

The input is what torch's FlopCounterMode and `numel` said of the real modules of transformers 5.23.0 under torch
2.13.0 (meta device, bf16). Kept are the keys of each config that its class says something with, parameters by
role of the language model, FLOP by role of each step, and the bytes of the cache before a decode step.
"""

import gzip
import json
import sys
from collections import defaultdict
from pathlib import Path

TARGET = Path(__file__).parent / "transformers.jsonl.gz"
NOISE = {
    "id2label",
    "label2id",
    "return_dict",
    "output_hidden_states",
    "output_attentions",
    "chunk_size_feed_forward",
    "is_encoder_decoder",
    "problem_type",
    "initializer_range",
    "use_cache",
    "pad_token_id",
    "bos_token_id",
    "eos_token_id",
    "attention_dropout",
    "transformers_version",
    "architectures",
    "vision_config",
    "audio_config",
}
# Parameters outside the language model that the measurement gave one of its roles.
TOWERS = (
    "vision",
    "visual",
    "audio",
    "projector",
    "connector",
    "speech",
    "image",
    "multi_modal",
    "embed_vision",
    "embed_audio",
    "aligner",
    "resampler",
    "merger",
    "high_res",
    "vqmodel",
    "mm_projector",
    "query_tokens",
    "qformer",
    "view_separator",
    "embed_tokens_extend",
    "video_tower",
    "generation",
    "language_projection",
)


def trimmed(config):
    """The config without the keys that every class has and none of its sizes depends on."""
    return {k: trimmed(v) if k == "text_config" else v for k, v in config.items() if k not in NOISE}


def parameters(result):
    """Role -> weights of the language model."""
    roles = defaultdict(int)
    tied = {name for pair in result["tied"] for name in pair[:-1]}
    for name, shape, _, count, role in result["groups"]:
        size = count
        for x in shape:
            size *= x
        tower = any(part.startswith(TOWERS) for part in name.replace("_model", "").split("."))
        if role != "nontext" and name not in tied and not tower:
            roles[role] += size
    return dict(roles)


def step(work, result):
    """One prefill or decode."""
    cache = result.get("cache_before_step") or {}
    return {
        "kind": work["kind"],
        "batch": work["b"],
        "tokens": work.get("s", work.get("c")),
        "logits": "last" if work["logits_to_keep"] == 1 else "all",
        "flops": result["flops"],
        "roles": result["roles"],
        "cache_bytes": cache.get("bytes"),
    }


def condense(lines):
    """One record for each (type, kind, variant)."""
    models = {}
    for line in lines:
        key = (line["model_type"], line["kind"], line["variant"])
        model = models.setdefault(
            key,
            {
                "model_type": key[0],
                "kind": key[1],
                "variant": key[2],
                "config": trimmed(line["config"]),
                "steps": [],
            },
        )
        if line["workload"]["kind"] == "params":
            model["parameters"] = parameters(line["result"])
        else:
            model["steps"].append(step(line["workload"], line["result"]))
    return models.values()


if __name__ == "__main__":
    with gzip.open(sys.argv[1], "rt") as file:
        records = [json.dumps(x, separators=(",", ":")) for x in condense(map(json.loads, file))]
    with TARGET.open("wb") as raw, gzip.GzipFile("", "wb", 9, raw, mtime=0) as packed:
        packed.write(("\n".join(records) + "\n").encode())
