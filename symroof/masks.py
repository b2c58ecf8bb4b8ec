"""Masks: which keys a query sees, what a step reads of the cache, and what stays in it."""

from collections.abc import Callable
from dataclasses import dataclass

from sympy import Expr, Min, Symbol, factor, floor

from symroof import symbols as s


@dataclass(frozen=True)
class Mask:
    """The symbols a mask's sums stand under, and the three functions that define them.

    `prefix(m)`: pairs shown among the first m tokens; a step from c to c + n tokens costs the difference, so
    cutting a prefill into chunks conserves work by construction.
    `seen(c)`: cached keys that the first new token sees, all that a step must read.
    `kept(m)`: tokens that a layer has to keep room for once a context of m tokens is reached.
    """

    pairs: Symbol
    read: Symbol
    held: Symbol
    prefix: Callable[[Expr], Expr]
    seen: Callable[[Expr], Expr]
    kept: Callable[[Expr], Expr]

    def step(self) -> dict[Symbol, Expr]:
        """What one query of `n` new and `c` cached tokens adds to each sum."""
        pairs = self.prefix(s.c + s.n) - self.prefix(s.c)
        return {self.pairs: pairs, self.read: self.seen(s.c), self.held: self.kept(s.c + s.n)}


def triangle(m: Expr) -> Expr:
    """Pairs of m tokens that each see themselves and all before: m (m + 1) / 2."""
    return m * (m + 1) / 2


def rectangle(cached: Expr) -> Expr:
    """Pairs of a kernel that skips nothing: each of n new tokens against `cached` + n keys."""
    return s.n * (cached + s.n)


def chunks(m: Expr) -> Expr:
    """Whole chunks of w tokens among the first m."""
    return floor(m / s.w)


def begun(m: Expr) -> Expr:
    """Tokens of the chunk that is begun after m."""
    return m - s.w * chunks(m)


CAUSAL = Mask(s.P, s.C, s.K, prefix=triangle, seen=lambda c: c, kept=lambda m: m)

# Positions 0..w-1 are the first chunk, w..2w-1 the second; a token sees its own chunk up to itself.
CHUNKED = Mask(
    s.P_chunk,
    s.C_chunk,
    s.K_chunk,
    prefix=lambda m: chunks(m) * triangle(s.w) + triangle(begun(m)),
    seen=begun,
    kept=lambda m: Min(m, s.w),
)

MASKS = {"causal": CAUSAL, "chunked": CHUNKED}

# The causal difference in the form a reader recognises: n (2 c + n + 1) / 2.
CAUSAL_PAIRS = factor(CAUSAL.step()[s.P])
