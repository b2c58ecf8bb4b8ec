"""The matrix memory of xLSTM in the place of attention."""

from symroof import symbols as s
from symroof.architecture.kinds.recurrent import MatrixMemory
from symroof.cost.graph import Op
from symroof.ops import dense
from symroof.ops.attention import grouped as att
from symroof.ops.recurrent import xlstm


def build_matrix_memory(kind: MatrixMemory) -> list[Op]:
    """Project, gate what is written, scan, normalise, gate what is read, project."""
    keys, values = s.H_v * s.d_k, s.H_v * s.d_v
    norm = "layer" if kind.bias else "layer_unbiased"
    return [
        Op("in", "recurrence", dense.linear(s.T, s.d, 2 * keys + 2 * values, bias=kind.bias)),
        Op("gates", "recurrence", dense.linear(s.T, s.d, 2 * s.H_v, bias=True)),
        Op("cap", "recurrence", xlstm.softcap(s.T, 2 * s.H_v)),
        Op("scan", "recurrence_core", xlstm.matrix_memory(s.T, s.H_v, s.d_k, s.d_v)),
        Op("inner_norm", "inner_norm", dense.norm(s.T * s.H_v, s.d_v, norm, values)),
        Op("gated", "recurrence", att.gate_heads(s.T, s.H_v, s.d_v, per_head=False)),
        Op("out", "recurrence", dense.linear(s.T, values, s.d, bias=kind.bias)),
    ]
