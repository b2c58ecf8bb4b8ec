"""Custom graphs on a model's sizes: every question about a model can be asked of them."""

from dataclasses import replace

import pytest
from sympy import Symbol

import symroof
from symroof import Block, Cost, Op
from symroof import symbols as s
from symroof.cost.cost import FIELDS
from symroof.cost.flops import dots
from symroof.cost.notation import formula_text
from symroof.errors import UnknownName, UsageError
from symroof.ops import dense

KINDS = ("llama-3.2-1b", "mixtral-8x7b", "deepseek-v2-lite", "gpt-oss-20b", "jamba-v0.1", "qwen3-next-80b-a3b")
STEP = {"new": 3, "cached": 700, "batch_size": 5}


@pytest.fixture
def width():
    """A symbol that the vocabulary lacks, taken out of it again."""
    yield s.size("w_new", "width of a bottleneck")
    s.VOCABULARY.pop("w_new")
    s.entry.cache_clear()


def llama():
    return symroof.load("llama-3.2-1b")


def bottleneck(w, count=s.L):
    """Down to a width and up again."""
    ops = (Op("down", "ffn", dense.linear(s.T, s.d, w, s.b_f)), Op("up", "ffn", dense.linear(s.T, w, s.d, s.b_f)))
    return Block("bottleneck", ops, count)


def with_block(model, block, name="mine"):
    graph = model.graph()
    return Block(name, (*graph.children[:-1], block, graph.children[-1]))


@pytest.mark.parametrize("name", KINDS)
def test_a_models_own_graph_costs_what_the_model_does(name):
    model = symroof.load(name)
    same = model.with_graph(model.graph())
    assert same.name == "model"
    assert same.parameters == model.parameters
    assert same.cache_per_token() == model.cache_per_token()
    assert same.report(**STEP).rows == model.report(**STEP).rows
    assert same.formula("flops") == model.formula("flops")
    on = symroof.machine("h100-sxm").times(8)
    times = [symroof.roofline(x, on, **STEP).time for x in (same, model)]
    assert times[0] == times[1]
    assert symroof.fit(same, on, context=999).answers == symroof.fit(model, on, context=999).answers
    for question in ("cache_bytes = weight_bytes", "storage <= 500 GiB"):
        assert symroof.solve(same, question, "c").answer == symroof.solve(model, question, "c").answer
    assert same.report(rules="transformers", **STEP).total == model.report(rules="transformers", **STEP).total


def test_blocks_that_are_added_add_their_cost_and_nothing_else(width):
    base = llama()
    mine = base.with_graph(with_block(base, bottleneck(width, s.symbol("L_new"))), w_new=128, L_new=4)
    d, T, bf16 = 2048, 3 * 5, 2
    added = Cost(
        matmul=4 * (2 * T * d * 128 + 2 * T * 128 * d),
        weight_read=4 * 2 * d * 128 * bf16,
        weight_held=4 * 2 * d * 128 * bf16,
        act_read=4 * T * (d + 128) * bf16,
        act_write=4 * T * (128 + d) * bf16,
    )
    ours, theirs = mine.report(**STEP).total, base.report(**STEP).total
    assert {x: getattr(ours, x) - getattr(theirs, x) for x in FIELDS} == vars(added)
    assert mine.parameters.total - base.parameters.total == 4 * 2 * d * 128
    assert [row.layers for row in mine.report().rows if row.block == "bottleneck"] == [4, 4]
    assert mine.report().rows[-3].of_layers == 16
    wider = mine.with_sizes(w_new=256)
    assert wider.parameters.total - mine.parameters.total == mine.parameters.total - base.parameters.total


def test_its_symbols_are_those_of_the_model(width):
    base = llama()
    mine = base.with_graph(with_block(base, bottleneck(width)), w_new=128)
    assert mine.name == mine.report().model == "mine"
    assert mine.report().sizes["w_new"] == 128
    assert mine.architecture.origin["w_new"] == "given"
    assert "with a custom graph" in mine.with_sizes(w_new=4).config.source
    assert formula_text(mine.formula("matmul_flops", "bottleneck")) == "4 T d w_new"
    same_size = symroof.solve(mine, "weight_size(bottleneck) = weight_size(mlp/down)", "w_new")
    assert same_size.answer == 8192 // 2
    assert symroof.knobs(mine, "h100-sxm", **STEP)["w_new"].value == 128
    assert symroof.limits(mine, "h100-sxm").platform.machine.name == "h100-sxm"


