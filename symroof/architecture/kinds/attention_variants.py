"""Attention over grouped heads that is computed in another way."""

from typing import ClassVar

from symroof.records import frozen


@frozen
class DifferentialAttention:
    """Causal attention whose H_q heads of h attend to both halves of the values of H_kv heads, and subtract."""

    builder: ClassVar[str] = "attention.differential.build_differential_attention"
    weights: ClassVar[tuple[str, ...]] = ("attention", "attention_output")

    bias: bool = False  # on all projections


@frozen
class RelativeAttention:
    """Attention over grouped heads without rotation: each query head adds biases by distance, up to e_b tokens back,
    that it mixes from e_b x d_b learned ones. Keys and values are convolved over k_c tokens.
    """

    builder: ClassVar[str] = "attention.relative.build_relative_attention"
    weights: ClassVar[tuple[str, ...]] = ("attention", "attention_output")

    mask: str = "causal"
    temperature: bool = False  # queries and biases scaled by a factor that depends on their position
    clipped: bool = False  # queries, keys and what biases are mixed from are limited in length, values normalised; the
    # output is gated by every element, and a projected score a head joins the softmax
    dynamic: bool = False  # keys and values have inputs of their own, which give their convolutions weights a KV head


@frozen
class ConvolvedAttention:
    """Attention over grouped heads, h_r of h rotated, whose queries and keys are convolved: over k_c tokens each
    element by itself, then over k_g tokens each head. Half of a value is that of the token before.
    """

    builder: ClassVar[str] = "attention.convolved.build_convolved_attention"
    weights: ClassVar[tuple[str, ...]] = ("attention", "attention_output")

    mask: str = "causal"
    bias: bool = False  # on all projections


@frozen
class RoutedAttention:
    """Attention of k groups of H_kv query heads of size h, a group for each of the k of N_e experts that a token is
    sent to: these project queries and outputs. All groups share H_kv key/value heads.
    """

    builder: ClassVar[str] = "attention.routed.build_routed_attention"
    weights: ClassVar[tuple[str, ...]] = ("attention", "attention_output")

    sum_bias: bool = False  # on the sum of the experts' outputs
