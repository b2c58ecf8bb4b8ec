"""The command that prints closed forms. The symbolic half is imported inside it."""

from typing import TYPE_CHECKING

import click

from symroof.cli import options
from symroof.cli.command import Command
from symroof.cli.option_types import one_of
from symroof.cli.output_form import form_of_article, json_or, output_form
from symroof.cli.settings import Settings, split_names
from symroof.cli.terminal import print_warnings, terminal_width, write_text
from symroof.render.forms import FORMULA_FORMS

if TYPE_CHECKING:
    from symroof.hardware.platform import Platform


@click.command("formula", cls=Command, example="symroof formula llama-4-scout --op moe/experts.gate_up --format latex")
@options.model
@click.option("--quantity", multiple=True, metavar="NAME,...", help="Quantities to print.  [default: the usual seven]")
@click.option("--op", default="", metavar="PATH", help="One layer of a block or operator, such as mlp or mlp/down.")
@click.option(
    "--free",
    multiple=True,
    metavar="NAME,...",
    help="Functions of these symbols or keys, all others bound: B,n,c for a batch of B queries of n new and c cached "
    "tokens; d,L for sizes, where the layers of each kind follow L. With --on also rates of a machine, for time and "
    "energy.",
)
@click.option("--uniform", is_flag=True, help="Write the batch as B queries of n new and c cached tokens.")
@click.option("--bind", is_flag=True, help="Substitute the model's sizes and leave the batch open.")
@click.option(
    "--by", type=one_of("block", "operator", "symbol"), help="What formulas are grouped by.  [default: what reads best]"
)
@options.machines
@options.rates
@options.variant
@click.option("--format", "form", type=one_of(*FORMULA_FORMS), help="[default: by the ending of -o, else text]")
@click.option("--json", "as_json", is_flag=True, help="Short for --format json.")
@options.standalone
@options.output_path
def formula_command(
    settings: Settings,
    quantity: tuple[str, ...],
    op: str,
    free: tuple[str, ...],
    uniform: bool,
    bind: bool,
    by: str | None,
    form: str | None,
    as_json: bool,
    standalone: bool,
    path: str | None,
) -> None:
    """Closed forms of FLOP, bytes, parameters and cache, and what each symbol means.

    As code each quantity is a function MODEL[_OP]_QUANTITY[_on_MACHINE], such as llama_3_1_8b_flops, whose arguments
    are the symbols of --free in their order: by name in Python, numpy, JavaScript, TypeScript and Julia, by position in
    C and Rust. Symbols and steps have the same names in every language.
    """
    chosen = output_form(path, form_of_article(json_or(form, as_json), standalone), FORMULA_FORMS)
    model = settings.load()
    given = [f"--{role}" for role, name in settings.formats.items() if name]
    if given and not free:
        raise click.UsageError(f"{given[0]} binds widths, which only --free does: add it, such as --free B,n,c.")
    platform = chosen_platform(settings, bool(free))
    from symroof.cost.quantities import USUAL
    from symroof.export.forms import render_formulas
    from symroof.export.functions import bound_functions, unbound_functions

    what = split_names(quantity) or USUAL, op.lower(), settings["rules"], settings["logits"]
    if symbols := split_names(free):
        functions = bound_functions(model, *what, symbols, uniform, platform, **settings.formats)
    else:
        functions = unbound_functions(model, *what, uniform, bind)
    width = 0 if path else terminal_width()
    write_text(render_formulas(functions, chosen, width, uniform or bind or bool(symbols), by or "", standalone), path)
    print_warnings(model.warnings)


def chosen_platform(settings: Settings, binds: bool) -> "Platform | None":
    """The machine whose rates are bound. Raises click.UsageError where none are, or where it is not named."""
    used = [f"--{name}" for name, value in settings.rates.items() if value] + ["--gpus"] * (settings["gpus"] > 1)
    if used and not settings.has_machines:
        raise click.UsageError(f"{used[0]} is of a machine: name it, such as --on h100-sxm.")
    if settings.has_machines and not binds:
        raise click.UsageError("--on binds a machine's rates, which only --free does: add it, such as --free B,n,c.")
    return settings.platform()
