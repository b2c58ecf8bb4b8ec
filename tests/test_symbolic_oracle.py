"""FLOP of real models as expressions: PyTorch runs their code on tensors of symbolic shape, and counts.

Optional: `pip install torch==2.13.0 transformers==5.23.0`. A fake tensor has a shape and no data, and the shape here is
of symbols: batch size, new tokens and cached ones. A model that looked at a size would leave a guard on it, so that
a count without guards holds for all sizes from two on, those where PyTorch does not special-case a dimension of one.
"""

import logging
from collections.abc import Iterator
from typing import Any

import pytest
from sympy import Expr, expand

import symroof
from symroof.symbols import symbol

torch = pytest.importorskip("torch", reason="the symbolic oracle needs torch")
transformers = pytest.importorskip("transformers", reason="the symbolic oracle needs transformers")
if not (torch.__version__.startswith("2.13.") and transformers.__version__.startswith("5.23.")):
    pytest.skip("the symbolic oracle is of torch 2.13 and transformers 5.23", allow_module_level=True)

from torch._subclasses.fake_tensor import FakeTensorMode  # noqa: E402
from torch.fx.experimental.symbolic_shapes import DimDynamic, ShapeEnv, StatelessSymbolicContext  # noqa: E402
from torch.utils.flop_counter import FlopCounterMode  # noqa: E402

TINY = {
    "hidden_size": 64,
    "intermediate_size": 96,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "vocab_size": 131,
    "pad_token_id": 0,
    "bos_token_id": 1,
    "eos_token_id": 2,
}
HEAD = {"head_dim": 24}
MOE = {"num_experts": 8, "num_experts_per_tok": 3, "moe_intermediate_size": 40}
WINDOW = {"sliding_window": 7}
LATENT = {
    "num_key_value_heads": 4,
    "q_lora_rank": 20,
    "kv_lora_rank": 28,
    "qk_nope_head_dim": 12,
    "qk_rope_head_dim": 8,
    "v_head_dim": 10,
    "first_k_dense_replace": 1,
    "n_routed_experts": 8,
    "n_group": 2,
    "topk_group": 1,
    "num_experts_per_tok": 2,
    "moe_intermediate_size": 40,
    "n_shared_experts": 2,
}
# model type -> what sets its sizes apart from TINY
WITH_CACHE: dict[str, dict[str, Any]] = {
    "deepseek_v3": LATENT,
    "gemma": HEAD,
    "gpt2": {"n_embd": 64, "n_layer": 2, "n_head": 4, "n_inner": 112},
    "llama": {},
    "qwen3_moe": {**HEAD, **MOE},
}
PREFILL: dict[str, dict[str, Any]] = {
    "apertus": {},
    "gemma2": {**HEAD, **WINDOW},
    "gemma3_text": {**HEAD, **WINDOW},
    "glm4": HEAD,
    "gpt_oss": {**HEAD, **WINDOW, "num_local_experts": 8, "num_experts_per_tok": 3},
    "granite": {},
    "mistral": WINDOW,
    "mixtral": {"num_local_experts": 8, "num_experts_per_tok": 3},
    "olmo2": {},
    "phi3": {},
    "qwen2": {},
    "qwen3": HEAD,
}


def free_size(mode: Any, hint: int) -> Any:
    """A size that stays a symbol; nothing may depend on the hint."""
    shape = StatelessSymbolicContext(dynamic_sizes=[DimDynamic.DYNAMIC])
    return mode.from_tensor(torch.zeros(hint), symbolic_context=shape).shape[0]


def counted(config: Any, cached: bool) -> Expr:
    """FLOP of a forward call of the real model on B queries of n new tokens, after c cached ones if so told."""
    shapes = ShapeEnv()
    mode = FakeTensorMode(shape_env=shapes, allow_non_fake_inputs=True)
    mode.cache_enabled = False  # its keys are shapes: to compare symbols takes longer than to run
    sizes = {name: free_size(mode, hint) for name, hint in (("B", 5), ("n", 37), ("c", 53))}
    with mode, torch.no_grad():
        model = transformers.AutoModelForCausalLM.from_config(
            config, attn_implementation="eager", experts_implementation="batched_mm"
        ).eval()
        new, old = (torch.zeros(sizes["B"], sizes[name], dtype=torch.long) for name in ("n", "c"))
        past = model(input_ids=old, use_cache=True).past_key_values if cached else None
        with FlopCounterMode(display=False) as counter:
            model(input_ids=new, past_key_values=past, use_cache=cached)
    assert not shapes.guards
    return counter.get_total_flops().node.expr.subs({x.node.expr: symbol(name) for name, x in sizes.items()})


def derived(config: Any) -> Expr:
    """symroof's formula from the same config."""
    model = symroof.load(config.to_dict())
    return model.formula("matmul_flops", rules="transformers", uniform=True, bind=True)


@pytest.fixture(autouse=True)
def without_values(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """What looks at values, which there are none of, and torch's trace of each symbol, which takes most of the time."""
    monkeypatch.setattr(transformers.masking_utils, "find_packed_sequence_indices", lambda *args, **kwargs: None)
    logging.disable()
    yield
    logging.disable(logging.NOTSET)


@pytest.mark.parametrize("kind", PREFILL)
def test_prefill(kind: str) -> None:
    config = transformers.AutoConfig.for_model(kind, **{**TINY, **PREFILL[kind]})
    found = counted(config, False)
    assert found.free_symbols == {symbol("B"), symbol("n")}
    assert expand(derived(config).subs(symbol("c"), 0) - found) == 0


@pytest.mark.parametrize("kind", WITH_CACHE)
def test_after_cached_tokens(kind: str) -> None:
    config = transformers.AutoConfig.for_model(kind, **{**TINY, **WITH_CACHE[kind]})
    found = counted(config, True)
    assert found.free_symbols == {symbol("B"), symbol("n"), symbol("c")}
    assert expand(derived(config) - found) == 0
