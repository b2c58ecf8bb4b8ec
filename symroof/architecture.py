"""What a decoder is made of, as frozen plain data: the kinds of its sublayers, how many, how large.

A `Structure` (kinds and flags, no sizes) is hashable: models of one structure share their formulas.
Symbols are named here by their names in the vocabulary, so that reading a config needs no sympy.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from symroof.errors import UsageError, cure, described, shorten

MAX_SIZE = 10**9  # no size of a model is larger


@dataclass(frozen=True)
class Attention:
    """Self-attention over grouped heads (H_q query, H_kv key/value heads of size h), its norm and residual."""

    name: str = "attention"
    layers: str = "L"
    mask: str = "causal"  # a name in masks.MASKS
    rope: bool = True  # rotary embedding of queries and keys
    qk_norm: bool = False  # L2 norm of each query and key head, without weights
    temperature: bool = False  # queries scaled by a factor that depends on their position
    bias: bool = False  # on the q, k, v and output projections


@dataclass(frozen=True)
class FeedForward:
    """A gated feed-forward network of the given width (a symbol's name), its norm and residual."""

    name: str = "mlp"
    layers: str = "L"
    width: str = "f"
    act: str = "silu"
    bias: bool = False


@dataclass(frozen=True)
class Experts:
    """k of N_e routed gated experts, each of the given width, beside shared ones; norm and residual."""

    name: str = "moe"
    layers: str = "L"
    width: str = "f_e"
    act: str = "silu"
    shared: str = ""  # width of the shared expert; empty when there is none


Sublayer = Attention | FeedForward | Experts


@dataclass(frozen=True)
class Structure:
    """The kinds of a decoder's sublayers in dataflow order, and whether head and embedding share a table."""

    sublayers: tuple[Sublayer, ...]
    tied: bool = False


@dataclass(frozen=True)
class Architecture:
    """A structure with its sizes, by symbol name, and where each is from: a config key, a rule, another size."""

    family: str
    structure: Structure
    sizes: Mapping[str, int]
    origin: Mapping[str, str]

    def contradiction(self) -> str:
        """What is wrong between its sizes, named by where they come from; empty where nothing is."""
        told = {name: f"{name} = {self.origin[name]} = {value}" for name, value in self.sizes.items()}
        if self.sizes["H_q"] % self.sizes["H_kv"]:
            return f"query heads ({told['H_q']}) are no multiple of KV heads ({told['H_kv']})"
        if self.sizes.get("k", 0) > self.sizes.get("N_e", 0):
            return f"experts a token is sent to ({told['k']}) exceed the experts there are ({told['N_e']})"
        for kinds, what in ((Attention,), "attention"), ((FeedForward, Experts), "feed-forward"):
            counts = [s.layers for s in self.structure.sublayers if isinstance(s, kinds)]
            if counts and sum(self.sizes[c] for c in counts) != self.sizes["L"]:
                parts = " + ".join(f"{c}={self.sizes[c]}" for c in counts)
                return f"{what} layers {parts} do not add up to L={self.sizes['L']}"
        return ""

    def with_sizes(self, sizes: Mapping[str, int]) -> "Architecture":
        """The same structure with other sizes: `with_sizes({"d": 8192})`; a size that is another one follows it."""
        for name, value in sizes.items():
            if name not in self.sizes:
                told = cure(name, self.sizes, "its sizes")
                raise UsageError(f"{shorten(name)!r} is no size of this model: {told}")
            if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= MAX_SIZE:
                raise UsageError(f"{name} = {described(value)}: a size is a whole number from 1 to {MAX_SIZE}")
        follow = {name: sizes[of] for name, of in self.origin.items() if of in sizes}
        origin = {**self.origin, **dict.fromkeys(sizes, "given")}
        changed = replace(self, sizes={**self.sizes, **follow, **sizes}, origin=origin)
        if fault := changed.contradiction():
            raise UsageError(fault)
        return changed
