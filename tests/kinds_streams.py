"""Residual streams, inputs of layers and what layers share, written out on a tape."""

from functools import reduce
from itertools import chain
from operator import add
from typing import Any

import counting
from counting import Num, Tape, dot, split
from kinds import Rows, Run, beside, by_group, cut, flat, heads, touch


def layer_inputs(run: Run, kind: Any, x: Rows) -> Rows:
    """Inputs of every layer: rows of a table, and a projection of the embedding."""
    L, d_p, V_p = run.z("L", "d_p", "V_p")
    with run.tape.op("lookup"):
        found = counting.lookup(run.tape, run.tape.table("emb", V_p, L * d_p), list(range(run.new)))
    y = run.op("scale", counting.scale, run.op("project", counting.linear, x, L * d_p), 0.5)
    y = flat(run.op("norm", counting.norm_heads, heads(y, L), kind.norm))
    return run.op("mix", mixed, found, y)


def mixed(tape: Tape, first: Rows, second: Rows) -> Rows:
    """(x + a y) b."""
    pairs = (zip(*pair, strict=True) for pair in zip(first, second, strict=True))
    return tape.store([[(x + 3.0 * y) * 0.7 for x, y in pair] for pair in pairs])


def layer_input(run: Run, kind: Any, x: Rows) -> Rows:
    """A layer's input, gated by the stream."""
    d, d_p = run.z("d", "d_p")
    gate = run.op("gate", counting.linear, x, d_p)
    y = run.op("act", counting.activate, beside(gate, run.rows(d_p)), kind.act)
    return run.op("project", counting.linear, y, d)


def laurel(run: Run, kind: Any, x: Rows) -> Rows:
    """A low-rank residual beside the plain one."""
    d, r = run.z("d", "r_l")
    y = run.op("up", counting.linear, run.op("down", counting.linear, x, r), d)
    y = run.op("norm", counting.norm, y, kind.norm)
    return run.op("join", joined, x, y, run.rows(d))


def joined(tape: Tape, *three: Rows) -> Rows:
    """(x + y + z) a."""
    sums = (zip(*rows, strict=True) for rows in zip(*three, strict=True))
    return tape.store([[(x + y + z) * 0.7 for x, y, z in row] for row in sums])


def altup(run: Run, kind: Any, x: Rows) -> Any:
    """A stage of AltUp."""
    return ALTUP[kind.stage](run, kind, x)


def expand(run: Run, kind: Any, x: Rows) -> Any:
    A, d = run.z("A", "d")
    others = run.op("project", counting.linear, x, (A - 1) * d)
    return run.op("level", levelled, [[a, *b] for a, b in zip(x, heads(others, A - 1), strict=True)])


def merge(run: Run, kind: Any, x: Rows) -> Any:
    A, d = run.z("A", "d")
    others = run.op("project", by_group, run.rows((A - 1) * d), A - 1, d)
    others = run.op("level", levelled, [[a, *b] for a, b in zip(x, others, strict=True)])
    return run.op("mean", average, [[a, *b] for a, b in zip(x, others, strict=True)])


def levelled(tape: Tape, tokens: Rows) -> Rows:
    """All streams but the first, as long as that."""

    def root(row: Rows) -> Num:
        return (reduce(add, [x * x for x in row]) / len(row)).sqrt()

    out = []
    for first, *others in tokens:
        length = root(first)
        factors = [length / root(x).larger(1e-5) for x in others]
        out.append([[e * y for e in x] for x, y in zip(others, factors, strict=True)])
    return tape.store(out)


def average(tape: Tape, tokens: Rows) -> Rows:
    """The mean of streams."""
    return tape.store([[reduce(add, xs) / len(xs) for xs in zip(*token, strict=True)] for token in tokens])


def router_of_streams(run: Run, x: Rows, first: bool) -> Rows:
    """A number per stream; the second time its weights are held already."""
    y = run.op("router.norm", counting.norm, x)
    y = run.op("router", counting.linear, y, run.sizes["A"])
    if not first:
        for name in ("router.norm", "router"):
            run.tape.tallies[name].kept.clear()
    return run.op("router.act", lambda tape: tape.store([[e.tanh() for e in row] for row in y]))


def predict(run: Run, kind: Any, x: Rows) -> Any:
    A, d = run.z("A", "d")
    numbers = run.op("coefficients", counting.linear, router_of_streams(run, x, True), A * A)
    streams = run.rows(A, d)

    def predicted(tape: Tape) -> Rows:
        return tape.store(
            [
                [
                    [stream[e] + dot([y[e] for y in token], row) for e in range(d)]
                    for stream, row in zip(token, split(mix, A), strict=True)
                ]
                for token, mix in zip(streams, numbers, strict=True)
            ]
        )

    return run.op("predict", predicted)


