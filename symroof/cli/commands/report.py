"""The command that prices one step. The symbolic half is imported inside it."""

import json
from typing import TYPE_CHECKING, Any

import click

from symroof.cli import options
from symroof.cli.options import Command, described, step_of
from symroof.cli.terminal import show, width, write
from symroof.render import FORMS

if TYPE_CHECKING:
    from symroof.model.model import Model


@click.command(cls=Command, example="symroof report llama-3.1-8b --cached-tokens 2048 --input-tokens 1")
@options.model
@options.gathered("batch", options.batch)
@options.precision
@options.counting
@options.sizes
@options.mtp
@click.option("--against", type=options.RULES, metavar="NAME,...", help="Count by these rules too; say what differs.")
@click.option("--format", "form", type=options.one_of(*FORMS), default="table", show_default=True)
@click.option("--json", "as_json", is_flag=True, help="Short for --format json.")
@options.output
def report(
    model: str,
    batch: dict[str, Any],
    rules: str,
    logits: str | None,
    sizes: tuple[tuple[str, int], ...],
    mtp: bool,
    against: str | None,
    form: str,
    as_json: bool,
    output: str | None,
    **formats: str | None,
) -> None:
    """FLOP, bytes, intensity and storage of one step, operator by operator."""
    from symroof.quantization.precision import precision

    form = "json" if as_json else form
    if against and form not in ("table", "json"):
        raise click.UsageError(f"--against is printed as table or json, not as {form}.")
    step = {**step_of(**batch), "logits": logits, **formats}  # mistakes are told before sympy is imported
    config, architecture = described(model, sizes, mtp)
    precision(config, architecture, True, **formats)
    from symroof.model.model import Model

    loaded = Model(config, architecture)
    if against is None:
        show(loaded.report(rules=rules, **step), form, output)
    else:
        compare(loaded, rules, against, step, form, output)


def compare(model: "Model", rules: str, against: str, step: dict[str, Any], form: str, output: str | None) -> None:
    """Both sets of rules side by side."""
    from symroof.render.results import rules_diff

    found = model.against(against, rules=rules, **step)
    text = json.dumps(found.to_dict(), indent=2) + "\n" if form == "json" else rules_diff.render(found, width())
    write(text, output)
