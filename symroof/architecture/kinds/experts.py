"""Routed experts."""

from typing import ClassVar

from symroof.records import frozen


@frozen
class Experts:
    """k of N_e routed experts of width f_e, beside a shared one of width f_s where `shared`."""

    builder: ClassVar[str] = "feed_forward.build_experts"
    weights: ClassVar[tuple[str, ...]] = ("experts", "shared_experts")

    act: str = "silu"
    gated: bool = True
    bias: bool = False  # on the experts' projections
    router_bias: bool = False
    router_norm: str = ""  # norm ahead of the router alone
    router_deep: bool = False  # scores are of a network of width r_r, and of one expert more that does nothing
    router_handed: bool = False  # the width is joined by that of the layer before, weighed an element
    hashed: bool = False  # the token itself, not its scores, says which experts
    correction: bool = False  # a learned bias on each expert's score
    expert_scale: bool = False  # a learned factor on each expert's score
    shared: bool = False
    shared_bias: bool = False
    shared_act: str = ""  # where it is another
    shared_gate: bool = False  # the shared output scaled by a sigmoid of the token
    shared_scored: bool = False  # the router weighs the N_s shared experts too, and all by a learned number
    sum_bias: bool = False  # on the sum of the experts' outputs
    latent: bool = False  # routed experts work on d_lat elements, projected from and to the stream
    latent_bias: bool = False
    idle: bool = False  # N_z more do nothing: they hand on the token
    latent_norm: str = ""  # norm of the sum of the experts' outputs, ahead of the projection to the stream
    latent_in: str = ""  # norm of what is projected to them
    each_norm: str = ""  # norm of the output of each expert, by weights that all share
