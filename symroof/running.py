"""Commands that ask what a machine makes of a model. The symbolic half is imported inside commands."""

import json
from collections.abc import Callable, Iterable, Mapping
from fractions import Fraction
from itertools import chain
from typing import TYPE_CHECKING, Any

import click

from symroof import options, plots
from symroof.errors import SymroofError
from symroof.options import Command, described
from symroof.queries import LARGEST
from symroof.terminal import keep, width, write

if TYPE_CHECKING:
    from symroof.platforms import Platform


def platforms(on: Iterable[str], inline: Iterable[str], machine_file: str | None, gpus: int,
              setting: dict[str, Any]) -> "tuple[Platform, ...]":  # fmt: skip
    """The machines that were named, used as was said."""
    from symroof.machines import chosen
    from symroof.platforms import platform

    return tuple(platform(x, **setting) for x in chosen(tuple(on), tuple(inline), machine_file, gpus))


def each(found: Iterable[Any], what: Callable[[Any], Any]) -> tuple[list[Any], list[tuple[Any, SymroofError]]]:
    """What is found for each of several, and those it fails for. Raises SymroofError where it fails for all."""
    done, failed = [], []
    for x in found:
        try:
            done.append(what(x))
        except SymroofError as error:
            failed.append((x, error))
    if not done and len(failed) > 1:
        raise SymroofError(" | ".join(str(error) for _, error in failed))
    if not done:
        raise failed[0][1]
    return done, failed


