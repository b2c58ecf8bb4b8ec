"""Recurrences and linear attention written out on a tape."""

from functools import reduce
from itertools import chain
from operator import add
from typing import Any

import counting
from counting import Num, Tape, dot
from kinds import Rows, Run, beside, by_group, convolved, cut, flat, heads, product, touch


def delta_net(run: Run, kind: Any, x: Rows) -> Rows:
    """The gated delta rule."""
    H_k, d_k, H_v, d_v, k_c, d = run.z("H_k", "d_k", "H_v", "d_v", "k_c", "d")
    each = 1 if kind.decay == "head" else d_k
    mixed = 2 * H_k * d_k + H_v * d_v
    decay = {"head": 0, "channel": H_v * d_k, "low_rank": d_k}[kind.decay]
    gate = d_k if kind.gate == "low_rank" else H_v * d_v
    with run.tape.op("in"):
        qkv, decays, gates = cut(counting.linear(run.tape, x, mixed + decay + gate), mixed, decay, gate)
        numbers = counting.linear(run.tape, x, (2 if each == 1 else 1) * H_v, "r")
    overwritten, rates = cut(numbers, H_v, H_v) if each == 1 else (numbers, decays)
    rates = run.op("decay.up", counting.linear, rates, H_v * d_k) if kind.decay == "low_rank" else rates
    gates = run.op("gate.up", counting.linear, gates, H_v * d_v) if kind.gate == "low_rank" else gates
    qkv = run.op("conv.act", counting.activate, run.op("conv", convolved, run, qkv, k_c), kind.act, gated=False)
    q, k, v = cut(qkv, H_k * d_k, H_k * d_k, H_v * d_v)
    overwritten, rates = run.op("decay", decays_of, kind, overwritten, rates, each)
    q, k = run.op("qk_norm", unit_length, heads(q, H_k), heads(k, H_k))
    y = run.core("scan", [q, k, v, rates, overwritten], run.new, H_v, d_v)
    y = run.op("inner_norm", counting.norm_heads, y, "rms")
    y = run.op("gated", counting.gate, y, heads(gates, H_v))
    return run.op("out", counting.linear, flat(y), d)


