"""Laws that hold of every model, whatever its sizes: those of configs, and those put together in zoo.py.

A law takes a model and asserts; none knows the formula of an operator.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from itertools import pairwise
from typing import Any

import pytest
import test_llm_viewer
import test_masks as drawing
import zoo
from sympy import Expr, Rational, sympify
from test_truth import TRANSFORMERS

import symroof
from symroof import symbols as s
from symroof.algebra.binding import Binding
from symroof.architecture.kinds.attention import Attention
from symroof.architecture.kinds.experts import Experts
from symroof.architecture.kinds.feed_forward import FeedForward
from symroof.architecture.structure import Sublayer
from symroof.blocks import decoder
from symroof.config.catalogue import model_catalogue
from symroof.cost import batch_sums, quantities, rule_names, rules
from symroof.cost.cost import FIELDS, Cost
from symroof.model import programs
from symroof.model.model import Model
from symroof.model.report import Report
from symroof.performance import fit, serving_steps

LLAMA = {
    "model_type": "llama",
    "hidden_size": 15,
    "intermediate_size": 33,
    "num_hidden_layers": 3,
    "vocab_size": 101,
    "num_attention_heads": 6,
    "num_key_value_heads": 2,
    "torch_dtype": "bfloat16",
}
LLAMA4 = LLAMA | {
    "model_type": "llama4_text",
    "intermediate_size_mlp": 21,
    "num_hidden_layers": 6,
    "attention_chunk_size": 4,
    "head_dim": 7,
    "num_local_experts": 6,
    "num_experts_per_tok": 2,
    "interleave_moe_layer_step": 3,
}
CONFIGS: dict[str, Any] = {
    **{name: name for name in ("llama-3.1-8b", "llama-3.2-1b", "llama-2-7b", "llama-4-scout", "llama-4-maverick")},
    "biased": LLAMA | {"head_dim": 5, "attention_bias": True, "mlp_bias": True, "hidden_act": "gelu"},
    "interleaved": LLAMA4 | {"use_qk_norm": False, "attention_bias": True},
    "listed": LLAMA4
    | {
        "moe_layers": [0, 1, 4, 5],
        "no_rope_layers": [1, 0, 0, 1, 1, 1],
        "tie_word_embeddings": True,
        "num_experts_per_tok": 3,
        "attn_temperature_tuning": False,
    },
}
EVERY = (*CONFIGS, *zoo.MODELS)
ROUTED = ("llama-4-scout", "llama-4-maverick", "interleaved", "listed")
WORK = ("matmul", "vector", "cache_write", "act_read", "act_write")
ELEMENTS = {"dtype": "fp8"}  # a byte an element


def load(name: str) -> Model:
    """The model; with windows that short contexts fill, where it has any."""
    return replace(zoo.MODELS[name]) if name in zoo.MODELS else sized(symroof.load(CONFIGS[name]), w=4)


def sized(model: Model, **sizes: int) -> Model:
    """The model with other sizes, by base symbol: w is every window."""
    own = {name: sizes[s.entry(name).base] for name in model.architecture.sizes if s.entry(name).base in sizes}
    return model.with_sizes(**own) if own else model


def size(model: Model, x: Sublayer, base: str) -> int:
    """A size of a sublayer; 1 where it has none."""
    return model.architecture.sizes.get(x.symbol(base), 1)


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


def kinds(model: Model, kind: type) -> list[Sublayer]:
    return [x for x in model.architecture.structure.sublayers if isinstance(x.kind, kind)]


def rekinded(model: Model, edit: Callable[[Any], Any]) -> Model:
    """The model with its kinds edited."""
    sublayers = model.architecture.structure.sublayers
    return restructured(model, sublayers=tuple(replace(x, kind=edit(x.kind)) for x in sublayers))


def attends(model: Model, *masks: str) -> Iterator[tuple[Sublayer, str]]:
    """The sublayers that attend, under some masks or any, with the paths of their attention."""
    yield from ((x, f"{x.name}/attend") for x in kinds(model, Attention) if x.kind.mask in (masks or (x.kind.mask,)))


def written_by_step(model: Model) -> set[str]:
    """The operators that write a state once a step, not for every token."""
    return {path for path, _, op in model.graph().rows() if s.B in symbols_of(op.cost.cache_write)}


def by_token(model: Model, found: Mapping[str, Cost]) -> dict[str, Cost]:
    """The costs less what is written once a step."""
    whole = written_by_step(model)
    return {path: replace(x, cache_write=0) if path in whole else x for path, x in found.items()}


# Laws of tokens and batches.


def work_of_token_wise_operators_is_linear_in_tokens(model: Model) -> None:
    few, more, all_ = (by_token(model, costs(model, new=n, cached=9, logits="all")) for n in (3, 4, 7))
    elsewhere = by_token(model, costs(model, new=7, cached=0, logits="all"))
    for path, _, op in model.graph().rows():
        if not op.role.endswith("_core"):
            total = take({path: few[path] + more[path]}, *WORK)
            assert total == take({path: all_[path]}, *WORK) == take({path: elsewhere[path]}, *WORK)


def a_prefill_is_the_sum_of_its_decode_steps(model: Model) -> None:
    for logits in ("none", "all"):
        steps = [by_token(model, costs(model, new=1, cached=c, logits=logits)) for c in range(3, 10)]
        whole = by_token(model, costs(model, new=7, cached=3, logits=logits))
        assert take(added(steps), *WORK) == take(whole, *WORK)
        assert take(steps[-1], "cache_held") == take(whole, "cache_held")


def a_prefill_in_chunks_is_the_whole(model: Model) -> None:
    pieces = [(1, 2), (5, 3), (3, 8)]
    chunks = [by_token(model, costs(model, new=n, cached=c, logits="all")) for n, c in pieces]
    assert take(added(chunks), *WORK) == take(by_token(model, costs(model, new=9, cached=2, logits="all")), *WORK)


def a_ragged_batch_is_the_sum_of_its_queries(model: Model) -> None:
    new, cached = [1, 5, 2, 5], [7, 0, 3, 1]
    fields = (*WORK, "cache_read", "cache_held")
    alone = [costs(model, new=n, cached=c) for n, c in zip(new, cached, strict=True)]
    assert take(added(alone), *fields) == take(costs(model, new=new, cached=cached), *fields)


def weights_are_read_once_a_step(model: Model) -> None:
    one, sizes = costs(model, new=1), model.architecture.sizes
    sets = {x.name: sizes[x.distinct] for x in model.architecture.structure.sublayers if x.distinct}
    for row in model.report(new=60).rows:
        if row.role != "routed_experts" and not row.op.startswith("lookup"):
            assert one[row.path].weight_read == row.cost.weight_read
            share = Rational(sets.get(row.block, row.layers), row.layers)
            assert row.cost.weight_held in (row.cost.weight_read * share, 0)


def a_chunk_forgets_what_lies_before_it(model: Model) -> None:
    for x, path in attends(model, "chunked"):
        w = size(model, x, "w")
        steps = [costs(model, new=1, cached=c)[path] for c in range(3 * w)]
        assert steps[:w] != steps[1 : w + 1]
        assert [x.flops for x in steps[: 2 * w]] == [x.flops for x in steps[w:]]
        assert [x.cache_read for x in steps[: 2 * w]] == [x.cache_read for x in steps[w:]]
        assert steps[2 * w].cache_read == 0
        assert steps[w - 1].cache_held == steps[-1].cache_held


def a_window_forgets_one_token_a_step(model: Model) -> None:
    for x, path in attends(model, "sliding"):
        w = size(model, x, "w")
        steps = [costs(model, new=1, cached=c)[path] for c in range(3 * w)]
        assert all(before.flops < after.flops for before, after in pairwise(steps[:w]))
        assert all(x == steps[-1] for x in steps[w - 1 :])


def a_window_that_holds_the_context_is_causal(model: Model) -> None:
    causal = rekinded(model, lambda x: replace(x, mask="causal") if isinstance(x, Attention) else x)
    for step in ({"new": 5, "cached": 59}, {"new": 64}, {"new": [1, 9], "cached": [63, 3]}):
        wide = costs(sized(model, w=64), **step)
        assert {path: wide[path] for _, path in attends(model, "causal", "chunked", "sliding")} == {
            path: costs(causal, **step)[path] for _, path in attends(model, "causal", "chunked", "sliding")
        }


def the_cache_grows_by_what_is_written_and_is_read_next(model: Model) -> None:
    wide = sized(model, w=1000)
    before, step, after = (costs(wide, new=n, cached=c) for n, c in ((5, 0), (4, 5), (1, 9)))
    for x, path in attends(wide):
        kept, written = step[path].cache_held, step[path].cache_write
        if x.kind.keys == "borrowed":
            assert kept == written == 0
            continue
        assert kept - before[path].cache_held == written > 0
        assert after[path].cache_read == kept


def who_borrows_reads_what_the_owner_keeps(model: Model) -> None:
    """Of layers with keys of their own or another's, and all else alike, one reads as much as the other."""
    owned = rekinded(model, lambda x: replace(x, keys="projected") if isinstance(x, Attention) else x)
    theirs, ours = costs(model, new=4, cached=5), costs(owned, new=4, cached=5)
    for _, path in attends(model):
        same = [x for x in FIELDS if x not in ("cache_write", "cache_held")]
        assert take({path: theirs[path]}, *same) == take({path: ours[path]}, *same)


