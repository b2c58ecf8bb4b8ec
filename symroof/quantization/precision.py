"""The format that each kind of element is stored in, and where it is given; plain data."""

from collections.abc import Iterable, Mapping
from fractions import Fraction
from typing import TYPE_CHECKING

from symroof.architecture.structure import Architecture
from symroof.config.config import Config, reading
from symroof.dtypes import BITS, Format, format_of, operand_formats, product_formats
from symroof.errors import MissingFormat, UnknownName
from symroof.quantization.weight_formats import GGUF, SCHEMES, element_format, weights_name
from symroof.records import frozen

if TYPE_CHECKING:
    from symroof.quantization.scheme import Scheme

# Role -> the width symbols it sets. Quantised weights may have a different format for each of the DETAILS.
ROLES = {
    "weights": ("b_w", "b_o", "b_m", "b_f", "b_sh", "b_r", "b_emb", "b_head", "b_n", "b_sc"),
    "experts": ("b_e",),
    "activations": ("b_a",),
    "cache": ("b_c",),
    "states": ("b_s",),
}
DETAILS = {
    "attention": ("b_w", "b_o"),
    "attention_output": ("b_o",),
    "recurrence": ("b_m",),
    "feed_forward": ("b_f",),
    "shared_experts": ("b_sh",),
    "embedding": ("b_emb",),
    "head": ("b_head",),
    "norms": ("b_n",),
    "routers": ("b_r",),
    "score_correction": ("b_sc",),
}
WITHIN = {"attention_output": "attention"}  # a detail -> the one whose format it has by default
UNQUANTISED = ("embedding", "head", "norms", "routers")  # details that quantisers leave as they are
Roled = tuple[Format | None, str]  # a format, None where none is named, and its origin
NOT_MULTIPLIED = ("activations", "cache", "states", "embedding", "norms", "score_correction")


@frozen
class Precision:
    """Format and origin of each role of `ROLES` and `DETAILS`, and the part of the config that they override.

    `notes`: how weights that are given are stored. `lack`: why roles have no format, empty where all have one.
    """

    formats: Mapping[str, Format]
    origin: Mapping[str, str]
    set_aside: str = ""
    notes: tuple[str, ...] = ()
    lack: str = ""

    def widths(self) -> dict[str, Fraction]:
        """Bytes per element, by name of the width symbol. Raises MissingFormat where a role has no format."""
        if self.lack:
            raise MissingFormat(self.lack)
        return self.known_widths()

    def known_widths(self) -> dict[str, Fraction]:
        """Bytes per element of the roles that have a format."""
        return {x: form.bytes for x, form in self._by_width().items()}

    def operands(self, width: str) -> tuple[Format, Format]:
        """The formats of weights of a width and of activations; of the cache in place of weights for "".

        Raises MissingFormat.
        """
        formats = self._by_width()
        if (width or "b_c") not in formats or "activations" not in self.formats:
            raise MissingFormat(self.lack)
        return formats[width or "b_c"], self.formats["activations"]

    def product_formats(self, width: str) -> dict[str, Fraction]:
        """The formats that matmuls with weights of a width run in, and their shares; those with the cache for ""."""
        return product_formats(*self.operands(width))

    def weights_only(self) -> tuple[str, ...]:
        """The formats of weights that are multiplied in that of activations: narrower ones, and those only stored."""
        inputs = self.formats.get("activations")
        parts = [y for role, x in self.formats.items() if role not in NOT_MULTIPLIED for y, _ in x.mix or ((x, 1),)]
        stored = (x for x in parts if inputs and not x.inputs and (x.bytes < inputs.bytes or x.element not in BITS))
        return tuple(dict.fromkeys(x.element for x in stored))

    @property
    def multiplied(self) -> tuple[str, ...]:
        """In words, which formats are those of weights alone; empty where there are none."""
        narrow = " and ".join(self.weights_only())
        inputs = "the format of activations"
        return (f"{narrow} weights are multiplied in {self.formats['activations'].name}, {inputs}",) if narrow else ()

    def operand_formats(self, operands: Iterable[str]) -> list[tuple[tuple[str, ...], Fraction]]:
        """The formats that meet in matmuls of activations with elements of these widths, and the share of each case.

        Raises MissingFormat.
        """
        if self.lack:
            raise MissingFormat(self.lack)
        by_width = self._by_width()
        return operand_formats([self.formats["activations"], *(by_width[x] for x in operands)])

    def _by_width(self) -> dict[str, Format]:
        """The format of each width symbol; those of details override those of roles."""
        symbols = {**ROLES, **DETAILS}
        order = sorted(self.formats, key=list(symbols).index)
        return {x: self.formats[role] for role in order for x in symbols[role]}


def precision(
    config: Config,
    architecture: Architecture,
    recurrent: bool = True,
    dtype: str | None = None,
    weights: str | None = None,
    experts: str | None = None,
    activations: str | None = None,
    cache: str | None = None,
    states: str | None = None,
    tool: str | None = None,
) -> Precision:
    """The format of every role: the one given for it, else `dtype`, else the config's; experts have that of weights.

    A quantization_config sets those of weights and cache unless they or `dtype` are given. Weights given by the name of
    a scheme are the matrices of the layers; the rest has the format of `dtype` or the config. Recurrent states are fp32
    unless given; a model that is not `recurrent` has none. So are corrections of experts' scores, unless dtype or a
    format of all weights is given. A `tool` that is reproduced ignores a quantization_config, and takes a config
    without a dtype for fp16. Roles without a format are left out, and `lack` says why.
    """
    given = {"weights": None, "experts": None, "activations": activations, "cache": cache}
    scheme = None if dtype or weights or tool else load_scheme(config)
    base, origin = base_format(config, dtype, tool)
    roles = {role: chosen(role, name, base, origin) for role, name in given.items()}
    if scheme and base:
        with reading(config):
            roles |= scheme_roles(scheme, architecture, base, given | {"experts": experts})
    named = {role: weights_name(x) for role, x in (("weights", weights), ("experts", experts)) if x}
    for role, name in named.items():
        roles |= given_roles(role, name, architecture, (base, origin))
    if corrects_scores(architecture) and not (tool or is_plain(named.get("weights"), dtype)):
        roles["score_correction"] = (base, origin) if dtype else (format_of("fp32"), "checkpoints keep fp32")
    if recurrent:
        roles["states"] = chosen("states", states, format_of("fp32"), "recurrences keep fp32")
    notes = tuple(x for role, name in named.items() if (x := weights_note(role, name, base)))
    overridden = "" if scheme or tool else set_aside(config)
    return precision_of_roles(roles, overridden, notes, missing_format(config))


