"""Deliberate mistakes, each rejected by a law of test_laws or an oracle of test_operators or test_decoders.

These are mistakes of meaning, each made in the running program and put to the one check that must notice. Slips of the
pen, at any place of any formula, are in mutants.py: bench/mutate.py puts samples of them to all checks.
"""

import ast
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import mutants
import pytest
import test_assembly as assembled
import test_decoders as decoders
import test_laws as laws
import test_operators as oracle
import zoo
from sympy import Expr, Min, Symbol, sympify

import symroof
from symroof import symbols as s
from symroof.architecture import assembly
from symroof.architecture.kinds.attention import Attention
from symroof.architecture.kinds.feed_forward import FeedForward
from symroof.blocks import decoder, feed_forward
from symroof.blocks.attention import grouped as attention_block
from symroof.cost import flops, masks, rules
from symroof.cost.cost import FIELDS, Cost
from symroof.cost.graph import Block, Op
from symroof.model import formulas, programs
from symroof.model.model import Model
from symroof.ops import dense, experts
from symroof.ops.attention import grouped
from symroof.ops.recurrent import convolution_and_state

Patch = pytest.MonkeyPatch
EQUIVALENT = Path(__file__).parent / "bench" / "equivalent_mutants.json"


@dataclass(frozen=True)
class Mutation:
    """A mistake, how to make it, and what must notice."""

    name: str
    make: Callable[[Patch], None]
    check: Callable[[], None]


BLOCKS = (decoder, attention_block, feed_forward)


def everywhere(function: Any, mutant: Any) -> Callable[[Patch], None]:
    """Put a mutant in the place of a function wherever it is known."""

    def make(patch: Patch) -> None:
        for module in (flops, dense, grouped, experts, convolution_and_state, *BLOCKS):
            for name in [name for name, x in vars(module).items() if x is function]:
                patch.setattr(module, name, mutant)

    return make


def returning(function: Any, edit: Callable[..., Cost]) -> Callable[[Patch], None]:
    """Edit the cost that a function returns: edit(cost, *its arguments)."""
    return everywhere(function, lambda *args, **options: edit(function(*args, **options), *args))


def op(name: str, edit: Callable[[Cost], Cost]) -> Callable[[Patch], None]:
    """Edit the cost of the operators of that name."""

    def mutant(found: str, role: str, x: Cost, **more: Any) -> Op:
        return Op(found, role, edit(x) if found == name else x, **more)

    def make(patch: Patch) -> None:
        for module in BLOCKS:
            patch.setattr(module, "Op", mutant)

    return make


def swapped(before: Expr, after: Expr) -> Callable[[Cost], Cost]:
    """Every field with one symbol in another's place."""
    return lambda x: Cost(*(sympify(getattr(x, field)).xreplace({before: after}) for field in FIELDS))


def item(table: Any, key: Any, value: Any) -> Callable[[Patch], None]:
    return lambda patch: patch.setitem(table, key, value)


def without_residual(patch: Patch) -> None:
    whole = decoder.sublayer_block

    def mutant(*args: Any) -> Block:
        block = whole(*args)
        return replace(block, children=block.children[:-1])

    patch.setattr(decoder, "sublayer_block", mutant)


def layers_of_all(patch: Patch) -> None:
    whole = decoder.sublayer_block
    patch.setattr(decoder, "sublayer_block", lambda *args: replace(whole(*args), count=s.L))


def flags(kind: type, **mistaken: Any) -> Callable[[Patch], None]:
    """Build kinds as if these flags were so."""
    build = decoder.kind_operators
    mistake = lambda x: build(replace(x, **mistaken) if type(x) is kind else x)  # noqa: E731
    return lambda patch: patch.setattr(decoder, "kind_operators", mistake)


def of_the_zoo(name: str) -> Callable[[], None]:
    return lambda: decoders.check_decoder(zoo.MODELS[name], 4, 5)


