"""What a step runs on: the format of its matmuls, the parts of the peaks it reaches, launches, joules."""

from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest

import symroof
from symroof.algebra.binding import Binding
from symroof.cost import operator_time
from symroof.cost.cost import Cost
from symroof.errors import ConfigError, SymroofError, UsageError
from symroof.hardware.machines import inline_machine, machine
from symroof.hardware.platform import CLASSES, CORES, LEAST, Platform, Reach, operator_class, peak_fraction, platform

# 100 TFLOP/s in bf16, 200 in fp8, 10 elementwise, 1 TB/s, 500 W
ROUND = inline_machine("name=round,bf16=100T,fp8=200T,vector=10T,bandwidth=1TB/s,memory=80GiB,power=500W")


def rates(on: Platform, role: str = "ffn", matmul: int = 1, width: str = "b_f", model: str = "llama-3.1-8b") -> Any:
    return on.rates(role, matmul, width, symroof.load(model).precision())


# --- classes of operators -----------------------------------------------------------------------------------------

CLASSED = [
    ("ffn", 1, "matmul"),
    ("head", 1, "matmul"),
    ("router", 1, "matmul"),
    ("attention_core", 1, "attention"),
    ("indexer_core", 1, "attention"),
    ("recurrence_core", 1, "recurrence"),
    ("routed_experts", 1, "experts"),
    ("routed_experts", 0, "elementwise"),
    ("norm", 0, "elementwise"),
    ("embedding", 0, "elementwise"),
]


@pytest.mark.parametrize(("role", "matmul", "kind"), CLASSED)
def test_an_operator_is_of_one_class(role: str, matmul: int, kind: str) -> None:
    assert operator_class(role, matmul) == kind
    assert kind in CLASSES


def test_roles_with_a_class_of_their_own_are_roles_of_models() -> None:
    models = map(symroof.load, ("deepseek-v3.2", "mamba-130m", "mixtral-8x7b"))
    assert set(CORES) <= {op.role for model in models for _, _, op in model.graph().rows()}
    assert set(CORES.values()) <= set(CLASSES)


# --- parts of peaks -----------------------------------------------------------------------------------------------

PARTS = [1, 0.7, 1.0, LEAST, Fraction(1, 3), Decimal("0.85")]
NO_PARTS = [0, -0.5, 1.1, 5e-324, float("nan"), float("inf"), True, "0.7", None, [], 10**400, Decimal("NaN")]


@pytest.mark.parametrize("value", PARTS)
def test_a_part_of_a_peak_is_exact(value: Any) -> None:
    assert peak_fraction("mfu", value) == Fraction(str(value))
    assert Reach(mfu=value).mfu == value
    assert platform(ROUND, mfu=value).reach["matmul"] == Reach(mfu=Fraction(str(value)))


@pytest.mark.parametrize("value", NO_PARTS)
@pytest.mark.parametrize("name", ["mfu", "mbu"])
def test_what_is_no_part_of_a_peak_is_told(name: str, value: Any) -> None:
    for tried in (lambda: peak_fraction(name, value), lambda: Reach(**{name: value})):
        with pytest.raises(UsageError, match=rf"{name} .*from 1e-06 to 1, such as 0.7"):
            tried()


@pytest.mark.parametrize("value", [-1e-9, 1.5, 1e308, float("nan"), float("inf"), True, "5e-6", None])
def test_what_is_no_overhead_is_told(value: Any) -> None:
    with pytest.raises(UsageError, match=r"overhead .*from 0 to 1, such as 5e-6"):
        platform(ROUND, overhead=value)


def test_overheads_are_exact() -> None:
    assert platform(ROUND, overhead=5e-6).overhead == Fraction(5, 10**6)
    assert rates(platform(ROUND, overhead=0.25))["t_0"] == Fraction(1, 4)


def test_what_is_reached_makes_an_estimate() -> None:
    assert platform(ROUND).ideal
    assert platform(ROUND, mfu=1, mbu=1.0, compute="fp8").ideal
    assert not any(x.ideal for x in (platform(ROUND, mfu=0.9), platform(ROUND, mbu=0.9), platform(ROUND, overhead=1)))


def test_a_setting_as_json_has_it() -> None:
    assert platform(ROUND).to_dict() == {"compute": None, "overhead_s": 0.0, "reach": {}}
    told = platform(ROUND, "FP8", mfu=0.5, overhead=5e-6).to_dict()
    assert (told["compute"], told["overhead_s"]) == ("fp8", 5e-6)
    assert told["reach"] == {name: {"mfu": 0.5, "mbu": 1.0} for name in CLASSES}


# --- rates --------------------------------------------------------------------------------------------------------


def test_the_rates_of_an_operator() -> None:
    assert rates(platform(ROUND)) == {"F": 10**14, "F_v": 10**13, "W": 10**12, "u_F": 1, "u_W": 1, "t_0": 0}
    used = rates(platform(ROUND, "fp8", mfu=0.5, mbu=0.25))
    assert used == {"F": 2 * 10**14, "F_v": 10**13, "W": 10**12, "u_F": Fraction(1, 2), "u_W": Fraction(1, 4), "t_0": 0}


def test_a_rate_over_several_formats_is_by_the_time_each_takes() -> None:
    # 3 FLOP in bf16 take as long as 6 in fp8: of 4 FLOP, 3 in bf16 and 1 in fp8 take the time of 3.5 in bf16
    assert platform(ROUND).peak({"bf16": Fraction(3, 4), "fp8": Fraction(1, 4)}) == 10**14 * Fraction(8, 7)
    assert platform(ROUND).peak({"fp8": Fraction(1)}) == 2 * 10**14


