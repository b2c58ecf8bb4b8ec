"""Embeddings of several tokens: look up, project, gate by the streams, convolve, add."""

from symroof import symbols as s
from symroof.architecture.kinds.streams import NGrams
from symroof.cost.graph import Op
from symroof.ops import dense, ngrams
from symroof.ops.recurrent.convolution_and_state import convolve

ROLE = "per_layer_input"


def build_ngrams(_: NGrams) -> list[Op]:
    """The operators ahead of a layer; the convolution takes every n_g-th token."""
    wide, norm = s.m * s.d, dense.norm(s.T * s.m, s.d, "rms", s.m * s.d)
    return [
        Op("lookup", ROLE, ngrams.lookup_ngrams()),
        Op("key_value", ROLE, dense.linear(s.T, s.d_g, wide + s.d)),
        Op("key_norm", "norm", norm),
        Op("stream_norm", "norm", norm),
        Op("gate", ROLE, ngrams.gate_ngrams()),
        Op("norm", "norm", norm),
        Op("conv", ROLE, convolve(wide, positions=s.T, columns=(s.k_c - 1) * s.n_g)),
        Op("act", ROLE, dense.activate(s.T, wide, "silu", gated=False)),
        Op("add", "residual", ngrams.add_ngrams()),
    ]
