"""FLOP of training and what scaling laws make of them: published figures, measured passes, laws."""

import math
from fractions import Fraction
from itertools import pairwise

import pytest
from sympy import Add, Integer, Rational, diff, lambdify, log, simplify

import symroof
from symroof import symbols as s
from symroof.algebra.binding import Binding
from symroof.analysis.conventions import CONVENTIONS, by_convention
from symroof.config.catalogue import model_catalogue
from symroof.errors import UnknownName, UsageError
from symroof.training.compute_optimal import BEST_D, BEST_N, optimum
from symroof.training.flops import CORE, operator_flops, sum_of_operators, training_flops, training_formula
from symroof.training.scaling_laws import LAWS, LOSS, Law, shape

DAY = 86400
FULL = "matmul-only,full-square"
# Dense, windows, routed, latent, indexed, recurrent, both, keys that layers share, weights that layers share.
MODELS = (
    "llama-3.1-8b",
    "gemma-3-1b",
    "llama-4-scout",
    "deepseek-v3",
    "deepseek-v3.2",
    "mamba-130m",
    "jamba-v0.1",
    "gemma-3n-e4b",
    "zamba-7b",
    "gpt-oss-20b",
)


def gpt(layers, d, heads, vocab, positions, **keys):
    """A decoder of two matrices d x 4 d, a shared table and learned positions."""
    sizes = {"n_embd": d, "n_layer": layers, "n_head": heads, "vocab_size": vocab, "n_positions": positions}
    return symroof.load({"model_type": "gpt2", **sizes, **keys})


def formula(name, which="training"):
    return getattr({x.name: x for x in CONVENTIONS}[name], which)


def number(expr, values):
    return Binding({s.symbol(name): value for name, value in values.items()})(expr)


def printed(value, digits):
    """A number as it is printed with so many digits."""
    return f"{float(value):.{digits - 1}e}"


# The passes.

TINY = {
    "hidden_size": 64,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "intermediate_size": 160,
    "vocab_size": 96,
}


@pytest.mark.parametrize(
    ("config", "forward", "both"),
    [
        # counted by torch's FlopCounterMode over transformers 5.23.0 (eager), 2 sequences of 48, forward and backward
        ({"model_type": "llama", "num_hidden_layers": 3, **TINY}, 29_491_200, 88_473_600),
        ({"model_type": "gpt2", "n_embd": 64, "n_layer": 3, "n_head": 4, "vocab_size": 96}, 33_030_144, 99_090_432),
        (
            {"model_type": "gemma2", "num_hidden_layers": 4, "head_dim": 24, "sliding_window": 16, **TINY},
            46_006_272,
            138_018_816,
        ),
    ],
)
def test_both_passes_are_what_pytorch_counts(config, forward, both):
    found = training_flops(symroof.load(config), 48, 2 * 48, rules="transformers")
    assert found.number(found.forward.flops) * found.tokens == forward
    assert found.total == both


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("rules", ["standard", "full-square", "transformers"])
def test_forward_is_the_report_of_a_step_without_a_cache(name, rules):
    model = symroof.load(name)
    found = training_flops(model, 3000, rules=rules)
    step = model.report(new=3000, rules=found.rules, dtype="bf16").total
    assert found.number(found.forward.matmul) * 3000 == step.matmul
    assert found.number(found.forward.vector) * 3000 == step.vector


@pytest.mark.parametrize("name", MODELS)
def test_passes_add_up_to_the_formula_left_open(name):
    model = symroof.load(name)
    choices = {s.g_m: 2, s.g_v: 2, s.rho: 1, s.rho_c: 1}
    found = training_flops(model, 512, recompute="full")
    assert found.number(training_formula(model).subs(choices)) == found.hardware_per_token


def test_passes_stand_together_in_a_closed_form():
    found = training_flops(symroof.load("llama-3.1-8b"), 512, recompute="full")
    for expr in (found.flops, found.hardware_flops):
        assert len(Add.make_args(expr)) == len(Add.make_args(found.forward.flops))
    assert simplify(found.flops - found.forward.flops - found.backward.flops) == 0
    assert simplify(found.hardware_flops - found.flops - found.recomputed.flops) == 0


