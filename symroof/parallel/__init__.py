"""Degrees of parallelism, and what each device of a split model computes, holds and sends."""

from symroof.parallel.sharding import bubble as bubble
from symroof.parallel.sharding import split_2d as split_2d
from symroof.parallel.sharding import split_experts as split_experts
