"""Degrees of parallelism, and what each device of a split model computes, holds and sends."""
