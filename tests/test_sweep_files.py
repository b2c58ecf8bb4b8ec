"""What a sweep leaves behind: whole files, whole rows, or nothing; also where it is ended, killed or out of room."""

import csv
import io
import os
import resource
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
from click.testing import CliRunner

import symroof
from symroof.cli import cli, sweep_output
from symroof.sweeps import writers

KINDS = ("csv", "parquet", "npz")
GRID = ["--over", "batch=1:400", "--over", "cached=0:249", "--quantity", "flops,time", "--on", "h100-sxm"]
WORDS = ["sweep", "gpt2", "--dtype", "bf16"]


def run(*words, code=0):
    result = CliRunner().invoke(cli, [*WORDS, *words])
    assert result.exit_code == code, result.output
    return result


def rows_of(path):
    """The columns of a file, row by row."""
    if path.suffix == ".csv":
        found = list(csv.reader(path.read_text().splitlines()))
        return {name: np.array(x, dtype=float) for name, *x in zip(*found, strict=True)}
    if path.suffix == ".parquet":
        from pyarrow import parquet

        table = parquet.read_table(path)
        return {name: table[name].to_numpy() for name in table.column_names}
    with np.load(path) as found:
        return dict(found)


@pytest.fixture(scope="module")
def wanted():
    over = {"batch": range(1, 401), "cached": range(250)}
    return symroof.load("gpt2").sweep(over, "flops,time", on="h100-sxm", dtype="bf16")


@pytest.mark.parametrize("kind", KINDS)
def test_a_file_holds_the_sweep(kind, tmp_path, wanted):
    path = tmp_path / f"found.{kind}"
    run(*GRID, "-o", str(path))
    found = rows_of(path)
    assert list(found) == ["batch", "cached", "flops", "time"]
    for name in ("flops", "time"):
        assert np.array_equal(found[name].ravel(), wanted[name].ravel())
    if kind == "npz":
        assert found["flops"].shape == (400, 250)
        assert np.array_equal(found["batch"], range(1, 401))
    else:
        assert np.array_equal(found["batch"], np.repeat(range(1, 401), 250))
        assert np.array_equal(found["cached"], np.tile(range(250), 400))
    assert os.listdir(tmp_path) == [path.name]


def test_settings_and_units_are_in_the_file(tmp_path):
    from pyarrow import parquet

    words = ["--over", "cache=bf16,fp8", "--over", "batch=1,2", "--over", "on=h100-sxm,b200", "--quantity", "time,fits"]
    printed = run(*words).stdout
    assert printed.splitlines()[0] == "cache,on,batch,time,fits"
    assert [x.split(",")[:3] for x in printed.splitlines()[3:5]] == [["bf16", "b200", "1"], ["bf16", "b200", "2"]]
    for kind in KINDS:
        run(*words, "-o", str(tmp_path / f"found.{kind}"))
    assert (tmp_path / "found.csv").read_text() == printed
    table = parquet.read_table(tmp_path / "found.parquet")
    assert table["cache"].to_pylist() == ["bf16"] * 4 + ["fp8"] * 4
    assert table.schema.field("time").metadata == {b"unit": b"s"}
    found = rows_of(tmp_path / "found.npz")
    assert found["cache"].tolist() == ["bf16", "fp8"]
    assert found["time"].shape == (2, 2, 2)
    assert found["time"].ravel().tolist() == table["time"].to_pylist()


def test_numbers_are_written_so_that_they_read_back_the_same():
    printed = run("--over", "cached=0,1000000000000000000", "--quantity", "flops,intensity,cache_size").stdout
    exact = symroof.load("gpt2").report(cached=10**18, dtype="bf16").total
    last = list(csv.DictReader(io.StringIO(printed)))[1]
    assert last["cached"] == "1000000000000000000"
    assert float(last["flops"]) == float(exact.flops)
    assert float(last["intensity"]) == pytest.approx(float(exact.intensity), rel=1e-15)
    assert printed.splitlines()[1].split(",")[1] == str(int(symroof.load("gpt2").report(dtype="bf16").total.flops))


def test_a_field_with_a_comma_is_quoted():
    file = io.BytesIO()
    heads = writers.Header((writers.Axis("model", ('a,"b"',)), writers.Axis("batch", (1, 2))), {"flops": "FLOP"})
    with writers.finishing(writers.Csv(file, heads)) as sheet:
        sheet.write(writers.RowBlock(('a,"b"',), ((1, 2),), [np.array([0.5, 3])]))
    assert list(csv.reader(io.StringIO(file.getvalue().decode()))) == [
        ["model", "batch", "flops"],
        ['a,"b"', "1", "0.5"],
        ['a,"b"', "2", "3"],
    ]


@pytest.mark.parametrize(
    ("kind", "number", "code"),
    [
        ("csv", signal.SIGINT, 130),
        ("parquet", signal.SIGTERM, 143),
        ("npz", signal.SIGINT, 130),
    ],
)
def test_a_sweep_that_is_ended_leaves_the_whole_rows_that_are_done(kind, number, code, tmp_path, wanted, monkeypatch):
    path, made = tmp_path / f"found.{kind}", writers.KINDS[f".{kind}"]

    class Ending(made):
        def write(self, rows):
            super().write(rows)
            signal.raise_signal(number)

    before = signal.getsignal(number)
    monkeypatch.setitem(writers.KINDS, f".{kind}", Ending)
    result = run(*GRID, "-o", str(path), code=code)
    assert signal.getsignal(number) == before
    found = rows_of(path)
    done = len(found["flops"])
    assert 0 < done < 100_000
    assert f"{done:,} of 100,000 rows" in result.stderr
    assert len(result.stderr.splitlines()) == 1
    for name in ("flops", "time"):
        assert np.array_equal(found[name], wanted[name].ravel()[:done])
    assert os.listdir(tmp_path) == [path.name]


