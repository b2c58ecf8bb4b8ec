"""The figures of Transformer Roofline Analyzer for llama and llama4.

Each operator is counted as that tool does (github.com/Jench2103/transformer-roofline-analyzer), in our vocabulary and
under our paths. `DEPARTURES` says how it departs from what a model computes.
"""

from sympy import Expr

from symroof import symbols as s
from symroof.architecture.kinds.attention import Attention
from symroof.architecture.kinds.experts import Experts
from symroof.architecture.structure import Kind, Structure, Sublayer
from symroof.cost.cost import ZERO, Cost
from symroof.cost.graph import Block, Op
from symroof.symbols import symbol

DEPARTURES = {
    "dots": "counts 2k - 1 FLOP per dot product, not 2k",
    "heads": "adds up the scores of all query heads as one dot product of length H_q h per pair",
    "kv_width": "multiplies scores with values for H_kv heads, not for all H_q query heads",
    "square": "computes masked pairs too: n (c + n) per query, not the causal ones",
    "softmax": "leaves out the softmax",
    "append": "leaves out the write of new keys and values to the cache",
    "chunk": "ignores attention_chunk_size: every layer attends to and caches the whole context",
    "act": "adds the number of tokens to the gate's 5 f FLOP, which every token needs",
    "norm": "counts one weight more than a norm has",
    "k_experts": "reads k experts for any batch",
    "k_combine": "adds one routed and one shared output for any k",
    "gather": "reads an expert's input k times without writing it, and scales nothing by the router's score",
    "select": "leaves out the choice of experts and its sigmoid",
    "dense_router": "runs a router on dense layers too",
    "unmodelled": "has no such operator",
    "lookup": "stores the table but reads no row of it",
    "bias": "ignores biases",
    "rope": "rotates queries and keys on every layer",
    "idle": "stores the experts that are not read in a separate part",
}

# Operator name -> the departures that can change its figures.
REASONS = {
    "lookup": ("lookup",),
    "norm": ("norm",),
    "rope": ("rope",),
    "qkv": ("dots", "bias"),
    "out": ("dots", "bias"),
    "attend": ("dots", "heads", "kv_width", "square", "softmax", "append", "chunk"),
    "gate_up": ("dots", "bias"),
    "act": ("act",),
    "down": ("dots", "bias"),
    "router": ("dots", "select"),
    "experts.gate_up": ("dots", "k_experts", "gather"),
    "experts.act": ("act",),
    "experts.down": ("dots", "k_experts"),
    "shared.gate_up": ("dots",),
    "shared.act": ("act",),
    "shared.down": ("dots",),
    "combine": ("k_combine",),
}


def analyzer_departures(structure: Structure, path: str) -> tuple[str, ...]:
    """The departures that explain a difference in the operator at `path`."""
    block, _, op = path.partition("/")
    kind = next((x.kind for x in structure.sublayers if x.name == block), None)
    if block == "idle":
        return ("idle",)
    if block == "head" or op not in REASONS:
        return ("unmodelled",)
    if not isinstance(kind, Experts) and op == "router":
        return ("dense_router",)
    return tuple(x for x in REASONS[op] if x not in _absent_departures(kind))


def _absent_departures(kind: Kind | None) -> set[str]:
    """Departures that a kind gives no occasion for."""
    absent = set() if getattr(kind, "bias", False) else {"bias"}
    return absent | ({"chunk"} if getattr(kind, "mask", "") != "chunked" else set())


def _cost_of_elements(flops: Expr, weights: Expr, read: Expr, written: Expr, matmul: bool = False) -> Cost:
    """FLOP and elements as a cost; the weights that are stored are those that are read."""
    return Cost(
        matmul=flops if matmul else ZERO,
        vector=ZERO if matmul else flops,
        weight_read=weights * s.b_w,
        act_read=read * s.b_a,
        act_write=written * s.b_a,
        weight_held=weights * s.b_w,
    )


