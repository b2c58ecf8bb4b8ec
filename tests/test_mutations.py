"""Deliberate mistakes, each rejected by a law of test_laws or an oracle of test_operators."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import pytest
import test_laws as laws
import test_operators as oracle
from sympy import Expr, Min, Symbol, sympify

import symroof
from symroof import blocks, cost, masks, rules
from symroof import model as modelling
from symroof import symbols as s
from symroof.cost import FIELDS, Cost
from symroof.graph import Block, Op
from symroof.model import Model
from symroof.ops import attention, dense, experts

Patch = pytest.MonkeyPatch


@dataclass(frozen=True)
class Mutation:
    """A mistake, how to make it, and what must notice."""

    name: str
    make: Callable[[Patch], None]
    check: Callable[[], None]


def everywhere(function: Any, mutant: Any) -> Callable[[Patch], None]:
    """Put a mutant in the place of a function wherever it is known."""

    def make(patch: Patch) -> None:
        for module in (cost, dense, attention, experts, blocks):
            for name in [name for name, x in vars(module).items() if x is function]:
                patch.setattr(module, name, mutant)

    return make


def returning(function: Any, edit: Callable[..., Cost]) -> Callable[[Patch], None]:
    """Edit the cost that a function returns: edit(cost, *its arguments)."""
    return everywhere(function, lambda *args, **options: edit(function(*args, **options), *args))


def op(name: str, edit: Callable[[Cost], Cost]) -> Callable[[Patch], None]:
    """Edit the cost of the operators of that name."""

    def mutant(found: str, role: str, x: Cost) -> Op:
        return Op(found, role, edit(x) if found == name else x)

    return lambda patch: patch.setattr(blocks, "Op", mutant)


def swapped(before: Expr, after: Expr) -> Callable[[Cost], Cost]:
    """Every field with one symbol in another's place."""
    return lambda x: Cost(*(sympify(getattr(x, field)).xreplace({before: after}) for field in FIELDS))


def item(table: Any, key: Any, value: Any) -> Callable[[Patch], None]:
    return lambda patch: patch.setitem(table, key, value)


def without_residual(patch: Patch) -> None:
    whole = blocks.sublayer

    def mutant(*args: Any) -> Block:
        block = whole(*args)
        return replace(block, children=block.children[:-1])

    patch.setattr(blocks, "sublayer", mutant)


def layers_of_all(patch: Patch) -> None:
    whole = blocks.sublayer
    patch.setattr(blocks, "sublayer", lambda *args: replace(whole(*args), count=s.L))


def law(function: Callable[[Model], None], name: str) -> Callable[[], None]:
    return lambda: function(laws.load(name))


def values_of_kv_heads(x: Cost, tokens: Expr, mask: Any, H_q: Expr, H_kv: Expr, h: Expr) -> Cost:
    return replace(x, matmul=cost.dots(mask.pairs * H_q * h, 0) + cost.dots(mask.pairs * H_kv * h, 0))


