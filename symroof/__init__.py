"""symroof: a symbolic cost model of transformer language models.

    import symroof
    model = symroof.load("llama-3.1-8b")
    model.parameters.total
    model.formula("flops")
    model.report(new=1, cached=2048)

Public, with the names of `__all__`: `symroof.symbols` (the vocabulary), `symroof.ops` (operators),
`symroof.families.reading` (the parts that families are read with), `symroof.parallel`, and `symroof.plots.style` (the
look of all pictures). All else may move.

The names are imported when first used, so that importing the package costs nothing. The stub `__init__.pyi` is their
one table: type checkers read it, and so does `__getattr__`.
"""

from functools import cache
from typing import Any


@cache
def _modules() -> dict[str, str]:
    """Public name -> the module that defines it, from the imports of the stub."""
    import re

    from symroof.files import package_data

    stub = package_data(__name__, "__init__.pyi").decode()
    return {name: module for module, name in re.findall(r"^from (\S+) import (\w+) as", stub, re.M)}


def __getattr__(name: str) -> Any:
    if name == "__all__":
        return sorted(_modules())
    module = None if name.startswith("__") and name != "__version__" else _modules().get(name)
    if module is None:
        raise AttributeError(f"module 'symroof' has no attribute {name!r}")
    from importlib import import_module

    value = globals()[name] = getattr(import_module(module), name)
    return value


def __dir__() -> list[str]:
    return sorted(_modules())