# Laws of sizes.


def grouping_heads_changes_bytes_and_no_flop(model: Model) -> None:
    grouped = {kv: costs(sized(model, H_q=12, H_kv=kv), new=5, cached=3) for kv in (1, 4, 12)}
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
    for row in model.report(new=1, **ELEMENTS).rows:
        x = row.cost
        if row.role == "router" and x.matmul:  # biases of the logits and of the choice
            left = (x.weight_read - Rational(x.matmul, 2)) / x.act_write
            assert left in (0, 1, 2)
        elif x.matmul and x.weight_read and not x.cache_held:
            assert x.weight_read == Rational(x.matmul, 2) + x.vector
        elif row.op in ("norm", "post_norm"):
            assert x.weight_read in (0, x.act_write, 2 * x.act_write)
            assert x.matmul == 0


def the_embedding_is_looked_up(model: Model) -> None:
    found = costs(model, new=7, **ELEMENTS)["embedding/lookup"]
    sizes, frame = model.architecture.sizes, model.architecture.structure.frame
    width, rows = sizes.get("d_emb", sizes["d"]), sizes["V"] + sizes.get("V_x", 0) + frame.spare_row
    assert found.flops == 0
    assert found.weight_read == found.act_write == 7 * width
    assert found.weight_held == rows * width


