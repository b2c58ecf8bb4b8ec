"""Plain text in LaTeX: nothing in it is markup."""

MARKUP = {
    **{x: f"\\{x}" for x in "_%&#${}"},
    "\\": "\\textbackslash{}",
    "^": "\\textasciicircum{}",
    "~": "\\textasciitilde{}",
}
LIGATURES = {"<": "\\textless{}", ">": "\\textgreater{}", "|": "\\textbar{}", '"': "''", "·": "$\\cdot$"}


def latex_text(text: str) -> str:
    """A text for pdflatex, in one line; `?` replaces what its fonts lack."""
    signs = {**MARKUP, **LIGATURES}
    plain = (signs.get(x, x if ord(x) < 256 else "?") for x in " ".join(text.split()))
    return "".join(plain).replace("--", "-{}-")


def upright_latex(text: str) -> str:
    r"""A text within a formula; underscores are outside of \text, where MathJax shows a backslash before them."""
    words = ("".join(MARKUP.get(x, x) for x in word) for word in text.strip().split("_"))
    return "\\_".join(f"\\text{{{word}}}" for word in words)
