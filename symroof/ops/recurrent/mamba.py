"""State space models: selective scans (Mamba-1), and scans of heads with one decay each (Mamba-2, SSD).

A state of constant size is decayed, updated by an outer product and read by every token: linear in tokens. Contractions
count as matmuls, decays and gates as elementwise operations. The rates A follow from their logarithms once, when
weights are loaded. P_ssd and X_ssd are what a scan in chunks multiplies in addition.
"""

from sympy import Expr

from symroof import symbols as s
from symroof.cost.cost import Cost
from symroof.cost.flops import dots
from symroof.ops.dense import elements, matmul
from symroof.ops.recurrent.convolution_and_state import state
from symroof.ops.weights_and_cache import stored_weights


# The time step s_ti is softplus(r_ti + b_i). A state of N for each of d channels; B and C for each of `heads`.
# Elementwise: shift, softplus of 3, s x, D x and its sum, silu of 4, gate; N times the rate, its exponential, the
# decay.
def selective_scan(tokens: Expr, d: Expr, N: Expr, heads: Expr) -> Cost:
    """S_ti = exp(s_ti A_i) S_(t-1)i + s_ti x_ti B_t, y_ti = (S_ti . C_t + D_i x_ti) silu(z_ti)."""
    scan = Cost(matmul=dots((s.T_ssm + tokens) * d * N, tokens * d))
    return elements(tokens, 3 * d + 2 * heads * N, d, d * (12 + 3 * N)) + state(d * N) + scan


# A state [h, N] for each head; B and C for each of `groups`. Elementwise: shift, softplus of 3, the rate, its
# exponential; h times s x, D x and its sum; the decay of the state. In chunks the pairs of a chunk are scored (C . B)
# and read (y = sum x), and the states at the borders of chunks are decayed from each border to each.
def dual_scan(tokens: Expr, heads: Expr, h: Expr, N: Expr, groups: Expr) -> Cost:
    """S_tm = exp(s_tm A_m) S_(t-1)m + s_tm x_tm B_t^T, y_tm = S_tm C_t + D_m x_tm; s_tm = softplus(r_tm + b_m)."""
    contracted = (s.T_ssd + s.T_read + s.X_ssd) * h * N + s.P_ssd * (N + h)
    scan = Cost(matmul=dots(heads * contracted, heads * (s.T_read * h + s.P_ssd)))
    operations = heads * (6 + 3 * h + h * N)
    return elements(tokens, heads * (h + 1) + 2 * groups * N, heads * h, operations) + state(heads * h * N) + scan


def scan_weights(count: Expr) -> Cost:
    """A, D and b of a scan: `count` elements."""
    return stored_weights(count * s.b_n)


def head_linear(tokens: Expr, heads: Expr, d_in: Expr, d_out: Expr) -> Cost:
    """y_tmo = sum_i x_tmi W_mio: weights [heads, d_in, d_out]."""
    return matmul(tokens * heads, d_in, d_out, heads * d_in * d_out * s.b_w)
