"""mamba, falcon_mamba and mamba2: decoders of state spaces alone; and the state spaces that hybrids are made of.

Source: transformers 5.23.0, models/mamba, falcon_mamba, mamba2.
"""

from functools import partial

from symroof.architecture.kinds.recurrent import Mamba, Mamba2
from symroof.architecture.structure import Architecture, Part, Size, Wiring
from symroof.config.config import Config
from symroof.families.reading.parts import HIDDEN, activation, decoder

STATE = ("state_size", "ssm_state_size", "mamba_d_state")
KERNEL = ("conv_kernel", "mamba_d_conv")
EXPAND = ("expand", "mamba_expand")
RANK = ("time_step_rank", "mamba_dt_rank")
GROUPS = ("n_groups", "mamba_n_groups", "mamba_ngroups")
CHUNK = ("chunk_size", "mamba_chunk_size")
BIAS = ("use_bias", "mamba_proj_bias")
CONV_BIAS = ("use_conv_bias", "mamba_conv_bias")


def mamba(config: Config, family: str, norm: str = "") -> Architecture:
    """Selective state spaces in every layer, and nothing else."""
    width = config.size("intermediate_size") if config.has("intermediate_size") else expanded(config)
    return decoder(config, family, selective(config, width, norm), tied=True)


def mamba2(config: Config) -> Architecture:
    """State spaces of heads in every layer, and nothing else."""
    bias = config.flag("use_bias", absent=False)
    heads = state_heads(config, "num_heads", "head_dim", expanded(config))
    kind = Mamba2(bias, bias, config.flag("use_conv_bias", absent=True), activation(config))
    return decoder(config, "mamba2", state_space(config, kind, heads))


def expanded(config: Config) -> Size:
    """The inner width of a state space as a multiple of the hidden size."""
    times, d = config.size(*EXPAND), config.size(*HIDDEN)
    return Size(times * d, f"{times.origin} * {d.origin}")


def selective(config: Config, width: Size, norm: str = "", act: str = "hidden_act", heads: Size | None = None) -> Part:
    """Mamba-1 of that width, activated by what is under the key `act`."""
    kind = Mamba(
        config.flag(*BIAS, absent=False),
        config.flag(*CONV_BIAS, absent=True),
        activation(config, act),
        norm,
        bool(heads),
    )
    sizes = {"d_m": width, "N_m": config.size(*STATE), "k_c": config.size(*KERNEL), "r_m": rank(config)}
    if heads and width % heads:
        raise config.fail(f"the state space's width {width} ({width.origin}) is no multiple of {heads.origin}={heads}")
    return Part.of(kind, "mamba", None, **sizes, **({"H_m": heads} if heads else {}))


def rank(config: Config) -> Size:
    """The rank of the time steps; absent or "auto", a sixteenth of the hidden size."""
    key = config.spelling(*RANK)
    if config.has(key) and config.data[key] != "auto":
        return config.size(key)
    d = config.size(*HIDDEN)
    return Size(-(-d // 16), f"{d.origin} / 16, rounded up")


def state_heads(config: Config, count: str, size: str, width: Size | None = None) -> dict[str, Size]:
    """H_m and h_m under these keys, which make up `width`; null, absent or "auto", the size follows from it."""
    H_m = config.size(count)
    if width is None or (config.has(size) and config.data[size] != "auto"):
        h_m = config.size(size)
    else:
        h_m = Size(width // H_m, f"{width.origin} / {count}")
    if width is not None and H_m * h_m != width:
        raise config.fail(f"{count}={H_m} heads of {h_m} ({h_m.origin}) are not the width {width} ({width.origin})")
    return {"H_m": H_m, "h_m": h_m}


def state_space(
    config: Config, kind: Mamba2, heads: dict[str, Size], chunk: int = 256, wiring: Wiring | None = None
) -> Part:
    """Mamba-2 of these heads; `chunk` is the family's chunk_size."""
    G_m = config.size(*GROUPS)
    if heads["H_m"] % G_m:
        raise config.fail(f"{heads['H_m'].origin}={heads['H_m']} is no multiple of {G_m.origin}={G_m}")
    return Part.of(
        kind,
        "mamba",
        wiring,
        **heads,
        N_m=config.size(*STATE),
        G_m=G_m,
        k_c=config.size(*KERNEL),
        w_s=config.size(*CHUNK, absent=chunk),
    )


FAMILIES = {
    "mamba": partial(mamba, family="mamba"),
    "falcon_mamba": partial(mamba, family="falcon_mamba", norm="rms_plain"),
    "mamba2": mamba2,
}
