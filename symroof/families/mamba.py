"""mamba, falcon_mamba and mamba2: decoders of state spaces only; and the state spaces that hybrid models use.

Source: transformers 5.23.0, models/mamba, falcon_mamba, mamba2.
"""

from functools import partial

from symroof.architecture.kinds.recurrent import Mamba, Mamba2
from symroof.architecture.structure import Architecture, Part, Size, Wiring
from symroof.config.config import Config
from symroof.families.reading.keys import HIDDEN, check_multiple
from symroof.families.reading.parts import activation, decoder

STATE = ("state_size", "ssm_state_size", "mamba_d_state")
KERNEL = ("conv_kernel", "mamba_d_conv")
EXPAND = ("expand", "mamba_expand")
RANK = ("time_step_rank", "mamba_dt_rank")
GROUPS = ("n_groups", "mamba_n_groups", "mamba_ngroups")
CHUNK = ("chunk_size", "mamba_chunk_size")
BIAS = ("use_bias", "mamba_proj_bias")
CONV_BIAS = ("use_conv_bias", "mamba_conv_bias")


def mamba(config: Config, family: str, norm: str = "") -> Architecture:
    """Mamba-1 in every layer."""
    width = config.size("intermediate_size") if config.has("intermediate_size") else expanded_width(config)
    return decoder(config, family, mamba_block(config, width, norm), tied=True)


def mamba2(config: Config) -> Architecture:
    """Mamba-2 in every layer."""
    bias = config.flag("use_bias", absent=False)
    sizes = mamba2_heads(config, "num_heads", "head_dim", expanded_width(config))
    kind = Mamba2(bias, bias, config.flag("use_conv_bias", absent=True), activation(config))
    return decoder(config, "mamba2", mamba2_block(config, kind, sizes))


def expanded_width(config: Config) -> Size:
    """The inner width of a state space as a multiple of the hidden size."""
    times, d = config.size(*EXPAND), config.size(*HIDDEN)
    return Size(times * d, f"{times.origin} * {d.origin}")


def mamba_block(config: Config, width: Size, norm: str = "", act: str = "hidden_act", H_m: Size | None = None) -> Part:
    """Mamba-1 of that width, with H_m heads if given; `act` is the key of its activation."""
    bias, conv_bias = config.flag(*BIAS, absent=False), config.flag(*CONV_BIAS, absent=True)
    kind = Mamba(bias, conv_bias, activation(config, act), norm, bool(H_m))
    sizes = {"d_m": width, "N_m": config.size(*STATE), "k_c": config.size(*KERNEL), "r_m": _time_step_rank(config)}
    if H_m:
        check_multiple(config, width, H_m)
        sizes["H_m"] = H_m
    return Part.of(kind, "mamba", None, **sizes)


def _time_step_rank(config: Config) -> Size:
    """The rank of the time steps; a sixteenth of the hidden size where it is absent or "auto"."""
    key = config.spelling(*RANK)
    if config.has(key) and config.data[key] != "auto":
        return config.size(key)
    d = config.size(*HIDDEN)
    return Size(-(-d // 16), f"{d.origin} / 16, rounded up")


def mamba2_heads(config: Config, count: str, size: str, width: Size | None = None) -> dict[str, Size]:
    """H_m and h_m under the keys `count` and `size`, whose product is `width`; from it where `size` gives no number."""
    H_m = config.size(count)
    if width is None or (config.has(size) and config.data[size] != "auto"):
        h_m = config.size(size)
    else:
        h_m = Size(width // H_m, f"{width.origin} / {count}")
    if width is not None and H_m * h_m != width:
        raise config.fail(f"{count}={H_m} heads of {h_m} ({h_m.origin}) are not the width {width} ({width.origin})")
    return {"H_m": H_m, "h_m": h_m}


def mamba2_block(
    config: Config, kind: Mamba2, sizes: dict[str, Size], chunk: int = 256, wiring: Wiring | None = None
) -> Part:
    """Mamba-2 whose heads are given in `sizes`; `chunk` is the default chunk_size."""
    G_m = config.size(*GROUPS)
    check_multiple(config, sizes["H_m"], G_m)
    N_m, k_c, w_s = config.size(*STATE), config.size(*KERNEL), config.size(*CHUNK, absent=chunk)
    return Part.of(kind, "mamba", wiring, **sizes, N_m=N_m, G_m=G_m, k_c=k_c, w_s=w_s)


FAMILIES = {
    "mamba": partial(mamba, family="mamba"),
    "falcon_mamba": partial(mamba, family="falcon_mamba", norm="rms_plain"),
    "mamba2": mamba2,
}
