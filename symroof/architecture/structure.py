"""What a decoder is made of, as frozen plain data: the kinds of its sublayers, how many, how large.

A family describes a model as it is: a `Part` with its numbers for each layer, or one for all. `assembly` sorts
equal parts into kinds and gives every size a symbol. The `Structure` that is left (kinds and flags, no numbers)
is hashable: models of one structure share their formulas. Symbols are named here by their names in the
vocabulary, so that reading a config needs no sympy.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import field, replace
from typing import ClassVar, Protocol, Self

from symroof.errors import UsageError, cure, described, shorten
from symroof.records import frozen

MAX_SIZE = 10**9  # no size of a model is larger


class Size(int):
    """A size and where it is from: a config key, a rule, or the symbol of another size that it follows."""

    origin: str

    def __new__(cls, value: int, origin: str) -> Self:
        """`value`, from `origin`."""
        size = super().__new__(cls, value)
        size.origin = origin
        return size


class Kind(Protocol):
    """A kind of sublayer: frozen flags, no sizes; its docstring names the symbols of its sizes.

    Names of norms are those of ops.dense.NORMS, of activations ops.dense.ACTIVATIONS, of masks cost.masks.MASKS.
    """

    builder: ClassVar[str]  # module and function of `blocks` that make its operators
    weights: ClassVar[tuple[str, ...]]  # roles of the weights that a quantization_config can name


@frozen
class Wiring:
    """What stands around a sublayer's operators: norms (names in ops.dense.NORMS, empty where none), the residual."""

    norm: str = "rms"  # before
    gated: bool = False  # that norm's output by a network of rank r_g of itself
    post: str = ""  # after, ahead of the residual
    convolved: bool = False  # a convolution of the output over k_c tokens is added to it
    scaled: bool = False  # multiplied by a constant, ahead of the residual
    residual: bool = True
    streams: str = ""  # m of them in place of one residual: "mixed" among themselves, "apart", or
    # "low_rank": apart, and weighed an element each through a rank r_s
    weighed: bool = False  # what the sum is added to has a weight an element
    blended: str = ""  # both terms of the sum are weighed: by "constants", an element by one weight ("gate"), or by one
    # each, and "shifted"


@frozen
class Part:
    """A sublayer of one layer: what it is, its name, its sizes by base symbol, and its wiring.

    `distinct` is how many sets of weights the layers that run it share, where they do; `wiring` None is the
    decoder's own.
    """

    kind: Kind
    name: str
    sizes: tuple[tuple[str, Size], ...] = ()
    wiring: Wiring | None = None
    distinct: Size | None = None
    kept: bool = False  # later layers need it at no more positions than those whose logits are asked for

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
    """Which part each layer has (None: none), and the config key that says so."""

    parts: Sequence[Part | None]
    origin: str


@frozen
class Sublayer:
    """A kind of sublayer in a structure: its block's name, its count's symbol, and the symbols that are its own."""

    kind: Kind
    name: str
    layers: str = "L"  # empty: once, not in every layer
    suffix: str = ""
    own: tuple[tuple[str, str], ...] = ()  # base symbol -> the symbol in its place
    wiring: Wiring = Wiring()
    distinct: str = ""
    slot: int = 0
    whole: bool = True  # every layer has a sublayer in this slot
    kept: bool = False  # needed at no more positions than those whose logits are asked for

    def symbol(self, base: str) -> str:
        """The name under which this sublayer has a size."""
        return dict(self.own).get(base, base)


@frozen
class Frame:
    """What stands before the first layer and after the last."""

    norm: str = "rms"  # after the last layer
    tied: bool = False  # head and embedding share a table
    head_bias: bool = False
    positions: bool = False  # a learned table of N_pos positions
    sinusoidal: bool = False  # vectors of sines and cosines are added
    embedding_norm: str = ""
    spare_row: bool = False  # one row of the embedding is no row of the head
    extra_rows: bool = False  # V_x of them are none
    projected: bool = False  # embeddings of width d_emb, projected to and from d
    scaled: bool = False  # embeddings multiplied by a constant
    softcap: bool = False  # logits through a scaled tanh
    streams: str = ""  # m of them, that are made one after the last layer: "weighed", "low_rank" as before
    # it, or their "mean"
    head_scaled: bool = False  # logits multiplied by a constant
    head_act: str = ""  # activation of a projection of width d that is normalised and makes the logits
    head_act_bias: bool = False  # on that projection


