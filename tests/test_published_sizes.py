"""Parameters, caches and checkpoints as papers, cards and configs print them, each to the printed digits."""

from decimal import Decimal
from functools import cache

import pytest

import symroof
from symroof.config.catalogue import model_catalogue

KIB, GIB = 2**10, 2**30


def decoder(model_type, layers, d, f, heads, kv, vocab, **keys):
    """A decoder from a table's numbers."""
    sizes = {"hidden_size": d, "intermediate_size": f, "num_hidden_layers": layers, "vocab_size": vocab}
    return {"model_type": model_type, **sizes, "num_attention_heads": heads, "num_key_value_heads": kv, **keys}


def changed(name, **keys):
    """A built-in config with other keys."""
    return {**model_catalogue()[name]["config"], **keys}


TIED = {"tie_word_embeddings": True}
WIDE_HEADS = {"head_dim": 128}

# A published model: a name of the catalogue, or a config.
MODELS = {name: name for name in model_catalogue()} | {
    "olmo-2-1b": decoder("olmo2", 16, 2048, 8192, 16, 16, 100352, tie_word_embeddings=False),
    "kimi-k2, one layer more": changed("kimi-k2", num_hidden_layers=62),
    "nemotron-h-8b": changed(
        "nemotron-h-56b",
        hidden_size=4096,
        intermediate_size=21504,
        num_attention_heads=32,
        mamba_num_heads=128,
        ssm_state_size=128,
        num_hidden_layers=52,
        hybrid_override_pattern="M-" * 24 + "*" * 4,
    ),
    # PaLM, arXiv:2204.02311: d_ff = 4 d, gated, one key-value head, a shared table of 256k
    "palm-540b": decoder("llama", 118, 18432, 4 * 18432, 48, 1, 256_000, head_dim=256, **TIED),
    # Pope et al.: the same with multi-head attention, heads of 128
    "palm-540b, multi-head": decoder("llama", 118, 18432, 4 * 18432, 48, 48, 256_000, **WIDE_HEADS, **TIED),
    # scaling book, transformer math and inference
    "book, worked": decoder("llama", 64, 4096, 16384, 32, 8, 32128, head_dim=256, **TIED),
    "book, D = 4096": decoder("llama", 64, 4096, 16384, 32, 32, 32000),
    "book, K H = 8192": decoder("llama", 64, 8192, 32768, 64, 64, 32768),
}


@cache
def load(name, mtp=False):
    return symroof.load(MODELS[name], mtp)


def total(name):
    return load(name).parameters.total


def by_role(name, *roles):
    return sum(load(name).parameters.by_role.get(x, 0) for x in roles)


def tables(name):
    """Rows of tokens on both ends; a shared table once."""
    return by_role(name, "embedding", "head")


def active(name):
    """With the head, without the input table."""
    return load(name).parameters.active


def prints(number, text, unit=1):
    """Whether the number, in a unit, rounds to the text."""
    return abs(Decimal(int(number)) / unit - Decimal(text)) <= Decimal(5).scaleb(Decimal(text).as_tuple().exponent - 1)


def test_printing():
    assert prints(116_829_156_672, "116.83", 10**9)
    assert not prints(116_829_156_672, "116.82", 10**9)
    assert not prints(116_829_156_672, "116", 10**9)


# To the last parameter.

TOTALS = {
    "gpt2": 124_439_808,  # with biases; nanoGPT, transformer_sizing.ipynb
    "mistral-7b-v0.1": 7_241_732_096,
    "mixtral-8x7b": 46_702_792_704,  # arXiv:2401.04088: 46.7B
    "deepseek-v2": 235_741_434_880,  # arXiv:2405.04434: 236B
    "qwen2.5-7b": 7_615_616_512,
    "phi-3-mini": 3_821_079_552,  # arXiv:2404.14219: 3.8B
    "nemotron-h-8b": 8_100_852_736,  # arXiv:2504.03624: 8.10B
    # Qwen3, arXiv:2505.09388, tables 1 and 2
    "qwen3-0.6b": 596_049_920,
    "qwen3-1.7b": 1_720_574_976,
    "qwen3-4b": 4_022_468_096,
    "qwen3-8b": 8_190_735_360,
    "qwen3-14b": 14_768_307_200,
    "qwen3-32b": 32_762_123_264,
    "qwen3-30b-a3b": 30_532_122_624,
    "qwen3-235b-a22b": 235_093_634_560,
    # OLMo: allenai/OLMo configs/official-*; OLMo 2, arXiv:2501.00656
    "olmo-1b": 1_176_764_416,
    "olmo-7b": 6_888_095_744,
    "olmo-2-1b": 1_484_916_736,
    "olmo-2-7b": 7_298_617_344,
    "olmo-2-13b": 13_716_198_400,
    "olmo-2-32b": 32_234_279_936,
}


