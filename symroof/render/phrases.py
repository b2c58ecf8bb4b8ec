"""Phrases that several results share: numbers of queries and tokens, batches, counting rules."""

from collections.abc import Iterable

from symroof.cost.rule_names import RULEBOOK


def query_count(n: int) -> str:
    """`1 query`, `64 queries`."""
    return "1 query" if n == 1 else f"{n:,} queries"


def token_count(n: int | None) -> str:
    """`1 token`, `8,192 tokens`; `any` where None."""
    return "any" if n is None else "1 token" if n == 1 else f"{n:,} tokens"


def batch_group(count: int, new: int, cached: int) -> str:
    """Identical queries of a batch: `64 x (1 new, 8,192 cached)`."""
    return f"{count:,} x ({new:,} new, {cached:,} cached)"


def uniform_batch(count: int, new: int, cached: int) -> str:
    """A batch of identical queries: `64 queries: 64 x (1 new, 8,192 cached)`."""
    return f"{query_count(count)}: {batch_group(count, new, cached)}"


def rule_meanings(names: Iterable[str]) -> list[str]:
    """What each counting rule means: `standard: what a serving engine executes: ...`."""
    return [f"{name}: {RULEBOOK[name].meaning}" for name in names]


def warning_notes(warnings: Iterable[str]) -> list[str]:
    """What the reader has to know, each in a sentence."""
    return [f"Warning: {x}." for x in warnings]


def rules_note(names: Iterable[str]) -> str:
    """The counting rules in one sentence."""
    return f"Rules: {'; '.join(rule_meanings(names))}."