def test_a_symbol_declared_again_is_the_same(width):
    assert s.size("w_new", "width of a bottleneck") is s.VOCABULARY["w_new"].symbol == width
    with pytest.raises(ValueError, match="'w_new' is declared already: width of a bottleneck"):
        s.size("w_new", "another width")


def test_a_name_that_meant_something_else_means_what_it_is_declared_to():
    assert s.group(s.symbol("n_new")) == "query"  # the n of a kind
    try:
        assert s.group(s.size("n_new", "a size")) == "size"
    finally:
        s.VOCABULARY.pop("n_new")
        s.entry.cache_clear()


BAD = {
    "no number": (lambda w: bottleneck(w), {}, r"w_new \(width of a bottleneck\) has no number: give it, as w_new="),
    "not declared": (lambda w: bottleneck(Symbol("w_free")), {}, r"w_free is not a size: use those of .*'w_free'"),
    "another symbol of that name": (lambda w: bottleneck(Symbol("d")), {}, "d is not a size"),
    "a machine's": (lambda w: bottleneck(s.F), {}, "F is not a size"),
    "a size the config lacks": (lambda w: bottleneck(s.f_e), {}, "f_e .* has no number"),
    "a sum that needs one": (
        lambda w: Block("x", (Op("x", "y", Cost(matmul=dots(s.P_swa, s.T))),)),
        {},
        r"w \(attention window .*\) has no number",
    ),
    "a size of nothing": (lambda w: bottleneck(8), {"w_new": 8}, "'w_new' is not a size of this model"),
    "a size out of range": (lambda w: bottleneck(w), {"w_new": 0}, "w_new = .*: a size is a whole number"),
    "less than no layers": (
        lambda w: bottleneck(w, s.L - 17 * w),
        {"w_new": 1},
        r"bottleneck/down runs .* = -1 times: give a whole number from 0",
    ),
    "half a layer": (lambda w: bottleneck(8, s.L / 3), {}, r"runs L/3 = 16/3 times"),
}


@pytest.mark.parametrize("case", BAD)
def test_what_has_no_number_is_told(case, width):
    block, sizes, told = BAD[case]
    base = llama()
    with pytest.raises(UsageError, match=told):
        base.with_graph(with_block(base, block(width)), **sizes)


def test_a_size_that_leaves_no_layers_is_told(width):
    base = llama()
    mine = base.with_graph(with_block(base, bottleneck(8, s.L - width)), w_new=16)
    with pytest.raises(UsageError, match="-1 times"):
        mine.with_sizes(w_new=17)


def test_what_knows_structures_only_says_so():
    base = llama()
    mine = base.with_graph(replace(base.graph(), name="mine"))
    with pytest.raises(UsageError, match="has no custom graphs"):
        mine.report(rules="llm-viewer")
    with pytest.raises(UsageError, match="mine has a custom graph"):
        symroof.compare(base, mine)


def test_a_row_is_found_by_its_path():
    base = llama()
    report, roof = base.report(), symroof.roofline(base, symroof.platform("h100-sxm", overhead=1e-6))
    assert {report[row.path] for row in report.rows} == set(report.rows)
    assert roof["mlp/down"].row == report["mlp/down"]
    for found in (report, roof):
        with pytest.raises(UnknownName, match="unknown operator 'mlp/dwn': did you mean 'mlp/down'"):
            found["mlp/dwn"]
    assert roof.platform.machine == symroof.machine("h100-sxm")
    assert len(repr(roof)) < 100


def test_two_operators_of_one_name_are_an_error():
    op = Op("op", "ffn", Cost())
    with pytest.raises(UsageError, match="own has two operators mlp/op: give each a different name"):
        symroof.load("llama-3.1-8b").with_graph(Block("own", (Block("mlp", (op, op)),)))
