"""Results that display themselves, and times that print as floats and stay exact.

A public result derives from `Result`: `print` and notebooks show it by the renderer of its class. Results know no
renderer: it is looked up by the name of the class in the tables below, and imported when something is shown.
"""

from fractions import Fraction
from importlib import import_module
from typing import Any, Self

from symroof.version import __version__

TEXT = {
    "Block": "symroof.render.structure.block_text",
    "Comparison": "symroof.render.results.rules_diff.comparison_text",
    "Conjunction": "symroof.render.solution.conditions.conjunction_text",
    "Conventions": "symroof.render.results.conventions.conventions_text",
    "Differences": "symroof.render.results.model_diff.differences_text",
    "Fit": "symroof.render.results.fit.fit_text",
    "Knobs": "symroof.render.results.sensitivity.knobs_text",
    "Limits": "symroof.render.results.limits.limits_text",
    "Machine": "symroof.render.listings.machines.machine_text",
    "Match": "symroof.render.results.match.match_text",
    "Model": "symroof.render.structure.model_text",
    "Optimum": "symroof.render.training.optimum_text",
    "Parameters": "symroof.render.structure.parameters_text",
    "Platform": "symroof.render.listings.machines.platform_text",
    "Report": "symroof.render.report.table.report_table",
    "Roofline": "symroof.render.results.roofline.roofline_text",
    "Serving": "symroof.render.results.serving.serving_text",
    "Shape": "symroof.render.training.shape_text",
    "SideBySide": "symroof.render.results.side_by_side.side_by_side_text",
    "Solution": "symroof.render.solution.text.solution_text",
    "Split": "symroof.render.training.split_text",
    "Sweep": "symroof.render.listings.sweep.sweep_text",
    "Training": "symroof.render.training.training_text",
    "TrainingMemory": "symroof.render.training.training_memory_text",
}
HTML = {"Report": "symroof.render.report.html.report_html"}
LATEX = {"Report": "symroof.render.report.latex.report_array"}
HIGHER = {  # functions of higher storeys that methods of a model call
    "compare_rules": "symroof.analysis.rules_diff.compare_rules",
    "sweep": "symroof.sweeps.sweep.sweep",
}


class Result:
    """What `print` and notebooks call to display a result."""

    def closed_forms(self) -> dict[str, Any]:
        """Name -> sympy expression of the closed forms it holds; empty where it holds none."""
        return {}

    def __str__(self) -> str:
        return _render(TEXT, self)

    def _repr_html_(self) -> str:
        return _render(HTML, self, "symroof.render.notebook.preformatted")

    def _repr_latex_(self) -> str | None:
        return _render(LATEX, self, "symroof.render.notebook.aligned_equations") or None


def higher(name: str) -> Any:
    """A function of HIGHER, imported when it is called for."""
    return _imported(HIGHER[name])


def text_at_width(result: Result, width: int) -> str:
    """A result as text, its lines wrapped at `width` where its renderer wraps any."""
    render = _imported(TEXT[type(result).__name__])
    return str(render(result, width) if "width" in render.__annotations__ else render(result))


def _render(table: dict[str, str], result: Result, default: str = "") -> str:
    return str(_imported(table.get(type(result).__name__, default))(result))


def _imported(path: str) -> Any:
    module, _, name = path.rpartition(".")
    return getattr(import_module(module), name)


def header(schema: str) -> dict[str, Any]:
    """How every JSON record begins: the name of its schema and the version of the package."""
    return {"schema": schema, "symroof": __version__}


def int_or_float(number: Any) -> "int | ExactFloat":
    """An exact number as users get it: an int where it is whole, else an ExactFloat."""
    return int(number) if number == int(number) else ExactFloat(number)


def exact_value(number: Any) -> Any:
    """The exact number behind an ExactFloat; any other number as it is."""
    return getattr(number, "exact", number)


class ExactFloat(float):
    """A float that remembers the number it was rounded from: formats and serialises as a float, exact in `exact`."""

    exact: Fraction

    def __new__(cls, value: Any) -> Self:
        """The float nearest to an int, a Fraction, a float or another ExactFloat."""
        exact = Fraction(exact_value(value))
        number = super().__new__(cls, exact)
        number.exact = exact
        return number

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.exact,)
