"""The command that serves a batch from prompt to last token. The symbolic half is imported inside it."""

import json
from fractions import Fraction
from typing import Any

import click

from symroof import plots
from symroof.cli import options
from symroof.cli.machine_options import each, platforms, told
from symroof.cli.options import Command, described
from symroof.cli.terminal import keep, width, write


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
    from symroof.cost.batch import Workload
    from symroof.quantization.precision import precision

    used = platforms(machines, {**use, "joules": (joules_per_flop, joules_per_byte)})
    plots.check(plot, len(used), output_tokens)
    work = Workload(prompt, output_tokens, batch_size, cached_tokens, chunk)
    if (draft is None) != (acceptance is None):
        raise click.UsageError("--draft and --acceptance go together: give the draft model and what is accepted of it.")
    config, architecture = described(model, sizes)
    precision(config, architecture, True, **formats)
    proposing = described(draft, ()) if draft else None
    from symroof.model.model import Model
    from symroof.model.report import several
    from symroof.performance import serving
    from symroof.performance.decode_steps import Draft
    from symroof.render.results import serving as rendered

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
