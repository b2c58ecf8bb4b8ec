"""Operators: pure functions of sizes that return a Cost."""
