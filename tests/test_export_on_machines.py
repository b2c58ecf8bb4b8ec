"""Exported times and energies on a machine: a roofline's at the peaks, to the last digit that numbers can hold."""

import json
import re
from fractions import Fraction

import pytest
from click.testing import CliRunner

import symroof
from symroof import symbols as s
from symroof.cli import cli
from symroof.export import code, json_trees, spreadsheet
from symroof.export.functions import bound_functions
from symroof.hardware.machines import Machine
from symroof.hardware.platform import platform

# Dense; latent attention with fp8 experts; sliding; state space; hybrid with experts; compressed; mxfp4.
MODELS = (
    "llama-3.1-8b",
    "deepseek-v3",
    "gemma-3-12b",
    "mamba-codestral-7b",
    "qwen3-next-80b-a3b",
    "deepseek-v4-flash",
    "gpt-oss-20b",
)
BATCHES = ((1, 1, 0), (3, 1, 8191), (2, 700, 130), (64, 5, 3000))
FREE = ["B", "n", "c"]


def run_functions(export, language="python"):
    space = {}
    exec(compile(code.code_file(export, language), language, "exec"), space)
    return [space[x.name] for x in export.functions]


def told_energy(roofline):
    """What `solve` and `sweep` sum: the joules of FLOP and bytes of every row."""
    energy = 0
    for x in roofline.rows:
        used = roofline.platform
        rates = used.energies(used.rates(x.row.role, x.row.cost.matmul, x.row.width, roofline.report.precision))
        cost = x.row.all
        energy += rates["e_F"] * Fraction(cost.matmul) + rates["e_v"] * Fraction(cost.vector)
        energy += rates["e_W"] * Fraction(cost.moved)
    return energy


@pytest.mark.parametrize("name", MODELS)
def test_time_and_energy_are_those_of_a_roofline(name):
    model, on = symroof.load(name), platform("h100-sxm")
    time, energy = run_functions(bound_functions(model, ["time", "energy"], free=FREE, on=on))
    for B, n, c in BATCHES:
        roofline = symroof.roofline(model, on, new=n, cached=c, batch_size=B, anyway=True)
        assert float(time(B=B, n=n, c=c)) == pytest.approx(float(roofline.time), rel=1e-12)
        assert float(energy(B=B, n=n, c=c)) == pytest.approx(float(told_energy(roofline)), rel=1e-12)


def test_time_is_exact_where_nothing_is_raised_to_a_power():
    model, on = symroof.load("llama-3.1-8b"), platform("h100-sxm")
    (time,) = run_functions(bound_functions(model, ["time"], free=FREE, on=on))
    for B, n, c in BATCHES:
        found = symroof.roofline(model, on, new=n, cached=c, batch_size=B, anyway=True).time
        assert time(B=B, n=n, c=c) == found.exact


@pytest.mark.parametrize(
    "how",
    [
        {"mfu": 0.6, "mbu": 0.8},
        {"mfu": 0.5, "overhead": 5e-6},
        {"compute": "fp8"},
    ],
    ids=str,
)
def test_a_platform_may_be_below_its_peaks(how):
    model, on = symroof.load("qwen3-next-80b-a3b"), platform("b200", **how)
    (time,) = run_functions(bound_functions(model, ["time"], free=FREE, on=on))
    for B, n, c in BATCHES:
        roofline = symroof.roofline(model, on, new=n, cached=c, batch_size=B, anyway=True)
        assert float(time(B=B, n=n, c=c)) == pytest.approx(float(roofline.time), rel=1e-12)


def test_a_part_takes_the_time_of_its_rows_in_one_layer():
    model, on = symroof.load("llama-3.1-8b"), platform("h100-sxm")
    roofline = symroof.roofline(model, on, new=7, cached=90, batch_size=2)
    for op in ("mlp", "mlp/down"):
        (time,) = run_functions(bound_functions(model, ["time"], op=op, free=FREE, on=on))
        rows = [x for x in roofline.rows if x.row.path == op or x.row.path.startswith(f"{op}/")]
        assert time(B=2, n=7, c=90) == sum(x.time.exact / x.row.layers for x in rows)


def test_a_rate_may_stay_free():
    model, machine = symroof.load("llama-3.1-8b"), symroof.machine("h100-sxm")
    (time,) = run_functions(bound_functions(model, ["time"], free=["W", *FREE], on=platform(machine)))
    double = platform(Machine(**{**vars(machine), "bandwidth": 2 * machine.bandwidth}))
    found = time(W=2 * machine.bandwidth, B=4, n=1, c=1000)
    assert found == symroof.roofline(model, double, cached=1000, batch_size=4).time.exact


def test_a_machine_without_a_vector_rate_takes_no_time_for_vector_flop():
    machine = Machine(**{**vars(symroof.machine("h100-sxm")), "vector": None})
    model, on = symroof.load("llama-3.1-8b"), platform(machine)
    time, energy = run_functions(bound_functions(model, ["time", "energy"], free=FREE, on=on))
    roofline = symroof.roofline(model, on, new=9, batch_size=2)
    assert time(B=2, n=9, c=0) == roofline.time.exact
    assert float(energy(B=2, n=9, c=0)) == pytest.approx(float(told_energy(roofline)), rel=1e-12)


