"""Masks against masks drawn out position by position, and what has to hold of every mask."""

from collections.abc import Callable
from itertools import accumulate, combinations, pairwise, product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sympy import Symbol

from symroof import symbols as s
from symroof.algebra.binding import Binding
from symroof.cost import batch_sums, rule_names, rules
from symroof.cost.batch import Query

Visible = Callable[[int, int], bool]  # (position of the query, position of the key)
NAMES = {
    "causal": (s.P, s.C, s.K),
    "chunked": (s.P_chunk, s.C_chunk, s.K_chunk),
    "sliding": (s.P_swa, s.C_swa, s.K_swa),
}
WINDOWED = ("chunked", "sliding")
SIZES = {x.symbol: 3 for x in s.VOCABULARY.values() if x.group == "size"} | {s.w: 4, s.k: 2}
SUMS = [x.symbol for x in s.VOCABULARY.values() if x.group == "batch"]
RULES = [rule_names.select_rules(name) for name in rule_names.RULEBOOK]


def sums(mask: str, queries: list[Query], w: int, layer: rules.Layer = rules.STANDARD) -> tuple[int, ...]:
    """Pairs, cached keys read and tokens kept."""
    found = batch_sums.sum_over_queries(queries, layer, {s.w: w}, NAMES[mask])
    return tuple(found[x] for x in NAMES[mask])


def one(mask: str, new: int, cached: int, w: int, layer: rules.Layer = rules.STANDARD) -> tuple[int, ...]:
    return sums(mask, [Query(new, cached)], w, layer)


def visible(mask: str, w: int) -> Visible:
    """Chunks are the positions 0..w-1, w..2w-1, ..., windows w tokens up to the query: it sees no other keys."""
    if mask == "causal":
        return lambda query, key: key <= query
    if mask == "sliding":
        return lambda query, key: query - w < key <= query
    return lambda query, key: key <= query and key // w == query // w


def drawn(shown: Visible, new: int, cached: int) -> tuple[int, int, int]:
    """Pairs of the new tokens, distinct cached keys they see, and the most keys any token so far has seen."""
    context = range(cached + new)
    grid = [[shown(query, key) for key in context] for query in context]
    step = grid[cached:]
    return sum(map(sum, step)), sum(any(row[key] for row in step) for key in range(cached)), max(map(sum, grid))


@pytest.mark.parametrize("cached", range(9))
@pytest.mark.parametrize("new", range(1, 9))
def test_causal_sums_are_those_of_the_drawn_mask(new: int, cached: int) -> None:
    assert one("causal", new, cached, 1) == drawn(visible("causal", 1), new, cached)


@pytest.mark.parametrize("mask", WINDOWED)
@pytest.mark.parametrize("w", [1, 2, 3, 4, 7, 30])
@pytest.mark.parametrize("cached", range(10))
def test_sums_within_a_window_are_those_of_the_drawn_mask(cached: int, w: int, mask: str) -> None:
    for new in (1, 2, 3, 5, 8):
        assert one(mask, new, cached, w) == drawn(visible(mask, w), new, cached)


def kept_by_transformers(new: int, cached: int, w: int) -> tuple[int, int, int]:
    """Tokens put one step after the other into a list that is cut to its last w - 1, as DynamicCache does."""
    room, kept = w - 1, list(range(cached))
    kept = kept[len(kept) - min(room, len(kept)) :]
    seen = [*kept, *range(cached, cached + new)]
    return new * len(seen), len(kept), len(seen[len(seen) - min(room, len(seen)) :])


@pytest.mark.parametrize("mask", WINDOWED)
@pytest.mark.parametrize("w", [1, 2, 3, 4, 7, 30])
def test_transformers_multiplies_the_rectangle_of_what_it_keeps(w: int, mask: str) -> None:
    for cached, new in product(range(10), (1, 2, 3, 5, 8)):
        assert one(mask, new, cached, w, rules.TRANSFORMERS) == kept_by_transformers(new, cached, w)


@pytest.mark.parametrize("w", [1, 2, 5])
def test_what_transformers_keeps_is_all_that_a_window_needs(w: int) -> None:
    for cached in range(10):
        pairs, read, _ = one("sliding", 1, cached, w)
        assert (pairs, read) == one("sliding", 1, cached, w, rules.TRANSFORMERS)[:2]


MASK = st.sampled_from(list(NAMES))
TOKENS, CACHED, WINDOW = st.integers(1, 10**6), st.integers(0, 10**6), st.integers(1, 10**5)
QUERIES = st.lists(st.builds(Query, TOKENS, CACHED, st.integers(1, 5)), min_size=1, max_size=6)
few = settings(max_examples=30, deadline=None)


@few
@given(MASK, TOKENS, CACHED, WINDOW, st.lists(st.integers(0, 10**6), max_size=5))
def test_a_prefill_in_pieces_has_the_pairs_of_the_whole(
    mask: str, new: int, cached: int, w: int, cuts: list[int]
) -> None:
    edges = [cached, *sorted({cached + cut for cut in cuts if 0 < cut < new}), cached + new]
    pieces = [one(mask, after - before, before, w) for before, after in pairwise(edges)]
    pairs, read, kept = one(mask, new, cached, w)
    assert sum(piece[0] for piece in pieces) == pairs
    assert pieces[0][1] == read
    assert pieces[-1][2] == kept


