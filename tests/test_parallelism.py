"""Models split over devices: laws; when communication hides behind compute, as published."""

from fractions import Fraction

import pytest
from printed import says
from sympy import Integer, Min, Symbol, diff, limit, oo, simplify, solve, sqrt, symbols

import symroof
from symroof import symbols as s
from symroof.algebra.binding import Binding, symbols_of
from symroof.errors import UnknownName, UsageError
from symroof.hardware.machines import machine
from symroof.ops import collectives as c
from symroof.parallel.sharding import Share, bubble, split, split_2d, split_experts

# A decoder of two matrices D x F; one of three; latent attention; windows; experts, without and with a gate.
MODELS = ("gpt2", "llama-3.1-8b", "deepseek-v3", "gemma-3-1b", "nemotron-3-nano-30b-a3b", "gpt-oss-120b")
MLP, GATED, MOE = map(symroof.load, ("gpt2", "llama-3-70b", "mixtral-8x7b"))
BF16 = {s.b_f: 2, s.b_e: 2, s.b_a: 2, s.b_n: 0}  # norms and biases left aside
data, tensor = c.switch(s.n_d), c.switch(s.n_t)


def many(n, axes=1):
    return c.even_torus(n, axes, many=True)


def at(expr, values):
    return Binding(values)(expr)


def only(found):
    (x,) = found
    return x


def blocks(model):
    """Blocks of a layer that can be split."""
    return [x.name for x in model.graph().children if x.name.endswith(("attention", "mlp", "moe"))]


# --- laws --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", MODELS)
def test_shares_add_up_to_the_whole_and_one_device_sends_nothing(name):
    model = symroof.load(name)
    for block in blocks(model):
        for sharded in (False, True):
            alone = split(model, block, data=c.ring(1), tensor=c.ring(1), sharded=sharded)
            assert (alone.forward.sent, alone.backward.sent) == (0, 0)
            assert alone.forward.matmul == model.formula("matmul_flops", block)
            assert alone.forward.read == model.formula("weight_bytes", block)
            shared = split(model, block, data, tensor, sharded)
            assert simplify(shared.forward.matmul * s.n_d * s.n_t - alone.forward.matmul) == 0
            assert simplify(shared.forward.read * s.n_t - alone.forward.read) == 0
            assert shared.backward.matmul == 2 * shared.forward.matmul


