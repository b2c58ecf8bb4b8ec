"""Values of single config keys, checked: what null means, ranges, sizes that must divide each other."""

from collections.abc import Callable
from dataclasses import replace

from symroof.architecture.structure import Size
from symroof.config.config import Config

# Spellings of the same key.
LAYERS = ("num_hidden_layers", "n_layer", "num_layers", "n_layers", "layers")
HIDDEN = ("hidden_size", "n_embd", "n_embed", "d_model", "embed_dim")
HEADS = ("num_attention_heads", "n_head", "n_heads", "num_heads", "attention_heads")
EXPERTS = ("num_local_experts", "num_experts", "n_routed_experts", "moe_num_experts")
CHOSEN = ("num_experts_per_tok", "moe_k", "moe_topk", "num_experts_per_token")

ROPE_KEYS = ("rope_parameters", "rope_scaling")
PARTIAL_ROTARY = "partial_rotary_factor"


def mlp_bias(config: Config) -> bool:
    """Whether the feed-forward networks have biases; false where mlp_bias is absent."""
    return config.flag("mlp_bias", absent=False)


def size_unless_null(config: Config, key: str, absent: int | None) -> Size:
    """The size under the key; `absent` is the default where the key is absent, not where it is null."""
    return config.size(key, absent=None if config.says(key) else absent)


def not_null(config: Config, key: str, least: float = 0) -> bool:
    """Whether the key has a number or is absent (then the family's default holds); null turns the feature off."""
    return has_number(config, key, least) or not config.says(key)


def has_number(config: Config, key: str, least: float = 0) -> bool:
    """Whether the key has a number, of at least `least`; null and absent turn the feature off."""
    return config.optional_number(key, least=least) is not None


def multiplier(config: Config, key: str, absent: float = 1) -> float:
    """A number that something is multiplied or divided by."""
    return config.real(key, absent=absent)


def positive_number(config: Config, key: str, absent: float, most: int) -> float:
    """A number above 0, at most `most`."""
    return _checked_number(config, key, absent, f"a number above 0, at most {most}", lambda x: 0 < x <= most)


def fraction(config: Config, key: str, absent: float) -> float:
    """A number from 0 to 1."""
    return _checked_number(config, key, absent, "a number from 0 to 1", lambda x: 0 <= x <= 1)


def _checked_number(config: Config, key: str, absent: float, must: str, valid: Callable[[float], bool]) -> float:
    """The number under the key. Raises ConfigError, saying what it `must` be, unless it is `valid`."""
    value = config.data[key] if config.has(key) else absent
    if isinstance(value, bool) or not isinstance(value, int | float) or not valid(value):
        raise config.wrong(key, must)
    return value


def has_softcap(config: Config, key: str, absent: bool) -> bool:
    """Whether scores or logits are soft-capped: a positive number under `key` does so, null does not."""
    return absent if not config.says(key) else bool(config.optional_number(key, least=0))


def with_untied_head(config: Config) -> Config:
    """The config for a family whose head and embedding never share a table: tie_word_embeddings is overruled."""
    config.flag("tie_word_embeddings", absent=False)
    return replace(config, data={**config.data, "tie_word_embeddings": False})


def check_multiple(config: Config, size: Size, factor: Size, hint: str = "") -> None:
    """Raises ConfigError unless `size` is a multiple of `factor`."""
    if size % factor:
        raise config.fail(f"{size.origin}={size} is not a multiple of {factor.origin}={factor}{hint}")


def size_quotient(config: Config, size: Size, factor: Size, hint: str = "") -> Size:
    """size / factor. Raises ConfigError where this is not a whole number."""
    check_multiple(config, size, factor, hint)
    return Size(size // factor, f"{size.origin} / {factor.origin}")
