"""Attention to a window and to compressed entries: project, compress, select, attend, project by groups."""

from sympy import Expr, Integer

from symroof import symbols as s
from symroof.architecture.kinds.latent_attention import CompressedAttention
from symroof.cost.graph import Op
from symroof.ops import dense
from symroof.ops.attention import compressed
from symroof.ops.attention import grouped as att
from symroof.ops.attention.softmax import scores_and_values

H = s.H_q
ENTRIES = {
    "": (Integer(0), Integer(0), Integer(0), Integer(0)),
    "all": (s.P_comp, s.C_comp, s.T_comp, s.K_comp),
    "selected": (s.P_sel, s.C_sel, s.T_comp, s.K_comp),
}


def build_compressed_attention(kind: CompressedAttention) -> list[Op]:
    """The operators of one layer between norm and residual."""
    selects = kind.entries == "selected"
    entries = _compressor("compress", "attention", s.h, selects) if kind.entries else []
    indexer = _entry_indexer() if selects else []
    attend = compressed.compressed_attention(H, s.h, *ENTRIES[kind.entries], s.P_sel if selects else Integer(0))
    products = scores_and_values((s.P_swa + ENTRIES[kind.entries][0]) * H, s.T * H, s.h, s.h)
    core = Op("attend", "attention_core", attend, products=products)
    return [*_projections(), *entries, *indexer, core, *_outputs()]


def _projections() -> list[Op]:
    """Queries through a latent, and one key that is also the value, normalised and rotated."""
    return [
        Op("q_a", "attention", dense.linear(s.T, s.d, s.r_q)),
        Op("q_norm", "inner_norm", dense.norm(s.T, s.r_q)),
        Op("q_b", "attention", dense.linear(s.T, s.r_q, H * s.h)),
        Op("q_head_norm", "attention", dense.norm(s.T * H, s.h, "rms_plain")),
        Op("kv", "attention", dense.linear(s.T, s.d, s.h)),
        Op("kv_norm", "inner_norm", dense.norm(s.T, s.h)),
        Op("rope", "attention", att.rotate(s.T, H + 1, s.h_r)),
    ]


def _outputs() -> list[Op]:
    """Sinks, the heads' output rotated back, and its projection by groups."""
    return [
        Op("sinks", "attention", att.attention_sink(s.T, H)),
        Op("rope_back", "attention", att.rotate(s.T, H, s.h_r)),
        Op("out_a", "attention", compressed.grouped_linear(s.T, s.G_o, H * s.h / s.G_o, s.r_o)),
        Op("out_b", "attention", dense.linear(s.T, s.G_o * s.r_o, s.d, s.b_o)),
    ]


def _compressor(name: str, role: str, h: Expr, overlapping: bool) -> list[Op]:
    """Values and gates of each token, and their entries, normalised and rotated."""
    return [
        Op(f"{name}.kv_gate", role, dense.linear(s.T, s.d, (4 if overlapping else 2) * h, s.b_r)),
        Op(name, role, compressed.compress(h, overlapping)),
        Op(f"{name}.norm", "inner_norm", dense.norm(s.T_comp, h)),
        Op(f"{name}.rope", role, att.rotate(s.T_comp, Integer(1), s.h_r)),
    ]


def _entry_indexer() -> list[Op]:
    """Separate, smaller entries, queries and weights of a few small heads, and the entries they select."""
    return [
        *_compressor("index.compress", "indexer", s.h_i, overlapping=True),
        Op("index.q", "indexer", dense.linear(s.T, s.r_q, s.H_i * s.h_i)),
        Op("index.rope", "indexer", att.rotate(s.T, s.H_i, s.h_r)),
        Op("index.weights", "indexer", dense.linear(s.T, s.d, s.H_i, s.b_r)),
        Op("index", "indexer_core", compressed.index_entries(s.H_i, s.h_i)),
    ]
