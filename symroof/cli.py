"""The command line. The symbolic half is imported inside commands."""

import os
import sys
from itertools import chain
from typing import TYPE_CHECKING, Any

import click

from symroof import __version__, options
from symroof.options import Command
from symroof.render import FORMS
from symroof.terminal import listing, show, width, write

if TYPE_CHECKING:
    from symroof.architecture import Architecture
    from symroof.config import Config
    from symroof.model import Model

SECTIONS = {
    "What a step costs": ("report",),
    "Why it costs that": ("formula",),
    "What is known": ("models", "symbols", "rules"),
}


class Group(click.Group):
    """Commands in titled sections, each with one line and one example."""

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The sections of the help."""
        for title, names in SECTIONS.items():
            with formatter.section(title):
                for name in names:
                    command = self.commands[name]
                    for label, line in ((name, command.get_short_help_str(90)), ("", f"$ {_example(command)}")):
                        formatter.write(f"{'':{formatter.current_indent}}{label:<9}{line}\n")


def _example(command: click.Command) -> str:
    return command.example if isinstance(command, Command) else ""


@click.group(
    cls=Group,
    epilog='Completion for bash: eval "$(_SYMROOF_COMPLETE=bash_source symroof)"; zsh and fish alike.',
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.version_option(__version__, prog_name="symroof")
def cli() -> None:
    """What a transformer language model costs, and why: the formula and the number.

    MODEL is a built-in name (`symroof models`), the path of a config.json or its directory, or a hub id
    (org/name or org/name@revision).
    """


@cli.command(cls=Command, example="symroof report llama-3.1-8b --cached-tokens 2048 --input-tokens 1")
@options.model
@options.batch
@options.precision
@options.counting
@options.sizes
@click.option("--against", type=options.RULES, metavar="NAME,...", help="Count by these rules too; say what differs.")
@click.option("--format", "form", type=options.one_of(*FORMS),
              default="table", show_default=True)  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="Short for --format json.")
@options.output
def report(
    model: str,
    cached_tokens: tuple[list[int], ...],
    input_tokens: tuple[list[int], ...],
    batch_size: int | None,
    rules: str,
    logits: str | None,
    sizes: tuple[tuple[str, int], ...],
    against: str | None,
    form: str,
    as_json: bool,
    output: str | None,
    **formats: str | None,
) -> None:
    """FLOP, bytes, intensity and storage of one step, operator by operator."""
    from symroof.precision import precision
    from symroof.queries import queries

    form = "json" if as_json else form
    if against and form not in ("table", "json"):
        raise click.UsageError(f"--against is printed as table or json, not as {form}.")
    new, cached = [*chain(*input_tokens)] or [1], [*chain(*cached_tokens)] or [0]
    queries(new, cached, batch_size)  # mistakes are told before sympy is imported: of the batch, the model, formats
    config, architecture = described(model, sizes)
    precision(config, **formats)
    from symroof.model import Model

    loaded = Model(config, architecture)
    step: dict[str, Any] = {"new": new, "cached": cached, "batch_size": batch_size, "logits": logits, **formats}
    if against is None:
        show(loaded.report(rules=rules, **step), form, output)
    else:
        compare(loaded, rules, against, step, form, output)


def described(name: str, sizes: tuple[tuple[str, int], ...]) -> "tuple[Config, Architecture]":
    """The model's config, and its architecture with the sizes that were set; needs no sympy."""
    from symroof import models
    from symroof.config import load_config

    config = load_config(name)
    return config, models.read(config).with_sizes(dict(sizes))


def compare(model: "Model", rules: str, against: str, step: dict[str, Any], form: str, output: str | None) -> None:
    """Both sets of rules side by side."""
    import json

    from symroof.render import comparison

    found = model.against(against, rules=rules, **step)
    text = json.dumps(found.to_dict(), indent=2) + "\n" if form == "json" else comparison.render(found, width())
    write(text, output)