def _projection(d_in: Expr, d_out: Expr) -> Cost:
    """A GEMM of all tokens with a weight matrix."""
    return _cost_of_elements(s.T * d_out * (2 * d_in - 1), d_in * d_out, s.T * d_in, s.T * d_out, matmul=True)


def _norm() -> Cost:
    """RMSNorm."""
    return _cost_of_elements(s.T * (4 * s.d + 2), s.d + 1, s.T * s.d, s.T * s.d)


def _add() -> Cost:
    """The sum of two activations."""
    return _cost_of_elements(s.T * s.d, 0, 2 * s.T * s.d, s.T * s.d)


def _activation(f: Expr) -> Cost:
    """SiLU and product with the up projection."""
    return _cost_of_elements(5 * f + s.T, 0, 2 * s.T * f, s.T * f)


def _attend() -> Cost:
    """Scaled dot-product attention over P = sum n (c + n) pairs."""
    scores, values = s.P * (2 * s.H_q * s.h - 1), s.H_kv * s.h * (2 * s.P - s.T)
    keys = 2 * s.H_kv * s.h
    new = _cost_of_elements(scores + values, 0, s.T * (s.H_q * s.h + keys), s.T * s.H_q * s.h, matmul=True)
    return new + Cost(cache_read=s.C * keys * s.b_c, cache_held=s.K * keys * s.b_c)


def _attention_block(x: Sublayer) -> Block:
    """The attention half of a block."""
    heads = s.H_q + s.H_kv
    rows = [
        ("norm", "norm", _norm()),
        ("qkv", "attention", _projection(s.d, (heads + s.H_kv) * s.h)),
        ("rope", "attention", _cost_of_elements(3 * s.T * heads * s.h, 0, s.T * heads * s.h, s.T * heads * s.h)),
        ("attend", "attention_core", _attend()),
        ("out", "attention", _projection(s.H_q * s.h, s.d)),
        ("residual", "residual", _add()),
    ]
    return Block(x.name, tuple(Op(*row) for row in rows), symbol(x.layers))


def _gated_network(prefix: str, role: str, f: Expr, times: Expr = 1) -> list[Op]:
    """Gate and up projection, activation, down projection, each `times` times."""
    return [
        Op(prefix + "gate_up", role, _projection(s.d, 2 * f) * times),
        Op(prefix + "act", role, _activation(f) * times),
        Op(prefix + "down", role, _projection(f, s.d) * times),
    ]


def _feed_forward_block(x: Sublayer, router: bool) -> Block:
    """The feed-forward half of a block; llama4 has a router on every one."""
    ops = [Op("norm", "norm", _norm())]
    if router:
        ops.append(Op("router", "router", _projection(s.d, s.N_e)))
    if not isinstance(x.kind, Experts):
        ops += _gated_network("", "ffn", s.f)
    else:
        ops += _gated_network("experts.", "routed_experts", s.f_e, s.k)
        ops += _gated_network("shared.", "shared_experts", s.f_s)
        ops.append(Op("combine", "routed_experts", _add()))
    return Block(x.name, (*ops, Op("residual", "residual", _add())), symbol(x.layers))


def _idle_experts(sublayers: tuple[Sublayer, ...]) -> tuple[Block, ...]:
    """Experts stored in addition to the k that are read."""
    held = Op("experts", "routed_experts", Cost(weight_held=(s.N_e - s.k) * 3 * s.d * s.f_e * s.b_w))
    return tuple(Block("idle", (held,), symbol(x.layers)) for x in sublayers if isinstance(x.kind, Experts))


def analyzer_graph(structure: Structure) -> Block:
    """The blocks that the tool adds up, with the embedding table it stores; it knows no other kinds."""
    kinds = structure.sublayers
    router = any(isinstance(x.kind, Experts) for x in kinds)
    blocks = (_attention_block(x) if isinstance(x.kind, Attention) else _feed_forward_block(x, router) for x in kinds)
    table = Block("embedding", (Op("lookup", "embedding", Cost(weight_held=s.V * s.d * s.b_w)),))
    return Block("model", (table, *blocks, *_idle_experts(kinds)))
