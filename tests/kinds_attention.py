"""Kinds of attention written out on a tape."""

from functools import reduce
from itertools import chain
from operator import add
from typing import Any

import counting
from counting import Tape
from kinds import Rows, Run, beside, by_group, convolved, cut, flat, heads, sink, turn, weighed_by_position

# Latents and selected keys.


def latent_attention(run: Run, kind: Any, x: Rows) -> Rows:
    """Keys and values in a latent, all of them expanded."""
    H, h_n, h_v, d = run.z("H_q", "h_n", "h_v", "d")
    q, gates, narrow = latent_queries(run, kind, x)
    latent, turned = latent_keys(run, kind, x)
    if kind.rotary:
        both = [[head[h_n:] for head in row] + key for row, key in zip(q, turned, strict=True)]
        both = turn(run, "rope", both)
        q = [[a[:h_n] + b for a, b in zip(row, new[:H], strict=True)] for row, new in zip(q, both, strict=True)]
        turned = [row[H:] for row in both]
    q = run.op("temperature", weighed_by_position, q) if kind.temperature else q
    q = run.op("scale", counting.temper, q) if kind.tuned else q
    chosen = selected(run, kind, x, narrow)
    y = latent_core(run, q, latent, turned, chosen, run.sizes["w"] - 1 if kind.mask == "sliding" else run.cached)
    if kind.sinks:
        run.op("sinks", sink, run.new, H)
    if kind.gate in ("full", "head"):
        gates = run.op("gate", counting.linear, x, H if kind.gate == "head" else H * h_v)
    if kind.gate:
        y = run.op("gated", counting.gate, y, gates if kind.gate == "head" else heads(gates, H))
    return run.op("out", counting.linear, flat(y), d, "o", kind.out_bias)


def latent_queries(run: Run, kind: Any, x: Rows) -> tuple[Rows, Rows, Rows]:
    """Queries [token][head], gates that are projected with them, the latent of both."""
    H, h_n, h_r, h_v, r_q = run.z("H_q", "h_n", "h_r", "h_v", "r_q")
    widths = H * (h_n + h_r), H * h_v if kind.gate == "latent" else 0
    if not kind.low_rank:
        q, gates = cut(run.op("q", counting.linear, x, sum(widths)), *widths)
        return heads(q, H), gates, x
    raw = run.op("q_a", counting.linear, x, r_q, bias=kind.bias)
    narrow = run.op("q_norm", counting.norm, raw)
    both = beside(narrow, raw) if kind.raw else narrow
    q, gates = cut(run.op("q_b", counting.linear, both, sum(widths)), *widths)
    return heads(q, H), gates, narrow


def latent_keys(run: Run, kind: Any, x: Rows) -> tuple[Rows, Rows]:
    """The latent of each token, and its key that is rotated, as one head; none where they are another layer's."""
    r, h_r = run.z("r_kv", "h_r")
    if kind.borrowed:
        return run.tape.filled("a", run.new, r), [[] for _ in x]
    latent, turned = cut(run.op("kv_a", counting.linear, x, r + h_r, bias=kind.bias), r, h_r)
    latent = run.op("kv_norm", counting.norm, latent)
    turned = run.op("key_norm", counting.norm, turned) if kind.key_norm else turned
    return latent, [[row] for row in turned]


def latent_core(run: Run, q: Rows, latent: Rows, turned: Rows, chosen: Rows, most: int) -> Rows:
    """Expand the latents of new and at most so many cached tokens, attend; what is new is read as it is cached."""
    H, h_n, h_r, h_v = run.z("H_q", "h_n", "h_r", "h_v")
    seen = run.new + min(run.cached, most)
    expanded = run.core("kv_b", latent, seen, H, h_n + h_v)
    keys = turned if turned[0] else run.rows(h_r)  # of another layer's cache
    return run.core("attend", [q, expanded, latent, keys, chosen], run.new, H, h_v)


def selected(run: Run, kind: Any, x: Rows, narrow: Rows) -> Rows:
    """What an indexer selects, this layer's or an earlier one's."""
    if kind.mask not in ("top", "tail"):
        return []
    count = run.new * run.sizes["k_b"] if kind.mask == "tail" else pairs_of_top(run)
    if kind.indexer != "full":
        return run.tape.filled("a", count)
    H, h, h_r = run.z("H_i", "h_i", "h_r")
    narrow = narrow if kind.low_rank else run.op("index.q_norm", counting.norm, x, "layer")
    q = heads(run.op("index.q", counting.linear, narrow, H * h), H)
    k = run.op("index.k", counting.linear, x, h)
    k = run.op("index.k_norm", counting.norm, k, "layer")
    weights = run.op("index.weights", counting.linear, x, H, "r")
    q = run.op("index.temperature", weighed_by_position, q) if kind.temperature else q
    if kind.rotary:
        both = turn(run, "index.rope", [[*a, b] for a, b in zip(q, k, strict=True)], h_r)
        q, k = [row[:H] for row in both], [row[H] for row in both]
    if kind.mask == "tail":
        gates = run.op("index.gate", counting.linear, x, h)
        k = run.core("index.pool", [k, gates], complete(run, "w_i"), h)
    return run.core("index", [q, weights, k], count)


