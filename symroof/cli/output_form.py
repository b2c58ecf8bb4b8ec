"""The form that output is written in: by --format or --json, or by the ending of the file of -o."""

from collections.abc import Sequence
from pathlib import Path

import click

from symroof.cli.terminal import Output
from symroof.errors import shorten
from symroof.plots import PICTURE_FORMATS

# Ending of a file -> the forms that it may hold, the usual one first; .txt holds any text.
ENDINGS = {
    "json": ("json",),
    "csv": ("csv",),
    "md": ("markdown",),
    "markdown": ("markdown",),
    "html": ("html",),
    "htm": ("html",),
    "tex": ("latex",),
    "py": ("python", "numpy"),
    "js": ("javascript",),
    "mjs": ("javascript",),
    "ts": ("typescript",),
    "c": ("c",),
    "rs": ("rust",),
    "jl": ("julia",),
    "mml": ("mathml",),
    **{name: (name,) for name in PICTURE_FORMATS},
}


def output_form(path: str | None, given: str | None, forms: Sequence[str]) -> str:
    """The form that is given, else that of the file's ending, else the first of `forms`.

    Raises click.UsageError where an ending is unknown, or contradicts the form that is given.
    """
    ending = Path(path or "").suffix[1:].lower()
    if ending in ("", "txt"):
        return given or forms[0]
    held, file = ENDINGS.get(ending, ()), shorten(path, 100)
    if given and held and given not in held:
        raise click.UsageError(f"-o {file} is {held[0]}, but {given} is asked for: give one of the two.")
    fitting = [x for x in held if x in forms]
    if not given and not fitting:
        known = ", ".join(f".{name}" for name, held in ENDINGS.items() if set(held) & set(forms))
        raise click.UsageError(f"-o {file}: nothing is written as .{shorten(ending, 20)}: known are .txt, {known}.")
    return given or fitting[0]


def json_or(form: str | None, as_json: bool) -> str | None:
    """The form of --format and --json. Raises click.UsageError where they contradict each other."""
    if as_json and form not in (None, "json"):
        raise click.UsageError(f"--json and --format {form} contradict each other: give one.")
    return "json" if as_json else form


def form_of_article(form: str | None, standalone: bool) -> str | None:
    """LaTeX where it is asked for as an article. Raises click.UsageError for an article in another form."""
    if standalone and form not in (None, "latex"):
        raise click.UsageError(f"--standalone is an article in LaTeX: give --format latex, not {form}.")
    return "latex" if standalone else form


def text_output(as_json: bool, path: str | None) -> Output:
    """The output of a command that prints text or JSON."""
    return Output(output_form(path, json_or(None, as_json), ("text", "json")) == "json", path)


def text_or_picture(as_json: bool, path: str | None, plot: str | None, dark: bool) -> Output:
    """The output of a command that draws, too: a picture in the file of -o is all there is."""
    form = output_form(path, json_or(None, as_json), ("text", "json", *PICTURE_FORMATS))
    if dark and not plot and form not in PICTURE_FORMATS:
        raise click.UsageError("--dark is how a picture is drawn: give --plot FILE, too.")
    if form not in PICTURE_FORMATS:
        return Output(form == "json", path, plot, dark=dark)
    if plot:
        raise click.UsageError("-o and --plot both name a picture: give one.")
    return Output(False, None, path, silent=True, dark=dark)