@click.command(cls=Command, example="symroof roofline llama-3.1-70b --on h100-sxm --gpus 4 --cached-tokens 8192")
@options.model
@options.on
@options.batch
@options.precision
@options.counting
@options.sizes
@options.mtp
@options.setting
@click.option("--rank", is_flag=True, help="The operators that take longest first.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@options.plot
@options.output
def roofline(
    model: str,
    on: tuple[str, ...],
    inline: tuple[str, ...],
    machine_file: str | None,
    gpus: int,
    cached_tokens: tuple[list[int], ...],
    input_tokens: tuple[list[int], ...],
    batch_size: int | None,
    rules: str,
    logits: str | None,
    sizes: tuple[tuple[str, int], ...],
    mtp: bool,
    compute: str | None,
    mfu: float | None,
    mbu: float | None,
    calibration: str | None,
    overhead: float,
    anyway: bool,
    rank: bool,
    as_json: bool,
    plot: str | None,
    output: str | None,
    **formats: str | None,
) -> None:
    """How long a step takes at best, operator by operator, and what bounds it."""
    from symroof.precision import precision
    from symroof.queries import queries

    setting = {"compute": compute, "mfu": mfu, "mbu": mbu, "calibration": calibration, "overhead": overhead}
    used = platforms(on, inline, machine_file, gpus, setting)
    plots.check(plot, len(used))
    new, cached = [*chain(*input_tokens)] or [1], [*chain(*cached_tokens)] or [0]
    asked = queries(new, cached, batch_size)
    config, architecture = described(model, sizes, mtp)
    precision(config, architecture, True, **formats)
    from symroof import rooflines
    from symroof.crossings import crossovers
    from symroof.model import Model
    from symroof.render import roofline as rendered

    loaded, count = Model(config, architecture), sum(x.count for x in asked)
    mean = sum(x.cached * x.count for x in asked) // count
    step: dict[str, Any] = {"new": new, "cached": cached, "batch_size": batch_size, **formats}

    def at(where: "Platform", asked: Mapping[str, Any]) -> Any:
        return rooflines.roofline(loaded, where, rules, logits, anyway, **asked)

    found, failed = each(used, lambda x: at(x, step))
    if plot:
        from symroof.plots import roofline as drawn
        from symroof.plots.steps import with_counterpart

        steps = [with_counterpart(x, step, at) for x in found]
        keep(plots.encoded(lambda: drawn.figure(steps), plot), plot)
    found = [x.ranked for x in found] if rank else found
    folded = 0 if output else width()
    if len(used) > 1:
        text = rendered.side_by_side(found, [f"{x.machine.label}: {error}" for x, error in failed], folded)
        shown: dict[str, Any] = rooflines.several(found, [(x.machine, str(error)) for x, error in failed])
    else:
        crossed = crossovers(loaded, used[0], mean, count, rules, logits, **formats)
        text = rendered.render(found[0], folded, crossed)
        shown = {**found[0].to_dict(), "crossovers": [x.to_dict() for x in crossed]}
    write(json.dumps(shown, indent=2) + "\n" if as_json else text, output)


@click.command(cls=Command, example="symroof serve llama-3.1-8b --on h200-sxm --prompt 2000 --output-tokens 500")
@options.model
@options.on
@options.workload
@options.drafting
@options.money
@options.precision
@options.rules
@options.sizes
@options.setting
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@options.plot
@options.output
def serve(
    model: str,
    on: tuple[str, ...],
    inline: tuple[str, ...],
    machine_file: str | None,
    gpus: int,
    prompt: int,
    output_tokens: int,
    batch_size: int,
    cached_tokens: int,
    chunk: int,
    draft: str | None,
    draft_tokens: int,
    acceptance: Fraction | None,
    price: Any,
    joules_per_flop: float | None,
    joules_per_byte: float | None,
    rules: str,
    sizes: tuple[tuple[str, int], ...],
    compute: str | None,
    mfu: float | None,
    mbu: float | None,
    calibration: str | None,
    overhead: float,
    anyway: bool,
    as_json: bool,
    plot: str | None,
    output: str | None,
    **formats: str | None,
) -> None:
    """Time to first token, time per token, throughput, energy and price of a served batch."""
    from symroof.precision import precision
    from symroof.queries import Workload

    setting = {"compute": compute, "mfu": mfu, "mbu": mbu, "calibration": calibration, "overhead": overhead,
               "joules": (joules_per_flop, joules_per_byte)}  # fmt: skip
    used = platforms(on, inline, machine_file, gpus, setting)
    plots.check(plot, len(used), output_tokens)
    work = Workload(prompt, output_tokens, batch_size, cached_tokens, chunk)
    if (draft is None) != (acceptance is None):
        raise click.UsageError("--draft and --acceptance go together: give the draft model and what is accepted of it.")
    config, architecture = described(model, sizes)
    precision(config, architecture, True, **formats)
    proposing = described(draft, ()) if draft else None
    from symroof import serving
    from symroof.model import Model
    from symroof.render import serving as rendered
    from symroof.schedule import Draft

    drafter = Draft(Model(*proposing), draft_tokens, acceptance) if proposing and acceptance is not None else None
    loaded = Model(config, architecture)
    found, failed = each(used, lambda x: serving.serve(loaded, x, work, rules, drafter, price, anyway, **formats))
    if plot:
        from symroof.plots import serving as drawn

        curves = [drawn.curve(x, **formats) for x in found]
        keep(plots.encoded(lambda: drawn.figure(curves, drawn.heading(found[0], len(used))), plot), plot)
    folded = 0 if output else width()
    text = "\n".join(
        [*(rendered.render(x, folded) for x in found), *(f"{x.machine.label}: {why}" for x, why in failed)]
    )
    shown = found[0].to_dict() if len(used) == 1 else serving.several(found, [(x.machine, str(y)) for x, y in failed])
    write(json.dumps(shown, indent=2) + "\n" if as_json else text, output)


@click.command(cls=Command, example="symroof fit llama-3.1-8b --on l40s --context 32768")
@options.model
@options.on
@click.option("--context", type=click.IntRange(1, LARGEST), metavar="N",
              help="Tokens in the cache after the step: solve for the batch.")  # fmt: skip
@click.option("--batch-size", type=click.IntRange(1, LARGEST), metavar="N",
              help="Queries: solve for the context; with --context for the number of machines.")  # fmt: skip
@options.precision
@options.counting
@options.sizes
@options.mtp
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@options.output
def fit(
    model: str,
    on: tuple[str, ...],
    inline: tuple[str, ...],
    machine_file: str | None,
    gpus: int,
    context: int | None,
    batch_size: int | None,
    rules: str,
    logits: str | None,
    sizes: tuple[tuple[str, int], ...],
    mtp: bool,
    as_json: bool,
    output: str | None,
    **formats: str | None,
) -> None:
    """The largest batch, the longest context or the fewest machines that memory has room for."""
    from symroof.machines import chosen
    from symroof.precision import precision

    used = chosen(on, inline, machine_file, gpus)
    config, architecture = described(model, sizes, mtp)
    precision(config, architecture, True, **formats)
    from symroof import fitting
    from symroof.demand import demand
    from symroof.model import Model
    from symroof.render import fit as rendered

    kept = demand(Model(config, architecture), rules, logits, **formats)
    found, failed = each(used, lambda x: fitting.fitted(kept, x, context, batch_size))
    folded = 0 if output else width()
    if len(used) > 1:
        text = rendered.side_by_side(found, [f"{x.label}: {error}" for x, error in failed], folded)
        shown = fitting.several(found, [(x, str(error)) for x, error in failed])
    else:
        text, shown = rendered.render(found[0], folded), found[0].to_dict()
    write(json.dumps(shown, indent=2) + "\n" if as_json else text, output)
