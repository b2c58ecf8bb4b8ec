"""Operators: sizes -> Cost, with the tensor equation as docstring.

`dots` and `elementwise` count the FLOP of new ones.
"""

from symroof.cost.flops import dots as dots
from symroof.cost.flops import elementwise as elementwise
