"""What training keeps in memory: published formulas and figures, runs on a tape, laws."""

import re
from fractions import Fraction
from itertools import pairwise, product
from math import ceil

import counting
import decoder
import pytest
import zoo
from sympy import Integer, limit, oo, simplify, sympify
from test_decoders import CONFIGS

import symroof
from symroof import Parallel, training_memory
from symroof import symbols as s
from symroof.architecture.kinds.attention import Attention
from symroof.architecture.kinds.feed_forward import FeedForward
from symroof.config.catalogue import model_catalogue
from symroof.cost.graph import Block, Op
from symroof.errors import UnknownName, UsageError
from symroof.ops import dense
from symroof.training.activations import saved_activations
from symroof.training.flops import training_flops

GIB = 2**30
PAPER = {"attention": "unfused", "dropout": True}  # Korthikanti et al. 2022


def gpt(layers, h, heads, vocab=51200):
    return symroof.load(
        {
            "model_type": "gpt2",
            "n_embd": h,
            "n_layer": layers,
            "n_head": heads,
            "vocab_size": vocab,
            "n_positions": 2048,
        }
    )


def layer(model, sequence, **choices):
    """Bytes that the layers keep of a microbatch, a layer's share."""
    found = training_memory(model, sequence, **choices)
    return Fraction(found.number(found.layers), model.sizes[s.L])


def amount(found, part):
    return found.number(getattr(found, part))


# Korthikanti et al. 2022, arXiv:2205.05198, table 3: heads a, hidden size h, layers L, tensor t, stages p, pieces m,
# microbatch b; sequences of 2048, a vocabulary of 51200.

RUNS = {
    "22B": (64, 6144, 48, 8, 1, 1, 4),
    "175B": (96, 12288, 96, 8, 8, 3, 1),
    "530B": (128, 20480, 105, 8, 35, 3, 1),
    "1T": (160, 25600, 128, 8, 64, 1, 1),
}


def on_devices(name, sequence_parallel=False, recompute="none", **more):
    a, h, L, t, p, m, b = RUNS[name]
    shared = Parallel(tensor=t, sequence=sequence_parallel, stages=p, pieces=m)
    return training_memory(gpt(L, h, a), 2048, b, recompute, parallel=shared, **{**PAPER, **more})


@pytest.mark.parametrize(
    ("recompute", "sequence_parallel", "equation"),
    [
        # section 4: equations 2 and 4, 1 where t = 1; section 5: equation 6 and the table of section 6
        ("none", False, lambda s, b, h, a, t: s * b * h * (10 + Fraction(24, t) + 5 * a * s / (h * t))),
        ("none", True, lambda s, b, h, a, t: s * b * h / t * (34 + 5 * a * s / h)),
        ("selective", False, lambda s, b, h, a, t: s * b * h * (10 + Fraction(24, t))),
        ("selective", True, lambda s, b, h, a, t: s * b * h * 34 / t),
        ("full", False, lambda s, b, h, a, t: s * b * h * 2),
    ],
)
@pytest.mark.parametrize(("n", "b", "h", "heads"), [(2048, 4, 6144, 64), (96, 1, 64, 8)])
@pytest.mark.parametrize("t", [1, 8])
def test_korthikanti_equations_1_to_6(recompute, sequence_parallel, equation, n, b, h, heads, t):
    shared = Parallel(tensor=t, sequence=sequence_parallel)
    found = layer(gpt(3, h, heads), n, micro_batch=b, recompute=recompute, parallel=shared, **PAPER)
    assert found == equation(Fraction(n), b, h, heads, t)


def test_korthikanti_34_and_5_as_over_h_in_symbols():
    found = training_memory(gpt(2, 64, 8), 32, **PAPER).layers
    as_gpt = {s.H_kv: s.H_q, s.h: s.d / s.H_q, s.f: 4 * s.d, s.b_a: 2, s.y_m: 1, s.n_q: 1, s.n_t: 1}
    assert simplify(found.subs(as_gpt, simultaneous=True) / s.L / (s.n * s.B * s.d) - 34 - 5 * s.H_q * s.n / s.d) == 0


