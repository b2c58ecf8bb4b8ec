"""The command that prints closed forms. The symbolic half is imported inside it."""

import click

from symroof.cli import options
from symroof.cli.options import Command, described, listed
from symroof.cli.terminal import width, write
from symroof.render import FORMULA_FORMS


@click.command(cls=Command, example="symroof formula llama-4-scout --op moe/experts.gate_up --format latex")
@options.model
@click.option("--quantity", multiple=True, metavar="NAME,...", help="Quantities to print.  [default: the usual seven]")
@click.option("--op", default="", metavar="PATH", help="One layer of a block or operator, such as mlp or mlp/down.")
@click.option(
    "--free",
    multiple=True,
    metavar="NAME,...",
    help="Functions of these symbols, all else bound: B,n,c for a batch of B queries of n new and c cached tokens.",
)
@click.option("--uniform", is_flag=True, help="Write the batch as B queries of n new and c cached tokens.")
@click.option("--bind", is_flag=True, help="Put the model's sizes in and leave the batch open.")
@options.precision
@options.counting
@options.sizes
@options.mtp
@click.option("--format", "form", type=options.one_of(*FORMULA_FORMS), default="text", show_default=True)
@options.output
def formula(
    model: str,
    quantity: tuple[str, ...],
    op: str,
    free: tuple[str, ...],
    uniform: bool,
    bind: bool,
    rules: str,
    logits: str | None,
    sizes: tuple[tuple[str, int], ...],
    mtp: bool,
    form: str,
    output: str | None,
    **formats: str | None,
) -> None:
    """Closed forms of FLOP, bytes, parameters and cache, and what each symbol means."""
    config, architecture = described(model, sizes, mtp)
    given = [f"--{role}" for role, name in formats.items() if name]
    if given and not free:
        raise click.UsageError(f"{given[0]} binds widths, which only --free does: add it, such as --free B,n,c.")
    from symroof.cost.quantities import USUAL
    from symroof.export import forms
    from symroof.export.functions import exported, unbound
    from symroof.model.model import Model

    op, loaded = op.lower(), Model(config, architecture)
    names, kept = listed(quantity) or USUAL, listed(free)
    if kept:
        found = exported(loaded, names, op, rules, logits, kept, uniform, **formats)
    else:
        found = unbound(loaded, names, op, rules, logits, uniform, bind)
    write(forms.render(found, form, 0 if output else width(), uniform or bind or bool(kept)), output)
