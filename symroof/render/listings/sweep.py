"""A sweep as text: its axes and columns with their ranges."""

from symroof.render.text_columns import align_columns
from symroof.sweeps.plan import Sweep


def sweep_text(sweep: Sweep) -> str:
    """One line per axis and column: its unit or length, its least and its largest value."""
    rows = [("", "unit", "points", "least", "largest")]
    rows += [(name, "axis", f"{len(x):,}", str(min(x)), str(max(x))) for name, x in sweep.axes.items()]
    rows += [
        (name, sweep.units[name], f"{x.size:,}", f"{x.min():.6g}", f"{x.max():.6g}")
        for name, x in sweep.columns.items()
    ]
    return align_columns(rows, {2, 3, 4})
