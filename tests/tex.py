"""TeX, where it is installed: what it says of a document."""

import re
import shutil
import subprocess

import pytest

PREAMBLE = r"\documentclass[10pt]{article}\usepackage{amsmath,booktabs,longtable}\begin{document}"
needs_tex = pytest.mark.skipif(not shutil.which("pdflatex"), reason="pdflatex is not installed")


def set_document(text, folder):
    """The log of a document, set twice for the widths of tables. Fails where TeX reports an error."""
    (folder / "document.tex").write_text(text, encoding="utf-8")
    command = ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "document.tex"]
    for _ in range(2):
        done = subprocess.run(command, cwd=folder, capture_output=True, check=False)
    log = done.stdout.decode("latin-1")
    assert done.returncode == 0, log[-3000:]
    return log


def overfull(log):
    """How far boxes stick out into the margin, in points, by the last line typed out before: `AT: ...`."""
    boxes, place = {}, ""
    for line in log.splitlines():
        place = line.removeprefix("AT: ") if line.startswith("AT: ") else place
        for points in re.findall(r"Overfull \\hbox \((\d+\.\d+)pt", line):
            boxes[place] = max(boxes.get(place, 0.0), float(points))
    return boxes


def typed_widths(formulas, folder):
    """The width of each formula in points."""
    boxes = "".join(rf"\setbox0\hbox{{$\displaystyle {x}$}}\typeout{{WIDTH \the\wd0}}" + "\n" for x in formulas)
    return [
        float(x) for x in re.findall(r"WIDTH ([\d.]+)pt", set_document(PREAMBLE + boxes + r"\end{document}", folder))
    ]
