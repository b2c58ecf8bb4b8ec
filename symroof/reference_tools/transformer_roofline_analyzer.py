"""The figures of Transformer Roofline Analyzer for llama and llama4, kept apart from the engine.

Its operators, each written as that tool computes it (github.com/Jench2103/transformer-roofline-analyzer), in
our vocabulary and under our paths. Where it departs from what a model computes, `DEPARTURES` says how.
"""

from sympy import Expr

from symroof import symbols as s
from symroof.architecture.kinds.attention import Attention
from symroof.architecture.kinds.experts import Experts
from symroof.architecture.structure import Structure, Sublayer
from symroof.cost.cost import ZERO, Cost
from symroof.cost.graph import Block, Op
from symroof.symbols import symbol

DEPARTURES = {
    "dots": "counts 2k - 1 FLOP a dot product, not 2k",
    "heads": "adds the scores of all query heads up as one dot product of length H_q h a pair",
    "kv_width": "multiplies scores with values for H_kv heads, not for all H_q query heads",
    "square": "computes masked pairs too: n (c + n) a query, not the causal ones",
    "softmax": "leaves the softmax out",
    "append": "leaves out the write of new keys and values to the cache",
    "chunk": "ignores attention_chunk_size: every layer attends to and keeps the whole context",
    "act": "adds the token count to the gate's 5 f FLOP, where 5 f is paid for every token",
    "norm": "counts one weight more than a norm has",
    "k_experts": "reads k experts whatever the batch",
    "k_combine": "adds one routed and one shared output, whatever k is",
    "gather": "reads an expert's input k times without writing it, and scales nothing by the router's score",
    "select": "leaves the choice of experts and its sigmoid out",
    "dense_router": "runs a router on dense layers too",
    "unmodelled": "has no such operator",
    "lookup": "keeps the table but reads no row of it",
    "bias": "ignores biases",
    "rope": "rotates queries and keys on every layer",
    "idle": "keeps the experts that are not read in a part of their own",
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


def reasons(structure: Structure, path: str) -> tuple[str, ...]:
    """The departures that explain a difference in the operator at `path`."""
    block, _, op = path.partition("/")
    kind = next((x.kind for x in structure.sublayers if x.name == block), None)
    if block == "idle":
        return ("idle",)
    if block == "head" or op not in REASONS:
        return ("unmodelled",)
    if not isinstance(kind, Experts) and op == "router":
        return ("dense_router",)
    absent = set() if getattr(kind, "bias", False) else {"bias"}
    absent |= {"chunk"} if getattr(kind, "mask", "") != "chunked" else set()
    return tuple(x for x in REASONS[op] if x not in absent)


def moved(flops: Expr, weights: Expr, read: Expr, written: Expr, matmul: bool = False) -> Cost:
    """FLOP and elements as a cost; what it reads of the weights it keeps."""
    return Cost(
        matmul=flops if matmul else ZERO,
        vector=ZERO if matmul else flops,
        weight_read=weights * s.b_w,
        act_read=read * s.b_a,
        act_write=written * s.b_a,
        weight_held=weights * s.b_w,
    )


def projection(d_in: Expr, d_out: Expr) -> Cost:
    """A GEMM of all tokens with a weight matrix."""
    return moved(s.T * d_out * (2 * d_in - 1), d_in * d_out, s.T * d_in, s.T * d_out, matmul=True)


def norm() -> Cost:
    """RMSNorm."""
    return moved(s.T * (4 * s.d + 2), s.d + 1, s.T * s.d, s.T * s.d)


def add() -> Cost:
    """The sum of two activations."""
    return moved(s.T * s.d, 0, 2 * s.T * s.d, s.T * s.d)


def activation(f: Expr) -> Cost:
    """SiLU and product with the up projection."""
    return moved(5 * f + s.T, 0, 2 * s.T * f, s.T * f)


def attend() -> Cost:
    """Scaled dot-product attention over P = sum n (c + n) pairs."""
    scores, values = s.P * (2 * s.H_q * s.h - 1), s.H_kv * s.h * (2 * s.P - s.T)
    keys = 2 * s.H_kv * s.h
    new = moved(scores + values, 0, s.T * (s.H_q * s.h + keys), s.T * s.H_q * s.h, matmul=True)
    return new + Cost(cache_read=s.C * keys * s.b_c, cache_held=s.K * keys * s.b_c)


def attention(x: Sublayer) -> Block:
    """The attention half of a block."""
    heads = s.H_q + s.H_kv
    rows = [
        ("norm", "norm", norm()),
        ("qkv", "attention", projection(s.d, (heads + s.H_kv) * s.h)),
        ("rope", "attention", moved(3 * s.T * heads * s.h, 0, s.T * heads * s.h, s.T * heads * s.h)),
        ("attend", "attention_core", attend()),
        ("out", "attention", projection(s.H_q * s.h, s.d)),
        ("residual", "residual", add()),
    ]
    return Block(x.name, tuple(Op(*row) for row in rows), symbol(x.layers))


def gated(prefix: str, role: str, f: Expr, times: Expr = 1) -> list[Op]:
    """Gate and up projection, activation, down projection, each `times` over."""
    return [
        Op(prefix + "gate_up", role, projection(s.d, 2 * f) * times),
        Op(prefix + "act", role, activation(f) * times),
        Op(prefix + "down", role, projection(f, s.d) * times),
    ]


def feed_forward(x: Sublayer, router: bool) -> Block:
    """The feed-forward half of a block; llama4 has a router on every one."""
    ops = [Op("norm", "norm", norm())]
    if router:
        ops.append(Op("router", "router", projection(s.d, s.N_e)))
    if not isinstance(x.kind, Experts):
        ops += gated("", "ffn", s.f)
    else:
        ops += gated("experts.", "routed_experts", s.f_e, s.k)
        ops += gated("shared.", "shared_experts", s.f_s)
        ops.append(Op("combine", "routed_experts", add()))
    return Block(x.name, (*ops, Op("residual", "residual", add())), symbol(x.layers))


def idle_experts(sublayers: tuple[Sublayer, ...]) -> tuple[Block, ...]:
    """Experts kept beside the k that are read."""
    held = Op("experts", "routed_experts", Cost(weight_held=(s.N_e - s.k) * 3 * s.d * s.f_e * s.b_w))
    return tuple(Block("idle", (held,), symbol(x.layers)) for x in sublayers if isinstance(x.kind, Experts))


def graph(structure: Structure) -> Block:
    """The blocks that tool sums up, with the embedding table it keeps; it knows no other kinds than these."""
    kinds = structure.sublayers
    router = any(isinstance(x.kind, Experts) for x in kinds)
    blocks = (attention(x) if isinstance(x.kind, Attention) else feed_forward(x, router) for x in kinds)
    table = Block("embedding", (Op("lookup", "embedding", Cost(weight_held=s.V * s.d * s.b_w)),))
    return Block("model", (table, *blocks, *idle_experts(kinds)))
