"""Results as text: reports, other results, lists, and formulas as a person writes them."""
