"""The figures of LLM-Viewer for llama, as Table 1 of its paper prints them (arXiv:2402.16363).

Each operator is counted as that tool does (github.com/hahnyuan/LLM-Viewer), in our vocabulary and, where we have it
too, under our path; its sequence length includes the new token of a decode. `DEPARTURES` says how it departs from what
a model computes.

Where its code differs from the table, the table is followed: here the activation has the f elements of the network,
not d; queries are read for every query head in a prefill too, not for every KV head; a head has the size h of the
config, not d / H_q; logits are read and written for each query of a batch, not for one. Its fused attention, which
reads keys and values for every query head and writes an output as wide as the context, is not reproduced.
"""

from dataclasses import replace

from sympy import Expr

from symroof import symbols as s
from symroof.architecture.kinds.attention import Attention
from symroof.architecture.structure import Structure, Sublayer
from symroof.cost.cost import Cost
from symroof.cost.flops import dots
from symroof.cost.graph import Block, Op
from symroof.ops import dense
from symroof.symbols import symbol

DEPARTURES = {
    "separate": "runs projections of the same input one by one, and reads the input each time",
    "cached": "writes keys and values to the cache as they are projected, and reads new ones from there too",
    "scores": "has no fused attention: scores are written, read and written by the softmax, and read again",
    "square": "computes masked pairs too: n (c + n) per query, not the causal ones",
    "softmax": "counts 5 operations per score for the softmax",
    "norm": "counts 7 operations per element for a norm, and no weights",
    "act": "counts 2 operations per element for the activation and its product",
    "add": "reads one of the two terms of a sum",
    "head": "counts one operation per multiply-add in the head, not two",
    "bias": "ignores biases",
    "unmodelled": "has no such operator",
}

# Operator name -> the departures that can change its figures; both its operators, and ours that it splits.
REASONS = {
    "norm": ("norm",),
    **dict.fromkeys(("qkv", "k", "v"), ("separate", "cached", "bias")),
    "q": ("separate", "bias"),
    "attend": ("cached", "scores", "square", "softmax"),
    **dict.fromkeys(("qk_matmul", "sv_matmul"), ("cached", "scores", "square")),
    "softmax": ("scores", "square", "softmax"),
    "residual": ("add",),
    **dict.fromkeys(("gate_up", "gate", "up"), ("separate", "bias")),
    "act": ("act",),
    **dict.fromkeys(("out", "down"), ("bias",)),
}


def llm_viewer_departures(structure: Structure, path: str) -> tuple[str, ...]:
    """The departures that explain a difference in the operator at `path`."""
    block, _, op = path.partition("/")
    kind = next((x.kind for x in structure.sublayers if x.name == block), None)
    if path == "head/logits":
        return ("head",)
    if kind is None or op not in REASONS:
        return ("unmodelled",)
    return tuple(x for x in REASONS[op] if x != "bias" or getattr(kind, "bias", False))


def _written_to_cache(projected: Cost) -> Cost:
    """A projection to keys or values, written to the cache."""
    width = s.H_kv * s.h * s.b_c
    return replace(projected, act_write=0, cache_write=s.T * width, cache_held=s.K * width)


def _attention_product(products: Expr, outputs: Expr, read: Expr, written: Expr) -> Cost:
    """A product of activations with all keys or values, read from the cache once per KV head."""
    keys = s.K * s.H_kv * s.h * s.b_c
    return Cost(matmul=dots(products, outputs), cache_read=keys, act_read=read * s.b_a, act_write=written * s.b_a)


def _norm() -> Op:
    """A norm of 7 operations per element."""
    return Op("norm", "norm", dense.elements(s.T, s.d, s.d, 7 * s.d))


def _add() -> Op:
    """The sum of two activations, only one of which is read."""
    return Op("residual", "residual", dense.elements(s.T, s.d, s.d, s.d))


def _attention() -> list[Op]:
    """Projections, scores of P = sum n (c + n) pairs, their softmax, values."""
    queries, keys = s.H_q * s.h, dense.linear(s.T, s.d, s.H_kv * s.h)
    scores, products = s.P * s.H_q, s.P * queries
    return [
        Op("q", "attention", dense.linear(s.T, s.d, queries)),
        Op("k", "attention", _written_to_cache(keys)),
        Op("v", "attention", _written_to_cache(keys)),
        Op("qk_matmul", "attention_core", _attention_product(products, scores, s.T * queries, scores)),
        Op("softmax", "attention_core", dense.elements(s.P, s.H_q, s.H_q, 5 * s.H_q)),
        Op("sv_matmul", "attention_core", _attention_product(products, s.T * queries, scores, s.T * queries)),
        Op("out", "attention", dense.linear(s.T, queries, s.d, s.b_o)),
    ]


def _feed_forward() -> list[Op]:
    """Gate and up projection, activation and product, down projection."""
    up = dense.linear(s.T, s.d, s.f, s.b_f)
    return [
        Op("gate", "ffn", up),
        Op("up", "ffn", up),
        Op("act", "ffn", dense.elements(s.T, 2 * s.f, s.f, 2 * s.f)),
        Op("down", "ffn", dense.linear(s.T, s.f, s.d, s.b_f)),
    ]


def _sublayer_block(x: Sublayer) -> Block:
    """Attention or feed-forward network, with its norm and its residual."""
    ops = _attention() if isinstance(x.kind, Attention) else _feed_forward()
    return Block(x.name, (_norm(), *ops, _add()), symbol(x.layers))


def _head(tied: bool) -> Block:
    """Logits of one position per query, one operation per multiply-add."""
    logits = dense.linear(s.R, s.d, s.V, s.b_emb if tied else s.b_head)
    return Block("head", (Op("logits", "head", replace(logits, matmul=s.R * s.d * s.V)),))


def llm_viewer_graph(structure: Structure) -> Block:
    """The blocks that the tool adds up, and its head; it has no embedding, no rotation and no norm after the layers."""
    return Block("model", (*map(_sublayer_block, structure.sublayers), _head(structure.tied)))