@pytest.mark.parametrize("name", TOTALS)
def test_parameters_to_the_last(name):
    assert total(name) == TOTALS[name]


# Pythia, arXiv:2304.01373, table 1: non-embedding, all
PYTHIA = {
    "pythia-70m": (18_915_328, 70_426_624),
    "pythia-160m": (85_056_000, 162_322_944),
    "pythia-410m": (302_311_424, 405_334_016),
    "pythia-1b": (805_736_448, 1_011_781_632),
    "pythia-1.4b": (1_208_602_624, 1_414_647_808),
    "pythia-2.8b": (2_517_652_480, 2_775_208_960),
    "pythia-6.9b": (6_444_163_072, 6_857_302_016),
    "pythia-12b": (11_327_027_200, 11_846_072_320),
}
# Gemma 1, arXiv:2403.08295, table 2; Gemma 2, arXiv:2408.00118, table 2: embedding (of 256,128 rows), non-embedding
GEMMA = {
    "gemma-2b": (524_550_144, 1_981_884_416),
    "gemma-7b": (786_825_216, 7_751_248_896),
    "gemma-2-2b": (590_118_912, 2_024_517_888),
    "gemma-2-9b": (917_962_752, 8_324_201_984),
    "gemma-2-27b": (1_180_237_824, 26_047_480_320),
}
# Gemma 3, arXiv:2503.19786, table 1: non-embedding, millions; and what its sizes come to, with four norms a layer and
# norms of queries and keys
GEMMA_3 = {
    "gemma-3-1b": ("698", "697.896"),
    "gemma-3-4b": ("3209", "3209.011"),
    "gemma-3-12b": ("10759", "10759.155"),
    "gemma-3-27b": ("25600", "25599.716"),
}


@pytest.mark.parametrize("name", PYTHIA)
def test_pythia_table_1(name):
    assert (total(name) - tables(name), total(name)) == PYTHIA[name]


@pytest.mark.parametrize("name", GEMMA)
def test_gemma_table_2(name):
    roles = load(name).with_sizes(V=256_128).parameters.by_role
    assert (roles["embedding"], sum(roles.values()) - roles["embedding"]) == GEMMA[name]


@pytest.mark.parametrize("name", GEMMA_3)
def test_gemma_3_table_1(name):
    assert all(prints(total(name) - tables(name), printed, 10**6) for printed in GEMMA_3[name])


def test_gemma_3_embedding():
    assert prints(tables("gemma-3-1b"), "302", 10**6)  # the table's others are not 262,144 rows


# To the printed digits, in billions.


@pytest.mark.parametrize(
    ("name", "mlp", "attention", "vocabulary", "of_a_token", "all_of_it", "gibibytes"),
    # gpt-oss model card, arXiv:2508.10925, table 1
    [
        ("gpt-oss-120b", "114.71", "0.96", "1.16", "5.13", "116.83", "60.8"),
        ("gpt-oss-20b", "19.12", "0.64", "1.16", "3.61", "20.91", "12.8"),
    ],
)
def test_gpt_oss_table_1(name, mlp, attention, vocabulary, of_a_token, all_of_it, gibibytes):
    cells = {
        mlp: by_role(name, "router", "routed_experts"),
        attention: by_role(name, "attention"),
        vocabulary: tables(name),
        of_a_token: active(name),
        all_of_it: total(name),
    }
    assert all(prints(n, text, 10**9) for text, n in cells.items())
    storage = load(name).report().storage
    assert prints(storage.total - storage.cache, gibibytes, GIB)


@pytest.mark.parametrize(
    ("name", "printed"),
    [
        ("deepseek-v2", "236"),  # arXiv:2405.04434
        ("deepseek-v3", "671"),  # arXiv:2412.19437
        ("mixtral-8x22b", "140.63"),  # Mixtral 8x22B: 141B
        ("kimi-k2", "1026.4"),  # config of the checkpoint
        ("kimi-k2, one layer more", "1043.5"),  # arXiv:2507.20534, table 2: 1043B, which takes a layer more
        ("qwen3-next-80b-a3b", "80"),  # model card
        ("nemotron-h-56b", "56.32"),  # arXiv:2504.03624
        ("book, worked", "18.4"),  # scaling book, inference
        # Jamba-1.5, arXiv:2408.12570, table 1
        ("mistral-7b-v0.1", "7.2"),
        ("mixtral-8x7b", "46.7"),
        ("mixtral-8x22b", "141"),
        ("mistral-large-2411", "123"),
        ("jamba-1.5-mini", "52"),
        ("glm-5", "744"),  # model card
    ],
)
def test_parameters_as_printed(name, printed):
    assert prints(total(name), printed, 10**9)


