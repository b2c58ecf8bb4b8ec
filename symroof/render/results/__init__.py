"""Results other than reports as text, a module each."""
