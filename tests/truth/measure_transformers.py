"""Measure variants of llama and llama4 on the real transformers models and print them as lines of truth.

Run by hand, in an environment with `pip install torch==2.13.0 transformers==5.23.0`; its output is
tests/truth/transformers_variants.json. Models are built on the meta device: no weights, no data.
"""

import json

import torch
from torch.utils.flop_counter import FlopCounterMode
from transformers import AutoConfig, AutoModelForCausalLM, DynamicCache

SMALL = {
    "hidden_size": 96, "num_attention_heads": 6, "num_key_value_heads": 3, "head_dim": 20, "intermediate_size": 136,
    "num_hidden_layers": 5, "vocab_size": 211, "max_position_embeddings": 512, "pad_token_id": None,
}  # fmt: skip
SCOUT = {**SMALL, "intermediate_size_mlp": 152, "num_local_experts": 7, "attention_chunk_size": 16}
VARIANTS = [
    ("llama", {**SMALL, "attention_bias": True, "mlp_bias": True}),
    ("llama", {**SMALL, "tie_word_embeddings": True, "num_key_value_heads": 1}),
    ("llama", {**SMALL, "attention_bias": True, "tie_word_embeddings": True, "num_key_value_heads": 6}),
    ("llama4_text", {**SCOUT, "num_experts_per_tok": 3, "interleave_moe_layer_step": 2}),
    ("llama4_text", {**SCOUT, "moe_layers": [0, 3], "no_rope_layers": [1, 0, 1, 1, 0]}),
    ("llama4_text", {**SCOUT, "moe_layers": [], "tie_word_embeddings": True, "use_qk_norm": False}),
    ("llama4_text", {**SCOUT, "attention_bias": True, "no_rope_layer_interval": 3, "interleave_moe_layer_step": 3}),
]
KEYS = ["model_type", "hidden_act", "layer_types", *SCOUT, "attention_bias", "mlp_bias", "tie_word_embeddings",
        "num_experts_per_tok", "interleave_moe_layer_step", "moe_layers", "no_rope_layers", "no_rope_layer_interval",
        "use_qk_norm", "attn_temperature_tuning"]  # fmt: skip


def step(model, batch, new, cached, logits):
    """FLOP of one forward call on a cache of `cached` tokens, and the cache's bytes before it."""
    cache = DynamicCache(config=model.config)
    if cached:
        model(input_ids=torch.zeros(batch, cached, dtype=torch.long, device="meta"), past_key_values=cache)
    held = sum(t.numel() * t.element_size() for layer in cache.layers for t in (layer.keys, layer.values) if cached)
    with FlopCounterMode(display=False) as counter:
        ids = torch.zeros(batch, new, dtype=torch.long, device="meta")
        model(input_ids=ids, past_key_values=cache, logits_to_keep=1 if logits == "last" else 0)
    return {"batch": batch, "new": new, "cached": cached, "logits": logits,
            "flops": counter.get_total_flops(), "cache_bytes": held}  # fmt: skip


def measure(kind, overrides):
    """Parameters and steps of one variant."""
    config = AutoConfig.for_model(kind, **overrides)
    with torch.device("meta"):
        model = AutoModelForCausalLM.from_config(config, dtype=torch.bfloat16, attn_implementation="eager").eval()
    kept = {key: value for key, value in config.to_dict().items() if key in KEYS}
    parameters = sum(p.numel() for p in set(model.parameters()))
    steps = [(2, 37, 0, "all"), (1, 50, 0, "last"), (3, 1, 40, "all"), (2, 1, 9, "all"), (2, 11, 40, "last")]
    return {"config": kept, "parameters": parameters, "steps": [step(model, *x) for x in steps]}


if __name__ == "__main__":
    with torch.no_grad():
        lines = [json.dumps(measure(*variant), separators=(",", ":")) for variant in VARIANTS]
    source = "measured by measure_transformers.py on transformers 5.23.0 with torch 2.13.0 (meta device, bf16)"
    joined = ",\n  ".join(lines)
    print(f'{{\n "source": "{source}",\n "models": [\n  {joined}\n ]\n}}')
