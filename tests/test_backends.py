"""Sweeps by other engines: the same numbers from dask, also on a cluster, and from JAX and CuPy where there are any."""

import os
from types import SimpleNamespace

import numpy as np
import pytest
from click.testing import CliRunner

from symroof.cli import cli
from symroof.errors import MissingExtra, SymroofError
from symroof.sweeps import backends
from symroof.sweeps.sweep import plan_sweep, sweep
from symroof.sweeps.ufunc_program import run_program

# Of experts, powers and maxima; beyond what floats count, kept sums and floors.
SWEEPS = {
    "qwen3-30b-a3b": {"batch": "1:300:+7", "new": "1 300", "cached": "0:9999:+99"},
    "deepseek-v4-flash": {"batch": "1,8", "new": "1 700", "cached": f"0:4000:+37,{10**15}:{10**15 + 9}"},
}
COLUMNS = "flops,bytes,time,memory,fits,parameters"


def alike(found, wanted):
    for name, column in wanted.columns.items():
        np.testing.assert_allclose(found[name], column, rtol=1e-13, atol=0, err_msg=name)


@pytest.mark.parametrize("name", SWEEPS)
@pytest.mark.parametrize("engine", ["dask", "jax", "cupy"])
def test_another_engine_has_the_same_numbers(name, engine, monkeypatch):
    pytest.importorskip(engine)
    monkeypatch.setattr(backends, "LARGE", 1000)
    found = sweep(name, SWEEPS[name], COLUMNS, on="h100-sxm", engine=engine)
    alike(found, sweep(name, SWEEPS[name], COLUMNS, on="h100-sxm"))


def test_a_program_is_a_function_of_arrays_of_dask():
    array = pytest.importorskip("dask.array")
    found = plan_sweep("qwen3-30b-a3b", {"batch": "1:300", "cached": "0:9999"}, COLUMNS, on="h100-sxm")
    program = found.parts[0].grid.program
    batch, cached = array.arange(1, 301, chunks=50)[:, None] * 1.0, array.arange(10000, chunks=3000)[None] * 1.0
    columns = run_program(program, np, [batch, cached])
    wanted = found.in_memory()
    assert [x.chunks for x in columns[:1]] == [((50,) * 6, (3000, 3000, 3000, 1000))]
    for name, column in zip(wanted.columns, columns, strict=True):
        assert np.all(array.asarray(column).compute() == wanted[name]), name


class Elsewhere(SimpleNamespace):
    """What CuPy has that sweeps use, on arrays of numpy; like CuPy's, its functions take arrays alone."""

    asarray, asnumpy = staticmethod(np.asarray), staticmethod(np.array)

    def __getattr__(self, name):
        def function(*args):
            assert any(isinstance(x, np.ndarray | np.generic) for x in args)
            return getattr(np, name)(*args)

        return function


@pytest.mark.parametrize("name", SWEEPS)
def test_cupy_is_sent_arrays_and_asked_for_them(name, monkeypatch):
    monkeypatch.setattr(backends, "import_engine", lambda *_: Elsewhere())
    monkeypatch.setattr(backends, "LARGE", 1000)
    found = sweep(name, SWEEPS[name], COLUMNS, on="h100-sxm", engine="cupy")
    alike(found, sweep(name, SWEEPS[name], COLUMNS, on="h100-sxm"))


@pytest.mark.parametrize("engine", ["dask", "jax"])
def test_a_point_and_settings_alone_are_swept_too(engine):
    pytest.importorskip(engine)
    for over in ({"batch": "7"}, {"cache": "bf16,fp8"}):
        found = sweep("llama-3.1-8b", over, COLUMNS, on="h100-sxm", engine=engine)
        alike(found, sweep("llama-3.1-8b", over, COLUMNS, on="h100-sxm"))
    assert found["bytes"].shape == (2,)


def test_a_scheduler_that_does_not_answer_is_told(monkeypatch):
    pytest.importorskip("distributed")
    monkeypatch.setattr(backends, "TIMEOUT", 0.1)
    with pytest.raises(SymroofError, match=r"no dask scheduler answers at tcp://127\.0\.0\.1:9"):
        sweep("gpt2", ["batch=1"], dtype="bf16", engine="dask", scheduler="tcp://127.0.0.1:9")


def test_two_worker_processes_of_a_cluster_compute_a_sweep(tmp_path):
    distributed = pytest.importorskip("distributed")
    grid = ["--over", "batch=1:40", "--over", "cached=0:49999", "--quantity", "flops,time", "--on", "h100-sxm"]
    with distributed.LocalCluster(2, threads_per_worker=1, processes=True, dashboard_address=None) as cluster:
        words = ["sweep", "gpt2", "--dtype", "bf16", *grid, "--engine", "dask", "-o", str(tmp_path / "found.npz")]
        result = CliRunner().invoke(cli, [*words, "--scheduler", cluster.scheduler_address])
        assert result.exit_code == 0, result.output
        with distributed.Client(cluster) as client:
            assert len(set(client.run(os.getpid).values()) - {os.getpid()}) == 2
    wanted = sweep("gpt2", {"batch": range(1, 41), "cached": range(50000)}, "flops,time", on="h100-sxm", dtype="bf16")
    with np.load(tmp_path / "found.npz") as found:
        alike(found, wanted)


@pytest.mark.parametrize("engine", ["dask", "jax", "cupy"])
def test_an_engine_that_is_not_installed_names_its_extra(engine, monkeypatch):
    def missing(name):
        raise ImportError(name)

    monkeypatch.setattr(backends, "import_module", missing)
    with pytest.raises(MissingExtra, match=rf"a sweep by {engine} needs .*'symroof\[{engine}\]'"):
        sweep("gpt2", ["batch=1"], engine=engine, dtype="bf16")
