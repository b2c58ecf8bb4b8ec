"""What closed forms say of a model: limits, sensitivities, differences, FLOP-counting conventions."""
