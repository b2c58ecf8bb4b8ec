"""Operators: sizes -> Cost, with the tensor equation as docstring."""