@pytest.mark.parametrize(("name", "scores"), [("175B", 80), ("530B", 64)])
def test_korthikanti_scores_are_80_and_64_of_a_layer_s_34(name, scores):
    # section 5: 5 a s / h of GPT-3 and MT-NLG
    a, h, L, *_ = RUNS[name]
    whole, rest = (layer(gpt(L, h, a), 2048, recompute=x, **PAPER) for x in ("none", "selective"))
    assert (whole - rest) / rest * 34 == scores


@pytest.mark.parametrize(
    ("name", "baseline", "present"),
    [
        # figure 1, the values as calculon's validation has them: tensor parallelism, and with both of its savings
        ("22B", "59.25", "9.5625"),
        ("175B", "66.84", "12.35"),
        ("530B", "114.02", "23.08"),
        ("1T", "131.25", "26.56"),
    ],
)
def test_korthikanti_figure_1_activations(name, baseline, present):
    forms = [on_devices(name), on_devices(name, True, "selective")]
    for found, printed in zip(forms, (baseline, present), strict=True):
        layers = found.number(found.layers * s.n_f / s.n_s) / GIB
        assert f"{float(layers):.{len(printed.partition('.')[2])}f}" == printed


@pytest.mark.parametrize(
    ("name", "printed"), [("22B", "45.5625"), ("175B", "45.5625"), ("530B", "31.64"), ("1T", "32.96")]
)
def test_korthikanti_figure_1_parameters_and_optimizer(name, printed):
    # matrices of layers alone, in fp16 with fp32 gradients and Adam; biases and norms are 13 / (12 h) of them besides
    # (arXiv:2104.04473, equation 2)
    found, h = on_devices(name, states="megatron"), RUNS[name][1]
    layers = found.parameters["layers"] / s.n_s / s.n_t * (s.y_w + s.y_g + s.y_o)
    matrices = Fraction(found.number(layers)) / (1 + Fraction(13, 12 * h)) / GIB
    assert f"{float(matrices):.{len(printed.partition('.')[2])}f}" == printed


@pytest.mark.parametrize(
    ("names", "percent"),
    [
        # figure 7, digitised: sequence parallelism, selective recomputation, both, full recomputation
        (["22B"], (66.84, 49.42, 16.18, 7.64)),
        (["175B"], (62.04, 56.53, 18.49, 8.71)),
        (["530B", "1T"], (58.31, 62.04, 20.27, 9.42)),
    ],
)
def test_korthikanti_figure_7(names, percent):
    ways = [(True, "none"), (False, "selective"), (True, "selective"), (False, "full")]
    for name in names:
        whole = amount(on_devices(name), "layers")
        for (sequence_parallel, recompute), printed in zip(ways, percent, strict=True):
            part = 100 * amount(on_devices(name, sequence_parallel, recompute), "layers") / whole
            assert printed == pytest.approx(float(part), rel=0.011)


@pytest.mark.parametrize("name", RUNS)
def test_korthikanti_first_stage_and_embedding(name):
    # section 4.2.3: a layer's bytes L (1 + (p - 1) / (p m)) times where interleaved, L times where not; section 4.3:
    # (s b h L / t) (p / L + [p = 1] (4 / L) (1 + v / h)) besides
    _, h, _, t, p, m, b = RUNS[name]
    found, token = on_devices(name, True), Fraction(2048 * b * h, t)
    more = 1 + Fraction(p - 1, p * m) if m > 1 else 1
    extra = token * (p + (4 * (1 + Fraction(51200, h)) if p == 1 else 0))
    assert amount(found, "activations") == amount(found, "layers") * more + extra


# ZeRO, Rajbhandari et al. 2020, arXiv:1910.02054.


def test_zero_figure_1():
    # 7.5B parameters on 64 devices, Adam in mixed precision: 120, 31.4, 16.6 and 1.9 GB
    model = gpt(36, 4096, 32)
    scale = Fraction(7_500_000_000, model.parameters.total)
    for stage, printed in enumerate(("120.0", "31.4", "16.6", "1.9")):
        found = training_memory(model, 1024, parallel=Parallel(replicas=64, zero=stage))
        gigabytes = sum(amount(found, x) for x in ("weights", "gradients", "optimizer")) * scale / 10**9
        assert f"{float(gigabytes):.1f}" == printed


