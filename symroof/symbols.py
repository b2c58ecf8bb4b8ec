"""The vocabulary: every symbol that can occur in a formula, each declared once.

A symbol's Python name, printed name and command-line name are one. Symbols of group `batch` are sums over
the queries of a step; a rule says what each query adds, in its new tokens `n` and cached tokens `c`.
"""

from dataclasses import dataclass, replace
from functools import cache

from sympy import Symbol

GROUPS = {
    "size": "sizes of a model, read from its config",
    "batch": "sums over the queries of a step; what one query adds is a counting rule",
    "query": "one query",
    "step": "what a step makes of the model; defined by a counting rule",
    "rule": "choices of a counting rule",
    "width": "bytes per element, by role",
    "machine": "what a machine does in a second, and at what part of its peak",
    "parallel": "devices that share a model's work, and the links between them",
    "training": "parameters, tokens and FLOP as training and scaling laws count them",
    "footprint": "what training keeps in memory, and the devices that share it",
}


@dataclass(frozen=True)
class Entry:
    """A declared symbol: what it means, its unit, and the config keys it is commonly read from."""

    symbol: Symbol
    base: str  # the declared name, where a kind's name stands behind it
    group: str
    meaning: str
    unit: str
    keys: tuple[str, ...]
    latex: str


VOCABULARY: dict[str, Entry] = {}


def declare(
    name: str, group: str, meaning: str, unit: str = "", keys: str = "", latex: str = "", **assumptions: bool
) -> Symbol:
    """A symbol of the vocabulary; the same one where it is declared again, as by a notebook's cell that is run again.

    Raises ValueError when the name is taken by another one, or the group unknown.
    """
    if group not in GROUPS:
        raise ValueError(f"symbol {name!r}: no group {group!r}")
    symbol = Symbol(name, **assumptions)
    told = Entry(symbol, name, group, meaning, unit, tuple(keys.split()), latex or _latex(name))
    if VOCABULARY.get(name, told) != told:
        raise ValueError(f"symbol {name!r} is declared already: {VOCABULARY[name].meaning}")
    VOCABULARY[name] = told
    entry.cache_clear()
    return symbol


def _latex(name: str) -> str:
    letter, *indices = name.split("_")
    index = ",".join(indices)
    if not index:
        return letter
    return f"{letter}_{{{index}}}" if len(index) == 1 else f"{letter}_{{\\mathrm{{{index}}}}}"


@cache
def entry(name: str) -> Entry:
    """The vocabulary's entry of that name, or of a declared symbol with a kind's name behind it: L_full, h_swa.

    Raises KeyError where neither is.
    """
    if name in VOCABULARY:
        return VOCABULARY[name]
    base, kind = name, ""
    while base not in VOCABULARY:
        base, _, last = base.rpartition("_")
        if not base:
            raise KeyError(name)
        kind = f"{last}_{kind}" if kind else last
    general = VOCABULARY[base]
    meaning = f"{general.meaning}, {kind}" if base != "L" else f"layers: {kind}"
    own = Symbol(name, **general.symbol.assumptions0)
    return replace(general, symbol=own, meaning=meaning, latex=_latex(name))


def symbol(name: str) -> Symbol:
    """The symbol of that name; see `entry`."""
    return entry(name).symbol


def group(x: Symbol) -> str:
    """The group a symbol belongs to; empty where it is none of the vocabulary's."""
    try:
        return entry(str(x)).group
    except KeyError:
        return ""


def size(name: str, meaning: str, keys: str = "", latex: str = "") -> Symbol:
    """A positive whole number: a size of a model, mostly read from a config."""
    return declare(name, "size", meaning, keys=keys, latex=latex, integer=True, positive=True)


def total(name: str, meaning: str) -> Symbol:
    """A sum over the queries of a step."""
    return declare(name, "batch", meaning, integer=True, nonnegative=True)


def choice(name: str, meaning: str, latex: str = "") -> Symbol:
    """A whole number that a counting rule chooses."""
    return declare(name, "rule", meaning, latex=latex, integer=True, nonnegative=True)


