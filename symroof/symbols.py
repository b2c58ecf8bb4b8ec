"""The vocabulary: every symbol that can occur in a formula, each declared once.

A symbol has the same name in Python, in print and on the command line. Symbols of group `batch` are sums over
the queries of a step; a rule says what each query adds, in its new tokens `n` and cached tokens `c`.
"""

from dataclasses import dataclass, replace
from functools import cache

from sympy import Symbol

GROUPS = {
    "size": "sizes of a model, read from its config",
    "batch": "sums over the queries of a step; what one query adds is a counting rule",
    "query": "one query",
    "step": "what a step uses of the model; defined by a counting rule",
    "rule": "choices of a counting rule",
    "width": "bytes per element, by role",
    "machine": "rates of a machine, and the fractions of its peaks that are achieved",
    "parallel": "devices that share a model's work, and the links between them",
    "training": "parameters, tokens and FLOP as training and scaling laws count them",
    "memory": "what training holds in memory, and the devices that share it",
}


@dataclass(frozen=True)
class Entry:
    """A declared symbol: what it means, its unit, and the config keys it is commonly read from."""

    symbol: Symbol
    base: str  # the declared name, without a kind's suffix
    group: str
    meaning: str
    unit: str
    keys: tuple[str, ...]
    latex: str
    whole: bool  # whether only whole numbers make sense; the symbol itself is real, so that sympy solves for every root


VOCABULARY: dict[str, Entry] = {}
OF_KIND = {"L": "layers: {}", "F": "matmul FLOP per second in {}, dense peak"}  # the meaning with a kind's suffix


def declare(
    name: str,
    group: str,
    meaning: str,
    unit: str = "",
    keys: str = "",
    latex: str = "",
    *,
    whole: bool = False,
    **assumptions: bool,
) -> Symbol:
    """A symbol of the vocabulary; an equal declaration, as by a notebook cell that runs again, returns the same one.

    A symbol for whole numbers is declared so by `whole`, not by an assumption `integer`, which would make sympy drop
    all other roots without a word. Raises ValueError when the name is declared with another meaning, or the group is
    unknown.
    """
    if group not in GROUPS:
        raise ValueError(f"symbol {name!r}: no group {group!r}")
    symbol = Symbol(name, **assumptions)
    declared = Entry(symbol, name, group, meaning, unit, tuple(keys.split()), latex or latex_name(name), whole)
    if VOCABULARY.get(name, declared) != declared:
        raise ValueError(f"symbol {name!r} is declared already: {VOCABULARY[name].meaning}")
    VOCABULARY[name] = declared
    entry.cache_clear()
    return symbol


def latex_name(name: str) -> str:
    """A letter and its indices in LaTeX: words upright, letters italic."""
    letter, *indices = name.split("_")
    index = ",".join(indices)
    if not index:
        return letter
    return f"{letter}_{index}" if len(index) == 1 else f"{letter}_{{\\mathrm{{{index}}}}}"


@cache
def entry(name: str) -> Entry:
    """The entry of that name, or of a declared symbol with a kind's suffix (L_full, h_swa). Raises KeyError."""
    if name in VOCABULARY:
        return VOCABULARY[name]
    base, kind = name, ""
    while base not in VOCABULARY:
        base, _, last = base.rpartition("_")
        if not base:
            raise KeyError(name)
        kind = f"{last}_{kind}" if kind else last
    general = VOCABULARY[base]
    meaning = OF_KIND.get(base, f"{general.meaning}, {{}}").format(kind)
    renamed = Symbol(name, **general.symbol.assumptions0)
    return replace(general, symbol=renamed, meaning=meaning, latex=latex_name(name))


def symbol(name: str) -> Symbol:
    """The symbol of that name; see `entry`."""
    return entry(name).symbol


def group(x: Symbol) -> str:
    """The group a symbol belongs to; empty where it is not in the vocabulary."""
    try:
        return entry(str(x)).group
    except KeyError:
        return ""


