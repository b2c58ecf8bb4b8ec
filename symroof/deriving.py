"""Commands that derive from closed forms: knobs, limits, differences. Symbolic modules are imported inside commands."""

import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import click

from symroof import options
from symroof.errors import UsageError
from symroof.options import Command, described, listed, step_of
from symroof.running import platforms
from symroof.terminal import width, write

if TYPE_CHECKING:
    from symroof.platforms import Platform


def one_platform(machines: Mapping[str, Any], use: Mapping[str, Any]) -> "Platform | None":
    """The machine that was named, None where none was. Raises UsageError where several were."""
    if not (machines["on"] or machines["inline"] or machines["machine_file"]):
        return None
    found = platforms(machines, use)
    if len(found) > 1:
        raise UsageError(f"{len(found)} machines are named: closed forms are told of one at a time")
    return found[0]


@click.command(cls=Command, example="symroof knobs llama-3.1-8b --on h100-sxm --cached-tokens 8192 --batch-size 16")
@options.model
@options.gathered("machines", options.on)
@click.option("--quantity", metavar="NAME", help="Of flops, bytes, cache_size, ... instead of the time on a machine.")
@options.gathered("batch", options.batch)
@options.precision
@options.gathered("counting", options.counting)
@options.sizes
@options.mtp
@options.gathered("use", options.reach)
@options.anyway
@options.as_json
@options.output
def knobs(
    model: str,
    machines: dict[str, Any],
    quantity: str | None,
    batch: dict[str, Any],
    counting: dict[str, Any],
    sizes: tuple[tuple[str, int], ...],
    mtp: bool,
    use: dict[str, Any],
    anyway: bool,
    as_json: bool,
    output: str | None,
    **formats: str | None,
) -> None:
    """What a step's time hangs on: elasticities by every size, width, batch and machine symbol."""
    platform = one_platform(machines, use)
    if (platform is None) == (quantity is None):
        raise UsageError("knobs of what: of the time on a machine (--on), or of a --quantity such as flops; name one")
    step = step_of(**batch)
    config, architecture = described(model, sizes, mtp)
    from symroof import elasticity
    from symroof.model import Model
    from symroof.render.elasticity import render

    loaded = Model(config, architecture)
    step |= {**counting, **formats}
    found = elasticity.knobs(loaded, platform, quantity, anyway=anyway, **step)
    text = json.dumps(found.to_dict(), indent=2) + "\n" if as_json else render(found, 0 if output else width())
    write(text, output)


@click.command(cls=Command, example="symroof limits llama-3.1-8b --cached-tokens 8192")
@options.model
@options.gathered("machines", options.on)
@options.gathered("batch", options.batch)
@options.precision
@options.gathered("counting", options.counting)
@options.sizes
@options.mtp
@options.gathered("use", options.reach)
@options.as_json
@options.output
def limits(
    model: str,
    machines: dict[str, Any],
    batch: dict[str, Any],
    counting: dict[str, Any],
    sizes: tuple[tuple[str, int], ...],
    mtp: bool,
    use: dict[str, Any],
    as_json: bool,
    output: str | None,
    **formats: str | None,
) -> None:
    """Leading terms for long context, large batch, long prompt, many experts; where attention passes the FFN."""
    platform = one_platform(machines, use)
    step = step_of(**batch)
    config, architecture = described(model, sizes, mtp)
    from symroof import asymptotics
    from symroof.model import Model
    from symroof.render.asymptotics import render

    step |= {**counting, **formats}
    found = asymptotics.limits(Model(config, architecture), platform, **step)
    text = json.dumps(found.to_dict(), indent=2) + "\n" if as_json else render(found, 0 if output else width())
    write(text, output)


def differences(models: Sequence[str], quantities: Sequence[str], step: dict[str, Any], as_json: bool,
                output: str | None) -> None:  # fmt: skip
    """Two models, as `compare --symbolic` tells them apart."""
    if len(models) != 2:
        raise UsageError(f"--symbolic tells two models apart: {len(models)} are named")
    configs = [described(name, ()) for name in models]
    from symroof.differences import USUAL, compare
    from symroof.model import Model
    from symroof.render.differences import render

    one, other = (Model(*x) for x in configs)
    found = compare(one, other, listed(quantities) or USUAL, **step)
    text = json.dumps(found.to_dict(), indent=2) + "\n" if as_json else render(found, 0 if output else width())
    write(text, output)
