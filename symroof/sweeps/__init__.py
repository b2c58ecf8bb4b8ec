"""A model over a grid of batches, sizes, formats and machines."""
