"""The command that counts one step. The symbolic half is imported inside it."""

import click

from symroof.cli import options
from symroof.cli.command import Command
from symroof.cli.option_types import RULES, one_of
from symroof.cli.output_form import form_of_article, json_or, output_form
from symroof.cli.settings import Settings
from symroof.cli.terminal import Output, print_report, write_text
from symroof.render.forms import REPORT_FORMS


@click.command("report", cls=Command, example="symroof report llama-3.1-8b --cached-tokens 2048 --input-tokens 1")
@options.step
@click.option("--against", type=RULES, metavar="NAME,...", help="Count by these rules, too, and explain differences.")
@click.option("--format", "form", type=one_of(*REPORT_FORMS), help="[default: by the ending of -o, else table]")
@click.option("--json", "as_json", is_flag=True, help="Short for --format json.")
@options.standalone
@options.output_path
def report_command(
    settings: Settings, against: str | None, form: str | None, as_json: bool, standalone: bool, path: str | None
) -> None:
    """FLOP, bytes, intensity and storage of one step, operator by operator."""
    form = output_form(path, form_of_article(json_or(form, as_json), standalone), REPORT_FORMS)
    if against and form not in ("table", "json"):
        raise click.UsageError(f"--against is printed as table or json, not as {form}.")
    step, model = settings.step(), settings.load_with_formats()
    if standalone:
        from symroof.render.report.latex import report_article

        write_text(report_article(model.report(**step)), path)
    elif against is None:
        print_report(model.report(**step), form, path)
    else:
        from symroof.render.results.rules_diff import comparison_text

        output = Output(form == "json", path)
        output.print_result(model.against(against, **step), comparison_text)
