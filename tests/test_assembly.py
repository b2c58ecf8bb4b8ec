"""How parts of layers become kinds of sublayers: which share symbols, how many there are, what they come to."""

from collections import Counter
from dataclasses import replace
from typing import Any

import pytest
import zoo
from hypothesis import given, settings
from hypothesis import strategies as st
from sympy import sympify

from symroof import symbols as s
from symroof.architecture.assembly import assemble
from symroof.architecture.kinds.attention import Attention
from symroof.architecture.kinds.experts import Experts
from symroof.architecture.kinds.feed_forward import FeedForward
from symroof.architecture.structure import Frame, Pattern, Size
from symroof.cost import batch_sums, rules
from symroof.cost.batch import Query
from symroof.cost.cost import Cost
from symroof.errors import UsageError
from symroof.model.model import Model

STEP: dict[str, Any] = {"new": [5, 1, 9], "cached": [3, 8, 0]}
MLP = zoo.mlp(FeedForward())


def names(model: Model) -> list[str]:
    return [x.name for x in model.architecture.structure.sublayers]


def sizes(model: Model) -> dict[str, int]:
    return dict(model.architecture.sizes)


def sliding(w: int, name: str = "sliding_attention", **more: int) -> Any:
    return zoo.attention(Attention("sliding"), name, w=w, **more)


# Which sizes share a symbol.


def test_a_part_of_all_layers_has_the_vocabularys_symbols() -> None:
    model = zoo.model(3, zoo.attention(Attention()), MLP)
    assert sizes(model) == {"L": 3, "d": 5, "V": 17, "H_q": 4, "H_kv": 2, "h": 6, "f": 7}
    assert [x.symbols for x in model.architecture.structure.sublayers] == [(), ()]


def test_sizes_alike_share_a_symbol() -> None:
    parts = {"a": sliding(3), "b": zoo.attention(Attention(), "full_attention")}
    model = zoo.model(3, zoo.by("aba", **parts), MLP)
    assert {x: sizes(model)[x] for x in ("H_q", "H_kv", "h", "w", "L_swa", "L_full")} == {
        "H_q": 4,
        "H_kv": 2,
        "h": 6,
        "w": 3,
        "L_swa": 2,
        "L_full": 1,
    }


def test_sizes_that_differ_have_symbols_of_their_own() -> None:
    parts = {"a": sliding(3, h=10), "b": zoo.attention(Attention(), "full_attention")}
    model = zoo.model(3, zoo.by("aba", **parts), zoo.by("mno", m=MLP, n=zoo.mlp(FeedForward(), f=9), o=MLP))
    found = sizes(model)
    assert "h" not in found
    assert "f" not in found
    assert (found["h_swa"], found["h_full"], found["f_mlp1"], found["f_mlp2"]) == (10, 6, 7, 9)
    assert names(model) == ["sliding_attention", "full_attention", "mlp_1", "mlp_2"]


def test_kinds_that_differ_in_one_size_share_the_others() -> None:
    parts = {"a": sliding(3), "b": sliding(5), "c": sliding(3, h=8)}
    model = zoo.model(4, zoo.by("abca", **parts), MLP)
    kinds = model.architecture.structure.sublayers
    assert [x.symbol("w") for x in kinds[:3]] == ["w_swa1", "w_swa2", "w_swa1"]
    assert [x.symbol("h") for x in kinds[:3]] == ["h_swa1", "h_swa1", "h_swa3"]
    assert [x.symbol("H_q") for x in kinds[:3]] == ["H_q"] * 3


def test_parts_that_say_the_same_are_one_kind() -> None:
    model = zoo.model(3, Pattern([sliding(3), sliding(3), sliding(3)], "layer_types"), MLP)
    assert names(model) == ["sliding_attention", "mlp"]
    assert model.architecture.structure.sublayers[0].layers == "L"


def test_a_symbol_of_a_kind_is_the_general_one_with_the_kinds_name() -> None:
    x = s.entry("h_swa")
    assert (x.base, x.group, x.latex) == ("h", "size", "h_{\\mathrm{swa}}")
    assert x.symbol.assumptions0 == s.h.assumptions0
    assert s.symbol("f_e_moe2") != s.symbol("f_e")
    assert s.entry("f_e_moe2").base == "f_e"
    assert s.group(s.symbol("P_swa_near")) == "batch"
    with pytest.raises(KeyError, match="zzz_full"):
        s.entry("zzz_full")


