"""The description of a decoder as frozen plain data: the kinds of its sublayers, their number and their sizes.

A family describes a model by a `Part` with its sizes for each layer, or one for all. `assembly` merges equal parts
and gives every size a symbol. The resulting `Structure` (kinds and flags, no numbers) is hashable: models of one
structure share their formulas. Symbols are strings here, so that reading a config needs no sympy.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import field, replace
from typing import ClassVar, Protocol, Self

from symroof.errors import UsageError, cure, quoted_value, shorten
from symroof.records import frozen

MAX_SIZE = 10**9  # no size of a model is larger


class Size(int):
    """A size and its origin: a config key, a rule, or the symbol of another size that it is equal to."""

    origin: str

    def __new__(cls, value: int, origin: str) -> Self:
        """`value`, from `origin`."""
        size = super().__new__(cls, value)
        size.origin = origin
        return size


class Kind(Protocol):
    """A kind of sublayer: frozen flags, no sizes; its docstring names the symbols of its sizes.

    Norms are named as in ops.dense.NORMS, activations as in ops.dense.ACTIVATIONS, masks as in cost.masks.MASKS.
    """

    builder: ClassVar[str]  # module and function of `blocks` that builds its operators
    weights: ClassVar[tuple[str, ...]]  # roles of the weights that a quantization_config can name


@frozen
class Wiring:
    """The operators around a sublayer: norms (names in ops.dense.NORMS, empty where none) and the residual."""

    norm: str = "rms"  # before the sublayer
    gated: bool = False  # the output of that norm is gated by a network of rank r_g of itself
    post: str = ""  # norm after the sublayer, before the residual
    convolved: bool = False  # a convolution of the output over k_c tokens is added to it
    scaled: bool = False  # the output is multiplied by a constant, before the residual
    residual: bool = True
    streams: str = ""  # m streams in place of one residual: "mixed" with each other, "unmixed", or
    # "low_rank": unmixed, and scaled per element through a rank r_s
    weighed: bool = False  # the term that the output is added to has one weight per element
    blended: str = ""  # both terms of the sum are scaled: by "constants", by one weight per element for both ("gate"),
    # or by one weight per element for each, plus a shift ("shifted")


@frozen
class Part:
    """A sublayer of one layer: its kind, its name, its sizes by base symbol, and its wiring.

    `distinct` is the number of sets of weights, where layers share them; `wiring` None is that of the decoder.
    """

    kind: Kind
    name: str
    sizes: tuple[tuple[str, Size], ...] = ()
    wiring: Wiring | None = None
    distinct: Size | None = None
    logits_only: bool = False  # later layers need it only at the positions whose logits are requested

    @classmethod
    def of(
        cls, kind: Kind, name: str, wiring: Wiring | None = None, distinct: Size | None = None, **sizes: Size
    ) -> Self:
        """A part with its sizes as keywords."""
        return cls(kind, name, tuple(sizes.items()), wiring, distinct)

    def size(self, symbol: str) -> Size:
        """One of its sizes."""
        return dict(self.sizes)[symbol]


@frozen
class Pattern:
    """The part of each layer (None: none), and the config key that this is read from."""

    parts: Sequence[Part | None]
    origin: str


@frozen
class Sublayer:
    """A sublayer of a structure: its kind, the name of its block, the symbols of its number of layers and sizes."""

    kind: Kind
    name: str
    layers: str = "L"  # empty: once, not in every layer
    suffix: str = ""
    symbols: tuple[tuple[str, str], ...] = ()  # base symbol -> the symbol with this sublayer's suffix
    wiring: Wiring = Wiring()
    distinct: str = ""
    slot: int = 0
    whole: bool = True  # every layer has a sublayer in this slot
    logits_only: bool = False  # needed only at the positions whose logits are requested

    def symbol(self, base: str) -> str:
        """The symbol of a size in this sublayer."""
        return dict(self.symbols).get(base, base)


@frozen
class Frame:
    """The embedding before the first layer, and the norm and head after the last."""

    norm: str = "rms"  # after the last layer
    tied: bool = False  # head and embedding share a table
    head_bias: bool = False
    positions: bool = False  # a learned table of N_pos positions
    sinusoidal: bool = False  # sinusoidal position embeddings are added
    embedding_norm: str = ""
    spare_row: bool = False  # one row of the embedding is not in the head
    extra_rows: bool = False  # V_x rows of the embedding are not in the head
    projected: bool = False  # embeddings of width d_emb, projected to and from d
    scaled: bool = False  # embeddings multiplied by a constant
    softcap: bool = False  # logits through a scaled tanh
    streams: str = ""  # m streams, merged after the last layer: by a weighted sum ("weighed", or "low_rank" as in the
    # layers), or by their "mean"
    head_scaled: bool = False  # logits multiplied by a constant
    head_act: str = ""  # activation of a projection of width d, which is normalised and then gives the logits
    head_act_bias: bool = False  # on that projection


@frozen
class Structure:
    """The sublayers of a decoder in dataflow order, and its frame."""

    sublayers: tuple[Sublayer, ...]
    frame: Frame = Frame()
    mtp: tuple[Sublayer, ...] = ()  # those of one of the L_mtp multi-token prediction modules

    @property
    def every(self) -> tuple[Sublayer, ...]:
        """The sublayers of all layers, and those of a multi-token prediction module."""
        return (*self.sublayers, *self.mtp)

    def slots(self) -> tuple[tuple[Sublayer, ...], ...]:
        """The sublayers of the layers, those that take each other's place in one layer together."""
        slots: dict[int, list[Sublayer]] = {}
        for x in self.sublayers:
            if x.layers:
                slots.setdefault(x.slot, []).append(x)
        return tuple(map(tuple, slots.values()))

    @property
    def tied(self) -> bool:
        """Whether head and embedding share one table."""
        return self.frame.tied


