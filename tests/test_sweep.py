"""Sweeps: every number is that of the exact report at its point; programs are small and stay whole at any size."""

import random
import tracemalloc
from fractions import Fraction
from functools import partial

import numpy as np
import pytest
from sympy import Integer, Max, Min, Symbol, floor

import symroof
from symroof.algebra.points import Point
from symroof.errors import SymroofError, UnknownName, UsageError
from symroof.hardware.machines import built_in_machines
from symroof.hardware.platform import as_platform
from symroof.performance.roofline import Roofline, timed_operator
from symroof.sweeps import plan as plans
from symroof.sweeps import ufunc_compiler
from symroof.sweeps.axes import axes
from symroof.sweeps.backends import ENGINES
from symroof.sweeps.columns import COLUMNS
from symroof.sweeps.grid import Grid, grid_blocks, prepare_grid, with_numpy
from symroof.sweeps.sweep import plan_sweep, sweep
from symroof.sweeps.ufunc_program import execution_order

STEPS = "flops,bytes,time"
# Of every kind, dense, experts, latent, indexed and compressed attention, windows, chunks, hybrids, recurrences: rules,
# and tokens and queries up to ten to which power.
MODELS = {
    "llama-3.1-8b": ("standard", 18),
    "qwen3-30b-a3b": ("experts-bound", 5),
    "deepseek-v3": ("standard,exact-dots", 18),
    "deepseek-v3.2": ("logits-all", 5),
    "deepseek-v4-flash": ("standard", 18),
    "gpt-oss-20b": ("standard", 18),
    "gemma-2-9b": ("fused", 5),
    "llama-4-scout": ("standard", 18),
    "qwen3-next-80b-a3b": ("transformers", 5),
    "jamba-v0.1": ("standard", 18),
    "mamba-1.4b": ("matmul-only", 5),
    "rwkv-5-world-3b": ("standard", 5),
}


def on_platform(model, on, **step):
    """The roofline of a step, whatever fits."""
    report, platform = model.report(**step), as_platform(on)
    return Roofline(report, platform, tuple(timed_operator(row, report, platform) for row in report.rows), 0)


def at(model, batch, new, cached, on="b200", **how):
    """What every column should be, exactly, from the report and its roofline."""
    found = on_platform(model, on, new=new, cached=cached, batch_size=batch, **how)
    kept, units, power = found.report.total, found.units, Fraction(found.platform.machine.power)
    busy = sum((x.seconds.compute + x.seconds.memory) * x.row.layers for x in found.rows)
    return {
        "matmul_flops": kept.matmul,
        "vector_flops": kept.vector,
        "flops": kept.flops,
        "bytes": kept.moved,
        "weight_bytes": kept.weight_read,
        "cache_bytes": kept.cache_read + kept.cache_write,
        "cache_read_bytes": kept.cache_read,
        "cache_write_bytes": kept.cache_write,
        "activation_bytes": kept.act_read + kept.act_write,
        "input_bytes": kept.input,
        "output_bytes": kept.output,
        "parameters": model.parameters.total,
        "weight_size": kept.weight_held,
        "cache_size": kept.cache_held,
        "storage": kept.weight_held + kept.cache_held,
        "intensity": kept.intensity,
        "memory": found.need.total,
        "time": found.time,
        "time.compute": units["compute"],
        "time.memory": units["memory"],
        "time.lower": found.lower,
        "energy": power * busy,
        "fits": found.fits,
    }


def same(got, wanted, where=""):
    assert got == pytest.approx(float(wanted), rel=1e-12, abs=0), where


def drawn(rng, least, most, count=3):
    """Numbers of every size, the least among them."""
    return sorted({least} | {max(least, int(10 ** rng.uniform(0, most))) for _ in range(count)})


