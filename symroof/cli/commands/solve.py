"""The command that solves comparisons. The symbolic half is imported inside it."""

from functools import partial
from typing import TYPE_CHECKING

import click

from symroof.cli import options
from symroof.cli.command import Command
from symroof.cli.settings import Settings
from symroof.cli.terminal import Output

if TYPE_CHECKING:
    from symroof.hardware.machines import Machine

# By parameter of the batch: its option, the names it is solved for by, and its default.
BATCH = {
    "new": ("--input-tokens", ("n", "new"), 1),
    "cached": ("--cached-tokens", ("c", "cached"), 0),
    "batch_size": ("--batch-size", ("B", "batch"), 1),
}


@click.command(
    "solve", cls=Command, example='symroof solve llama-3.1-8b --for batch "storage <= 80 GiB" --cached-tokens 32768'
)
@options.model
@click.argument("question")
@click.option(
    "--for",
    "unknown",
    required=True,
    metavar="NAME",
    help="What to solve for: batch, new, cached, a symbol (d, L, W, b_c, ...) or a key (hidden_size, ...).",
)
@options.uniform_batch
@click.option(
    "--hold",
    multiple=True,
    metavar="RATIO,...",
    help="Ratios of sizes held constant: with --for d, f/d,H_q*h/d changes f and H_q, too. L: the sum of all kinds of "
    "layers, with --for L_full.",
)
@options.custom_machines
@options.rates
@options.variant
@options.full
@options.output
def solve_command(
    settings: Settings, question: str, unknown: str, hold: tuple[str, ...], full: bool, output: Output
) -> None:
    """For which batch, context or size a comparison holds: the number, and the equation that it solves.

    QUESTION compares sums of quantities: flops, bytes, weight_bytes, cache_bytes, parameters, storage, intensity, ...
    (`symroof formula --quantity` has all), of the step or of an operator: flops(mlp/down); symbols (`symroof
    symbols`) or keys of the config, batch, new and cached; numbers with units: 80 GiB, 3.35 TB/s, 5 ms, 5000/s, 50%,
    10B for ten billion where bytes do not fit; min, max, floor, ceil, log, sqrt; of a machine, or of N: time(h100-sxm,
    N), time(...).bound = compute, energy(...), memory(...), bandwidth(...), peak(h100-sxm, bf16). Comparisons may be
    joined: `1 GiB <= cache_size <= 4 GiB and flops < 10B`.
    """
    from symroof.solving.parser import parse_question

    batch = known_batch(settings, unknown)
    parse_question(question)  # mistakes are reported before sympy is imported
    model, machines = settings.load_with_formats(), custom_machines(settings)
    from symroof.render.solution.conditions import conjunction_text
    from symroof.render.solution.text import solution_text
    from symroof.solving.conjunction import Conjunction
    from symroof.solving.solve import solve

    step = batch | settings.counting
    solution = solve(model, question, unknown, hold=hold, machines=machines, use=settings.rates, **step)
    if isinstance(solution, Conjunction):
        output.print_result(solution, partial(conjunction_text, full=full))
    else:
        output.print_result(solution, partial(solution_text, full=full))


def known_batch(settings: Settings, unknown: str) -> dict[str, int]:
    """The batch with its default values. Raises UsageError where the unknown is given."""
    from symroof.cost.batch import queries

    batch = settings.uniform_batch
    for name, (option, symbols, _) in BATCH.items():
        if batch[name] is not None and unknown in symbols:
            raise click.UsageError(f"{option} is the unknown, as --for says: leave it out.")
    known = {name: default if batch[name] is None else batch[name] for name, (_, _, default) in BATCH.items()}
    queries(**known)
    return known


def custom_machines(settings: Settings) -> "list[Machine]":
    """The machines of --machine-file and --machine."""
    from symroof.hardware.machines import inline_machine, machines_from_file

    path = settings["machine_file"]
    return [*(machines_from_file(path).values() if path else ()), *map(inline_machine, settings["inline"])]
