"""Measure variants of every family on the real transformers models: flags flipped, ties, head sizes, patterns.

    python tests/truth/measure_transformers.py [MEASURED.jsonl.gz] > /dev/null

Run by hand, in an environment with `pip install torch==2.13.0 transformers==5.23.0`. The input is that of condense.py:
the small variant of each type there is flipped one key at a time. Without an input, in an environment with
`transformers==5.24.0`, the types of LATER are measured alone and the others stay. Models are built on the meta device:
no weights, no data. The output is tests/truth/transformers_variants.jsonl.gz.
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
SMALL = {
    "vocab_size": 131,
    "hidden_size": 96,
    "intermediate_size": 112,
    "num_hidden_layers": 3,
    "num_attention_heads": 6,
    "pad_token_id": 0,
    "bos_token_id": 1,
    "eos_token_id": 2,
}
EXPERTS = {
    "moe_intermediate_size": 40,
    "n_routed_experts": 8,
    "num_experts_per_tok": 3,
    "n_shared_experts": 2,
    "n_group": 1,
    "topk_group": 1,
}
LATENT = {"kv_lora_rank": 28, "qk_nope_head_dim": 12, "qk_rope_head_dim": 8, "v_head_dim": 10}
# Types of transformers 5.24.0 -> a small variant of each.
LATER = {
    "apertus1p5_text": {**SMALL, "num_key_value_heads": 2},
    "exaone": {**SMALL, "num_key_value_heads": 2},
    "sarvam_mla": {**SMALL, **EXPERTS, **LATENT},
    "sarvam_moe": {**SMALL, **EXPERTS, "num_key_value_heads": 2, "head_dim": 16},
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
    if "q_lora_rank" in config and config["q_lora_rank"] is None:
        yield {"q_lora_rank": 20}
    if "output_vocab_size" in config:
        yield {"output_vocab_size": config["vocab_size"] - 30}


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


def small_models(lines):
    """(type, overrides, config) of the small variants that the input measured."""
    for line in lines:
        if line["workload"]["kind"] == "params" and (line["kind"], line["variant"]) == ("causal", "v1"):
            yield line["model_type"], line["overrides"], line["config"]


def later_models():
    """The same of the types of LATER."""
    return ((kind, given, AutoConfig.for_model(kind, **given).to_dict()) for kind, given in LATER.items())


def measured(models):
    """All variants of all types that build."""
    for kind, given, config in models:
        for flip in variants(given, config):
            try:
                found = measure(kind, {**given, **flip})
            except Exception as error:
                print(f"{kind} {flip}: is not built: {error!r:.80}", file=sys.stderr)
                continue
            yield {"model_type": kind, "flip": flip, **found}


def measured_before():
    """The lines of the output that are there, of types other than those of LATER."""
    with gzip.open(TARGET, "rt") as file:
        return [x for x in file.read().splitlines() if json.loads(x)["model_type"] not in LATER]


if __name__ == "__main__":
    warnings.filterwarnings("ignore")
    transformers.logging.set_verbosity_error()
    masking_utils.find_packed_sequence_indices = lambda *args, **kwargs: None  # looks at values, which meta has none of
    records, models = measured_before(), later_models()
    if sys.argv[1:]:
        with gzip.open(sys.argv[1], "rt") as file:
            records, models = [], small_models([json.loads(line) for line in file])
    records += [json.dumps(x, separators=(",", ":")) for x in measured(models)]
    with TARGET.open("wb") as raw, gzip.GzipFile("", "wb", 9, raw, mtime=0) as packed:
        packed.write(("\n".join(records) + "\n").encode())
