"""Which format each kind of element is kept in, and where that was said; plain data."""

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction

from symroof.config import Config
from symroof.dtypes import bytes_per_element, canonical
from symroof.errors import UnknownName

# Role -> the width symbols it sets.
ROLES = {
    "weights": ("b_w", "b_r", "b_emb", "b_head", "b_n"),
    "experts": ("b_e",),
    "activations": ("b_a",),
    "cache": ("b_c",),
}


@dataclass(frozen=True)
class Precision:
    """Format and origin for each role of `ROLES`, and what of the config was set aside for them."""

    formats: Mapping[str, str]
    origin: Mapping[str, str]
    set_aside: str = ""

    def widths(self) -> dict[str, Fraction]:
        """Bytes an element, by width symbol's name."""
        return {x: bytes_per_element(self.formats[role]) for role, names in ROLES.items() for x in names}


def precision(
    config: Config,
    dtype: str | None = None,
    weights: str | None = None,
    experts: str | None = None,
    activations: str | None = None,
    cache: str | None = None,
) -> Precision:
    """The formats in force: the one given for a role, else `dtype`, else the config's; experts follow weights.

    Raises ConfigError where neither says, or where the config is quantised and `weights` is not given:
    a quantization_config is never silently ignored.
    """
    given = {"dtype": dtype, "weights": weights, "experts": experts, "activations": activations, "cache": cache}
    method = config.quantization()
    if method and not (dtype or weights):
        raise config.fail(
            f"quantization_config ({method}) is not read yet: say what the weights are kept in with "
            "--weights, and --experts where they differ, or --dtype for the model before quantisation"
        )
    formats, origin = {}, {}
    for role in ROLES:
        asked = [x for x in (role, "weights" if role == "experts" else role, "dtype") if given[x]]
        formats[role] = canonical(str(given[asked[0]])) if asked else _from_config(config)
        origin[role] = f"given as {asked[0]}" if asked else "the config's dtype"
    return Precision(formats, origin, f"quantization_config ({method})" if method else "")


def _from_config(config: Config) -> str:
    name = config.dtype()
    if not name:
        raise config.fail("names no dtype (key 'dtype' or 'torch_dtype'): give --dtype, such as --dtype bf16")
    try:
        return canonical(name)
    except UnknownName as error:
        raise config.fail(f"dtype: {error}; override it with --dtype") from error