def takes_whole_numbers(x: Symbol) -> bool:
    """Whether only whole numbers make sense for a symbol: by the vocabulary, else by what sympy assumes of it."""
    return bool(x.is_integer) or (bool(group(x)) and entry(str(x)).whole)


def size(name: str, meaning: str, keys: str = "", latex: str = "") -> Symbol:
    """A positive whole number: a size of a model, usually read from a config."""
    return declare(name, "size", meaning, keys=keys, latex=latex, whole=True, positive=True)


def _batch_sum(name: str, meaning: str) -> Symbol:
    """A sum over the queries of a step."""
    return declare(name, "batch", meaning, whole=True, nonnegative=True)


def _choice(name: str, meaning: str, latex: str = "") -> Symbol:
    """A whole number that a counting rule chooses."""
    return declare(name, "rule", meaning, latex=latex, whole=True, nonnegative=True)


def _machine_rate(name: str, meaning: str, unit: str, latex: str = "") -> Symbol:
    """A rate of a machine, or the fraction of one."""
    return declare(name, "machine", meaning, unit=unit, latex=latex, nonnegative=True)


def _device_count(name: str, meaning: str) -> Symbol:
    """A number of devices, or of parts that work is split into for them."""
    return declare(name, "parallel", meaning, whole=True, positive=True)


def _training_number(name: str, meaning: str, unit: str = "", latex: str = "") -> Symbol:
    """A number of a training run or of a law that holds for many."""
    return declare(name, "training", meaning, unit=unit, latex=latex, positive=True)


def _memory_layout(name: str, meaning: str, latex: str = "") -> Symbol:
    """A number of devices that share what training holds in memory, or a number of microbatches."""
    return declare(name, "memory", meaning, latex=latex, positive=True)


def _bytes_of(name: str, meaning: str, latex: str = "") -> Symbol:
    """Bytes that training holds for each one of something."""
    return declare(name, "memory", "bytes " + meaning, unit="byte", latex=latex, nonnegative=True)


def _width(name: str, meaning: str) -> Symbol:
    """Bytes per element of one role."""
    return declare(name, "width", "bytes per element of " + meaning, unit="byte", positive=True)


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
h_n = size("h_n", "part of a head that is not rotated, where it is projected separately", "qk_nope_head_dim")
r_q = size("r_q", "rank that queries are projected through", "q_lora_rank")
r_kv = size("r_kv", "rank of the latent that keys and values are projected from", "kv_lora_rank")
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
N_s = size("N_s", "shared experts that the router scores", "n_shared_experts")
k_hf = size("k_hf", "routed experts that transformers runs for each token", "model_type")
k_c = size("k_c", "width of the causal convolution, in tokens", "conv_kernel linear_conv_kernel_dim cca_time0")
k_g = size("k_g", "width of a causal convolution of whole heads, in tokens", "cca_time1")
r_r = size("r_r", "width of the network that routes", "router_hidden_size")
d_b = size("d_b", "numbers that each query head mixes its biases by distance from", "d_rel")
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
d_p = size("d_p", "width of a per-layer input", "hidden_size_per_layer_input")
V_x = size("V_x", "rows of the embedding table that are not in the head", "additional_vocab_size")
V_p = size("V_p", "rows of the table of per-layer inputs", "vocab_size_per_layer_input")
d_g = size("d_g", "width of embeddings of several tokens", "ple_embed_dim")
V_g = size("V_g", "rows of the table of several tokens", "ngram_vocab_size_base")
H_g = size("H_g", "hashes of the last tokens, a row each", "heads_per_ngram")
n_g = size("n_g", "most tokens that are embedded at once", "ngram_size")
A = size("A", "residual streams of alternating updates", "altup_num_inputs")
r_l = size("r_l", "rank of a low-rank residual", "laurel_rank")
N_mix = size("N_mix", "weighted sums over depth, in the whole model", "attn_res_block_size")
X_mix = size("X_mix", "terms of all weighted sums over depth", "attn_res_block_size n_layers_per_attn_res_block")
Y_mix = size("Y_mix", "sums that are normalised for weighted sums over depth", "n_layers_per_attn_res_block")
w_c = size("w_c", "tokens that one compressed entry is made from", "compress_rates compress_ratios")
G_o = size("G_o", "groups of heads whose outputs are projected separately", "o_groups")
r_o = size("r_o", "rank that a group's output is projected through", "o_lora_rank")
r_g = size("r_g", "rank of the gate of a norm", "gated_norm_rank")
N_z = size("N_z", "experts that do nothing", "zero_expert_num")
m = size("m", "streams of the residual", "hc_mult hc_count")
m_s = size("m_s", "times that the mixing of streams is normalised", "hc_sinkhorn_iters")
r_s = size("r_s", "rank that the weights of streams are projected through", "hc_lowrank")
V = size("V", "vocabulary size", "vocab_size")
N_pos = size("N_pos", "rows of the position table", "max_position_embeddings n_positions")
d_emb = size("d_emb", "width of the embedding table where it is projected", "word_embed_proj_dim")

