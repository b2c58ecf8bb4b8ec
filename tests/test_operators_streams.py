"""Streams of AltUp, inputs of each layer's own, cut gates, factors of experts; and layers that borrow keys, by law."""

from functools import reduce
from operator import add

import pytest
from counting import Tape, dot
from kinds_streams import levelled
from sympy import Integer
from test_operators import matches, rows

import symroof
from symroof import symbols as s
from symroof.architecture.kinds.streams import AltUp, Laurel, LayerInput, LayerInputs
from symroof.blocks.residual import streams as blocks
from symroof.cost.cost import sum_costs
from symroof.ops import dense, experts
from symroof.ops.residual import streams

T, A, D = 3, 4, 5
COUNT, STREAMS, WIDTH = Integer(T), Integer(A), Integer(D)


def predicted(tape: Tape, tokens: list, coefficients: list) -> list:
    """Each stream and a mix of all streams."""
    return tape.store(
        [
            [
                [stream[e] + dot([x[e] for x in token], row) for e in range(D)]
                for stream, row in zip(token, mix, strict=True)
            ]
            for token, mix in zip(tokens, coefficients, strict=True)
        ]
    )


def corrected(tape: Tape, tokens: list, active: list, coefficients: list) -> list:
    """Each stream and its share of what the active one became beyond its prediction."""
    out = []
    for token, row, c in zip(tokens, active, coefficients, strict=True):
        news, shares = [x - y for x, y in zip(row, token[0], strict=True)], [x + 1 for x in c]
        out.append(
            [
                [x + share * y for x, y in zip(stream, news, strict=True)]
                for stream, share in zip(token, shares, strict=True)
            ]
        )
    return tape.store(out)


def each(tape: Tape, tokens: list) -> list:
    """Each stream but the first through a projection of its own."""
    weights = tape.table("w", A - 1, D, D)
    return tape.store(
        [[[dot(x, column) for column in w] for x, w in zip(token, weights, strict=True)] for token in tokens]
    )


def cut(tape: Tape, given: list) -> list:
    """What each row has above its mean and twice its deviation."""
    out = []
    for row in given:
        mean = reduce(add, row) / len(row)
        deviation = (reduce(add, [y * y for y in (x - mean for x in row)]) / len(row)).sqrt()
        border = mean + deviation * 2.0
        out.append([(x - border).larger(0) for x in row])
    return tape.store(out)


def test_streams_are_mixed_and_levelled() -> None:
    tape = Tape()
    tokens, active, one = rows(tape, T, A, D), rows(tape, T, D), rows(tape, T, D)
    with tape.op("level") as tally:
        levelled(tape, tokens)
    matches(streams.match_magnitudes(COUNT, STREAMS, WIDTH), tally, {})
    with tape.op("predict") as tally:
        predicted(tape, tokens, rows(tape, T, A, A))
    matches(streams.predict_streams(COUNT, STREAMS, WIDTH), tally, {})
    with tape.op("correct") as tally:
        corrected(tape, tokens, active, rows(tape, T, A))
    matches(streams.correct_streams(COUNT, STREAMS, WIDTH), tally, {})
    with tape.op("spread") as tally:
        tape.store(
            [
                [[x + y for x, y in zip(stream, z, strict=True)] for stream in token[1:]]
                for token, z in zip(tokens, one, strict=True)
            ]
        )
    matches(streams.add_to_streams(COUNT, STREAMS, WIDTH), tally, {})
    with tape.op("mean") as tally:
        tape.store([[reduce(add, column) / A for column in zip(*token, strict=True)] for token in tokens])
    matches(streams.mean_of_streams(COUNT, STREAMS, WIDTH), tally, {})


def test_streams_are_projected_each_by_its_own_weights() -> None:
    tape = Tape()
    with tape.op("project") as tally:
        each(tape, rows(tape, T, A - 1, D))
    matches(streams.project_streams(COUNT, STREAMS, WIDTH), tally, {})


