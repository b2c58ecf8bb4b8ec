"""No kernel that NVIDIA has measured is faster than the lower bound of its operators."""

from dataclasses import replace

import pytest
from kernels import kernels

from symroof.hardware.machines import machine

KERNELS = list(kernels())


def below(rows):
    """The rows that took less than their bound."""
    return [f"{x.machine} {x.op} {x.format} {x.shape}: {x.latency_ms} ms" for x in rows if x.seconds < x.bound]


def test_the_sample_has_all_kinds():
    assert len({x.machine for x in KERNELS}) == 9
    assert len({(x.op, x.format) for x in KERNELS}) > 30
    assert len(KERNELS) > 300


def test_no_kernel_is_faster_than_its_lower_bound():
    assert below(KERNELS) == []


def test_nor_where_only_the_format_of_weights_is_named():
    """`--weights fp8` alone: engines convert the activations, too, and multiply in fp8."""
    assert below(replace(x, unquantized=True) for x in KERNELS) == []


def test_bounds_of_kernels_are_of_use():
    nearest = {x: min(y.seconds / y.bound for y in KERNELS if y.machine == x) for x in {y.machine for y in KERNELS}}
    assert max(nearest.values()) < 1.3


@pytest.mark.parametrize("op", ["gemm", "prefill_attention"])
def test_some_kernels_are_faster_than_bf16(op):
    """So that a bound at the rate of the wider operand would be none."""
    faster = [x for x in KERNELS if x.op == op and x.bound and x.least[0] == x.bound]
    rates = {x: machine(x.machine).peak("fp8") / machine(x.machine).peak("bf16") for x in faster if "fp8" in x.format}
    assert any(x.seconds < x.bound * rate for x, rate in rates.items())