def tying_the_head_spares_a_table_and_nothing_else(model: Model) -> None:
    frame, sizes = model.architecture.structure.frame, model.architecture.sizes
    loose, tied = (restructured(model, frame=replace(frame, tied=x)) for x in (False, True))
    assert loose.parameters.total - tied.parameters.total == sizes["V"] * sizes.get("d_emb", sizes["d"])
    assert loose.parameters.active == tied.parameters.active
    fields = [x for x in FIELDS if x != "weight_held"]
    assert take(costs(loose, new=3), *fields) == take(costs(tied, new=3), *fields)


BIASES = {
    Attention: {"bias": ("qkv",), "out_bias": ("out",)},
    FeedForward: {"bias": ("gate_up", "up", "down")},
    Experts: {"router_bias": ("router",), "shared_bias": ("shared.gate_up", "shared.down")},
}


def a_bias_is_a_weight_for_each_output(model: Model) -> None:
    def with_biases(there: bool) -> dict[str, Cost]:
        def edit(kind: Any) -> Any:
            return replace(kind, **dict.fromkeys(BIASES.get(type(kind), {}), there))

        return costs(rekinded(model, edit), new=3, **ELEMENTS)

    without, with_ = with_biases(False), with_biases(True)
    biased = {
        f"{x.name}/{op}": x
        for x in model.architecture.structure.sublayers
        for ops in BIASES.get(type(x.kind), {}).values()
        for op in ops
    }
    for path, cost in with_.items():
        outputs = cost.act_write if path in biased else 0
        assert cost.vector - without[path].vector == outputs
        assert 3 * (cost.weight_read - without[path].weight_read) == outputs
        if path not in biased or not biased[path].distinct:
            assert 3 * (cost.weight_held - without[path].weight_held) == outputs


def a_bias_of_experts_is_a_weight_for_each_output_of_each(model: Model) -> None:
    def with_biases(there: bool) -> dict[str, Cost]:
        return costs(rekinded(model, lambda x: replace(x, bias=there) if isinstance(x, Experts) else x), **ELEMENTS)

    without, with_ = with_biases(False), with_biases(True)
    for x in kinds(model, Experts):
        k, N_e = size(model, x, "k"), size(model, x, "N_e")
        for op in ("experts.gate_up" if x.kind.gated else "experts.up", "experts.down"):
            cost, bare = with_[f"{x.name}/{op}"], without[f"{x.name}/{op}"]
            assert cost.vector - bare.vector == cost.weight_read - bare.weight_read == cost.act_write
            assert k * (cost.weight_held - bare.weight_held) == N_e * cost.act_write


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
    found = {name: {row.op: row.cost for row in rows} for name, rows in report.blocks.items()}
    start, head = found.pop("embedding"), found.pop("head")
    assert last_written(start) == stream
    assert [(x.act_read, x.act_write) for op, x in (*start.items(), *head.items()) if op == "norm"] == [
        (stream, stream) for x in (start, head) if "norm" in x
    ]
    assert next(iter(head.values())).act_read == stream
    assert list(broken(start, *start)) == [] or "lookup.positions" in start or "positions" in start
    assert list(broken(head, *(x for x in head if x != "bias"))) == []
    for x in model.architecture.structure.sublayers:
        ops = found.pop(x.name)
        for norm in {"norm", "post_norm"} & ops.keys():
            width = 2 * stream if getattr(x.kind, "doubled", False) else stream
            assert (ops[norm].act_read, ops[norm].act_write) == (width, width)
        ops.setdefault("norm", Cost(act_read=stream, act_write=stream))  # the stream itself
        assert list(FLOWS.get(type(x.kind), lambda *_: ())(ops, size_of(model, x))) == []
        last = last_written({op: cost for op, cost in ops.items() if op not in ("residual", "norm")})
        assert last == stream
        if x.wiring.residual:
            assert (ops["residual"].act_read, ops["residual"].act_write) == (2 * stream, stream)
    assert not found


def last_written(ops: Mapping[str, Cost]) -> Any:
    return [x.act_write for x in ops.values() if x.act_write][-1]


def size_of(model: Model, x: Sublayer) -> Callable[[str], int]:
    return lambda base: size(model, x, base)


def broken(ops: Mapping[str, Cost], *names: str) -> Iterator[str]:
    """The links of a chain whose ends differ."""
    for first, second in pairwise(names):
        if ops[first].act_write != ops[second].act_read:
            yield f"{first} -> {second}"