T = _batch_sum("T", "new tokens")
P = _batch_sum("P", "query-key pairs of causal attention")
P_chunk = _batch_sum("P_chunk", "query-key pairs of chunked attention")
P_swa = _batch_sum("P_swa", "query-key pairs of sliding-window attention")
P_local = _batch_sum("P_local", "query-key pairs of local attention")
C = _batch_sum("C", "cached keys that causal attention reads")
C_chunk = _batch_sum("C_chunk", "cached keys that chunked attention reads")
C_swa = _batch_sum("C_swa", "cached keys that sliding-window attention reads")
C_local = _batch_sum("C_local", "cached keys that local attention reads")
K = _batch_sum("K", "tokens in the cache of a causal layer after the step")
K_chunk = _batch_sum("K_chunk", "tokens in the cache of a chunked layer after the step")
K_swa = _batch_sum("K_swa", "tokens in the cache of a sliding-window layer after the step")
K_local = _batch_sum("K_local", "tokens in the cache of a local layer after the step")
P_top = _batch_sum("P_top", "query-key pairs of attention to the keys an indexer selects")
C_top = _batch_sum("C_top", "cached keys that attention reads where an indexer selects them, no two tokens sharing one")
P_block = _batch_sum("P_block", "query-key pairs of attention to the blocks of keys that an indexer selects")
C_block = _batch_sum(
    "C_block", "cached keys that attention reads where an indexer selects blocks, no two tokens sharing one"
)
P_pool = _batch_sum("P_pool", "pairs of tokens and the complete blocks of keys that an indexer pools")
T_pool = _batch_sum("T_pool", "blocks of keys that a step completes and an indexer pools")
P_score = _batch_sum("P_score", "pairs of tokens and the blocks of keys that an indexer pools by weights and scores")
C_pool = _batch_sum("C_pool", "cached keys of pooled blocks that an indexer reads")
N_pool = _batch_sum("N_pool", "keys of pooled blocks that an indexer caches")
K_pool = _batch_sum("K_pool", "keys of pooled blocks in the cache after the step")
T_wait = _batch_sum("T_wait", "new keys that wait for their block to be complete")
C_wait = _batch_sum("C_wait", "cached keys that had waited and are pooled")
K_wait = _batch_sum("K_wait", "keys that wait after the step")
P_tail = _batch_sum(
    "P_tail", "query-key pairs of attention to the pooled blocks an indexer selects and the keys after them"
)
C_tail = _batch_sum(
    "C_tail", "cached keys that attention reads where an indexer selects pooled blocks, no two tokens sharing one"
)
P_lat = _batch_sum("P_lat", "pairs of causal attention in the latent")
T_lat = _batch_sum("T_lat", "new tokens of causal attention in the latent")
C_lat = _batch_sum("C_lat", "cached tokens that causal attention reads in the latent")
P_swalat = _batch_sum("P_swalat", "pairs of sliding-window attention in the latent")
T_swalat = _batch_sum("T_swalat", "new tokens of sliding-window attention in the latent")
C_swalat = _batch_sum("C_swalat", "cached tokens that sliding-window attention reads in the latent")
P_toplat = _batch_sum("P_toplat", "pairs of selected keys in the latent")
P_topexp = _batch_sum("P_topexp", "pairs of all keys, expanded, where an indexer selects few enough to mask the others")
T_toplat = _batch_sum("T_toplat", "new tokens that attend to selected keys in the latent")
C_toplat = _batch_sum("C_toplat", "cached tokens that are selected and read in the latent")
C_topexp = _batch_sum("C_topexp", "cached tokens that are expanded where an indexer selects")
P_taillat = _batch_sum("P_taillat", "pairs in the latent of selected pooled blocks and the keys after them")
P_tailexp = _batch_sum("P_tailexp", "pairs of all keys, expanded, where an indexer selects pooled blocks")
T_taillat = _batch_sum("T_taillat", "new tokens that attend in the latent to selected pooled blocks")
C_taillat = _batch_sum("C_taillat", "cached tokens of selected pooled blocks, read in the latent")
C_tailexp = _batch_sum("C_tailexp", "cached tokens that are expanded where an indexer selects pooled blocks")
P_comp = _batch_sum("P_comp", "pairs of tokens and compressed entries")
T_comp = _batch_sum("T_comp", "compressed entries that a step completes")
C_comp = _batch_sum("C_comp", "cached compressed entries")
K_comp = _batch_sum("K_comp", "compressed entries in the cache after the step")
P_sel = _batch_sum("P_sel", "pairs of tokens and the compressed entries an indexer selects")
C_sel = _batch_sum("C_sel", "cached compressed entries that are selected, no two tokens sharing one")
T_part = _batch_sum("T_part", "new tokens that wait for their entry to be complete")
C_part = _batch_sum("C_part", "cached tokens that had waited and are compressed")
K_part = _batch_sum("K_part", "tokens that wait after the step")
T_over = _batch_sum("T_over", "tokens of the last complete entry, cached for the one that overlaps it")
C_over = _batch_sum("C_over", "cached tokens of an entry that the first one completed overlaps")
K_over = _batch_sum("K_over", "tokens of the last complete entry in the cache after the step")
R = _batch_sum("R", "positions that logits are computed for")
P_prompt = _batch_sum("P_prompt", "query-key pairs of attention by which the tokens of a step see each other")
T_kept = _batch_sum("T_kept", "new tokens that layers with borrowed keys compute")
P_kept = _batch_sum("P_kept", "pairs of causal attention in layers with borrowed keys")
P_swakept = _batch_sum("P_swakept", "pairs of sliding-window attention in layers with borrowed keys")
T_conv = _batch_sum("T_conv", "positions that a causal convolution computes")
T_first = _batch_sum("T_first", "positions that the first of two convolutions computes")
T_delay = _batch_sum("T_delay", "tokens whose part of a value the next one has")
T_delta = _batch_sum("T_delta", "positions that a delta rule computes by matmuls")
P_delta = _batch_sum("P_delta", "pairs of positions in the chunks of a delta rule, 0 where it goes token by token")
P_light = _batch_sum(
    "P_light", "pairs of positions in the blocks of lightning attention, 0 where it goes token by token"
)
T_lru = _batch_sum("T_lru", "positions that the convolution of a gated linear recurrence computes")
T_ssm = _batch_sum("T_ssm", "positions that a selective state space updates its state at by matmuls")
T_ssd = _batch_sum("T_ssd", "positions that a state space of heads adds to its states by matmuls")
T_read = _batch_sum("T_read", "positions that a state space of heads reads its states at")
P_ssd = _batch_sum("P_ssd", "pairs of positions within the chunks of a state space, 0 where it goes token by token")
X_ssd = _batch_sum("X_ssd", "pairs of borders of the chunks of a state space, 0 where it goes token by token")
B_old = _batch_sum("B_old", "queries with cached tokens")
B = _batch_sum("B", "queries, the batch size")