def test_recompute_policies():
    model = symroof.load("llama-3.1-8b")
    none, selective, full = (training_flops(model, 4096, 4096, x) for x in ("none", "selective", "full"))
    assert none.hardware_total == none.total == selective.total == full.total
    core, inside = (
        sum(row.all.flops for row in model.report(4096, rules=none.rules).rows if keep(row))
        for keep in (lambda x: x.op == "attend", lambda x: x.block in ("attention", "mlp"))
    )
    assert selective.hardware_total - none.total == core
    assert full.hardware_total - none.total == inside


def test_full_recomputation_takes_6_nd_to_8_nd():
    # scaling book, transformer math: rematerialising blocks makes 8 N D of 6 N D
    model = symroof.load("llama-2-7b").with_sizes(V=1)
    found = training_flops(model, 1, recompute="full", rules="matmul-only")
    weights = by_convention(model, 1).values[s.N_body]
    assert found.hardware_per_token / weights == pytest.approx(8, rel=1e-3)
    assert found.per_token / weights == pytest.approx(6, rel=1e-3)


@pytest.mark.parametrize("rules", ["full-square", "standard"])
def test_flash_attention(rules):
    # benchmarks/benchmark_flash_attention.py: forward 4 b s^2 h d, half of it causal; backward 2.5 times, with the
    # scores computed again
    model = symroof.load("llama-2-7b")
    scores = {s.rho: Integer(0), s.rho_c: Rational(1, 2)}
    n, found = 4096, training_flops(model, 4096, recompute=scores, rules=rules)
    core = sum_of_operators(x for x in operator_flops(model, rules) if x.role == CORE).matmul
    published = 32 * 4 * n**2 * 32 * 128 // (1 if rules == "full-square" else 2)
    assert found.number(core) * n == pytest.approx(published, rel=1 / n)
    assert found.number(2 * core + found.recomputed.matmul) == pytest.approx(2.5 * found.number(core))


def test_backward_and_policies_are_layers_of_definitions():
    model = symroof.load("llama-3.1-8b")
    once = training_flops(model, 64, backward={s.g_m: Integer(1), s.g_v: Integer(0)})
    assert once.number(once.backward.matmul) == once.number(once.forward.matmul)
    assert once.backward.vector == 0
    with pytest.raises(UnknownName, match="selective"):
        training_flops(model, 64, recompute="selectiv")
    with pytest.raises(UsageError, match="out of range"):
        training_flops(model, 0)


def test_the_record_as_json():
    found = training_flops(symroof.load("llama-3.1-8b"), 4096, 15 * 10**12).to_dict()
    assert found["total"] == found["hardware_total"]
    assert found["per_token"]["backward"]["flops"] == 2 * found["per_token"]["forward"]["flops"]


# Megatron-LM, Narayanan et al. 2021, arXiv:2104.04473, table 1: V = 51200, s = 2048.

MEGATRON = [  # billions of parameters as printed, heads, h, l
    ("1.7", 24, 2304, 24),
    ("3.6", 32, 3072, 30),
    ("7.5", 32, 4096, 36),
    ("18.4", 48, 6144, 40),
    ("39.1", 64, 8192, 48),
    ("76.1", 80, 10240, 60),
    ("145.6", 96, 12288, 80),
    ("310.1", 128, 16384, 96),
    ("529.6", 128, 20480, 105),
    ("1008.0", 160, 25600, 128),
]


@pytest.mark.parametrize(("billions", "heads", "h", "l"), MEGATRON)
def test_megatron_table_1(billions, heads, h, l):
    model = gpt(l, h, heads, 51200, 2048)
    assert f"{model.parameters.total / 1e9:.1f}" == billions
    counted = by_convention(model, 2048)
    assert counted["megatron"].training == training_flops(model, 2048, rules=FULL).per_token
    again = training_flops(model, 2048, recompute="full", rules=FULL).hardware_per_token
    assert counted["megatron-full"].training == again
    assert not any(counted[x].broken for x in ("megatron", "megatron-full", "chinchilla", "palm"))


