"""Published figures and formulas, each with its source."""

import pytest
from sympy import Rational, simplify

import symroof
from symroof import symbols as s

KIB, GIB = 2**10, 2**30


@pytest.mark.parametrize(
    ("name", "parameters"),
    [
        # totals of the released checkpoints (safetensors index), and their config arithmetic
        ("llama-2-7b", 6_738_415_616),
        ("llama-2-13b", 13_015_864_320),
        ("llama-2-70b", 68_976_648_192),
        ("llama-3-8b", 8_030_261_248),
        ("llama-3-70b", 70_553_706_496),
        ("llama-3.1-8b", 8_030_261_248),
        ("llama-3.1-70b", 70_553_706_496),
        ("llama-3.1-405b", 405_853_388_800),
        ("llama-3.2-1b", 1_235_814_400),
        ("llama-3.2-3b", 3_212_749_824),
        ("llama-3.3-70b", 70_553_706_496),
        # text model of the checkpoint, as transformers 5.23.0 builds it
        ("llama-4-scout", 107_769_861_120),
        ("llama-4-maverick", 400_711_848_960),
    ],
)
def test_parameter_counts_of_checkpoints(name, parameters):
    assert symroof.load(name).parameters.total == parameters


def llama(layers, d, f, heads, kv, vocab, **keys):
    """A llama config from a table's numbers."""
    sizes = {"hidden_size": d, "intermediate_size": f, "num_hidden_layers": layers, "vocab_size": vocab}
    grouped = {"num_attention_heads": heads, "num_key_value_heads": kv}
    return symroof.load({"model_type": "llama", **sizes, **grouped, **keys})


@pytest.mark.parametrize(
    ("config", "parameters"),
    [
        # published totals of other checkpoints of this model_type (hub safetensors totals)
        ((60, 7168, 20480, 56, 8, 64000), 34_388_917_248),  # 01-ai/Yi-34B
        ((32, 4096, 11008, 32, 4, 64000), 6_061_035_520),  # 01-ai/Yi-6B-Chat
        ((32, 4096, 11008, 32, 32, 32016), 6_738_546_688),  # codellama/CodeLlama-7b-hf
    ],
)
def test_parameter_counts_of_other_llamas(config, parameters):
    assert llama(*config).parameters.total == parameters


def test_tied_checkpoints():
    # HuggingFaceTB/SmolLM-135M-Instruct and SmolLM-1.7B-Instruct, hub safetensors totals
    tied = {"tie_word_embeddings": True}
    assert llama(30, 576, 1536, 9, 3, 49152, **tied).parameters.total == 134_515_008
    assert llama(24, 2048, 8192, 32, 32, 49152, **tied).parameters.total == 1_711_376_384


def test_active_parameters_of_llama_4():
    # Llama 4 model card: 17B active; the published arithmetic (17.17e9, 17.18e9) counts the input table too
    for name, active in ("llama-4-scout", 17.17), ("llama-4-maverick", 17.18):
        found = symroof.load(name).parameters
        assert round((found.active + found.by_role["embedding"]) / 1e9, 2) == active


def kv_bytes(name, tokens, cache):
    return symroof.load(name).report(tokens, dtype="bf16", cache=cache).storage.cache


@pytest.mark.parametrize(
    ("name", "tokens", "cache", "size"),
    [
        ("llama-3.1-405b", 1, "bf16", 516_096),  # DeepSeek, arXiv:2505.09343, table 1
        ("llama-3.1-70b", 1, "int8", 160 * KIB),  # scaling book, applied inference
        ("llama-2-13b", 8192, "bf16", 6_710_886_400),  # scaling book, inference: 6.7 GB
        ("llama-3.1-8b", 256 * KIB, "bf16", 32 * GIB),  # Jamba-1.5, arXiv:2408.12570, table 1
        ("llama-3.1-70b", 256 * KIB, "bf16", 80 * GIB),  # the same
    ],
)
def test_published_kv_cache_sizes(name, tokens, cache, size):
    assert kv_bytes(name, tokens, cache) == size