def attention_flow(ops: Mapping[str, Cost], z: Callable[[str], int]) -> Iterator[str]:
    """What the projection writes is queries, keys, values and gates; what the cache gets is keys and values."""
    q, y = TOKENS * z("H_q") * z("h"), ops["attend"].act_write
    kv = ops["attend"].act_read - q
    k = TOKENS * z("H_kv") * z("h")
    borrowed = ops["attend"].cache_write == 0
    in_place = {
        "qk_norm": q if borrowed else q + k,
        "v_norm": kv - k,
        "temperature": q,
        "inner_norm": y,
        "clip": ops["qkv"].act_write,
    }
    for name, part in in_place.items():
        if name in ops and not ops[name].act_read == ops[name].act_write == part:
            yield name
    if "rope" in ops and not ops["rope"].act_read == ops["rope"].act_write <= in_place["qk_norm"]:
        yield "rope"
    if ops["attend"].cache_write not in (0, kv):
        yield "qkv -> cache"
    gates = ops["gated"].act_read - y if "gated" in ops else 0
    apart = ops["gate"].act_write if "gate" in ops else 0
    if "q" in ops:  # queries through a rank of their own
        yield from broken(ops, "q_norm", "q")
        apart += ops["q"].act_write - ops["q_norm"].act_write
    if ops["qkv"].act_write + apart not in (q + kv + gates, q + k + gates, q + gates):
        yield "qkv -> attend"
    yield from broken(ops, "norm", "qkv")
    yield from broken(ops, "attend", "out")
    if "gated" in ops:
        yield from broken(ops, "gated", "out")


def feed_forward_flow(ops: Mapping[str, Cost], z: Callable[[str], int]) -> Iterator[str]:
    yield from chain_flow(ops, "", "norm")


def chain_flow(ops: Mapping[str, Cost], prefix: str, before: str) -> Iterator[str]:
    """Up, activation, norm where there is one, down."""
    inner = [prefix + x for x in ("gate_up", "up", "act", "inner_norm", "down") if prefix + x in ops]
    yield from broken(ops, before, *inner)


def experts_flow(ops: Mapping[str, Cost], z: Callable[[str], int]) -> Iterator[str]:
    yield from broken(ops, "norm", "router")
    sent = ops["latent.down" if "latent.down" in ops else "norm"].act_write
    scores = ops["dispatch"].act_read - sent  # T k of them, beside T d elements; T k d written
    if scores * sent != TOKENS * ops["dispatch"].act_write:
        yield "norm and router -> dispatch"
    yield from chain_flow(ops, "experts.", "dispatch")
    shared = 0
    if "shared.down" in ops:
        yield from chain_flow(ops, "shared.", "norm")
        shared = ops["shared.down"].act_write
    if "shared.gate" in ops:
        yield from broken(ops, "norm", "shared.gate")
        if ops["shared.gated"].act_read != shared + ops["shared.gate"].act_write:
            yield "shared -> gated"
    if ops["combine"].act_read != ops["experts.down"].act_write + (0 if "shared.add" in ops else shared):
        yield "experts -> combine"


FLOWS: dict[type, Callable[..., Iterator[str]]] = {
    Attention: attention_flow,
    FeedForward: feed_forward_flow,
    Experts: experts_flow,
}


# Laws of the engine.


def symbols_of(found: Any) -> set[Any]:
    return set(sympify(found).free_symbols)


def strangers(model: Model, found: Iterable[Any]) -> set[Any]:
    """Symbols that are neither the vocabulary's nor those of one of the model's kinds."""
    suffixes = {x.suffix for x in model.architecture.structure.sublayers} | {""}
    return {x for x in found if not s.group(x) or s.symbol(str(x)) != x or suffix(x) not in suffixes}


def suffix(x: Any) -> str:
    return str(x).removeprefix(s.entry(str(x)).base).removeprefix("_")


def bases(model: Model) -> list[str]:
    """The sets of rules that can count the model."""
    known = {name for name, rule in rule_names.RULEBOOK.items() if model.family in rule.tool}
    return [x for x, rule in rule_names.RULEBOOK.items() if rule.base and (x in known or not rule.tool)]


def rules_of(model: Model) -> list[str]:
    """The rules that can count the model."""
    return [x for x, rule in rule_names.RULEBOOK.items() if not rule.base or x in bases(model)]


def only_symbols_of_the_vocabulary_occur(model: Model) -> None:
    assert not strangers(model, model.sizes)
    for name in bases(model):
        told = model.definitions(name)
        assert not strangers(model, graph_symbols(model, name))
        found = programs.program(model.architecture.structure, rule_names.select_rules(name))
        assert not strangers(model, map(s.symbol, (*found.sums, *found.steps, *found.known)))
        assert not strangers(model, told)
        assert not strangers(model, set().union(*map(symbols_of, told.values())))


def graph_symbols(model: Model, rule: str) -> set[Any]:
    rows = model.graph(rule).rows()
    return set().union(*(symbols_of(x) for _, count, op in rows for x in (count, *vars(op.cost).values())))