n = declare("n", "query", "new tokens of a query", whole=True, positive=True)
c = declare("c", "query", "cached tokens of a query", whole=True, nonnegative=True)

N_x = declare("N_x", "step", "distinct experts of a layer that a step reads", positive=True)
N_real = declare("N_real", "step", "distinct experts a step reads where some do nothing", positive=True)
k_run = _choice("k_run", "routed experts run for each token")
H_c = _choice("H_c", "heads of keys and values that are cached")
a_lat = _choice("a_lat", "1 where a query's causal attention stays in the latent, 0 where keys are expanded")
a_swalat = _choice(
    "a_swalat", "1 where a query's sliding-window attention stays in the latent, 0 where keys are expanded"
)
a_toplat = _choice("a_toplat", "1 where a query attends to selected keys in the latent, 0 where all are expanded")
a_taillat = _choice("a_taillat", "1 where a query attends to selected pooled blocks in the latent, else 0")
u_c = _choice("u_c", "columns that a convolution caches")
k_real = declare("k_real", "rule", "experts run for each token where some do nothing", positive=True)
sigma = _choice("sigma", "additions not counted per dot product: 0 counts 2k FLOP, 1 exactly 2k - 1", r"\sigma")
psi = _choice(
    "psi", "1 where elementwise operators read and write memory, 0 where fused into their neighbours", r"\psi"
)
delta = _choice("delta", "1 where the head runs, 0 where it does not", r"\delta")
phi = _choice("phi", "1 counts elementwise operations, 0 counts matmuls only", r"\varphi")

