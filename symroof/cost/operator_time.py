"""Time and energy of a cost on a machine, in the machine's rates."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from sympy import Expr, Integer, Max, Mul, Symbol, sympify

from symroof import symbols as s
from symroof.algebra.codegen import exact_function
from symroof.cost.cost import FIELDS, Cost, Quantity


def matmul_time(cost: Cost) -> Expr:
    """Seconds of the matmul units: matmul / (u_F F)."""
    return cost.matmul / (s.u_F * s.F)


def vector_time(cost: Cost) -> Expr:
    """Seconds of the vector units: vector / (u_F F_v)."""
    return cost.vector / (s.u_F * s.F_v)


def memory_time(cost: Cost) -> Expr:
    """Seconds of moving all bytes: moved / (u_W W)."""
    return cost.moved / (s.u_W * s.W)


def time(cost: Cost, at: Callable[[Expr], Expr] = sympify) -> Expr:
    """Seconds of one operator: computing or moving, whichever takes longer, and its launch.

    The roofline of Williams, Waterman and Patterson 2009; matmul units and vector units do not overlap. `at` may
    substitute numbers for rates.
    """
    return longest(at(matmul_time(cost) + vector_time(cost)), at(memory_time(cost))) + at(s.t_0 * launches(cost))


def longest(*times: Expr) -> Expr:
    """The largest of some times; sympy, which is slow at it, does not try to order them."""
    some = [x for x in times if x != 0]
    if len(some) > 1 and not all(x.is_number for x in some):
        return Max(*some, evaluate=False)
    return max(some, default=Integer(0))


def launches(cost: Cost) -> Expr:
    """1, or 0 for an operator that moves no activations (fused, or not run); where a rule decides, its symbol."""
    moved = sympify(cost.act_write or cost.act_read, strict=True)
    return Mul(*(x for x in Mul.make_args(moved) if x in (s.psi, s.delta))) if moved else Integer(0)


def energy(cost: Cost) -> Expr:
    """Joules of what a cost computes and moves: e_F matmul + e_v vector + e_W moved."""
    return s.e_F * cost.matmul + s.e_v * cost.vector + s.e_W * cost.moved


RATES = (s.F, s.F_v, s.W, s.u_F, s.u_W, s.t_0)


@dataclass(frozen=True)
class Seconds:
    """An operator's seconds: of its matmuls, its elementwise operations, its bytes; and in total."""

    matmul: Quantity
    vector: Quantity
    memory: Quantity
    time: Quantity

    @property
    def compute(self) -> Quantity:
        """Seconds of matmuls and elementwise operations, one after the other."""
        return self.matmul + self.vector


@cache
def _compiled_timing() -> Callable[..., list[Any]]:
    """A function of a cost's figures and the rates that returns the figures of `Seconds`."""
    cost = Cost(*(Symbol(f"x_{name}") for name in FIELDS))
    exprs = [f(cost) for f in (matmul_time, vector_time, memory_time, time)]
    return exact_function(exprs, [*(getattr(cost, x) for x in FIELDS), *RATES])


def operator_seconds(cost: Cost, rates: Mapping[str, Any]) -> Seconds:
    """The seconds of a cost in exact numbers, at rates given by symbol name."""
    used = {**rates, "t_0": rates["t_0"] if cost.act_write or cost.act_read else 0}
    return Seconds(*_compiled_timing()(*(getattr(cost, x) for x in FIELDS), *(used[str(x)] for x in RATES)))
