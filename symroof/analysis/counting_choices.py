"""Choices in counting a quantity of a model: its parts in closed form, and the alternatives on each axis."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import product
from typing import Any

from sympy import Add, Expr, Integer, Mul, Rational, Symbol

from symroof import symbols as s
from symroof.algebra.binding import Binding
from symroof.cost.quantities import ONES
from symroof.cost.rule_names import select_rules
from symroof.errors import SymroofError
from symroof.model.model import Model
from symroof.training.flops import (
    CORE,
    OUTSIDE,
    OperatorFlops,
    costs_per_token,
    operator_flops,
    sum_by_block,
    sum_of_operators,
)

# Choices as common as the first on their axis.
COMMON = ("training", "inference", "half of all pairs", "all pairs", "keep all")

Axes = Mapping[str, Mapping[str, Any]]
Combination = tuple[dict[str, str], Expr, int]  # choice by axis, closed form, number of unusual choices


@dataclass(frozen=True)
class CountingChoices:
    """How a quantity can be counted: its parts in closed form; on each axis the choices, a usual one first.

    `formula` gives the sum in the parts from the expressions that were chosen, one per axis.
    """

    parts: Mapping[Symbol, Expr]
    axes: Axes
    formula: Callable[..., Expr]

    def __iter__(self) -> Iterator[Combination]:
        """Every combination of choices."""
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

# How often layers, attention cores and the operators outside of layers are computed.
PASSES = {
    "training": (3, 3, 3),
    "inference": (1, 1, 1),
    "training, attention cores again": (3, 4, 3),
    "training, layers again": (4, 4, 3),
}


def flop_choices(model: Model, sequence: int) -> CountingChoices:
    """FLOP per token, or of all tokens of a sequence."""
    parts = flop_parts(model)
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
    amounts = {"experts": parts[EXPERTS], "attention": parts[ALL_PAIRS]}
    return CountingChoices(parts, drop_zero_choices(axes, amounts), flop_formula)


def flop_part(x: OperatorFlops) -> Symbol:
    """The part that an operator's matmuls belong to."""
    if x.path.partition("/")[0] in OUTSIDE:
        return HEAD
    return {CORE: ATTENTION, "routed_experts": EXPERTS}.get(x.role, LAYERS)


def flop_parts(model: Model) -> dict[Symbol, Expr]:
    """FLOP per token in a forward pass, by part."""
    operators, squares = operator_flops(model), operator_flops(model, "full-square")
    groups: dict[Symbol, list[OperatorFlops]] = {LAYERS: [], EXPERTS: [], ATTENTION: [], HEAD: []}
    for x in operators:
        groups[flop_part(x)].append(x)
    matmuls = {part: sum_of_operators(rows).matmul for part, rows in groups.items()}
    return {
        LAYERS: matmuls[LAYERS],
        EXPERTS: matmuls[EXPERTS],
        ALL_EXPERTS: substitute_bases(matmuls[EXPERTS], {"k": s.N_e}),
        ATTENTION: matmuls[ATTENTION],
        ALL_PAIRS: sum_of_operators(x for x in squares if x.role == CORE).matmul,
        HEAD: matmuls[HEAD],
        TABLE: 2 * weights_of_role(model, "embedding"),
        ELEMENTWISE: sum_of_operators(operators).vector,
    }


def flop_formula(
    passes: tuple[int, int, int],
    core: Expr,
    head: Expr,
    experts: Expr,
    table: Expr,
    rest: Expr,
    each: Expr,
    tokens: Expr,
) -> Expr:
    """tokens (FLOP per multiply-add x products + elementwise operations)."""
    layers, cores, outside = passes
    matmuls = layers * (LAYERS + experts) + cores * core + outside * (head + table)
    return tokens * (each * matmuls + layers * rest)


def parameter_choices(model: Model, _: int) -> CountingChoices:
    """All parameters, or those that a token is multiplied by."""
    tied = model.architecture.structure.tied
    parts = parameter_parts(model, tied)
    axes = {
        "experts": {"all": ALL_EXPERTS, "those of a token": EXPERTS},
        "head": {"shares the input table": 0, "counted too": HEAD} if tied else {"counted": HEAD, "left out": 0},
        "input table": {"counted": TABLE, "left out": 0},
        "positions": {"counted": POSITIONS, "left out": 0},
    }
    amounts = {"experts": parts[ALL_EXPERTS], "positions": parts[POSITIONS]}
    return CountingChoices(parts, drop_zero_choices(axes, amounts), lambda *x: Add(LAYERS, *x))


