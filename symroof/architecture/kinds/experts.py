"""Routed experts."""

from typing import ClassVar

from symroof.records import frozen


@frozen
class Experts:
    """k of N_e routed experts of width f_e, plus a shared expert of width f_s if `shared`."""

    builder: ClassVar[str] = "feed_forward.build_experts"
    weights: ClassVar[tuple[str, ...]] = ("experts", "shared_experts")

    act: str = "silu"
    gated: bool = True
    bias: bool = False  # on the experts' projections
    router_bias: bool = False
    router_norm: str = ""  # norm before the router only
    router_deep: bool = (
        False  # the router is a network of width r_r, and scores one additional expert that does nothing
    )
    router_handed: bool = (
        False  # the previous layer's r_r elements, scaled per element, are added to those of the router
    )
    hashed: bool = False  # experts are chosen by the token id, not by scores
    correction: bool = False  # a learned bias on each expert's score
    expert_scale: bool = False  # a learned factor on each expert's score
    shared: bool = False
    shared_bias: bool = False
    shared_act: str = ""  # activation of the shared expert, empty where it is `act`
    shared_gate: bool = False  # the shared expert's output is scaled by a sigmoid of the token
    shared_scored: bool = False  # the router scores the N_s shared experts too, and a learned factor scales all scores
    sum_bias: bool = False  # on the sum of the experts' outputs
    latent: bool = False  # routed experts work on d_lat elements, projected from and to the residual stream
    latent_bias: bool = False
    idle: bool = False  # N_z additional experts are the identity
    latent_norm: str = ""  # norm of the sum of the experts' outputs, before the projection to the residual stream
    latent_in: str = ""  # norm of the latent input of the experts
    each_norm: str = ""  # norm of each expert's output, with shared weights
