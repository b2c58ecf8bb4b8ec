"""Tables with the rules of booktabs: one that floats, one that goes on over pages."""

from collections.abc import Sequence

from symroof.records import frozen

SPACE = "\\addlinespace"
RULE = "\\midrule"
NARROW = "\\setlength{\\tabcolsep}{4pt}"
SIZES = {"small": 0.925, "footnotesize": 0.85, "scriptsize": 0.8, "tiny": 0.68}  # widths of letters, by those of 10 pt


@frozen
class RuledTable:
    """A table: its caption, columns as LaTeX specifies them, heads, rows with their ends, and a size of type."""

    caption: str
    columns: str
    heads: str
    rows: Sequence[str]
    size: str

    @property
    def head(self) -> str:
        """The heads between rules."""
        return f"\\toprule\n{self.heads} \\\\\n\\midrule"

    @property
    def body(self) -> str:
        """All rows."""
        return "\n".join(self.rows)


def floating_table(table: RuledTable, notes: str) -> str:
    """A `table` with notes below it."""
    tabular = f"\\begin{{tabular}}{{{table.columns}}}\n{table.head}\n{table.body}\n\\bottomrule\n\\end{{tabular}}"
    below = f"\\begin{{minipage}}{{\\linewidth}}\\footnotesize\\raggedright\n{notes}\n\\end{{minipage}}"
    setting = f"\\centering\\{table.size}{NARROW}\n\\caption{{{table.caption}}}\\medskip"
    return f"\\begin{{table}}[htbp]\n{setting}\n{tabular}\n\n\\medskip\n{below}\n\\end{{table}}\n"


def long_table(table: RuledTable, notes: str = "") -> str:
    """A `longtable`, its heads on every page, with notes below it."""
    caption = f"\\caption{{{table.caption}}} \\\\\n{table.head}\n\\endfirsthead\n" if table.caption else ""
    head = f"{caption}{table.head}\n\\endhead\n\\bottomrule\n\\endfoot"
    body = f"\\begin{{longtable}}{{{table.columns}}}\n{head}\n{table.body}\n\\end{{longtable}}"
    below = f"{{\\footnotesize\\raggedright\n{notes}\n\n}}\n" if notes else ""
    return f"{{\\{table.size}{NARROW}\n{body}\n}}\n{below}"


def fitting_size(width: float, gaps: float, line: float) -> str:
    """The largest of SIZES in which columns of `width` points at 10 pt, and gaps between them, fit a line."""
    return next((size for size, scale in SIZES.items() if width * scale + gaps <= line), "tiny")