@pytest.mark.parametrize(
    ("gpus", "teraflops", "percent", "petaflops"),
    # table 1: GPUs, TFLOP/s of each, percent of the peak, PFLOP/s of all
    [
        (32, 137, 44, 4.4),
        (64, 138, 44, 8.8),
        (128, 142, 46, 18.2),
        (256, 135, 43, 34.6),
        (512, 138, 44, 70.8),
        (1024, 140, 45, 143.8),
        (1536, 148, 47, 227.1),
        (1920, 155, 50, 297.4),
        (2520, 163, 52, 410.2),
        (3072, 163, 52, 502.0),
    ],
)
def test_megatron_utilisation(gpus, teraflops, percent, petaflops):
    peak = symroof.machine("a100-sxm-80gb").times(gpus).peak("fp16")
    assert round(100 * petaflops * 1e15 / peak) == round(100 * gpus * teraflops * 1e12 / peak) == percent


def test_megatron_training_times():
    # section 5.1: 8 T P / (n X); 34 days for 175B, 300B tokens on 1024 A100 at 140 TFLOP/s
    parameters = gpt(96, 12288, 96, 51200, 2048).parameters.total
    assert round(8 * 300e9 * parameters / (1024 * 140e12) / DAY) == 34
    # 84 days for 1T, 450B tokens on 3072 at 163: within 1 %
    days = 8 * 450e9 * 1e12 / (3072 * 163e12) / DAY
    assert days == pytest.approx(84, rel=0.01)


@pytest.mark.parametrize(
    ("layers", "h", "heads", "gpus", "batch", "seconds", "mfu", "hfu"),
    [
        # Korthikanti et al. 2022, arXiv:2205.05198, table 5, "present work", A100
        (48, 6144, 64, 8, 4, 1.10, 41.5, 43.7),
        (96, 12288, 96, 64, 64, 13.75, 51.4, 52.8),
        (105, 20480, 128, 280, 280, 37.83, 56.0, 57.0),
        (128, 25600, 160, 512, 512, 71.49, 56.3, 57.0),
    ],
)
def test_korthikanti_table_5(layers, h, heads, gpus, batch, seconds, mfu, hfu):
    counted = by_convention(gpt(layers, h, heads, 51200, 2048), 2048)
    peak = gpus * 312e12 * seconds / (batch * 2048)
    assert 100 * counted["megatron"].training / peak == pytest.approx(mfu, rel=0.004)
    assert 100 * counted["megatron-selective"].training / peak == pytest.approx(hfu, rel=0.004)


@pytest.mark.parametrize(("layers", "h", "heads", "percent"), [(96, 12288, 96, "2.7"), (105, 20480, 128, "1.6")])
def test_korthikanti_selective_recomputation(layers, h, heads, percent):
    # section 5: 2.7 % (GPT-3) and 1.6 % (MT-NLG) more FLOP; that counts a core's forward pass three times
    model = gpt(layers, h, heads, 51200, 2048)
    counted = by_convention(model, 2048)
    more = counted["megatron-selective"].training - counted["megatron"].training
    assert f"{100 * more / counted['megatron'].training:.1f}" == percent
    found = training_flops(model, 2048, recompute="selective", rules=FULL)
    assert more == 3 * (found.hardware_per_token - found.per_token)


# Chinchilla, Hoffmann et al. 2022, arXiv:2203.15556.


@pytest.mark.parametrize(
    ("layers", "d", "ffw", "heads", "k", "parameters", "ratio"),
    [
        # table A4, the configurations; parameters and ratios as corresponded with the authors (nanoGPT, scaling_laws)
        (10, 640, 2560, 10, 64, 73_825_280, "1.025036"),
        (20, 1024, 4096, 16, 64, 305_707_008, "1.100817"),
        (24, 1280, 5120, 10, 128, 552_604_160, "1.082919"),
        (26, 1792, 7168, 14, 128, 1_143_453_696, "1.044094"),
        (28, 2048, 8192, 16, 128, 1_593_126_912, "1.032902"),
        (40, 3584, 14336, 28, 128, 6_796_274_688, "0.994114"),
    ],
)
def test_chinchilla_table_a4(layers, d, ffw, heads, k, parameters, ratio):
    """Its models have projections of relative positions, d^2 + 2 d a layer, and no table of positions."""
    model = gpt(layers, d, heads, 32000, 1, n_inner=ffw)
    assert model.architecture.sizes["h"] == k
    held = model.parameters.total - model.parameters.by_role["position_embedding"] + layers * (d * d + 2 * d)
    assert held == parameters
    counted = by_convention(model, 2048)["chinchilla"]
    assert not counted.broken
    per_token = counted.training - 12 * d * 32000  # embeddings and logits are left out in the table
    assert f"{per_token / (6 * held):.6f}" == ratio


