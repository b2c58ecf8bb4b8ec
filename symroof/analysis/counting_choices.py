"""Ways of counting a quantity of a model: its parts in closed form, and on each axis what can be chosen."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import product
from typing import Any

from sympy import Add, Expr, Integer, Mul, Rational, Symbol

from symroof import symbols as s
from symroof.algebra.binding import Binding
from symroof.cost.quantities import ONES
from symroof.cost.rule_names import select
from symroof.errors import SymroofError
from symroof.model.model import Model
from symroof.training.flops import CORE, OUTSIDE, grouped, shares, summed, terms

# Choices as common as the one listed first on their axis.
COMMON = ("training", "inference", "half of all pairs", "all pairs", "keep all")

Axes = Mapping[str, Mapping[str, Any]]


@dataclass(frozen=True)
class Ways:
    """All ways of counting a quantity: parts by name, in closed form; on each axis choices, a usual one first.

    `formula` gives the sum in the parts from the expressions that were chosen, one an axis.
    """

    parts: Mapping[Symbol, Expr]
    axes: Axes
    formula: Callable[..., Expr]

    def __iter__(self) -> Iterator[tuple[dict[str, str], Expr, int]]:
        """(choices, closed form, how many of them are unusual) of every combination."""
        firsts = [next(iter(x)) for x in self.axes.values()]
        for chosen in product(*(x.items() for x in self.axes.values())):
            names = [name for name, _ in chosen]
            unusual = sum(x not in (y, *COMMON) for x, y in zip(names, firsts, strict=True))
            yield dict(zip(self.axes, names, strict=True)), self.formula(*(x for _, x in chosen)), unusual


LAYERS, EXPERTS, ALL_EXPERTS, ATTENTION, ALL_PAIRS = map(
    Symbol, ("layers", "experts", "all_experts", "attention", "all_pairs")
)
HEAD, TABLE, ELEMENTWISE, POSITIONS = map(Symbol, ("head", "table", "elementwise", "positions"))
CACHED, ALL_CACHED, ALL_HEADS = map(Symbol, ("cached", "all_cached", "all_heads"))

# How often layers, attention cores and what is no layer are computed.
PASSES = {
    "training": (3, 3, 3),
    "inference": (1, 1, 1),
    "training, attention cores again": (3, 4, 3),
    "training, layers again": (4, 4, 3),
}


def flops(model: Model, sequence: int) -> Ways:
    """FLOP of a token, or of all tokens of a sequence."""
    found = terms(model)
    cores, routed = ([x for x in found if x.role == role] for role in (CORE, "routed_experts"))
    outside = [x for x in found if x.path.partition("/")[0] in OUTSIDE]
    layers = [x for x in found if x.role not in (CORE, "routed_experts") and x.path.partition("/")[0] not in OUTSIDE]
    squares = summed(x for x in terms(model, "full-square") if x.role == CORE).matmul
    experts = summed(routed).matmul
    parts = {
        LAYERS: summed(layers).matmul,
        EXPERTS: experts,
        ALL_EXPERTS: in_place(experts, {"k": s.N_e}),
        ATTENTION: summed(cores).matmul,
        ALL_PAIRS: squares,
        HEAD: summed(outside).matmul,
        TABLE: 2 * held(model, "embedding"),
        ELEMENTWISE: summed(found).vector,
    }
    axes = {
        "pass": PASSES,
        "attention": {
            "the pairs its masks show": ATTENTION,
            "half of all pairs": ALL_PAIRS / 2,
            "all pairs": ALL_PAIRS,
            "none": 0,
        },
        "head": {"at all positions": HEAD, "at the last position": HEAD / sequence, "none": 0},
        "experts": {"those of a token": EXPERTS, "all": ALL_EXPERTS},
        "input table": {"looked up": 0, "a matmul": TABLE},
        "elementwise": {"not counted": 0, "counted": ELEMENTWISE},
        "multiply-add": {"2 FLOP": Integer(1), "1 FLOP": Rational(1, 2)},
        "of": {"a token": Integer(1), "the sequence": Integer(sequence)},
    }
    return Ways(parts, spared(axes, {"experts": experts, "attention": squares}), flops_of)


def flops_of(
    passes: tuple[int, int, int],
    core: Expr,
    head: Expr,
    experts: Expr,
    table: Expr,
    rest: Expr,
    each: Expr,
    tokens: Expr,
) -> Expr:
    """Tokens (FLOP of a product (matmuls) + elementwise operations)."""
    layers, cores, outside = passes
    matmuls = layers * (LAYERS + experts) + cores * core + outside * (head + table)
    return tokens * (each * matmuls + layers * rest)


def params(model: Model, _: int) -> Ways:
    """Parameters, or those that a token is multiplied by."""
    routed, positions = (held(model, x) for x in ("routed_experts", "position_embedding"))
    tied = model.architecture.structure.tied
    roles = ("routed_experts", "position_embedding", "embedding", "head")
    parts = {
        LAYERS: grouped((path, n, x) for path, n, role, x in weights(model) if role not in roles),
        EXPERTS: in_place(routed, {"N_e": s.k}),
        ALL_EXPERTS: routed,
        POSITIONS: positions,
        TABLE: held(model, "embedding"),
        HEAD: held(model, "embedding" if tied else "head"),
    }
    axes = {
        "experts": {"all": ALL_EXPERTS, "those of a token": EXPERTS},
        "head": {"shares the input table": 0, "counted too": HEAD} if tied else {"counted": HEAD, "left out": 0},
        "input table": {"counted": TABLE, "left out": 0},
        "positions": {"counted": POSITIONS, "left out": 0},
    }
    return Ways(parts, spared(axes, {"experts": routed, "positions": positions}), lambda *x: Add(LAYERS, *x))


def kv(model: Model, sequence: int) -> Ways:
    """Bytes of keys and values of a token, or of a sequence: what is cached, other formats, heads and windows."""
    short, every = (cached(model, rules) for rules in ("standard", "full-square"))
    if every == 0:
        raise SymroofError(f"{model.name} keeps no keys and values: there is nothing to compare with")
    heads = {"H_kv": s.H_q, "r_kv": s.H_q * (s.h_n + s.h_v), **({"h_r": s.H_q * s.h_r} if every.has(s.r_kv) else {})}
    every_head = in_place(every, heads)
    axes = {
        "heads": {"as they are cached": Integer(1), "of all queries": ALL_HEADS / ALL_CACHED},
        "windows": {"as they are": CACHED, "keep all": ALL_CACHED},
        "kept": {"keys and values": Integer(1), "one of them": Rational(1, 2)},
        "format": {"2 bytes": Integer(2), "1 byte": Integer(1), "4 bytes": Integer(4), "half a byte": Rational(1, 2)},
        "of": {"a token": Integer(1), "the sequence": Integer(sequence)},
    }
    number = Binding({**model.sizes, s.n: Integer(sequence)})
    same = {"windows": number(every) - number(short), "heads": number(every) - number(every_head)}
    return Ways({CACHED: short, ALL_CACHED: every, ALL_HEADS: every_head}, spared(axes, same), lambda *x: Mul(*x))


def cached(model: Model, rules: str) -> Expr:
    """Elements of keys and values that a token of a sequence of n keeps on average."""
    rows = shares(model, select(rules), "cache_held")
    return grouped((path, count, x.subs(s.b_c, 1)) for path, role, count, (x,) in rows if role == CORE)


def weights(model: Model) -> Iterator[tuple[str, Expr, str, Expr]]:
    """(path, how often it runs, role, weights of one run) of every operator."""
    return ((path, count, op.role, ONES(op.cost.weight_held)) for path, count, op in model.graph().rows())


def held(model: Model, role: str) -> Expr:
    """The weights of a role."""
    return grouped((path, count, x) for path, count, found, x in weights(model) if found == role)


def in_place(expr: Expr, others: Mapping[str, Expr]) -> Expr:
    """The same form with an expression in place of each size of a base symbol."""
    return expr.xreplace({x: others[s.entry(str(x)).base] for x in expr.free_symbols if s.entry(str(x)).base in others})


def spared(axes: Axes, what: Mapping[str, Expr]) -> Axes:
    """The axes without those on which a model has no choice: where `what` they choose of is nothing."""
    first = {title: dict(list(x.items())[:1]) for title, x in axes.items()}
    return {title: first[title] if what.get(title, 1) == 0 else x for title, x in axes.items()}
