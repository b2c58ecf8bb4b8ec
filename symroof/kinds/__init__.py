"""The kinds of sublayers a decoder can have: frozen flags, no sizes.

A kind says which operators a sublayer has; its sizes are the symbols that its docstring names. Names of norms
are those of ops.dense.NORMS, of activations ops.dense.ACTIVATIONS, of masks masks.MASKS.

A kind is loaded when it is first asked for: to make a frozen dataclass takes up to 2 ms, and a decoder has few kinds.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from symroof.kinds.attention import Attention
    from symroof.kinds.every import Kind
    from symroof.kinds.experts import Experts
    from symroof.kinds.feed_forward import FeedForward
    from symroof.kinds.latent import CompressedAttention, LatentAttention
    from symroof.kinds.linear import DeltaNet, GatedRecurrence, LightningAttention, ShortConvolution
    from symroof.kinds.others import ConvolvedAttention, DifferentialAttention, RelativeAttention, RoutedAttention
    from symroof.kinds.recurrent import ChannelMix, Mamba, Mamba2, MatrixMemory, TimeMix
    from symroof.kinds.shared import Adapters, CrossLayer, Cycle, Projection, Segments, Start
    from symroof.kinds.streams import AltUp, DepthAttention, Laurel, LayerInput, LayerInputs, NGrams, Pointwise

_HOMES = {
    "Adapters": "shared",
    "AltUp": "streams",
    "Attention": "attention",
    "ChannelMix": "recurrent",
    "CompressedAttention": "latent",
    "ConvolvedAttention": "others",
    "CrossLayer": "shared",
    "Cycle": "shared",
    "DeltaNet": "linear",
    "DepthAttention": "streams",
    "DifferentialAttention": "others",
    "Experts": "experts",
    "FeedForward": "feed_forward",
    "GatedRecurrence": "linear",
    "Kind": "every",
    "LatentAttention": "latent",
    "Laurel": "streams",
    "LayerInput": "streams",
    "LayerInputs": "streams",
    "LightningAttention": "linear",
    "Mamba": "recurrent",
    "Mamba2": "recurrent",
    "MatrixMemory": "recurrent",
    "NGrams": "streams",
    "Pointwise": "streams",
    "Projection": "shared",
    "RelativeAttention": "others",
    "RoutedAttention": "others",
    "Segments": "shared",
    "ShortConvolution": "linear",
    "Start": "shared",
    "TimeMix": "recurrent",
}

__all__ = [
    "Adapters", "AltUp", "Attention", "ChannelMix", "CompressedAttention", "ConvolvedAttention", "CrossLayer", "Cycle",
    "DeltaNet", "DepthAttention", "DifferentialAttention", "Experts", "FeedForward", "GatedRecurrence", "Kind",
    "LatentAttention", "Laurel", "LayerInput", "LayerInputs", "LightningAttention", "Mamba", "Mamba2", "MatrixMemory",
    "NGrams", "Pointwise", "Projection", "RelativeAttention", "RoutedAttention", "Segments", "ShortConvolution",
    "Start", "TimeMix",
]  # fmt: skip


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(import_module(f"symroof.kinds.{_HOMES[name]}"), name)
    raise AttributeError(f"module 'symroof.kinds' has no attribute {name!r}")