def test_a_sweep_that_is_killed_leaves_the_file_that_was_there(tmp_path):
    path = tmp_path / "found.csv"
    path.write_text("before")
    words = ["--over", "batch=1:10000", "--over", "cached=0:10000", "-o", str(path)]
    process = subprocess.Popen([sys.executable, "-c", "from symroof.cli import main; main()", *WORDS, *words])
    try:
        while not any(x.stat().st_size for x in tmp_path.glob(".symroof.*")):
            assert process.poll() is None
            time.sleep(0.05)
    finally:
        process.kill()
    assert process.wait() == -signal.SIGKILL
    assert path.read_text() == "before"


@pytest.mark.parametrize("kind", KINDS)
def test_no_room_is_told_and_leaves_what_was_there(kind, tmp_path):
    path = tmp_path / f"found.{kind}"
    path.write_text("before")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (2**18, before[1]))
    try:
        result = run(*GRID, "-o", str(path), code=1)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert result.stderr.startswith("Error: ")
    assert "cannot be written: File too large" in result.stderr
    assert path.read_text() == "before"
    assert os.listdir(tmp_path) == [path.name]


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="no such device here")
def test_a_full_disk_behind_a_device_is_told():
    assert "/dev/full: cannot be written: No space left on device" in run(*GRID, "-o", "/dev/full", code=1).stderr


@pytest.mark.parametrize(
    ("target", "code", "told"),
    [
        ("missing/found.csv", 1, "cannot be written: No such file or directory"),
        ("file/found.npz", 1, "cannot be written: Not a directory"),
        ("found.xlsx", 2, "unknown ending of a file '.xlsx': known: .csv, .npz, .parquet"),
        ("found", 2, "unknown ending of a file"),
        ("pipe.npz", 2, "is not a regular file: Parquet and npz need one"),
    ],
)
def test_targets_that_cannot_be_are_told(target, code, told, tmp_path):
    (tmp_path / "file").write_text("")
    os.mkfifo(tmp_path / "pipe.npz")
    result = run("--over", "batch=1", "-o", str(tmp_path / target), code=code)
    assert told in result.stderr
    assert sorted(os.listdir(tmp_path)) == ["file", "pipe.npz"]


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_that_is_read_only_is_told(tmp_path):
    tmp_path.chmod(0o500)
    assert "Permission denied" in run("--over", "batch=1", "-o", str(tmp_path / "found.csv"), code=1).stderr


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--over", "batch=1,2", "--batch-size", "2"], "--batch-size is swept over: leave it out"),
        (["--over", "gpus=1,2", "--on", "b200", "--gpus", "2"], "--gpus is swept over"),
        (["--over", "on=b200", "--on", "b200"], "--on is swept over"),
        (["--over", "model=gpt2"], "model is both swept over and given"),
        (["--over", "batch=1", "--quantity", "time"], "time needs a machine: give one, such as --on h100-sxm"),
    ],
)
def test_mistakes_are_told_in_one_line(words, told):
    stderr = run(*words, code=2).stderr
    assert told in stderr.splitlines()[-1]


def test_models_are_an_axis_in_place_of_the_argument():
    words = ["sweep", "--over", "model=llama-3.1-8b,qwen3-8b", "--over", "batch=1,2", "--quantity", "parameters"]
    found = CliRunner().invoke(cli, words)
    parameters = [symroof.load(x).parameters.total for x in ("llama-3.1-8b", "qwen3-8b")]
    assert found.stdout.splitlines()[1::2] == [f"llama-3.1-8b,1,{parameters[0]}", f"qwen3-8b,1,{parameters[1]}"]
    refused = CliRunner().invoke(cli, [*words, "--set", "d=8"])
    assert (refused.exit_code, "one model" in refused.stderr) == (2, True)


def test_machines_of_ones_own_are_an_axis(tmp_path):
    own = "name=mine,peak=1e12,bandwidth=1e11,memory=8GiB,vector=1e12"
    one = run("--over", "batch=1", "--machine", own).stdout.splitlines()
    assert one[0] == "batch,flops,bytes,time"
    words = ["--over", "batch=1", "--machine", own, "--gpus", "2", "--quantity", "time"]
    for more in (["--on", "b200"], ["--over", "on=b200"]):
        found = run(*words, *more).stdout.splitlines()
        assert [x.split(",")[0] for x in found] == ["on", "2 x b200", "2 x mine"]
        assert float(found[2].split(",")[2]) == pytest.approx(float(one[1].split(",")[3]) / 2)


class Terminal(io.StringIO):
    def isatty(self):
        return True


def test_how_far_a_long_sweep_is_shows_on_a_terminal_alone(monkeypatch):
    monkeypatch.setattr(sweep_output, "LONG", 1)
    assert run(*GRID).stderr == ""
    monkeypatch.setattr(sys, "stderr", Terminal())
    with sweep_output.progress_bar(1000, "found.csv") as advance:
        advance(500)
    assert "500/1000" in sys.stderr.getvalue()