def test_scaling_book_roles_of_llama_3_70b():
    # scaling book, applied training: FFW 56.3e9, attention 12e9, vocabulary 2.1e9, printed to two or three digits
    roles = symroof.load("llama-3.1-70b").parameters.by_role
    assert roles["ffn"] == pytest.approx(56.3e9, rel=0.005)
    assert roles["attention"] == pytest.approx(12e9, rel=0.01)
    assert roles["embedding"] + roles["head"] == pytest.approx(2.1e9, rel=0.005)


# Formulas of papers. Training is three times forward; logits on all positions, full squares, no cache.

PAPERS = {"rules": "full-square,logits-all", "uniform": True}
MULTI_HEAD = {s.H_kv: s.H_q, s.c: 0}


def forward(op=""):
    expr = symroof.load("llama-2-7b").formula("matmul_flops", op, **PAPERS)
    return expr.subs(MULTI_HEAD)


def same(left, right):
    return simplify(left - right) == 0


def test_scaling_book_training_flops_per_layer():
    # scaling book, transformer math: MLP 18 B T D F, attention 24 B T D N H + 12 B T^2 N H, vocabulary 12 B T D V,
    # which counts the input table as a matmul too: half of it is the head
    tokens = s.B * s.n
    assert same(3 * forward("mlp"), 18 * tokens * s.d * s.f)
    attention = 24 * tokens * s.d * s.H_q * s.h + 12 * tokens * s.n * s.H_q * s.h
    assert same(3 * forward("attention"), attention)
    assert same(3 * forward("head"), 12 * tokens * s.d * s.V / 2)


def test_scaling_book_parameters_per_layer():
    # scaling book, transformer math: MLP 3 D F, attention 4 D N H, vocabulary 2 D V; norms left out
    model = symroof.load("llama-2-7b")
    norms = model.formula("parameters", "mlp/norm")
    assert same(model.formula("parameters", "mlp") - norms, 3 * s.d * s.f)
    assert same((model.formula("parameters", "attention") - norms).subs(s.H_kv, s.H_q), 4 * s.d * s.H_q * s.h)
    vocabulary = model.formula("parameters", "head/logits") + model.formula("parameters", "embedding")
    assert same(vocabulary, 2 * s.d * s.V)


def test_palm_flops_per_token():
    # PaLM, arXiv:2204.02311, appendix B: 6 N + 12 L H Q T a token, N without the input table and norms
    model = symroof.load("llama-2-7b")
    weights = sum(
        model.formula("parameters", x) * n
        for x, n in [
            ("attention/qkv", s.L),
            ("attention/out", s.L),
            ("mlp/gate_up", s.L),
            ("mlp/down", s.L),
            ("head/logits", 1),
        ]
    )
    palm = 6 * weights.subs(MULTI_HEAD) + 12 * s.L * s.H_q * s.h * s.n
    assert same(3 * forward() / (s.B * s.n), palm)


GPT = {s.f: Rational(8, 3) * s.d, s.h: s.d / s.H_q}  # a gated network of the size of two matrices d x 4d


def test_megatron_flops():
    # Megatron-LM, arXiv:2104.04473, eq. 3 without recomputation: 72 B s l h^2 (1 + s/6h + V/12lh)
    size = 72 * s.B * s.n * s.L * s.d**2
    assert same(3 * forward().subs(GPT), size * (1 + s.n / (6 * s.d) + s.V / (12 * s.L * s.d)))


def test_megatron_flops_with_recomputation():
    # the same, eq. 3: layers run forward twice, the head once: 96 B s l h^2 (1 + s/6h + V/16lh)
    head = forward("head").subs(GPT)
    recomputed = 4 * (forward().subs(GPT) - head) + 3 * head
    size = 96 * s.B * s.n * s.L * s.d**2
    assert same(recomputed, size * (1 + s.n / (6 * s.d) + s.V / (16 * s.L * s.d)))
