"""Formulas with Min, Max and floor in a normal form: identities between them proved, sums over a symbol closed."""
