"""Sizes of released checkpoints, to the byte and to the element, and what else than the language model they hold."""

from fractions import Fraction
from functools import cache

import pytest

import symroof
from symroof.config.catalogue import model_catalogue
from symroof.quantization.precision import DETAILS, ROLES, precision
from symroof.symbols import WIDTHS

HALF_A_UNIT = 2**30 / 200  # sizes that are printed to 0.01 GiB


@cache
def load(name):
    return symroof.load(name)


def weights(model):
    """Bytes of all weights."""
    storage = model.report().storage
    return storage.total - storage.cache


def elements(model):
    """Weights by the format they are kept in."""
    held = sum(count * op.cost.weight_held for _, count, op in model.graph().rows()).xreplace(model.sizes).expand()
    named = {**ROLES, **DETAILS}
    kept = precision(model.config, model.architecture)
    formats = {x: form.name for role, form in kept.formats.items() for x in named[role]}
    found = {}
    for width in WIDTHS:
        found[formats.get(str(width))] = found.get(formats.get(str(width)), 0) + int(held.coeff(width))
    return found


def one_more(name):
    """What the model's last kind of layer holds: parameters, bytes."""
    config = model_catalogue()[name]["config"]
    more = symroof.load({**config, "num_hidden_layers": config["num_hidden_layers"] + 1})
    return more.parameters.total - load(name).parameters.total, weights(more) - weights(load(name))


def tower(depth, d, f, patch, positions, matrices=2, bias=True):
    """Parameters of an image encoder's layers, patches and positions."""
    layer = matrices * d * f + 4 * d * d + (9 * d + f if bias else 2 * d)
    return depth * layer + patch * d + (d if bias else 0) + positions * d


def qwen3_vision(d):
    merged = 4 * 1152
    return tower(27, 1152, 4304, 3 * 2 * 16 * 16, 2304) + 2 * 1152 + merged * merged + merged + merged * d + d


def qwen3_next_token(name):
    """Parameters of the layer that predicts a token further: attention, experts, norms, two embeddings made one."""
    rows = load(name).report(dtype="bf16").rows
    layer = sum(x.cost.weight_held for x in rows if x.block in ("full_attention", "moe")) / 2
    d = load(name).architecture.sizes["d"]
    return layer + 2 * d * d + 3 * d


def deepseek_next_token(name):
    """The same in bytes: a layer, two embeddings made one, tables of its own for them and for the logits."""
    d, vocabulary = (load(name).architecture.sizes[x] for x in ("d", "V"))
    return one_more(name)[1] + 2 * (2 * d * d + 3 * d + 2 * vocabulary * d)


def plain_next_token(name, tables):
    """A layer that predicts a token further, with its two embeddings made one, and tables of its own."""
    d, vocabulary = (load(name).architecture.sizes[x] for x in ("d", "V"))
    return one_more(name)[0] + 2 * d * d + 3 * d + tables * vocabulary * d


def further(name):
    """Parameters of the layers that predict tokens further."""
    return symroof.load(model_catalogue()[name]["config"], mtp=True).parameters.total - load(name).parameters.total


def unscaled(name):
    """Weights but for what is kept in fp32."""
    return sum(n for form, n in elements(load(name)).items() if form != "fp32")


WHISPER = 32 * (2 * 1280 * 5120 + 4 * 1280**2 + 5120 + 8 * 1280) + 2 * 1280
WHISPER += (128 * 3 + 1) * 1280 + (1280 * 3 + 1) * 1280 + 1500 * 1280 + (1280 + 1) * 4096
SIGLIP = tower(27, 1152, 4304, 3 * 14 * 14, 4096) + 2 * 1152 + 1152 * 2560 + 1152
SIGLIP_27B = SIGLIP + 1152 * (5376 - 2560)
PIXTRAL = tower(24, 1024, 4096, 3 * 14 * 14, 0, 3, bias=False) + 1024 + 4 * 1024**2 + 3072 + 1024 * 3072 + 3072**2
MOONVIT = 471_143_920  # vision tower and projector of transformers 5.23.0
GEMMA_4_VISION = 575_741_232  # the same of gemma-4-31b
GEMMA_4_VISION_26B = GEMMA_4_VISION - 1152 * (5376 - 2816)

