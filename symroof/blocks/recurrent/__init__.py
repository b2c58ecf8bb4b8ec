"""The operators of recurrences and linear attention, kind by kind."""