def law(function: Callable[[Model], None], name: str) -> Callable[[], None]:
    return lambda: function(laws.load(name))


def values_of_kv_heads(x: Cost, tokens: Expr, mask: Any, H_q: Expr, H_kv: Expr, h: Expr, h_v: Expr, *_: Any) -> Cost:
    return replace(x, matmul=flops.dots(mask.pairs * H_q * h, 0) + flops.dots(mask.pairs * H_kv * h_v, 0))


def convolution() -> None:
    """What a convolution keeps is what it reads, as much as a run reads."""
    oracle.check_convolve([(3, 0), (1, 4)], channels=3, k=4, bias=False)


def one_symbol(symbols: Callable[..., dict[str, Any]]) -> Callable[..., dict[str, Any]]:
    """A kind's sizes never have symbols of their own."""

    def mutant(kinds: Any, values: dict[str, Any]) -> dict[str, Any]:
        own = symbols(kinds, values)
        for x in kinds:
            for base, value in x.place.part.sizes:
                values.setdefault(base, value)
        return dict.fromkeys(own, ())

    return mutant


ATTENTION = [(4, 3), (1, 6)]
MUTATIONS = (
    Mutation(
        "the gate adds the rows where it multiplies by them",
        returning(dense.activate, lambda x, rows, *_: replace(x, vector=rows + x.vector / rows)),
        law(laws.work_of_token_wise_operators_is_linear_in_tokens, "biased"),
    ),
    Mutation(
        "the gate's mistake, at the operator",
        returning(dense.activate, lambda x, rows, *_: replace(x, vector=rows + x.vector / rows)),
        lambda: oracle.check_activate(5, 7, "silu"),
    ),
    Mutation(
        "gelu costs as little as silu",
        item(dense.ACTIVATIONS, "gelu", dense.ACTIVATIONS["silu"]),
        lambda: oracle.check_activate(2, 7, "gelu"),
    ),
    Mutation(
        "values are summed for KV heads only",
        returning(grouped.grouped_attention, values_of_kv_heads),
        law(laws.grouping_heads_changes_bytes_and_no_flop, "llama-3.1-8b"),
    ),
    Mutation(
        "values are summed for KV heads only, in a whole decoder",
        returning(grouped.grouped_attention, values_of_kv_heads),
        lambda: decoders.check_decoder(symroof.load(laws.LLAMA | {"head_dim": 4}), 4, 5),
    ),
    Mutation(
        "keys and values are read once a query head",
        op("attend", lambda x: replace(x, cache_read=x.cache_read * s.H_q / s.H_kv)),
        law(laws.grouping_heads_changes_bytes_and_no_flop, "llama-3.1-8b"),
    ),
    Mutation(
        "softmax runs for KV heads only",
        op("attend", lambda x: replace(x, vector=x.vector * s.H_kv / s.H_q)),
        law(laws.grouping_heads_changes_bytes_and_no_flop, "interleaved"),
    ),
    Mutation(
        "k experts are read whatever the batch",
        item(rules.STANDARD, s.N_x, s.k),
        law(laws.experts_read_grow_from_k_to_all, "interleaved"),
    ),
    Mutation(
        "all experts are read whatever the batch",
        item(rules.STANDARD, s.N_x, s.N_e),
        law(laws.experts_read_grow_from_k_to_all, "llama-4-scout"),
    ),
    Mutation(
        "an expert runs once however many are chosen",
        op("experts.down", swapped(s.k_run, sympify(1))),
        law(laws.a_routed_token_works_k_times_as_much_as_a_shared_one, "interleaved"),
    ),
    Mutation(
        "the gate of routed experts runs once a token",
        op("experts.act", swapped(s.k_run, sympify(1))),
        law(laws.what_one_operator_writes_the_next_reads, "listed"),
    ),
    Mutation(
        "new keys and values are not appended to the cache",
        op("attend", lambda x: replace(x, cache_write=0)),
        law(laws.the_cache_grows_by_what_is_written_and_is_read_next, "llama-2-7b"),
    ),
    Mutation(
        "a multiply-add is one FLOP",
        everywhere(flops.dots, lambda products, outputs: products - s.sigma * outputs),
        law(laws.one_token_meets_each_weight_once, "llama-3.1-8b"),
    ),
    Mutation(
        "a multiply-add is one FLOP, at the operator",
        everywhere(flops.dots, lambda products, outputs: products - s.sigma * outputs),
        lambda: oracle.check_linear(2, 5, 7, bias=False),
    ),
    Mutation(
        "an exact dot product is spared an addition too many",
        everywhere(flops.dots, lambda products, outputs: 2 * products - 2 * s.sigma * outputs),
        law(laws.says_exact_dots, "biased"),
    ),
    Mutation(
        "the embedding is multiplied",
        op("lookup", lambda x: replace(x, matmul=2 * s.T * s.d * s.V)),
        law(laws.the_embedding_is_looked_up, "llama-3.2-1b"),
    ),
    Mutation(
        "the embedding table is read whole",
        op("lookup", lambda x: replace(x, weight_read=x.weight_held)),
        lambda: decoders.check_decoder(symroof.load(laws.LLAMA | {"head_dim": 4}), 2, 0),
    ),
    Mutation(
        "a norm has a weight more",
        op("norm", lambda x: replace(x, weight_read=x.weight_read + s.b_n, weight_held=x.weight_held + s.b_n)),
        law(laws.one_token_meets_each_weight_once, "biased"),
    ),
    Mutation(
        "the chunk is ignored",
        item(masks.MASKS, "chunked", masks.CAUSAL),
        law(laws.a_chunk_forgets_what_lies_before_it, "llama-4-maverick"),
    ),
    Mutation(
        "a chunk slides",
        item(rules.STANDARD, s.C_chunk, Min(s.c, s.w)),
        law(laws.a_chunk_forgets_what_lies_before_it, "interleaved"),
    ),
    Mutation(
        "a token does not see itself",
        item(rules.STANDARD, s.P, s.n * s.c + s.n * (s.n - 1) / 2),
        lambda: oracle.check_attend(ATTENTION, 4, 2, 3),
    ),
    Mutation(
        "masked pairs are computed",
        item(rules.STANDARD, s.P, masks.rectangle(s.c)),
        law(laws.a_prefill_is_the_sum_of_its_decode_steps, "llama-3.1-8b"),
    ),
    Mutation(
        "a tied table is kept twice",
        everywhere(dense.run_times, lambda x, times, tied=False: x),
        law(laws.tying_the_head_spares_a_table_and_nothing_else, "llama-3.2-1b"),
    ),
    Mutation(
        "there is no residual", without_residual, law(laws.every_layer_attends_and_feeds_forward_once, "llama-3.1-8b")
    ),
    Mutation(
        "a residual reads one of its two terms",
        op("residual", lambda x: replace(x, act_read=x.act_write)),
        law(laws.what_one_operator_writes_the_next_reads, "llama-3.1-8b"),
    ),
    Mutation(
        "biases are left out",
        everywhere(
            dense.linear,
            lambda rows, d_in, d_out, width=s.b_w, bias=False, linear=dense.linear: linear(rows, d_in, d_out, width),
        ),
        law(laws.a_bias_is_a_weight_for_each_output, "biased"),
    ),
    Mutation(
        "values are rotated too",
        op("rope", lambda x: x * ((s.H_q + 2 * s.H_kv) / (s.H_q + s.H_kv))),
        law(laws.what_one_operator_writes_the_next_reads, "llama-3.1-8b"),
    ),
    Mutation(
        "the shared expert is not added",
        returning(experts.combine, lambda x, *_: replace(x, act_read=x.act_read - s.T * s.d * s.b_a)),
        law(laws.what_one_operator_writes_the_next_reads, "llama-4-scout"),
    ),
    Mutation(
        "the head runs on every position", op("logits", swapped(s.R, s.T)), law(laws.says_standard, "llama-3.1-8b")
    ),
    Mutation(
        "experts are kept in the format of other weights",
        op("experts.down", swapped(s.b_e, s.b_w)),
        law(laws.a_width_scales_the_bytes_of_its_role, "llama-4-scout"),
    ),
    Mutation(
        "outputs of attention are kept in the format of its other projections",
        op("out", swapped(s.b_o, s.b_w)),
        lambda: laws.outputs_of_attention_have_a_width_of_their_own(Attention),
    ),
    Mutation(
        "the cache is kept in the format of activations",
        op("attend", swapped(s.b_c, s.b_a)),
        law(laws.a_width_scales_the_bytes_of_its_role, "llama-3.1-8b"),
    ),
    Mutation(
        "weights are read for every token",
        op("qkv", lambda x: replace(x, weight_read=x.weight_read * s.T)),
        law(laws.weights_are_read_once_a_step, "llama-3.1-8b"),
    ),
    Mutation(
        "every kind runs in every layer",
        layers_of_all,
        law(laws.every_layer_attends_and_feeds_forward_once, "llama-4-maverick"),
    ),
    Mutation(
        "a symbol of a declared name that is not the declared one",
        op("qkv", lambda x: replace(x, vector=x.vector + Symbol("T"))),
        law(laws.only_symbols_of_the_vocabulary_occur, "llama-3.1-8b"),
    ),
    Mutation(
        "a symbol with the name of a kind that there is not",
        op("qkv", swapped(s.h, s.symbol("h_other"))),
        law(laws.only_symbols_of_the_vocabulary_occur, "sandwiches"),
    ),
    Mutation(
        "a window shows one token more",
        item(rules.STANDARD, s.P_swa, masks.SLIDING.step()[s.P_swa].xreplace({s.w: s.w + 1})),
        lambda: oracle.check_attend(ATTENTION, 4, 2, 3, w=3, mask="sliding"),
    ),
    Mutation(
        "a window is read whole, with the token that has left it",
        item(rules.STANDARD, s.C_swa, Min(s.c, s.w)),
        lambda: oracle.check_attend(ATTENTION, 4, 2, 3, w=3, mask="sliding"),
    ),
    Mutation(
        "all windows are the first",
        lambda patch: patch.setattr(rules, "kind_symbols", lambda x: {}),
        of_the_zoo("windows"),
    ),
    Mutation(
        "a layer norm has no shift",
        item(dense.NORMS, "layer", dense.NORMS["layer_unbiased"]),
        lambda: oracle.check_norm(3, 7, "layer"),
    ),
    Mutation(
        "a mean is not subtracted",
        item(dense.NORMS, "layer_plain", dense.NORMS["rms_plain"]),
        lambda: oracle.check_norm(3, 7, "layer_plain"),
    ),
    Mutation(
        "heads that have norms of their own share one", flags(Attention, qk_over="head"), of_the_zoo("gated_heads")
    ),
    Mutation("values are as large as keys", flags(Attention, values=False), of_the_zoo("gated_heads")),
    Mutation(
        "gates of elements are not projected",
        op("qkv", lambda x: replace(x, act_write=x.act_write - s.T * s.H_q * s.h_v * s.b_a)),
        law(laws.what_one_operator_writes_the_next_reads, "gated_heads"),
    ),
    Mutation(
        "keys that serve as values are projected twice", flags(Attention, keys="projected"), of_the_zoo("sandwiches")
    ),
    Mutation(
        "who borrows keys keeps a copy",
        returning(grouped.grouped_attention, lambda x, *_: replace(x, cache_held=x.cache_read)),
        law(laws.the_cache_grows_by_what_is_written_and_is_read_next, "borrowers"),
    ),
    Mutation("the whole head is rotated", flags(Attention, rotary="full"), of_the_zoo("gated_heads")),
    Mutation(
        "a sink has no weight",
        returning(grouped.attention_sink, lambda x, *_: Cost(vector=x.vector)),
        of_the_zoo("gated_heads"),
    ),
    Mutation("a plain network is gated", flags(FeedForward, gated=True), of_the_zoo("layer_norms")),
    Mutation(
        "biases of all experts are read",
        returning(
            experts.expert_linear,
            lambda x, tokens, d_in, d_out, bias=False: replace(
                x, weight_read=x.weight_read + (s.N_e - s.N_x) * d_out * s.b_n if bias else x.weight_read
            ),
        ),
        law(laws.a_bias_of_experts_is_a_weight_for_each_output_of_each, "routed"),
    ),
    Mutation(
        "a corrected router squashes only what it has chosen",
        returning(experts.route, lambda x, *_: replace(x, vector=x.vector - 4 * s.phi * s.T * (s.N_e - s.k))),
        of_the_zoo("routed"),
    ),
    Mutation(
        "positions are looked up and not added",
        op("lookup.positions", lambda x: replace(x, vector=0)),
        of_the_zoo("layer_norms"),
    ),
    Mutation("a convolution keeps all its columns", item(rules.STANDARD, s.u_c, s.k_c), convolution),
    Mutation(
        "states are read where there are none yet",
        item(rules.STANDARD, s.B_old, s.B),
        lambda: oracle.check_state([(3, 0), (1, 4)], 7),
    ),
    Mutation(
        "layers that share weights keep a set each",
        lambda patch: patch.setattr(decoder, "_in_kind_symbols", lambda x, *_: x),
        assembled.test_shared_weights_are_kept_once_a_set_and_read_once_a_layer,
    ),
    Mutation(
        "sizes that differ share a symbol",
        lambda patch: patch.setattr(assembly, "assign_symbols", one_symbol(assembly.assign_symbols)),
        assembled.test_sizes_that_differ_have_symbols_of_their_own,
    ),
)