@pytest.mark.parametrize(("d", "heads", "billions"), [(16384, 128, 280), (8192, 64, 70)])
def test_chinchilla_table_4(d, heads, billions):
    # Gopher and Chinchilla: 80 layers, heads of 128; projections of relative positions as in table A4
    model = gpt(80, d, heads, 32000, 1)
    assert model.architecture.sizes["h"] == 128
    assert round((model.parameters.total + 80 * d * d) / 1e9) == billions


@pytest.mark.parametrize(
    ("parameters", "tokens", "flops", "digits"),
    [
        # table 3; digits that the tokens, printed with fewer, leave of the FLOP
        (400e6, 8.0e9, 1.92e19, 3),
        (1e9, 20.2e9, 1.21e20, 3),
        (10e9, 205.1e9, 1.23e22, 3),
        (175e9, 3.7e12, 3.85e24, 2),
        (280e9, 5.9e12, 9.90e24, 2),
        (520e9, 11.0e12, 3.43e25, 3),
        (1e12, 21.2e12, 1.27e26, 3),
        (10e12, 216.2e12, 1.30e28, 3),
    ],
)
def test_chinchilla_table_3(parameters, tokens, flops, digits):
    assert printed(tokens * number(formula("6nd"), {"N_p": parameters}), digits) == printed(flops, digits)


# PaLM, Chowdhery et al. 2022, arXiv:2204.02311, appendix B.


@pytest.mark.parametrize(
    ("sizes", "rate", "peak", "without", "attended"),
    [
        ({"N_p": 540.35e9, "L": 118, "H_q": 48, "h": 256, "n": 2048}, 238.3e3, 6144 * 275e12, "45.7", "46.2"),
        ({"N_p": 529.6e9, "L": 105, "H_q": 128, "h": 160, "n": 2048}, 65.43e3, 2240 * 312e12, "29.7", "30.2"),
    ],
)
def test_palm_utilisation(sizes, rate, peak, without, attended):
    assert f"{100 * rate * number(formula('6nd'), sizes) / peak:.1f}" == without
    assert f"{100 * rate * number(formula('palm'), sizes) / peak:.1f}" == attended


# Others.


def test_gpt_3_table_d_1():
    # arXiv:2005.14165: 174,600M parameters, 300B tokens, 3.14E+23 FLOP, 3.64E+03 PF-days
    flops = 300e9 * number(formula("6nd"), {"N_p": 174_600e6})
    assert printed(flops, 3) == "3.14e+23"
    assert printed(flops / (1e15 * DAY), 3) == "3.64e+03"


def test_deepseek_v3_utilisation():
    # scaling book, transformer math: 37e9 parameters, 14.8e12 tokens, 2.79e6 hours of H800: 3.3e24 of 1.52e25 FLOP are
    # 21.7 %, of the fp8 peak of another card, the H100 PCIe; of an H800's 16.5 %
    flops, seconds = 14.8e12 * number(formula("6nd"), {"N_p": 37e9}), 2.79e6 * 3600
    other, own = (symroof.machine(name).peak("fp8") * seconds for name in ("h100-pcie", "h800-sxm"))
    assert (printed(flops, 2), printed(other, 3)) == ("3.3e+24", "1.52e+25")
    assert f"{100 * float(printed(flops, 2)) / float(printed(other, 3)):.1f}" == "21.7"
    assert f"{100 * flops / own:.1f}" == "16.5"


def test_deepseek_v3_training_rate():
    # arXiv:2505.09343, table 4: 272.80B tokens a day on 2048 H800 are 385 TFLOP/s each, 432 on full squares
    deepseek = by_convention(symroof.load("deepseek-v3"), 4096)
    causal, full = (deepseek[x].training * 272.8e9 / DAY / 2048 / 1e12 for x in ("deepseek", "torchtitan"))
    assert full / causal == pytest.approx(432 / 385, rel=1.5e-3)
    assert causal == pytest.approx(385, rel=4e-3)