def test_without_matmuls_no_format_is_needed() -> None:
    v5e = machine("tpu-v5e")  # it has no fp8, and no elementwise rate is published
    on = platform(v5e)
    with pytest.raises(UsageError, match=r"tpu-v5e .* fp8: .*--compute FORMAT .*bf16"):
        rates(on, model="deepseek-v3")
    assert rates(on, matmul=0, model="deepseek-v3")["F_v"] == float("inf")
    assert rates(platform(v5e, "bf16"), model="deepseek-v3")["F"] == v5e.peak("bf16")


# --- joules -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("cost", [Cost(matmul=10**14), Cost(vector=10**13), Cost(weight_read=3 * 10**12)])
@pytest.mark.parametrize("setting", [{}, {"mfu": 0.5, "mbu": 0.2}], ids=["at the peaks", "estimate"])
def test_a_busy_unit_takes_full_power(cost: Cost, setting: Any) -> None:
    on = platform(ROUND, **setting)
    used = rates(on)
    joules = Binding({symroof.symbols.symbol(x): y for x, y in on.energies(used).items()})(operator_time.energy(cost))
    assert joules == 500 * operator_time.operator_seconds(cost, used).time


def test_joules_that_are_given_are_taken() -> None:
    on = platform(ROUND, joules=(1e-12, 30e-12))
    assert on.energies(rates(on)) == {"e_F": Fraction("1e-12"), "e_v": Fraction("1e-12"), "e_W": Fraction("3e-11")}


def test_without_joules_or_power_nothing_is_known() -> None:
    on = platform(inline_machine("peak=1T,bandwidth=1TB/s,memory=1GiB"))
    assert on.energies(rates(on)) == {}


@pytest.mark.parametrize("joules", [(1e-12, None), (None, 1e-12), (-1, 0), (float("nan"), 0), (0, float("inf"))])
def test_joules_that_cannot_be_are_told(joules: Any) -> None:
    with pytest.raises(UsageError, match="joules"):
        platform(ROUND, joules=joules)


# --- calibration --------------------------------------------------------------------------------------------------

CALIBRATION = """
[round.matmul]
mfu = 0.7
mbu = 0.85
[round.attention]
mbu = 1
[other.experts]
mfu = 0.5
"""


def written(path: Any, text: str) -> str:
    (path / "mine.toml").write_text(text)
    return str(path / "mine.toml")


def test_a_calibration_says_what_each_class_reaches(tmp_path: Any) -> None:
    on = platform(ROUND.times(8), calibration=written(tmp_path, CALIBRATION))
    assert on.reach["matmul"] == Reach(Fraction(7, 10), Fraction(17, 20))
    assert {name: x for name, x in on.reach.items() if name != "matmul"} == {
        name: Reach() for name in CLASSES if name != "matmul"
    }
    assert on.to_dict()["reach"] == {"matmul": {"mfu": 0.7, "mbu": 0.85}}
    assert (rates(on)["u_F"], rates(on)["u_W"]) == (Fraction(7, 10), Fraction(17, 20))
    for role, matmul in (("attention_core", 1), ("ffn", 0), ("routed_experts", 1)):
        assert (rates(on, role, matmul)["u_F"], rates(on, role, matmul)["u_W"]) == (1, 1)


MISTAKEN = {
    "no table": ("[other.matmul]\nmfu = 0.5", "no table for round (it has: other); write [round.matmul]"),
    "class": ("[round.matmull]\nmfu = 0.5", "unknown key 'matmull': did you mean 'matmul'?"),
    "key": ("[round.matmul]\nmfuu = 0.5", "matmul: unknown key 'mfuu': did you mean"),
    "zero": ("[round.matmul]\nmfu = 0", "matmul: mfu 0: give a fraction"),
    "above one": ("[round.matmul]\nmbu = 1.01", "matmul: mbu 1.01: give a fraction"),
    "nan": ("[round.matmul]\nmfu = nan", "mfu NaN"),
    "inf": ("[round.matmul]\nmfu = -inf", "mfu -Infinity"),
    "far": ("[round.matmul]\nmfu = 1e999999", "mfu 1E+999999"),
    "text": ("[round.matmul]\nmfu = '0.7'", "mfu 0.7: give a fraction"),
    "date": ("[round.matmul]\nmfu = 2020-01-01", "mfu 2020-01-01"),
    "empty": ("[round.matmul]", "class matmul: give mfu, mbu or both"),
    "number": ("[round]\nmatmul = 0.7", "class matmul: give mfu, mbu or both"),
    "loose": ("mfu = 0.7", "is in no table"),
    "nothing": ("", "holds no table"),
    "broken": ("[round", "not valid TOML"),
    "deep": ("a = " + "[" * 5000, "not valid TOML"),
    "long": ("a = " + "9" * 5000, "not valid TOML"),
}


@pytest.mark.parametrize(("text", "told"), MISTAKEN.values(), ids=MISTAKEN)
def test_a_calibration_that_is_wrong_is_told(tmp_path: Any, text: str, told: str) -> None:
    with pytest.raises(ConfigError) as error:
        platform(ROUND, calibration=written(tmp_path, text))
    assert told in str(error.value)
    assert "mine.toml" in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("path", ["missing.toml", ".", "", "a\0b", "x" * 5000])
def test_a_calibration_that_cannot_be_read_is_told(path: str) -> None:
    with pytest.raises(SymroofError):
        platform(ROUND, calibration=path)


@pytest.mark.parametrize("more", [{"mfu": 1}, {"mbu": 0.5}])
def test_a_calibration_goes_without_mfu_and_mbu(tmp_path: Any, more: Any) -> None:
    with pytest.raises(UsageError, match="not both"):
        platform(ROUND, calibration=written(tmp_path, CALIBRATION), **more)
