"""The options that commands share, each declared once, and the stacks of them that commands repeat.

A stack passes its options to the command's function in one `settings`, or in one `output`.
"""

from collections.abc import Callable
from functools import wraps
from typing import Any

import click

from symroof.cli.option_types import (
    FORMAT,
    RULES,
    WEIGHTS,
    CheckedName,
    Count,
    HourlyPrice,
    MachineName,
    Measure,
    ModelName,
    OutputPath,
    SizeValue,
    TokenCounts,
    UnitFraction,
    one_of,
)
from symroof.cli.output_form import text_or_picture, text_output
from symroof.cli.settings import Settings
from symroof.units import JOULE, SECOND

Decorator = Callable[[Any], Any]


def stack(*options: Decorator) -> Decorator:
    """One decorator for several, in the order they have in the help."""

    def decorate(function: Any) -> Any:
        for option in reversed(options):
            function = option(function)
        return function

    return decorate


def collect(parameter: str, make: Callable[..., Any], *options: Decorator) -> Decorator:
    """A stack whose options reach the function in one `parameter`, which several stacks may add to."""
    group = stack(*options)

    def decorate(function: Any) -> Any:
        names: list[str] = []

        @wraps(function)
        def call(**values: Any) -> Any:
            collected = {**values.pop(parameter, {}), **{name: values.pop(name) for name in names}}
            return function(**values, **{parameter: make(**collected)})

        before = len(getattr(function, "__click_params__", ()))
        command = group(call)
        names += [x.name for x in command.__click_params__[before:]]  # click appends them
        return command

    return decorate


def settings(*options: Decorator) -> Decorator:
    """A stack of options that reach the function in `settings`."""
    return collect("settings", Settings, *options)


def number_option(name: str, meaning: str, **how: Any) -> Decorator:
    """An option that takes a number, N in the help."""
    return click.option(name, help=meaning, **{"type": Count(), "metavar": "N", **how})


def format_option(role: str, meaning: str, kind: CheckedName = FORMAT) -> Decorator:
    """An option that sets the format of a role."""
    return click.option(f"--{role}", type=kind, help=meaning)


# The model, and how it is counted.

model = settings(click.argument("model", type=ModelName()))
optional_model = settings(click.argument("model", type=ModelName(), required=False))

formats = settings(
    format_option("dtype", "Format of weights, activations and cache: bf16, fp8, ...  [default: the config's]"),
    format_option(
        "weights",
        "Format of weights: bf16, or what the matrices of the layers are quantised to: fp8, int4, awq, q4_k_m, ...",
        WEIGHTS,
    ),
    format_option("experts", "Format of the weights of routed experts, if different.", WEIGHTS),
    format_option("cache", "Format of cached keys and values."),
    format_option("activations", "Format of activations."),
    format_option("states", "Format of recurrent states.  [default: fp32]"),
)

rules = settings(
    click.option(
        "--rules",
        type=RULES,
        default="standard",
        show_default=True,
        metavar="NAME,...",
        help="Counting rules; `symroof rules` lists them.",
    )
)

counting = stack(
    rules,
    settings(
        click.option(
            "--logits",
            type=one_of("last", "all", "none"),
            help="Positions that logits are computed for.  [default: set by the rules]",
        )
    ),
)

sizes = settings(
    click.option(
        "--set",
        "sizes",
        type=SizeValue(),
        multiple=True,
        help="Change a size, by its symbol or key: --set d=8192, --set hidden_size=8192.",
    )
)

mtp = settings(
    click.option("--mtp", is_flag=True, help="Include the layers of multi-token prediction, run as a draft model.")
)

variant = stack(formats, counting, sizes, mtp)

# The step.

batch = settings(
    number_option(
        "--cached-tokens",
        "Cached tokens: one number per query, or one for all.  [default: 0]",
        type=TokenCounts(),
        metavar="N...",
        multiple=True,
    ),
    number_option(
        "--input-tokens",
        "New tokens to process: one number per query, or one for all.  [default: 1]",
        type=TokenCounts(),
        metavar="N...",
        multiple=True,
    ),
    number_option("--batch-size", "Number of queries; the lists repeat to fill it."),
)

uniform_batch = settings(
    number_option("--cached-tokens", "Cached tokens of each query.  [default: 0]"),
    number_option("--input-tokens", "New tokens of each query.  [default: 1]"),
    number_option("--batch-size", "Number of queries.  [default: 1]"),
)

