"""Times and batches in print that follow from costs and rates alone: the scaling book, kipply."""

import math
from fractions import Fraction

import pytest
from sympy import Integer, Rational, expand, limit, oo, simplify

import symroof
from symroof import symbols as s
from symroof.algebra.binding import Binding
from symroof.cost import operator_time
from symroof.cost.cost import Cost
from symroof.hardware.machines import inline_machine
from symroof.hardware.platform import platform
from symroof.ops import dense
from symroof.performance import crossovers
from symroof.performance.roofline import roofline

V5E = inline_machine("name=v5e,bf16=1.97e14,int8=3.94e14,bandwidth=8.2e11,memory=16e9")  # as the book has it
V5E_810 = inline_machine("name=v5e,bf16=1.97e14,int8=3.94e14,bandwidth=8.1e11,memory=16e9")  # as it has it elsewhere
A100 = inline_machine("name=a100,fp16=312e12,bandwidth=1.5e12,memory=40e9")  # as kipply has it


def took(cost, machine, form="bf16", mfu=1):
    """Seconds of a cost on a machine, as the engine times an operator."""
    rates = {"F": Fraction(machine.peak(form)), "F_v": math.inf, "W": Fraction(machine.bandwidth), "t_0": 0}
    return float(operator_time.operator_seconds(cost, {**rates, "u_F": Fraction(mfu), "u_W": 1}).time)


def milliseconds(seconds, digits=2):
    return f"{1e3 * seconds:.{digits}f}"


# --- scaling book, rooflines: FLOP a byte --------------------------------------------------------------------------


def intensity(cost, width=2, spared=0):
    """Operations a byte, of elements of so many bytes; `spared`: additions that a dot product is spared."""
    bind = Binding({s.sigma: spared, s.b_a: width, s.b_w: width})
    return bind(cost.flops) / bind(cost.moved)


def test_intensity_of_a_dot_product():
    found = intensity(dense.linear(Integer(1), s.d, Integer(1)), spared=1)
    assert simplify(found - (2 * s.d - 1) / (4 * s.d + 2)) == 0
    assert limit(found, s.d, oo) == Rational(1, 2)


def test_intensity_of_a_matmul():
    found = intensity(dense.linear(s.B, s.d, s.f))
    assert simplify(found - s.B * s.d * s.f / (s.B * s.d + s.d * s.f + s.B * s.f)) == 0
    # a matrix for each row, int8: 2 whatever the batch
    each = intensity(s.B * dense.linear(Integer(1), s.d, s.f), width=1)
    assert limit(each.subs(s.f, 4 * s.d), s.d, oo) == 2


@pytest.mark.parametrize(("name", "group"), [("llama-3.1-8b", 4), ("llama-2-7b", 1)])
@pytest.mark.parametrize(("T", "S"), [(1024, 1024), (1, 1024), (1, 10**9), (64, 4096)])
def test_intensity_of_attention(name, group, T, S):
    # transformer math: S T G / (T G + S) for T queries and S keys, G query heads a key: TG/(G+1) at T = S, SG/(G+S) of
    # a token, G of a long context; inference: ST/(S+T) of as many heads. Queries, keys, values and output, bf16
    model = symroof.load(name)
    cost = model.report(T, S - T, rules="matmul-only,full-square", dtype="bf16")["attention/attend"].cost
    found = Fraction(cost.matmul, cost.moved - cost.cache_write)
    assert found == Fraction(S * T * group, T * group + S)
    if T == S:
        assert found == Fraction(T * group, group + 1)
    assert S < 10**9 or float(found) == pytest.approx(group)


# --- scaling book, inference: LLaMA 2 13B on 8 x v5e, 8192 tokens cached -------------------------------------------

