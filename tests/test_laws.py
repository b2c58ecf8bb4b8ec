"""Laws that hold of every model, whatever its sizes, and mutations of operators that some law rejects.

A law takes a model and asserts; none knows the formula of an operator.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from itertools import pairwise
from typing import Any

import pytest
import test_masks as drawing
from sympy import Expr, Rational, sympify

import symroof
from symroof import formula, rulebook, rules, workload
from symroof import model as modelling
from symroof import symbols as s
from symroof.architecture import Attention, Experts, FeedForward
from symroof.binding import Binding
from symroof.config import catalogue
from symroof.cost import FIELDS, Cost
from symroof.model import Model
from symroof.report import Report

LLAMA = {
    "model_type": "llama", "hidden_size": 15, "intermediate_size": 33, "num_hidden_layers": 3, "vocab_size": 101,
    "num_attention_heads": 6, "num_key_value_heads": 2, "torch_dtype": "bfloat16",
}  # fmt: skip
LLAMA4 = LLAMA | {
    "model_type": "llama4_text", "intermediate_size_mlp": 21, "num_hidden_layers": 6, "attention_chunk_size": 4,
    "head_dim": 7, "num_local_experts": 6, "num_experts_per_tok": 2, "interleave_moe_layer_step": 3,
}  # fmt: skip
CONFIGS: dict[str, Any] = {
    **{name: name for name in ("llama-3.1-8b", "llama-3.2-1b", "llama-2-7b", "llama-4-scout", "llama-4-maverick")},
    "biased": LLAMA | {"head_dim": 5, "attention_bias": True, "mlp_bias": True, "hidden_act": "gelu"},
    "interleaved": LLAMA4 | {"use_qk_norm": False, "attention_bias": True},
    "listed": LLAMA4 | {
        "moe_layers": [0, 1, 4, 5], "no_rope_layers": [1, 0, 0, 1, 1, 1], "tie_word_embeddings": True,
        "num_experts_per_tok": 3, "attn_temperature_tuning": False,
    },
}  # fmt: skip
ROUTED = ("llama-4-scout", "llama-4-maverick", "interleaved", "listed")
WORK = ("matmul", "vector", "cache_write", "act_read", "act_write")
ELEMENTS = {"dtype": "fp8"}  # a byte an element


def load(name: str) -> Model:
    """The model; with a window that short contexts fill, where it has one."""
    model = symroof.load(CONFIGS[name])
    return model.with_sizes(w=4) if s.w in model.sizes else model


def costs(model: Model, **step: Any) -> dict[str, Cost]:
    """Every operator's cost in one layer, by path."""
    return {row.path: row.cost for row in model.report(**step).rows}


def named(found: Mapping[str, Cost], *ops: str) -> list[Cost]:
    """The costs of the operators of that name."""
    return [x for path, x in found.items() if path.partition("/")[2] in ops]


def take(found: Mapping[str, Cost], *fields: str) -> dict[str, tuple[Any, ...]]:
    return {path: tuple(getattr(x, field) for field in fields) for path, x in found.items()}


def added(parts: Iterable[Mapping[str, Cost]]) -> dict[str, Cost]:
    first, *rest = parts
    return {path: sum((x[path] for x in rest), start=first[path]) for path in first}


def restructured(model: Model, **changes: Any) -> Model:
    structure = replace(model.architecture.structure, **changes)
    return replace(model, architecture=replace(model.architecture, structure=structure))


def kinds(model: Model, kind: type) -> list[Any]:
    return [x for x in model.architecture.structure.sublayers if isinstance(x, kind)]


# Laws of tokens and batches.


def work_of_token_wise_operators_is_linear_in_tokens(model: Model) -> None:
    few, more, all_ = (costs(model, new=n, cached=9, logits="all") for n in (3, 4, 7))
    elsewhere = costs(model, new=7, cached=0, logits="all")
    for path in all_:
        if not path.endswith("/attend"):
            total = take({path: few[path] + more[path]}, *WORK)
            assert total == take({path: all_[path]}, *WORK) == take({path: elsewhere[path]}, *WORK)


