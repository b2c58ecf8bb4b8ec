"""Times on a machine: roofline, decode steps, serving, capacity, crossovers."""
