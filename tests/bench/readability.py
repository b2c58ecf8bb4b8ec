"""How readable printed formulas are: `python tests/bench/readability.py`, over a model of each structure.

Of the text of `symroof formula` with all quantities, 100 columns wide: columns of the longest line, characters of the
longest formula, terms of the longest sum, and sums of more than four terms that no operator's name labels.
"""

import re

import symroof
from symroof.config.catalogue import built_in_models
from symroof.cost.quantities import COSTS
from symroof.export.forms import render_formulas
from symroof.export.functions import unbound_functions

ROW = re.compile(r"( {0,2}\S(?:.*?\S)?) {2,}(\S.*)$")
NOT_FORMULAS = ("absorbed", "expanded", "in numbers", "=")


def rows_of(text):
    """(label, formula) of each row of the formulas: a label is indented where it is an operator's."""
    rows = []
    for line in text.split("\nwhere")[0].split("\nsymbol")[0].splitlines():
        row = ROW.match(line)
        if row and not row[2].startswith("x "):
            rows.append([row[1], row[2]])
        elif rows and line.startswith("   "):
            rows[-1][1] += " " + line.strip()
    return [(label, text) for label, text in rows if label.strip() not in NOT_FORMULAS]


def most_terms(formula):
    """The terms of the longest sum in a formula, also within brackets."""
    counts, most = [1], 1
    for sign in re.findall(r"[()]| [+-] |   ", formula):
        if sign == "(":
            counts.append(1)
        elif sign == ")":
            counts.pop()
        elif sign.strip():
            counts[-1] += 1
            most = max(most, counts[-1])
        else:
            counts[-1] = 1  # another case beside the first
    return most


def main():
    """Print the figures."""
    models = {symroof.load(x).architecture.structure: x for x in built_in_models()}
    texts = [render_formulas(unbound_functions(symroof.load(x), COSTS), "text", 100, False) for x in models.values()]
    rows = [row for text in texts for row in rows_of(text)]
    unlabelled = [text for label, text in rows if not label.startswith("  ") and most_terms(text) > 4]
    print(f"structures                             {len(models)}")
    print(f"columns of the longest line            {max(len(line) for text in texts for line in text.splitlines())}")
    print(f"characters of the longest formula      {max(len(text) for _, text in rows)}")
    print(f"terms of the longest sum               {max(most_terms(text) for _, text in rows)}")
    print(f"sums of more than 4 terms, unlabelled  {len(unlabelled)}")


if __name__ == "__main__":
    main()