def test_joules_that_are_given_are_taken():
    model, on = symroof.load("llama-3.1-8b"), platform("h100-sxm", joules=(0.5e-12, 30e-12))
    (energy,) = run_functions(bound_functions(model, ["energy"], free=FREE, on=on))
    roofline = symroof.roofline(model, on, new=9, batch_size=2)
    assert energy(B=2, n=9, c=0) == told_energy(roofline)


def test_the_text_has_the_formula_of_the_code():
    model, on = symroof.load("deepseek-v3"), platform("h100-sxm")
    export = bound_functions(model, ["time", "energy"], free=FREE, on=on)
    values = {s.B: 3, s.n: 5, s.c: 70, **export.rates}
    for formula, function in zip(export.formulas, run_functions(export), strict=True):
        assert float(symroof.Binding(values)(formula.total)) == pytest.approx(
            float(function(B=3, n=5, c=70)), rel=1e-12
        )


def test_a_step_is_named_after_its_operator():
    export = bound_functions(symroof.load("llama-3.1-8b"), ["time"], free=FREE, on=platform("h100-sxm"))
    (found,) = json.loads(json_trees.formulas_json(export))["formulas"]
    roofline = symroof.roofline("llama-3.1-8b", "h100-sxm")
    steps = [x["name"] for x in found["steps"]]
    assert [x for x in steps if x.startswith("t_")] == [f"t_{x.row.path.replace('/', '_')}" for x in roofline.rows]
    assert steps[:3] == ["F_bf16", "F_v", "W"]
    assert found["name"] == "llama_3_1_8b_time_on_h100_sxm"
    assert found["machine"] == {"name": "h100-sxm", "count": 1, "compute": None, "overhead_s": 0.0, "reach": {}}


def test_no_step_has_the_name_of_a_symbol():
    for name in MODELS:
        export = bound_functions(symroof.load(name), ["time"], free=FREE, on=platform("h100-sxm"))
        steps = [str(x.name) for x in export.functions[0].steps]
        assert len({x.lower() for x in steps}) == len(steps)
        assert not {x for x in steps if x.startswith("t_")} & s.VOCABULARY.keys()


def call(words, code=0):
    result = CliRunner().invoke(cli, ["formula", *words.split()])
    assert result.exit_code == code, result.output
    return result.stdout + result.stderr


def test_the_command_says_which_machine():
    text = call("llama-3.1-8b --quantity flops,time --free B,n,c --on h100-sxm --gpus 8 --mfu 0.6 --format python")
    assert "def llama_3_1_8b_flops(*, B, n, c):" in text
    assert "def llama_3_1_8b_time_on_8_x_h100_sxm(*, B, n, c):" in text
    assert "llama-3.1-8b on 8 x h100-sxm: time of one operator after another, in s." in text
    assert "Machine: 8 x h100-sxm, 60.0 % of the peak FLOP/s" in text
    assert text.count("Machine: ") == 1


def test_the_text_says_what_the_rates_are():
    text = call("llama-3.1-8b --quantity time --free B,n,c --on h100-sxm")
    assert re.search(r"^ *F_bf16 +9.894e\+14 +matmul FLOP per second in bf16.*\(the machine\)", text, re.MULTILINE)
    assert re.search(r"^ *W +3.35e\+12 +bytes per second.*\(the machine\)", text, re.MULTILINE)


def test_a_cell_holds_the_time():
    export = bound_functions(symroof.load("llama-3.1-8b"), ["time"], free=FREE, on=platform("h100-sxm"))
    assert "=LET(B_, 1, n_, 1, c_, 0, F_bf16_cap, 989400000000000, " in spreadsheet.render_spreadsheet(export)


@pytest.mark.parametrize(
    ("words", "parts"),
    [
        ("--quantity time --free B,n,c", ["F, F_v, W", "--on h100-sxm"]),
        ("--quantity time --on h100-sxm", ["--on", "--free B,n,c"]),
        ("--free B,n,c --on h100-sxm", ["h100-sxm", "only time and energy", "--quantity time"]),
        ("--quantity time --free B,n,c,u_F --on h100-sxm", ["--free u_F", "no such symbol", "F_bf16"]),
        ("--quantity time --free B,n,c --on h100-sxm --on b200", ["single machine"]),
        ("--quantity time --free B,n,c --mfu 0.5", ["--mfu", "--on"]),
        ("--quantity time --free B,n,c --gpus 2", ["--gpus", "--on"]),
        ("--quantity energy --free B,n,c --machine peak=1e15,bandwidth=1e12,memory=1e11", ["no power is published"]),
    ],
)
def test_mistakes_are_told(words, parts):
    text = call(f"llama-3.1-8b {words}", 2)
    assert all(part in text for part in parts), text