def decays_of(tape: Tape, kind: Any, x: Rows, y: Rows, each: int) -> tuple[Rows, Rows]:
    """What a key overwrites, and how the state decays."""
    rates, shifts = tape.table("n", len(y[0]) // each), tape.table("n", len(y[0]))

    def decay(i: int, a: Num) -> Num:
        if kind.bounded:
            return (counting.sigmoid((a + shifts[i]) * rates[i // each]) * -5.0).exp()
        return (counting.softplus(a + shifts[i]) * rates[i // each]).exp()

    twice = [[counting.sigmoid(b) * 2 if kind.doubled else counting.sigmoid(b) for b in row] for row in x]
    return tape.store(twice), tape.store([[decay(i, a) for i, a in enumerate(row)] for row in y])


def unit_length(tape: Tape, q: Rows, k: Rows) -> tuple[Rows, Rows]:
    """Heads over their lengths, queries over the root of their size too."""

    def over_length(head: Rows) -> Rows:
        length = (reduce(add, [x * x for x in head]) + counting.EPS).sqrt()
        return [x / length for x in head]

    small = [[[x * len(head) ** -0.5 for x in over_length(head)] for head in row] for row in q]
    return tape.store(small), tape.store([[over_length(head) for head in row] for row in k])


def lightning(run: Run, kind: Any, x: Rows) -> Rows:
    """Linear attention with fixed decays."""
    H, h, d = run.z("H_q", "h", "d")
    qkv = run.op("qkv", counting.linear, x, 3 * H * h)
    qkv = run.op("qkv.act", counting.activate, qkv, kind.act, gated=False)
    y = run.core("scan", qkv, run.new, H * h)
    y = run.op("inner_norm", counting.norm, y)
    gates = run.op("gate", counting.linear, x, H * h)
    y = run.op("gated", counting.gate, heads(y, H), heads(gates, H))
    return run.op("out", counting.linear, flat(y), d)


def gated_recurrence(run: Run, kind: Any, x: Rows) -> Rows:
    """A recurrence of each element, gated by the other half."""
    d_r, parts, k_c, d = run.z("d_r", "H_q", "k_c", "d")
    y, other = cut(run.op("in", counting.linear, x, 2 * d_r, bias=True), d_r, d_r)
    y = run.op("conv", convolved, run, y, k_c, bias=True)
    gates = run.op("gates", both_gates, y, parts)
    y = run.core("scan", [y, *gates], run.new, d_r)
    y = run.op("gated", counting.activate, beside(other, y), kind.act)
    return run.op("out", counting.linear, y, d, bias=True)


def both_gates(tape: Tape, rows: Rows, parts: int) -> list[Rows]:
    """Two gates, each by a projection of every block of a row."""
    size, found = len(rows[0]) // parts, []
    for _ in range(2):
        weights, shift = tape.table("w", parts, size, size), tape.table("n", parts, size)
        sums = [
            [dot(part, weights[b][i]) + shift[b][i] for b, part in enumerate(row) for i in range(size)]
            for row in heads(rows, parts)
        ]
        found.append(tape.store(sums))
    return found


def short_convolution(run: Run, kind: Any, x: Rows) -> Rows:
    """A convolution between two products."""
    d, k_c = run.z("d", "k_c")
    first, second, y = cut(run.op("in", counting.linear, x, 3 * d, bias=kind.bias), d, d, d)
    y = run.op("conv", convolved, run, run.op("gate_in", product, first, y), k_c, kind.bias)
    return run.op("out", counting.linear, run.op("gate_out", product, second, y), d, bias=kind.bias)


def mamba(run: Run, kind: Any, x: Rows) -> Rows:
    """A selective state space."""
    d_m, N, r, k_c, d = run.z("d_m", "N_m", "r_m", "k_c", "d")
    H = run.sizes["H_m"] if kind.heads else 1
    y, other = cut(run.op("in", counting.linear, x, 2 * d_m, bias=kind.bias), d_m, d_m)
    y = run.op("conv", convolved, run, y, k_c, kind.conv_bias)
    y = run.op("conv.act", counting.activate, y, kind.act, gated=False)
    given = run.op("x", by_group, y, H, r + 2 * N)
    steps, B, C = zip(*((head[:r], head[r : r + N], head[r + N :]) for row in given for head in row), strict=True)
    if kind.norm:
        with run.tape.op("inner_norm"):
            steps, B, C = (counting.norm(run.tape, list(part), kind.norm) for part in (steps, B, C))
    steps = [list(chain(*steps[i : i + H])) for i in range(0, len(steps), H)]
    steps = run.op("dt", by_group, steps, H, d_m // H)
    with run.tape.op("scan.weights"):
        touch([run.tape.table("n", d_m, N), run.tape.table("n", 2, d_m)])
    y = run.core("scan", [y, other, steps, *B, *C], run.new, d_m)
    return run.op("out", counting.linear, y, d, bias=kind.bias)


def mamba2(run: Run, kind: Any, x: Rows) -> Rows:
    """A state space of heads with one decay each."""
    H, h, N, G, k_c, d = run.z("H_m", "h_m", "N_m", "G_m", "k_c", "d")
    mixed = H * h + 2 * G * N
    width = H * h + mixed + H
    other, y, steps = cut(run.op("in", counting.linear, x, width, bias=kind.bias), H * h, mixed, H)
    y = run.op("conv", convolved, run, y, k_c, kind.conv_bias)
    y = run.op("conv.act", counting.activate, y, kind.act, gated=False)
    with run.tape.op("scan.weights"):
        touch(run.tape.table("n", 3, H))
    y = run.core("scan", [y, steps], run.new, H * h)
    y = run.op("gated", counting.activate, beside(other, y), "silu")
    if kind.norm:
        y = flat(run.op("inner_norm", counting.norm_heads, heads(y, G), kind.norm, "heads"))
    return run.op("out", counting.linear, y, d, bias=kind.out_bias)


def matrix_memory(run: Run, kind: Any, x: Rows) -> Rows:
    """The matrix memory of xLSTM."""
    H, d_k, d_v, d = run.z("H_v", "d_k", "d_v", "d")
    widths = 2 * H * d_k + H * d_v, H * d_v
    qkv, other = cut(run.op("in", counting.linear, x, sum(widths), bias=kind.bias), *widths)
    gates = run.op("gates", counting.linear, x, 2 * H, bias=True)
    y = run.core("scan", [qkv, run.op("cap", counting.cap, gates, 15.0)], run.new, H, d_v)
    y = run.op("inner_norm", counting.norm_heads, y, "layer" if kind.bias else "layer_unbiased", "heads")
    y = run.op("gated", counting.gate, y, heads(other, H))
    return run.op("out", counting.linear, flat(y), d, bias=kind.bias)


def time_mix(run: Run, kind: Any, x: Rows) -> Rows:
    """RWKV's attention: by head with a matrix of state, or by channel."""
    count = 4 if kind.heads else 3
    H, h = run.z("H_q", "h") if kind.heads else (1, run.sizes["d_r"])
    mixtures = run.core("mix", x, count, run.new, run.sizes["d"])
    with run.tape.op("in"):
        *kv, other = (counting.linear(run.tape, rows, H * h) for rows in mixtures)
    y = run.core("wkv", kv, run.new, H, h)
    if kind.heads:
        y = run.op("inner_norm", counting.norm_heads, y, "layer", "heads")
        y = run.op("gated", counting.activate, beside(other, flat(y)), "silu")
    else:
        y = flat(run.op("gated", counting.gate, y, heads(other, 1)))
    return run.op("out", counting.linear, y, run.sizes["d"])


def channel_mix(run: Run, kind: Any, x: Rows) -> Rows:
    """RWKV's network, its output gated."""
    d, f = run.z("d", "f")
    first, second = run.core("mix", x, 2, run.new, d)
    y = run.op("act", counting.activate, run.op("up", counting.linear, first, f, "f"), "relu2", gated=False)
    y = run.op("down", counting.linear, y, d, "f")
    gates = run.op("gate", counting.linear, second, d, "f")
    return run.op("gated", counting.gate, [[row] for row in y], [[row] for row in gates])
