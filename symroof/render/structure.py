"""A model, its parameters and its graph as text."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from symroof.model.model import Model
from symroof.model.report import Parameters
from symroof.render.text_columns import align_columns, hanging_columns
from symroof.units import si

if TYPE_CHECKING:
    from symroof.cost.graph import Block


def model_text(model: Model, width: int = 0) -> str:
    """Name, source, parameters, sizes by symbol, sublayers with the number of their layers; wrapped at `width`."""
    sizes, structure = model.architecture.sizes, model.architecture.structure
    layers = ", ".join(f"{sizes[x.layers] if x.layers else 1} x {x.name}" for x in structure.sublayers)
    rows = [
        ("config", model.config.source),
        ("parameters", f"{model.parameters.total:,}, of which a token is multiplied by {model.parameters.active:,}"),
        ("sublayers", "a custom graph" if model.custom else layers),
        ("sizes", ", ".join(f"{name} {value:,}" for name, value in sizes.items())),
    ]
    return f"{model.name} ({model.family})\n" + hanging_columns(rows, width, indent="")


def parameters_text(parameters: Parameters) -> str:
    """Parameters by role, in total, and active per token."""
    rows = [(role.replace("_", " "), n) for role, n in parameters.by_role.items()]
    rows += [("total", parameters.total), ("active per token", parameters.active)]
    return align_columns([(name, f"{n:,}", si(n)) for name, n in rows], {1})


def block_text(block: "Block") -> str:
    """The tree of operators: one per line with its role and closed forms of FLOP and weights."""
    return align_columns([("operator", "count", "role", "FLOP", "weight bytes"), *_nodes(block, "")])


def _nodes(node: Any, indent: str) -> Iterator[tuple[str, ...]]:
    from symroof.cost.notation import formula_text

    children = getattr(node, "children", None)
    if children is None:
        yield indent + node.name, "", node.role, formula_text(node.cost.flops), formula_text(node.cost.weight_held)
        return
    yield indent + node.name, formula_text(node.count), "", "", ""
    for child in children:
        yield from _nodes(child, indent + "  ")