# How many there are.


@settings(max_examples=25, deadline=None)
@given(st.text("abc.", min_size=1, max_size=9), st.text("mn.", min_size=1, max_size=9))
def test_counts_are_those_of_the_pattern(first: str, second: str) -> None:
    second = (second * 9)[: len(first)]
    parts = {
        "a": sliding(3, "a"),
        "b": sliding(5, "b"),
        "c": sliding(7, "c"),
        "m": zoo.mlp(FeedForward(), 7, "m"),
        "n": zoo.mlp(FeedForward(), 9, "n"),
    }
    architecture = assemble(
        "zoo",
        Size(len(first), "layers"),
        (zoo.by(first, **parts), zoo.by(second, **parts)),
        Frame(),
        d=Size(5, "d"),
        V=Size(17, "V"),
    )
    counts = Counter(first + second)
    assert {x.name: architecture.sizes[x.layers] for x in architecture.structure.sublayers} == {
        letter: n for letter, n in counts.items() if letter != "."
    }
    assert not architecture.contradiction()
    whole = {x.name: x.whole for x in architecture.structure.sublayers}
    assert all(whole[x] == ("." not in first) for x in first if x != ".")
    assert all(whole[x] == ("." not in second) for x in second if x != ".")


def test_layers_without_a_part_cost_nothing() -> None:
    some = zoo.model(5, zoo.attention(Attention()), zoo.by("m..m.", m=MLP))
    none, one = (zoo.model(n, zoo.attention(Attention()), *([MLP] if n == 2 else [])) for n in (3, 2))
    ends = [zoo.model(1, zoo.by(".", m=MLP)).report(**STEP).total for _ in range(2)]
    assert some.report(**STEP).total + ends[0] == none.report(**STEP).total + one.report(**STEP).total


def test_a_part_ahead_of_all_layers_runs_once() -> None:
    first = zoo.mlp(FeedForward(), f=13, name="first")
    model = zoo.model(4, zoo.attention(Attention()), MLP, once=(first,))
    rows = {row.block: (row.layers, row.of_layers) for row in model.report().rows}
    assert rows == {"embedding": (1, 1), "first": (1, 1), "attention": (4, 4), "mlp": (4, 4), "head": (1, 1)}
    assert names(model)[0] == "first"


# Weights that layers share.


def test_shared_weights_are_kept_once_a_set_and_read_once_a_layer() -> None:
    alone = zoo.model(6, zoo.part(FeedForward(), "mlp", f=7))
    shared = zoo.model(6, zoo.part(FeedForward(), "mlp", distinct=2, f=7))
    ours, theirs = (x.report(**STEP) for x in (shared, alone))
    assert [replace(row.cost, weight_held=0) for row in ours.rows] == [
        replace(row.cost, weight_held=0) for row in theirs.rows
    ]
    for row, other in zip(ours.rows, theirs.rows, strict=True):
        assert row.all.weight_held * (3 if row.block == "mlp" else 1) == other.all.weight_held
    weights = alone.parameters.by_role["ffn"]
    assert shared.parameters.by_role["ffn"] * 3 == weights
    assert shared.parameters.total == alone.parameters.total - (weights + alone.parameters.by_role["norm"] - 5) * 2 // 3
    assert shared.parameters.active == alone.parameters.active - (alone.parameters.total - shared.parameters.total)
    assert shared.architecture.sizes["U_mlp"] == 2


# Other sizes.


def test_a_size_of_a_kind_can_be_changed() -> None:
    model = zoo.MODELS["windows"]
    changed = model.with_sizes(w_near=7)
    assert changed.architecture.sizes == {**model.architecture.sizes, "w_near": 7}
    assert changed.architecture.structure == model.architecture.structure
    with pytest.raises(UsageError, match="'w' is not a size of this model"):
        model.with_sizes(w=7)