def a_path_is_that_of_one_operator(model: Model) -> None:
    for name in bases(model):
        paths = [path for path, _, _ in model.graph(name).rows()]
        assert len(set(paths)) == len(paths), name


def nothing_is_negative(model: Model) -> None:
    for name in (*bases(model), "full-square", "logits-none"):
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
    tables = {path: x.weight_held for path, x in costs(model, **ELEMENTS).items() if "/lookup" in path}
    idle = model.report(**ELEMENTS).storage.experts_untouched
    sizes = model.architecture.sizes
    shared = sizes["V"] * sizes.get("d_emb", sizes["d"]) if model.architecture.structure.tied else 0
    assert parameters.active == parameters.total - sum(tables.values()) - idle + shared


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
    for names in ("standard", "transformers,exact-dots", *bases(model)[2:]):
        report = model.report(**step, rules=names, cache="mxfp4", dtype="bf16")
        layer = model.definitions(names)
        batch = batch_sums.sum_over_queries(report.batch, layer, model.sizes)
        bound = Binding(layer, batch, model.sizes, widths(report))
        for name, of in QUANTITIES.items():
            assert bound(model.formula(name, rules=names)) == sympify(of(report.total)), name


def the_whole_block_is_the_report(model: Model) -> None:
    report = model.report(new=[1, 5], cached=[7, 2])
    batch = batch_sums.sum_over_queries(report.batch, model.definitions("standard"), model.sizes)
    bound = Binding(model.definitions("standard"), batch, model.sizes, widths(report))
    whole = model.graph().cost
    assert {x: bound(getattr(whole, x)) for x in FIELDS} == {x: sympify(getattr(report.total, x)) for x in FIELDS}


def the_uniform_formula_is_the_report_of_equal_queries(model: Model) -> None:
    """Substituted by sympy alone, with no function compiled."""
    report = model.report(new=3, cached=6, batch_size=5)
    sizes = {x: sympify(y) for x, y in {**model.sizes, s.B: 5, s.n: 3, s.c: 6}.items()}
    for name, of in QUANTITIES.items():
        expr = model.formula(name, uniform=True)
        assert expr.xreplace({**sizes, **widths(report)}) == sympify(of(report.total)), name


BYTES = ("weight_read", "cache_read", "cache_write", "act_read", "act_write", "weight_held", "cache_held")


def halving_every_width_halves_every_byte(model: Model) -> None:
    wide, narrow = (costs(model, new=5, cached=3, dtype=x, states=x) for x in ("fp16", "int8"))
    for path, x in wide.items():
        assert x.flops == narrow[path].flops
        assert [getattr(x, field) for field in BYTES] == [2 * getattr(narrow[path], field) for field in BYTES]


def a_width_scales_the_bytes_of_its_role(model: Model) -> None:
    step = {"new": 5, "cached": 3, "dtype": "fp32"}
    before = costs(model, **step)
    streams = {"cache": ("cache_read", "cache_write", "cache_held"), "activations": ("act_read", "act_write")}
    streams["states"] = streams["cache"]
    widths = {"cache": s.b_c, "activations": s.b_a, "states": s.b_s}
    for role, fields in streams.items():
        kept = {
            (path, field)
            for path, _, op in model.graph().rows()
            for field in fields
            if widths[role] in symbols_of(getattr(op.cost, field))
        }
        found = scaled(before, costs(model, **step, **{role: "fp16"}))
        assert found == {(path, field) for path, field in kept if getattr(before[path], field)}
    projections = ("experts.gate_up", "experts.up", "experts.down")
    routed = {path for path in before if path.partition("/")[2] in projections}
    weights = {(path, x) for path in before for x in ("weight_read", "weight_held") if getattr(before[path], x)}
    biased = {
        (f"{x.name}/{op}", field)
        for x in kinds(model, Experts)
        if x.kind.bias
        for op in projections
        for field in ("weight_read", "weight_held")
    }
    of_experts, others = (
        costs(model, **step, **x) for x in ({"experts": "fp16"}, {"weights": "fp16", "experts": "fp32"})
    )
    assert changed(before, of_experts) == {x for x in weights if x[0] in routed}
    assert changed(before, others) == {x for x in weights if x[0] not in routed} | (biased & weights)
    assert all(is_halved(before, after, x) for after in (of_experts, others) for x in changed(before, after) - biased)


def scaled(before: Mapping[str, Cost], after: Mapping[str, Cost]) -> set[tuple[str, str]]:
    """What changed, every bit of it halved."""
    found = changed(before, after)
    assert all(is_halved(before, after, x) for x in found)
    return found