@pytest.mark.parametrize(
    ("name", "block", "cut"),
    [
        ("gpt2", "mlp", "f"),
        ("llama-3.1-8b", "attention", "H_q H_kv"),
        ("gemma-3-1b", "mlp", "f"),
        ("deepseek-v3", "mlp", "f"),
    ],
)
def test_a_device_runs_a_model_of_its_part_of_the_heads_or_hidden_units(name, block, cut):
    model, ways = symroof.load(name), 4
    own = model.with_sizes(**{x: model.architecture.sizes[x] // ways for x in cut.split()})
    share = split(model, block, tensor=c.ring(ways)).forward
    values = {**model.sizes, s.T: 64, s.P: 5000, **dict.fromkeys((s.b_w, s.b_o, s.b_f), 2), s.b_n: 0}
    for quantity, mine in ("matmul_flops", share.matmul), ("weight_bytes", share.read):
        assert at(mine, values) == at(own.formula(quantity, block, bind=True), values) > 0


@pytest.mark.parametrize("name", MODELS)
def test_a_block_sends_what_it_adds_to_the_residual_stream(name):
    # what leaves a block is as many bytes as its residual writes: gathered before it, scattered after
    model = symroof.load(name)
    for block in blocks(model):
        written = model.formula("output_bytes", f"{block}/residual")
        assert split(model, block, tensor=c.switch(s.n_t, many=True)).forward.sent == 2 * written


@pytest.mark.parametrize("sharded", [False, True])
def test_both_ways_are_the_two_one_after_the_other(sharded):
    both = split(GATED, "mlp", data, tensor, sharded)
    weights = split(GATED, "mlp", data, sharded=sharded)
    rows = split(GATED, "mlp", tensor=tensor)
    for found, one, other in zip(*((x.forward, x.backward) for x in (both, weights, rows)), strict=True):
        assert simplify(found.sent - one.sent / s.n_t - other.sent / s.n_d) == 0


def test_weights_are_sent_whatever_the_tokens_and_activations_whatever_the_width():
    assert not split(GATED, "mlp", data, sharded=True).step.sent.has(s.T)
    assert not split(GATED, "mlp", tensor=tensor).step.sent.has(s.f)


@pytest.mark.parametrize("make", [c.ring, c.one_way_ring, c.linear_array, c.switch])
def test_more_devices_compute_less_each_and_send_no_less(make):
    values = {**GATED.sizes, **BF16, s.T: 4096}
    for kind in ("data", "tensor"):
        steps = [split(GATED, "mlp", **{kind: make(n)}).step for n in (1, 2, 3, 8)]
        computed, sent = ([at(getattr(x, y), values) for x in steps] for y in ("matmul", "sent"))
        assert computed == sorted(computed, reverse=True)
        assert sent == sorted(sent)


def test_sharding_takes_half_as_much_again():
    plain, sharded = (split(GATED, "", data, sharded=x).step.sent for x in (False, True))
    assert simplify(sharded / plain) == Fraction(3, 2)


@pytest.mark.parametrize("against", ["compute", "memory"])
def test_a_critical_value_makes_times_equal(against):
    cases = [
        (split(GATED, "mlp", c.ring(s.n_d)).backward, s.T),
        (split(MLP, "mlp", tensor=many(s.n_t, 2)).forward, s.n_t),
        (split(GATED, "mlp", many(s.n_d), many(s.n_t), True).forward, s.n_d),
        (split_experts(MOE, "moe", c.switch(s.n_e), copies=s.k).forward, s.f_e),
    ]
    for share, x in cases:
        values = share.critical(x, against)
        assert values or not share.seconds[against].has(x)
        for value in values:
            assert simplify((share.seconds[against] - share.seconds["link"]).subs(x, value)) == 0


def test_a_critical_value_that_is_none():
    with pytest.raises(UnknownName, match="memory"):
        split(GATED, "mlp", tensor=tensor).forward.critical(s.T, "memry")
    # of tensor parallelism both times are in proportion to the tokens
    assert split(GATED, "mlp", tensor=tensor).forward.critical(s.T) == ()


@pytest.mark.parametrize(
    ("call", "told"),
    [
        (lambda: split(GATED, "", tensor=tensor), "cannot split the whole model: it is not a block"),
        (lambda: split(GATED, "head", tensor=tensor), "it has head"),
        (lambda: split(symroof.load("mamba-130m"), "mamba", tensor=tensor), "it has recurrence"),
        (lambda: split(GATED, "mlp/down", tensor=tensor), "it is not a block of a layer"),
        (lambda: split(GATED, "mpl", data), "unknown operator 'mpl'"),
        (lambda: split_2d(MOE, "moe", data, tensor), "moe has 3 matmuls"),
        (lambda: split_experts(GATED, "mlp", data), "mlp has no routed experts"),
        (lambda: split_experts(MOE, "moe", c.switch(s.n_e)).forward.critical(s.n_e), "no closed form for n_e"),
    ],
)
def test_what_cannot_be_split(call, told):
    with pytest.raises(UsageError, match=told):
        call()


def test_records():
    found = split(GATED, "mlp", data, tensor)
    told = found.to_dict()
    assert told["over"] == {
        "data": {"network": "switch", "devices": "n_d"},
        "tensor": {"network": "switch", "devices": "n_t"},
    }
    assert told["forward"]["sent"] == str(found.forward.sent)
    assert "tensor over a switch of n_t" in repr(found)
    assert repr(found.forward).startswith("<symroof share: ")
    assert symroof.split is split


def test_every_symbol_of_several_devices_occurs():
    found = split(GATED, "mlp", data, tensor).forward.seconds.values()
    experts = split_experts(MOE, "moe", c.switch(s.n_e)).forward.sent
    used = symbols_of([*found, experts, bubble(stretches=s.n_v), c.relay(1), c.point_to_point(1)])
    assert {x.symbol for x in s.VOCABULARY.values() if x.group == "parallel"} <= used


# --- scaling book (jax-ml.github.io/scaling-book): TPUs ------------------------------------------------------------

# W_l is one link one way: its W is both ways of an axis
V5P = {s.F: 459 * 10**12, s.W_l: 9 * 10**10, **BF16}
V5E = {s.F: 197 * 10**12, s.W: 82 * 10**10, s.W_l: 45 * 10**9, **BF16}
B, D, F = symbols("B D F", positive=True)
BOOK = {s.T: B, s.d: D, s.f: F}


def test_links_of_the_book_are_those_of_the_machines():
    assert machine("tpu-v5p").link == 6 * V5P[s.W_l]
    assert machine("tpu-v5e").link == 4 * V5E[s.W_l]
    assert machine("h100-sxm").link == 450 * 10**9
    assert machine("b200").link == 900 * 10**9


def test_two_chips_split_a_matmul():
    # roofline: partial sums [B, F] of 2 bytes to the other one, 4.5e10 bytes/s each way: compute bound from D > 8755
    share = Share(
        at(MLP.formula("matmul_flops", "mlp/up"), {}) / 2, Integer(0), c.all_reduce(2 * s.T * s.f, c.linear_array(2))
    )
    assert says(at(only(share.critical(s.d)), V5E), "8755")


def test_gathering_weights_or_reducing_sums():
    # sharding, question 4: sums [B, F] over links beat multiplying by all of the matrix when D > 2 x 2550 = 5100
    whole = MLP.formula("matmul_flops", "mlp/up")
    share = Share(whole, Integer(0), c.all_reduce(2 * s.T * s.f, many(8)))
    assert at(only(share.critical(s.d)), V5P) == 5100


@pytest.mark.parametrize(("axes", "printed"), [(1, 2550), (3, 850)])
def test_critical_batch_of_data_parallelism(axes, printed):
    # training: tokens a chip, whether weights are sharded or not, forward or backward, of two matrices or of three
    for model in (MLP, GATED):
        plain, sharded = (split(model, "mlp", many(s.n_d, axes), sharded=x) for x in (False, True))
        for share in (plain.backward, sharded.forward):
            assert at(only(share.critical(s.T)) / s.n_d, V5P) == printed
    assert says(printed * 4096, "3,480,000") or axes == 1  # question 3.2: 3.48M tokens on 4096 chips


def test_critical_batch_of_pods():
    # training: 3.8e18 FLOP/s and 5e13 bytes/s a pod: 76,000 tokens a pod
    share = split(MLP, "mlp", c.switch(s.n_d, many=True)).backward
    assert at(only(share.critical(s.T)) / s.n_d, {**BF16, s.F: 38 * 10**17, s.W_l: 5 * 10**13}) == 76_000


def test_bytes_of_a_layer():
    # training, takeaways: bytes by forward and backward pass, two matrices in bf16
    whole = c.switch(s.n_d, many=True)
    for found, forward, backward in [
        (split(MLP, "mlp", whole), 0, 8 * D * F),
        (split(MLP, "mlp", whole, sharded=True), 4 * D * F, 8 * D * F),
        (split(MLP, "mlp", tensor=c.switch(s.n_t, many=True)), 4 * B * D, 4 * B * D),
    ]:
        sent = [at(x.sent, {**BOOK, **BF16}) for x in (found.forward, found.backward)]
        assert sent == [forward, backward]


@pytest.mark.parametrize("axes", [1, 2, 3])
def test_most_of_tensor_parallelism(axes):
    # training: Y < n_axes F / 2550
    found = at(only(split(MLP, "mlp", tensor=many(s.n_t, axes)).forward.critical(s.n_t)), {**BOOK, **V5P})
    assert found == axes * F / 2550


def mixed(axes_x, axes_y, N):
    """FSDP over axes_x of N devices and tensor parallelism over axes_y; Y = N / X."""
    share = split(MLP, "mlp", many(s.n_d, axes_x), many(s.n_t, axes_y), sharded=True).forward
    return Share(*(x.subs({**BF16, s.n_t: N / s.n_d}) for x in (share.matmul, share.read, share.sent)))


@pytest.mark.parametrize(("axes_x", "axes_y"), [(1, 1), (2, 1), (1, 2)])
def test_best_mix_of_sharding(axes_x, axes_y):
    # training: X = sqrt(B/F M_X/M_Y N); compute bound iff B/N > 4 alpha^2 / (M_X M_Y F)
    N, X = symbols("N X", positive=True)
    share = mixed(axes_x, axes_y, N)
    sent = share.sent.subs({s.n_d: X, **BOOK})
    best = only(solve(diff(sent, X), X))
    assert simplify(best**2 - B / F * Fraction(axes_x, axes_y) * N) == 0
    optimal = Share(share.matmul.subs(BOOK).subs(B, s.T), Integer(0), sent.subs(X, best).subs(B, s.T))
    alpha = s.F / (2 * s.W_l)
    assert simplify(only(optimal.critical(s.T)) / N - 4 * alpha**2 / (axes_x * axes_y * F)) == 0


@pytest.mark.parametrize(("f", "printed"), [(28672, "453"), (13824, "940"), (32768, "396")])
def test_critical_batch_of_the_best_mix(f, printed):
    # LLaMA 3 70B, LLaMA 2 13B, the worked model: tokens a chip, two axes and one
    N, X = symbols("N X", positive=True)
    share = mixed(2, 1, N)
    best = only(solve(diff(share.sent.subs(s.n_d, X), X), X))
    optimal = Share(share.matmul, share.read, share.sent.subs(s.n_d, best))
    assert says(at(only(optimal.critical(s.T)) / N, {**V5P, s.f: f}), printed)


def test_how_to_shard_llama_3_70b():
    # applied training: 4M tokens on 8960 chips are 468 a chip, above 453 and below 850; X = 1618 for 4.19e6
    chips, X = 8960, Symbol("X", positive=True)
    tokens = 4 * 1024 * 1024 / chips
    assert says(tokens, "468")
    assert says(
        only(solve(diff(mixed(2, 1, Integer(chips)).sent.subs({s.n_d: X, s.T: 4_190_000, s.f: 28672}), X), X)), "1618"
    )
    share = mixed(2, 1, Integer(chips))
    times = {
        x: float(at(t, {**V5P, s.f: 28672, s.d: 8192, s.T: 4_190_000, s.n_d: 1618}))
        for x, t in share.seconds.items()
        if x != "memory"
    }
    assert times["link"] < times["compute"]


def test_tensor_parallelism_of_decode():
    # inference: Y < F / (B beta) for beta = W_hbm / W_ici = 8: F = 16384 and B = 32 make 64
    found = only(split(MLP, "mlp", tensor=many(s.n_t)).forward.critical(s.n_t, "memory"))
    assert at(found, {**BF16, s.W: 16 * s.W_l, s.f: 16384, s.T: 32}) == 64


def test_decode_of_llama_3_70b_on_32_v5e():
    # applied inference: 4 x 8, batch 64, bf16: 11 us of links, and for one of three matrices 18 us of memory, 4.8 of
    # compute (prints 4)
    share = split(GATED, "mlp", tensor=c.torus(4, 8, many=True)).forward
    times = {x: 1e6 * float(at(y, {**GATED.sizes, **V5E, s.T: 64})) for x, y in share.seconds.items()}
    assert says(times["link"], "11")
    assert says(times["memory"] / 3, "18")
    assert says(times["compute"] / 3, "4.8")


# --- scaling book: GPUs --------------------------------------------------------------------------------------------

GPUS = [  # FLOP/s, bytes/s, tokens a GPU as printed
    (990e12, 450e9, "2200"),
    (990e12, 400e9, "2475"),
    (990e12, 300e9, "3300"),
    (2250e12, 400e9, "5625"),
    (990e12, 8 * 400e9, "309"),
    (2250e12, 900e9, "2500"),
]


@pytest.mark.parametrize(("flops", "link", "printed"), GPUS)
def test_rooflines_of_gpus(flops, link, printed):
    # H100 in a node and beyond, H800, B200, 8-way pipelines over nodes; Y < F / 2500 within a B200 node
    rates = {**BF16, s.F: int(flops), s.W_l: int(link)}
    batch = only(split(MLP, "mlp", c.switch(s.n_d, many=True)).backward.critical(s.T)) / s.n_d
    ways = only(split(MLP, "mlp", tensor=c.switch(s.n_t, many=True)).forward.critical(s.n_t))
    assert says(at(batch, rates), printed)
    assert at(ways * batch, rates) == s.f


def test_two_nodes_and_many_experts():
    rates = {**BF16, s.F: 990 * 10**12, s.W_l: 400 * 10**9}
    # two nodes of data parallelism: half of 2475
    share = split(MLP, "mlp", c.switch(2)).backward
    assert says(at(only(share.critical(s.T)) / 2, rates), "1237")
    # gpt-oss: times E / k = 32, for its experts
    oss = symroof.load("gpt-oss-120b")
    share = split(oss, "moe/experts.down", c.switch(s.n_d, many=True)).backward
    assert at(only(share.critical(s.T)) / s.n_d, {**oss.sizes, **rates}) == 79_200


def test_expert_parallelism_across_nodes():
    # Z GPUs in nodes of 8, networks of two matrices: 4 B D (Z - 8) / (W Z) min(8 k / Z, 1) seconds; compute bound when
    # F > alpha (Z - 8) / k where k > Z / 8, and when F > 8 alpha for many GPUs
    model, nodes, alpha = symroof.load("nemotron-3-nano-30b-a3b"), c.switch(s.n_e), symbols("alpha", positive=True)
    share, Z = split_experts(model, "moe", nodes).forward, 8 * s.n_e
    sent = 4 * s.T * s.d * (Z - 8) / Z * Min(8 * s.k / Z, 1)
    for numbers in ({s.k: 6, s.n_e: 4}, {s.k: 6, s.n_e: 9}):
        assert simplify((at(share.sent, BF16) - sent).subs(numbers)) == 0
    few, most = (split_experts(model, "moe", nodes, copies=x).forward.critical(s.f_e) for x in (s.n_e, s.k))
    node = {**BF16, s.F: 8 * alpha * s.W_l}
    assert simplify(at(only(few), node) - alpha * (Z - 8) / s.k) == 0
    assert limit(at(only(most), node), s.n_e, oo) == 8 * alpha


# --- Pope et al. 2022, Efficiently Scaling Transformer Inference, arXiv:2211.05102 ---------------------------------

BYTES = {s.b_f: 1, s.b_a: 1, s.b_n: 0, s.W_l: 1}  # volumes, for a bandwidth of one
N, X = symbols("N X", positive=True)


def rows_and_columns(rows, columns):
    return at(split_2d(MLP, "mlp", rows, columns).forward.seconds["link"], {**BOOK, **BYTES})


def test_weight_stationary_layouts():
    # 1D: 2 B L E; 2D: 2 B L (E/X + F/YZ); F = 4 E: X = sqrt(n)/2, 8 B L E / sqrt(n), the less from n > 16
    one = at(split(MLP, "mlp", tensor=c.switch(s.n_t, many=True)).forward.seconds["link"], {**BOOK, **BYTES})
    assert one == 2 * B * D
    rows, columns = (c.switch(n, many=True) for n in (s.n_d, s.n_t))
    two = rows_and_columns(rows, columns)
    assert simplify(two - 2 * B * (D / s.n_d + F / s.n_t)) == 0
    two = two.subs({s.n_d: X, F: 4 * D}).subs(s.n_t, N / X)
    best = only(solve(diff(two, X), X))
    assert simplify(best - sqrt(N) / 2) == 0
    least = simplify(two.subs(X, best))
    assert simplify(least - 8 * B * D / sqrt(N)) == 0
    assert only(solve(one - least, N)) == 16


def test_weight_stationary_layouts_on_a_torus():
    # scaling book, inference, question 7: 4 B D / 3 W and sqrt(128) B D / (sqrt(N) W), bf16, W both ways of an axis.
    # They meet at 128 (3/4)^2 = 72, where it prints 81
    at_w = {**BOOK, **BF16, F: 4 * D, s.W_l: Fraction(1, 2)}
    one = at(split(MLP, "mlp", tensor=many(s.n_t, 3)).forward.seconds["link"], at_w)
    assert one == 4 * B * D / 3
    two = split_2d(MLP, "mlp", many(s.n_d), many(s.n_t, 2)).forward.seconds["link"]
    two = at(two, at_w).subs(s.n_d, X).subs(s.n_t, N / X)
    least = simplify(two.subs(X, only(solve(diff(two, X), X))))
    assert simplify(least - sqrt(128) * B * D / sqrt(N)) == 0
    assert only(solve(one - least, N)) == 72


def test_weight_gathered_layouts():
    # weights gathered over N of n chips: 2 E F N / n + 2 B L E / N, least in proportion to sqrt(B L)
    n = Symbol("n", positive=True)
    share = split(MLP, "mlp", c.switch(s.n_d, many=True), c.switch(s.n_t, many=True), sharded=True).forward
    sent = at(share.seconds["link"], {**BOOK, **BYTES}).subs(s.n_d, N).subs(s.n_t, n / N)
    assert simplify(sent - (2 * D * F * N / n + 2 * B * D / N)) == 0
    least = sent.subs(N, only(solve(diff(sent, N), N)))
    assert simplify(least.subs(B, 4 * B) / least) == 2


@pytest.mark.parametrize(
    ("heads", "size", "shards", "printed"),
    [(64, 128, 64, (1320, 330)), (1, 256, 1, (660, 165)), (1, 256, 64, (43_000, 10_700))],
)
def test_context_of_palm_540b(heads, size, shards, printed):
    # table 1: 30 % of 64 TPU v4 for keys and values of batches of 128 and 512. Heads over chips, 48 padded to 64; one
    # head on each of them; one head and the batch over chips
    model = symroof.load(
        {
            "model_type": "llama",
            "hidden_size": 18432,
            "num_hidden_layers": 118,
            "vocab_size": 256_000,
            "intermediate_size": 73728,
            "num_attention_heads": 64,
            "num_key_value_heads": heads,
            "head_dim": size,
        }
    )
    room = 0.3 * machine("tpu-v4").memory
    for batch, context in zip((128, 512), printed, strict=True):
        assert room * shards / batch / model.cache_per_token(dtype="bf16") == pytest.approx(context, rel=0.01)


# --- others --------------------------------------------------------------------------------------------------------


def test_zero_stage_3():
    # Rajbhandari et al. 2020, arXiv:1910.02054, section 7: 2 elements sent a parameter by data parallelism, 3 sharded
    net, weights = c.one_way_ring(s.n_d, many=True), GATED.formula("weight_size")
    sent = [split(GATED, "", net, sharded=x).step.sent for x in (False, True)]
    assert [simplify(x / weights) for x in sent] == [2, 3]


@pytest.mark.parametrize(
    ("rate", "each", "layers", "tokens"), [(50 * 10**9, "120.96", "14.76", "67"), (900 * 10**9, "6.72", "0.82", "1200")]
)
def test_deepseek_expert_parallelism(rate, each, layers, tokens):
    # Insights into DeepSeek-V3, arXiv:2505.09343, section 2.3.2: 32 tokens a device to 9 experts each, 1 byte an
    # element there and 2 back, 7000 wide; twice in each of 61 layers: us, ms, tokens a second. 7168 is 2.4 % more
    model = symroof.load("deepseek-v3")
    shared = split_experts(model, "moe", c.switch(s.n_e), dispatch=1, combine=2, copies=9)
    sent = limit(shared.forward.sent.subs(s.T, 32 * s.n_e), s.n_e, oo)
    took = float(at(c.transfer_time(sent), {s.d: 7000, s.W_l: rate}))
    assert says(1e6 * took, each)
    assert says(2 * 61 * 1e3 * took, layers)
    assert says(1 / (2 * 61 * took), tokens)


def test_kipply_communication():
    # Transformer inference arithmetic: 52B on 4 A100 (300e9 bytes/s), batch 256: 2 ms. It takes an element for a byte
    # and N - 1 devices for N; in fp16, and the own part left out, it is half as much again
    model = symroof.load(
        {
            "model_type": "mpt",
            "d_model": 8192,
            "n_layers": 64,
            "n_heads": 64,
            "vocab_size": 65536,
            "max_seq_len": 8192,
            "attn_config": {"alibi": True},
            "torch_dtype": "float16",
        }
    )
    values = {**model.sizes, s.T: 256, s.W_l: 300 * 10**9}
    took = [
        1e3
        * float(
            at(
                64 * sum(split(model, x, tensor=net).forward.seconds["link"] for x in ("attention", "mlp")),
                {**values, s.b_a: width},
            )
        )
        for net, width in ((c.switch(4, many=True), 1), (c.switch(4), 2))
    ]
    assert says(took[0], "2")
    assert took[1] / took[0] == pytest.approx(1.5)


# Megatron-LM, Narayanan et al. 2021, arXiv:2104.04473, section 2.2.


def makespan(stages, microbatches, stretches, forward, backward):
    """Time of a schedule: forward passes of all microbatches, groups of as many as stages, then backward, reversed."""
    order = [
        (part, first + i)
        for first in range(0, microbatches, stages)
        for part in range(stretches)
        for i in range(stages)
    ]
    free, done = [0] * stages, {}

    def run(kind, part, batch, stage, needs, took):
        start = max([free[stage], *(done[x] for x in needs)])
        free[stage] = done[kind, part, batch, stage] = start + took

    def before(kind, part, batch, stage, step):
        there = part * stages + stage + step
        inside = 0 <= there < stages * stretches
        return [(kind, there // stages, batch, there % stages)] if inside else []

    last = stretches * stages - 1
    for part, batch in order:
        for stage in range(stages):
            run("F", part, batch, stage, before("F", part, batch, stage, -1), forward)
    for part, batch in reversed(order):
        for stage in reversed(range(stages)):
            ends = part * stages + stage == last
            needs = [("F", part, batch, stage)] if ends else before("B", part, batch, stage, 1)
            run("B", part, batch, stage, needs, backward)
    return max(free)


@pytest.mark.parametrize(
    ("stages", "microbatches", "stretches"), [(1, 4, 1), (2, 4, 1), (4, 8, 1), (4, 8, 2), (4, 16, 4), (8, 8, 3)]
)
def test_bubble(stages, microbatches, stretches):
    # forward passes of 1 / v, backward of twice that; (p - 1)/m, and interleaved (1/v) (p - 1)/m
    each = [Fraction(x, stretches) for x in (1, 2)]
    ideal = microbatches * stretches * sum(each)
    idle = makespan(stages, microbatches, stretches, *each) - ideal
    assert bubble(stages, microbatches, stretches) == idle / ideal
