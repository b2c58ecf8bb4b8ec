"""The plain description of a decoder, without sympy."""