def a_prefill_is_the_sum_of_its_decode_steps(model: Model) -> None:
    for logits in ("none", "all"):
        steps = [costs(model, new=1, cached=c, logits=logits) for c in range(3, 10)]
        whole = costs(model, new=7, cached=3, logits=logits)
        assert take(added(steps), *WORK) == take(whole, *WORK)
        assert take(steps[-1], "cache_held") == take(whole, "cache_held")


def a_prefill_in_chunks_is_the_whole(model: Model) -> None:
    pieces = [(1, 2), (5, 3), (3, 8)]
    chunks = [costs(model, new=n, cached=c, logits="all") for n, c in pieces]
    assert take(added(chunks), *WORK) == take(costs(model, new=9, cached=2, logits="all"), *WORK)


def a_ragged_batch_is_the_sum_of_its_queries(model: Model) -> None:
    new, cached = [1, 5, 2, 5], [7, 0, 3, 1]
    fields = (*WORK, "cache_read", "cache_held")
    alone = [costs(model, new=n, cached=c) for n, c in zip(new, cached, strict=True)]
    assert take(added(alone), *fields) == take(costs(model, new=new, cached=cached), *fields)


def weights_are_read_once_a_step(model: Model) -> None:
    one = costs(model, new=1)
    for row in model.report(new=60).rows:
        if row.role not in ("embedding", "routed_experts"):
            assert one[row.path].weight_read == row.cost.weight_read
            assert row.cost.weight_held in (row.cost.weight_read, 0)


def a_chunk_forgets_what_lies_before_it(model: Model) -> None:
    chunked = [f"{x.name}/attend" for x in kinds(model, Attention) if x.mask == "chunked"]
    for path in chunked:
        steps = [costs(model, new=1, cached=c)[path] for c in range(12)]
        assert steps[:4] != steps[1:5]
        assert [x.flops for x in steps[:8]] == [x.flops for x in steps[4:]]
        assert [x.cache_read for x in steps[:8]] == [x.cache_read for x in steps[4:]]
        assert steps[8].cache_read == 0
        assert steps[3].cache_held == steps[11].cache_held


def a_chunk_that_holds_the_context_is_causal(model: Model) -> None:
    attends = named(costs(model.with_sizes(w=64) if s.w in model.sizes else model, new=5, cached=59), "attend")
    assert all(x == attends[0] for x in attends)


def the_cache_grows_by_what_is_written_and_is_read_next(model: Model) -> None:
    wide = model.with_sizes(w=1000) if s.w in model.sizes else model
    before, step, after = (named(costs(wide, new=n, cached=c), "attend") for n, c in ((5, 0), (4, 5), (1, 9)))
    for x, y, z in zip(before, step, after, strict=True):
        assert y.cache_held - x.cache_held == y.cache_write > 0
        assert z.cache_read == y.cache_held


# Laws of sizes.


def grouping_heads_changes_bytes_and_no_flop(model: Model) -> None:
    grouped = {kv: costs(model.with_sizes(H_q=12, H_kv=kv), new=5, cached=3) for kv in (1, 4, 12)}
    single = named(grouped[1], "attend")
    for kv, found in grouped.items():
        for x, y in zip(named(found, "attend"), single, strict=True):
            assert (x.matmul, x.vector, x.act_write) == (y.matmul, y.vector, y.act_write)
            for field in ("cache_read", "cache_write", "cache_held"):
                assert getattr(x, field) == kv * getattr(y, field)
    assert single[0].act_read < named(grouped[4], "attend")[0].act_read


PROJECTIONS = ("qkv", "out", *(p + x for p in ("", "shared.", "experts.") for x in ("gate_up", "down")), "logits")


def one_token_meets_each_weight_once(model: Model) -> None:
    """Multiply-adds of a projection are its weights; what is left is biases, one addition each."""
    found = costs(model, new=1, **ELEMENTS)
    for x in named(found, *PROJECTIONS):
        assert x.weight_read == Rational(x.matmul, 2) + x.vector
    for x in named(found, "router"):
        assert x.weight_read == Rational(x.matmul, 2)
    for x in named(found, "norm"):
        assert x.weight_read == x.weight_held == x.act_write
        assert x.matmul == 0