@pytest.fixture
def patch() -> Iterator[Patch]:
    """Patches that are undone, with no formula of theirs left in a cache."""
    with pytest.MonkeyPatch.context() as context:
        context.setenv("SYMROOF_CACHE", "0")
        yield context
    forget()


def forget() -> None:
    caches = (
        formulas.graph_of,
        programs.program,
        rules.rule_layer,
        rules.kind_symbols,
        rules._rename_symbols,
        rules._dependent_symbols,
    )
    for function in caches:
        function.cache_clear()


def test_a_slip_is_one_other_node_of_a_module() -> None:
    found = mutants.places(mutants.ROOT / "symroof" / "cost" / "masks.py")
    [place] = [x for x in found if x.scope == "triangle" and isinstance(x.slot.node, ast.Constant)][:1]
    slip, whole = mutants.Mutant(place, place.others[0]), ast.unparse(place.tree)
    assert str(slip) == "symroof/cost/masks.py: triangle: m + 1 -> m + 2"
    assert ast.unparse(place.tree) == whole
    assert ast.unparse(slip.tree()) == whole.replace("return m * (m + 1) / 2", "return m * (m + 2) / 2")
    compile(slip.tree(), place.module, "exec")


def test_slips_that_change_nothing_are_slips() -> None:
    reasons = json.loads(EQUIVALENT.read_text())
    files = {mutants.ROOT / x.partition(":")[0] for x in reasons}
    found = {
        str(mutants.Mutant(place, other))
        for file in files
        for place in mutants.places(file)
        if any(x.startswith(f"{place.module}: {place.scope}: ") for x in reasons)
        for other in place.others
    }
    assert set(reasons) <= found
    assert all(reasons.values())


@pytest.mark.parametrize("mutation", MUTATIONS, ids=lambda x: x.name.replace(" ", "_"))
def test_a_mutation_is_rejected(mutation: Mutation, patch: Patch) -> None:
    mutation.check()
    forget()
    mutation.make(patch)
    with pytest.raises(AssertionError):
        mutation.check()
    patch.undo()
    forget()
    mutation.check()
