"""Commands that derive from closed forms: knobs, limits, differences. Symbolic modules are imported inside commands."""

import json
from collections.abc import Sequence
from itertools import chain
from typing import TYPE_CHECKING, Any

import click

from symroof import options
from symroof.errors import UsageError
from symroof.options import Command, described
from symroof.running import platforms
from symroof.terminal import width, write

if TYPE_CHECKING:
    from symroof.platforms import Platform


def one_platform(on: tuple[str, ...], inline: tuple[str, ...], machine_file: str | None, gpus: int,
                 setting: dict[str, Any]) -> "Platform | None":  # fmt: skip
    """The machine that was named, None where none was. Raises UsageError where several were."""
    if not (on or inline or machine_file):
        return None
    found = platforms(on, inline, machine_file, gpus, setting)
    if len(found) > 1:
        raise UsageError(f"{len(found)} machines are named: closed forms are told of one at a time")
    return found[0]


def listed(quantities: Sequence[str]) -> list[str]:
    """Names out of comma-separated lists of them."""
    return [x.strip() for text in quantities for x in text.split(",") if x.strip()]


def step_of(cached_tokens: tuple[list[int], ...], input_tokens: tuple[list[int], ...], batch_size: int | None,
            ) -> dict[str, Any]:  # fmt: skip
    """The batch as functions take it; mistakes in it are told before sympy is imported."""
    from symroof.queries import queries

    step: dict[str, Any] = {
        "new": [*chain(*input_tokens)] or [1],
        "cached": [*chain(*cached_tokens)] or [0],
        "batch_size": batch_size,
    }
    queries(**step)
    return step


@click.command(cls=Command, example="symroof knobs llama-3.1-8b --on h100-sxm --cached-tokens 8192 --batch-size 16")
@options.model
@options.on
@click.option("--quantity", metavar="NAME", help="Of flops, bytes, cache_size, ... instead of the time on a machine.")
@options.batch
@options.precision
@options.counting
@options.sizes
@options.mtp
@options.setting
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@options.output
def knobs(
    model: str,
    on: tuple[str, ...],
    inline: tuple[str, ...],
    machine_file: str | None,
    gpus: int,
    quantity: str | None,
    cached_tokens: tuple[list[int], ...],
    input_tokens: tuple[list[int], ...],
    batch_size: int | None,
    rules: str,
    logits: str | None,
    sizes: tuple[tuple[str, int], ...],
    mtp: bool,
    compute: str | None,
    mfu: float | None,
    mbu: float | None,
    calibration: str | None,
    overhead: float,
    anyway: bool,
    as_json: bool,
    output: str | None,
    **formats: str | None,
) -> None:
    """What a step's time hangs on: elasticities by every size, width, batch and machine symbol."""
    setting = {"compute": compute, "mfu": mfu, "mbu": mbu, "calibration": calibration, "overhead": overhead}
    platform = one_platform(on, inline, machine_file, gpus, setting)
    if (platform is None) == (quantity is None):
        raise UsageError("knobs of what: of the time on a machine (--on), or of a --quantity such as flops; name one")
    step = step_of(cached_tokens, input_tokens, batch_size)
    config, architecture = described(model, sizes, mtp)
    from symroof import elasticity
    from symroof.model import Model
    from symroof.render.elasticity import render

    loaded = Model(config, architecture)
    step |= {"rules": rules, "logits": logits, **formats}
    found = elasticity.knobs(loaded, platform, quantity, anyway=anyway, **step)
    text = json.dumps(found.to_dict(), indent=2) + "\n" if as_json else render(found, 0 if output else width())
    write(text, output)


@click.command(cls=Command, example="symroof limits llama-3.1-8b --cached-tokens 8192")
@options.model
@options.on
@options.batch
@options.precision
@options.counting
@options.sizes
@options.mtp
@options.reach
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@options.output
def limits(
    model: str,
    on: tuple[str, ...],
    inline: tuple[str, ...],
    machine_file: str | None,
    gpus: int,
    cached_tokens: tuple[list[int], ...],
    input_tokens: tuple[list[int], ...],
    batch_size: int | None,
    rules: str,
    logits: str | None,
    sizes: tuple[tuple[str, int], ...],
    mtp: bool,
    compute: str | None,
    mfu: float | None,
    mbu: float | None,
    calibration: str | None,
    overhead: float,
    as_json: bool,
    output: str | None,
    **formats: str | None,
) -> None:
    """Leading terms for long context, large batch, long prompt, many experts; where attention passes the FFN."""
    setting = {"compute": compute, "mfu": mfu, "mbu": mbu, "calibration": calibration, "overhead": overhead}
    platform = one_platform(on, inline, machine_file, gpus, setting)
    step = step_of(cached_tokens, input_tokens, batch_size)
    config, architecture = described(model, sizes, mtp)
    from symroof import asymptotics
    from symroof.model import Model
    from symroof.render.asymptotics import render

    step |= {"rules": rules, "logits": logits, **formats}
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