def rate(name: str, meaning: str, unit: str, latex: str = "") -> Symbol:
    """A rate of a machine, or a part of one."""
    return declare(name, "machine", meaning, unit=unit, latex=latex, nonnegative=True)


def shared(name: str, meaning: str) -> Symbol:
    """A number of devices, or of parts that work is cut into for them."""
    return declare(name, "parallel", meaning, integer=True, positive=True)


def scaling(name: str, meaning: str, unit: str = "", latex: str = "") -> Symbol:
    """A number of a training run or of a law that holds for many."""
    return declare(name, "training", meaning, unit=unit, latex=latex, positive=True)


def kept(name: str, meaning: str, latex: str = "") -> Symbol:
    """How many devices share what training keeps, or how much of it there is at once."""
    return declare(name, "footprint", meaning, latex=latex, rational=True, positive=True)


def each(name: str, meaning: str, latex: str = "") -> Symbol:
    """Bytes that training keeps of each of something."""
    return declare(name, "footprint", "bytes " + meaning, unit="byte", latex=latex, rational=True, nonnegative=True)


def width(name: str, meaning: str) -> Symbol:
    """Bytes per element of one role."""
    return declare(name, "width", "bytes per element of " + meaning, unit="byte", rational=True, positive=True)


L = size("L", "layers", "num_hidden_layers")
L_mtp = size("L_mtp", "modules that predict tokens further ahead", "num_nextn_predict_layers mtp_num_hidden_layers")
U = size("U", "different sets of weights that layers share", "num_mem_blocks")
d = size("d", "hidden size, the width of the residual stream", "hidden_size")
f = size("f", "intermediate size of a dense feed-forward network", "intermediate_size intermediate_size_mlp")
f_e = size("f_e", "intermediate size of one expert", "moe_intermediate_size intermediate_size")
f_s = size("f_s", "intermediate size of the shared expert", "shared_expert_intermediate_size n_shared_experts")
h = size("h", "size of one attention head", "head_dim")
h_v = size("h_v", "size of one value head", "v_head_dim")
h_r = size("h_r", "rotated part of a head", "partial_rotary_factor qk_rope_head_dim")
h_n = size("h_n", "part of a head that is not rotated, where it is projected apart", "qk_nope_head_dim")
r_q = size("r_q", "rank that queries are projected through", "q_lora_rank")
r_kv = size("r_kv", "rank of the latent that stands for keys and values", "kv_lora_rank")
H_i = size("H_i", "heads of an indexer", "index_n_heads indexer_n_heads")
h_i = size("h_i", "size of one head of an indexer", "index_head_dim indexer_head_dim")
k_i = size("k_i", "keys that an indexer selects for a token", "index_topk")
w_i = size("w_i", "keys of a block that an indexer selects as one", "index_block_size sparse_block_size index_kpool")
k_b = size("k_b", "blocks of keys an indexer selects for a token", "index_topk_blocks sparse_topk_blocks")
H_q = size("H_q", "query heads", "num_attention_heads")
H_kv = size("H_kv", "key/value heads", "num_key_value_heads")
w = size("w", "attention window or chunk, in tokens", "sliding_window attention_chunk_size")
N_e = size("N_e", "routed experts of a layer", "num_local_experts num_experts n_routed_experts")
k = size("k", "routed experts a token is sent to", "num_experts_per_tok")
N_s = size("N_s", "shared experts that the router weighs", "n_shared_experts")
k_hf = size("k_hf", "routed experts that transformers runs for each token", "model_type")
k_c = size("k_c", "width of the causal convolution, in tokens", "conv_kernel linear_conv_kernel_dim cca_time0")
k_g = size("k_g", "width of a causal convolution of whole heads, in tokens", "cca_time1")
r_r = size("r_r", "width of the network that routes", "router_hidden_size")
d_b = size("d_b", "numbers a query head mixes its biases by distance from", "d_rel")
e_b = size("e_b", "tokens that biases by distance reach back", "rel_extent")
H_k = size("H_k", "key heads of linear attention", "linear_num_key_heads")
H_v = size("H_v", "value heads of linear attention", "linear_num_value_heads linear_num_heads")
d_k = size("d_k", "size of one key head of linear attention", "linear_key_head_dim linear_head_dim")
d_v = size("d_v", "size of one value head of linear attention", "linear_value_head_dim linear_head_dim")
d_r = size("d_r", "width of a gated linear recurrence", "lru_width")
w_s = size("w_s", "tokens that transformers scans at a time", "block_size chunk_size mamba_chunk_size")
d_m = size("d_m", "width of a selective state space", "intermediate_size expand mamba_expand")
N_m = size("N_m", "size of a channel's state in a state space", "state_size ssm_state_size mamba_d_state")
H_m = size("H_m", "heads of a state space", "num_heads mamba_num_heads mamba_n_heads n_mamba_heads")
h_m = size("h_m", "size of one head of a state space", "head_dim mamba_head_dim mamba_d_head")
G_m = size("G_m", "groups of heads of a state space that share B and C", "n_groups mamba_n_groups mamba_ngroups")
d_lat = size("d_lat", "width that routed experts work on where it is not the stream's", "moe_latent_size")
r_a = size("r_a", "rank of the adapters of a shared block", "adapter_rank")
r_m = size("r_m", "rank of the time steps of a state space", "time_step_rank mamba_dt_rank")
d_p = size("d_p", "width of a layer's own input", "hidden_size_per_layer_input")
V_x = size("V_x", "rows of the embedding table that are none of the head", "additional_vocab_size")
V_p = size("V_p", "rows of the table of the layers' own inputs", "vocab_size_per_layer_input")
d_g = size("d_g", "width of embeddings of several tokens", "ple_embed_dim")
V_g = size("V_g", "rows of the table of several tokens", "ngram_vocab_size_base")
H_g = size("H_g", "hashes of the last tokens, a row each", "heads_per_ngram")
n_g = size("n_g", "most tokens that are embedded at once", "ngram_size")
A = size("A", "residual streams of alternating updates", "altup_num_inputs")
r_l = size("r_l", "rank of a low-rank residual", "laurel_rank")
N_mix = size("N_mix", "weighted sums over depth, in the whole model", "attn_res_block_size")
X_mix = size("X_mix", "terms of all weighted sums over depth", "attn_res_block_size n_layers_per_attn_res_block")
Y_mix = size("Y_mix", "sums that are normalised for weighted sums over depth", "n_layers_per_attn_res_block")
w_c = size("w_c", "tokens that one compressed entry stands for", "compress_rates compress_ratios")
G_o = size("G_o", "groups of heads whose outputs are projected apart", "o_groups")
r_o = size("r_o", "rank that a group's output is projected through", "o_lora_rank")
r_g = size("r_g", "rank of the gate of a norm", "gated_norm_rank")
N_z = size("N_z", "experts that do nothing", "zero_expert_num")
m = size("m", "streams that the residual is kept in", "hc_mult hc_count")
m_s = size("m_s", "times that the mixing of streams is normalised", "hc_sinkhorn_iters")
r_s = size("r_s", "rank that streams are weighed through", "hc_lowrank")
V = size("V", "vocabulary size", "vocab_size")
N_pos = size("N_pos", "rows of the position table", "max_position_embeddings n_positions")
d_emb = size("d_emb", "width of the embedding table where it is projected", "word_embed_proj_dim")

