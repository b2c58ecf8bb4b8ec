"""Whatever is asked ends in an answer of sound numbers or in one clear line, soon. `bench/fuzz.py` asks far more."""

import time
from random import Random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from odd_inputs import LINES, SIGNED, answer_fault, error_fault, outcome, unsound_number

LONGEST = 10  # seconds of processor time


@pytest.mark.parametrize("kind", LINES)
def test_no_input_breaks_or_takes_long(kind, tmp_path):
    @settings(max_examples=50, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck))
    @given(st.integers(0, 10**6))
    def holds(seed):
        words = LINES[kind](Random(f"{kind} {seed}"), tmp_path)
        start = time.process_time()
        assert outcome(words).fault == "", words
        assert time.process_time() - start < LONGEST, words

    holds()


def test_what_a_fault_is():
    assert unsound_number({"a": [1, {"b": -1}]}) == ".a[1].b = -1"
    assert unsound_number({"a": float("nan")})
    assert not unsound_number({"checks": [{"left": -1}], "flag": False, "text": "-1", "none": None})
    assert not SIGNED.fullmatch(".totals.bytes")
    assert answer_fault(["sweep"], "batch,flops\n1,-2\n") == "flops = -2.0"
    assert answer_fault(["sweep"], "batch,flops\n1,nan\n")
    assert not answer_fault(["sweep"], "rules,flops\nstandard,2\n")
    assert not error_fault("Usage: x\nTry y\n\nError: what, where, the cure\n")
    for text in (
        "Traceback (most recent call last):\n",
        "Error: a\nError: b\n",
        "Error: \x1b[31m\n",
        "Error: " + "x" * 400,
    ):
        assert error_fault(text)