@cli.command(cls=Command, example="symroof formula llama-4-scout --op moe/experts.gate_up --format latex")
@options.model
@click.option("--quantity", multiple=True, metavar="NAME,...", help="Quantities to print.  [default: the usual seven]")
@click.option("--op", default="", metavar="PATH", help="One layer of a block or operator, such as mlp or mlp/down.")
@click.option("--uniform", is_flag=True, help="Write the batch as B queries of n new and c cached tokens.")
@click.option("--bind", is_flag=True, help="Put the model's sizes in and leave the batch open.")
@options.counting
@options.sizes
@click.option("--format", "form", type=options.one_of("text", "latex", "markdown", "python"),
              default="text", show_default=True)  # fmt: skip
@options.output
def formula(
    model: str,
    quantity: tuple[str, ...],
    op: str,
    uniform: bool,
    bind: bool,
    rules: str,
    logits: str | None,
    sizes: tuple[tuple[str, int], ...],
    form: str,
    output: str | None,
) -> None:
    """Closed forms of FLOP, bytes, parameters and cache, and what each symbol means."""
    config, architecture = described(model, sizes)
    from symroof.formula import USUAL
    from symroof.model import Model
    from symroof.render import symbolic

    op, loaded = op.lower(), Model(config, architecture)
    names = [x.strip() for text in quantity for x in text.split(",") if x.strip()] or USUAL
    found = [loaded.formula_parts(x, op, rules, logits, uniform, bind) for x in names]
    heading = f"{loaded.name} ({loaded.family})" + (f", one layer of {op}" if op else "")
    folded = 0 if output else width()
    text = {
        "text": lambda: symbolic.as_text(loaded, heading, found, rules, logits, folded, uniform or bind),
        "latex": lambda: symbolic.as_latex(found),
        "markdown": lambda: symbolic.as_markdown(loaded, heading, found, rules, logits),
        "python": lambda: symbolic.as_python(heading, found),
    }[form]()
    write(text, output)


json_flag = click.option("--json", "as_json", is_flag=True, help="Print JSON.")


@cli.command(cls=Command, example="symroof models")
@json_flag
def models(as_json: bool) -> None:
    """Built-in models and the families whose configs can be read."""
    from symroof.config import catalogue, load_config
    from symroof.models import FAMILIES, read

    rows = []
    for name, entry in catalogue().items():
        config = load_config(name)
        architecture = read(config)
        sizes = ", ".join(f"{symbol}={architecture.sizes[symbol]}" for symbol in ("L", "d", "H_q", "H_kv", "V"))
        rows.append((name, architecture.family, sizes, config.dtype(), entry["source"]))
    listing(("model", "family", "sizes", "dtype", "source"), rows, as_json)
    if not as_json:
        write(f"\nA config.json is read when its model_type is one of: {', '.join(FAMILIES)}", None)


@cli.command(cls=Command, example="symroof symbols")
@json_flag
def symbols(as_json: bool) -> None:
    """Every symbol that can occur in a formula."""
    from symroof.symbols import VOCABULARY

    rows = [(name, x.group, x.meaning, x.unit, " ".join(x.keys)) for name, x in VOCABULARY.items()]
    listing(("symbol", "group", "meaning", "unit", "config keys"), rows, as_json)


@cli.command(cls=Command, example="symroof rules")
@json_flag
def rules(as_json: bool) -> None:
    """Counting rules: whole sets, and variants that change one choice."""
    from symroof.rulebook import RULEBOOK

    rows = [(name, "set" if x.base else "variant", x.meaning, x.source) for name, x in RULEBOOK.items()]
    if as_json:
        listing(("rule", "kind", "meaning", "source"), rows, as_json)
        return
    from symroof.render.columns import hanging

    for kind in ("set", "variant"):
        named = [(name, f"{meaning} ({source})") for name, k, meaning, source in rows if k == kind]
        write(f"{kind}s\n{hanging(named, width() or 100)}", None)


def main() -> None:
    """Run the command line; what the terminal cannot show is replaced, never a traceback."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")
    try:
        cli(prog_name="symroof")
    except OSError as error:  # a full disk behind the pipe; click sees to a closed one
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # what is still buffered has nowhere to go
        sys.exit(f"Error: output cannot be written: {error.strerror}")