@frozen
class Architecture:
    """A structure with its sizes by symbol, and the origin of each: a config key, a rule, another size."""

    family: str
    structure: Structure
    sizes: Mapping[str, int]
    origin: Mapping[str, str]
    layout: Mapping[str, Sequence[int]] = field(default_factory=dict)  # the layers of each sublayer, by its name

    def contradiction(self) -> str:
        """The first contradiction between its sizes, in one line with their origins; empty where there is none."""
        faults = (text for x in self.structure.sublayers for text in self._contradictions(x))
        return next(faults, "") or self._wrong_layers()

    def _contradictions(self, x: Sublayer) -> Iterator[str]:
        """The contradictions between the sizes of a sublayer."""
        H_q, H_kv, k, N_e = (x.symbol(base) for base in ("H_q", "H_kv", "k", "N_e"))
        if H_q in self.sizes and H_kv in self.sizes and self.sizes[H_q] % self.sizes[H_kv]:
            yield f"query heads ({self._quoted(H_q)}) are not a multiple of KV heads ({self._quoted(H_kv)})"
        if k in self.sizes and self.sizes[k] > self.sizes[N_e]:
            yield f"experts per token ({self._quoted(k)}) exceed the number of experts ({self._quoted(N_e)})"

    def _quoted(self, name: str) -> str:
        """A size with its origin and value."""
        return f"{name} = {self.origin[name]} = {self.sizes[name]}"

    def _wrong_layers(self) -> str:
        """The first slot whose sublayers' numbers of layers do not add up to L; empty where all do."""
        for slot in self.structure.slots():
            counts = [x.layers for x in slot if x.whole]
            if counts and sum(self.sizes[c] for c in counts) != self.sizes["L"]:
                parts = " + ".join(f"{c}={self.sizes[c]}" for c in counts)
                return f"layers {parts} do not add up to L={self.sizes['L']}: change one of them"
        return ""

    def of_layers(self, path: str, layers: int) -> int:
        """The number of all layers, or `layers` for an operator whose block is not in the layers: it runs once."""
        name = path.partition("/")[0]
        outside = name in ("embedding", "head") or name.startswith("mtp.")
        once = outside or any(x.name == name and not x.layers for x in self.structure.sublayers)
        return layers if once else self.sizes["L"]

    def with_sizes(self, sizes: Mapping[str, int], further: Collection[str] = ()) -> "Architecture":
        """The same structure with other sizes: `with_sizes({"d": 8192})`. Sizes defined as equal to one change too.

        `further`: names of additional sizes that are allowed.
        """
        for name, value in sizes.items():
            self._check_size(name, value, further)
        follow = {name: sizes[of] for name, of in self.origin.items() if of in sizes}
        origin = {**self.origin, **dict.fromkeys(sizes, "given")}
        changed = replace(self, sizes={**self.sizes, **follow, **sizes}, origin=origin)
        if fault := changed.contradiction():
            raise UsageError(fault)
        return changed

    def _check_size(self, name: str, value: int, further: Collection[str]) -> None:
        """Raise UsageError for a name that is not a size, or a value that no size can have."""
        if name not in self.sizes and name not in further:
            hint = cure(name, (*self.sizes, *further), "its sizes")
            raise UsageError(f"{shorten(name)!r} is not a size of this model: {hint}")
        if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= MAX_SIZE:
            raise UsageError(f"{name} = {quoted_value(value)}: a size is a whole number from 1 to {MAX_SIZE}")