# metadata.total_size of model.safetensors.index.json, and what of it is no weight of the language model
INDEX = {
    "gpt-oss-20b": (13_761_264_768, 0),
    "deepseek-v2-lite": (31_412_968_448, 0),
    "qwen2-7b": (15_231_233_024, 0),
    "gemma-2-2b": (5_228_683_776, 0),
    "phi-4-mini": (7_672_043_520, 0),
    "phi-3.5-mini": (7_642_159_104, 0),
    "qwen2.5-3b": (6_171_877_376, 0),
    "qwen3-4b": (8_044_936_192, 0),
    "qwen3-1.7b": (4_063_479_808, 2 * 151_936 * 2048),  # its one table is there twice
    "chatglm3-6b": (12_487_168_064, 2 * 32),  # frequencies of the rotary embedding
    "minimax-m1-80k": (912_210_767_872, 2 * 80 * 32 * 6144),  # routers are kept in fp32
    "qwen2-audio-7b": (16_794_189_824, 2 * WHISPER),
    # exo's model card: shapes of the packed matrices
    "kimi-k2.6": (595_148_192_736, 2 * MOONVIT + 60 * 384 * 3 * 8),
}


@pytest.mark.parametrize("name", INDEX)
def test_bytes_of_a_checkpoint(name):
    size, besides = INDEX[name]
    assert weights(load(name)) + besides == size


# Weight files on the hub by kaito's model_catalog.yaml, in GiB
FILES = {
    "phi-4": (27.31, 0),
    "phi-4-mini": (7.15, 0),
    "phi-3.5-mini": (7.12, 0),
    "phi-3-mini": (7.12, 0),
    "phi-3-mini-128k": (7.12, 0),
    "qwen2.5-coder-32b": (61.03, 0),
    "llama-3.1-8b": (14.96, 0),
    "deepseek-r1-distill-llama-8b": (14.96, 0),
    "llama-3.3-70b": (131.42, 0),
    "mistral-7b": (13.50, 0),
    "nemotron-3-nano-30b-a3b": (58.82, 0),
    "gemma-3-4b": (8.01, lambda: 2 * SIGLIP),
    "gemma-3-27b": (51.10, lambda: 2 * SIGLIP_27B),
    "gpt-oss-20b": (25.63, lambda: weights(load("gpt-oss-20b"))),  # there twice
    "gpt-oss-120b": (121.54, lambda: weights(load("gpt-oss-120b"))),
    "qwen3.5-122b-a10b": (232.99, lambda: 2 * (qwen3_vision(3072) + qwen3_next_token("qwen3.5-122b-a10b"))),
    "qwen3.6-35b-a3b": (66.97, lambda: 2 * (qwen3_vision(2048) + qwen3_next_token("qwen3.6-35b-a3b"))),
}


@pytest.mark.parametrize("name", FILES)
def test_rounded_sizes_of_weight_files(name):
    size, besides = FILES[name]
    assert abs(weights(load(name)) + (besides and besides()) - size * 2**30) < HALF_A_UNIT


def test_a_checkpoint_of_fp8_tensors():
    # 4.35 GiB; the config that the catalogue has was published without its quantization_config
    quant = {"quant_method": "fp8", "weight_block_size": None}
    kept = symroof.load({**model_catalogue()["ministral-3-3b"]["config"], "quantization_config": quant})
    assert abs(weights(kept) + 2 * PIXTRAL - 4.35 * 2**30) < HALF_A_UNIT


@pytest.mark.parametrize(("name", "size"), [("deepseek-r1", 641.30), ("deepseek-v3.2", 642.14)])
def test_files_of_many_tensors_have_long_headers(name, size):
    # two tensors for each of 3 matrices of 59 x 256 experts, described in 140 letters each
    headers = 140 * 59 * 256 * 3 * 2
    found = weights(load(name)) + deepseek_next_token(name) + headers
    assert float(found) == pytest.approx(size * 2**30, rel=2e-5)


BLOCKS = "fp8, scales of 128 x 128"
STORED = {"bf16": 1, "fp32": 1, "fp8": 1, BLOCKS: 1 + Fraction(1, 128 * 128)}
HALVES = {**STORED, "fp32": 0, "nvfp4": Fraction(1, 2)}  # what is kept in fp32, scales and corrections, is not counted
SCALED = {**STORED, "nvfp4": Fraction(9, 16), "mxfp4": Fraction(33, 32), "int4, groups of 32": Fraction(33, 32)}

