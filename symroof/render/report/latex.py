"""A report in LaTeX: as a table with booktabs' rules for a paper, and as an array, which notebooks display."""

from collections.abc import Iterator, Sequence

from symroof.model.report import Report
from symroof.render.latex.article import article
from symroof.render.latex.tables import RULE, SPACE, RuledTable, fitting_size, floating_table, long_table
from symroof.render.latex.text import latex_text, upright_latex
from symroof.render.latex.widths import TEXT_WIDTH, text_width
from symroof.render.report.lines import Line, path_lines, report_notes, report_title, storage_cells, table_lines

HEADS = ("node", "blocks", "FLOP", "weight", "input", "output", "FLOP/B")
COLUMNS = "@{}l" + 4 * r"r@{\,}l" + "r@{}"
GAPS = 5 * 8 + 4 * 1.7  # points between columns
PAGE = 40  # rows that fit a page under a caption and over notes


def report_array(report: Report) -> str:
    """The operators and totals."""
    rows = [HEADS, *(line.cells for line in path_lines(report))]
    body = " \\\\\n".join(" & ".join(map(upright_latex, row)) for row in rows)
    return f"$$\\begin{{array}}{{l{'r' * (len(HEADS) - 1)}}}\n{body}\n\\end{{array}}$$"


def report_latex(report: Report) -> str:
    """Per block its operators in one layer, then all its layers; last the model, and notes."""
    lines = list(table_lines(report))
    notes = "\n\n".join(map(latex_text, [storage_note(report), *report_notes(report)]))
    form = floating_table if len(lines) <= PAGE else long_table
    needed = "% In the preamble: \\usepackage{booktabs,longtable}\n"
    return needed + form(operators_table(report, lines), notes)


def report_article(report: Report) -> str:
    """The table in an article that compiles by itself."""
    return article(f"{report.model} ({report.family})", report_latex(report))


def operators_table(report: Report, lines: Sequence[Line]) -> RuledTable:
    """The lines as rows, in type that is small enough for a page."""
    caption = latex_text(f"{report_title(report)}. Rules: {', '.join(report.rules)}.")
    head = " & ".join(["", *(f"\\multicolumn{{2}}{{c}}{{{x}}}" for x in HEADS[2:6]), HEADS[6]])
    return RuledTable(
        caption, COLUMNS, head, tuple(table_rows(lines)), fitting_size(natural_width(lines), GAPS, TEXT_WIDTH)
    )


def natural_width(lines: Sequence[Line]) -> float:
    """Points of the columns at 10 pt, without the gaps between them."""
    rows = [(f"xx{x.name}", *x.figures) for x in lines if x.figures]
    return sum(max(map(text_width, column)) for column in zip(*rows, strict=True))


def table_rows(lines: Sequence[Line]) -> Iterator[str]:
    """A row per line: a block's name goes over all columns, and space follows a block."""
    for i, line in enumerate(lines):
        if line.kind == "block":
            yield from [SPACE] if i else []
            yield f"\\rlap{{\\textbf{{{latex_text(line.name)}}}{layers_text(line.blocks)}}} \\\\*"
        elif line.kind == "subtotal":
            yield figures_row(f"\\quad\\textit{{{latex_text(line.name)}}}", line)
        elif line.kind == "total":
            yield from (RULE, figures_row(f"\\textbf{{{line.name}}}", line))
        else:
            yield figures_row(f"\\quad {latex_text(line.name)}", line)


def layers_text(blocks: str) -> str:
    """`3 / 61` in words; nothing for the only one."""
    layers, of_layers = blocks.split(" / ")
    return "" if of_layers == "1" else f", {layers} of {of_layers} layers"


def figures_row(name: str, line: Line) -> str:
    """A name and the figures, each unit in a column for itself; a dash for what is not known."""
    cells = [x.strip().replace("-", "--") for x in line.figures]
    pairs = (f"{number} & {unit}" for number, _, unit in (x.partition(" ") for x in cells[:-1]))
    return f"{' & '.join([name, *pairs, cells[-1]])} \\\\"


def storage_note(report: Report) -> str:
    """The minimum storage and its parts, in a sentence."""
    *parts, (name, total) = ((name, x.strip()) for name, x in storage_cells(report))
    return f"{name.capitalize()}: {total}" + (f": {', '.join(f'{x} {y}' for x, y in parts)}." if parts else ".")