@pytest.mark.parametrize("name", MODELS)
def test_every_column_is_that_of_the_exact_report(name):
    rng, model, (rules, most) = random.Random(name), symroof.load(name), MODELS[name]
    over = {"batch": drawn(rng, 1, most), "new": drawn(rng, 1, most), "cached": drawn(rng, 0, most)}
    found = sweep(model, over, COLUMNS, on="b200", rules=rules, dtype="bf16")
    assert set(found.columns) == set(COLUMNS)
    for column in found.columns.values():
        assert column.shape == found.shape
        assert np.all(np.isfinite(column))
        assert np.all(column >= 0)
    for _ in range(3):
        place = tuple(rng.randrange(len(x)) for x in over.values())
        point = [x[i] for x, i in zip(over.values(), place, strict=True)]
        for column, wanted in at(model, *point, rules=rules, dtype="bf16").items():
            same(found[column][place], wanted, (column, point))


@pytest.mark.parametrize(
    ("name", "axis"), [("llama-3.1-8b", "cached"), ("deepseek-v3", "new"), ("gpt-oss-20b", "batch")]
)
def test_one_axis_alone_is_that_of_the_exact_report(name, axis):
    model, given = symroof.load(name), {"batch": 7, "new": 3, "cached": 10**14}
    own = {{"batch": "batch_size"}.get(x, x): value for x, value in given.items() if x != axis}
    found = sweep(model, {axis: [1, 5, 4097]}, "flops,bytes,activation_bytes,memory,time", on="b200", **own)
    for i, value in enumerate((1, 5, 4097)):
        wanted = at(model, **{**given, axis: value})
        for column in found.columns:
            same(found[column][i], wanted[column], (value, column))