BATCHES = (1, 8, 16, 32, 64, 240)
STEPS = {  # part of the cache that there is -> step in ms and tokens/s by batch, as printed
    1: (
        ("4.98", "12.13", "20.30", "36.65", "69.33", "249.09"),
        ("200.61", "659.30", "787.99", "873.21", "923.13", "963.53"),
    ),
    5: (
        ("4.17", "5.60", "7.23", "10.50", "17.04", "52.99"),
        ("239.94", "1,429.19", "2,212.48", "3,047.62", "3,756.62", "4,529.34"),
    ),
}
TABLE = [(part, *row) for part, columns in STEPS.items() for row in zip(BATCHES, *columns, strict=True)]


def step(batch, parameters, cache, machine, width=2):
    """Seconds of the book's step: attention reads the cache of each query, linear operators all weights."""
    linear = Cost(matmul=2 * parameters * batch, weight_read=width * parameters)
    return took(Cost(cache_read=batch * cache), machine) + took(linear, machine)


@pytest.mark.parametrize(("part", "batch", "step_ms", "rate"), TABLE)
def test_llama_2_13b_on_8_v5e(part, batch, step_ms, rate):
    seconds = step(batch, 13 * 10**9, Fraction(67 * 10**8, part), V5E.times(8))
    assert (milliseconds(seconds), f"{batch / seconds:,.2f}") == (step_ms, rate)


@pytest.mark.parametrize(("part", "batch", "step_ms", "rate"), TABLE)
def test_our_llama_2_13b_on_8_v5e(part, batch, step_ms, rate):
    # The book rounds: 13e9 weights are 12.85e9 without the input table, which decode does not read (-1.1 % of the
    # weights), 6.7 GB of cache are 6.71 (+0.16 %); ours moves the activations of matmuls too (+0.6 % at batch 240).
    # A fifth of the cache is a fifth of the context: fewer KV heads would be fewer weights, too.
    found = roofline(
        symroof.load("llama-2-13b"),
        platform(V5E.times(8)),
        anyway=True,
        new=1,
        cached=8192 // part - 1,
        batch_size=batch,
        dtype="bf16",
    )
    assert float(found.fused) * 1e3 == pytest.approx(float(step_ms), rel=0.0112)
    assert found.lower < found.fused


def test_a_batch_of_30b():
    # its pop quiz, on 16: int8 weights, bf16 FLOP, 819 MB of cache a query; 2.5 ms is 2.57 cut off
    few, many = (step(batch, 30 * 10**9, 819 * 10**6, V5E_810.times(16), width=1) for batch in (4, 256))
    assert (int(1e4 * few) / 10, milliseconds(many, 0)) == (2.5, "21")


# --- scaling book: the batch from which a matmul is compute-bound --------------------------------------------------

H100 = inline_machine("name=h100,bf16=1e15,bandwidth=3.35e12,memory=80e9")
V6E_HOST = inline_machine("name=v6e,bf16=9.2e14,bandwidth=1.5e10,memory=32e9")  # weights over PCIe: "61,000"
CRITICAL = [
    (V5E, "bf16", 2, 240),
    (V5E_810, "int8", 1, 243),
    (V5E, "bf16", 1, 120),
    (H100, "bf16", 2, 298),
    (V6E_HOST, "bf16", 2, 61_333),
]


@pytest.mark.parametrize(("machine", "form", "width", "printed"), CRITICAL)
def test_critical_batches(machine, form, width, printed):
    # one linear operator of weights far larger than the activations, which are left aside: b_a = 0
    aside = Binding({s.sigma: 0, s.b_a: 0, s.u_F: 1, s.u_W: 1})
    cost = dense.linear(s.B, Integer(4096), Integer(16384))
    left, right = aside(operator_time.matmul_time(cost)), aside(operator_time.memory_time(cost))
    rates = {s.F: Fraction(machine.peak(form)), s.W: Fraction(machine.bandwidth), s.b_w: Integer(width)}
    found = crossovers.crossover("", "", s.B, left, right, rates)
    assert math.floor(Binding(rates)(found.solution)) == printed
    assert found.value == printed + 1  # "B > 240"


INT8 = Binding({s.sigma: 0, s.b_a: 1, s.b_w: 1, s.u_F: 1, s.u_W: 1})
BY_INT8 = dense.linear(s.B, Integer(4096), Integer(16384))  # int8[B, 4096] by int8[16384, 4096]


