"""Compiled formulas of a test run are kept in a directory of its own; unforeseen exceptions end in tracebacks."""

import os
import shutil
import tempfile
from functools import partialmethod
from inspect import signature

from click.testing import CliRunner

if "mix_stderr" in signature(CliRunner).parameters:  # click 8.1: later ones always tell the streams apart
    CliRunner.__init__ = partialmethod(CliRunner.__init__, mix_stderr=False)


def pytest_configure(config):
    if not hasattr(config, "workerinput"):  # workers inherit the one of the process that starts them
        os.environ["SYMROOF_TRACEBACK"] = "1"
        config.compiled = os.environ["SYMROOF_CACHE_DIR"] = tempfile.mkdtemp(prefix="symroof-tests-")


def pytest_unconfigure(config):
    if hasattr(config, "compiled"):
        shutil.rmtree(config.compiled, ignore_errors=True)
