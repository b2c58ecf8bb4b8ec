"""longcat_flash: two attentions and two dense networks per layer, and experts in parallel, some of which do nothing.

Source: transformers 5.23.0, models/longcat_flash. Its class has first projections for the idle experts, which are not
used and not in checkpoints: they are not counted.
"""

from symroof.architecture.kinds.experts import Experts
from symroof.architecture.kinds.feed_forward import FeedForward
from symroof.architecture.kinds.latent_attention import LatentAttention
from symroof.architecture.structure import Architecture, Part
from symroof.config.config import Config
from symroof.families.deepseek import latent_attention_part
from symroof.families.reading.parts import BESIDE, activation, decoder, experts, feed_forward, with_sizes


def longcat_flash(config: Config) -> Architecture:
    """Attention, experts and a dense network in parallel, then attention and a dense network again."""
    mla = latent_attention_part(config, LatentAttention())
    mlp = feed_forward(config, FeedForward(activation(config)), "ffn_hidden_size")
    return decoder(config, "longcat_flash", mla, mlp, _longcat_experts(config), mla, mlp)


def _longcat_experts(config: Config) -> Part:
    """Experts that read what the first dense network reads."""
    idle = config.number("zero_expert_num", absent=256, least=0)
    bias = config.flag("router_bias", absent=False)
    kind = Experts(activation(config), router_bias=bias, correction=True, idle=idle > 0)
    moe = experts(config, kind, "expert_ffn_hidden_size", wiring=BESIDE, count=("n_routed_experts",))
    return with_sizes(moe, N_z=config.size("zero_expert_num", absent=256)) if idle else moe


FAMILIES = {"longcat_flash": longcat_flash}