T = total("T", "new tokens")
P = total("P", "query-key pairs of causal attention")
P_chunk = total("P_chunk", "query-key pairs of chunked attention")
P_swa = total("P_swa", "query-key pairs of sliding attention")
P_local = total("P_local", "query-key pairs of local attention")
C = total("C", "cached keys that causal attention reads")
C_chunk = total("C_chunk", "cached keys that chunked attention reads")
C_swa = total("C_swa", "cached keys that sliding attention reads")
C_local = total("C_local", "cached keys that local attention reads")
K = total("K", "tokens a causal layer keeps cached after the step")
K_chunk = total("K_chunk", "tokens a chunked layer keeps cached after the step")
K_swa = total("K_swa", "tokens a sliding layer keeps cached after the step")
K_local = total("K_local", "tokens a local layer keeps cached after the step")
P_top = total("P_top", "query-key pairs of attention to the keys an indexer selects")
C_top = total("C_top", "cached keys that attention reads where an indexer selects them, no two tokens sharing one")
P_block = total("P_block", "query-key pairs of attention to the blocks of keys that an indexer selects")
C_block = total("C_block", "cached keys that attention reads where an indexer selects blocks, none twice")
P_pool = total("P_pool", "pairs of tokens and the complete blocks of keys that an indexer pools")
T_pool = total("T_pool", "blocks of keys that a step completes and an indexer pools")
P_score = total("P_score", "pairs of tokens and the blocks of keys that an indexer pools by weights and scores")
C_pool = total("C_pool", "cached keys of pooled blocks that an indexer reads")
N_pool = total("N_pool", "keys of pooled blocks that an indexer caches")
K_pool = total("K_pool", "keys of pooled blocks kept after the step")
T_wait = total("T_wait", "new keys that wait for their block to be complete")
C_wait = total("C_wait", "cached keys that had waited and are pooled")
K_wait = total("K_wait", "keys that wait after the step")
P_tail = total("P_tail", "query-key pairs of attention to the pooled blocks an indexer selects and the keys after them")
C_tail = total("C_tail", "cached keys that attention reads where an indexer selects pooled blocks, none twice")
P_lat = total("P_lat", "pairs of causal attention in the latent")
T_lat = total("T_lat", "new tokens of causal attention in the latent")
C_lat = total("C_lat", "cached tokens that causal attention reads in the latent")
P_swalat = total("P_swalat", "pairs of sliding attention in the latent")
T_swalat = total("T_swalat", "new tokens of sliding attention in the latent")
C_swalat = total("C_swalat", "cached tokens that sliding attention reads in the latent")
P_toplat = total("P_toplat", "pairs of selected keys in the latent")
P_topexp = total("P_topexp", "pairs of all keys, expanded, where an indexer selects few enough to mask the others")
T_toplat = total("T_toplat", "new tokens that attend to selected keys in the latent")
C_toplat = total("C_toplat", "cached tokens that are selected and read in the latent")
C_topexp = total("C_topexp", "cached tokens that are expanded where an indexer selects")
P_taillat = total("P_taillat", "pairs in the latent of selected pooled blocks and the keys after them")
P_tailexp = total("P_tailexp", "pairs of all keys, expanded, where an indexer selects pooled blocks")
T_taillat = total("T_taillat", "new tokens that attend in the latent to selected pooled blocks")
C_taillat = total("C_taillat", "cached tokens of selected pooled blocks, read in the latent")
C_tailexp = total("C_tailexp", "cached tokens that are expanded where an indexer selects pooled blocks")
P_comp = total("P_comp", "pairs of tokens and compressed entries")
T_comp = total("T_comp", "compressed entries that a step completes")
C_comp = total("C_comp", "cached compressed entries")
K_comp = total("K_comp", "compressed entries kept after the step")
P_sel = total("P_sel", "pairs of tokens and the compressed entries an indexer selects")
C_sel = total("C_sel", "cached compressed entries that are selected, no two tokens sharing one")
T_part = total("T_part", "new tokens that wait for their entry to be complete")
C_part = total("C_part", "cached tokens that had waited and are compressed")
K_part = total("K_part", "tokens that wait after the step")
T_over = total("T_over", "tokens of the last complete entry, kept for the one that overlaps it")
C_over = total("C_over", "cached tokens of an entry that the first one completed overlaps")
K_over = total("K_over", "tokens kept of the last complete entry")
R = total("R", "positions that logits are computed for")
P_prompt = total("P_prompt", "query-key pairs of attention by which the tokens of a step see each other")
T_kept = total("T_kept", "new tokens that layers with borrowed keys compute")
P_kept = total("P_kept", "pairs of causal attention in layers with borrowed keys")
P_swakept = total("P_swakept", "pairs of sliding attention in layers with borrowed keys")
T_conv = total("T_conv", "positions that a causal convolution computes")
T_first = total("T_first", "positions that the first of two convolutions computes")
T_delay = total("T_delay", "tokens whose part of a value the next one has")
T_delta = total("T_delta", "positions that a delta rule computes by matmuls")
P_delta = total("P_delta", "pairs of positions in the chunks of a delta rule, 0 where it goes token by token")
P_light = total("P_light", "pairs of positions in the blocks of lightning attention, 0 where it goes token by token")
T_lru = total("T_lru", "positions that the convolution of a gated linear recurrence computes")
T_ssm = total("T_ssm", "positions that a selective state space updates its state at by matmuls")
T_ssd = total("T_ssd", "positions that a state space of heads adds to its states by matmuls")
T_read = total("T_read", "positions that a state space of heads reads its states at")
P_ssd = total("P_ssd", "pairs of positions within the chunks of a state space, 0 where it goes token by token")
X_ssd = total("X_ssd", "pairs of borders of the chunks of a state space, 0 where it goes token by token")
B_old = total("B_old", "queries that go on from cached tokens")
B = total("B", "queries, the batch size")