@pytest.mark.parametrize(("stage", "volume"), [(0, 2), (1, 2), (2, 2), (3, 3)])
def test_zero_volume(stage, volume):
    # section 7: elements a step of many devices, over those of the weights
    found = training_memory(gpt(2, 64, 8), 32, parallel=Parallel(replicas=64, zero=stage))
    assert limit(found.passed / found.held, s.n_d, oo).subs(found.values) == volume
    assert amount(training_memory(gpt(2, 64, 8), 32, parallel=Parallel(zero=stage)), "passed") == 0


def test_megatron_distributed_optimizer():
    # docs.nvidia.com/megatron-core, distributed optimizer: 18 bytes a parameter, 6 + 12 / d where it is shared
    model = gpt(2, 64, 8)
    for stage, bytes_each in ((0, 18), (1, 6 + Fraction(12, 16))):
        found = training_memory(model, 32, states="megatron", parallel=Parallel(replicas=16, zero=stage))
        states = sum(amount(found, x) for x in ("weights", "gradients", "optimizer"))
        assert states == bytes_each * model.parameters.total


# jax-ml.github.io/scaling-book: transformers, training, applied training.


def llama(layers, d, f):
    return symroof.load("llama-3-8b").with_sizes(L=layers, d=d, f=f, H_q=d // 128, H_kv=d // 128)


def test_scaling_book_20_tensors_a_layer():
    # 4M tokens, 64 layers of D = 8192, F = 4 D: 84 TB; 4.2 TB where whole layers are computed again
    model, tokens = llama(64, 8192, 4 * 8192), 4_000_000
    found = training_memory(model, tokens)
    sums = sum(x.count * x.size for x in found.saved if x.tensor.name == "sums")
    everything = amount(found, "layers") - found.number(sums)  # the sums of fused attention are not among the 20
    assert everything == 20 * 64 * 2 * tokens * 8192
    assert f"{everything / 1e12:.0f}" == "84"
    assert f"{amount(training_memory(model, tokens, recompute='full'), 'layers') / 1e12:.1f}" == "4.2"


def test_scaling_book_adam_takes_10_bytes_a_parameter():
    # training: 96 GB of a v5p hold no more than 9B parameters; LLaMA-2-13B takes 130 GB
    model = symroof.load("llama-2-13b")
    found = training_memory(model, 4096, states="scaling-book")
    states = sum(amount(found, x) for x in ("weights", "gradients", "optimizer"))
    assert states == 10 * model.parameters.total
    assert 96e9 * model.parameters.total // states // 1e9 == 9
    assert f"{states / 1e9:.0f}" == "130"


@pytest.mark.parametrize(("tokens", "printed"), [(16e6, "4.2e+13"), (3e6, "7.86e+12")])
def test_scaling_book_llama_2_13b_activations(tokens, printed):
    # training: checkpoints of what the three matmuls of each network write, 2 L B (D + 2 F) bytes
    rows = symroof.load("llama-2-13b").report(1, dtype="bf16").rows
    written = sum(row.all.act_write for row in rows if row.path in ("mlp/gate_up", "mlp/down"))
    assert f"{float(written * tokens):.{len(printed) - 6}e}" == printed


def test_scaling_book_llama_3_70b():
    # applied training: 140 GB of weights, 560 GB of moments, 20.9 TB of checkpoints, four a layer, of 4M tokens: the
    # 21.6 TB fill 225 v5p, 2.4 GB on each of 8960; GPUs: 700 GB fill 9 H100
    found = training_memory(symroof.load("llama-3-70b"), 4_000_000, recompute="full", states="scaling-book")
    weights, optimizer, checkpoint = (amount(found, x) for x in ("weights", "optimizer", "layers"))
    assert weights == pytest.approx(140e9, rel=0.01)
    assert optimizer == pytest.approx(560e9, rel=0.01)
    assert 4 * checkpoint == pytest.approx(20.9e12, rel=0.005)
    everything = weights + optimizer + 4 * checkpoint
    assert everything == pytest.approx(21.6e12, rel=0.005)
    assert everything / 96e9 == pytest.approx(225, rel=0.005)
    assert f"{everything / 8960 / 1e9:.1f}" == "2.4"
    assert ceil((weights + optimizer) / 80e9) == 9


# Runs of whole decoders on a tape: an operator keeps what it reads where it does anything else with it than add it up
# or multiply it by constants. Each element is kept once, whoever reads it.

CURVED = ("exp", "log", "sqrt", "erf", "tanh", "compare")


class Reads(counting.Tally):
    def touch(self, number):
        super().touch(number)
        if number.role == "a":
            self.__dict__.setdefault("elements", set()).add(number.key)


class Backward(counting.Tape):
    def record(self, kind, *operands):
        super().record(kind, *operands)
        numbers = [x for x in operands if isinstance(x, counting.Num)]
        inverse = kind == "div" and len(operands) == 1
        if kind in CURVED or inverse or (kind in ("mul", "div") and len(numbers) == 2):
            self.tally.curved = True


class SideBySide(decoder.Decoder):
    """A sublayer that has no norm, but a residual, reads what the norm ahead of the one before gave."""

    def op(self, name, function, *args, **options):
        found = super().op(name, function, *args, **options)
        self.normed = found if name == "norm" else self.normed
        return found

    normed = None

    def sublayer(self, x, stream):
        beside = x.wiring.residual and not x.wiring.norm and not x.wiring.post and self.normed
        if not beside:
            return super().sublayer(x, stream)
        self.block = x.name
        return self.op("residual", counting.residual, decoder.RUNS[type(x.kind)](self, x, self.normed), stream)


def elements(model, new, monkeypatch):
    """Elements of activations kept by block, each by the first that keeps it."""
    monkeypatch.setattr(counting, "Tally", Reads)
    monkeypatch.setattr(decoder, "Tape", Backward)
    found, seen = {}, set()
    for path, tally in SideBySide(model, new, 0).tape.tallies.items():
        own = getattr(tally, "elements", set()) if hasattr(tally, "curved") else set()
        block = path.partition("/")[0]
        found[block] = found.get(block, 0) + len(own - seen)
        seen |= own
    return found


def ours(model, new):
    """The same of one layer each, from closed forms."""
    found = training_memory(model, new)
    one = {**found.values, **found.choices, s.b_a: 1, s.y_l: 0, s.y_p: 0}
    counted = {}
    for x in found.saved:
        counted[x.block] = counted.get(x.block, 0) + x.size.subs(one)
    return counted


UNKNOWN = {"borrowers": "attend", "slopes": "cut", "shared_weights": "norm"}
WRITTEN = {
    name: x
    for name, x in zoo.MODELS.items()
    if all(type(y.kind) in decoder.RUNS for y in x.architecture.structure.sublayers)
}
TINY = {
    "hidden_size": 12,
    "num_attention_heads": 6,
    "num_key_value_heads": 2,
    "intermediate_size": 7,
    "num_hidden_layers": 2,
    "vocab_size": 11,
    "head_dim": 4,
}
WRITTEN |= {name: symroof.load({"model_type": name, **TINY}) for name in ("llama", "olmo2", "cohere", "qwen3")}
WRITTEN["interleaved"] = symroof.load(CONFIGS["interleaved"])
WRITTEN["factor"] = zoo.model(2, zoo.attention(Attention()), zoo.mlp(FeedForward(factor=True)))


@pytest.mark.parametrize("name", sorted({*WRITTEN} - {*UNKNOWN}))
def test_what_is_kept_is_what_a_run_needs(name, monkeypatch):
    model = WRITTEN[name]
    several, alone = elements(model, 5, monkeypatch), elements(model, 1, monkeypatch)
    found = ours(model, 5)
    assert {x: found.get(x, 0) for x in several if x != "head"} == {x: n for x, n in several.items() if x != "head"}
    assert ours(model, 1).get("head", 0) == alone["head"]  # a run makes logits of the last token alone


@pytest.mark.parametrize(
    ("name", "squares", "columns"),
    # the softmax's output; scores behind a scaled tanh; a sink's score a row; biases by distance are added
    [("llama-3.1-8b", 1, 0), ("gemma-2-9b", 2, 0), ("gpt-oss-20b", 1, 1), ("bloom-176b", 1, 0)],
)
def test_scores_are_kept_where_attention_is_not_fused(name, squares, columns):
    model, n, H = symroof.load(name), 96, symroof.load(name).architecture.sizes["H_q"]
    more = layer(model, n, attention="unfused") - layer(model, n)
    assert more == H * (2 * (squares * n * n + columns * n) - 4 * n)  # instead of a logarithm a row, in fp32


def test_latent_attention_keeps_latents_heads_and_one_rotated_key():
    sizes = {"d": 7168, "H_q": 128, "r_q": 1536, "r_kv": 512, "h_n": 128, "h_r": 64, "h_v": 128}
    d, H, r_q, r_kv, h_n, h_r, h_v = sizes.values()
    model = symroof.load("deepseek-v3")
    assert {x: model.architecture.sizes[x] for x in sizes} == sizes
    token = {
        "outside": [d, d, r_q, r_q, r_kv, r_kv, h_r],  # stream, normed; latents ahead of and behind their norms
        "within": [H * (h_n + h_r), H * h_n, H * h_v, H * h_v],  # queries, keys, values, the output
    }
    for t, n in product((1, 8), (512,)):
        found = training_memory(model, n, parallel=Parallel(tensor=t))
        parts = [x for x in found.saved if x.block == "attention" and x.tensor.name != "sums"]
        kept_here = found.number(sum(x.size / x.tensor.devices for x in parts))
        assert kept_here == 2 * n * (sum(token["outside"]) + Fraction(sum(token["within"]), t))


def test_two_norms_that_read_one_stream_keep_it_once():
    sizes = {
        "model_type": "gpt_neox",
        "hidden_size": 64,
        "num_attention_heads": 4,
        "intermediate_size": 256,
        "num_hidden_layers": 3,
        "vocab_size": 96,
    }
    one_after_the_other, side_by_side = (symroof.load({**sizes, "use_parallel_residual": x}) for x in (False, True))
    assert layer(one_after_the_other, 128) - layer(side_by_side, 128) == 2 * 128 * 64


# Laws.

MODELS = ("gpt2", "llama-3.1-8b", "gemma-2-9b", "deepseek-v3", "gpt-oss-20b", "llama-4-scout", "gpt-j-6b")


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("attention", ["fused", "unfused"])
def test_full_recomputation_keeps_least_and_selective_no_more_than_none(name, attention):
    model = symroof.load(name)
    ways = [training_memory(model, 256, recompute=x, attention=attention) for x in ("none", "selective", "full")]
    assert all(amount(x, "layers") > amount(y, "layers") for x, y in pairwise(ways))
    assert len({x.number(x.of("head")) for x in ways}) == 1
    whole = training_memory(model, 256, recompute={s.rho: Integer(1) / 4, s.rho_c: Integer(0)}, attention=attention)
    quarters = 3 * amount(ways[0], "layers") + amount(ways[2], "layers")
    assert 4 * amount(whole, "layers") == quarters


@pytest.mark.parametrize("name", MODELS)
def test_shards_of_the_sequence_and_operators_sum_to_the_whole(name):
    model = symroof.load(name).with_sizes(V=1024)
    ways = Parallel(), Parallel(tensor=2, sequence=True), Parallel(tensor=2)
    whole, shared, apart = (training_memory(model, 64, 3, parallel=x, **PAPER) for x in ways)
    for part in ("weights", "gradients", "optimizer", "activations", "total"):
        assert 2 * amount(shared, part) == amount(whole, part)
    assert amount(shared, "activations") < amount(apart, "activations") < amount(whole, "activations")
    assert whole.layers == apart.layers == shared.layers  # one form for all


@pytest.mark.parametrize("name", MODELS)
def test_linear_in_the_microbatch_and_in_the_sequence_but_for_scores(name):
    model = symroof.load(name)
    one, five, long = (training_memory(model, n, b) for n, b in ((128, 1), (128, 5), (640, 1)))
    assert amount(five, "activations") == 5 * amount(one, "activations") == amount(long, "activations")
    assert amount(five, "weights") == amount(one, "weights")
    squares = [amount(training_memory(model, n, attention="unfused"), "layers") for n in (100, 200, 300, 400)]
    assert squares[3] - 3 * squares[2] + 3 * squares[1] - squares[0] == 0
    assert squares[2] - 2 * squares[1] + squares[0] > 0


@pytest.mark.parametrize("name", ["gpt2", "llama-3.1-8b", "deepseek-v3"])
def test_each_stage_of_zero_keeps_no_more_than_the_one_before(name):
    model = symroof.load(name)
    stages = [training_memory(model, 64, parallel=Parallel(replicas=8, zero=x)) for x in range(4)]
    assert all(amount(x, "total") > amount(y, "total") for x, y in pairwise(stages))
    assert 8 * amount(stages[3], "weights") == amount(stages[0], "weights") == 2 * model.parameters.total
    alone = {amount(training_memory(model, 64, parallel=Parallel(zero=x)), "total") for x in range(4)}
    assert alone == {amount(training_memory(model, 64), "total")}


def test_stages_hold_all_weights_and_one_stage_all_microbatches():
    model = symroof.load("llama-3.1-8b")
    found = training_memory(model, 64, parallel=Parallel(stages=4))
    layers, embedding, head = (found.number(found.parameters[x]) for x in ("layers", "embedding", "head"))
    assert layers + embedding + head == model.parameters.total
    assert amount(found, "held") == Fraction(layers, 4) + embedding
    assert amount(found, "activations") == amount(found, "layers")
    pieces = [
        amount(training_memory(model, 64, parallel=Parallel(stages=4, pieces=x)), "activations") for x in (8, 4, 2)
    ]
    assert amount(found, "activations") < pieces[0] < pieces[1] < pieces[2]
    one = training_memory(model, 64, parallel=Parallel(stages=4), in_flight={s.n_f: Integer(1), s.n_fe: Integer(1)})
    assert 4 * amount(one, "activations") == amount(one, "layers")


def test_one_expert_of_one_is_a_dense_network_with_its_input_copied_and_routed():
    moe = symroof.load("mixtral-8x7b").with_sizes(N_e=1, k=1, k_hf=1)
    dense_one = symroof.load("mistral-7b").with_sizes(
        **{x: moe.architecture.sizes[x] for x in ("L", "d", "V")}, f=moe.architecture.sizes["f_e"]
    )
    n, d = 64, moe.architecture.sizes["d"]
    # the expert's copy of each token, and the probability that the token goes to it
    assert layer(moe, n) - layer(dense_one, n) == 2 * n * (d + 1)


def test_what_recomputation_spares_in_memory_it_costs_in_flop():
    model = symroof.load("llama-3.1-8b")
    for recompute in ("selective", "full"):
        kept_less = layer(model, 512, attention="unfused") - layer(model, 512, attention="unfused", recompute=recompute)
        flops = training_flops(model, 512, recompute=recompute)
        assert kept_less > 0
        assert flops.hardware_per_token > flops.per_token


# What is known, and what is refused.

REFUSED = (
    "deepseek-v3.2",
    "deepseek-v4-flash",
    "falcon-mamba-7b",
    "gemma-3n-e4b",
    "kimi-k3",
    "qwen3-next-80b-a3b",
    "lfm2-350m",
    "minimax-m1-80k",
    "minimax-m3",
    "rwkv-5-world-3b",
    "xlstm-7b",
    "zamba-7b",
)


def test_every_operator_of_dense_routed_and_latent_models_is_known_or_refused_by_name():
    structures = {(x := symroof.load(name)).architecture.structure: x for name in model_catalogue()}
    refused = {}
    for model in structures.values():
        try:
            list(saved_activations(model))
        except UsageError as error:
            refused[model.name] = str(error)
    for name, told in refused.items():
        ops = {f"{path}" for path, *_ in symroof.load(name).graph().rows()}
        assert any(f"the tensors that {path} saves" in told for path in ops), told
    dense_kinds = {"Attention", "LatentAttention", "FeedForward", "Experts"}
    plain = [
        x
        for x in structures.values()
        if {type(y.kind).__name__ for y in x.architecture.structure.sublayers} <= dense_kinds
    ]
    unknown = {x.name for x in plain} & refused.keys()
    indexed = {"deepseek-v3.2", "glm-5", "glm-5.1", "glm-5.2", "glm-5.3", "minimax-m3"}
    keys_of_another_layer = {"llama-3.2-11b-vision"}
    assert {re.sub("-(fp8|nvfp4)$", "", x) for x in unknown} <= indexed | keys_of_another_layer
    assert len(plain) - len(unknown) > 50


@pytest.mark.parametrize("name", REFUSED)
def test_operators_that_nobody_said_what_they_keep_of(name):
    with pytest.raises(UsageError, match="saves for the backward pass are not known"):
        training_memory(symroof.load(name), 64)


def test_a_graph_of_ones_own():
    model = symroof.load("llama-3.1-8b")
    own = model.with_graph(Block("mine", (*model.graph().children,)))
    assert layer(own, 64) == layer(model, 64)
    strange = Block("mine", (Block("mixer", (Op("twist", "attention", dense.residual(s.T, s.d)),), s.L),))
    with pytest.raises(UsageError, match="mixer/twist"):
        training_memory(model.with_graph(strange), 64)


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        ({"recompute": "selectiv"}, "selective"),
        ({"attention": "flash"}, "fused"),
        ({"states": "adam"}, "mixed-adam"),
        ({"activations": "bf17"}, "bf16"),
        ({"sequence": 0}, "out of range"),
        ({"micro_batch": 0}, "out of range"),
        ({"parallel": {"tensor": 16}}, "H_kv = 8 is not a multiple of the 16"),
        ({"parallel": {"tensor": 8, "sequence": True}, "sequence": 100}, "100 is not a multiple of the 8"),
        ({"parallel": {"stages": 5}}, "32 layers of attention are not a multiple of 5 stages"),
        ({"parallel": {"stages": 8, "pieces": 3}}, "8 stages in 3 pieces"),
        ({"parallel": {"pieces": 2}}, "a single stage"),
        ({"parallel": {"tensor": 0}}, "tensor = 0"),
        ({"parallel": {"replicas": 1.5}}, "replicas = 1.5"),
        ({"parallel": {"zero": 4}}, "stages of ZeRO"),
    ],
)
def test_what_cannot_be(asked, told):
    model = symroof.load("llama-3.1-8b")
    with pytest.raises((UsageError, UnknownName), match=told):
        training_memory(model, **{"sequence": 64, **asked, "parallel": Parallel(**asked.get("parallel", {}))})


def test_modules_that_predict_further_ahead_are_refused():
    with pytest.raises(UsageError, match="mtp"):
        training_memory(symroof.load("deepseek-v3", mtp=True), 64)


def test_the_record():
    found = training_memory(symroof.load("llama-3.1-8b"), 4096, parallel=Parallel(tensor=8, replicas=4, zero=1))
    told = found.to_dict()
    parts = [told["bytes"][x]["bytes"] for x in ("weights", "gradients", "optimizer", "activations")]
    assert sum(parts) == told["bytes"]["total"]["bytes"]
    assert found.parallel.devices == 32
    assert "llama-3.1-8b" in repr(found)
    assert set(told["parallel"]) == {"tensor", "sequence", "stages", "pieces", "replicas", "zero"}


def test_symbols_of_the_footprint_occur_in_it():
    shared = Parallel(tensor=2, sequence=True, replicas=2, zero=3)
    found = training_memory(gpt(2, 64, 8), 32, dropout=True, parallel=shared)
    forms = [found.total, found.passed, *(x.size for x in found.saved), *map(sympify, found.values.values())]
    used = set().union(*(x.free_symbols for x in forms))
    assert {x.symbol for x in s.VOCABULARY.values() if x.group == "memory"} <= used
