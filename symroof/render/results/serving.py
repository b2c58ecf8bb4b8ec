"""A served workload as text: times as estimate and as lower bound, throughput, memory, energy, price, notes."""

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from symroof.performance.serving import Serving
from symroof.render.machine_notes import EXPECTED_EXPERTS, machine_notes, memory_text
from symroof.render.phrases import query_count, rule_meanings
from symroof.render.report.lines import precision_text
from symroof.render.text_columns import align_columns, hanging_columns, join_paragraphs, wrap_line, wrap_lines
from symroof.units import duration_cell, iec, percent

MOST_PIECES = 4  # pieces of a step's time that are printed
Cell = Callable[[Any], str]  # of a ServingTime


def serving_text(serving: Serving, width: int = 0) -> str:
    """Times, memory, energy, price and notes; lines wrapped at `width`, 0 never wraps."""
    title, times = wrap_line(workload_title(serving), width), align_columns(time_rows(serving), right={1, 2})
    properties = hanging_columns([*property_rows(serving)], width, indent="")
    return join_paragraphs([title, times, properties, wrap_lines(serving_notes(serving), width)])


def workload_title(serving: Serving) -> str:
    """The model, the machine and the workload."""
    work, model, machine = serving.work, serving.model, serving.platform.machine
    cached = f" ({work.cached:,} cached)" if work.cached else ""
    chunks = f", prefilled {work.chunk:,} at a time" if work.chunk else ""
    outputs = f"{work.output_tokens:,} output token{'s' * (work.output_tokens > 1)}"
    return (
        f"{model.name} ({model.family}) on {machine.label}: {query_count(work.batch_size)} of {work.prompt:,} prompt "
        f"tokens{cached} and {outputs}{chunks}"
    )


def time_rows(serving: Serving) -> list[tuple[str, str, str]]:
    """Seconds and tokens per second, as estimate and as lower bound."""
    heads = ("", f"{kind_of_time(serving)}   ", "lower bound   ")
    kinds = (first_token_cells, decode_cells, throughput_cells)
    return [heads, *((name, cell(serving.time), cell(serving.lower)) for f in kinds for name, cell in f(serving))]


def kind_of_time(serving: Serving) -> str:
    """What the times are of one operator after another."""
    return "at the peaks" if serving.platform.ideal else "estimate"


def first_token_cells(serving: Serving) -> Iterator[tuple[str, Cell]]:
    """Time to first token, and how a cell of it is printed."""
    if serving.work.batch_size == 1:
        yield "time to first token", lambda x: duration_cell(x.first)
        return
    yield "time to first token, whole batch", lambda x: duration_cell(x.first)
    yield "time to first token, one query alone", lambda x: duration_cell(x.alone)


def decode_cells(serving: Serving) -> Iterator[tuple[str, Cell]]:
    """Times of decoding, and how a cell of each is printed; none for a single output token."""
    if serving.work.output_tokens > 1:
        yield "time per output token, mean", lambda x: duration_cell(x.per_token)
        yield "  after the prompt", lambda x: duration_cell(x.ends[0])
        yield "  at the end", lambda x: duration_cell(x.ends[1])
        yield "request, first to last", lambda x: duration_cell(x.request)
        yield "output tokens/s, each query", lambda x: rate_cell(1 / x.per_token)


def throughput_cells(serving: Serving) -> Iterator[tuple[str, Cell]]:
    """Tokens per second of the whole batch, and how a cell of each is printed."""
    work, size = serving.work, serving.work.batch_size
    if work.output_tokens > 1 and size > 1:
        yield "output tokens/s, all, while decoding", lambda x: rate_cell(size / x.per_token)
    yield "output tokens/s, all, prefill included", lambda x: rate_cell(size * work.output_tokens / x.request)
    yield "prompt tokens/s, while prefilling", lambda x: rate_cell(size * (work.prompt - work.cached) / x.first)


def rate_cell(x: Any) -> str:
    """Tokens per second, aligned with durations."""
    return f"{float(x):,.2f}   "


