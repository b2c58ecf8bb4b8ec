"""Operators of recurrences and linear attention."""
