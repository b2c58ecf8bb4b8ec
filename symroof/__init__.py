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
    from symroof.asymptotics import limits
    from symroof.binding import Binding
    from symroof.conventions import by_convention
    from symroof.cost import Cost
    from symroof.crossings import crossovers
    from symroof.devices import Parallel
    from symroof.differences import compare
    from symroof.elasticity import knobs
    from symroof.errors import SymroofError
    from symroof.fitting import fit
    from symroof.footprint import training_memory
    from symroof.graph import Block, Op
    from symroof.machines import Machine, machine
    from symroof.matching import match
    from symroof.model import Model, load
    from symroof.notation import init_printing
    from symroof.optima import optimum
    from symroof.parallelism import split
    from symroof.platforms import Platform, platform
    from symroof.queries import Query, Workload
    from symroof.report import Report
    from symroof.rooflines import roofline
    from symroof.scaling import shape
    from symroof.schedule import Draft
    from symroof.serving import serve
    from symroof.solving import solve
    from symroof.sweeps import sweep
    from symroof.training import training_flops

__version__ = "0.1.0"

_HOMES = {
    "Binding": "binding",
    "Block": "graph",
    "Cost": "cost",
    "Draft": "schedule",
    "Machine": "machines",
    "Model": "model",
    "Op": "graph",
    "Parallel": "devices",
    "Platform": "platforms",
    "Query": "queries",
    "Report": "report",
    "SymroofError": "errors",
    "Workload": "queries",
    "by_convention": "conventions",
    "compare": "differences",
    "crossovers": "crossings",
    "fit": "fitting",
    "init_printing": "notation",
    "knobs": "elasticity",
    "limits": "asymptotics",
    "load": "model",
    "machine": "machines",
    "match": "matching",
    "optimum": "optima",
    "platform": "platforms",
    "roofline": "rooflines",
    "serve": "serving",
    "shape": "scaling",
    "solve": "solving",
    "split": "parallelism",
    "sweep": "sweeps",
    "training_flops": "training",
    "training_memory": "footprint",
}

__all__ = [
    "Binding",
    "Block",
    "Cost",
    "Draft",
    "Machine",
    "Model",
    "Op",
    "Parallel",
    "Platform",
    "Query",
    "Report",
    "SymroofError",
    "Workload",
    "__version__",
    "by_convention",
    "compare",
    "crossovers",
    "fit",
    "init_printing",
    "knobs",
    "limits",
    "load",
    "machine",
    "match",
    "optimum",
    "platform",
    "roofline",
    "serve",
    "shape",
    "solve",
    "split",
    "sweep",
    "training_flops",
    "training_memory",
]


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(import_module(f"symroof.{_HOMES[name]}"), name)
    raise AttributeError(f"module 'symroof' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