def the_embedding_is_looked_up(model: Model) -> None:
    found = costs(model, new=7, **ELEMENTS)["embedding/lookup"]
    sizes = model.architecture.sizes
    assert found.flops == 0
    assert found.weight_read == found.act_write == 7 * sizes["d"]
    assert found.weight_held == sizes["V"] * sizes["d"]


def tying_the_head_spares_a_table_and_nothing_else(model: Model) -> None:
    loose, tied = restructured(model, tied=False), restructured(model, tied=True)
    table = model.architecture.sizes["V"] * model.architecture.sizes["d"]
    assert loose.parameters.total - tied.parameters.total == table
    assert loose.parameters.active == tied.parameters.active
    fields = [x for x in FIELDS if x != "weight_held"]
    assert take(costs(loose, new=3), *fields) == take(costs(tied, new=3), *fields)


def a_bias_is_a_weight_for_each_output(model: Model) -> None:
    def with_bias(bias: bool) -> dict[str, Cost]:
        sublayers = model.architecture.structure.sublayers
        changed = (x if isinstance(x, Experts) else replace(x, bias=bias) for x in sublayers)
        return costs(restructured(model, sublayers=tuple(changed)), new=3, **ELEMENTS)

    without, with_ = with_bias(False), with_bias(True)
    projections = [f"{x.name}/{op}" for x in kinds(model, Attention) for op in ("qkv", "out")]
    projections += [f"{x.name}/{op}" for x in kinds(model, FeedForward) for op in ("gate_up", "down")]
    for path, x in with_.items():
        outputs = x.act_write if path in projections else 0
        assert x.vector - without[path].vector == outputs
        assert 3 * (x.weight_held - without[path].weight_held) == outputs
        assert 3 * (x.weight_read - without[path].weight_read) == outputs


def every_layer_attends_and_feeds_forward_once(model: Model) -> None:
    runs: dict[str, int] = {}
    for row in model.report().rows:
        runs[row.op] = runs.get(row.op, 0) + row.layers
    L = model.architecture.sizes["L"]
    assert runs["attend"] == L
    assert runs.get("gate_up", 0) + runs.get("experts.gate_up", 0) == L
    assert (runs.get("residual"), runs.get("norm")) == (2 * L, 2 * L + 1)


# What one operator writes the next reads.

TOKENS = 3


def what_one_operator_writes_the_next_reads(model: Model) -> None:
    report = model.report(new=TOKENS, cached=2, logits="all", **ELEMENTS)
    stream = TOKENS * model.architecture.sizes["d"]
    flows = {"Attention": attention_flow, "FeedForward": feed_forward_flow, "Experts": experts_flow}
    found = {name: {row.op: row.cost for row in rows} for name, rows in report.blocks.items()}
    assert found.pop("embedding")["lookup"].act_write == stream
    head = found.pop("head")
    assert [head["norm"].act_read, head["norm"].act_write, head["logits"].act_read] == [stream] * 3
    for kind in model.architecture.structure.sublayers:
        ops = found.pop(kind.name)
        assert (ops["norm"].act_read, ops["norm"].act_write) == (stream, stream)
        assert list(flows[type(kind).__name__](ops)) == []
        assert (ops["residual"].act_read, ops["residual"].act_write) == (2 * stream, stream)
    assert not found


def broken(ops: Mapping[str, Cost], *names: str) -> Iterator[str]:
    """The links of a chain whose ends differ."""
    for first, second in pairwise(names):
        if ops[first].act_write != ops[second].act_read:
            yield f"{first} -> {second}"