@pytest.mark.parametrize(
    ("name", "printed", "with_table"),
    [
        ("mixtral-8x7b", "12.9", True),  # arXiv:2401.04088
        ("mixtral-8x22b", "39.16", True),
        ("deepseek-v2", "21.38", True),  # arXiv:2405.04434: 21B
        ("deepseek-v3", "37.55", True),  # arXiv:2412.19437: 37B
        ("deepseek-v3", "36.63", False),
        ("deepseek-v3", "37", False),
        ("qwen3-30b-a3b", "3.353", True),  # arXiv:2505.09388
        ("qwen3-235b-a22b", "22.19", True),
        ("kimi-k2", "32.86", True),
        ("kimi-k2", "31.69", False),
        ("jamba-1.5-mini", "12", True),  # arXiv:2408.12570, table 1
        ("jamba-1.5-large", "94", True),
    ],
)
def test_parameters_of_a_token(name, printed, with_table):
    table = by_role(name, "embedding") if with_table else 0
    assert prints(active(name) + table, printed, 10**9)


def test_jamba_1_5_large():
    assert total("jamba-1.5-large") // 10**9 == 398  # arXiv:2408.12570, table 1, digits cut off


def test_gpt_2_without_biases():
    # nanoGPT, transformer_sizing.ipynb: 124,337,664; this family has neither biases nor a table of positions
    sizes = {"d_model": 768, "n_layers": 12, "n_heads": 12, "vocab_size": 50257, "max_seq_len": 1024}
    bare = symroof.load({"model_type": "mpt", **sizes, "attn_config": {"alibi": True}})
    assert bare.parameters.total + by_role("gpt2", "position_embedding") == 124_337_664


def test_mixtral_of_a_token():
    assert active("mixtral-8x7b") + by_role("mixtral-8x7b", "embedding") == 12_879_925_248


# GPT-3, arXiv:2005.14165, tables 2.1 and D.1: layers, width, heads; 13B is 5120 wide, as its count tells
GPT_3 = {
    "125M": (12, 768, 12),
    "356M": (24, 1024, 16),
    "760M": (24, 1536, 16),
    "1.32B": (24, 2048, 16),  # 24 heads of 128 are no 2048; heads change no count
    "2.65B": (32, 2560, 32),
    "6.66B": (32, 4096, 32),
    "12.85B": (40, 5120, 40),
    "174.6B": (96, 12288, 96),
}


@pytest.mark.parametrize("printed", GPT_3)
def test_gpt_3_table_d_1(printed):
    layers, d, heads = GPT_3[printed]
    sizes = {"n_embd": d, "n_layer": layers, "n_head": heads, "vocab_size": 50257, "n_positions": 2048}
    found = symroof.load({"model_type": "gpt2", **sizes}).parameters.total
    assert prints(found, printed[:-1], {"M": 10**6, "B": 10**9}[printed[-1]])


def test_llama_2_13b_by_the_scaling_book():
    # training: 8.5e9 + 4.2e9 + 0.33e9 = 13e9 parameters
    parts = {"8.5": ("ffn",), "4.2": ("attention",), "0.33": ("embedding", "head")}
    assert all(prints(by_role("llama-2-13b", *roles), text, 10**9) for text, roles in parts.items())
    assert prints(total("llama-2-13b"), "13", 10**9)


def test_a_quarter_is_attention_by_the_scaling_book():
    # transformer math: "16B", which is rounded; its numbers come to 17.44e9
    name = "book, D = 4096"
    assert prints(total(name), "17.44", 10**9)
    assert 3 * by_role(name, "attention") == by_role(name, "ffn")


def test_matrices_of_palm():
    assert prints(total("palm-540b") - by_role("palm-540b", "norm"), "540.35", 10**9)  # arXiv:2204.02311, appendix B