def corrects_scores(architecture: Architecture) -> bool:
    """Whether a learned correction is added to the scores of experts."""
    return any(getattr(x.kind, "correction", False) for x in architecture.structure.sublayers)


def is_plain(weights: str | None, dtype: str | None) -> bool:
    """Whether all weights have one format that is given; `weights` by its canonical name."""
    return bool(weights not in (*SCHEMES, *GGUF) if weights else dtype)


def precision_of_roles(roles: Mapping[str, Roled], overridden: str, notes: tuple[str, ...], missing: str) -> Precision:
    """The precision of roles, those without a format left out for the reason `missing`."""
    formats = {role: form for role, (form, _) in roles.items() if form}
    origin = {role: where for role, (form, where) in roles.items() if form}
    return Precision(formats, origin, overridden, notes, missing if len(formats) < len(roles) else "")


def chosen(role: str, name: str | None, base: Format | None, origin: str) -> Roled:
    """The format of a role: the one given for it, else `base`."""
    return (element_format(name), f"given as {role}") if name else (base, origin)


def base_format(config: Config, dtype: str | None, tool: str | None) -> Roled:
    """The format of what is not quantised: `dtype`, else the config's, else what such checkpoints leave as it is."""
    if dtype:
        return element_format(dtype), "given as dtype"
    if name := config.dtype():
        try:
            return format_of(name), "the config's dtype"
        except UnknownName as error:
            raise config.fail(f"dtype: {error}; override it with --dtype") from error
    if tool:
        return format_of("fp16"), f"the default of {tool}; the config names no dtype"
    return (format_of("bf16"), UNNAMED) if has_scheme(config) else (None, "")


UNNAMED = "what quantised checkpoints leave as it is; the config names no dtype"


def missing_format(config: Config) -> str:
    """Why bytes are not known, and the cure."""
    return f"{config.source}: names no dtype (key 'dtype' or 'torch_dtype'): give --dtype, such as --dtype bf16"


def given_roles(role: str, name: str, architecture: Architecture, rest: Roled) -> dict[str, Roled]:
    """The formats of roles where weights, or those of experts, are given by a canonical name."""
    origin = f"given as {role}"
    if name in GGUF:
        from symroof.quantization.gguf import mix_formats

        formats = mix_formats(name, architecture)
    else:
        formats = {"weights": SCHEMES[name][0] if name in SCHEMES else format_of(name)}
    experts = formats.get("experts", formats["weights"])
    if role == "experts":
        return {"experts": (experts, origin)}
    rests = dict.fromkeys(UNQUANTISED, rest) if name in SCHEMES else {}
    given: dict[str, Roled] = {x: (form, origin) for x, form in {**formats, "experts": experts}.items()}
    return without_unused(given | rests, architecture)


def without_unused(roles: dict[str, Roled], architecture: Architecture) -> dict[str, Roled]:
    """The roles without the head where it has the embedding's table."""
    return {x: y for x, y in roles.items() if x != "head" or not architecture.structure.tied}


def weights_note(role: str, name: str, base: Format | None) -> str:
    """How weights of a format that is given are stored, and what is not quantised; empty for one of all weights."""
    if name in GGUF:
        return f"{name} is llama.cpp's mix of block types without an importance matrix, in exact means over the layers"
    if name not in SCHEMES:
        return ""
    rest = base.name if base else "what they are"
    if role == "experts":
        return f"{name} experts are stored {SCHEMES[name][1]}"
    return f"{name} is the matrices of the layers {SCHEMES[name][1]}; embedding, head, norms and routers stay {rest}"


def scheme_roles(
    scheme: "Scheme", architecture: Architecture, base: Format, given: Mapping[str, str | None]
) -> dict[str, Roled]:
    """The formats that a scheme sets: those that are not given and differ from the default of their role."""
    from symroof.quantization.quantization_config import role_formats

    formats = role_formats(scheme, architecture, base)
    formats |= {"cache": format_of(scheme.cache)} if scheme.cache else {}
    default = {role: formats.get(WITHIN.get(role, ""), base) for role in formats}
    origin = f"quantization_config: {scheme.method}"
    return {role: (form, origin) for role, form in formats.items() if not given.get(role) and form != default[role]}


def has_scheme(config: Config) -> bool:
    """Whether the config has a quantization_config."""
    return any(part.data.get("quantization_config") is not None for part in config.parts())


def load_scheme(config: Config) -> "Scheme | None":
    """The scheme of the config's quantization_config; the modules of schemes are imported only if there is one."""
    if not has_scheme(config):
        return None
    from symroof.quantization.quantization_config import config_scheme

    with reading(config):
        return config_scheme(config)


def set_aside(config: Config) -> str:
    """The part of the config that formats given override; empty where there is none."""
    name = config.quantization()
    return f"quantization_config ({name})" if name else ""
