"""Machines with their datasheet peaks, and how near to the peaks a platform gets."""