def of_int8(bandwidth):
    """The batch from which that is compute-bound on a v5e, activations counted."""
    left, right = INT8(operator_time.matmul_time(BY_INT8)), INT8(operator_time.memory_time(BY_INT8))
    rates = {s.F: Fraction(V5E.peak("int8")), s.W: Fraction(bandwidth)}
    return Binding(rates)(crossovers.crossover("", "", s.B, left, right, rates).solution)


def rounded(x, digits):
    return float(f"{float(x):.{digits - 1}e}")


def test_critical_batches_with_activations():
    # chapter on TPUs: 11 from VMEM, 22 times as fast; from HBM 262, 271 in the book, which rounds on the way
    assert int(of_int8(22 * 81 * 10**10)) == 11
    assert int(of_int8(V5E_810.bandwidth)) == 262
    flops, moved = INT8(BY_INT8.matmul).coeff(s.B), expand(INT8(BY_INT8.moved))
    a_query = rounded(flops, 2) / V5E.peak("int8") - rounded(moved.coeff(s.B), 1) / V5E_810.bandwidth
    assert round(rounded(moved.coeff(s.B, 0), 2) / V5E_810.bandwidth / a_query) == 271


def test_our_decode_turns_compute_bound_where_the_book_says():
    # 240 but for the cache that is written: 2 layers x width bytes a token
    first = crossovers.crossovers(symroof.load("llama-2-13b"), platform(V5E), dtype="bf16")[0]
    assert first.value - 1 == pytest.approx(240, rel=0.01)


# --- scaling book, applied inference: LLaMA 3 70B ------------------------------------------------------------------


@pytest.mark.parametrize(("chips", "digits", "printed"), [(8, 0, "17"), (16, 1, "8.5")])
def test_serving_llama_3_70b(chips, digits, printed):
    # int8 weights (70e9) and cache (160 kB a token): 32 queries of 8192 tokens, 112 GB
    cost = Cost(weight_read=70 * 10**9, cache_read=32 * 8192 * 160 * 10**3)
    assert round(cost.moved / 1e9) == 112
    assert milliseconds(took(cost, V5E.times(chips)), digits) == printed
    if chips == 8:  # tokens/s a chip
        assert round(32 / rounded(took(cost, V5E.times(chips)), 2) / chips) == 235
    # ours: 69.50e9 weights read (-0.7 %), 160 KiB a token (+2.4 % of the cache)
    ours = roofline(
        symroof.load("llama-3-70b"),
        platform(V5E.times(chips), compute="bf16"),
        new=1,
        cached=8191,
        batch_size=32,
        dtype="int8",
        activations="bf16",
    )
    assert float(ours.lower) * 1e3 == pytest.approx(float(printed), rel=0.01)


def test_memory_of_llama_3_70b():
    # the fewest v5e by weights, 70e9 of them: 8.75 in bf16, 4.38 in int8; for 240 queries of 32k tokens 86
    model = symroof.load("llama-3-70b")
    needs = {
        form: roofline(model, platform(V5E, compute="bf16"), anyway=True, dtype=form).need.weights
        for form in ("bf16", "int8")
    }
    for form, chips in {"bf16": 8.75, "int8": 4.38}.items():
        assert needs[form] / V5E.memory == pytest.approx(chips, rel=0.01)
    held = model.report(1, 32767, 240, dtype="int8").storage.cache
    assert f"{held / 1e12:.1f}" == "1.3"
    assert (needs["int8"] + held) / V5E.memory == pytest.approx(86, rel=0.015)


def test_serving_rates_of_llama_3_70b():
    # bf16 on 4x4: 116 GB left for 43 caches of 8k tokens, 19 ms a step that reads all memory, 512 tokens each: 0.27
    # queries/s a chip, cut off
    free = V5E.times(16).memory - 2 * 70 * 10**9
    assert free == 116 * 10**9
    caches = free // (8192 * symroof.load("llama-3-70b").cache_per_token(cache="bf16"))
    assert caches == 43
    step = int(1e3 * took(Cost(cache_read=V5E.memory), V5E)) / 1e3
    assert int(100 * caches / (512 * step) / 16) == 27