def test_llama_3_total():
    # arXiv:2407.21783: 3.8e25 FLOP for 405B on 15.6T tokens
    model = symroof.load("llama-3.1-405b")
    assert printed(15.6e12 * by_convention(model, 8192)["6nd"].training, 2) == "3.8e+25"


def test_scaling_book_llama_3_70b():
    # applied training: 4.2e11 FLOP a token, 6.3e24 on 15T tokens, 435 years on a v5p, 44 days on 8960 at 40 %
    flops = by_convention(symroof.load("llama-3-70b"), 4096)["6nd"].training
    assert printed(flops, 2) == "4.2e+11"
    assert 15e12 * flops == pytest.approx(6.3e24, rel=0.01)
    assert 15e12 * flops / (459e12 * DAY * 365) == pytest.approx(435, rel=0.01)
    assert 15e12 * flops / (8960 * 459e12 * 0.4) / DAY == pytest.approx(44, rel=0.02)  # printed rounded down
    # GPUs: 40 days on 4096 H100 at 45 %
    reached = 4096 * float(symroof.machine("h100-sxm").peak("bf16")) * 0.45
    assert printed(15e12 * flops / reached / DAY, 2) == "4.0e+01"


# Scaling.


ONE_OF_EACH = sorted({x["config"].get("model_type", name): name for name, x in model_catalogue().items()}.values())[::2]


@pytest.mark.parametrize("name", sorted({*ONE_OF_EACH, *MODELS}))
def test_a_family_contains_its_model(name):
    model = symroof.load(name)
    found, own = shape(model), {s.L: model.sizes[s.L], s.d: model.sizes[s.d]}
    assert found.parameters.subs(own) == found.along(found.parameters).subs(own) == model.parameters.total
    assert found.parameters.free_symbols <= {s.L, s.d}
    assert found.training.subs({**own, s.n: 64}) == training_flops(model, 64, rules="matmul-only").per_token


@pytest.mark.parametrize(
    ("name", "twice"),
    [
        ("llama-3.1-8b", ("d", "f", "H_q", "H_kv")),
        ("gpt2", ("d", "f", "H_q", "H_kv")),
        ("qwen3-30b-a3b", ("d", "f_e", "H_q", "H_kv")),
        ("deepseek-v3", ("d", "f", "f_e", "f_s", "H_q", "r_q", "r_kv")),
        ("mamba-130m", ("d", "d_m", "r_m")),
    ],
)
def test_a_family_at_twice_the_width_is_the_model_with_all_widths_doubled(name, twice):
    model = symroof.load(name)
    sizes = model.architecture.sizes
    wide = model.with_sizes(**{x: 2 * sizes[x] for x in twice if x in sizes})
    found, at = shape(model), {s.L: model.sizes[s.L], s.d: 2 * model.sizes[s.d], s.n: 1000}
    assert found.parameters.subs(at) == wide.parameters.total
    assert found.training.subs(at) == training_flops(wide, 1000, rules="matmul-only").per_token
    assert found.forward.subs(at) * 3 == found.training.subs(at)


def test_compute_is_6_nd_and_what_that_leaves_out():
    model = symroof.load("llama-3.1-8b")
    found, values = shape(model), {s.L: 32, s.d: 4096, s.n: 8192, s.N_p: model.parameters.total, s.D_t: 10**12}
    assert found.compute.subs(values) == training_flops(model, 8192, 10**12, rules="matmul-only").total
    assert found.excess.has(s.L * s.d * s.n)  # attention


@pytest.mark.parametrize("law", LAWS)
def test_the_closed_form_is_where_the_loss_is_least(law):
    values = {**LAWS[law].layer, s.C_t: 5.76 * 10**23}
    assert simplify(6 * BEST_N * BEST_D - s.C_t) == 0
    along = LOSS.subs(s.D_t, s.C_t / (6 * s.N_p))
    assert abs(diff(along, s.N_p).subs({s.N_p: BEST_N}).subs(values).evalf(40)) < 1e-24
    assert diff(along, s.N_p, 2).subs({s.N_p: BEST_N}).subs(values).evalf() > 0


