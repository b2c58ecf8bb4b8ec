"""Closed forms as a paper prints them: operators a line, cases beside each other, definitions once."""
