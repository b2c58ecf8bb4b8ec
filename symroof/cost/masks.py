"""Masks: which keys a query sees, what a step reads from the cache, and what the cache holds."""

from collections.abc import Callable
from dataclasses import dataclass, replace

from sympy import Expr, Symbol

from symroof import symbols as s
from symroof.algebra.unevaluated import Max, Min, floor


@dataclass(frozen=True)
class Mask:
    """The symbols of a mask's sums, and the three functions that define them.

    `prefix(m)`: pairs shown among the first m tokens; a step from c to c + n tokens costs the difference, so
    cutting a prefill into chunks conserves work by construction.
    `seen(c)`: cached keys that the first new token sees, all that a step must read.
    `cache_length(m)`: tokens that a layer's cache holds for a context of m tokens.
    """

    pairs: Symbol
    read: Symbol
    held: Symbol
    prefix: Callable[[Expr], Expr]
    seen: Callable[[Expr], Expr]
    cache_length: Callable[[Expr], Expr]

    def step(self) -> dict[Symbol, Expr]:
        """What one query of `n` new and `c` cached tokens adds to each sum."""
        pairs = self.prefix(s.c + s.n) - self.prefix(s.c)
        return {self.pairs: pairs, self.read: self.seen(s.c), self.held: self.cache_length(s.c + s.n)}


def triangle(m: Expr) -> Expr:
    """Pairs of m tokens that each see themselves and all before: m (m + 1) / 2."""
    return m * (m + 1) / 2


def rectangle(cached: Expr) -> Expr:
    """Pairs of a kernel that skips nothing: each of n new tokens against `cached` + n keys."""
    return s.n * (cached + s.n)


def block_pairs(m: Expr, size: Expr) -> Expr:
    """Pairs of m tokens in blocks of `size`, the last one shorter, where each sees all of its block."""
    whole = floor(m / size)
    return whole * size**2 + (m - whole * size) ** 2


def selected_block_pairs(m: Expr) -> Expr:
    """Pairs of m tokens that see k_b - 1 whole blocks of w_i keys each, and the block they are in up to themselves."""
    whole = floor(m / s.w_i)
    return m * (s.k_b - 1) * s.w_i + whole * triangle(s.w_i) + triangle(m - whole * s.w_i)


def tail_pairs(m: Expr) -> Expr:
    """Pairs of m tokens that each see k_b whole blocks of w_i keys, and those of the incomplete block after these."""
    whole = floor(m / s.w_i)
    return m * s.k_b * s.w_i + whole * triangle(s.w_i - 1) + triangle(m - whole * s.w_i)


def floor_sum(m: Expr, w: Expr) -> Expr:
    """The sum of floor(j / w) for j from 1 to m: each number below the last occurs w times, the last the rest."""
    last = floor(m / w)
    return w * last * (last - 1) / 2 + last * (m - w * last + 1)


def whole_chunks(m: Expr) -> Expr:
    """Whole chunks of w tokens among the first m."""
    return floor(m / s.w)


def open_chunk(m: Expr) -> Expr:
    """Tokens of the incomplete chunk at the end of m."""
    return m - s.w * whole_chunks(m)


CAUSAL = Mask(s.P, s.C, s.K, prefix=triangle, seen=lambda c: c, cache_length=lambda m: m)

# Positions 0..w-1 are the first chunk, w..2w-1 the second; a token sees its chunk up to itself.
CHUNKED = Mask(
    s.P_chunk,
    s.C_chunk,
    s.K_chunk,
    prefix=lambda m: whole_chunks(m) * triangle(s.w) + triangle(open_chunk(m)),
    seen=open_chunk,
    cache_length=lambda m: Min(m, s.w),
)

# A token sees itself and the w - 1 before it.
SLIDING = Mask(
    s.P_swa,
    s.C_swa,
    s.K_swa,
    prefix=lambda m: triangle(m) - triangle(Max(m - s.w, 0)),
    seen=lambda c: Min(c, s.w - 1),
    cache_length=lambda m: Min(m, s.w),
)

# The same window, where transformers masks the other keys, but neither skips them nor drops them from the cache.
LOCAL = replace(SLIDING, pairs=s.P_local, read=s.C_local, held=s.K_local)

# A token sees the k_i tokens that an indexer selects from itself and all before.
TOP = Mask(
    s.P_top,
    s.C_top,
    s.K,
    prefix=lambda m: triangle(m) - triangle(Max(m - s.k_i, 0)),
    seen=lambda c: Min(c, s.n * s.k_i),
    cache_length=lambda m: m,
)

# A token sees its block of w_i keys up to itself and the k_b - 1 whole ones that an indexer selects.
BLOCKS = Mask(
    s.P_block,
    s.C_block,
    s.K,
    prefix=lambda m: triangle(Min(m, s.w_i * s.k_b)) + selected_block_pairs(Max(m - s.w_i * s.k_b, 0)),
    seen=lambda c: Min(c, s.n * (s.k_b - 1) * s.w_i + c - s.w_i * floor(c / s.w_i)),
    cache_length=lambda m: m,
)

# A token sees k_b blocks of w_i keys that an indexer selects from the complete ones, and the keys after those.
TAIL = Mask(
    s.P_tail,
    s.C_tail,
    s.K,
    prefix=lambda m: triangle(Min(m, s.w_i * s.k_b)) + tail_pairs(Max(m - s.w_i * s.k_b, 0)),
    # the first new token may complete the block that the cached keys end in
    seen=lambda c: Min(c, s.n * s.k_b * s.w_i + Max(c - s.w_i * floor((c + 1) / s.w_i), 0)),
    cache_length=lambda m: m,
)

# A token of a prompt sees all of it, a generated one itself and all before: the tokens of a step see each other.
PROMPT = replace(CAUSAL, pairs=s.P_prompt, prefix=lambda m: m**2)

MASKS = {
    "causal": CAUSAL,
    "prompt": PROMPT,
    "chunked": CHUNKED,
    "sliding": SLIDING,
    "local": LOCAL,
    "top": TOP,
    "blocks": BLOCKS,
    "tail": TAIL,
}

# The causal difference in the form a reader recognises.
CAUSAL_PAIRS = s.n * (2 * s.c + s.n + 1) / 2