def test_rows_are_weighed_squashed_joined_and_mixed() -> None:
    tape = Tape()
    x, u, v = (rows(tape, T, D) for _ in range(3))
    with tape.op("weigh") as tally:
        gains = tape.table("n", D)
        tape.store([[e * g for e, g in zip(row, gains, strict=True)] for row in x])
    matches(streams.scale_elements(COUNT, WIDTH), tally, {})
    with tape.op("squash") as tally:
        tape.store([[e.tanh() for e in row] for row in x])
    matches(streams.tanh(COUNT, WIDTH), tally, {})
    with tape.op("join") as tally:
        tape.store([[(a + b + c) * 0.7 for a, b, c in zip(*three, strict=True)] for three in zip(x, u, v, strict=True)])
    matches(streams.add_scaled_residuals(COUNT, WIDTH), tally, {})
    with tape.op("mix") as tally:
        tape.store([[(a + 3.0 * b) * 0.7 for a, b in zip(*two, strict=True)] for two in zip(x, u, strict=True)])
    matches(streams.mix_inputs(COUNT, WIDTH), tally, {})


def test_gates_are_cut_off() -> None:
    tape = Tape()
    with tape.op("cut") as tally:
        cut(tape, rows(tape, T, D))
    matches(dense.gaussian_topk(COUNT, WIDTH), tally, {})


def test_scores_of_chosen_experts_are_scaled() -> None:
    tape, chosen = Tape(), [[0, 1], [2, 3], [4, 0]]
    scores = rows(tape, T, 2)
    with tape.op("scale") as tally:
        factors = tape.table("n", 5)
        tape.store([[p * factors[e] for p, e in zip(*pair, strict=True)] for pair in zip(scores, chosen, strict=True)])
    matches(experts.scale_scores(COUNT), tally, {s.k: 2, s.N_e: 5})


def test_weights_of_streams_and_layer_inputs_are_kept_once() -> None:
    sizes = {s.d: 7, s.A: 4, s.r_l: 3, s.d_p: 2, s.V_p: 11, s.L: 5, s.b_w: 1, s.b_n: 1, s.b_emb: 1}

    def kept(ops: list) -> int:
        return int(sum_costs(op.cost for op in ops).weight_held.xreplace({x: Integer(n) for x, n in sizes.items()}))

    assert kept(blocks.build_altup(AltUp("expand"))) == kept(blocks.build_altup(AltUp("merge"))) == 3 * 7 * 7
    predict, correct = (kept(blocks.build_altup(AltUp(stage))) for stage in ("predict", "correct"))
    assert (predict, correct) == (7 + 7 * 4 + 4 * 16, 4 * 4 + 7)
    assert kept(blocks.build_laurel(Laurel())) == 2 * 7 * 3 + 7
    assert kept(blocks.build_layer_inputs(LayerInputs())) == 11 * 5 * 2 + 7 * 5 * 2 + 2
    assert kept(blocks.build_layer_input(LayerInput())) == 2 * 7 * 2


GEMMA = {
    "model_type": "gemma4_text",
    "hidden_size": 24,
    "num_hidden_layers": 6,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "head_dim": 4,
    "global_head_dim": 8,
    "intermediate_size": 20,
    "vocab_size": 50,
    "sliding_window": 4,
    "hidden_size_per_layer_input": 4,
    "vocab_size_per_layer_input": 30,
    "num_kv_shared_layers": 2,
    "layer_types": ["sliding_attention", "full_attention"] * 3,
    "tie_word_embeddings": True,
    "dtype": "bfloat16",
}


def flops(model: symroof.Model, new: int, cached: int = 0, rules: str = "transformers", **form: str) -> dict[str, int]:
    """FLOP of attention itself, by block."""
    report = model.report(new, cached, rules=rules, **form)
    return {row.block: row.all.flops for row in report.rows if row.op == "attend"}