def property_rows(serving: Serving) -> Iterator[tuple[str, str]]:
    """Memory, draft, energy and price."""
    yield "memory", f"{iec(serving.need.total)} {memory_text(serving.need, serving.platform.machine)}"
    if serving.draft:
        yield "draft", draft_text(serving)
    if energy := serving.energy:
        joules = {"prompt": energy["per_prompt_token"], "output": energy["per_output_token"]}
        parts = (f"{float(x):.3g} J per {name} token" for name, x in joules.items() if x is not None)
        yield "energy", ", ".join(parts) + (f", {kind_of_time(serving)}" if energy["from_power"] else "")
    if prices := serving.prices:
        amounts = {"prompt": prices["prompt_tokens"], "output": prices["output_tokens"]}
        parts = (f"{float(x):,.4g} per million {name} tokens" for name, x in amounts.items() if x is not None)
        yield "price", f"{', '.join(parts)} ({float(prices['per_hour']):,.4g} per hour)"


def draft_text(serving: Serving) -> str:
    """The draft model, tokens proposed and accepted per round, speedup, break-even acceptance."""
    draft = serving.draft
    assert draft is not None
    accepted, tokens = percent(draft.acceptance), f"{float(draft.tokens_per_round):.3f} tokens"
    rounds = f"{draft.model.name}, {draft.tokens} tokens proposed per round, {accepted} accepted: {tokens}"
    if serving.speedup is None:
        return rounds
    pays = "never pays" if serving.break_even is None else f"pays above {percent(serving.break_even)} accepted"
    return f"{rounds}; {float(serving.speedup):.2f} x as fast; {pays}"


def serving_notes(serving: Serving) -> Iterator[str]:
    """Both kinds of time, the closed form of a step, the machine, energy and price, rules, formats, configs."""
    yield (
        f"{kind_of_time(serving).capitalize()}: one operator after another. Lower bound: matmuls and memory at once, "
        "each matmul in the fastest format that an operand permits, elementwise work and activations free; a request's "
        "prefill and decoding in mixed steps."
    )
    yield from step_notes(serving)
    yield from machine_notes(serving.platform, serving.formats, serving.fastest_formats)
    if serving.routed:
        yield EXPECTED_EXPERTS
    yield from energy_and_price_notes(serving)
    yield from (f"Rules: {rule}." for rule in rule_meanings(serving.rules))
    yield f"Precision: {precision_text(serving.precision, serving.routed)}."
    yield f"Config: {serving.model.config.source}."
    if serving.draft:
        yield f"Draft's config, in its formats: {serving.draft.model.config.source}."


def energy_and_price_notes(serving: Serving) -> Iterator[str]:
    """What energy and price are computed from."""
    if serving.energy and serving.energy["from_power"]:
        yield f"Energy, {kind_of_time(serving)}: full power while a unit is busy, one after another; not a bound."
    if serving.price is not None:
        cached = "; prompt tokens in the cache cost as much as others" if serving.work.cached else ""
        yield f"Price: of the {'time at the peaks' if serving.platform.ideal else 'estimated time'}{cached}."


def step_notes(serving: Serving) -> Iterable[str]:
    """A step's time as a closed form in the context c, where it has few pieces."""
    pieces = serving.pieces
    if len(pieces) > MOST_PIECES:
        return [f"A step's time is {len(pieces)} polynomials of its context: --json has them."]
    name = "An output token's time" if serving.draft else "A decode step's time"
    return (f"{name} with c tokens cached: {piece_text(x)}." for x in pieces)


def piece_text(x: Any) -> str:
    """A piece of a step's time and its range: `3.2813 ms + 1.7476 us c for c from 2,000 to 2,498`."""
    step = f" in steps of {x.step:,}" if x.step > 1 else ""
    return f"{step_polynomial(x.coefficients)} for c from {x.first:,} to {x.last:,}{step}"


def step_polynomial(coefficients: Iterable[Any]) -> str:
    """Seconds as a sum of terms in c: `6.9134 ms + 1.0235 us c`."""
    powers = zip(coefficients, ("", " c", " c^2"), strict=True)
    text = "".join(f" {'-' if x < 0 else '+'} {short_duration(abs(x))}{power}" for x, power in powers if x)
    return f"-{text[3:]}" if text.startswith(" - ") else text[3:] or "0"


def short_duration(x: Any) -> str:
    """Seconds to five digits, without trailing zeros."""
    for unit, scale in (("s", 1), ("ms", 10**3), ("us", 10**6), ("ns", 10**9)):
        if x * scale >= 1:
            return f"{float(x * scale):.5g} {unit}"
    return f"{float(x):.5g} s"
