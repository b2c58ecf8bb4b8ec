"""The operators of attention, kind by kind."""
