"""Variants of grouped-query attention."""

from typing import ClassVar

from symroof.records import frozen


@frozen
class DifferentialAttention:
    """Differential attention: H_q heads of size h attend to both halves of the values of H_kv heads, and subtract."""

    builder: ClassVar[str] = "attention.differential.build_differential_attention"
    weights: ClassVar[tuple[str, ...]] = ("attention", "attention_output")

    bias: bool = False  # on all projections


@frozen
class RelativeAttention:
    """Grouped-query attention without rotary embedding: each query head adds biases by distance, up to e_b tokens
    back, mixed from e_b x d_b learned ones. Keys and values pass a convolution over k_c tokens.
    """

    builder: ClassVar[str] = "attention.relative.build_relative_attention"
    weights: ClassVar[tuple[str, ...]] = ("attention", "attention_output")

    mask: str = "causal"
    temperature: bool = False  # queries and biases scaled by a factor that depends on their position
    clipped: bool = (
        False  # queries, keys and inputs of the biases are limited in norm, values normalised; the output is
    )
    # gated per element, and one projected score per head joins the softmax
    dynamic: bool = False  # keys and values have separate inputs, which give their convolutions weights per KV head


@frozen
class ConvolvedAttention:
    """Grouped-query attention, h_r of h rotated, whose queries and keys pass two convolutions: over k_c tokens per
    element, then over k_g tokens per head. Half of a value is that of the previous token.
    """

    builder: ClassVar[str] = "attention.convolved.build_convolved_attention"
    weights: ClassVar[tuple[str, ...]] = ("attention", "attention_output")

    mask: str = "causal"
    bias: bool = False  # on all projections


@frozen
class RoutedAttention:
    """Attention of k groups of H_kv query heads of size h, one group for each of a token's k routed experts (of N_e),
    which project queries and outputs. All groups share H_kv key/value heads.
    """

    builder: ClassVar[str] = "attention.routed.build_routed_attention"
    weights: ClassVar[tuple[str, ...]] = ("attention", "attention_output")

    sum_bias: bool = False  # on the sum of the experts' outputs