def test_prefill_servers_for_a_decode_server():
    # 8192 tokens in 0.91 s; 32 queries of 512 tokens at a step that reads all memory: three prefill a decode server
    prefill = took(Cost(matmul=2 * 70 * 10**9 * 8192), V5E.times(16), mfu=Fraction(2, 5))
    decode = 512 * took(Cost(cache_read=V5E.memory), V5E)
    assert round(prefill * 32 / decode) == 3


@pytest.mark.parametrize(
    ("name", "bandwidth", "bf16", "int8"),
    # chapter on TPUs, its table; a v5e's bandwidth is 8.1e11 there and 8.2e11 elsewhere
    [
        ("tpu-v4", 1.2e12, 2.75e14, 2.75e14),
        ("tpu-v5p", 2.8e12, 4.59e14, 9.18e14),
        ("tpu-v5e", 8.2e11, 1.97e14, 3.94e14),
        ("tpu-v6e", 1.6e12, 9.2e14, 1.84e15),
    ],
)
def test_tpus_of_the_book(name, bandwidth, bf16, int8):
    found = symroof.machine(name)
    assert rounded(found.bandwidth, 2) == bandwidth
    assert rounded(found.peak("bf16"), 2 if name == "tpu-v6e" else 3) == bf16  # 9.18e14
    assert rounded(found.peak("int8"), 3) == int8


def test_other_times_of_the_book():
    # a v5e's whole memory 19 ms (cut off); a layer of 600M weights in bf16 on 4 of them 365 us (cut off)
    assert int(1e3 * took(Cost(cache_read=V5E.memory), V5E)) == 19
    assert int(1e6 * took(Cost(weight_read=2 * 600 * 10**6), V5E.times(4))) == 365
    # 200e9 weights in bf16 on 32 v4p: 10 ms
    v4p = inline_machine("name=v4p,bf16=2.75e14,bandwidth=1.23e12,memory=32e9").times(32)
    assert milliseconds(took(Cost(weight_read=2 * 200 * 10**9), v4p), 0) == "10"
    # prefill of 8192 tokens of 70e9 weights on 16, at 40 % of the peak
    assert f"{took(Cost(matmul=2 * 70 * 10**9 * 8192), V5E.times(16), mfu=Fraction(2, 5)):.2f}" == "0.91"
    # one matrix of the feed-forward network on 4 x 8, batch 64, bf16: 18 us of memory, 4.8 us of matmul
    bind = Binding({s.sigma: 0, s.b_a: 2, s.b_w: 2})
    cost = dense.linear(Integer(64), Integer(8192), Integer(28672))
    matmul, moved = (int(bind(x)) for x in (cost.matmul, cost.moved))
    pod = V5E.times(32)
    assert milliseconds(1e3 * took(Cost(act_read=moved), pod), 0) == "18"
    assert milliseconds(1e3 * took(Cost(matmul=matmul), pod), 1) == "4.8"


V4P = inline_machine("name=v4p,bf16=2.75e14,bandwidth=1.23e12,memory=32e9")
V6E = inline_machine("name=v6e,bf16=9.2e14,bandwidth=1.5e10,memory=32e9")  # over PCIe
B200 = inline_machine("name=b200,fp16=2.25e15,bandwidth=8e12,memory=180e9")


