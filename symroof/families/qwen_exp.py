"""qwen4_exp_text: delta nets between layers of attention to blocks that an indexer selects; several weighted streams.

Source: transformers 5.23.0, models/qwen4_exp.
"""

from collections.abc import Iterator
from itertools import count, islice
from math import isqrt

from symroof.architecture.kinds.attention import Attention
from symroof.architecture.kinds.experts import Experts
from symroof.architecture.kinds.linear_attention import DeltaNet
from symroof.architecture.kinds.streams import NGrams
from symroof.architecture.structure import Architecture, Frame, Part, Pattern, Size, Wiring
from symroof.config.config import Config
from symroof.families.qwen_next import FULL_INTERVAL, delta_sizes, linear_but_every
from symroof.families.reading.keys import HIDDEN, size_quotient
from symroof.families.reading.layer_patterns import FULL, INDEXED, LINEAR
from symroof.families.reading.moe_layers import experts_with_one_shared
from symroof.families.reading.parts import (
    BARE,
    activation,
    attention,
    choose,
    decoder,
    heads,
    layer_types,
    layers,
    sizes_by_key,
    with_bias,
)
from symroof.families.reading.rotary import with_rotary

STREAMS = Wiring(norm="", streams="low_rank")
NGRAM_LAYERS = "ple_layer_ids"


def qwen4_exp(config: Config) -> Architecture:
    """Experts beside a gated shared one; no norms but those of the residual streams."""
    ffn = experts_with_one_shared(config, Experts(activation(config), shared_gate=True), STREAMS)
    slots: list[Part | Pattern] = [*_ngram_embeddings(config), _qwen4_mixers(config), ffn]
    frame = Frame(norm="", streams="low_rank")
    m, r_s = config.size("hc_count", absent=4), config.size("hc_lowrank", absent=320)
    return decoder(config, "qwen4_exp_text", *slots, frame=frame, m=m, r_s=r_s)


def _ngram_embeddings(config: Config) -> tuple[Pattern, ...]:
    """N-gram embeddings before the layers of ple_layer_ids, counted from 1; none where that is empty."""
    last = layers(config)
    numbers = sorted(set(config.whole_numbers(NGRAM_LAYERS, 1, last)))
    parts = {number - 1: _ngrams(config, place) for place, number in enumerate(numbers)}
    return (Pattern([parts.get(i) for i in range(last)], NGRAM_LAYERS),) if numbers else ()


def _ngrams(config: Config, place: int) -> Part:
    """The N-gram embeddings of one layer; `place` counts the layers before it that have some."""
    n_g, heads_per_n = config.number("ngram_size", absent=3, least=2), config.number("heads_per_ngram", absent=8)
    H_g = Size((n_g - 1) * heads_per_n, "heads_per_ngram")
    d_g = config.size("ple_embed_dim", absent=config.size(*HIDDEN))
    if d_g % H_g:
        raise config.fail(f"{d_g.origin}={d_g} is not a multiple of the {H_g} heads of ngram_size and heads_per_ngram")
    V_g, k_c = _ngram_rows(config, place, H_g), config.size("ple_conv_kernel_size", absent=4)
    return Part.of(NGrams(), "ngrams", BARE, d_g=d_g, V_g=V_g, H_g=H_g, n_g=Size(n_g, "ngram_size"), k_c=k_c)


def _ngram_rows(config: Config, place: int, H_g: int) -> Size:
    """The rows of one layer's table: each of its heads has a different prime number of them; padded in total."""
    base, step = "ngram_vocab_size_base", "make_ngram_vocab_size_divisible_by"
    rows = sum(islice(_primes(config.number(base, absent=20_000_000)), place * H_g, (place + 1) * H_g))
    multiple = config.number(step, absent=128)
    return Size(-(-rows // multiple) * multiple, base)


def _primes(least: int) -> Iterator[int]:
    """The primes from `least` on."""
    return (n for n in count(max(least, 2)) if all(n % i for i in range(2, isqrt(n) + 1)))


def _qwen4_mixers(config: Config) -> Pattern:
    """Delta nets, and attention in every fourth layer; what configs call full attention is indexed."""
    key = "full_attention_interval"
    absent = linear_but_every(config, config.number(key, absent=FULL_INTERVAL))
    names, origin = layer_types(config, absent, key)
    names, parts = [INDEXED if name == FULL else name for name in names], {}
    if LINEAR in names:
        parts[LINEAR] = Part.of(DeltaNet(activation(config)), LINEAR, STREAMS, **delta_sizes(config))
    if INDEXED in names:
        parts[INDEXED] = _indexer_attention(config)
    return choose(config, names, parts, origin)


def _indexer_attention(config: Config) -> Part:
    """Gated attention to indexer_budget keys, in blocks that an indexer selects by the means of their keys."""
    kind = with_bias(config, Attention("tail", qk_norm="rms", gate="full", indexer=True))
    kind, sizes = with_rotary(config, kind, heads(config, absent=256))
    return attention(kind, {**sizes, **_indexer_sizes(config)}, INDEXED, STREAMS)


def _indexer_sizes(config: Config) -> dict[str, Size]:
    """Heads of the indexer, the size of a block, and the number of selected blocks."""
    if config.number("indexer_kv_heads") != 1:
        raise config.wrong("indexer_kv_heads", "1")
    w_i = config.size("indexer_compress_ratio")
    k_b = size_quotient(config, config.size("indexer_budget"), w_i)
    return {**sizes_by_key(config, H_i="indexer_n_heads", h_i="indexer_head_dim"), "w_i": w_i, "k_b": k_b}


FAMILIES = {"qwen4_exp_text": qwen4_exp}
