"""What notebooks show of a result without an HTML or LaTeX form: its text, and its closed forms as equations."""

from html import escape

from symroof.results import Result, text_at_width

PRE = '<pre style="white-space:pre;overflow-x:auto;line-height:1.3;font-family:monospace">'
CELL_WIDTH = 600.0  # points of a line at 10 pt
COLUMNS = 100  # of a text in a cell
LONGEST_LATEX = 4000  # characters of one formula's LaTeX; an ellipsis replaces a longer one


def preformatted(result: Result) -> str:
    """The result's text as HTML, its notes and formulas wrapped to fit a cell."""
    return f"{PRE}{escape(text_at_width(result, COLUMNS))}</pre>"


def aligned_equations(result: Result) -> str:
    """The result's closed forms as one LaTeX environment, in lines that fit a cell; empty where it has none."""
    forms = result.closed_forms()
    if not forms:
        return ""
    from symroof.cost.notation import expr_latex
    from symroof.render.latex.equations import Equation, equations_latex
    from symroof.render.latex.text import upright_latex

    equations = [Equation.of(upright_latex(name), _short(expr_latex(expr))) for name, expr in forms.items()]
    return f"$$\\begin{{aligned}}\n{equations_latex(equations, CELL_WIDTH)}\n\\end{{aligned}}$$"


def _short(latex: str) -> str:
    return latex if len(latex) <= LONGEST_LATEX else "\\ldots"
