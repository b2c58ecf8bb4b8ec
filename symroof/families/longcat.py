"""longcat_flash: two attentions and two dense networks a layer, and experts beside them, some of which do nothing.

Source: transformers 5.23.0, models/longcat_flash. Its class keeps the first projections of the idle experts, which
nothing reads and checkpoints do not have: they are not counted.
"""

from dataclasses import replace

from symroof.architecture.kinds.experts import Experts
from symroof.architecture.kinds.feed_forward import FeedForward
from symroof.architecture.kinds.latent import LatentAttention
from symroof.architecture.structure import Architecture, Wiring
from symroof.config.config import Config
from symroof.families.deepseek import latent
from symroof.families.reading.parts import activation, decoder, experts, feed_forward

BESIDE = Wiring(norm="")  # what the first dense network reads


def read(config: Config) -> Architecture:
    """Attention, experts and a dense network that read the same, attention and a dense network again."""
    act = activation(config)
    mla = latent(config, LatentAttention())
    mlp = feed_forward(config, FeedForward(act), "ffn_hidden_size")
    router_bias = config.flag("router_bias", absent=False)
    idle = config.number("zero_expert_num", absent=256, least=0)
    moe = experts(
        config,
        Experts(act, router_bias=router_bias, idle=idle > 0),
        "expert_ffn_hidden_size",
        wiring=BESIDE,
        count=("n_routed_experts",),
    )
    if idle:
        moe = replace(moe, sizes=(*moe.sizes, ("N_z", config.size("zero_expert_num", absent=256))))
    return decoder(config, "longcat_flash", mla, mlp, moe, mla, mlp)


FAMILIES = {"longcat_flash": read}