def is_halved(before: Mapping[str, Cost], after: Mapping[str, Cost], where: tuple[str, str]) -> bool:
    path, field = where
    return bool(getattr(before[path], field) == 2 * getattr(after[path], field))


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
    a_window_forgets_one_token_a_step,
    a_window_that_holds_the_context_is_causal,
    who_borrows_reads_what_the_owner_keeps,
    the_cache_grows_by_what_is_written_and_is_read_next,
    grouping_heads_changes_bytes_and_no_flop,
    one_token_meets_each_weight_once,
    the_embedding_is_looked_up,
    tying_the_head_spares_a_table_and_nothing_else,
    a_bias_is_a_weight_for_each_output,
    a_bias_of_experts_is_a_weight_for_each_output_of_each,
    what_one_operator_writes_the_next_reads,
    only_symbols_of_the_vocabulary_occur,
    a_path_is_that_of_one_operator,
    nothing_is_negative,
    parameters_are_the_weights_kept,
    the_formula_is_the_report,
    the_whole_block_is_the_report,
    the_uniform_formula_is_the_report_of_equal_queries,
    halving_every_width_halves_every_byte,
    a_width_scales_the_bytes_of_its_role,
)


@pytest.mark.parametrize("name", EVERY)
@pytest.mark.parametrize("law", LAWS, ids=lambda law: law.__name__)
def test_law(law: Callable[[Model], None], name: str) -> None:
    law(load(name))


@pytest.mark.parametrize("name", zoo.MODELS)
def test_the_second_token_sees_the_full_square(name: str) -> None:
    step = {"new": 1, "cached": 1}  # within every window and chunk
    model = zoo.MODELS[name]
    assert take(costs(model, **step, rules="full-square"), "matmul") == take(costs(model, **step), "matmul")


@pytest.mark.parametrize("kind", [x for x in zoo.KINDS if {*x.weights} & {"attention", "recurrence"}])
def test_outputs_of_attention_have_a_width_of_their_own(kind: type) -> None:
    outputs_of_attention_have_a_width_of_their_own(kind)


def outputs_of_attention_have_a_width_of_their_own(kind: type) -> None:
    """Of attention alone: experts and recurrences have others, of all their projections."""
    for op in decoder.kind_operators(kind()):
        own = op.role == "attention" and op.name.startswith("out")
        assert symbols_of(op.cost.weight_held) & {s.b_w, s.b_o} <= {s.b_o if own else s.b_w}, op.name
        assert own <= (s.b_o in symbols_of(op.cost.weight_held)), op.name


@pytest.mark.parametrize("name", CONFIGS)
def test_every_layer_attends_and_feeds_forward_once(name: str) -> None:
    every_layer_attends_and_feeds_forward_once(load(name))


@pytest.mark.parametrize("name", EVERY)
def test_only_symbols_of_the_vocabulary_occur_in_any_formula(name: str) -> None:
    model = load(name)
    for rule in bases(model):
        for quantity in quantities.QUANTITIES:
            for uniform in (False, True):
                assert not strangers(model, symbols_of(model.formula(quantity, rules=rule, uniform=uniform)))


def test_every_declared_symbol_occurs_in_some_model() -> None:
    configs = [*model_catalogue(), *CONFIGS.values(), *(x["config"] for x in TRANSFORMERS)]
    configs += [x["config"] | {"ple_layer_ids": [1]} for x in TRANSFORMERS if "ple_layer_ids" in x["config"]]
    models = [*map(symroof.load, configs), *zoo.MODELS.values(), symroof.load("deepseek-v3", mtp=True)]
    structures = {x.architecture.structure: x for x in models}.values()
    used = set().union(*(x.sizes for x in models), *(graph_symbols(x, "standard") for x in structures))
    beyond = [models[0].formula("time"), models[0].formula("energy"), serving_steps.TOKENS_PER_ROUND, fit.MACHINES]
    used |= {x for x in set().union(*map(symbols_of, beyond)) if s.group(x)}
    while more := {y for x in used for y in defined_by(x)} - used:
        used |= more
    bases = {s.entry(str(x)).base for x in used}
    # of training: tests/test_conventions.py, tests/test_training_memory.py; of several
    # devices: tests/test_parallelism.py
    elsewhere = {name for name, x in s.VOCABULARY.items() if x.group in ("training", "memory", "parallel")}
    assert set(s.VOCABULARY) - bases - elsewhere == set()


def defined_by(x: Any) -> set[Any]:
    """The symbols that a symbol of the vocabulary is defined in, under some rules."""
    base = s.symbol(s.entry(str(x)).base)
    return set().union(*(symbols_of(layer[base]) for layer in rules.LAYERS.values() if base in layer))


# Laws of routed experts.


def experts_read(model: Model, x: Sublayer, new: int, rule: str = "standard") -> Any:
    """Experts of a layer whose weights a step of so many tokens reads."""
    found = costs(model, new=new, rules=rule)
    read = {
        sympify(found[path].weight_read) * size(model, x, "N_e") / found[path].weight_held
        for path in (f"{x.name}/experts.gate_up", f"{x.name}/experts.up", f"{x.name}/experts.down")
        if path in found
    }
    assert len(read) == 1
    return read.pop()


def experts_read_grow_from_k_to_all(model: Model) -> None:
    for x in kinds(model, Experts):
        found = [experts_read(model, x, T) for T in (1, 2, 3, 5, 20, 64)]
        assert found[0] == size(model, x, "k")
        assert found == sorted(set(found))
        assert found[-1] < size(model, x, "N_e")
        assert float(experts_read(model, x, 10**5)) == pytest.approx(size(model, x, "N_e"))