b_w = _width("b_w", "attention weights")
b_o = _width("b_o", "output projections of attention")
b_m = _width("b_m", "weights of recurrences and linear attention")
b_f = _width("b_f", "dense feed-forward weights")
b_sh = _width("b_sh", "shared experts")
b_e = _width("b_e", "routed experts")
b_r = _width("b_r", "routers and other small projections that checkpoints do not quantize")
b_emb = _width("b_emb", "the embedding table")
b_head = _width("b_head", "the head")
b_n = _width("b_n", "norms, biases and convolutions")
b_sc = _width("b_sc", "corrections of experts' scores")
b_a = _width("b_a", "activations")
b_c = _width("b_c", "the cache")
b_s = _width("b_s", "recurrent states")

F = _machine_rate("F", "matmul FLOP per second in the format that an operator multiplies in, dense peak", "FLOP/s")
F_v = _machine_rate("F_v", "elementwise FLOP per second, peak of the vector units", "FLOP/s")
W = _machine_rate("W", "bytes per second that memory delivers, peak", "byte/s")
M = _machine_rate("M", "bytes that memory holds", "byte")
u_F = _machine_rate("u_F", "fraction of the peak FLOP per second that is achieved (MFU)", "")
u_W = _machine_rate("u_W", "fraction of the peak bandwidth that is achieved (MBU)", "")
t_0 = _machine_rate("t_0", "overhead of launching an operator", "s")
e_F = _machine_rate("e_F", "energy of a matmul FLOP: unless given, full power for the time it takes", "J/FLOP")
e_v = _machine_rate("e_v", "energy of an elementwise FLOP: unless given, full power for the time it takes", "J/FLOP")
e_W = _machine_rate("e_W", "energy of a byte moved: unless given, full power for the time it takes", "J/byte")
a_d = _machine_rate("a_d", "fraction of a draft model's tokens that is accepted", "")
g_d = _machine_rate("g_d", "tokens that a draft model proposes at a time", "")

