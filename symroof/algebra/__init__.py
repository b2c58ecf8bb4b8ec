"""Formulas as mathematics: binding, evaluation, code generation, exact numbers, roots. Knows no language model."""
