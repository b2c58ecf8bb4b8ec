"""Command-line pieces that every command shares: option types, option groups, the help's layout."""

import re
from collections.abc import Callable, Sequence
from fractions import Fraction
from functools import wraps
from itertools import chain
from typing import TYPE_CHECKING, Any

import click

from symroof.cost.rule_names import RULEBOOK, select
from symroof.dtypes import BITS, canonical
from symroof.errors import SymroofError, shorten

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

    from symroof.architecture.structure import Architecture
    from symroof.config.config import Config

NUMBERS = re.compile(r"[-+]?[\d.][\d.,_eE+-]*")
Decorator = Callable[[Any], Any]


class Failure(click.ClickException):
    """A SymroofError as click reports it: one line on stderr and the error's exit code."""

    def __init__(self, error: SymroofError) -> None:
        super().__init__(str(error))
        self.exit_code = error.exit_code  # type: ignore[misc]  # click declares it on the class


class Command(click.Command):
    """A command with an example; options of type TOKENS take all numbers up to the next word."""

    def __init__(self, *args: Any, example: str = "", **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.example = example

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Join `--cached-tokens 1 2 3` to one value before click parses."""
        names = {name for x in self.params if isinstance(x.type, Tokens) for name in x.opts}
        try:
            return super().parse_args(ctx, joined(args, names))
        except click.UsageError as error:  # click quotes what was typed as it is
            raise click.UsageError(shorten(error.format_message(), 300), error.ctx) from error

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command; a SymroofError ends it in one line."""
        try:
            return super().invoke(ctx)
        except SymroofError as error:
            raise Failure(error) from error


def joined(args: Sequence[str], names: set[str]) -> list[str]:
    """The arguments with the values of each named option joined by commas, up to `--`."""
    out: list[str] = []
    rest = list(args)
    while rest:
        word = rest.pop(0)
        if word == "--":
            return [*out, word, *rest]
        out.append(word)
        name, equals, value = word.partition("=")
        if name in names:
            values = [value] if equals else []
            while rest and (NUMBERS.fullmatch(rest[0]) or (not values and not rest[0].startswith("--"))):
                values.append(rest.pop(0))
            out[-1:] = [name, ",".join(values)] if values else [name]
    return out


class Tokens(click.ParamType):
    """One or more whole numbers."""

    name = "integer ..."

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> list[int]:
        """The numbers in a comma-separated text."""
        if isinstance(value, list):
            return value
        parts = [x for x in str(value).split(",") if x]
        for part in parts or [""]:
            if not re.fullmatch(r"[-+]?\d+(_\d+)*", part) or len(part) > 40:
                self.fail(f"{shorten(part)!r} is no whole number.", param, ctx)
        return [int(part) for part in parts]


class Names(click.ParamType):
    """Names that a function checks; `known` completes them in the shell."""

    def __init__(self, name: str, known: Sequence[str], check: Callable[[str], Any]) -> None:
        self.name, self.known, self.check = name, known, check

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """The value, checked."""
        try:
            self.check(value)
        except SymroofError as error:
            self.fail(str(error), param, ctx)
        return str(value)

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> "list[CompletionItem]":
        """Known names that begin with what is typed, after the last comma."""
        from click.shell_completion import CompletionItem

        done, comma, last = incomplete.rpartition(",")
        return [CompletionItem(done + comma + name) for name in self.known if name.startswith(last.lower())]


class ModelName(click.ParamType):
    """A catalogue name, a path or a hub id."""

    name = "model"

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> "list[CompletionItem]":
        """Catalogue names, or files where none fits."""
        from click.shell_completion import CompletionItem

        from symroof.config.config import built_in

        names = [CompletionItem(name) for name in built_in() if name.startswith(incomplete.lower())]
        return names or [CompletionItem(incomplete, type="file")]


class MachineName(click.ParamType):
    """A machine's name, looked up when all that name machines are read."""

    name = "machine"

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> "list[CompletionItem]":
        """Names of built-in machines."""
        from click.shell_completion import CompletionItem

        from symroof.hardware.machines import catalogue as machines

        return [CompletionItem(name) for name in machines() if name.startswith(incomplete.lower())]


class Target(click.Path):
    """A file to write, or `-`."""

    def __init__(self) -> None:
        super().__init__(dir_okay=False, allow_dash=True)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """The path; an empty one is none."""
        if not value:
            self.fail("the name is empty: give a file.", param, ctx)
        return super().convert(value, param, ctx)


class Price(click.ParamType):
    """A price per hour of one machine."""

    name = "number/h"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Fraction:
        """The price, exactly."""
        if isinstance(value, Fraction):
            return value
        found = re.fullmatch(r"(\d{1,9}(?:\.\d{1,9})?)(?:/h)?", str(value))
        if not found:
            self.fail(f"{shorten(value)!r}: give what a machine costs an hour, such as 2.5/h.", param, ctx)
        return Fraction(found[1])


class Part(click.ParamType):
    """A part of a whole, from 0 to 1."""

    name = "part"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Fraction:
        """The part, exactly."""
        if isinstance(value, Fraction):
            return value
        if not re.fullmatch(r"0|1|1\.0*|0?\.\d{1,12}", str(value)):
            self.fail(f"{shorten(value)!r}: give a part from 0 to 1, such as 0.8.", param, ctx)
        return Fraction(value)


class Size(click.ParamType):
    """NAME=VALUE for a size of the model."""

    name = "name=value"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[str, int]:
        """The symbol's name and the number."""
        name, _, number = str(value).partition("=")
        if not re.fullmatch(r"\d{1,10}", number):
            self.fail(f"{shorten(value)!r}: give a symbol and a whole number, such as d=8192.", param, ctx)
        return name, int(number)


RULES = Names("rules", tuple(RULEBOOK), select)
FORMAT = Names("format", tuple(BITS), canonical)


def one_of(*names: str) -> click.Choice:
    """One of the names, in any case."""
    return click.Choice(names, case_sensitive=False)


def together(*decorators: Decorator) -> Decorator:
    """One decorator out of several, in the order they are listed in the help."""

    def decorate(function: Any) -> Any:
        for decorator in reversed(decorators):
            function = decorator(function)
        return function

    return decorate


def gathered(name: str, group: Decorator) -> Decorator:
    """The options of a group, handed to the command as one dict under that name."""

    def decorate(function: Any) -> Any:
        members = {x.name for x in group(lambda: None).__click_params__}

        @wraps(function)
        def call(**given: Any) -> Any:
            return function(**{name: {x: given.pop(x) for x in members}}, **given)

        return group(call)

    return decorate


def formats(role: str, meaning: str) -> Decorator:
    """An option that sets the format of a role."""
    return click.option(f"--{role}", type=FORMAT, help=meaning)


model = click.argument("model", type=ModelName())

batch = together(
    click.option(
        "--cached-tokens",
        type=Tokens(),
        multiple=True,
        metavar="N...",
        help="Tokens in the cache, one number a query or one for all.  [default: 0]",
    ),
    click.option(
        "--input-tokens",
        type=Tokens(),
        multiple=True,
        metavar="N...",
        help="New tokens to compute, one number a query or one for all.  [default: 1]",
    ),
    click.option("--batch-size", type=int, metavar="N", help="Queries; the lists repeat to fill it."),
)

precision = together(
    formats("dtype", "Format of everything: bf16, fp8, int4, mxfp4, ...  [default: the config's]"),
    formats("weights", "Format of all weights."),
    formats("experts", "Format of routed experts, where it differs."),
    formats("cache", "Format of cached keys and values."),
    formats("activations", "Format of activations."),
    formats("states", "Format of recurrent states.  [default: fp32]"),
)

rules = click.option(
    "--rules",
    type=RULES,
    default="standard",
    show_default=True,
    metavar="NAME,...",
    help="Counting rules; `symroof rules` lists them.",
)

counting = together(
    rules,
    click.option(
        "--logits", type=one_of("last", "all", "none"), help="Positions the head computes.  [default: the rules']"
    ),
)

inline = click.option(
    "--machine",
    "inline",
    multiple=True,
    metavar="KEY=VALUE,...",
    help="One of your own: peak=990e12,bandwidth=3.35TB/s,memory=80GiB. Keys: peak or bf16, fp8; "
    "vector, link, power, name.",
)

on = together(
    click.option(
        "--on",
        type=MachineName(),
        multiple=True,
        metavar="NAME",
        help="A machine: h100-sxm, mi300x, ...; `symroof machines` lists them. Repeat it for more.",
    ),
    inline,
    click.option(
        "--machine-file",
        type=click.Path(),
        metavar="FILE",
        help="Machines of a TOML file, a table each with those keys: all of them, or those that --on names.",
    ),
    click.option(
        "--gpus",
        type=click.IntRange(1, 10**6),
        default=1,
        show_default=True,
        metavar="N",
        help="So many of each: rates, memory and bandwidth add up, as under ideal tensor parallelism.",
    ),
)

reach = together(
    click.option(
        "--compute", type=FORMAT, help="Format all matmuls run in.  [default: the wider of what each multiplies]"
    ),
    click.option("--mfu", type=float, metavar="PART", help="Part of the peak FLOP/s that is reached: an estimate."),
    click.option("--mbu", type=float, metavar="PART", help="Part of the bandwidth that is reached: an estimate."),
    click.option(
        "--calibration",
        type=click.Path(),
        metavar="FILE",
        help="A TOML file with both by machine and class of operators: [h100-sxm.matmul] mfu = 0.7.",
    ),
    click.option(
        "--overhead",
        type=float,
        default=0,
        metavar="SECONDS",
        help="What launching an operator takes, such as 5e-6.  [default: 0]",
    ),
)

anyway = click.option("--anyway", is_flag=True, help="Print times of what does not fit the memory, too.")

workload = together(
    click.option("--prompt", type=int, required=True, metavar="N", help="Tokens of each query's prompt."),
    click.option("--output-tokens", type=int, required=True, metavar="N", help="Tokens that each query is answered."),
    click.option("--batch-size", type=int, default=1, show_default=True, metavar="N", help="Queries served together."),
    click.option(
        "--cached-tokens",
        type=int,
        default=0,
        metavar="N",
        help="Tokens of each prompt that are found in the cache.  [default: 0]",
    ),
    click.option(
        "--chunk",
        type=int,
        default=0,
        metavar="N",
        help="Tokens of each prompt that a step of the prefill takes.  [default: all]",
    ),
)

drafting = together(
    click.option("--draft", type=ModelName(), help="A draft model: speculative decoding."),
    click.option(
        "--draft-tokens",
        type=click.IntRange(1, 1000),
        default=4,
        show_default=True,
        metavar="N",
        help="What it proposes a round.",
    ),
    click.option("--acceptance", type=Part(), help="Part of them that is accepted, such as 0.8; needed with --draft."),
)

money = together(
    click.option("--price", type=Price(), help="Of one machine: 2.5/h; gives prices of a million tokens."),
    click.option("--joules-per-flop", type=float, metavar="J", help="Energy of a FLOP, such as 0.5e-12."),
    click.option(
        "--joules-per-byte",
        type=float,
        metavar="J",
        help="Energy of a byte moved, such as 30e-12.  [default of both: from power and peaks, a bound]",
    ),
)

sizes = click.option("--set", "sizes", type=Size(), multiple=True, help="Change a size of the model: --set d=8192.")

mtp = click.option("--mtp", is_flag=True, help="Count the layers that predict tokens further ahead, as a draft, too.")

plot = click.option("--plot", type=Target(), metavar="FILE", help="Draw it, too: FILE.png, FILE.svg or FILE.pdf.")

as_json = click.option("--json", "as_json", is_flag=True, help="Print JSON.")

output = click.option("-o", "--output", type=Target(), help="Write to a file; - is the terminal.")


def described(name: str, sizes: tuple[tuple[str, int], ...], mtp: bool = False) -> "tuple[Config, Architecture]":
    """The model's config, and its architecture with the sizes that were set; needs no sympy."""
    from symroof.config.config import load_config
    from symroof.families.registry import read

    config = load_config(name)
    return config, read(config, mtp).with_sizes(dict(sizes))


def step_of(
    cached_tokens: tuple[list[int], ...],
    input_tokens: tuple[list[int], ...],
    batch_size: int | None,
) -> dict[str, Any]:
    """The batch as functions take it; mistakes in it are told before sympy is imported."""
    from symroof.cost.batch import queries

    step: dict[str, Any] = {
        "new": [*chain(*input_tokens)] or [1],
        "cached": [*chain(*cached_tokens)] or [0],
        "batch_size": batch_size,
    }
    queries(**step)
    return step


def listed(texts: Sequence[str]) -> list[str]:
    """The names in texts that commas part, each once."""
    return list(dict.fromkeys(x.strip() for text in texts for x in text.split(",") if x.strip()))