def pairs_of_top(run: Run) -> int:
    """Selected pairs."""
    return sum(min(t + 1, run.sizes["k_i"]) for t in range(run.cached, run.cached + run.new))


def complete(run: Run, size: str) -> int:
    """Blocks that the step completes."""
    return (run.cached + run.new) // run.sizes[size] - run.cached // run.sizes[size]


def compressed_attention(run: Run, kind: Any, x: Rows) -> Rows:
    """A window of keys that serve as values, and compressed entries."""
    H, h, h_r, r_q, G, r_o, d = run.z("H_q", "h", "h_r", "r_q", "G_o", "r_o", "d")
    narrow = run.op("q_norm", counting.norm, run.op("q_a", counting.linear, x, r_q))
    q = heads(run.op("q_b", counting.linear, narrow, H * h), H)
    q = run.op("q_head_norm", counting.norm_heads, q, "rms_plain")
    kv = run.op("kv_norm", counting.norm, run.op("kv", counting.linear, x, h))
    both = turn(run, "rope", [[*a, b] for a, b in zip(q, kv, strict=True)], h_r)
    q, kv = [row[:H] for row in both], [row[H] for row in both]
    entries = compressor(run, "compress", x, h, kind.entries == "selected") if kind.entries else []
    chosen = entry_indexer(run, x, narrow) if kind.entries == "selected" else []
    y = run.core("attend", [q, kv, entries, chosen], run.new, H, h)
    run.op("sinks", sink, run.new, H)
    y = turn(run, "rope_back", y, h_r)
    y = run.op("out_a", by_group, flat(y), G, r_o, "o")
    return run.op("out_b", counting.linear, flat(y), d, "o")


def compressor(run: Run, name: str, x: Rows, h: int, overlapping: bool) -> Rows:
    """Entries of the tokens, normalised and rotated."""
    both = run.op(f"{name}.kv_gate", counting.linear, x, (4 if overlapping else 2) * h, "r")
    entries = run.core(name, both, complete(run, "w_c"), h)
    entries = run.op(f"{name}.norm", counting.norm, entries)
    return flat(turn(run, f"{name}.rope", [[x] for x in entries], run.sizes["h_r"]))