@pytest.mark.parametrize(
    ("name", "printed", "of_a_token", "layers", "one_more", "without_head"),
    # GLM-4.5, arXiv:2508.06471, table 1, without tables; arithmetic on its sizes: all layers, one more that predicts
    # a token further but not what joins that to the stream, the layers that a token meets
    [("glm-4.5", "355", "32", "351.25", "355.18", "32.08"), ("glm-4.5-air", "106", "12", "105.61", "107.95", "12.18")],
)
def test_glm_4_5_table_1(name, printed, of_a_token, layers, one_more, without_head):
    further = load(name, mtp=True).parameters
    longer = further.total - further.by_role["mtp"] - tables(name)
    plain = total(name) - tables(name)
    token = active(name) - by_role(name, "head")
    assert prints(plain, layers, 10**9)
    assert prints(longer, one_more, 10**9)
    assert prints(token, without_head, 10**9)
    assert prints(token, of_a_token, 10**9)
    assert prints(plain if name == "glm-4.5-air" else longer, printed, 10**9)  # the larger counts the layer, Air not


def test_qwen3_next_besides_tables():
    name = "qwen3-next-80b-a3b"  # model card
    assert prints(total(name) - tables(name), "79", 10**9)
    assert prints(active(name) - by_role(name, "head"), "3", 10**9)


def test_latent_attention_of_deepseek_v3():
    # arXiv:2412.19437: a layer, with the norms of its two latent vectors; and the total
    assert by_role("deepseek-v3", "attention", "inner_norm") == 61 * 187_107_328
    assert total("deepseek-v3") == 671_026_419_200


# Caches.


def cache_of_a_token(name, width="bf16"):
    return load(name).cache_per_token(dtype="bf16", cache=width)


def test_deepseek_table_1():
    # arXiv:2505.09343: bytes a token, and Qwen-2.5's as a multiple of DeepSeek-V3's
    sizes = {"deepseek-v3": 70_272, "qwen2-72b": 327_680, "llama-3.1-405b": 516_096}
    assert {name: cache_of_a_token(name) for name in sizes} == sizes
    assert prints(sizes["qwen2-72b"], "4.66", sizes["deepseek-v3"])


@pytest.mark.parametrize(
    ("name", "size"),
    # Jamba-1.5, arXiv:2408.12570, table 1: GiB at 256K, 16 bit
    [
        ("mistral-7b", 32),
        ("mixtral-8x7b", 32),
        ("llama-3.1-8b", 32),
        ("mixtral-8x22b", 56),
        ("mistral-large-2411", 88),
        ("llama-3.1-70b", 80),
        ("jamba-1.5-mini", 4),
        ("jamba-1.5-large", 9),
    ],
)
def test_jamba_table_1(name, size):
    assert 256 * KIB * cache_of_a_token(name) == size * GIB


def test_caches_of_the_scaling_book():
    assert cache_of_a_token("book, D = 4096", "int8") == 512 * KIB  # transformer math
    assert 8192 * cache_of_a_token("book, K H = 8192", "int8") == 8 * GIB


def test_cache_of_palm():
    # Pope et al., arXiv:2211.05102: 3 TB of 512 queries of 2048 tokens with multi-head attention
    assert prints(512 * 2048 * cache_of_a_token("palm-540b, multi-head"), "3", 10**12)


def test_state_of_mamba_2():
    # glennklockwood.com/garden/Mamba: 128 heads x 64 x 128 elements a layer
    kept = {width: load("mamba-codestral-7b").report(dtype="bf16", states=width) for width in ("bf16", "fp32")}
    assert kept["bf16"]["mamba/scan"].cost.cache_held == 2 * 2**20
    assert kept["fp32"]["mamba/scan"].cost.cache_held == 4 * 1_048_576
    # (8192 + 2*8*128) x 4 elements for the convolution: a buffer of its 4 inputs, of which the newest needs 3 before it
    assert 4 * kept["bf16"]["mamba/conv"].cost.cache_held == 3 * 2 * (8192 + 2 * 8 * 128) * 4


def test_parameters_of_mamba_2():
    # state-spaces/mamba, mamba_ssm/modules/mamba2.py: in, conv with bias, A, D and dt, gated norm, out; a norm before
    d, d_i, G, N, n_h, k = 4096, 8192, 8, 128, 128, 4
    layer = d * (2 * d_i + 2 * G * N + n_h) + (d_i + 2 * G * N) * (k + 1) + 3 * n_h + d_i + d_i * d + d
    rows = load("mamba-codestral-7b").report(dtype="bf16").rows
    assert sum(row.cost.weight_held for row in rows if row.block == "mamba") == 2 * layer