@frozen
class Structure:
    """The kinds of a decoder's sublayers in dataflow order, and its frame."""

    sublayers: tuple[Sublayer, ...]
    frame: Frame = Frame()
    mtp: tuple[Sublayer, ...] = ()  # of a module that predicts a token further ahead, L_mtp of them

    @property
    def every(self) -> tuple[Sublayer, ...]:
        """The sublayers of all layers, and of such a module."""
        return (*self.sublayers, *self.mtp)

    @property
    def tied(self) -> bool:
        """Whether head and embedding share a table."""
        return self.frame.tied


@frozen
class Architecture:
    """A structure with its sizes, by symbol name, and where each is from: a config key, a rule, another size."""

    family: str
    structure: Structure
    sizes: Mapping[str, int]
    origin: Mapping[str, str]
    layout: Mapping[str, Sequence[int]] = field(default_factory=dict)  # the layers of each sublayer, by its name

    def contradiction(self) -> str:
        """What is wrong between its sizes, named by where they come from; empty where nothing is."""
        return next(self._contradictions(), "")

    def _contradictions(self) -> Iterator[str]:
        told = {name: f"{name} = {self.origin[name]} = {value}" for name, value in self.sizes.items()}
        slots: dict[int, list[str]] = {}
        for x in self.structure.sublayers:
            H_q, H_kv, k, N_e = (x.symbol(base) for base in ("H_q", "H_kv", "k", "N_e"))
            if H_q in told and H_kv in told and self.sizes[H_q] % self.sizes[H_kv]:
                yield f"query heads ({told[H_q]}) are no multiple of KV heads ({told[H_kv]})"
            if k in told and self.sizes[k] > self.sizes[N_e]:
                yield f"experts a token is sent to ({told[k]}) exceed the experts there are ({told[N_e]})"
            if x.layers and x.whole:
                slots.setdefault(x.slot, []).append(x.layers)
        for counts in slots.values():
            if sum(self.sizes[c] for c in counts) != self.sizes["L"]:
                parts = " + ".join(f"{c}={self.sizes[c]}" for c in counts)
                yield f"layers {parts} do not add up to L={self.sizes['L']}"

    def of_layers(self, path: str, layers: int) -> int:
        """All layers, or the `layers` of the operator at `path` where its block stands apart from them."""
        name = path.partition("/")[0]
        apart = name in ("embedding", "head") or name.startswith("mtp.")
        once = apart or any(x.name == name and not x.layers for x in self.structure.sublayers)
        return layers if once else self.sizes["L"]

    def with_sizes(self, sizes: Mapping[str, int], further: Collection[str] = ()) -> "Architecture":
        """The same structure with other sizes: `with_sizes({"d": 8192})`; a size that is another one follows it.

        `further`: names of sizes that it may have besides its own.
        """
        for name, value in sizes.items():
            if name not in self.sizes and name not in further:
                told = cure(name, (*self.sizes, *further), "its sizes")
                raise UsageError(f"{shorten(name)!r} is no size of this model: {told}")
            if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= MAX_SIZE:
                raise UsageError(f"{name} = {described(value)}: a size is a whole number from 1 to {MAX_SIZE}")
        follow = {name: sizes[of] for name, of in self.origin.items() if of in sizes}
        origin = {**self.origin, **dict.fromkeys(sizes, "given")}
        changed = replace(self, sizes={**self.sizes, **follow, **sizes}, origin=origin)
        if fault := changed.contradiction():
            raise UsageError(fault)
        return changed