# Elements of the checkpoint by the hub's safetensors totals, of packed formats elements of storage; how the hub
# counts those, and what of them is no weight of the language model.
ELEMENTS = {
    "gpt-oss-20b": (21_511_953_984, SCALED, 0),
    "gpt-oss-120b": (120_412_337_472, SCALED, 0),
    "minimax-m2.5": (228_703_644_928, SCALED, 0),
    "kimi-k2.6": (1_058_589_420_528, SCALED, MOONVIT + 60 * 384 * 3 * 2 * 8),  # shapes count as packed
    "gemma-4-31b-nvfp4": (20_868_591_152, HALVES, GEMMA_4_VISION),  # scales are not counted
    "gemma-4-26b-a4b-nvfp4": (14_386_941_232, HALVES, GEMMA_4_VISION_26B),
    "minimax-m2.5-nvfp4": (116_349_510_656, HALVES, 0),
    "minimax-m2.7-nvfp4": (116_349_510_656, HALVES, 0),
    "deepseek-v3-0324-nvfp4": (396_767_013_632, SCALED, lambda: plain_next_token("deepseek-v3", 2)),
    "deepseek-v3.1-nvfp4": (393_632_819_968, SCALED, lambda: plain_next_token("deepseek-v3", 2)),
    "deepseek-v3.2-nvfp4": (394_498_304_256, SCALED, lambda: plain_next_token("deepseek-v3.2", 2)),
    "glm-5-nvfp4": (435_238_854_912, SCALED, lambda: plain_next_token("glm-5", 0)),
    "gemma-3-27b": (27_432_406_640, STORED, SIGLIP_27B),
    # what the checkpoint in fp8 has more, and one matrix of a shared expert is in nvfp4 as well
    "nemotron-3-super-120b-nvfp4": (
        67_228_556_288,
        HALVES,
        lambda: 123_611_012_096 - unscaled("nemotron-3-super-120b-a12b-fp8") - 4096 * 5376 // 2,
    ),
    "qwen3.5-122b-a10b": (125_086_497_008, STORED, lambda: qwen3_vision(3072) + qwen3_next_token("qwen3.5-122b-a10b")),
    "qwen3.6-35b-a3b": (35_951_822_704, STORED, lambda: qwen3_vision(2048) + qwen3_next_token("qwen3.6-35b-a3b")),
    "qwen3.5-122b-a10b-fp8": (
        125_094_006_512,
        SCALED,
        lambda: (
            qwen3_vision(3072)
            + qwen3_next_token("qwen3.5-122b-a10b")
            + (256 * 3 * 3072 * 1024 + 3 * 3072 * 1024 + 25600 * 3072) // 128**2
        ),
    ),
    "gemma-3-4b": (4_300_079_472, STORED, SIGLIP),
}


def test_elements_of_a_ternary_checkpoint():
    # microsoft/bitnet-b1.58-2B-4T: 849,787,090 elements by the hub's safetensors total, four weights in each packed
    # one; besides, a scale for each of 7 matrices of 30 layers
    config = {**model_catalogue()["bitnet-2b-4t"]["config"], "tie_word_embeddings": True, "torch_dtype": "bfloat16"}
    model = symroof.load({**config, "quantization_config": {"quant_method": "bitnet", "quantization_mode": "offline"}})
    packed = {"bf16": 1, "int2, ternary": Fraction(1, 4)}
    assert sum(n * packed[form] for form, n in elements(model).items() if n) + 7 * 30 == 849_787_090


@pytest.mark.parametrize("name", ELEMENTS)
def test_elements_of_a_checkpoint(name):
    total, counted, besides = ELEMENTS[name]
    found = sum(n * counted[form] for form, n in elements(load(name)).items() if n)
    assert found + (besides() if callable(besides) else besides) == total


def test_elements_of_a_checkpoint_with_mixers_of_two_formats():
    # nvidia/NVIDIA-Nemotron-3-Nano-30B-A3B-NVFP4
    mixed = {"nvfp4 in 17, bf16 in 6 of 23 layers": (17 * Fraction(9, 16) + 6) / 23}
    found = elements(load("nemotron-3-nano-30b-a3b-nvfp4")).items()
    assert sum(n * (SCALED | mixed)[form] for form, n in found if n) == 18_237_772_608


