"""The command line. The symbolic half is imported inside commands."""

import os
import sys
from typing import TYPE_CHECKING, Any

import click

from symroof import __version__, asking, counts, deriving, options, running
from symroof.errors import ConfigError, shorten
from symroof.options import Command, described, listed, step_of
from symroof.render import FORMS, FORMULA_FORMS
from symroof.terminal import listing, show, width, write

if TYPE_CHECKING:
    from symroof.model import Model

SECTIONS = {
    "What a step costs": ("report", "compare"),
    "What a machine makes of it": ("roofline", "serve", "fit"),
    "Why it costs that": ("formula", "solve", "knobs", "limits", "conventions", "audit"),
    "What is known": ("models", "machines", "families", "symbols", "rules"),
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
                        formatter.write(f"{'':{formatter.current_indent}}{label:<13}{line}\n")


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
@options.gathered("batch", options.batch)
@options.precision
@options.counting
@options.sizes
@options.mtp
@click.option("--against", type=options.RULES, metavar="NAME,...", help="Count by these rules too; say what differs.")
@click.option("--format", "form", type=options.one_of(*FORMS),
              default="table", show_default=True)  # fmt: skip
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
    from symroof.precision import precision

    form = "json" if as_json else form
    if against and form not in ("table", "json"):
        raise click.UsageError(f"--against is printed as table or json, not as {form}.")
    step = {**step_of(**batch), "logits": logits, **formats}  # mistakes are told before sympy is imported
    config, architecture = described(model, sizes, mtp)
    precision(config, architecture, True, **formats)
    from symroof.model import Model

    loaded = Model(config, architecture)
    if against is None:
        show(loaded.report(rules=rules, **step), form, output)
    else:
        compare(loaded, rules, against, step, form, output)


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
@click.option("--free", multiple=True, metavar="NAME,...",
              help="Functions of these symbols, all else bound: B,n,c for a batch of B queries of n new and c "
                   "cached tokens.")  # fmt: skip
@click.option("--uniform", is_flag=True, help="Write the batch as B queries of n new and c cached tokens.")
@click.option("--bind", is_flag=True, help="Put the model's sizes in and leave the batch open.")
@options.precision
@options.counting
@options.sizes
@options.mtp
@click.option("--format", "form", type=options.one_of(*FORMULA_FORMS),
              default="text", show_default=True)  # fmt: skip
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
    from symroof.formula import USUAL
    from symroof.functions import exported, unbound
    from symroof.model import Model
    from symroof.render import symbolic

    op, loaded = op.lower(), Model(config, architecture)
    names, kept = listed(quantity) or USUAL, listed(free)
    if kept:
        found = exported(loaded, names, op, rules, logits, kept, uniform, **formats)
    else:
        found = unbound(loaded, names, op, rules, logits, uniform, bind)
    write(symbolic.render(found, form, 0 if output else width(), uniform or bind or bool(kept)), output)


@cli.command("compare", cls=Command, example="symroof compare llama-3.1-8b qwen3-8b --cached-tokens 8192")
@click.argument("models", type=options.ModelName(), nargs=-1, required=True)
@click.option("--symbolic", is_flag=True, help="What makes the second of two models cost more: closed forms by cause.")
@click.option("--quantity", multiple=True, metavar="NAME,...", help="Of which quantities, with --symbolic.")
@options.gathered("batch", options.batch)
@options.precision
@options.gathered("counting", options.counting)
@options.as_json
@options.output
def side_by_side(
    models: tuple[str, ...],
    symbolic: bool,
    quantity: tuple[str, ...],
    batch: dict[str, Any],
    counting: dict[str, Any],
    as_json: bool,
    output: str | None,
    **formats: str | None,
) -> None:
    """Several models on one batch: parameters, FLOP, bytes, cache and storage side by side."""
    import json

    if quantity and not symbolic:
        raise click.UsageError("--quantity goes with --symbolic.")
    step = {**step_of(**batch), **counting}
    if symbolic:
        deriving.differences(models, quantity, {**step, **formats}, as_json, output)
        return
    configs = [described(name, ()) for name in models]
    from symroof.lineup import lineup
    from symroof.model import Model
    from symroof.render.lineup import render

    found = lineup([Model(*x) for x in configs], **step, **formats)
    write(json.dumps(found.to_dict(), indent=2) + "\n" if as_json else render(found, 0 if output else width()), output)


@cli.command("audit", cls=Command, example="symroof audit llama-4-scout")
@options.model
@options.mtp
@options.as_json
def audited(model: str, mtp: bool, as_json: bool) -> None:
    """What a result takes of each key of a config: used, filled in by default, or left aside and why."""
    from symroof.audit import audit

    found = audit(*described(model, (), mtp))
    if as_json:
        listing(("key", "value", "status", "reason"), [(x.key, x.value, x.status, x.reason) for x in found], True)
    else:
        from symroof.render.audit import table

        write(table(found, width()), None)
    if unknown := [x.key for x in found if x.status == "unknown"]:
        told = f"{len(unknown)} of {len(found)} keys are not understood: {shorten(', '.join(unknown), 200)}"
        raise ConfigError(f"{told}; what they would change is not in any figure")


@cli.command(cls=Command, example="symroof models --family llama")
@click.option("--family", default="", metavar="NAME", help="Only models of this family.")
@options.as_json
def models(family: str, as_json: bool) -> None:
    """Built-in models: parameters, layers, context, attention, cache, and where their configs are from."""
    from symroof.listing import FIGURES, rows

    found = rows(family)
    if as_json:
        listing(FIGURES, found, True)
        return
    from symroof.render.models import table

    write(table(found, width()), None)


@cli.command(cls=Command, example="symroof families")
@options.as_json
def families(as_json: bool) -> None:
    """The model types whose configs can be read."""
    from symroof.models import FAMILIES
    from symroof.models.refused import REFUSED
    from symroof.models.wrappers import WRAPPERS

    kinds = {
        "text": [(name, "") for name in FAMILIES if name not in WRAPPERS],
        "multimodal": [(name, "its text part") for name in FAMILIES if name in WRAPPERS],
        "not covered": list(REFUSED.items()),
    }
    if as_json:
        rows = [(name, kind, why) for kind, found in kinds.items() for name, why in sorted(found)]
        listing(("model_type", "kind", "about"), rows, True)
        return
    from symroof.render.columns import hanging

    named = [(f"{kind} ({len(found)})", ", ".join(sorted(name for name, _ in found))) for kind, found in kinds.items()]
    write(hanging(named, width() or 100), None)


@cli.command("machines", cls=Command, example="symroof machines --vendor nvidia")
@click.option("--vendor", default="", metavar="NAME", help="Only machines of this vendor.")
@options.as_json
def accelerators(vendor: str, as_json: bool) -> None:
    """Accelerators and CPUs: dense peaks, memory, bandwidth, link, power; sources with --json."""
    import json

    from symroof.machines import of_vendor
    from symroof.render.machines import table

    found = of_vendor(vendor)
    write(json.dumps([x.to_dict() for x in found], indent=2) + "\n" if as_json else table(found, width()), None)


@cli.command(cls=Command, example="symroof symbols")
@options.as_json
def symbols(as_json: bool) -> None:
    """Every symbol that can occur in a formula."""
    from symroof.symbols import VOCABULARY

    rows = [(name, x.group, x.meaning, x.unit, " ".join(x.keys)) for name, x in VOCABULARY.items()]
    listing(("symbol", "group", "meaning", "unit", "config keys"), rows, as_json)


@cli.command(cls=Command, example="symroof rules")
@options.as_json
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


cli.add_command(running.roofline)
cli.add_command(running.serve)
cli.add_command(running.fit)
cli.add_command(asking.solve)
cli.add_command(deriving.knobs)
cli.add_command(deriving.limits)
cli.add_command(counts.conventions)


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