def entry_indexer(run: Run, x: Rows, narrow: Rows) -> Rows:
    """The entries that are selected for each token."""
    H, h, h_r, w, k = run.z("H_i", "h_i", "h_r", "w_c", "k_i")
    entries = compressor(run, "index.compress", x, h, True)
    q = heads(run.op("index.q", counting.linear, narrow, H * h), H)
    q = turn(run, "index.rope", q, h_r)
    weights = run.op("index.weights", counting.linear, x, H, "r")
    pairs = sum(min((t + 1) // w, k) for t in range(run.cached, run.cached + run.new))
    return run.core("index", [q, weights, entries], pairs)


# Other attention.


def relative_attention(run: Run, kind: Any, x: Rows) -> Rows:
    """Biases by distance; here the clipped form, the plain one is in test_operators_inkling."""
    H, H_kv, h, d_b, e_b, d = run.z("H_q", "H_kv", "h", "d_b", "e_b", "d")
    parts = H * h, H * h, H * d_b, H
    if kind.dynamic:
        q, gates, mixing, lone = cut(run.op("qr", counting.linear, x, sum(parts)), *parts)
        k, v = (convolved_by_token(run, name) for name in "kv")
    else:
        flat_ = run.op("qkvr", counting.linear, x, sum(parts) + 2 * H_kv * h)
        q, gates, mixing, lone, k, v = cut(flat_, *parts, H_kv * h, H_kv * h)
        kv = run.core("conv", [k, v], run.new, 2 * H_kv * h)
        k, v = cut(run.op("conv.scale", counting.scale, kv, 0.5), H_kv * h, H_kv * h)
    with run.tape.op("qk_clip"):
        q, k = limited(run.tape, heads(q, H), weighed=True), limited(run.tape, heads(k, H_kv))
    mixing = run.op("relative.clip", limited, heads(mixing, H), weighed=True)
    v = run.op("v_norm", counting.norm_heads, heads(v, H_kv), "rms_plain")
    biases = run.op("relative", counting.linear, list(chain(*mixing)), e_b)
    biases = [biases[i : i + H] for i in range(0, len(biases), H)]
    if kind.temperature:
        both = [[[*a, *b] for a, b in zip(*pair, strict=True)] for pair in zip(q, biases, strict=True)]
        q = run.op("temperature", counting.temper, both)
        biases = []
    y = run.core("attend", [q, biases, k, v], run.new, H, h)
    run.op("sinks", sink, run.new, H, lone)
    y = run.op("gated", counting.gate, y, heads(gates, H))
    return run.op("out", counting.linear, flat(y), d, "o")


def convolved_by_token(run: Run, name: str) -> Rows:
    """Keys or values from an input of their own, which gives the weights of their convolution too."""
    H_kv, h, k_c = run.z("H_kv", "h", "k_c")
    own = run.op(f"{name}.norm", counting.norm, run.rows(run.sizes["d"]))
    y = run.op(name, counting.linear, own, H_kv * h)
    weights = run.op(f"{name}.weights", counting.linear, own, H_kv * k_c)
    return run.core(f"{name}.conv", [y, weights], run.new, H_kv * h)


def limited(tape: Tape, given: Rows, weighed: bool = False) -> Rows:
    """Heads that are no longer than a limit, after a learned factor for each element of all heads."""
    count, h = len(given[0]), len(given[0][0])
    gains = tape.table("n", count, h) if weighed else None
    out = []
    for row in given:
        new = []
        for i, head in enumerate(row):
            head = [x * g for x, g in zip(head, gains[i], strict=True)] if gains else head
            length = reduce(add, [x * x for x in head]).sqrt()
            factor = (0.7 / (length + 1e-6)).smaller(1.0)
            new.append([x * factor for x in head])
        out.append(new)
    return tape.store(out)


def convolved_attention(run: Run, kind: Any, x: Rows) -> Rows:
    """Queries and keys convolved twice, values half of the token before."""
    H, H_kv, h, h_r, k_c, d = run.z("H_q", "H_kv", "h", "h_r", "k_c", "d")
    widths = H * h, H_kv * h, H_kv * h // 2
    q, k, v = cut(run.op("qkv", counting.linear, x, sum(widths), bias=kind.bias), *widths)
    late = run.core("v_delayed", x, run.new, widths[2])
    both = beside(q, k)
    twice = run.op("conv", convolved, run, both, k_c, bias=True)
    twice = run.core("conv_heads", twice, run.new, (H + H_kv) * h)
    parts = [heads(part, n) for part, n in zip((*cut(twice, *widths[:2]), q, k), (H, H_kv) * 2, strict=True)]
    q, k = run.op("means", means, *parts)
    q, k = run.op("qk_norm", of_unit_length, q, k)
    both = turn(run, "rope", [a + b for a, b in zip(q, k, strict=True)], h_r)
    y = run.core("attend", [both, v, late], run.new, H, h)
    return run.op("out", counting.linear, flat(y), d, "o", kind.bias)


def means(tape: Tape, q: Rows, k: Rows, u: Rows, v: Rows) -> tuple[Rows, Rows]:
    """Queries and keys, and the means of those as projected, added up over the query heads of a key."""
    T, H, H_kv = range(len(q)), range(len(q[0])), range(len(k[0]))
    group = len(H) // len(H_kv)
    a = [[[(x + y) * 0.5 for x, y in zip(u[t][m], v[t][m // group], strict=True)] for m in H] for t in T]
    new_q = tape.store([[[x + y for x, y in zip(q[t][m], a[t][m], strict=True)] for m in H] for t in T])
    added = [
        [[reduce(add, xs) * (1 / group) for xs in zip(*a[t][j * group : (j + 1) * group], strict=True)] for j in H_kv]
        for t in T
    ]
    new_k = tape.store([[[x + y for x, y in zip(k[t][j], added[t][j], strict=True)] for j in H_kv] for t in T])
    return new_q, new_k


def of_unit_length(tape: Tape, q: Rows, k: Rows) -> tuple[Rows, Rows]:
    """Heads over their lengths; keys times a learned number per head."""
    factors = tape.table("n", len(k[0]))
    keys = [[[x * g for x in united(head)] for head, g in zip(row, factors, strict=True)] for row in k]
    return tape.store([[united(head) for head in row] for row in q]), tape.store(keys)


def united(head: Rows) -> Rows:
    """A head of the length sqrt(h)."""
    factor = 2.0 / reduce(add, [x * x for x in head]).sqrt().larger(1e-9)
    return [x * factor for x in head]


# What grouped attention selects its keys by.


def block_indexer(run: Run, kind: Any, x: Rows) -> Rows:
    """Scores of keys, or of one pooled key per block, by a few small heads that have one key together."""
    H, h, k_b = run.z("H_i", "h_i", "k_b")
    pools = kind.mask == "tail"
    rotated = run.sizes["h_r"] if kind.rotary == "partial" else run.sizes["h"] if pools else h
    q, k = cut(run.op("index.qk", counting.linear, x, (H + 1) * h), H * h, h)
    k = run.core("index.pool", k, complete(run, "w_i"), h) if pools else k
    with run.tape.op("index.qk_norm"):
        q = counting.norm(run.tape, [head for row in heads(q, H) for head in row], kind.qk_norm)
        k = counting.norm(run.tape, k, kind.qk_norm)
    both = turn(run, "index.rope", [[head] for head in (*q, *k)], rotated)
    return run.core("index", both, run.new * k_b * (1 if pools else H))


def key_mask(run: Run, kind: Any, x: Rows) -> None:
    """A number for each key and KV head, by the key's value."""
    H, h = run.z("H_kv", "h")
    run.core("mask", run.rows(H, h), run.new + run.cached, H)