def attention_flow(ops: Mapping[str, Cost]) -> Iterator[str]:
    """Queries are as many as outputs; keys and values are two equal halves of the rest, and are appended."""
    q = ops["attend"].act_write
    kv = ops["qkv"].act_write - q
    in_place = {"rope": q + kv // 2, "qk_norm": q + kv // 2, "temperature": q}
    for name, part in in_place.items():
        if name in ops and not ops[name].act_read == ops[name].act_write == part:
            yield name
    if ops["attend"].cache_write != kv:
        yield "qkv -> cache"
    yield from broken(ops, "norm", "qkv", "attend", "out")
    yield from returned(ops, "out")


def returned(ops: Mapping[str, Cost], last: str) -> Iterator[str]:
    """The residual adds what the last operator writes to the stream that the norm read."""
    if ops["residual"].act_read != ops[last].act_write + ops["norm"].act_read:
        yield f"{last} -> residual"


def feed_forward_flow(ops: Mapping[str, Cost]) -> Iterator[str]:
    yield from broken(ops, "norm", "gate_up", "act", "down")
    yield from returned(ops, "down")


def experts_flow(ops: Mapping[str, Cost]) -> Iterator[str]:
    yield from broken(ops, "norm", "router")
    scores = ops["dispatch"].act_read - ops["norm"].act_write  # T k of them, beside T d elements; T k d written
    if scores * ops["norm"].act_write != TOKENS * ops["dispatch"].act_write:
        yield "norm and router -> dispatch"
    yield from broken(ops, "dispatch", "experts.gate_up", "experts.act", "experts.down")
    yield from broken(ops, "norm", "shared.gate_up", "shared.act", "shared.down")
    if ops["combine"].act_read != ops["experts.down"].act_write + ops["shared.down"].act_write:
        yield "experts -> combine"
    yield from returned(ops, "combine")


# Laws of the engine.


def declared() -> set[Any]:
    return {entry.symbol for entry in s.VOCABULARY.values()}


def symbols_of(found: Any) -> set[Any]:
    return set(sympify(found).free_symbols)


def only_declared_symbols_occur(model: Model) -> None:
    for name in rulebook.RULEBOOK:
        assert graph_symbols(model, name) <= declared()
        assert set(modelling.table(model.architecture.structure, rulebook.select(name)).symbols) <= declared()
        assert set(model.definitions(name)) <= declared()
        assert set().union(*map(symbols_of, model.definitions(name).values())) <= declared()


def graph_symbols(model: Model, rule: str) -> set[Any]:
    rows = model.graph(rule).rows()
    return set().union(*(symbols_of(x) for _, count, op in rows for x in (count, *vars(op.cost).values())))


def nothing_is_negative(model: Model) -> None:
    for name in rulebook.RULEBOOK:
        for new, cached in ((1, 0), (1, 7), (6, 3)):
            for path, x in costs(model, new=new, cached=cached, rules=name).items():
                assert all(getattr(x, field) >= 0 for field in FIELDS), (name, path)


def parameters_are_the_weights_kept(model: Model) -> None:
    parameters = model.parameters
    assert sum(parameters.by_role.values()) == parameters.total == model.formula("parameters", bind=True)
    for name in ("standard", "transformers"):
        report = model.report(rules=name, **ELEMENTS)
        assert report.total.weight_held == parameters.total
        assert report.storage.total - report.storage.cache == parameters.total
    table = costs(model, **ELEMENTS)["embedding/lookup"].weight_held
    idle = model.report(**ELEMENTS).storage.experts_untouched
    shared = table if model.architecture.structure.tied else 0
    assert parameters.active == parameters.total - table - idle + shared


QUANTITIES: dict[str, Callable[[Cost], Any]] = {
    "flops": lambda x: x.flops,
    "weight_bytes": lambda x: x.weight_read,
    "cache_bytes": lambda x: x.cache_read + x.cache_write,
    "activation_bytes": lambda x: x.act_read + x.act_write,
    "cache_size": lambda x: x.cache_held,
    "weight_size": lambda x: x.weight_held,
}


def widths(report: Report) -> dict[Any, Expr]:
    return {s.VOCABULARY[name].symbol: sympify(x) for name, x in report.precision.widths().items()}


def the_formula_is_the_report(model: Model) -> None:
    step = {"new": [1, 5, 5], "cached": [7, 2, 0]}
    for names in ("standard", "transformers,exact-dots", rulebook.ANALYZER):
        report = model.report(**step, rules=names, cache="mxfp4", dtype="bf16")
        layer = model.definitions(names)
        batch = workload.batch(report.batch, layer, model.sizes)
        bound = Binding(layer, batch, model.sizes, widths(report))
        for name, of in QUANTITIES.items():
            assert bound(model.formula(name, rules=names)) == sympify(of(report.total)), name


def the_uniform_formula_is_the_report_of_equal_queries(model: Model) -> None:
    """Substituted by sympy alone, with no function compiled."""
    report = model.report(new=3, cached=6, batch_size=5)
    sizes = {x: sympify(y) for x, y in {**model.sizes, s.B: 5, s.n: 3, s.c: 6}.items()}
    for name, of in QUANTITIES.items():
        expr = model.formula(name, uniform=True)
        assert expr.xreplace({**sizes, **widths(report)}) == sympify(of(report.total)), name


BYTES = ("weight_read", "cache_read", "cache_write", "act_read", "act_write", "weight_held", "cache_held")


def halving_every_width_halves_every_byte(model: Model) -> None:
    wide, narrow = costs(model, new=5, cached=3, dtype="fp16"), costs(model, new=5, cached=3, dtype="int8")
    for path, x in wide.items():
        assert x.flops == narrow[path].flops
        assert [getattr(x, field) for field in BYTES] == [2 * getattr(narrow[path], field) for field in BYTES]


def a_width_scales_the_bytes_of_its_role(model: Model) -> None:
    step = {"new": 5, "cached": 3, "dtype": "fp16"}
    before = costs(model, **step)
    streams = {"cache": ("cache_read", "cache_write", "cache_held"), "activations": ("act_read", "act_write")}
    for role, halved in streams.items():
        assert scaled(before, costs(model, **step, **{role: "fp8"})) == {
            (path, field) for path, x in before.items() for field in halved if getattr(x, field)
        }
    routed = {path for path in before if "/experts." in path and not path.endswith(".act")}
    weights = {(path, x) for path in before for x in ("weight_read", "weight_held") if getattr(before[path], x)}
    assert scaled(before, costs(model, **step, experts="fp8")) == {x for x in weights if x[0] in routed}
    assert scaled(before, costs(model, **step, weights="fp8", experts="fp16")) == {
        x for x in weights if x[0] not in routed
    }


def scaled(before: Mapping[str, Cost], after: Mapping[str, Cost]) -> set[tuple[str, str]]:
    """What changed, every bit of it halved."""
    found = changed(before, after)
    assert all(getattr(before[path], field) == 2 * getattr(after[path], field) for path, field in found)
    return found


def changed(before: Mapping[str, Cost], after: Mapping[str, Cost]) -> set[tuple[str, str]]:
    """(path, field) of every figure that differs."""
    assert before.keys() == after.keys()
    pairs = {(path, field) for path in before for field in FIELDS}
    return {(p, x) for p, x in pairs if getattr(before[p], x) != getattr(after[p], x)}


LAWS = (
    work_of_token_wise_operators_is_linear_in_tokens,
    a_prefill_is_the_sum_of_its_decode_steps,
    a_prefill_in_chunks_is_the_whole,
    a_ragged_batch_is_the_sum_of_its_queries,
    weights_are_read_once_a_step,
    a_chunk_forgets_what_lies_before_it,
    a_chunk_that_holds_the_context_is_causal,
    the_cache_grows_by_what_is_written_and_is_read_next,
    grouping_heads_changes_bytes_and_no_flop,
    one_token_meets_each_weight_once,
    the_embedding_is_looked_up,
    tying_the_head_spares_a_table_and_nothing_else,
    a_bias_is_a_weight_for_each_output,
    every_layer_attends_and_feeds_forward_once,
    what_one_operator_writes_the_next_reads,
    only_declared_symbols_occur,
    nothing_is_negative,
    parameters_are_the_weights_kept,
    the_formula_is_the_report,
    the_uniform_formula_is_the_report_of_equal_queries,
    halving_every_width_halves_every_byte,
    a_width_scales_the_bytes_of_its_role,
)


@pytest.mark.parametrize("name", CONFIGS)
@pytest.mark.parametrize("law", LAWS, ids=lambda law: law.__name__)
def test_law(law: Callable[[Model], None], name: str) -> None:
    law(load(name))


@pytest.mark.parametrize("name", CONFIGS)
def test_only_declared_symbols_occur_in_any_formula(name: str) -> None:
    model = load(name)
    for rule in (x for x, entry in rulebook.RULEBOOK.items() if entry.base):
        for quantity in formula.QUANTITIES:
            for uniform in (False, True):
                assert symbols_of(model.formula(quantity, rules=rule, uniform=uniform)) <= declared()


def test_every_declared_symbol_occurs_in_some_formula_or_rule() -> None:
    models = [symroof.load(x) for x in (*catalogue(), *CONFIGS.values())]
    used = set().union(*rules.LAYERS.values(), *(model.sizes for model in models))
    used = used.union(*(symbols_of(x) for layer in rules.LAYERS.values() for x in layer.values()))
    assert used.union(*(graph_symbols(model, "standard") for model in models)) == declared()


# Laws of routed experts.


def experts_read(model: Model, new: int, rule: str = "standard") -> Any:
    """Experts of a layer whose weights a step of so many tokens reads."""
    found = {sympify(x.weight_read) * model.sizes[s.N_e] / x.weight_held for x in
             named(costs(model, new=new, rules=rule), "experts.gate_up", "experts.down")}  # fmt: skip
    assert len(found) == 1
    return found.pop()


def experts_read_grow_from_k_to_all(model: Model) -> None:
    k, N_e = model.sizes[s.k], model.sizes[s.N_e]
    found = [experts_read(model, T) for T in (1, 2, 3, 5, 20, 64)]
    assert found[0] == k
    assert found == sorted(set(found))
    assert found[-1] < N_e
    assert float(experts_read(model, 10**5)) == pytest.approx(N_e)


def rules_on_experts_read_are_in_order(model: Model) -> None:
    for T in (1, 2, 3, 17, 1000):
        fewest, expected, bound, all_ = (
            experts_read(model, T, f"experts-{x}") for x in ("k", "expected", "bound", "all")
        )
        assert fewest == model.sizes[s.k] <= expected <= bound <= all_ == model.sizes[s.N_e]


def a_routed_token_works_k_times_as_much_as_a_shared_one(model: Model) -> None:
    found, k = costs(model, new=5), model.sizes[s.k]
    for op in ("gate_up", "act", "down"):
        for routed, shared in zip(named(found, f"experts.{op}"), named(found, f"shared.{op}"), strict=True):
            assert take({op: routed}, *WORK) == take({op: shared * k}, *WORK)


def one_expert_is_a_shared_one(model: Model) -> None:
    for T in (1, 5, 100):
        found = costs(model.with_sizes(N_e=1, k=1, k_hf=1), new=T)
        for op in ("gate_up", "act", "down"):
            assert named(found, f"experts.{op}") == named(found, f"shared.{op}")


EXPERT_LAWS = (
    experts_read_grow_from_k_to_all,
    rules_on_experts_read_are_in_order,
    a_routed_token_works_k_times_as_much_as_a_shared_one,
    one_expert_is_a_shared_one,
)


@pytest.mark.parametrize("name", ROUTED)
@pytest.mark.parametrize("law", EXPERT_LAWS, ids=lambda law: law.__name__)
def test_law_of_experts(law: Callable[[Model], None], name: str) -> None:
    law(load(name))


@pytest.mark.parametrize("T", [1, 3, 100])
def test_one_expert_is_a_dense_network(T: int) -> None:
    one = {"num_local_experts": 1, "num_experts_per_tok": 1, "intermediate_size": 21, "intermediate_size_mlp": 21}
    routed = costs(symroof.load(LLAMA4 | one | {"moe_layers": [0, 1, 2, 3, 4, 5]}), new=T)
    dense_ = costs(symroof.load(LLAMA4 | one | {"moe_layers": []}), new=T)
    for op in ("gate_up", "act", "down"):
        assert named(routed, f"experts.{op}") == named(dense_, op)


# What each rule says it does.

NEW, CACHED = [5, 2, 1], [3, 0, 6]
STEP = {"new": NEW, "cached": CACHED, **ELEMENTS}
ATTEND = ("matmul", "vector", "cache_read", "cache_held")


def pairs(model: Model, kind: Attention) -> int:
    """Pairs of the step, from the mask drawn out."""
    shown = drawing.visible(kind.mask, model.architecture.sizes.get("w", 1))
    return sum(drawing.drawn(shown, n, c)[0] for n, c in zip(NEW, CACHED, strict=True))


def square() -> int:
    return sum(n * (c + n) for n, c in zip(NEW, CACHED, strict=True))


def one_pair(model: Model, path: str) -> Any:
    """FLOP on the matmul unit of a token that sees itself."""
    return costs(model, new=1, rules="standard")[path].matmul


def within(found: set[tuple[str, str]], ops: Iterable[str], fields: Iterable[str]) -> bool:
    return all(path.endswith(tuple(ops)) and field in fields for path, field in found)


def head_runs(model: Model, positions: int, rule: str) -> None:
    before, after = costs(model, **STEP), costs(model, **STEP, rules=rule)
    one = costs(model, new=1, **ELEMENTS)["head/logits"]
    found = after["head/logits"]
    assert [found.matmul, found.act_read, found.act_write] == [
        positions * x for x in (one.matmul, one.act_read, one.act_write)
    ]
    ops = ["head/logits"] if positions else ["head/logits", "head/norm"]
    assert within(changed(before, after), ops, [x for x in FIELDS if x != "weight_held"])


def says_standard(model: Model) -> None:
    assert costs(model, **STEP, rules="standard") == costs(model, **STEP)
    for kind in kinds(model, Attention):
        path = f"{kind.name}/attend"
        assert costs(model, **STEP)[path].matmul == pairs(model, kind) * one_pair(model, path)
    head_runs(model, len(NEW), "standard")


def says_exact_dots(model: Model) -> None:
    before, after = costs(model, **STEP), costs(model, **STEP, rules="exact-dots")
    dots = {path: x.act_write for path, x in before.items() if x.matmul}
    for kind in kinds(model, Attention):
        dots[f"{kind.name}/attend"] += pairs(model, kind) * model.sizes[s.H_q]
    assert {path: before[path].matmul - after[path].matmul for path in dots} == dots
    assert changed(before, after) == {(path, "matmul") for path in dots}


def says_full_square(model: Model) -> None:
    before, after = costs(model, **STEP), costs(model, **STEP, rules="full-square")
    assert within(changed(before, after), ["attend"], ATTEND)
    attends = {path: x for path, x in after.items() if path.endswith("/attend")}
    assert {x.cache_read for x in attends.values()} == {sum(CACHED) * cache_token(model)}
    assert {x.cache_held for x in attends.values()} == {sum(CACHED + NEW) * cache_token(model)}
    for path, x in attends.items():
        assert x.matmul == square() * one_pair(model, path) > before[path].matmul


def cache_token(model: Model) -> Any:
    """Elements that one token adds to a layer's cache."""
    found = {x.cache_write for x in named(costs(model, new=1, **ELEMENTS), "attend")}
    assert len(found) == 1
    return found.pop()


def says_matmul_only(model: Model) -> None:
    before, after = costs(model, **STEP), costs(model, **STEP, rules="matmul-only")
    assert all(x.vector == 0 for x in after.values())
    assert changed(before, after) == {(path, "vector") for path, x in before.items() if x.vector}


def says_experts(count: Callable[[Model, int], Any], rule: str) -> Callable[[Model], None]:
    def says(model: Model) -> None:
        before, after = costs(model, **STEP), costs(model, **STEP, rules=rule)
        assert within(changed(before, after), ["/experts.gate_up", "/experts.down"], ["weight_read"])
        for T in (1, 2, 7, 1000) if s.N_e in model.sizes else ():
            assert experts_read(model, T, rule) == count(model, T)

    return says


def most_distinct(model: Model, T: int) -> int:
    """Experts that T tokens touch when each takes the next k in turn."""
    return len({choice % model.sizes[s.N_e] for choice in range(T * model.sizes[s.k])})


def says_transformers(model: Model) -> None:
    before, after = costs(model, **STEP), costs(model, **STEP, rules="transformers")
    assert all(x.vector == 0 for x in after.values())
    assert take(before, "weight_held") == take(after, "weight_held")
    assert after["head/logits"].matmul == costs(model, **STEP, logits="all")["head/logits"].matmul
    same = [path for path in before if not path.endswith(("/attend", "/logits")) and "experts" not in path]
    assert {p: before[p].matmul for p in same} == {p: after[p].matmul for p in same}
    for x, y in zip(named(before, "experts.gate_up"), named(after, "experts.gate_up"), strict=True):
        assert y.matmul * model.sizes[s.k] == x.matmul * model.sizes[s.N_e]
        assert y.weight_read == y.weight_held
    for kind in kinds(model, Attention):
        transformers_attention(model, kind, after[f"{kind.name}/attend"])


def transformers_attention(model: Model, kind: Attention, found: Cost) -> None:
    room = model.architecture.sizes["w"] - 1 if kind.mask == "chunked" else 10**9
    cached = [min(c, room) for c in CACHED]
    shown = sum(n * (c + n) for n, c in zip(NEW, cached, strict=True))
    assert found.matmul == shown * one_pair(model, f"{kind.name}/attend")
    assert found.cache_read == sum(cached) * cache_token(model)
    contexts = [min(c + n, room) for n, c in zip(NEW, CACHED, strict=True)]
    assert found.cache_held == sum(contexts) * cache_token(model)


def says_analyzer(model: Model) -> None:
    """Where that tool's departures lie, against our rules that come nearest to it."""
    ours, theirs = (costs(model, **STEP, rules=x) for x in ("exact-dots,full-square,experts-k", rulebook.ANALYZER))
    shared = ours.keys() & theirs.keys()
    for path in shared:
        x, y, op = ours[path], theirs[path], path.partition("/")[2]
        if op in ("residual", "rope"):
            assert x == y
        if op in PROJECTIONS:
            assert x.matmul == y.matmul
            assert x.weight_read - y.weight_read == x.vector / sum(NEW)
        if op == "norm":
            assert replace(x, weight_read=x.weight_read + 1, weight_held=x.weight_held + 1) == y
        if op == "attend":
            assert (x.cache_read, x.cache_held, y.cache_write) == (y.cache_read, y.cache_held, 0)
    analyzer_gates(model)
    analyzer_heads(model)
    assert not any(path.startswith("head/") for path in theirs)


def analyzer_gates(model: Model) -> None:
    one, more = (costs(model, new=n, rules=rulebook.ANALYZER) for n in (1, 8))
    for path, x in more.items():
        if path.endswith("act"):
            assert x.vector - one[path].vector == (7 * model.sizes[s.k] if "/experts." in path else 7)


def analyzer_heads(model: Model) -> None:
    """One head is as ours; of more, it works less the fewer KV heads there are."""
    single, few, many = (model.with_sizes(H_q=q, H_kv=kv) for q, kv in ((1, 1), (12, 1), (12, 12)))
    ours, theirs = (
        named(costs(single, **STEP, rules=x), "attend") for x in ("exact-dots,full-square", rulebook.ANALYZER)
    )
    assert [x.matmul for x in ours] == [x.matmul for x in theirs]
    less, more = (named(costs(x, **STEP, rules=rulebook.ANALYZER), "attend") for x in (few, many))
    assert all(x.matmul < y.matmul for x, y in zip(less, more, strict=True))


SAYS: dict[str, Callable[[Model], None]] = {
    "standard": says_standard,
    "transformers": says_transformers,
    rulebook.ANALYZER: says_analyzer,
    "exact-dots": says_exact_dots,
    "full-square": says_full_square,
    "logits-last": lambda model: head_runs(model, len(NEW), "logits-last"),
    "logits-all": lambda model: head_runs(model, sum(NEW), "logits-all"),
    "logits-none": lambda model: head_runs(model, 0, "logits-none"),
    "experts-expected": says_experts(experts_read, "experts-expected"),
    "experts-bound": says_experts(most_distinct, "experts-bound"),
    "experts-k": says_experts(lambda model, T: model.sizes[s.k], "experts-k"),
    "experts-all": says_experts(lambda model, T: model.sizes[s.N_e], "experts-all"),
    "matmul-only": says_matmul_only,
}


@pytest.mark.parametrize("name", CONFIGS)
@pytest.mark.parametrize("rule", rulebook.RULEBOOK)
def test_a_rule_does_what_it_says(rule: str, name: str) -> None:
    SAYS[rule](load(name))


@pytest.mark.parametrize("name", CONFIGS)
def test_a_head_that_does_not_run_costs_nothing(name: str) -> None:
    found = costs(load(name), logits="none")
    assert [(found[x].flops, found[x].moved) for x in ("head/norm", "head/logits")] == [(0, 0), (0, 0)]