ATTENTION = [(4, 3), (1, 6)]
MUTATIONS = (
    Mutation("the gate adds the rows where it multiplies by them",
             returning(dense.activate, lambda x, rows, f, act="silu": replace(x, vector=rows + x.vector / rows)),
             law(laws.work_of_token_wise_operators_is_linear_in_tokens, "biased")),
    Mutation("the gate's mistake, at the operator",
             returning(dense.activate, lambda x, rows, f, act="silu": replace(x, vector=rows + x.vector / rows)),
             lambda: oracle.check_activate(5, 7, "silu")),
    Mutation("gelu costs as little as silu",
             item(dense.ACTIVATIONS, "gelu", dense.ACTIVATIONS["silu"]),
             lambda: oracle.check_activate(2, 7, "gelu")),
    Mutation("values are summed for KV heads only",
             returning(attention.attend, values_of_kv_heads),
             law(laws.grouping_heads_changes_bytes_and_no_flop, "llama-3.1-8b")),
    Mutation("values are summed for KV heads only, in a whole decoder",
             returning(attention.attend, values_of_kv_heads),
             lambda: oracle.check_decoder(symroof.load(laws.LLAMA | {"head_dim": 4}), 4, 5)),
    Mutation("keys and values are read once a query head",
             op("attend", lambda x: replace(x, cache_read=x.cache_read * s.H_q / s.H_kv)),
             law(laws.grouping_heads_changes_bytes_and_no_flop, "llama-3.1-8b")),
    Mutation("softmax runs for KV heads only",
             op("attend", lambda x: replace(x, vector=x.vector * s.H_kv / s.H_q)),
             law(laws.grouping_heads_changes_bytes_and_no_flop, "interleaved")),
    Mutation("k experts are read whatever the batch",
             item(rules.STANDARD, s.N_x, s.k),
             law(laws.experts_read_grow_from_k_to_all, "interleaved")),
    Mutation("all experts are read whatever the batch",
             item(rules.STANDARD, s.N_x, s.N_e),
             law(laws.experts_read_grow_from_k_to_all, "llama-4-scout")),
    Mutation("an expert runs once however many are chosen",
             op("experts.down", swapped(s.k_run, sympify(1))),
             law(laws.a_routed_token_works_k_times_as_much_as_a_shared_one, "interleaved")),
    Mutation("the gate of routed experts runs once a token",
             op("experts.act", swapped(s.k_run, sympify(1))),
             law(laws.what_one_operator_writes_the_next_reads, "listed")),
    Mutation("new keys and values are not appended to the cache",
             op("attend", lambda x: replace(x, cache_write=0)),
             law(laws.the_cache_grows_by_what_is_written_and_is_read_next, "llama-2-7b")),
    Mutation("a multiply-add is one FLOP",
             everywhere(cost.dots, lambda products, outputs: products - s.sigma * outputs),
             law(laws.one_token_meets_each_weight_once, "llama-3.1-8b")),
    Mutation("a multiply-add is one FLOP, at the operator",
             everywhere(cost.dots, lambda products, outputs: products - s.sigma * outputs),
             lambda: oracle.check_linear(2, 5, 7, bias=False)),
    Mutation("an exact dot product is spared an addition too many",
             everywhere(cost.dots, lambda products, outputs: 2 * products - 2 * s.sigma * outputs),
             law(laws.says_exact_dots, "biased")),
    Mutation("the embedding is multiplied",
             op("lookup", lambda x: replace(x, matmul=2 * s.T * s.d * s.V)),
             law(laws.the_embedding_is_looked_up, "llama-3.2-1b")),
    Mutation("the embedding table is read whole",
             op("lookup", lambda x: replace(x, weight_read=x.weight_held)),
             lambda: oracle.check_decoder(symroof.load(laws.LLAMA | {"head_dim": 4}), 2, 0)),
    Mutation("a norm has a weight more",
             op("norm", lambda x: replace(x, weight_read=x.weight_read + s.b_n, weight_held=x.weight_held + s.b_n)),
             law(laws.one_token_meets_each_weight_once, "biased")),
    Mutation("the chunk is ignored",
             item(masks.MASKS, "chunked", masks.CAUSAL),
             law(laws.a_chunk_forgets_what_lies_before_it, "llama-4-maverick")),
    Mutation("a chunk slides",
             item(rules.STANDARD, s.C_chunk, Min(s.c, s.w)),
             law(laws.a_chunk_forgets_what_lies_before_it, "interleaved")),
    Mutation("a token does not see itself",
             item(rules.STANDARD, s.P, s.n * s.c + s.n * (s.n - 1) / 2),
             lambda: oracle.check_attend(ATTENTION, 4, 2, 3)),
    Mutation("masked pairs are computed",
             item(rules.STANDARD, s.P, masks.rectangle(s.c)),
             law(laws.a_prefill_is_the_sum_of_its_decode_steps, "llama-3.1-8b")),
    Mutation("a tied table is kept twice",
             everywhere(dense.run, lambda x, times, tied=False: x),
             law(laws.tying_the_head_spares_a_table_and_nothing_else, "llama-3.2-1b")),
    Mutation("there is no residual",
             without_residual,
             law(laws.every_layer_attends_and_feeds_forward_once, "llama-3.1-8b")),
    Mutation("a residual reads one of its two terms",
             op("residual", lambda x: replace(x, act_read=x.act_write)),
             law(laws.what_one_operator_writes_the_next_reads, "llama-3.1-8b")),
    Mutation("biases are left out",
             everywhere(dense.linear, lambda rows, d_in, d_out, width=s.b_w, bias=False,
                        linear=dense.linear: linear(rows, d_in, d_out, width)),
             law(laws.a_bias_is_a_weight_for_each_output, "biased")),
    Mutation("values are rotated too",
             op("rope", lambda x: x * ((s.H_q + 2 * s.H_kv) / (s.H_q + s.H_kv))),
             law(laws.what_one_operator_writes_the_next_reads, "llama-3.1-8b")),
    Mutation("the shared expert is not added",
             returning(experts.combine, lambda x, *_: replace(x, act_read=x.act_read - s.T * s.d * s.b_a)),
             law(laws.what_one_operator_writes_the_next_reads, "llama-4-scout")),
    Mutation("the head runs on every position",
             op("logits", swapped(s.R, s.T)),
             law(laws.says_standard, "llama-3.1-8b")),
    Mutation("experts are kept in the format of other weights",
             op("experts.down", swapped(s.b_e, s.b_w)),
             law(laws.a_width_scales_the_bytes_of_its_role, "llama-4-scout")),
    Mutation("the cache is kept in the format of activations",
             op("attend", swapped(s.b_c, s.b_a)),
             law(laws.a_width_scales_the_bytes_of_its_role, "llama-3.1-8b")),
    Mutation("weights are read for every token",
             op("qkv", lambda x: replace(x, weight_read=x.weight_read * s.T)),
             law(laws.weights_are_read_once_a_step, "llama-3.1-8b")),
    Mutation("every kind runs in every layer",
             layers_of_all,
             law(laws.every_layer_attends_and_feeds_forward_once, "llama-4-maverick")),
    Mutation("a symbol of a declared name that is not the declared one",
             op("qkv", lambda x: replace(x, vector=x.vector + Symbol("T"))),
             law(laws.only_declared_symbols_occur, "llama-3.1-8b")),
)  # fmt: skip


@pytest.fixture
def patch() -> Iterator[Patch]:
    """Patches that are undone, with no formula of theirs left in a cache."""
    with pytest.MonkeyPatch.context() as context:
        yield context
    forget()


def forget() -> None:
    modelling.graph_of.cache_clear()
    modelling.table.cache_clear()


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