W_l = declare("W_l", "parallel", "bytes per second that a link sends in one direction", "byte/s", positive=True)
t_l = declare("t_l", "parallel", "latency of a hop from device to device", "s", nonnegative=True)
n_d = _device_count("n_d", "devices that share a batch: replicas of the model (data parallelism)")
n_t = _device_count("n_t", "devices that share each matrix (tensor parallelism)")
n_e = _device_count("n_e", "devices that share a layer's experts (expert parallelism)")
n_s = _device_count("n_s", "devices that share the layers, stages of a pipeline")
n_m = _device_count("n_m", "microbatches that a pipeline splits a batch into")
n_v = _device_count("n_v", "model chunks per stage of an interleaved pipeline")

g_m = _training_number("g_m", "matmul FLOP of the backward pass per FLOP of the forward pass")
g_v = _training_number("g_v", "elementwise FLOP of the backward pass per FLOP of the forward pass")
rho = declare(
    "rho", "training", "times that layers run forward again for the backward pass", latex=r"\rho", nonnegative=True
)
rho_c = declare(
    "rho_c",
    "training",
    "times that attention cores run forward again for the backward pass",
    latex=r"\rho_c",
    nonnegative=True,
)
N_p = _training_number("N_p", "parameters, a shared table counted once", latex="N")
N_tok = _training_number("N_tok", "parameters that a token is multiplied by: no input table, only the experts it runs")
N_body = _training_number("N_body", "parameters without input table, positions and head")
kappa = _training_number("kappa", "matmul FLOP of attention for a query-key pair, all layers", "FLOP", latex=r"\kappa")
D_t = _training_number("D_t", "tokens of a training run", latex="D")
D_s = declare("D_s", "training", "tokens that are served after training", nonnegative=True)
C_t = _training_number("C_t", "budget of FLOP", "FLOP", latex="C")
E_l = _training_number("E_l", "irreducible loss: neither parameters nor tokens lower it", latex="E")
A_l = _training_number("A_l", "scale of the loss that parameters lower", latex="A")
B_l = _training_number("B_l", "scale of the loss that tokens lower", latex="B")
alpha_l = _training_number("alpha_l", "exponent of the parameters in a loss law", latex=r"\alpha")
beta_l = _training_number("beta_l", "exponent of the tokens in a loss law", latex=r"\beta")

n_q = _memory_layout("n_q", "devices that share the sequence between matrices (sequence parallelism): n_t, or 1")
n_f = _memory_layout("n_f", "microbatches in flight whose activations the layers of the first stage hold")
n_fe = _memory_layout("n_fe", "microbatches in flight whose dropout mask the embedding holds")
z_w = _memory_layout("z_w", "replicas that share the weights: n_d, or 1")
z_g = _memory_layout("z_g", "replicas that share the gradients: n_d, or 1")
z_o = _memory_layout("z_o", "replicas that share the optimizer states: n_d, or 1")
x_w = _memory_layout("x_w", "times that a step passes all gradients or weights between the replicas")
y_w = _bytes_of("y_w", "per weight")
y_g = _bytes_of("y_g", "per gradient")
y_o = _bytes_of("y_o", "of optimizer states per parameter")
y_m = _bytes_of("y_m", "per element of a dropout mask")
y_l = _bytes_of("y_l", "of the log of each row's sum that fused attention saves")
y_p = _bytes_of("y_p", "per probability that the loss saves")
theta_a = declare(
    "theta_a",
    "memory",
    "1 where attention saves the scores of all pairs, 0 where fused",
    latex=r"\theta_a",
    nonnegative=True,
)
theta_d = declare("theta_d", "memory", "1 where there is dropout, 0 where not", latex=r"\theta_d", nonnegative=True)

WIDTHS = tuple(x.symbol for x in VOCABULARY.values() if x.group == "width")
