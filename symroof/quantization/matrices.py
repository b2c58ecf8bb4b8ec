"""The matrices of each role of weights in a layer: names in checkpoints, elements, width of their inputs."""

from collections.abc import Callable, Iterator, Mapping

from symroof.architecture.kinds.attention import Attention
from symroof.architecture.kinds.experts import Experts
from symroof.architecture.kinds.feed_forward import FeedForward
from symroof.architecture.structure import Architecture, Kind, Sublayer
from symroof.records import frozen

Names = tuple[str, ...]
# Role of weights -> part -> names in checkpoints, relative to `layers.N.`; fused matrices are among those of each part.
NETWORKS = {"feed_forward": ("mlp", "feed_forward"), "shared_experts": ("mlp.shared_experts", "mlp.shared_expert",
            "feed_forward.shared_expert", "ffn.shared_experts", "block_sparse_moe.shared_experts"),
            "experts": ("mlp.experts.0", "ffn.experts.0", "feed_forward.experts.0", "experts.0")}  # fmt: skip
MIXERS = {"feed_forward": ("mixer",), "shared_experts": ("mixer.shared_experts",), "experts": ("mixer.experts.0",)}
LETTERS = {"feed_forward": ("ffn",), "shared_experts": ("ffn.shared_experts",),
           "experts": ("ffn.experts.0", "block_sparse_moe.experts.0")}  # fmt: skip
PARTS = {"gate": ("gate_proj", "gate_up_proj"), "up": ("up_proj", "gate_up_proj"), "down": ("down_proj",)}
LETTER = {"gate": "w1", "up": "w3", "down": "w2"}
ATTENTION = {
    "query": ("self_attn.q_proj", "self_attn.q_b_proj", "self_attn.qkv_proj", "attn.wq_b", "attention.wqkv",
              "mixer.q_proj"),
    "key": ("self_attn.k_proj", "self_attn.qkv_proj", "attention.wqkv", "mixer.k_proj"),
    "value": ("self_attn.v_proj", "self_attn.qkv_proj", "attention.wqkv", "mixer.v_proj"),
    "output": ("self_attn.o_proj", "self_attn.out_proj", "self_attn.dense", "attn.wo_b", "attention.wo",
               "mixer.o_proj"),
}  # fmt: skip
RECURRENCE = ("linear_attn.in_proj_qkv", "linear_attn.in_proj_qkvz", "mixer.in_proj", "mamba.in_proj", "conv.in_proj")
# Families in which a role of weights has other names.
FAMILY_MODULES: dict[str, dict[str, Names]] = {
    "gemma4": {"experts": ("experts.0.gate_proj", "experts.gate_up_proj")},
    "kimi_linear": {"recurrence": ("self_attn.q_proj",)},
    "kimi_k3": {"recurrence": ("self_attn.q_proj",)},
    "minimax": {"recurrence": ("self_attn.qkv_proj",)},
    "minimax_m1": {"recurrence": ("self_attn.qkv_proj",)},
}
SIZES = {"feed_forward": "f", "experts": "f_e", "shared_experts": "f_s"}  # role -> symbol of its inner width


@frozen
class Matrix:
    """A matrix of a role: its part, its names, its elements, the width of its inputs (0 where neither is known)."""

    role: str
    part: str
    names: Names
    elements: int = 1
    inputs: int = 0


def network_names(role: str, part: str) -> Names:
    """The names of a projection of a feed-forward network or of an expert."""
    words = [f"{x}.{name}" for x in (*NETWORKS[role], *MIXERS[role]) for name in PARTS[part]]
    return (*words, *(f"{x}.{LETTER[part]}" for x in LETTERS[role]))


def sublayer_matrices(x: Sublayer, architecture: Architecture) -> Iterator[Matrix]:
    """The matrices of a sublayer's roles of weights; one for a role whose matrices are not distinguished."""
    family = FAMILY_MODULES.get(architecture.family.removesuffix("_text"), {})
    for role in kind_roles(x.kind):
        for matrix in role_matrices(role, x, architecture.sizes):
            yield Matrix(role, matrix.part, family.get(role, matrix.names), matrix.elements, matrix.inputs)


def kind_roles(kind: Kind) -> Iterator[str]:
    """The roles of weights that a kind of sublayer has."""
    return (role for role in kind.weights if role != "shared_experts" or (isinstance(kind, Experts) and kind.shared))


def role_matrices(role: str, x: Sublayer, sizes: Mapping[str, int]) -> list[Matrix]:
    """The matrices of a role, with their sizes where the kind's are known here."""
    if isinstance(x.kind, Attention) and not x.kind.low_rank:
        return attention_matrices(role, x.kind, lambda base: sizes[x.symbol(base)])
    if isinstance(x.kind, FeedForward | Experts):
        return network_matrices(role, x.kind, lambda base: sizes[x.symbol(base)])
    parts = {"attention": ATTENTION["query"], "attention_output": ATTENTION["output"], "recurrence": RECURRENCE}
    return [Matrix(role, "", parts[role] if role in parts else network_names(role, "gate"))]


def attention_matrices(role: str, kind: Attention, size: Callable[[str], int]) -> list[Matrix]:
    """Query, key and value projections, or the output projection, of attention over grouped heads."""
    h_v, heads, d = size("h_v" if kind.values else "h"), size("H_q"), size("d")
    if role == "attention_output":
        return [Matrix(role, "output", ATTENTION["output"], heads * h_v * d, heads * h_v)]
    inputs = 2 * d if kind.doubled else d
    gates = h_v if kind.gate in ("full", "separate") else 0
    elements = {"query": heads * (size("h") + gates)}
    if kind.keys != "borrowed":
        elements["key"] = size("H_kv") * size("h")
    if kind.keys == "projected":
        elements["value"] = size("H_kv") * h_v
    return [Matrix(role, part, ATTENTION[part], n * inputs, inputs) for part, n in elements.items()]


def network_matrices(role: str, kind: FeedForward | Experts, size: Callable[[str], int]) -> list[Matrix]:
    """Gate, up and down projections of a network, or of an expert."""
    latent = isinstance(kind, Experts) and kind.latent and role == "experts"
    d, f = size("d_lat" if latent else "d"), size(SIZES[role])
    parts = ("gate", "up", "down") if kind.gated else ("up", "down")
    inputs = {"gate": d, "up": d, "down": f}
    return [Matrix(role, part, network_names(role, part), d * f, inputs[part]) for part in parts]
