"""What a family is written with, `parts` aside: a config, the description it is read into, the table of readers.

FAMILIES["acme"] = acme     # acme: Config -> Architecture; symroof.load reads configs of this model_type then
"""

from symroof.architecture.kinds.attention import Attention
from symroof.architecture.kinds.experts import Experts
from symroof.architecture.kinds.feed_forward import FeedForward
from symroof.architecture.structure import Architecture, Pattern
from symroof.config.config import Config
from symroof.families.registry import FAMILIES

__all__ = ["FAMILIES", "Architecture", "Attention", "Config", "Experts", "FeedForward", "Pattern"]
