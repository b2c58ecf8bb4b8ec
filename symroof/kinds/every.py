"""All kinds, as one type."""

from symroof.kinds.attention import Attention
from symroof.kinds.experts import Experts
from symroof.kinds.feed_forward import FeedForward
from symroof.kinds.latent import CompressedAttention, LatentAttention
from symroof.kinds.linear import DeltaNet, GatedRecurrence, LightningAttention, ShortConvolution
from symroof.kinds.others import ConvolvedAttention, DifferentialAttention, RelativeAttention, RoutedAttention
from symroof.kinds.recurrent import ChannelMix, Mamba, Mamba2, MatrixMemory, TimeMix
from symroof.kinds.shared import Adapters, CrossLayer, Cycle, Projection, Segments, Start
from symroof.kinds.streams import AltUp, DepthAttention, Laurel, LayerInput, LayerInputs, NGrams, Pointwise

Kind = (
    Attention
    | RoutedAttention
    | RelativeAttention
    | ConvolvedAttention
    | LatentAttention
    | CompressedAttention
    | DifferentialAttention
    | FeedForward
    | Experts
    | DeltaNet
    | LightningAttention
    | GatedRecurrence
    | ShortConvolution
    | DepthAttention
    | Mamba
    | Mamba2
    | TimeMix
    | ChannelMix
    | MatrixMemory
    | Cycle
    | Start
    | Segments
    | Adapters
    | Projection
    | CrossLayer
    | LayerInputs
    | LayerInput
    | NGrams
    | Laurel
    | AltUp
    | Pointwise
)
