"""Commands that ask what a machine makes of a model. The symbolic half is imported inside commands."""

import json
from collections.abc import Callable, Iterable, Mapping
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import click

from symroof import options, plots
from symroof.errors import SymroofError
from symroof.options import Command, described, step_of
from symroof.queries import LARGEST
from symroof.terminal import keep, width, write

if TYPE_CHECKING:
    from symroof.machines import Machine
    from symroof.platforms import Platform


def chosen(on: tuple[str, ...], inline: tuple[str, ...], machine_file: str | None, gpus: int) -> "tuple[Machine, ...]":
    """The machines that were named."""
    from symroof import machines

    return machines.chosen(on, inline, machine_file, gpus)


def platforms(machines: Mapping[str, Any], use: Mapping[str, Any]) -> "tuple[Platform, ...]":
    """The machines that were named, used as was said."""
    from symroof.platforms import platform

    return tuple(platform(x, **use) for x in chosen(**machines))


def each(found: Iterable[Any], what: Callable[[Any], Any]) -> tuple[list[Any], list[tuple[str, SymroofError]]]:
    """What is found for each of several, and the labels of those it fails for. Raises SymroofError where for all."""
    done, failed = [], []
    for x in found:
        try:
            done.append(what(x))
        except SymroofError as error:
            failed.append((x.label, error))
    if not done and len(failed) > 1:
        raise SymroofError(" | ".join(str(error) for _, error in failed))
    if not done:
        raise failed[0][1]
    return done, failed


def told(failed: Iterable[tuple[str, SymroofError]]) -> list[str]:
    """Failures by label, a line each."""
    return [f"{label}: {error}" for label, error in failed]


@click.command(cls=Command, example="symroof roofline llama-3.1-70b --on h100-sxm --gpus 4 --cached-tokens 8192")
@options.model
@options.gathered("machines", options.on)
@options.gathered("batch", options.batch)
@options.precision
@options.gathered("counting", options.counting)
@options.sizes
@options.mtp
@options.gathered("use", options.reach)
@options.anyway
@click.option("--rank", is_flag=True, help="The operators that take longest first.")
@options.as_json
@options.plot
@options.output
def roofline(
    model: str,
    machines: dict[str, Any],
    batch: dict[str, Any],
    counting: dict[str, Any],
    sizes: tuple[tuple[str, int], ...],
    mtp: bool,
    use: dict[str, Any],
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

    used = platforms(machines, use)
    plots.check(plot, len(used))
    step = {**step_of(**batch), **formats}
    asked = queries(step["new"], step["cached"], step["batch_size"])
    config, architecture = described(model, sizes, mtp)
    precision(config, architecture, True, **formats)
    from symroof import rooflines
    from symroof.crossings import crossovers
    from symroof.model import Model
    from symroof.render import roofline as rendered
    from symroof.report import several

    loaded, count = Model(config, architecture), sum(x.count for x in asked)
    mean = sum(x.cached * x.count for x in asked) // count

    def at(where: "Platform", asked: Mapping[str, Any]) -> Any:
        return rooflines.roofline(loaded, where, anyway=anyway, **counting, **asked)

    found, failed = each(used, lambda x: at(x, step))
    if plot:
        from symroof.plots import roofline as drawn
        from symroof.plots.steps import with_counterpart

        steps = [with_counterpart(x, step, at) for x in found]
        keep(plots.encoded(lambda: drawn.figure(steps), plot), plot)
    found = [x.ranked for x in found] if rank else found
    folded = 0 if output else width()
    if len(used) > 1:
        text = rendered.side_by_side(found, told(failed), folded)
        shown: dict[str, Any] = several("rooflines", found, failed)
    else:
        crossed = crossovers(loaded, used[0], mean, count, **(counting | formats))
        text = rendered.render(found[0], folded, crossed)
        shown = {**found[0].to_dict(), "crossovers": [x.to_dict() for x in crossed]}
    write(json.dumps(shown, indent=2) + "\n" if as_json else text, output)


@click.command(cls=Command, example="symroof serve llama-3.1-8b --on h200-sxm --prompt 2000 --output-tokens 500")
@options.model
@options.gathered("machines", options.on)
@options.workload
@options.drafting
@options.money
@options.precision
@options.rules
@options.sizes
@options.gathered("use", options.reach)
@options.anyway
@options.as_json
@options.plot
@options.output
def serve(
    model: str,
    machines: dict[str, Any],
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
    use: dict[str, Any],
    anyway: bool,
    as_json: bool,
    plot: str | None,
    output: str | None,
    **formats: str | None,
) -> None:
    """Time to first token, time per token, throughput, energy and price of a served batch."""
    from symroof.precision import precision
    from symroof.queries import Workload

    used = platforms(machines, {**use, "joules": (joules_per_flop, joules_per_byte)})
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
    from symroof.report import several
    from symroof.schedule import Draft

    drafter = Draft(Model(*proposing), draft_tokens, acceptance) if proposing and acceptance is not None else None
    loaded = Model(config, architecture)
    found, failed = each(used, lambda x: serving.serve(loaded, x, work, rules, drafter, price, anyway, **formats))
    if plot:
        from symroof.plots import serving as drawn

        curves = [drawn.curve(x, **formats) for x in found]
        keep(plots.encoded(lambda: drawn.figure(curves, drawn.heading(found[0], len(used))), plot), plot)
    folded = 0 if output else width()
    text = "\n".join([*(rendered.render(x, folded) for x in found), *told(failed)])
    shown = found[0].to_dict() if len(used) == 1 else several("servings", found, failed)
    write(json.dumps(shown, indent=2) + "\n" if as_json else text, output)


@click.command(cls=Command, example="symroof fit llama-3.1-8b --on l40s --context 32768")
@options.model
@options.gathered("machines", options.on)
@click.option("--context", type=click.IntRange(1, LARGEST), metavar="N",
              help="Tokens in the cache after the step: solve for the batch.")  # fmt: skip
@click.option("--batch-size", type=click.IntRange(1, LARGEST), metavar="N",
              help="Queries: solve for the context; with --context for the number of machines.")  # fmt: skip
@options.precision
@options.gathered("counting", options.counting)
@options.sizes
@options.mtp
@options.as_json
@options.output
def fit(
    model: str,
    machines: dict[str, Any],
    context: int | None,
    batch_size: int | None,
    counting: dict[str, Any],
    sizes: tuple[tuple[str, int], ...],
    mtp: bool,
    as_json: bool,
    output: str | None,
    **formats: str | None,
) -> None:
    """The largest batch, the longest context or the fewest machines that memory has room for."""
    from symroof.precision import precision

    used = chosen(**machines)
    config, architecture = described(model, sizes, mtp)
    precision(config, architecture, True, **formats)
    from symroof import fitting
    from symroof.demand import demand
    from symroof.model import Model
    from symroof.render import fit as rendered
    from symroof.report import several

    kept = demand(Model(config, architecture), **(counting | formats))
    found, failed = each(used, lambda x: fitting.fitted(kept, x, context, batch_size))
    folded = 0 if output else width()
    if len(used) > 1:
        text = rendered.side_by_side(found, told(failed), folded)
        shown = several("fits", found, failed)
    else:
        text, shown = rendered.render(found[0], folded), found[0].to_dict()
    write(json.dumps(shown, indent=2) + "\n" if as_json else text, output)