@pytest.mark.parametrize(
    ("name", "over", "hold", "changed"),
    [
        ("llama-3.1-8b", {"d": "2048,4096", "L": "1,5000"}, ("f/d",), lambda d, L: {"d": d, "f": d * 7 // 2, "L": L}),
        ("llama-3.1-8b", {"H_kv": "1:32:x2"}, (), lambda H_kv: {"H_kv": H_kv}),
        ("qwen3-30b-a3b", {"k": "1,2,8", "N_e": "8 128"}, (), lambda k, N_e: {"k": k, "N_e": N_e}),
        ("gpt-oss-20b", {"w": "1,128,100000"}, (), lambda w: {"w": w}),
    ],
)
def test_sizes_are_those_of_a_model_with_other_sizes(name, over, hold, changed):
    model = symroof.load(name)
    found = sweep(model, {**over, "cached": "100,70000"}, STEPS, on="h100-sxm", hold=hold)
    names = list(found.axes)
    for place in np.ndindex(found.shape):
        *sizes, cached = (int(found[x][i]) for x, i in zip(names, place, strict=True))
        other = model.with_sizes(**changed(*sizes))
        for column in found.columns:
            same(found[column][place], at(other, 1, 1, cached, on="h100-sxm")[column], (place, column))


def test_settings_are_those_of_reports_with_them():
    over = {"batch": "1,64", "model": "llama-3.1-8b,qwen3-30b-a3b", "on": "h100-sxm,mi300x", "cache": "bf16,fp8"}
    found = sweep(None, over, STEPS, new=3, cached=5000)
    assert list(found.axes) == ["model", "on", "cache", "batch"]
    assert found.shape == (2, 2, 2, 2)
    for place in random.Random(0).sample([*np.ndindex(found.shape)], 6):
        name, on, cache, batch = (found[x][i] for x, i in zip(found.axes, place, strict=True))
        wanted = at(symroof.load(str(name)), int(batch), 3, 5000, str(on), cache=str(cache))
        for column in found.columns:
            same(found[column][place], wanted[column], (place, column))


def test_rules_logits_and_several_machines_are_settings_too():
    model, over = symroof.load("qwen3-8b"), {"gpus": "1,2", "rules": "standard,standard+fused", "logits": "last,all"}
    found = sweep(model, over, STEPS, on="h100-sxm", new=3, cached=5000)
    for place in np.ndindex(found.shape):
        gpus, rules, logits = (found[x][i] for x, i in zip(found.axes, place, strict=True))
        where = symroof.machine("h100-sxm").times(int(gpus))
        wanted = at(model, 1, 3, 5000, where, rules=str(rules).split("+"), logits=str(logits))
        for column in found.columns:
            same(found[column][place], wanted[column], (place, column))


def test_what_a_platform_reaches_is_in_the_times():
    model, use = symroof.load("qwen3-8b"), {"mfu": 0.5, "mbu": 0.7, "overhead": 5e-6, "compute": "fp8"}
    found = sweep(model, {"batch": "1 300"}, "time,energy", on="h100-sxm", use=use, cached=9)
    for i, batch in enumerate((1, 300)):
        same(found["time"][i], at(model, batch, 1, 9, symroof.platform("h100-sxm", **use))["time"])


def test_a_machine_without_a_vector_rate_does_elementwise_work_in_no_time():
    own = next(x for x in built_in_machines().values() if x.vector is None and "bf16" in x.peaks)
    found = sweep("gpt2", {"batch": "1 999"}, "time", on=own, dtype="bf16")
    same(found["time"][1], on_platform(symroof.load("gpt2"), own, batch_size=999, dtype="bf16").time)


def test_layers_that_predict_further_are_counted_where_they_are_asked_for():
    found = sweep(None, {"model": "deepseek-v3"}, "parameters,flops", mtp=True)
    other = symroof.load("deepseek-v3", mtp=True)
    assert found["parameters"].tolist() == [float(other.parameters.total)]
    same(found["flops"][0], other.report().total.flops)


def test_an_own_graph_is_swept():
    model = symroof.load("llama-3.1-8b")
    own = model.with_graph(symroof.Block("mine", model.graph().children[:2]))
    found = sweep(own, {"cached": "1,77"}, "flops,memory", on="h100-sxm")
    assert found["flops"].tolist() == [float(own.report(cached=x).total.flops) for x in (1, 77)]


def test_random_formulas_are_what_exact_arithmetic_makes_of_them():
    B, c, w = (Symbol(x, integer=True, positive=True) for x in "Bcw")
    rng = random.Random(3)

    def whole(depth):
        kinds = [lambda: rng.choice((B, c, w)), lambda: Integer(rng.randint(1, 9))]
        pair = (whole(depth - 1), whole(depth - 1)) if depth else (0, 0)
        kinds += depth * [
            lambda: pair[0] + pair[1],
            lambda: pair[0] * pair[1],
            lambda: pair[0] - pair[1],
            lambda: Max(*pair),
            lambda: Min(*pair),
            lambda: floor(pair[0] / rng.choice((w, 7, B + c))),
        ]
        return rng.choice(kinds)()

    axes_ = ((1, 4, 9), (2, 3, 50, 1000), (1, 16))
    for _ in range(60):
        expr = whole(3) / rng.choice((1, 3, w, B + c))
        program = ufunc_compiler.compile_program([expr], (B, c, w), {})
        grid = Grid(program, axes_)
        found = prepare_grid(grid).fill(grid.whole, [np.empty(grid.shape)])[0]
        for place in np.ndindex(found.shape):
            exact = Point({x: own[i] for x, own, i in zip((B, c, w), axes_, place, strict=True)}).number(expr)
            same(found[place], exact, expr)


def test_blocks_are_runs_of_rows_that_make_the_grid():
    for shape in ((), (1,), (10,), (3, 7), (7, 3), (2, 3, 5), (1, 1, 9)):
        for most in (1, 4, 6, 100):
            seen = np.full(shape, -1)
            for i, block in enumerate(grid_blocks(shape, most)):
                assert np.all(seen[block] == -1)
                seen[block] = i
                assert seen[block].size <= max(most, 1)
            assert np.all(np.diff(seen.ravel()) >= 0)
            assert np.all(seen >= 0)


@pytest.mark.parametrize(("quantities", "full"), [("flops", 1), ("bytes", 2), ("flops,bytes", 3)])
def test_a_total_takes_one_multiply_add_a_point(quantities, full):
    found = plan_sweep(symroof.load("llama-3.1-8b"), {"batch": "1:512", "cached": "0:4096"}, quantities)
    assert sum(len(x.axes) == 2 for x in taken(found)) <= full


def taken(found):
    """The steps that a sweep takes."""
    program = found.parts[0].grid.program
    return [program.steps[i] for i in execution_order(program, ())]


@pytest.mark.parametrize("name", ["llama-3.1-8b", "qwen3-30b-a3b", "gpt-oss-20b"])
def test_no_maximum_is_taken_at_every_point(name):
    steps = taken(plan_sweep(symroof.load(name), {"batch": "1:512", "cached": "0:4096"}, "time", on="h100-sxm"))
    assert sum(x.operation == "maximum" for x in steps) > 6
    assert sum(x.operation == "maximum" and len(x.axes) == 2 for x in steps) == 0
    assert sum(len(x.axes) == 2 for x in steps) == 2


def test_memory_is_bounded_whatever_the_size_of_the_grid():
    found = plan_sweep(symroof.load("qwen3-30b-a3b"), {"batch": "1:1000", "cached": "0:29999"}, STEPS, on="h100-sxm")
    tracemalloc.start()
    rows = sum(map(len, found.blocks()))
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert rows == found.rows == 30_000_000
    assert most < 5e7  # the columns of all rows are 720 MB


def test_what_is_kept_whole_does_not_change_a_number(monkeypatch):
    over = {"batch": "1:40:+3", "new": "1,2,700", "cached": f"0:9,{10**14}:{10**14 + 5}"}
    planned = plan_sweep("deepseek-v3.2", over, STEPS, on="h200-sxm")
    wanted = planned.in_memory()
    monkeypatch.setitem(ENGINES, "numpy", partial(with_numpy, most=50))
    for hoisted in (0, 100, 2**21):
        monkeypatch.setattr("symroof.sweeps.grid.HOISTED", hoisted)
        monkeypatch.setattr("symroof.sweeps.grid.PIECE", hoisted // 10 + 1)
        found = planned.in_memory()
        for column in found.columns:
            assert np.array_equal(found[column], wanted[column])


def test_axes_are_read_as_they_are_written():
    written = {
        "batch=1:512:x2": [1, 2, 4, 8, 16, 32, 64, 128, 256, 512],
        "B=3:1000:x10": [3, 30, 300],
        "cached=0:20:+8": [0, 8, 16],
        "c = 7 : 9": [7, 8, 9],
        "new=1,2,8:10,9,1_000,1e3": [1, 2, 8, 9, 10, 1000],
        "d=5": [5],
        "on=b, a,b": ["b", "a"],
    }
    for text, values in written.items():
        assert list(axes([text])[0].values) == values
    assert [x.name for x in axes(["n=1", "cache=fp8", "c=1", "model=a"])] == ["cache", "model", "new", "cached"]
    assert list(axes({"batch": np.array([4, 2])})[0].values) == [4, 2]
    assert axes({"cached": range(10**9)})[0].values == range(10**9)


@pytest.mark.parametrize(
    ("over", "given", "told"),
    [
        (["batch=9:1"], {}, "batch=9:1: an empty range"),
        (["batch=0:9:+0"], {}, "a step of zero"),
        (["cached=0:9:x2"], {}, "multiplying never arrives"),
        (["batch=1:9:x1"], {}, "multiplying never arrives"),
        (["batch=1:2:3:4"], {}, "give FIRST:LAST"),
        (["batch=1.5"], {}, "not a whole number"),
        (["batch"], {}, "is not NAME=VALUES"),
        (["batch="], {}, "is not NAME=VALUES"),
        (["batch=,"], {}, "runs over nothing"),
        ({"batch": []}, {}, "runs over nothing"),
        ({"batch": [True]}, {}, "True is not a whole number"),
        (["batch=0"], {}, "out of range: give 1 to 1e"),
        (["batch=1e19"], {}, "out of range"),
        (["batch=1:1000000000000"], {}, "runs over 1000000000000 values: give 1000000000 at most"),
        (["batch=1:100000", "cached=0:100000"], {}, "a sweep of 10,000,100,000 rows: give 1,000,000,000 at most"),
        (["batch=1:100000", "cached=0:9999"], {}, "2,000,000,000 numbers in memory: give 200,000,000"),
        (["batch=1", "B=2"], {}, "batch is swept over twice"),
        (["cache=fp8"], {"cache": "fp8"}, "cache is both swept over and given"),
        (["batch=1"], {"batch_size": 2}, "batch is both swept over and given"),
        (["model=gpt2"], {}, "model is both swept over and given"),
        (["batch=1"], {"quantities": "time"}, "time needs a machine: give one"),
        (["gpus=1,2"], {}, "gpus needs a machine"),
        (["batch=1"], {"new": 0}, "new tokens: 0 is out of range"),
        (["H_q=32,33"], {}, "at H_q = 33: query heads"),
        (["d=2,3"], {"hold": ("f/d",)}, "at d = 3: f would be 21/2"),
        (["d=2"], {"hold": ("f/L",)}, "give ratios to a size that is swept"),
        (["d=2", "V=2"], {"hold": ("f/d", "f/V")}, "f follows 7\\*d/2 and V"),
        (["d=1:1000", "f=1:1000"], {}, "1,000,000 combinations of sizes"),
        (["d=1e10"], {}, "out of range"),
        (["batch=1"], {"engine": "numpy", "scheduler": "tcp://x"}, "a scheduler needs engine dask"),
    ],
)
def test_mistakes_are_told(over, given, told):
    with pytest.raises(UsageError, match=told):
        sweep("llama-3.1-8b", over, **given)


@pytest.mark.parametrize(
    ("over", "given", "nearest"),
    [
        (["bacth=1"], {}, "'batch'"),
        (["H_k=1"], {}, "'H_kv'"),
        (["cache=bf17"], {}, "'bf16'"),
        (["rules=standart"], {}, "'standard'"),
        (["on=h100-smx"], {}, "'h100-sxm'"),
        (["batch=1"], {"quantities": "flop"}, "'flops'"),
        (["batch=1"], {"engine": "nunpy"}, "'numpy'"),
    ],
)
def test_unknown_names_are_told_with_the_nearest(over, given, nearest):
    with pytest.raises(UnknownName, match=f"did you mean {nearest}"):
        sweep("llama-3.1-8b", over, **given)


def test_no_model_and_a_format_that_a_machine_has_no_rate_for_are_told():
    with pytest.raises(UsageError, match="no model: give one"):
        sweep(None, ["batch=1"])
    with pytest.raises(SymroofError, match="fp8"):
        sweep("llama-3.1-8b", ["weights=bf16,fp8", "activations=fp8"], "time", on="a100-sxm-80gb")


def test_a_sweep_is_arrays_by_name_and_a_table():
    model = symroof.load("gpt2")
    found = model.sweep({"batch": "1,2", "cached": [0, 4, 9]}, dtype="fp16")
    assert found.shape == found["flops"].shape == found["bytes"].shape == (2, 3)
    assert found["cached"].tolist() == [0, 4, 9]
    assert found.units == {"flops": "FLOP", "bytes": "bytes"}
    assert repr(found) == "<symroof sweep of flops, bytes over 2 batch by 3 cached>"
    with pytest.raises(UnknownName, match="did you mean 'flops'"):
        found["flop"]
    frame = found.frame()
    assert list(frame) == ["batch", "cached", "flops", "bytes"]
    assert frame.batch.tolist() == [1, 1, 1, 2, 2, 2]
    assert (
        frame.flops[4] == found["flops"][1, 1] == float(model.report(cached=4, batch_size=2, dtype="fp16").total.flops)
    )
    assert model.sweep({"on": "h100-sxm"}, "fits,energy", dtype="fp16").units == {"fits": "", "energy": "J"}


def test_the_limits_are_those_that_are_told():
    assert plans.MAX_ROWS == 10**9
    assert plan_sweep("gpt2", ["batch=1:1000", "cached=0:999999"], dtype="fp16").rows == 10**9