n = declare("n", "query", "new tokens of a query", integer=True, positive=True)
c = declare("c", "query", "cached tokens of a query", integer=True, nonnegative=True)

N_x = declare("N_x", "step", "distinct experts of a layer that a step reads", real=True, positive=True)
N_real = declare("N_real", "step", "distinct experts a step reads where some do nothing", real=True, positive=True)
k_run = choice("k_run", "routed experts run for each token")
H_c = choice("H_c", "heads of keys and values that are cached")
a_lat = choice("a_lat", "1 where a query's causal attention stays in the latent, 0 where keys are expanded")
a_swalat = choice("a_swalat", "1 where a query's sliding attention stays in the latent, 0 where keys are expanded")
a_toplat = choice("a_toplat", "1 where a query attends to selected keys in the latent, 0 where all are expanded")
a_taillat = choice("a_taillat", "1 where a query attends to selected pooled blocks in the latent, else 0")
u_c = choice("u_c", "columns that a convolution keeps cached")
k_real = declare("k_real", "rule", "experts run for each token where some do nothing", real=True, positive=True)
sigma = choice("sigma", "additions a dot product is spared: 0 counts 2k FLOP, 1 exactly 2k - 1", r"\sigma")
psi = choice("psi", "1 where elementwise operators read and write memory, 0 where fused into their neighbours", r"\psi")
delta = choice("delta", "1 where the head runs, 0 where it does not", r"\delta")
phi = choice("phi", "1 counts elementwise operations, 0 counts matmuls only", r"\varphi")

