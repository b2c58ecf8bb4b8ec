"""Comparisons of quantities as text: parsed, resolved and solved for one unknown."""
