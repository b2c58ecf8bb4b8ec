"""symroof: a symbolic cost model of transformer language models.

    import symroof
    model = symroof.load("llama-3.1-8b")
    model.parameters.total
    model.formula("flops")
    model.report(new=1, cached=2048)

The names below are loaded when first used, so that importing the package costs nothing.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from symroof.binding import Binding
    from symroof.cost import Cost
    from symroof.errors import SymroofError
    from symroof.graph import Block, Op
    from symroof.model import Model, load
    from symroof.queries import Query
    from symroof.report import Report

__version__ = "0.1.0"

_HOMES = {
    "Binding": "binding",
    "Block": "graph",
    "Cost": "cost",
    "Model": "model",
    "Op": "graph",
    "Query": "queries",
    "Report": "report",
    "SymroofError": "errors",
    "load": "model",
}

__all__ = [
    "Binding",
    "Block",
    "Cost",
    "Model",
    "Op",
    "Query",
    "Report",
    "SymroofError",
    "__version__",
    "load",
]


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(import_module(f"symroof.{_HOMES[name]}"), name)
    raise AttributeError(f"module 'symroof' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