def rules_on_experts_read_are_in_order(model: Model) -> None:
    for x in kinds(model, Experts):
        for T in (1, 2, 3, 17, 1000):
            fewest, expected, bound, all_ = (
                experts_read(model, x, T, f"experts-{rule}") for rule in ("k", "expected", "bound", "all")
            )
            assert fewest == size(model, x, "k") <= expected <= bound <= all_ == size(model, x, "N_e")


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
    a_routed_token_works_k_times_as_much_as_a_shared_one,
    one_expert_is_a_shared_one,
)


@pytest.mark.parametrize("name", ROUTED)
@pytest.mark.parametrize("law", EXPERT_LAWS, ids=lambda law: law.__name__)
def test_law_of_experts(law: Callable[[Model], None], name: str) -> None:
    law(load(name))


@pytest.mark.parametrize("name", [*ROUTED, "routed"])
@pytest.mark.parametrize("law", [experts_read_grow_from_k_to_all, rules_on_experts_read_are_in_order])
def test_law_of_experts_read(law: Callable[[Model], None], name: str) -> None:
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


def pairs(model: Model, x: Sublayer) -> int:
    """Pairs of the step, from the mask drawn out."""
    shown = drawing.visible(x.kind.mask, size(model, x, "w"))
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
    by_token = ("head/norm", "head/project")
    by_row = [path for path in before if path.startswith("head/") and (not positions or path not in by_token)]
    assert within(changed(before, after), by_row, [x for x in FIELDS if x != "weight_held"])


def says_standard(model: Model) -> None:
    assert costs(model, **STEP, rules="standard") == costs(model, **STEP)
    for x, path in attends(model):
        assert costs(model, **STEP)[path].matmul == pairs(model, x) * one_pair(model, path)
    head_runs(model, len(NEW), "standard")


def says_exact_dots(model: Model) -> None:
    before, after = costs(model, **STEP), costs(model, **STEP, rules="exact-dots")
    spared = {path: before[path].matmul - after[path].matmul for path, x in before.items() if x.matmul}
    assert changed(before, after) == {(path, "matmul") for path in spared}
    dots = {path: x.act_write for path, x in before.items() if x.matmul and not path.endswith("/scan")}
    for x, path in attends(model):
        dots[path] += pairs(model, x) * size(model, x, "H_q")
    assert {path: spared[path] for path in dots} == dots
    assert min(spared.values()) > 0


def says_full_square(model: Model) -> None:
    before, after = costs(model, **STEP), costs(model, **STEP, rules="full-square")
    assert within(changed(before, after), ["attend"], ATTEND)
    for x, path in attends(model):
        kept = 0 if x.kind.keys == "borrowed" else sum(CACHED + NEW)
        assert after[path].cache_read == sum(CACHED) * cache_token(model, path)
        assert after[path].cache_held == kept * cache_token(model, path)
        assert after[path].matmul == square() * one_pair(model, path) > before[path].matmul


def cache_token(model: Model, path: str) -> Any:
    """Elements of one token in a layer's cache."""
    return costs(sized(model, w=100), new=1, cached=1, **ELEMENTS)[path].cache_read


def says_matmul_only(model: Model) -> None:
    before, after = costs(model, **STEP), costs(model, **STEP, rules="matmul-only")
    assert all(x.vector == 0 for x in after.values())
    assert changed(before, after) == {(path, "vector") for path, x in before.items() if x.vector}


def says_fused(model: Model) -> None:
    """What neither multiplies, looks up nor attends to a cache moves weights alone; it computes what it did."""
    before, after = costs(model, **STEP), costs(model, **STEP, rules="fused")
    fused = {
        path: x for path, x in before.items() if not (x.matmul or x.cache_read or x.cache_write or "/lookup" in path)
    }
    assert any(x.vector for x in fused.values())
    assert changed(before, after) == {
        (path, field) for path, x in fused.items() for field in ("act_read", "act_write") if getattr(x, field)
    }
    assert all(after[path].moved == after[path].weight_read for path in fused)


def says_experts(count: Callable[[Model, Sublayer, int], Any], rule: str) -> Callable[[Model], None]:
    def says(model: Model) -> None:
        before, after = costs(model, **STEP), costs(model, **STEP, rules=rule)
        assert within(changed(before, after), ["/experts.gate_up", "/experts.up", "/experts.down"], ["weight_read"])
        for x in kinds(model, Experts):
            for T in (1, 2, 7, 1000):
                assert experts_read(model, x, T, rule) == count(model, x, T)

    return says


def most_distinct(model: Model, x: Sublayer, T: int) -> int:
    """Experts that T tokens touch when each takes the next k in turn."""
    return len({choice % size(model, x, "N_e") for choice in range(T * size(model, x, "k"))})


