"""A solution as text: the equation in names and in numbers, the answer, both sides there, how it was obtained."""