def parameter_parts(model: Model, tied: bool) -> dict[Symbol, Expr]:
    """Parameters by part."""
    routed, positions = (weights_of_role(model, x) for x in ("routed_experts", "position_embedding"))
    roles = ("routed_experts", "position_embedding", "embedding", "head")
    return {
        LAYERS: sum_by_block((path, n, x) for path, n, role, x in weights_by_operator(model) if role not in roles),
        EXPERTS: substitute_bases(routed, {"N_e": s.k}),
        ALL_EXPERTS: routed,
        POSITIONS: positions,
        TABLE: weights_of_role(model, "embedding"),
        HEAD: weights_of_role(model, "embedding" if tied else "head"),
    }


def kv_choices(model: Model, sequence: int) -> CountingChoices:
    """Bytes of keys and values, per token or of a sequence: what is cached, other formats, heads and windows."""
    parts = kv_parts(model)
    axes = {
        "heads": {"as they are cached": Integer(1), "of all queries": ALL_HEADS / ALL_CACHED},
        "windows": {"as they are": CACHED, "keep all": ALL_CACHED},
        "kept": {"keys and values": Integer(1), "one of them": Rational(1, 2)},
        "format": {"2 bytes": Integer(2), "1 byte": Integer(1), "4 bytes": Integer(4), "half a byte": Rational(1, 2)},
        "of": {"a token": Integer(1), "the sequence": Integer(sequence)},
    }
    short, every, every_head = map(Binding({**model.sizes, s.n: Integer(sequence)}), parts.values())
    amounts = {"windows": every - short, "heads": every - every_head}
    return CountingChoices(parts, drop_zero_choices(axes, amounts), lambda *x: Mul(*x))


def kv_parts(model: Model) -> dict[Symbol, Expr]:
    """Elements of keys and values per token: those cached, those without windows, those of all query heads."""
    short, every = (cached_elements(model, rules) for rules in ("standard", "full-square"))
    if every == 0:
        raise SymroofError(f"{model.name} caches no keys and values: there is nothing to compare with")
    heads = {"H_kv": s.H_q, "r_kv": s.H_q * (s.h_n + s.h_v), **({"h_r": s.H_q * s.h_r} if every.has(s.r_kv) else {})}
    return {CACHED: short, ALL_CACHED: every, ALL_HEADS: substitute_bases(every, heads)}


def cached_elements(model: Model, rules: str) -> Expr:
    """Elements of keys and values that are cached per token of a sequence of n, on average."""
    rows = costs_per_token(model, select_rules(rules), "cache_held")
    return sum_by_block((path, count, x.subs(s.b_c, 1)) for path, role, count, (x,) in rows if role == CORE)


def weights_by_operator(model: Model) -> Iterator[tuple[str, Expr, str, Expr]]:
    """(path, count, role, weights of one run) of every operator; it runs `count` times."""
    return ((path, count, op.role, ONES(op.cost.weight_held)) for path, count, op in model.graph().rows())


def weights_of_role(model: Model, role: str) -> Expr:
    """The weights of a role."""
    return sum_by_block((path, count, x) for path, count, other, x in weights_by_operator(model) if other == role)


def substitute_bases(expr: Expr, others: Mapping[str, Expr]) -> Expr:
    """The formula with each size of a base symbol, in whichever sublayer, replaced by an expression."""
    return expr.xreplace({x: others[s.entry(str(x)).base] for x in expr.free_symbols if s.entry(str(x)).base in others})


def drop_zero_choices(axes: Axes, amounts: Mapping[str, Expr]) -> Axes:
    """The axes with only their first choice where the amount that it makes a difference for is 0."""
    first = {title: dict(list(x.items())[:1]) for title, x in axes.items()}
    return {title: first[title] if amounts.get(title, 1) == 0 else x for title, x in axes.items()}