def test_matmuls_of_the_tpu_and_gpu_chapters():
    # 200B parameters in bf16 on 32 v4p: 10 ms
    assert milliseconds(took(Cost(weight_read=2 * 200 * 10**9), V4P.times(32)), 0) == "10"
    # fp16[64, 4096] x [4096, 8192] on a B200: 8.6 us; 512 rows: 15 us
    at = Binding({s.sigma: 0, s.b_a: 2, s.b_w: 2, s.u_F: 1, s.u_W: 1, s.t_0: 0, s.F_v: 1, s.F: 1, s.W: 1})
    for rows, digits, printed in (64, 1, "8.6"), (512, 0, "15"):
        cost = dense.linear(Integer(rows), Integer(4096), Integer(8192))
        seconds = took(Cost(matmul=int(at(cost.matmul)), act_read=int(at(cost.moved))), B200, "fp16")
        assert milliseconds(1e3 * seconds, digits) == printed


@pytest.mark.parametrize(
    ("machine", "form", "widths", "times", "printed", "within"),
    [
        (V6E, "bf16", (2, 0), 1, 61_000, 0.006),  # weights over PCIe
        # int8[16384, 4096] from HBM and from VMEM, 22 times as fast: 271 of coefficients 1.3e8 and 2e4, which are
        # 1.34e8 and 2.05e4: 262.7
        (V5E_810, "int8", (1, 1), 1, 271, 0.031),
        (V5E_810, "int8", (1, 1), 22, 11, 0.01),
    ],
)
def test_critical_batches_of_the_tpu_chapter(machine, form, widths, times, printed, within):
    bind = Binding({s.sigma: 0, s.u_F: 1, s.u_W: 1, s.b_w: widths[0], s.b_a: widths[1]})
    cost = dense.linear(s.B, Integer(4096), Integer(16384))
    rates = {s.F: Fraction(machine.peak(form)), s.W: times * Fraction(machine.bandwidth)}
    found = crossovers.intersection(s.B, bind(operator_time.matmul_time(cost)), bind(operator_time.memory_time(cost)))
    assert float(Binding(rates)(found)) == pytest.approx(printed, rel=within)


# --- kipply, transformer inference arithmetic ----------------------------------------------------------------------


@pytest.fixture(scope="module")
def kipply():
    """Its 52B: 64 layers of 8192, a plain network of four times that, a vocabulary of 65536."""
    return symroof.load(
        {
            "model_type": "mpt",
            "d_model": 8192,
            "n_layers": 64,
            "n_heads": 64,
            "vocab_size": 65536,
            "max_seq_len": 8192,
            "attn_config": {"alibi": True},
            "torch_dtype": "float16",
        }
    )


def test_kipply_counts(kipply):
    report = kipply.report(1)
    rows = {row.path: row.all for row in report.rows}
    norms = sum(cost.weight_held for path, cost in rows.items() if path.endswith("norm"))
    assert report.storage.total - report.storage.cache - norms == 104_152_956_928
    assert report.storage.cache == kipply.cache_per_token() == 2_097_152
    layers = {path: cost.matmul for path, cost in rows.items() if path.startswith(("attention/", "mlp/"))}
    assert sum(layers.values()) - layers["attention/attend"] == 103_079_215_104
    assert layers["attention/qkv"] * 2 / 3 == 17_179_869_184


def test_kipply_times(kipply):
    assert A100.peak("fp16") / A100.bandwidth == 208
    # a forward pass of up to 208 tokens: 69 ms on one, 17 on four; of 416 tokens 137 ms; attention and head left out
    for gpus, tokens, printed in (1, 1, "69"), (1, 208, "69"), (4, 1, "17"), (1, 416, "137"):
        report = kipply.report(tokens)
        matmul = sum(row.all.matmul for row in report.rows if row.layers > 1 and row.op != "attend")
        cost = Cost(matmul=matmul, weight_read=report.total.weight_read)
        assert milliseconds(took(cost, A100.times(gpus), "fp16"), 0) == printed
    # from the number of weights alone: 260e9 on 16 at batch 1 and 512, 52e9 on 4 at batch 256
    for billions, gpus, batch, printed in (260, 16, 1, "22"), (260, 16, 512, "53"), (52, 4, 256, "21"):
        cost = Cost(matmul=2 * billions * 10**9 * batch, weight_read=2 * billions * 10**9)
        assert milliseconds(took(cost, A100.times(gpus), "fp16"), 0) == printed