workload = settings(
    number_option("--prompt", "Prompt tokens of each query.", required=True),
    number_option("--output-tokens", "Tokens generated for each query.", required=True),
    number_option("--batch-size", "Queries served together.", default=1, show_default=True),
    number_option("--cached-tokens", "Prompt tokens of each query that are cached already.  [default: 0]", default=0),
    number_option("--chunk", "Prompt tokens of each query per prefill step.  [default: all]", default=0),
)

drafting = settings(
    click.option("--draft", type=ModelName(), help="A draft model: speculative decoding."),
    number_option("--draft-tokens", "Tokens drafted per round.", type=Count(1, 1000), default=4, show_default=True),
    click.option(
        "--acceptance",
        type=UnitFraction(),
        help="Fraction of drafted tokens accepted, such as 0.8; needed with --draft.",
    ),
)

# The machines, and how they are used.

inline_machine = click.option(
    "--machine",
    "inline",
    multiple=True,
    metavar="KEY=VALUE,...",
    help="A custom machine: peak=990e12,bandwidth=3.35TB/s,memory=80GiB. Keys: peak or bf16, fp8; "
    "vector, link, power, name.",
)

custom_machines = settings(
    inline_machine,
    click.option("--machine-file", type=click.Path(), metavar="FILE", help="A TOML file of machines with those keys."),
)

machines = settings(
    click.option(
        "--on",
        type=MachineName(),
        multiple=True,
        metavar="NAME",
        help="A machine: h100-sxm, mi300x, ...; `symroof machines` lists them. Repeat it for more.",
    ),
    inline_machine,
    click.option(
        "--machine-file",
        type=click.Path(),
        metavar="FILE",
        help="A TOML file with a table of those keys for each machine: use all, or those that --on names.",
    ),
    number_option(
        "--gpus",
        "Number of devices of each machine: rates, memory and bandwidth add up, as in ideal tensor parallelism.",
        type=Count(1, 10**6),
        default=1,
        show_default=True,
    ),
)

rates = settings(
    click.option(
        "--compute", type=FORMAT, help="Format all matmuls run in.  [default: the wider of each matmul's operands]"
    ),
    click.option(
        "--mfu", type=UnitFraction(), metavar="PART", help="Fraction of peak FLOP/s achieved (MFU): gives an estimate."
    ),
    click.option(
        "--mbu",
        type=UnitFraction(),
        metavar="PART",
        help="Fraction of peak bandwidth achieved (MBU): gives an estimate.",
    ),
    click.option(
        "--calibration",
        type=click.Path(),
        metavar="FILE",
        help="A TOML file with MFU and MBU by machine and class of operators: [h100-sxm.matmul] mfu = 0.7.",
    ),
    click.option(
        "--overhead",
        type=Measure(SECOND, "5e-6 or 5us"),
        default=0,
        metavar="SECONDS",
        help="Launch time of an operator, such as 5us or 5e-6.  [default: 0]",
    ),
)

anyway = click.option("--anyway", is_flag=True, help="Print times even if the model does not fit into memory.")

full = click.option("--full", is_flag=True, help="Formulas in one piece, without names for the sums in them.")

costs = settings(
    click.option(
        "--price",
        "prices",
        type=HourlyPrice(),
        multiple=True,
        help="Price of one machine per hour: 2.5/h for all, NAME=2.5 for one, or as many as machines, in their order; "
        "gives prices per million tokens.",
    ),
    click.option(
        "--joules-per-flop",
        type=Measure(JOULE, "0.5e-12 or 0.5pJ"),
        metavar="J",
        help="Energy per FLOP, such as 0.5pJ.",
    ),
    click.option(
        "--joules-per-byte",
        type=Measure(JOULE, "30e-12 or 30pJ"),
        metavar="J",
        help="Energy per byte moved, such as 30pJ.  [default of both: full power while a unit is busy]",
    ),
)

# Whole openings of commands.

step = stack(model, batch, variant)
step_on_machines = stack(model, machines, batch, variant, rates)

# The output.

as_json = click.option("--json", "as_json", is_flag=True, help="Print JSON.")
standalone = click.option("--standalone", is_flag=True, help="LaTeX as an article that compiles by itself.")
output_path = click.option(
    "-o",
    "--output",
    "path",
    type=OutputPath(),
    help="Write to a file, in the form of its ending; - is standard output.",
)
plot = click.option("--plot", type=OutputPath(), metavar="FILE", help="Also draw it: FILE.png, FILE.svg or FILE.pdf.")
dark = click.option("--dark", is_flag=True, help="Draw it on a dark page.")

output = collect("output", text_output, as_json, output_path)
output_and_plot = collect("output", text_or_picture, as_json, plot, dark, output_path)
