"""Run the notebooks of `examples/` in place and make the index of them: `python tests/notebooks.py [03 05 ...]`.

What they show is committed. `tests/test_examples.py` runs them again and compares: texts, tables and formulas to the
letter, pictures by the data drawn, which are written beside each picture in the notebook.
"""

import re
import sys
from base64 import b64decode
from math import isclose
from pathlib import Path

EXAMPLES = Path(__file__).parent.parent / "examples"
PATHS = sorted(EXAMPLES.glob("*.ipynb"))
INDEX, MARK = EXAMPLES / "README.md", "<!-- The rest is made by tests/notebooks.py. -->\n"
# Run before a notebook: text is 80 columns wide, and each figure gives the data of its lines, points and bars along.
FIGURE_DATA = """
import os

os.environ["COLUMNS"] = "80"


def _figure_data():
    from matplotlib.figure import Figure

    shell = get_ipython()
    shell.run_line_magic("matplotlib", "inline")
    png = shell.display_formatter.formatters["image/png"]
    draw = png.lookup_by_type(Figure)

    def short(values):
        return [float(f"{float(x):.6g}") for x in (len(values), values[0], values[-1], sum(values) / len(values))]

    def drawn(axes):
        yield from (x.get_xydata() for x in axes.lines)
        yield from (x.get_offsets() for x in axes.collections if len(x.get_offsets()) > 1)
        yield from ([x.get_bbox().max for x in bars] for bars in axes.containers if hasattr(bars, "patches"))
        yield from (zip(*[x.levels] * 2) for x in axes.collections if hasattr(x, "levels"))

    def data(figure):
        return [[[short(x) for x in zip(*series)] for series in drawn(axes)] for axes in figure.axes]

    png.for_type(Figure, lambda figure: (draw(figure), {"data": data(figure)}))


_figure_data()
"""


def read(path):
    """A notebook."""
    import nbformat

    return nbformat.read(path, as_version=4)


def run(path):
    """The notebook as it is after all of its cells ran; what depends on the time or the place is left out."""
    import nbclient
    import nbformat

    notebook = read(path)
    notebook.cells.insert(0, nbformat.v4.new_code_cell(FIGURE_DATA))
    where = {"metadata": {"path": str(path.parent)}}
    done = nbclient.NotebookClient(
        notebook, timeout=300, kernel_name="python3", resources=where, record_timing=False
    ).execute()
    done.cells = done.cells[1:]
    done.metadata.language_info = {"name": "python"}
    for count, cell in enumerate(code_cells(done), 1):
        cell.execution_count = count
        for output in cell.outputs:
            if "execution_count" in output:
                output.execution_count = count
    return done


def code_cells(notebook):
    """The cells with code."""
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def is_check(cell):
    """Whether a cell holds what the text says, and is folded."""
    return "check" in cell.metadata.get("tags", ())


def shown(cell):
    """What a cell shows: for each output its texts by type, and the data of its picture."""
    return [({k: v for k, v in contents(x).items() if k != "image/png"}, picture_data(x)) for x in cell.outputs]


def contents(output):
    """What an output is made of, by type."""
    return dict(output.data) if "data" in output else {output.output_type: output.get("text", output.get("traceback"))}


def picture_data(output):
    """The data drawn in an output's picture, None where there is none."""
    return output.metadata["image/png"]["data"] if "image/png" in contents(output) else None


def same(one, other):
    """Whether two outputs are equal, numbers of pictures within rounding."""
    if isinstance(one, float | int) and isinstance(other, float | int):
        return isclose(one, other, rel_tol=1e-4, abs_tol=1e-12)
    if isinstance(one, list | tuple) and isinstance(other, list | tuple):
        return len(one) == len(other) and all(map(same, one, other))
    return one == other


def picture(notebook):
    """The picture that stands for a notebook: that of the cell with the tag `cover`, or the first."""
    cells = sorted(code_cells(notebook), key=lambda cell: "cover" not in cell.metadata.get("tags", ()))
    found = (x["data"]["image/png"] for cell in cells for x in cell.outputs if "image/png" in contents(x))
    return b64decode(next(found))


def opening(notebook):
    """The title, the question and the answer that a notebook opens with."""
    form = r"# (.+)\n\n\*\*Question\.\*\* (.+?)\n\n\*\*Answer\.\*\* (.+?)(?:\n\n|\Z)"
    found = re.match(form, notebook.cells[0].source, re.S)
    return [" ".join(x.split()) for x in found.groups()]


def index():
    """The table of all notebooks: picture, title, question."""
    rows = ["| | |\n|---|---|\n"]
    for path in PATHS:
        title, question, _ = opening(read(path))
        image = f'<img src="pictures/{path.stem}.png" width="260" alt="{title}">'
        rows.append(f"| [{image}]({path.name}) | **[{path.stem[:2]} {title}]({path.name})**<br>{question} |\n")
    return "".join(rows)


def write(path):
    """Run a notebook and write it and its picture."""
    import nbformat

    done = run(path)
    nbformat.write(done, path)
    target = EXAMPLES / "pictures" / f"{path.stem}.png"
    target.parent.mkdir(exist_ok=True)
    target.write_bytes(picture(done))


if __name__ == "__main__":
    for chosen in PATHS:
        if not sys.argv[1:] or chosen.name.startswith(tuple(sys.argv[1:])):
            print(chosen.name, flush=True)
            write(chosen)
    INDEX.write_text(INDEX.read_text().partition(MARK)[0] + MARK + "\n" + index())
