"""The vocabulary: every symbol that can occur in a formula, each declared once.

A symbol's Python name, printed name and command-line name are one. Symbols of group `batch` are sums over
the queries of a step; a rule says what each query adds, in its new tokens `n` and cached tokens `c`.
"""

from dataclasses import dataclass

from sympy import Symbol

GROUPS = {
    "size": "sizes of a model, read from its config",
    "batch": "sums over the queries of a step; what one query adds is a counting rule",
    "query": "one query",
    "step": "what a step makes of the model; defined by a counting rule",
    "rule": "choices of a counting rule",
    "width": "bytes per element, by role",
}


@dataclass(frozen=True)
class Entry:
    """A declared symbol: what it means, its unit, and the config keys it is commonly read from."""

    symbol: Symbol
    group: str
    meaning: str
    unit: str
    keys: tuple[str, ...]
    latex: str


VOCABULARY: dict[str, Entry] = {}


def declare(
    name: str, group: str, meaning: str, unit: str = "", keys: str = "", latex: str = "", **assumptions: bool
) -> Symbol:
    """A new symbol of the vocabulary. Raises ValueError when the name is taken or the group unknown."""
    if name in VOCABULARY:
        raise ValueError(f"symbol {name!r} is declared already: {VOCABULARY[name].meaning}")
    if group not in GROUPS:
        raise ValueError(f"symbol {name!r}: no group {group!r}")
    symbol = Symbol(name, **assumptions)
    VOCABULARY[name] = Entry(symbol, group, meaning, unit, tuple(keys.split()), latex or _latex(name))
    return symbol


def _latex(name: str) -> str:
    letter, _, index = name.partition("_")
    if not index:
        return letter
    return f"{letter}_{{{index}}}" if len(index) == 1 else f"{letter}_{{\\mathrm{{{index}}}}}"


def size(name: str, meaning: str, keys: str, latex: str = "") -> Symbol:
    """A positive whole number read from a config."""
    return declare(name, "size", meaning, keys=keys, latex=latex, integer=True, positive=True)


def total(name: str, meaning: str) -> Symbol:
    """A sum over the queries of a step."""
    return declare(name, "batch", meaning, integer=True, nonnegative=True)


def choice(name: str, meaning: str, latex: str = "") -> Symbol:
    """A whole number that a counting rule chooses."""
    return declare(name, "rule", meaning, latex=latex, integer=True, nonnegative=True)


def width(name: str, meaning: str) -> Symbol:
    """Bytes per element of one role."""
    return declare(name, "width", "bytes per element of " + meaning, unit="byte", rational=True, positive=True)


L = size("L", "layers", "num_hidden_layers")
L_full = size("L_full", "layers with full attention", "layer_types no_rope_layers")
L_chunk = size("L_chunk", "layers with chunked attention", "layer_types no_rope_layers")
L_mlp = size("L_mlp", "layers with a dense feed-forward network", "interleave_moe_layer_step moe_layers")
L_moe = size("L_moe", "layers with routed experts", "interleave_moe_layer_step moe_layers")
d = size("d", "hidden size, the width of the residual stream", "hidden_size")
f = size("f", "intermediate size of a dense feed-forward network", "intermediate_size intermediate_size_mlp")
f_e = size("f_e", "intermediate size of one expert", "intermediate_size moe_intermediate_size")
h = size("h", "size of one attention head", "head_dim")
H_q = size("H_q", "query heads", "num_attention_heads")
H_kv = size("H_kv", "key/value heads", "num_key_value_heads")
w = size("w", "attention window or chunk, in tokens", "attention_chunk_size")
N_e = size("N_e", "routed experts of a layer", "num_local_experts")
k = size("k", "routed experts a token is sent to", "num_experts_per_tok")
k_hf = size("k_hf", "routed experts that transformers runs for each token", "model_type")
V = size("V", "vocabulary size", "vocab_size")

T = total("T", "new tokens")
P = total("P", "query-key pairs of causal attention")
P_chunk = total("P_chunk", "query-key pairs of chunked attention")
C = total("C", "cached keys that causal attention reads")
C_chunk = total("C_chunk", "cached keys that chunked attention reads")
K = total("K", "tokens a causal layer keeps cached after the step")
K_chunk = total("K_chunk", "tokens a chunked layer keeps cached after the step")
R = total("R", "positions that logits are computed for")
B = total("B", "queries, the batch size")

n = declare("n", "query", "new tokens of a query", integer=True, positive=True)
c = declare("c", "query", "cached tokens of a query", integer=True, nonnegative=True)

N_x = declare("N_x", "step", "distinct experts of a layer that a step reads", real=True, positive=True)
k_run = choice("k_run", "routed experts run for each token")
sigma = choice("sigma", "additions a dot product is spared: 0 counts 2k FLOP, 1 exactly 2k - 1", r"\sigma")
delta = choice("delta", "1 where the head runs, 0 where it does not", r"\delta")
phi = choice("phi", "1 counts elementwise operations, 0 counts matmuls only", r"\varphi")

b_w = width("b_w", "attention and dense weights")
b_e = width("b_e", "routed experts")
b_r = width("b_r", "routers")
b_emb = width("b_emb", "the embedding table")
b_head = width("b_head", "the head")
b_n = width("b_n", "norm weights and biases")
b_a = width("b_a", "activations")
b_c = width("b_c", "the cache")
