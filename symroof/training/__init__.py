"""Training: FLOP, saved tensors, memory, scaling laws."""
