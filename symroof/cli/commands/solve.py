"""The command that solves comparisons. The symbolic half is imported inside it."""

from typing import Any

import click

from symroof.cli import options
from symroof.cli.options import Command, described
from symroof.cli.terminal import answer

GIVEN = {"batch_size": ("B", "batch"), "input_tokens": ("n", "new"), "cached_tokens": ("c", "cached")}


@click.command(cls=Command, example='symroof solve llama-3.1-8b --for batch "storage <= 80 GiB" --cached-tokens 32768')
@options.model
@click.argument("question")
@click.option(
    "--for",
    "unknown",
    required=True,
    metavar="NAME",
    help="What to solve for: batch, new, cached, or a symbol: d, L, W, b_c, ...",
)
@click.option("--cached-tokens", type=int, metavar="N", help="Tokens in the cache of each query.  [default: 0]")
@click.option("--input-tokens", type=int, metavar="N", help="New tokens of each query.  [default: 1]")
@click.option("--batch-size", type=int, metavar="N", help="Queries.  [default: 1]")
@click.option(
    "--hold",
    multiple=True,
    metavar="RATIO,...",
    help="Ratios of sizes that stay: with --for d, f/d,H_q*h/d changes f and H_q too.",
)
@options.inline
@click.option("--machine-file", type=click.Path(), metavar="FILE", help="A TOML file of machines with those keys.")
@options.gathered("use", options.reach)
@options.precision
@options.gathered("counting", options.counting)
@options.sizes
@options.mtp
@options.as_json
@options.output
def solve(
    model: str,
    question: str,
    unknown: str,
    cached_tokens: int | None,
    input_tokens: int | None,
    batch_size: int | None,
    hold: tuple[str, ...],
    inline: tuple[str, ...],
    machine_file: str | None,
    use: dict[str, Any],
    counting: dict[str, Any],
    sizes: tuple[tuple[str, int], ...],
    mtp: bool,
    as_json: bool,
    output: str | None,
    **formats: str | None,
) -> None:
    """For which batch, context or size a comparison holds: the number, and the equation that it solves.

    QUESTION compares two sums of quantities: flops, bytes, weight_bytes, cache_bytes, parameters, storage, intensity,
    ... (`symroof formula --quantity` has all), of the step or of an operator: flops(mlp/down); symbols (`symroof
    symbols`), batch, new and cached; numbers with units: 80 GiB, 3.35 TB/s, 5 ms; min, max, floor, ceil, log, sqrt;
    of a machine, or of N: time(h100-sxm, N), time(...).bound = compute, energy(...), memory(...), bandwidth(...),
    peak(h100-sxm, bf16).
    """
    from symroof.cost.batch import queries
    from symroof.hardware.machines import from_file
    from symroof.hardware.machines import inline as of_text
    from symroof.quantization.precision import precision
    from symroof.solving.parser import comparison

    given = {"batch_size": batch_size, "input_tokens": input_tokens, "cached_tokens": cached_tokens}
    for name, value in given.items():
        if value is not None and unknown in GIVEN[name]:
            raise click.UsageError(f"--{name.replace('_', '-')} is what is solved for: leave it out.")
    comparison(question)  # mistakes are told before sympy is imported
    step: dict[str, Any] = {
        "new": 1 if input_tokens is None else input_tokens,
        "cached": cached_tokens or 0,
        "batch_size": 1 if batch_size is None else batch_size,
    }
    queries(**step)
    config, architecture = described(model, sizes, mtp)
    precision(config, architecture, True, **formats)
    own = [*(from_file(machine_file).values() if machine_file else ()), *map(of_text, inline)]
    from symroof.model.model import Model
    from symroof.render.results.solution import render
    from symroof.solving import solve as solving

    asked: dict[str, Any] = {**step, **formats, **counting}
    found = solving.solve(Model(config, architecture), question, unknown, hold=hold, machines=own, use=use, **asked)
    answer(found, render, as_json, output)
