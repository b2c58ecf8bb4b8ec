"""Operators around a residual stream that is not a plain sum."""