def test_files_of_nemotron_3_ultra():
    # its page prints 1,121 GB, and 352.3 GB of formats that differ, with the layers that predict a token further in
    # bf16; routers are kept in fp32
    name = "nemotron-3-ultra-550b-nvfp4"
    assert round((weights(load("nemotron-3-ultra-550b")) + 2 * further(name)) / 10**9) == 1121
    routers = 2 * 48 * 512 * 8192
    assert round((weights(load(name)) + 2 * further(name) + routers) / 10**9, 1) == 352.3


@pytest.mark.parametrize(
    ("name", "total", "indexer"),
    # weights of the indexer that are not quantised: one a head of the 64, norms
    [("deepseek-v3", 684_531_386_000, 0), ("deepseek-v3.2", 685_396_921_376, 64 * 7168 + 2 * 128)],
)
def test_elements_of_deepseek(name, total, indexer):
    # besides: a layer and its tables, scales of the half blocks of 576 columns
    layer, _ = one_more(name)
    plain = 2 * 7168**2 + 3 * 7168 + 2 * 129280 * 7168
    quantised = layer - 256 * 7168 - 256 - 2 * 7168 - 1536 - 512 - indexer
    besides = layer + plain + Fraction(quantised, 128 * 128) + 62 * 28
    assert sum(n * SCALED[form] for form, n in elements(load(name)).items() if n) + besides == total


@pytest.mark.parametrize(
    ("name", "total", "attention"),
    [
        ("deepseek-v4-pro", 861_608_274_846, "heavily_compressed_attention"),
        ("deepseek-v4-flash", 158_069_433_298, "sliding_attention"),
    ],
)
def test_elements_of_deepseek_v4(name, total, attention):
    # experts are packed two an element; besides, the experts of each token in three layers, and a layer
    # that predicts a token further with its own end of the streams
    packed = SCALED | {"mxfp4": Fraction(17, 32)}
    model, known = load(name), load(name).architecture.sizes
    m, d, table, expert = known["m"], known["d"], 3 * 6 * known["V"], 3 * known["N_e"] * known["d"] * known["f_e"]
    rows = {row.path: row.cost.weight_held / 2 for row in model.report(dtype="bf16").rows}
    layer = {x: n for x, n in rows.items() if x.startswith(("moe/", f"{attention}/")) and "/compress" not in x}
    kept = sum(n for path, n in layer.items() if path.endswith(("norm", "router", "weights", "sinks")))
    quantised = sum(layer.values()) - kept - expert + 2 * d * d
    besides = kept + expert * packed["mxfp4"] + quantised * packed[BLOCKS] + 3 * d + m * m * d + m + 1
    found = sum(n * packed[form] for form, n in elements(model).items() if n)
    assert found + besides + table == total


def test_files_of_deepseek_v4_pro():
    # 805.34 GiB: an element of storage takes a byte, one more in bf16, three more in fp32, seven more in int64 (what
    # of these, as transformers 5.23.0 keeps them); a tensor is described in 114 letters
    model = load("deepseek-v4-pro")
    z, plain, kept = model.architecture.sizes, model.report(dtype="bf16").rows, model.report().rows
    scores, table, streams = 59 * z["N_e"], 3 * 6 * z["V"], z["m"] * z["m"] * z["d"] + z["m"] + 1
    more = 3 * (scores + streams + 3 * z["d"]) + 7 * table + 114 * 2 * 3 * 62 * z["N_e"]
    for row, own in zip(plain, kept, strict=True):
        ahead = (
            row.block in ("moe", "heavily_compressed_attention") and "compress" not in row.op
        )  # of one token further
        count = (row.all.weight_held + (row.cost.weight_held if ahead else 0)) / 2
        if row.op.endswith("norm") or row.op in ("sinks", "streams.weights", "compress", "index.compress"):
            more += 3 * count
        elif own.all.weight_held == row.all.weight_held or row.path == "moe/router":
            more += count - (scores if row.path == "moe/router" else 0)
    assert abs(861_608_274_846 + more - 805.34 * 2**30) < HALF_A_UNIT
