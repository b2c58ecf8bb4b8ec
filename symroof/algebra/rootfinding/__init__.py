"""Signs and roots of formulas in one unknown, exact where they are piecewise polynomial."""