def correct(run: Run, kind: Any, x: Rows) -> Any:
    A, d = run.z("A", "d")
    numbers = run.op("coefficients", counting.linear, router_of_streams(run, x, False), A)
    streams = run.rows(A, d)

    def corrected(tape: Tape) -> Rows:
        out = []
        for token, row, c in zip(streams, x, numbers, strict=True):
            news, shares = [a - b for a, b in zip(row, token[0], strict=True)], [a + 1 for a in c]
            pairs = zip(token, shares, strict=True)
            out.append([[a + g * b for a, b in zip(stream, news, strict=True)] for stream, g in pairs])
        return tape.store(out)

    first, *_ = zip(*run.op("correct", corrected), strict=True)
    return run.op("weigh", weighed if kind.scaled else held, list(first))


def weighed(tape: Tape, rows: Rows) -> Rows:
    """Each element times a learned number."""
    gains = tape.table("n", len(rows[0]))
    return tape.store([[x * g for x, g in zip(row, gains, strict=True)] for row in rows])


def held(tape: Tape, rows: Rows) -> Rows:
    """Weights that are not used."""
    tape.table("n", len(rows[0]))
    return rows


def spread(run: Run, kind: Any, x: Rows) -> Any:
    A, d = run.z("A", "d")
    streams = run.rows(A - 1, d)

    def added(tape: Tape) -> Rows:
        pairs = zip(streams, x, strict=True)
        return tape.store([[[a + b for a, b in zip(y, row, strict=True)] for y in token] for token, row in pairs])

    return run.op("spread", added)


ALTUP = {"expand": expand, "predict": predict, "correct": correct, "spread": spread, "merge": merge}


def pointwise(run: Run, kind: Any, x: Rows) -> Rows:
    """An operation on the stream."""
    if kind.operation == "scale":
        return run.op("scale", counting.scale, x, 0.5)
    if kind.operation == "add":
        return run.op("add", counting.residual, x, run.rows(run.sizes["d"]))
    return run.op("shift", shifted, x)


def shifted(tape: Tape, rows: Rows) -> Rows:
    """(x + b) g, two learned numbers per element."""
    shift, gains = tape.table("n", 2, len(rows[0]))
    return tape.store([[(x + b) * g for x, b, g in zip(row, shift, gains, strict=True)] for row in rows])