@few
@given(st.sampled_from(WINDOWED), TOKENS, CACHED, st.integers(0, 10**6))
def test_a_window_that_holds_the_context_is_causal(mask: str, new: int, cached: int, spare: int) -> None:
    w = new + cached + spare
    assert one(mask, new, cached, w) == one("causal", new, cached, w)


@few
@given(TOKENS, CACHED, WINDOW)
def test_a_chunk_shows_no_more_than_a_window(new: int, cached: int, w: int) -> None:
    (chunked, read, kept), (sliding, more, held) = (one(mask, new, cached, w) for mask in WINDOWED)
    assert chunked <= sliding
    assert read <= more
    assert kept == held


@few
@given(st.sampled_from(WINDOWED), TOKENS, CACHED, WINDOW)
def test_a_window_never_shows_or_keeps_more_than_the_mask_without_it(mask: str, new: int, cached: int, w: int) -> None:
    pairs, read, kept = one(mask, new, cached, w)
    all_pairs, all_read, context = one("causal", new, cached, w)
    assert new <= pairs <= min(all_pairs, new * w)
    assert read <= min(all_read, w - 1)
    assert kept == min(context, w)


@few
@given(MASK, CACHED, WINDOW)
def test_a_decode_step_pairs_its_token_with_what_it_reads_and_itself(mask: str, cached: int, w: int) -> None:
    pairs, read, _ = one(mask, 1, cached, w)
    assert pairs == read + 1


@few
@given(MASK, QUERIES, WINDOW)
def test_a_ragged_batch_is_the_sum_of_its_queries(mask: str, queries: list[Query], w: int) -> None:
    alone = [one(mask, query.new, query.cached, w) for query in queries]
    repeated = [x for x, query in zip(alone, queries, strict=True) for _ in range(query.count)]
    assert sums(mask, queries, w) == tuple(map(sum, zip(*repeated, strict=True)))


@few
@given(MASK, st.lists(st.integers(1, 50), min_size=1, max_size=6), WINDOW)
def test_decoding_token_by_token_keeps_what_each_prefill_would(mask: str, steps: list[int], w: int) -> None:
    kept = [one(mask, total, 0, w)[2] for total in accumulate(steps)]
    assert kept == [one(mask, n, total - n, w)[2] for n, total in zip(steps, accumulate(steps), strict=True)]
    assert kept == sorted(kept)


@settings(max_examples=100, deadline=None)
@given(st.sampled_from(RULES), st.sampled_from(SUMS), st.integers(1, 500), st.integers(0, 500), st.integers(1, 50))
def test_the_uniform_batch_is_that_many_equal_queries(
    rule: tuple[str, ...], x: Symbol, new: int, cached: int, B: int
) -> None:
    layer = rules.rule_layer(rule)
    if x in layer:  # a variant that is no base defines few
        closed = Binding(layer, batch_sums.uniform_sums(layer, [x]), {s.B: B, s.n: new, s.c: cached}, SIZES)
        assert {x: closed(x)} == batch_sums.sum_over_queries([Query(new, cached, B)], layer, SIZES, [x])


@pytest.mark.parametrize("mask", list(NAMES))
def test_a_sum_without_its_size_is_left_out(mask: str) -> None:
    found = batch_sums.sum_over_queries([Query(3, 5)], rules.STANDARD, {})
    assert [x in found for x in NAMES[mask]] == [mask not in WINDOWED] * 3


# --- keys that an indexer selects -----------------------------------------------------------------------------------


def selections(mask: str, position: int, w: int, k: int) -> list[set[int]]:
    """All sets of keys that a token may attend to: k of those it sees, or blocks of w with those it always sees."""
    if mask == "top":
        return list(map(set, combinations(range(position + 1), min(k, position + 1))))
    whole = position // w if mask == "blocks" else (position + 1) // w
    chosen = min(k - 1 if mask == "blocks" else k, whole)
    always = set(range(whole * w, position + 1))
    blocks = [range(i * w, i * w + w) for i in range(whole)]
    return [always.union(*some) for some in combinations(blocks, chosen)]


@pytest.mark.parametrize(("mask", "read"), [("top", s.C_top), ("blocks", s.C_block), ("tail", s.C_tail)])
@pytest.mark.parametrize(("w", "k"), [(1, 2), (2, 1), (2, 2), (3, 1), (3, 2)])
def test_selected_keys_are_the_distinct_ones_where_no_two_tokens_share_one(
    mask: str, read: Symbol, w: int, k: int
) -> None:
    shared = 0
    for cached, new in product(range(9), (1, 2, 3)):
        found = batch_sums.sum_over_queries(
            [Query(new, cached)], rules.STANDARD, {s.w_i: w, s.k_b: k, s.k_i: k}, {read}
        )[read]
        tokens = (selections(mask, position, w, k) for position in range(cached, cached + new))
        distinct = [sum(key < cached for key in set().union(*some)) for some in product(*tokens)]
        assert max(distinct) == found
        shared += min(distinct) < found and new > 1
    assert shared or k == 1