b_w = width("b_w", "attention weights")
b_o = width("b_o", "output projections of attention")
b_m = width("b_m", "weights of recurrences and linear attention")
b_f = width("b_f", "dense feed-forward weights")
b_sh = width("b_sh", "shared experts")
b_e = width("b_e", "routed experts")
b_r = width("b_r", "routers and other small projections that checkpoints do not quantise")
b_emb = width("b_emb", "the embedding table")
b_head = width("b_head", "the head")
b_n = width("b_n", "norms, biases and convolutions")
b_a = width("b_a", "activations")
b_c = width("b_c", "the cache")
b_s = width("b_s", "recurrent states")

F = rate("F", "matmul FLOP a second in the format that an operator multiplies in, dense peak", "FLOP/s")
F_v = rate("F_v", "elementwise FLOP a second, peak of the vector units", "FLOP/s")
W = rate("W", "bytes a second that memory delivers, peak", "byte/s")
M = rate("M", "bytes that memory holds", "byte")
u_F = rate("u_F", "part of the peak FLOP a second that is reached (mfu)", "")
u_W = rate("u_W", "part of the peak bandwidth that is reached (mbu)", "")
t_0 = rate("t_0", "overhead of launching an operator", "s")
e_F = rate("e_F", "energy of a matmul FLOP: unless given, full power for the time it takes", "J/FLOP")
e_v = rate("e_v", "energy of an elementwise FLOP: unless given, full power for the time it takes", "J/FLOP")
e_W = rate("e_W", "energy of a byte moved: unless given, full power for the time it takes", "J/byte")
a_d = rate("a_d", "part of a draft model's tokens that is accepted", "")
g_d = rate("g_d", "tokens that a draft model proposes at a time", "")