def test_the_second_token_sees_the_full_square_in_layers_that_borrow_keys():
    step = {"new": 1, "cached": 1, "dtype": "bf16"}  # within the window
    model = symroof.load(GEMMA)
    assert any(x.logits_only for x in model.architecture.structure.sublayers)
    square, causal = (model.report(**step, rules=rules) for rules in ("full-square", "standard"))
    assert [x.cost.matmul for x in square.rows] == [x.cost.matmul for x in causal.rows]


def test_layers_that_borrow_keys_hold_no_cache_and_no_key_weights() -> None:
    model, own = symroof.load(GEMMA), symroof.load({**GEMMA, "num_kv_shared_layers": 0})
    held, usual = (x.report(9, 0).storage.cache for x in (model, own))
    assert (3 * held, held) == (2 * usual, 2 * 2 * (9 * 16 + 4 * 8) * 2)
    assert own.parameters.total - model.parameters.total == 24 * 2 * (8 + 16) + 4 + 8


def test_layers_that_borrow_keys_run_where_logits_are_asked_for_in_transformers_alone() -> None:
    model = symroof.load(GEMMA)
    last, every = flops(model, 9, logits="last"), flops(model, 9, logits="all")
    assert {block: every[block] / n for block, n in last.items()} == {
        block: 9 if "borrowed" in block else 1 for block in last
    }
    run = {block for block, n in flops(model, 9, logits="none").items() if n}
    assert run == {x for x in every if "borrowed" not in x}
    assert flops(model, 1, 8, logits="last") == flops(model, 1, 8, logits="all")
    assert flops(model, 9, rules="standard", logits="last") == flops(model, 9, rules="standard", logits="all")


def test_a_prefill_is_the_sum_of_its_steps_where_keys_are_borrowed() -> None:
    model = symroof.load(GEMMA)
    steps = [model.report(1, c, logits="last").total.flops for c in range(9)]
    assert model.report(9, 0, logits="all").total.flops == sum(steps)


def test_values_that_are_keys_save_a_projection_and_no_cache() -> None:
    plain, same = (symroof.load({**GEMMA, "attention_k_eq_v": x}) for x in (False, True))
    assert plain.parameters.total - same.parameters.total == 2 * 24 * 2 * 8
    assert plain.report(9, 0).storage.cache == same.report(9, 0).storage.cache


@pytest.mark.parametrize(
    ("key", "value", "words"),
    [
        ("num_kv_shared_layers", 6, ("num_kv_shared_layers",)),
        ("num_kv_shared_layers", 5, ("num_kv_shared_layers", "type")),
        ("layer_types", ["full_attention"] * 5, ("layer_types", "6 layers")),
        ("layer_types", ["linear_attention"] * 6, ("layer_types", "sliding_attention")),
        ("use_bidirectional_attention", "all", ("use_bidirectional_attention",)),
        ("per_layer_config", {"1": {"hidden_size": 5}}, ("per_layer_config", "hidden_size", "head_dim")),
    ],
)
def test_what_contradicts_is_told(key: str, value: object, words: tuple[str, ...]) -> None:
    with pytest.raises(symroof.errors.ConfigError) as told:
        symroof.load({**GEMMA, key: value})
    assert all(word in str(told.value) for word in words)


def test_a_layer_that_attends_to_images_is_kept_and_not_run() -> None:
    text = {
        "hidden_size": 24,
        "num_hidden_layers": 5,
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
        "intermediate_size": 20,
        "vocab_size": 50,
        "cross_attention_layers": [1, 3],
    }
    model = symroof.load({"model_type": "mllama", "dtype": "bfloat16", "text_config": text})
    crossing = [row for row in model.report(9, 0).rows if row.block == "cross_layer"]
    assert crossing
    assert not any(row.cost.moved or row.cost.flops for row in crossing)
    assert model.parameters.total - model.parameters.active >= 2 * (24 * (24 + 2 * 12 + 24) + 3 * 24 * 20)
