"""Closed forms as programs, spreadsheets, JSON and MathML."""
