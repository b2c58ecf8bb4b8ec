"""Formulas as JSON, schema `symroof.formula/1`, for programs that evaluate or translate them.

{"schema", "model", "family", "source", "op": "" or a block or operator of which it is one layer, "rules": [...],
 "following": {name: formula} of sizes that follow free ones, such as L_full with L,
 "symbols": {name: {"meaning", "unit", "group", "latex", "value": the size in the model or null}},
 "formulas": [{"name": of its function in every language, "quantity", "title",
               "unit": "FLOP" | "byte" | "s" | "J" | "", "precision": {role: format} or null,
               "machine": null or {"name", "count", and the setting of `roofline --json`}: whose rates are bound,
               "arguments": [name, ...]: all that were asked for, also those that the formula has not,
               "steps": [{"name", "value": EXPRESSION}, ...]: each after those that it needs,
               "value": EXPRESSION}]}

EXPRESSION: {"number": "17/32"}, exact, a whole number or a fraction of two; {"symbol": name} of an argument or a
step before; or {"op": OP, "args": [EXPRESSION, ...]}, OP one of add, mul, min, max (two or more operands), div, pow
(two), neg, floor (one).
"""

import json
from collections.abc import Iterable
from fractions import Fraction
from typing import Any

from sympy import Symbol

from symroof import symbols as s
from symroof.export.functions import Export
from symroof.export.stepwise import Function
from symroof.export.trees import Node, Tree, expression_tree
from symroof.hardware.platform import Platform


def formulas_json(export: Export) -> str:
    """The schema's object."""
    model, functions = export.model, export.functions
    used = {y: "" for x in functions for y in x.arguments} | {y.name: y.meaning for x in functions for y in x.steps}
    head = {
        "schema": "symroof.formula/1",
        "model": model.name,
        "family": model.family,
        "source": model.config.source,
        "op": export.op,
        "rules": list(export.rules),
        "following": {str(x): str(form) for x, form in export.following.items()},
    }
    symbols = {str(x): symbol_record(x, y, model.architecture.sizes.get(str(x))) for x, y in used.items()}
    lines = ["{", *(f"  {json.dumps(key)}: {json.dumps(value)}," for key, value in head.items()), '  "symbols": {']
    lines += comma_separated(f"    {json.dumps(name)}: {json.dumps(value)}" for name, value in symbols.items())
    lines += ["  },", '  "formulas": [', *comma_separated(map(formula_json, functions)), "  ]", "}"]
    return "\n".join(lines) + "\n"


def comma_separated(texts: Iterable[str]) -> list[str]:
    """Members of a list or object, with commas between."""
    return ",\n".join(texts).split("\n")


def symbol_record(x: Symbol, meaning: str, value: int | None) -> dict[str, Any]:
    """What a symbol means; one of no vocabulary is a step."""
    if not s.group(x):
        named = meaning or "what several steps have in common"
        return {"meaning": named, "unit": "", "group": "", "latex": "", "value": None}
    entry = s.entry(str(x))
    record = {"meaning": entry.meaning, "unit": entry.unit, "group": entry.group, "latex": entry.latex}
    return {**record, "value": value}


def formula_json(x: Function) -> str:
    """One function, an expression a line."""
    formats = {role: form.name for role, form in x.precision.formats.items()} if x.precision else None
    head = {
        "name": x.name,
        "quantity": x.quantity.name,
        "title": x.quantity.title,
        "unit": x.quantity.unit,
        "precision": formats,
        "machine": machine_record(x.platform) if x.platform else None,
        "arguments": [str(y) for y in x.arguments],
    }
    lines = ["    {", *(f"      {json.dumps(key)}: {json.dumps(value)}," for key, value in head.items())]
    steps = ({"name": str(y.name), "value": tree_record(expression_tree(y.value))} for y in x.steps)
    lines += (
        ['      "steps": [', *comma_separated(f"        {json.dumps(y)}" for y in steps), "      ],"]
        if x.steps
        else ['      "steps": [],']
    )
    return "\n".join([*lines, f'      "value": {json.dumps(tree_record(expression_tree(x.value)))}', "    }"])


def machine_record(on: Platform) -> dict[str, Any]:
    """The machine whose rates are bound, and how it is used."""
    return {"name": on.machine.name, "count": on.machine.count, **on.to_dict()}


def tree_record(x: Tree) -> dict[str, Any]:
    """A tree as the schema has it."""
    if isinstance(x, str):
        return {"symbol": x}
    if isinstance(x, Node):
        return {"op": x.op, "args": [tree_record(y) for y in x.args]}
    return {"number": str(Fraction(x))}
