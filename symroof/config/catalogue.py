"""The built-in models: their names, and what is known of where their configs are from. Plain data, no sympy.

catalogue.json has one line per model, which is parsed when that model is loaded:

    source            where the config was read, and what was changed
    hub               ids on the hub of the checkpoints that have this config, the source's first
    grade             a key of GRADES
    parameters, active, cache_per_token, cache_at_context   figures that the tests compute anew
    config            the keys that its reader looks up
"""

import json
import re
from collections.abc import Iterator
from functools import cache
from typing import Any

from symroof.files import package_data

# Where a config is from: grade -> what that is.
GRADES = {
    "released": "the released file",
    "copies": "independent copies of the released file, which agree",
    "dimensions": "dimensions from a secondary source, not the released file",
    "defaults": "class defaults of transformers, not the released file",
}
EXACT = ("released", "copies")  # grades of configs that agree with the released file
NAME = re.compile(r"[\w.-]+(/[\w.-]+)?")
SUFFIX = re.compile("-(instruct|it|chat|base|hf)$")  # of checkpoints that share an architecture


@cache
def built_in_models() -> dict[str, str]:
    """The built-in models: name -> JSON text of its catalogue entry, which is one line of the file."""
    data = package_data("symroof.config", "catalogue.json")
    lines = (line.partition(": ") for line in data.decode().splitlines()[1:-1])
    return {name.strip(' "'): text.rstrip(",") for name, _, text in lines}


@cache
def catalogue_entry(name: str) -> dict[str, Any]:
    """The catalogue's entry for one built-in model."""
    return dict(json.loads(built_in_models()[name]))


def model_catalogue() -> dict[str, dict[str, Any]]:
    """The built-in models: name -> entry."""
    return {name: catalogue_entry(name) for name in built_in_models()}


def built_in_alias(text: str) -> str:
    """The built-in model that is meant by a text other than its name; empty where there is none.

    It is one of its hub ids, if its config is the released file's; or, in any case, the last part of one; or its
    name with suffixes of checkpoints that share an architecture.
    """
    name = text.lower()
    if not NAME.fullmatch(name):
        return ""
    if "/" in name:
        return next((x for x in _listing(f'"{name}"') if catalogue_entry(x)["grade"] in EXACT), "")
    listed = list(_listing(f'/{name}"'))
    return listed[0] if len(listed) == 1 else _without_suffixes(name)


def _listing(quoted: str) -> Iterator[str]:
    """The built-in models among whose hub ids is a text in lower case."""
    for name, text in built_in_models().items():
        if quoted in text.partition('"hub": [')[2].partition("]")[0].lower():
            yield name


def _without_suffixes(name: str) -> str:
    """The built-in model of a name without its last suffixes, as few of them as need be; empty where there is none."""
    while name not in built_in_models():
        name, cut = SUFFIX.subn("", name)
        if not cut:
            return ""
    return name


def provenance_warnings(name: str, grade: str, typed: str) -> tuple[str, ...]:
    """What to say of a built-in config by its grade, and by what the user typed: its name, a hub id or another name."""
    weak = () if grade in EXACT else (f"config: {GRADES[grade]}",)
    if "/" in typed:
        return f"config: that of the built-in {name}, not downloaded ({typed}@main downloads it)", *weak
    if typed and name not in _listing(f'/{typed.lower()}"'):
        return f"config: that of the built-in {name}; {typed} is not built in", *weak
    return weak
