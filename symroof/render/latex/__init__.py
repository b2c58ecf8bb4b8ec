"""LaTeX that fits a page: how wide formulas are printed, where their lines end, and articles around them."""
