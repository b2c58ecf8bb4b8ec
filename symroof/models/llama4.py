"""llama4: the text part of Llama 4, alone or under text_config.

Layers alternate in two ways at once: attention is chunked with rotary embedding or full without, and the
feed-forward network is dense or routed with a shared expert. Source: transformers 5.23.0, models/llama4;
where a key is absent its config class gives the value.
"""

from symroof.architecture import Architecture, Attention, Experts, FeedForward, Structure
from symroof.config import Config, Sizes
from symroof.models.llama import activation, trunk

CHUNK = 8192  # attention_chunk_size where absent
NOPE_INTERVAL = 4  # no_rope_layer_interval where absent


def read_wrapper(config: Config) -> Architecture:
    """The text model of a multimodal config."""
    text = config.nested("text_config")
    if text.has("model_type") and text.text("model_type") != "llama4_text":
        raise text.wrong("model_type", "llama4_text")
    return read(text)


def read(config: Config) -> Architecture:
    """Attention kinds, then feed-forward kinds, each with its number of layers."""
    sizes = Sizes(config)
    trunk(sizes)
    sublayers = (*attention(sizes), *feed_forward(sizes))
    structure = Structure(sublayers, tied=config.flag("tie_word_embeddings", absent=False))
    return Architecture("llama4", structure, sizes.values, sizes.origin)


def attention(sizes: Sizes) -> tuple[Attention, ...]:
    """Chunked attention on the layers with rotary embedding, full attention on the others."""
    config = sizes.config
    kinds, origin = layer_types(config, sizes.values["L"])
    bias = config.flag("attention_bias", absent=False)
    chunked = Attention("chunked_attention", "L_chunk", "chunked",
                        qk_norm=config.flag("use_qk_norm", absent=True), bias=bias)  # fmt: skip
    full = Attention("full_attention", "L_full", rope=False,
                     temperature=config.flag("attn_temperature_tuning", absent=True), bias=bias)  # fmt: skip
    found = tuple(x for x in (chunked, full) if x.name in kinds)
    for kind in found:
        sizes.derive(kind.layers, kinds.count(kind.name), origin)
    if chunked in found:
        chunk = config.number("attention_chunk_size") if "attention_chunk_size" in config.data else CHUNK
        sizes.derive("w", chunk, "attention_chunk_size")
    return found


def layer_types(config: Config, layers: int) -> tuple[list[str], str]:
    """The attention of each layer and the key that says so: no_rope_layers, layer_types or the interval."""
    interval_key = "nope_layer_interval" if config.has("nope_layer_interval") else "no_rope_layer_interval"
    interval = config.number(interval_key) if config.has(interval_key) else NOPE_INTERVAL
    rope = config.listed("no_rope_layers")  # 1 on layers WITH rotary embedding; empty means by interval
    origin = "no_rope_layers" if rope else interval_key
    rope = rope or [int((i + 1) % interval != 0) for i in range(layers)]
    if len(rope) != layers or any(x not in (0, 1) for x in rope):
        raise config.fail(f"key 'no_rope_layers' must hold a 0 or 1 for each of the {layers} layers")
    kinds = ["chunked_attention" if x else "full_attention" for x in rope]
    if config.has("layer_types") and config.listed("layer_types") != kinds:
        raise config.fail(f"keys 'layer_types' and {origin!r} contradict each other: chunked_attention belongs to "
                          "layers with rotary embedding, full_attention to those without")  # fmt: skip
    return kinds, origin


def feed_forward(sizes: Sizes) -> tuple[FeedForward | Experts, ...]:
    """Dense layers and routed ones; a routed layer adds one shared expert of the experts' size."""
    config, layers = sizes.config, sizes.values["L"]
    routed, origin = moe_layers(config, layers)
    act = activation(config)
    found: list[FeedForward | Experts] = []
    if routed < layers:
        sizes.read("f", "intermediate_size_mlp")
        sizes.derive("L_mlp", layers - routed, origin)
        found.append(FeedForward(layers="L_mlp", act=act))
    if routed:
        sizes.read("f_e", "intermediate_size")
        experts = sizes.read("N_e", "num_local_experts")
        sizes.read("k", "num_experts_per_tok")
        sizes.derive("k_hf", experts, "N_e")  # transformers runs all of them on every token
        sizes.derive("L_moe", routed, origin)
        found.append(Experts(layers="L_moe", act=act, shared="f_e"))
    return tuple(found)


def moe_layers(config: Config, layers: int) -> tuple[int, str]:
    """How many layers are routed: those listed in moe_layers, else every interleave_moe_layer_step-th."""
    if config.has("moe_layers"):
        listed = config.listed("moe_layers")
        good = all(isinstance(i, int) and not isinstance(i, bool) and 0 <= i < layers for i in listed)
        if not good or len(set(listed)) != len(listed):
            raise config.fail(f"key 'moe_layers' must list different layers from 0 to {layers - 1}")
        return len(listed), "moe_layers"
    key = "interleave_moe_layer_step"
    return layers // (config.number(key) if config.has(key) else 1), key