def test_a_size_that_is_another_follows_it_within_its_kind() -> None:
    changed = zoo.MODELS["routed"].with_sizes(k_moe2=3)
    assert (changed.architecture.sizes["k_hf_moe2"], changed.architecture.sizes["k_hf_moe1"]) == (3, 5)


@pytest.mark.parametrize(
    ("given_", "says"),
    [
        ({"H_kv_swa": 3}, "query heads .* are not a multiple of KV heads .*H_kv_swa = given = 3"),
        ({"L": 6}, "layers L_swa=4 [+] L_full=1 do not add up to L=6"),
    ],
)
def test_sizes_of_a_kind_that_contradict(given_: dict[str, int], says: str) -> None:
    with pytest.raises(UsageError, match=says):
        zoo.MODELS["sandwiches"].with_sizes(**given_)


def test_layers_of_a_slot_that_some_lack_need_not_add_up() -> None:
    assert zoo.MODELS["shared_weights"].with_sizes(L=7).architecture.sizes["L"] == 7


# Windows of several sizes.


def attends(model: Model, rule: str) -> dict[str, Cost]:
    return {row.block: row.cost for row in model.report(**STEP, rules=rule).rows if row.op == "attend"}


@pytest.mark.parametrize("rule", ["standard", "transformers", "full-square"])
def test_each_of_several_windows_costs_what_it_does_alone(rule: str) -> None:
    found = attends(zoo.MODELS["windows"], rule)
    kinds = {
        "near": ("sliding", 2),
        "far": ("sliding", 5),
        "chunked_attention": ("chunked", 3),
        "wide_chunks": ("chunked", 5),
        "full_attention": ("causal", 1),
    }
    for name, (mask, w) in kinds.items():
        alone = zoo.model(2, zoo.attention(Attention(mask), name, w=w), MLP)
        assert alone.architecture.sizes["w"] == w
        assert attends(alone, rule) == {name: found[name]}
    assert rule != "standard" or len(set(found.values())) == len(found)


@pytest.mark.parametrize("rule", ["standard", "transformers"])
def test_a_model_of_two_windows_is_two_models_of_one(rule: str) -> None:
    """Of the same layers, once together and once apart; what both have around them counts once."""

    def total(*parts: Any) -> Cost:
        slot = Pattern([x for x, count in parts for _ in range(count)], "layer_types")
        return zoo.model(len(slot.parts), slot).report(**STEP, rules=rule).total

    near, far = sliding(3, "near"), sliding(6, "far")
    around = zoo.model(1, Pattern([None], "none")).report(**STEP, rules=rule).total
    assert total((near, 3), (far, 2)) + around == total((near, 3)) + total((far, 2))


def test_the_sums_of_a_kinds_window_are_its_own() -> None:
    model = zoo.MODELS["windows"]
    layer = rules.rule_layer(("standard",), model.architecture.structure)
    found = batch_sums.sum_over_queries([Query(5, 3), Query(1, 8)], layer, model.sizes)
    for name, w in (("near", 2), ("far", 5)):
        alone = batch_sums.sum_over_queries(
            [Query(5, 3), Query(1, 8)], rules.STANDARD, {s.w: w}, [s.P_swa, s.C_swa, s.K_swa]
        )
        assert {x: found[s.symbol(f"{x}_{name}")] for x in alone} == alone
    assert s.P_swa not in model.formula("flops").free_symbols
    used = {str(x) for x in sympify(model.formula("cache_bytes")).free_symbols}
    assert {"C_swa_near", "C_swa_far", "C_chunk_chunk", "C_chunk_widechunks", "C", "T"} <= used


def test_experts_of_several_kinds_are_read_each_in_their_number() -> None:
    model = zoo.MODELS["routed"]
    kinds = {x.name: x for x in model.architecture.structure.sublayers if isinstance(x.kind, Experts)}
    found = {row.block: row.cost for row in model.report(new=1).rows if row.op == "experts.down"}
    assert found.keys() == kinds.keys()
    for name, cost in found.items():
        k, N_e = (sizes(model)[kinds[name].symbol(x)] for x in ("k", "N_e"))
        assert cost.weight_read * N_e == cost.weight_held * k