W_l = declare("W_l", "parallel", "bytes a second that a link sends in one direction", "byte/s", positive=True)
t_l = declare("t_l", "parallel", "time that a hop from device to device takes at least", "s", nonnegative=True)
n_d = shared("n_d", "devices that share a batch: replicas of the model (data parallelism)")
n_t = shared("n_t", "devices that share each matrix (tensor parallelism)")
n_e = shared("n_e", "devices that share a layer's experts (expert parallelism)")
n_s = shared("n_s", "devices that share the layers, stages of a pipeline")
n_m = shared("n_m", "microbatches that a pipeline takes a batch in")
n_v = shared("n_v", "stretches of layers that a stage of an interleaved pipeline has")

g_m = scaling("g_m", "matmul FLOP of the backward pass for each of the forward pass")
g_v = scaling("g_v", "elementwise FLOP of the backward pass for each of the forward pass")
rho = declare(
    "rho", "training", "times that layers run forward again for the backward pass", latex=r"\rho", nonnegative=True
)
rho_c = declare("rho_c", "training", "times that attention cores do", latex=r"\rho_c", nonnegative=True)
N_p = scaling("N_p", "parameters, a shared table counted once", latex="N")
N_tok = scaling("N_tok", "parameters that a token is multiplied by: no input table, of the experts its own")
N_body = scaling("N_body", "parameters but for input table, positions and head")
kappa = scaling("kappa", "matmul FLOP of attention for a query-key pair, all layers", "FLOP", latex=r"\kappa")
D_t = scaling("D_t", "tokens of a training run", latex="D")
D_s = declare("D_s", "training", "tokens that are served after it", nonnegative=True)
C_t = scaling("C_t", "budget of FLOP", "FLOP", latex="C")
E_l = scaling("E_l", "loss that neither parameters nor tokens lower", latex="E")
A_l = scaling("A_l", "scale of the loss that parameters lower", latex="A")
B_l = scaling("B_l", "scale of the loss that tokens lower", latex="B")
alpha_l = scaling("alpha_l", "exponent of the parameters in a loss law", latex=r"\alpha")
beta_l = scaling("beta_l", "exponent of the tokens in a loss law", latex=r"\beta")

n_q = kept("n_q", "of the devices that share each matrix, those that share the sequence in between: n_t, or 1")
n_f = kept("n_f", "microbatches in flight that the layers of the first stage keep their activations of")
n_fe = kept("n_fe", "microbatches in flight that the embedding keeps its dropout mask of")
z_w = kept("z_w", "replicas that share the weights: n_d, or 1")
z_g = kept("z_g", "replicas that share the gradients: n_d, or 1")
z_o = kept("z_o", "replicas that share the states of the optimizer: n_d, or 1")
x_w = kept("x_w", "times that a step passes all gradients or weights between the replicas")
y_w = each("y_w", "a parameter's weight takes")
y_g = each("y_g", "a parameter's gradient takes")
y_o = each("y_o", "a parameter's states in the optimizer take")
y_m = each("y_m", "an element of a dropout mask takes")
y_l = each("y_l", "the logarithm takes that fused attention keeps of each row's sum")
y_p = each("y_p", "a probability takes that the loss keeps")
theta_a = declare(
    "theta_a",
    "footprint",
    "1 where attention keeps the scores of all pairs, 0 where fused",
    latex=r"\theta_a",
    nonnegative=True,
)
theta_d = declare("theta_d", "footprint", "1 where there is dropout, 0 where not", latex=r"\theta_d", nonnegative=True)

WIDTHS = tuple(x.symbol for x in VOCABULARY.values() if x.group == "width")