def says_latent(rule: str) -> Callable[[Model], None]:
    def says(model: Model) -> None:
        found = changed(costs(model, **STEP), costs(model, **STEP, rules=rule))
        sums = {str(x) for x in rules.LATENT}
        latent = {
            path
            for path, _, op in model.graph().rows()
            for x in vars(op.cost).values()
            if {s.entry(str(y)).base for y in symbols_of(x)} & sums
        }
        assert {path for path, _ in found} <= latent

    return says


def says_transformers(model: Model) -> None:
    before, after = costs(model, **STEP), costs(model, **STEP, rules="transformers")
    assert all(x.vector == 0 for x in after.values())
    assert take(before, "weight_held") == take(after, "weight_held")
    assert after["head/logits"].matmul == costs(model, **STEP, logits="all")["head/logits"].matmul
    known = {x.name for x in model.architecture.structure.sublayers if type(x.kind) in FLOWS}
    same = [
        path
        for path in before
        if path.partition("/")[0] in known and not path.endswith("/attend") and "experts" not in path
    ]
    assert {p: before[p].matmul for p in same} == {p: after[p].matmul for p in same}
    for x in kinds(model, Experts):
        one, other = before[f"{x.name}/experts.down"], after[f"{x.name}/experts.down"]
        run, N_e = size(model, x, "k_hf"), size(model, x, "N_e")
        assert other.matmul * size(model, x, "k") == one.matmul * run
        assert (other.weight_read == other.weight_held) == (run == N_e)
    for x, path in attends(model):
        transformers_attention(model, x, path, after[path])


def transformers_attention(model: Model, x: Sublayer, path: str, found: Cost) -> None:
    room = size(model, x, "w") - 1 if x.kind.mask in drawing.WINDOWED else 10**9
    cached = [min(c, room) for c in CACHED]
    token = cache_token(model, path)
    token *= size(model, x, "H_q") // size(model, x, "H_kv") if x.kind.repeated else 1
    shown = sum(n * (c + n) for n, c in zip(NEW, cached, strict=True))
    assert found.matmul == shown * one_pair(model, path)
    assert found.cache_read == sum(cached) * token
    contexts = [min(c + n, room) for n, c in zip(NEW, CACHED, strict=True)]
    kept = 0 if x.kind.keys == "borrowed" else sum(contexts)
    assert found.cache_held == kept * token


def says_analyzer(model: Model) -> None:
    """Where that tool's departures lie, against our rules that come nearest to it."""
    ours, theirs = (costs(model, **STEP, rules=x) for x in ("exact-dots,full-square,experts-k", rule_names.ANALYZER))
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
    one, more = (costs(model, new=n, rules=rule_names.ANALYZER) for n in (1, 8))
    for path, x in more.items():
        if path.endswith("act"):
            assert x.vector - one[path].vector == (7 * model.sizes[s.k] if "/experts." in path else 7)


def analyzer_heads(model: Model) -> None:
    """One head is as ours; of more, it works less the fewer KV heads there are."""
    single, few, many = (model.with_sizes(H_q=q, H_kv=kv) for q, kv in ((1, 1), (12, 1), (12, 12)))
    ours, theirs = (
        named(costs(single, **STEP, rules=x), "attend") for x in ("exact-dots,full-square", rule_names.ANALYZER)
    )
    assert [x.matmul for x in ours] == [x.matmul for x in theirs]
    less, more = (named(costs(x, **STEP, rules=rule_names.ANALYZER), "attend") for x in (few, many))
    assert all(x.matmul < y.matmul for x, y in zip(less, more, strict=True))


SAYS: dict[str, Callable[[Model], None]] = {
    "standard": says_standard,
    "transformers": says_transformers,
    rule_names.ANALYZER: says_analyzer,
    rule_names.LLM_VIEWER: test_llm_viewer.laws,
    "exact-dots": says_exact_dots,
    "full-square": says_full_square,
    "latent-absorbed": says_latent("latent-absorbed"),
    "latent-expanded": says_latent("latent-expanded"),
    "logits-last": lambda model: head_runs(model, len(NEW), "logits-last"),
    "logits-all": lambda model: head_runs(model, sum(NEW), "logits-all"),
    "logits-none": lambda model: head_runs(model, 0, "logits-none"),
    "experts-expected": says_experts(experts_read, "experts-expected"),
    "experts-bound": says_experts(most_distinct, "experts-bound"),
    "experts-k": says_experts(lambda model, x, T: size(model, x, "k"), "experts-k"),
    "experts-all": says_experts(lambda model, x, T: size(model, x, "N_e"), "experts-all"),
    "matmul-only": says_matmul_only,
    "fused": says_fused,
}


@pytest.mark.parametrize("name", EVERY)
@pytest.mark.parametrize("rule", rule_names.RULEBOOK)
def test_a_rule_does_what_it_says(rule: str, name: str) -> None:
    if rule in rules_of(model := load(name)):
        SAYS[rule](model)


@pytest.mark.parametrize("name", EVERY)
def test_a_head_that_does_not_run_costs_nothing(name: str) -> None:
    found = {path: x for path, x in costs(load(name), logits="none").items() if path.startswith("head/")}
    assert {(x.flops, x.moved) for x in found.values()} == {(0, 0)}
