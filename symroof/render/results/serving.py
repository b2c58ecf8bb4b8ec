"""A served workload as text: times by both ways of adding operators up, throughput, memory, energy, price, notes."""

from collections.abc import Callable
from typing import Any

from symroof.cost.rule_names import RULEBOOK
from symroof.performance.serving import Pace, Serving
from symroof.render.report import lines
from symroof.render.results.roofline import folded, machine_notes, room
from symroof.render.text_columns import aligned, hanging
from symroof.units import duration_cell, iec, percent

PIECES = 4  # pieces of a step's time that are still printed


def render(found: Serving, width: int = 0) -> str:
    """All of it; notes folded to `width`, 0 never folds."""
    about = hanging(facts(found), width, indent="")
    parts = [folded([title(found)], width), aligned(times(found), right={1, 2}), about, folded(notes(found), width)]
    return "\n\n".join(part.rstrip("\n") for part in parts) + "\n"


def title(found: Serving) -> str:
    """The model, the machine and the workload."""
    work = found.work
    cached = f" ({work.cached:,} cached)" if work.cached else ""
    chunks = f", prefilled {work.chunk:,} at a time" if work.chunk else ""
    model, machine = found.model, found.platform.machine
    noun = "query" if work.batch_size == 1 else "queries"
    outputs = f"{work.output_tokens:,} output token{'s' * (work.output_tokens > 1)}"
    return (
        f"{model.name} ({model.family}) on {machine.label}: {work.batch_size:,} {noun} of {work.prompt:,} prompt "
        f"tokens{cached} and {outputs}{chunks}"
    )


def times(found: Serving) -> list[tuple[str, str, str]]:
    """Seconds and tokens a second, operators one after another and at least."""
    work, several = found.work, found.work.batch_size > 1
    head = "at the peaks" if found.platform.ideal else "estimate"
    rows: list[tuple[str, Callable[[Pace], Any], Callable[[Any], str]]] = [
        ("time to first token, whole batch" if several else "time to first token", lambda x: x.first, duration_cell)
    ]
    if several:
        rows.append(("time to first token, one query alone", lambda x: x.alone, duration_cell))
    if work.output_tokens > 1:
        rows += [
            ("time per output token, mean", lambda x: x.per_token, duration_cell),
            ("  after the prompt", lambda x: x.ends[0], duration_cell),
            ("  at the end", lambda x: x.ends[1], duration_cell),
            ("request, first to last", lambda x: x.request, duration_cell),
            ("output tokens/s, each query", lambda x: 1 / x.per_token, rate),
        ]
    if work.output_tokens > 1 and several:
        rows.append(("output tokens/s, all, while decoding", lambda x: work.batch_size / x.per_token, rate))
    rows += [
        ("output tokens/s, all, prefill included", lambda x: work.batch_size * work.output_tokens / x.request, rate),
        ("prompt tokens/s, while prefilling", lambda x: work.batch_size * (work.prompt - work.cached) / x.first, rate),
    ]
    shown = [(name, show(figure(found.time)), show(figure(found.lower))) for name, figure, show in rows]
    return [("", head + "   ", "lower bound" + "   "), *shown]


def rate(x: Any) -> str:
    """Tokens a second, aligned with durations."""
    return f"{float(x):,.2f}   "


def facts(found: Serving) -> list[tuple[str, str]]:
    """Memory, draft, energy and price."""
    rows = [("memory", f"{iec(found.need.total)} {room(found.need, found.platform.machine)}")]
    if found.draft:
        rows += drafted(found)
    if energy := found.energy:
        most = "at most " if energy["at_most"] else ""
        per = [(energy["per_prompt_token"], "a prompt"), (energy["per_output_token"], "an output")]
        told = ", ".join(f"{float(x):.3g} J {name} token" for x, name in per if x is not None)
        rows.append(("energy", most + told))
    if prices := found.prices:
        per = [(prices["prompt_tokens"], "prompt"), (prices["output_tokens"], "output")]
        told = ", ".join(f"{float(x):,.4g} a million {name} tokens" for x, name in per if x is not None)
        rows.append(("price", f"{told} ({float(prices['per_hour']):,.4g} an hour)"))
    return rows


def drafted(found: Serving) -> list[tuple[str, str]]:
    """What the draft brings."""
    draft = found.draft
    assert draft is not None
    accepted, tokens = percent(draft.acceptance), f"{float(draft.a_round):.3f} tokens"
    yields = f"{draft.tokens} tokens proposed a round, {accepted} accepted: {tokens}"
    pays = "never pays" if found.break_even is None else f"pays above {percent(found.break_even)} accepted"
    faster = f"; {float(found.speedup):.2f} x as fast; {pays}" if found.speedup is not None else ""
    return [("draft", f"{draft.model.name}, {yields}{faster}")]


def notes(found: Serving) -> list[str]:
    """The closed form of a step, the machine, formats and rules."""
    first = ("At the peaks" if found.platform.ideal else "Estimate") + ": one operator after another. "
    least = "Lower bound: matmuls and memory at once, elementwise work and activations free."
    told = [first + least, *step_notes(found), *machine_notes(found.platform, found.formats)]
    if found.energy and found.energy["at_most"]:
        told.append("Energy: every unit at the machine's full power for as long as it is busy.")
    if found.price is not None:
        cached = "; prompt tokens found in the cache are paid for like others" if found.work.cached else ""
        told.append(f"Price: of the {'time at the peaks' if found.platform.ideal else 'estimated time'}{cached}.")
    kept = lines.formats(found.precision, found.routed)
    sources = {"Config": found.model} | (
        {"Draft's config, in its own formats": found.draft.model} if found.draft else {}
    )
    return [
        *told,
        *(f"Rules: {name}: {RULEBOOK[name].meaning}." for name in found.rules),
        f"Precision: {kept}.",
        *(f"{name}: {model.config.source}." for name, model in sources.items()),
    ]


def step_notes(found: Serving) -> list[str]:
    """A step's time as a closed form in the context c, where it has few pieces."""
    pieces = found.pieces
    if not 0 < len(pieces) <= PIECES:
        return [f"A step's time is {len(pieces)} polynomials of its context: --json has them."] if pieces else []
    what = "An output token's time" if found.draft else "A decode step's time"
    return [
        f"{what} with c tokens cached: {polynomial(x.coefficients)} for c from {x.first:,} to {x.last:,}"
        f"{f' in steps of {x.step:,}' if x.step > 1 else ''}."
        for x in pieces
    ]


def polynomial(coefficients: tuple[Any, ...]) -> str:
    """Seconds as a sum of terms in c: `6.9134 ms + 1.0235 us c`."""
    names = ("", " c", " c^2")
    terms = [(x, name) for x, name in zip(coefficients, names, strict=True) if x]
    text = ""
    for x, name in terms:
        sign = (" - " if x < 0 else " + ") if text else ("-" if x < 0 else "")
        text += f"{sign}{small(abs(x))}{name}"
    return text or "0"


def small(x: Any) -> str:
    """Seconds to five digits, however few."""
    for unit, scale in (("s", 1), ("ms", 10**3), ("us", 10**6), ("ns", 10**9)):
        if x * scale >= 1:
            return f"{float(x * scale):.5g} {unit}"
    return f"{float(x):.5g} s"
