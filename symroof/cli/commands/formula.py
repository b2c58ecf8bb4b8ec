"""The command that prints closed forms. The symbolic half is imported inside it."""

import click

from symroof.cli import options
from symroof.cli.command import Command
from symroof.cli.option_types import one_of
from symroof.cli.output_form import json_or, output_form
from symroof.cli.settings import Settings, split_names
from symroof.cli.terminal import print_warnings, terminal_width, write_text
from symroof.render.forms import FORMULA_FORMS


@click.command("formula", cls=Command, example="symroof formula llama-4-scout --op moe/experts.gate_up --format latex")
@options.model
@click.option("--quantity", multiple=True, metavar="NAME,...", help="Quantities to print.  [default: the usual seven]")
@click.option("--op", default="", metavar="PATH", help="One layer of a block or operator, such as mlp or mlp/down.")
@click.option(
    "--free",
    multiple=True,
    metavar="NAME,...",
    help="Functions of these symbols or keys, all others bound: B,n,c for a batch of B queries of n new and c cached "
    "tokens; d,L for sizes, where the layers of each kind follow L.",
)
@click.option("--uniform", is_flag=True, help="Write the batch as B queries of n new and c cached tokens.")
@click.option("--bind", is_flag=True, help="Substitute the model's sizes and leave the batch open.")
@options.variant
@click.option("--format", "form", type=one_of(*FORMULA_FORMS), help="[default: by the ending of -o, else text]")
@click.option("--json", "as_json", is_flag=True, help="Short for --format json.")
@options.output_path
def formula_command(
    settings: Settings,
    quantity: tuple[str, ...],
    op: str,
    free: tuple[str, ...],
    uniform: bool,
    bind: bool,
    form: str | None,
    as_json: bool,
    path: str | None,
) -> None:
    """Closed forms of FLOP, bytes, parameters and cache, and what each symbol means."""
    chosen = output_form(path, json_or(form, as_json), FORMULA_FORMS)
    model = settings.load()
    given = [f"--{role}" for role, name in settings.formats.items() if name]
    if given and not free:
        raise click.UsageError(f"{given[0]} binds widths, which only --free does: add it, such as --free B,n,c.")
    from symroof.cost.quantities import USUAL
    from symroof.export.forms import render_formulas
    from symroof.export.functions import bound_functions, unbound_functions

    what = split_names(quantity) or USUAL, op.lower(), settings["rules"], settings["logits"]
    if symbols := split_names(free):
        functions = bound_functions(model, *what, symbols, uniform, **settings.formats)
    else:
        functions = unbound_functions(model, *what, uniform, bind)
    width = 0 if path else terminal_width()
    write_text(render_formulas(functions, chosen, width, uniform or bind or bool(symbols)), path)
    print_warnings(model.warnings)