def ngrams(run: Run, kind: Any, x: Rows) -> Rows:
    """Embeddings of several tokens, gated by m streams."""
    m, d, d_g, H_g, V_g = run.z("m", "d", "d_g", "H_g", "V_g")
    with run.tape.op("lookup"):
        table = run.tape.table("emb", V_g, d_g // H_g)
        found = counting.lookup(run.tape, table, list(range(run.new * H_g)))
    found = flat([found[i : i + H_g] for i in range(0, len(found), H_g)])
    keys, values = cut(run.op("key_value", counting.linear, found, m * d + d), m * d, d)
    keys = run.op("key_norm", counting.norm_heads, heads(keys, m), "rms", "heads")
    streams = run.rows(m, d)
    normed = run.op("stream_norm", counting.norm_heads, streams, "rms", "heads")
    gated = run.core("gate", [keys, normed, values], run.new, m, d)
    y = run.op("norm", counting.norm_heads, gated, "rms", "heads")
    y = run.core("conv", y, run.new, m * d)
    y = run.op("act", counting.activate, y, "silu", gated=False)

    def added(tape: Tape) -> Rows:
        three = zip(flat(streams), flat(gated), y, strict=True)
        return tape.store([[a + b + c for a, b, c in zip(*row, strict=True)] for row in three])

    return run.op("add", added)


def adapters(run: Run, kind: Any, x: Rows) -> Rows:
    """Low-rank projections beside shared ones, whose outputs they are added to."""
    d, f, r = run.z("d", "f", "r_a")
    names = [(name, run.rows(2 * d), 2 * d) for name in ("qkv" if kind.attention else "")] + [("gate_up", x, 2 * f)]
    for name, given, width in names:
        y = run.op(f"{name}.down", counting.linear, given, r)
        y = run.op(f"{name}.up", counting.linear, y, width)
        x = run.op(f"{name}.add", counting.residual, y, run.rows(width))
    return x


def projection(run: Run, kind: Any, x: Rows) -> Rows:
    """One projection."""
    return run.op("linear", counting.linear, x, run.sizes["d"], "f" if kind.role == "ffn" else "w", kind.bias)


def start(run: Run, kind: Any, x: Rows) -> Rows:
    """One vector for all tokens."""

    def copied(tape: Tape) -> Rows:
        vector = tape.table("n", run.sizes["d"])
        return [tape.store(vector) for _ in x]

    return run.op("start", copied)


def segments(run: Run, kind: Any, x: Rows) -> Rows:
    """One of two vectors added; each is read anew for every token."""
    with run.tape.op("lookup.segments"):
        run.tape.tally.kept["emb"] += 2 * run.sizes["d"]
        table = [run.tape.filled("emb", run.sizes["d"]) for _ in x]
        return counting.residual(run.tape, x, table)


def cycle(run: Run, kind: Any, x: Rows) -> Rows:
    """A norm and a sum with another run's output."""
    return run.op("add", counting.residual, run.op("norm", counting.norm, x, kind.norm), run.rows(run.sizes["d"]))


# Streams in place of one residual.


def gather(run: Run, streams: str, x: Rows, head: bool = False) -> Rows:
    """m streams made one; x is [token][stream]."""
    m = run.sizes["m"]
    if streams == "low_rank":
        return gather_low_rank(run, x, 0 if head else m)
    if streams == "mean":
        return run.op("streams.mean", average, x)
    count = m if head else 2 * m + (m * m if streams == "mixed" else 0)
    wide = run.op("streams.norm", counting.norm, flat(x), "rms_plain")
    numbers = run.core("streams.weights", wide, run.new, count)

    def summed(tape: Tape) -> Rows:
        pairs = zip(x, numbers, strict=True)
        return tape.store(
            [
                [reduce(add, [g * y for g, y in zip(row[:m], ys, strict=True)]) for ys in zip(*token, strict=True)]
                for token, row in pairs
            ]
        )

    return run.op("streams.gather", summed)


def gather_low_rank(run: Run, x: Rows, others: int) -> Rows:
    """Each stream normalised and weighed per element; `others`: weights of the output, 2 sigmoids."""
    m, d, r = run.z("m", "d", "r_s")
    normed = flat(run.op("streams.norm", counting.norm_heads, x, "rms", "heads"))
    narrow, more = cut(run.op("streams.down", counting.linear, normed, r + others), r, others)

    def activated(tape: Tape) -> tuple[Rows, Rows]:
        return (
            tape.store([[counting.silu(y * 0.5) for y in row] for row in narrow]),
            tape.store([[counting.sigmoid(y * 0.5) * 2.0 for y in row] for row in more]),
        )

    narrow, _ = run.op("streams.act", activated)
    weights = run.op("streams.up", counting.linear, narrow, m * d)

    def summed(tape: Tape) -> Rows:
        pairs = zip(x, heads(weights, m), strict=True)
        products = [
            [[counting.sigmoid(u) * y for u, y in zip(*p, strict=True)] for p in zip(us, ys, strict=True)]
            for ys, us in pairs
        ]
        return tape.store([[reduce(add, xs) * (1 / m) for xs in zip(*token, strict=True)] for token in products])

    return run.op("streams.gather", summed)


def copies(run: Run, x: Rows) -> Rows:
    """All streams from one; it is read once."""
    return run.op("streams", lambda tape: tape.store([[row] * run.sizes["m"] for row in x]))


def norm_gate(run: Run, y: Rows) -> Rows:
    """A norm's output, gated by a narrow network of itself."""
    d, r = run.z("d", "r_g")
    gates = run.op("norm.act", counting.activate, run.op("norm.down", counting.linear, y, r), "silu", gated=False)
    gates = run.op("norm.up", counting.linear, gates, d)
    return flat(run.op("norm.gated", counting.gate, [[row] for row in y], [[row] for row in gates]))


def join(run: Run, streams: bool, norm: str) -> Rows:
    """Stream and embedding of a module that predicts further ahead, joined."""
    d = run.sizes["d"]
    embedded = run.rows(d)
    if not streams:
        hidden = run.op("hidden_norm", counting.norm, run.rows(d), norm)
        embedded = run.op("embedding_norm", counting.norm, embedded, norm)
        return run.op("project", counting.linear, beside(hidden, embedded), d, "r")
    m = run.sizes["m"]
    hidden = run.op("hidden_norm", counting.norm_heads, run.rows(m, d), norm)
    embedded = run.op("embedding_norm", counting.norm, embedded, norm)
    hidden = run.op("project.hidden", counting.linear, list(chain(*hidden)), d)
    embedded = run.op("project.embedding", counting.linear, embedded, d)

    def added(tape: Tape) -> Rows:
        return tape.store([[x + y for x, y in zip(row, embedded[i // m], strict=True)] for i, row in enumerate(hidden)])

    return run.op("add", added)


# What routes tokens to experts.


def deep_router(run: Run, kind: Any, x: Rows) -> Any:
    """Scores by a network, of one expert more than there are."""
    r, N_e, k = run.z("r_r", "N_e", "k")
    y = run.op("router.down", counting.linear, x, r, "r", bias=True)
    y = run.op("router.add", weighed_sum, y, run.rows(r)) if kind.router_handed else y
    y = run.op("router.inner_norm", counting.norm, y)
    for number in (1, 2):
        y = run.op(f"router.fc{number}", counting.linear, y, r, "r", bias=True)
        y = run.op(f"router.act{number}", counting.activate, y, "gelu", gated=False)
    return run.op("router", counting.route, y, N_e + 1, k)


def weighed_sum(tape: Tape, rows: Rows, stream: Rows) -> Rows:
    """x + g r, a weight per element."""
    gains = tape.table("n", len(rows[0]))
    pairs = zip(rows, stream, strict=True)
    return tape.store([[x + g * r for x, g, r in zip(a, gains, b, strict=True)] for a, b in pairs])


def scaled_scores(run: Run, kind: Any, x: Rows) -> Any:
    """Scores of the experts that a token runs, each times its expert's learned number."""
    N_e, k = run.z("N_e", "k")
    scores, chosen = run.op("router", counting.route, x, N_e, k)
    with run.tape.op("router.scale"):
        factors = run.tape.table("n", N_e)
        touch(factors)
        return run.tape.store([[scores[t][e] * factors[e] for e in sent] for t, sent in enumerate(chosen)])


# Around a sublayer.


def sublayer(run: Run, wiring: Any, x: Rows) -> Rows:
    """A projection between the norms and residuals of a wiring; x is [token][stream] where there are several."""
    d, k_c = run.z("d", "k_c")
    y = gather(run, wiring.streams, x) if wiring.streams else x
    y = run.op("norm", counting.norm, y, wiring.norm) if wiring.norm else y
    y = norm_gate(run, y) if wiring.gated else y
    y = run.op("linear", counting.linear, y, d)
    y = run.op("post_conv", convolved_and_added, run, y, k_c) if wiring.convolved else y
    y = run.op("post_norm", counting.norm, y, wiring.post) if wiring.post else y
    y = run.op("scale", counting.scale, y, 0.5) if wiring.scaled else y
    if wiring.streams:
        m = run.sizes["m"]
        numbers = run.rows(m + (m * m if wiring.streams == "mixed" else 0))
        return run.core("streams.spread", [x, y, numbers], run.new, m, d)
    return run.op("residual", RESIDUALS[wiring.blended or wiring.weighed], x, y)


def convolved_and_added(tape: Tape, run: Run, rows: Rows, k: int) -> Rows:
    """A short convolution of the query's rows, added to them; its columns are held as states are."""
    past = tape.filled("s" if run.cached else "", k - 1, len(rows[0]))
    weights, line = tape.table("n", len(rows[0]), k), past + rows
    out = [
        [
            dot([y[i] for y in line[t : t + k]], column) + x
            for i, (column, x) in enumerate(zip(weights, rows[t], strict=True))
        ]
        for t in range(len(rows))
    ]
    tape.store(line[len(line) - k + 1 :], "s")
    tape.tally.kept["s"] += (k - 1) * len(rows[0])
    return tape.store(out)


def by_constants(tape: Tape, rows: Rows, stream: Rows) -> Rows:
    """a x + b r."""
    pairs = (zip(*pair, strict=True) for pair in zip(rows, stream, strict=True))
    return tape.store([[x * 0.6 + y * 0.8 for x, y in pair] for pair in pairs])


def by_gates(tape: Tape, rows: Rows, stream: Rows) -> Rows:
    """Both terms weighed by what follows from one learned number per element."""
    gates = tape.table("n", len(rows[0]))
    pairs = zip(rows, stream, strict=True)
    return tape.store([[x * g + y * g for x, y, g in zip(a, b, gates, strict=True)] for a, b in pairs])


def by_shifts(tape: Tape, rows: Rows, stream: Rows) -> Rows:
    """(x + e) a + (r + f) b, four learned numbers per element."""
    a, e, b, f = tape.table("n", 4, len(rows[0]))
    pairs = zip(rows, stream, strict=True)
    return tape.store([[(x[i] + e[i]) * a[i] + (y[i] + f[i]) * b[i] for i in range(len(x))] for x, y in pairs])


RESIDUALS: dict[str | bool, Any] = {
    False: counting.residual,
    True: weighed_sum,
    "constants": by_constants,
    "gate": by_gates,
    "shifted": by_shifts,
}
