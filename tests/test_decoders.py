"""Every operator of whole decoders against a run of them on a tape (see decoder.py); no figure is computed twice."""

from dataclasses import fields, replace
from functools import cache
from typing import Any

import pytest
import test_operators as oracle
import zoo
from decoder import RUNS, Decoder
from sympy import Symbol, sympify

import symroof
from symroof import symbols as s
from symroof.architecture.kinds.attention import Attention
from symroof.architecture.kinds.experts import Experts
from symroof.architecture.kinds.feed_forward import FeedForward
from symroof.architecture.structure import Frame, Sublayer
from symroof.cost import batch_sums, rules
from symroof.cost.batch import Query
from symroof.model.model import Model

LLAMA = {
    "model_type": "llama",
    "hidden_size": 5,
    "intermediate_size": 7,
    "num_hidden_layers": 3,
    "vocab_size": 11,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "head_dim": 6,
    "torch_dtype": "bfloat16",
}
CONFIGS: dict[str, dict[str, Any]] = {
    "plain": LLAMA,
    "biased": LLAMA | {"attention_bias": True, "mlp_bias": True, "hidden_act": "gelu"},
    "tied": LLAMA | {"tie_word_embeddings": True, "hidden_act": "relu", "num_key_value_heads": 1},
    "interleaved": LLAMA
    | {
        "model_type": "llama4_text",
        "intermediate_size_mlp": 9,
        "num_hidden_layers": 4,
        "attention_chunk_size": 3,
        "num_local_experts": 5,
        "num_experts_per_tok": 2,
        "interleave_moe_layer_step": 2,
        "attention_bias": True,
    },
}
WRITTEN_OUT = {
    name: x for name, x in zoo.MODELS.items() if all(type(y.kind) in RUNS for y in x.architecture.structure.sublayers)
} | {"masked": zoo.masked()}


def values(model: Model, wanted: set[Symbol], run: Decoder) -> dict[Symbol, Any]:
    """The wanted symbols at the run's step, but for what a rule leaves to choose."""
    sizes, layer = model.sizes, rules.rule_layer(("standard",), model.architecture.structure)
    batch = batch_sums.sum_over_queries([Query(run.new, run.cached)], layer, sizes, wanted)
    chosen = {x: layer[x].xreplace(sizes) for x in wanted if s.entry(str(x)).base in ("k_run", "u_c", "H_c")}
    return {**sizes, **batch, **chosen}


def touched(x: Sublayer, run: Decoder) -> dict[Symbol, int]:
    """The experts that the block's tokens were sent to."""
    return {rules.kind_symbols(x).get(s.N_x, s.N_x): run.touched.get(x.name, 1)}


def check_decoder(model: Model, new: int, cached: int) -> None:
    """Every operator of a model's graph against a run of the model."""
    run = Decoder(model, new, cached)
    sublayers = {x.name: x for x in model.architecture.structure.sublayers}
    graph = {path: (count, op) for path, count, op in model.graph().rows()}
    assert list(graph) == list(run.tape.tallies)
    bound = values(model, oracle.symbols_of(*(op.cost for _, op in graph.values())), run)
    for path, (count, op) in graph.items():
        cost, x = op.cost, sublayers.get(path.partition("/")[0])
        if x and x.distinct:  # the tape keeps a whole set of weights, a layer its share of all
            cost = replace(cost, weight_held=sympify(cost.weight_held * count / s.symbol(x.distinct)))
        oracle.matches(cost, run.tape.tallies[path], {**bound, **(touched(x, run) if x else {})})


STEPS = [(1, 0), (1, 4), (5, 0), (4, 5)]


@pytest.mark.parametrize("config", CONFIGS.values(), ids=list(CONFIGS))
@pytest.mark.parametrize(("new", "cached"), STEPS)
def test_every_operator_of_a_decoder_read_from_a_config(config: dict[str, Any], new: int, cached: int) -> None:
    check_decoder(symroof.load(config), new, cached)


@pytest.mark.parametrize("name", WRITTEN_OUT)
@pytest.mark.parametrize(("new", "cached"), STEPS)
def test_every_operator_of_a_decoder_of_the_zoo(name: str, new: int, cached: int) -> None:
    check_decoder(WRITTEN_OUT[name], new, cached)


@cache
def flags(of: type) -> set[tuple[str, Any]]:
    """(flag, value) of every part of that kind, or frame, in the zoo's decoders that are written out."""
    structures = [x.architecture.structure for x in WRITTEN_OUT.values()]
    found = [y.kind for x in structures for y in x.sublayers] + [x.frame for x in structures]
    return {(field.name, getattr(x, field.name)) for x in found if type(x) is of for field in fields(of)}


# Flags whose operators other files hold against references of their own.
ELSEWHERE = {
    "indexer": "test_operators_latent",
    "idle": "test_operators_latent",
    "expert_scale": "test_operators_streams",
    "streams": "test_operators_streams",
    "router_deep": "test_operators_pooled",
    "router_handed": "test_operators_pooled",
}


@pytest.mark.parametrize("of", [Attention, FeedForward, Experts, Frame])
def test_every_flag_is_set_in_some_decoder(of: type) -> None:
    for field in fields(of):
        told = {value for name, value in flags(of) if name == field.name}
        if field.name not in ELSEWHERE:
            assert any(x != field.default for x in told), field.name
            assert field.type is not bool or field.default in told, field.name


NAMED = {"rotary": 3, "qk_over": 3, "gate": 4, "keys": 3, "mask": 3}


def test_every_value_of_a_named_choice_is_taken_by_some_decoder() -> None:
    for name, least in NAMED.items():
        assert len([x for x in flags(Attention) if x[0] == name]) >= least, name


def test_the_kinds_written_out_are_kinds() -> None:
    assert set(RUNS) <= set(zoo.KINDS)
