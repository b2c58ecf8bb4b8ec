"""An article of LaTeX that compiles by itself."""

from symroof.render.latex.text import latex_text

PREAMBLE = r"""\documentclass[10pt]{article}
\usepackage[utf8]{inputenc}
\usepackage{amsmath}
\usepackage{array}
\usepackage{booktabs}
\usepackage{longtable}
\allowdisplaybreaks
\begin{document}"""


def article(title: str, body: str) -> str:
    """The whole document: a title and what is below it."""
    return f"{PREAMBLE}\n\n\\section*{{{latex_text(title)}}}\n\n{body.rstrip()}\n\n\\end{{document}}\n"
