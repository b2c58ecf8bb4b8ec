"""Measure variants of every family on the real transformers models: flags flipped, ties, head sizes, patterns.

    python tests/truth/measure_transformers.py MEASURED.jsonl.gz > /dev/null

Run by hand, in an environment with `pip install torch==2.13.0 transformers==5.23.0`. The input is that of condense.py:
the small variant of each type there is flipped one key at a time. Models are built on the meta device: no weights,
no data. The output is tests/truth/transformers_variants.jsonl.gz.
"""

import gzip
import json
import sys
import warnings
from pathlib import Path

import torch
import transformers
from condense import trimmed
from torch.utils.flop_counter import FlopCounterMode
from transformers import AutoConfig, AutoModelForCausalLM, masking_utils

TARGET = Path(__file__).parent / "transformers_variants.jsonl.gz"
LEFT = {
    "use_cache",
    "output_hidden_states",
    "output_attentions",
    "return_dict",
    "is_encoder_decoder",
    "is_decoder",
    "add_cross_attention",
    "output_router_logits",
    "norm_topk_prob",
    "use_mamba_kernels",
    "scale_embedding",
}


def variants(given, config):
    """Overrides of each variant: every flag flipped, one KV head, other head sizes, windows and patterns."""
    yield {}
    yield from ({key: not value} for key, value in config.items() if isinstance(value, bool) and key not in LEFT)
    kinds = config.get("layer_types")
    if kinds and len(set(kinds)) > 1:
        yield {"layer_types": kinds[::-1]}
    if kinds and set(kinds) == {"full_attention"} and "sliding_window" in config:
        mixed = ["sliding_attention" if i % 2 else kind for i, kind in enumerate(kinds)]
        yield {"layer_types": mixed, "sliding_window": 7, "use_sliding_window": True}
    if "sliding_window" in config and not kinds:
        yield {"sliding_window": None if config["sliding_window"] else 7}
    if isinstance(config.get("head_dim"), int):
        yield {"head_dim": 24}
    for key, value in (("num_key_value_heads", 1), ("n_shared_experts", 3), ("first_k_dense_replace", 2)):
        if isinstance(config.get(key), int):
            yield {key: value}


def held(x, seen):
    """Bytes of the floating-point tensors in a cache, each once."""
    if id(x) in seen:
        return 0
    seen[id(x)] = x
    if torch.is_tensor(x):
        return x.numel() * x.element_size() if x.is_floating_point() else 0
    if type(x).__module__.startswith("transformers.") and type(x).__name__.endswith(("Cache", "Layer")):
        x = vars(x)
    inner = x.values() if isinstance(x, dict) else x if isinstance(x, list | tuple) else ()
    return sum(held(y, seen) for y in inner)


def run(model, new, past=None):
    """FLOP of one forward call of two sequences, and the cache it leaves."""
    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        ids = torch.zeros(2, new, dtype=torch.long, device="meta")
        out = model(input_ids=ids, past_key_values=past, use_cache=True)
    return counter.get_total_flops(), getattr(out, "past_key_values", None)


def measure(kind, overrides):
    """Parameters of one variant, FLOP of a prefill of 37 tokens and of the next step, and the cache between them."""
    config = AutoConfig.for_model(kind, **overrides)
    with torch.device("meta"):
        model = AutoModelForCausalLM.from_config(
            config, dtype=torch.bfloat16, attn_implementation="eager", experts_implementation="batched_mm"
        ).eval()
    found = {"config": trimmed(config.to_dict()), "parameters": sum(p.numel() for p in set(model.parameters()))}
    try:
        found["prefill"], cache = run(model, 37)
        if cache is not None and getattr(cache, "layers", None):
            found["cache_bytes"] = held(cache, {})
            found["decode"], _ = run(model, 1, cache)
    except Exception as error:
        print(f"{kind} {overrides}: does not run: {error!r:.80}", file=sys.stderr)
    return found


def measured(lines):
    """All variants of all types that build."""
    for line in lines:
        if line["workload"]["kind"] != "params" or (line["kind"], line["variant"]) != ("causal", "v1"):
            continue
        for flip in variants(line["overrides"], line["config"]):
            try:
                found = measure(line["model_type"], {**line["overrides"], **flip})
            except Exception as error:
                print(f"{line['model_type']} {flip}: is not built: {error!r:.80}", file=sys.stderr)
                continue
            yield {"model_type": line["model_type"], "flip": flip, **found}


if __name__ == "__main__":
    warnings.filterwarnings("ignore")
    transformers.logging.set_verbosity_error()
    masking_utils.find_packed_sequence_indices = lambda *args, **kwargs: None  # looks at values, which meta has none of
    with gzip.open(sys.argv[1], "rt") as file:
        records = [json.dumps(x, separators=(",", ":")) for x in measured(map(json.loads, file))]
    with TARGET.open("wb") as raw, gzip.GzipFile("", "wb", 9, raw, mtime=0) as packed:
        packed.write(("\n".join(records) + "\n").encode())
