"""`python -m symroof` is the command line."""

from symroof.cli import main

main()
