"""Cost, Op and Block; quantities, counting rules, masks, batch sums and the time of an operator."""