@pytest.mark.parametrize("law", LAWS)
@pytest.mark.parametrize("budget", [1e18, 5.76e23, 1e28])
def test_the_search_finds_the_closed_form(law, budget):
    closed, searched = optimum(budget, law=law), optimum(budget, law=law, served=1e-300)
    assert (closed.method, searched.method) == ("closed form", "bisection")
    assert searched.parameters == pytest.approx(closed.parameters, rel=1e-9)
    assert searched.tokens == pytest.approx(closed.tokens, rel=1e-9)
    assert abs(closed.residual) < 1e-12
    assert closed.parameters == pytest.approx(float(closed.parameters_formula.subs({**LAWS[law].layer, s.C_t: budget})))
    assert closed.total == pytest.approx(budget)


def worth(found, law, x, served, budget=None, loss=None):
    """The loss that a size gets within a budget, or the FLOP that it takes to a loss, by the law's own formula."""
    forms = found.spending
    N, F, G = (float(lambdify(forms.unknown, y)(x)) for y in (forms.parameters, forms.training, forms.serving))
    E, A, B, alpha, beta = (float(y) for y in (law.E, law.A, law.B, law.alpha, law.beta))
    if budget is not None:
        return E + A / N**alpha + B / ((budget - served * G) / F) ** beta
    return (B / (loss - E - A / N**alpha)) ** (1 / beta) * F + served * G


@pytest.mark.parametrize("asked", [{"budget": 3e22}, {"loss": 2.1}], ids=str)
@pytest.mark.parametrize("served", [0, 1e12])
@pytest.mark.parametrize("name", [None, "llama-3.1-8b", "gpt2", "deepseek-v3", "gemma-3-1b", "mamba-130m"])
def test_no_size_nearby_does_better(name, served, asked):
    found = optimum(**asked, model=name and symroof.load(name), served=served, sequence=8192)
    assert abs(found.residual) < 1e-9
    best = worth(found, found.law, found.at, served, **asked)
    for factor in (0.98, 1.02):
        assert worth(found, found.law, found.at * factor, served, **asked) > best
    assert best == pytest.approx(found.loss if "budget" in asked else found.total, rel=1e-9)
    assert found.total == pytest.approx(asked.get("budget", found.total), rel=1e-9)
    assert found.loss == pytest.approx(asked.get("loss", found.loss), rel=1e-9)


def test_what_attention_vocabulary_and_serving_change():
    model = symroof.load("llama-3.1-8b")
    plain, short, long = optimum(1e22), optimum(1e22, model=model), optimum(1e22, model=model, sequence=131072)
    assert long.parameters < short.parameters
    assert long.tokens < short.tokens
    assert short.tokens > plain.tokens  # the input table costs no FLOP, so tokens are cheaper
    served = [optimum(loss=2.1, served=x) for x in (0, 1e11, 1e12, 1e13)]
    assert all(x.parameters > y.parameters and x.tokens < y.tokens for x, y in pairwise(served))
    assert all(x.training < y.training for x, y in pairwise(served))
    bare = model.with_sizes(V=1)
    assert optimum(1e26, model=bare, sequence=1).parameters == pytest.approx(optimum(1e26).parameters, rel=1e-3)


def test_a_law_of_ones_own():
    even = Law("even", "a law of equal exponents", *map(Fraction, ("1", "100", "100", "0.5", "0.5")))
    found = optimum(6e20, law=even)
    assert found.parameters == pytest.approx(1e10)
    assert found.tokens == pytest.approx(1e10)
    assert found.loss == pytest.approx(1 + 200 / math.sqrt(1e10))
    assert found.condition.has(log)
    assert found.to_dict()["law"] == "even"


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        ({}, "give one of the two"),
        ({"budget": 1e20, "loss": 2.0}, "give one of the two"),
        ({"budget": -1.0}, "budget: -1.0"),
        ({"loss": 1.5}, "stays above 1.69"),
        ({"budget": 1e20, "served": math.inf}, "tokens served"),
        ({"budget": 1e20, "law": "kaplan"}, "chinchilla, epoch"),
    ],
)
def test_what_has_no_optimum(asked, told):
    with pytest.raises(UsageError, match=told):
        optimum(**asked)
