"""Machines: what is known of them, how they are named and described, and what a mistake is answered with."""

import json
import re
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from symroof.cli import cli, options
from symroof.cli.command import Command
from symroof.cli.option_types import MachineName
from symroof.dtypes import BITS
from symroof.errors import ConfigError, SymroofError, UnknownName, UsageError
from symroof.hardware.machines import (
    QUANTITIES,
    RATED,
    RATES,
    built_in_machines,
    inline_machine,
    machine,
    machines_from_file,
    machines_from_options,
    machines_of_vendor,
)
from symroof.render.listings.machines import HEADS, LEGEND, OPTIONAL, machines_table
from symroof.units import NumberWithUnit

INLINE = "peak=990e12,bandwidth=3.35e12,memory=80GiB"
FORM = "[{}]\nbf16 = '990T'\nbandwidth = 3.35e12\nmemory = '80GiB'\n"
ALL = built_in_machines().values()
AMONG = """
v100-sxm-32gb a100-sxm-40gb a100-sxm-80gb a100-pcie-80gb h100-sxm h100-pcie h100-nvl h200-sxm h800-sxm h20 l4 l40s a10g
b200 b300 gb200 gb300 rtx-4090 jetson-thor dgx-spark mi210 mi250x mi300x mi325x mi355x tpu-v2 tpu-v5e tpu-v5p tpu-v6e
tpu-v7x trainium2 gaudi3 m2-ultra epyc-9654 core-i9-13900k
"""
NAMED = pytest.mark.parametrize("one", ALL, ids=lambda x: x.name)


def run(*args):
    return CliRunner().invoke(cli, list(args), catch_exceptions=False)


def written(path: Path, text):
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return str(path)


# --- what is known -----------------------------------------------------------------------------------------------


def test_there_are_machines_of_every_kind():
    assert len(built_in_machines()) >= 60
    assert {x.vendor for x in ALL} == {"NVIDIA", "AMD", "Google", "AWS", "Intel", "Apple", "Huawei"}
    for name in AMONG.split():
        assert machine(name).name == name


def test_names_are_one_each():
    names = [name for x in ALL for name in (x.name, *x.aliases)]
    assert len(names) == len(set(names))
    assert all(re.fullmatch(r"[a-z0-9]+(-[a-z0-9.+]+)*", name) for name in names)


@NAMED
def test_a_machine_is_plausible(one):
    assert one.source
    assert one.confidence in ("A", "B", "C")
    assert 2017 <= one.year <= 2026
    assert one.memory % 2**20 == 0
    assert 16 * 2**30 <= one.memory <= 2**41
    assert 80e9 < one.bandwidth <= 8e12
    assert one.link is None or 16e9 <= one.link <= 900e9
    assert one.power is None or 60 <= one.power <= 1500
    fastest = max(one.peaks.values())
    assert 1e12 < fastest < 2e16
    assert 20 < fastest / one.bandwidth < 4000
    assert one.vector is None or one.vector <= one.peaks["fp32"]
    stated = {*one.peaks, *(key for key in ("vector", "link", "power") if getattr(one, key)), "memory", "bandwidth"}
    assert set(one.unsourced) <= stated
    assert one.count == 1


@NAMED
def test_narrower_formats_are_no_slower(one):
    for order in (("fp64", "fp32", "tf32", "bf16", "fp8", "fp4"), ("fp32", "tf32", "fp16", "fp8"), ("fp6", "fp4")):
        rates = [one.peaks[form] for form in order if form in one.peaks]
        assert rates == sorted(rates)


def test_tpus_publish_no_vector_rate():
    assert all(x.vector is None for x in ALL if x.vendor in ("Google", "AWS"))
    assert all(x.vector for x in ALL if x.vendor in ("NVIDIA", "AMD", "Apple"))


# Matrix units x multiply-adds a clock x 2 x clock (GHz) -> TFLOP/s. Counts and clocks of the parts as published.
UNITS = [
    ("v100-sxm-32gb", "fp16", 640, 64, 1.53, 125.3),
    ("t4", "fp16", 320, 64, 1.59, 65.1),
    ("a10", "bf16", 288, 128, 1.695, 125.0),
    ("a30", "bf16", 224, 256, 1.44, 165.2),
    ("a40", "bf16", 336, 128, 1.74, 149.7),
    ("a100-sxm-80gb", "bf16", 432, 256, 1.41, 311.9),
    ("a100-sxm-80gb", "tf32", 432, 128, 1.41, 155.9),
    ("a100-sxm-80gb", "int8", 432, 512, 1.41, 623.7),
    ("a100-sxm-80gb", "fp64", 432, 16, 1.41, 19.5),
    ("a100-sxm-80gb", "vector", 6912, 1, 1.41, 19.5),
    ("rtx-a6000", "bf16", 336, 128, 1.8, 154.8),
    ("rtx-3090", "bf16", 328, 64, 1.695, 71.2),
    ("l4", "bf16", 232, 128, 2.04, 121.2),
    ("l40", "bf16", 568, 64, 2.49, 181.0),
    ("l40s", "bf16", 568, 128, 2.49, 362.1),
    ("rtx-4090", "bf16", 512, 64, 2.52, 165.2),
    ("rtx-4090", "vector", 16384, 1, 2.52, 82.6),
    ("rtx-6000-ada", "bf16", 568, 128, 2.505, 364.2),
    ("h100-sxm", "bf16", 528, 512, 1.83, 989.4),
    ("h100-sxm", "fp8", 528, 1024, 1.83, 1978.9),
    ("h100-sxm", "vector", 16896, 1, 1.98, 66.9),
    ("h200-sxm", "bf16", 528, 512, 1.83, 989.4),
    ("h100-pcie", "bf16", 456, 512, 1.62, 756.4),
    ("rtx-5090", "bf16", 680, 64, 2.407, 209.5),
    ("rtx-pro-6000-ws", "bf16", 752, 128, 2.617, 503.8),
    ("rtx-pro-6000-server", "bf16", 752, 128, 2.43, 467.8),
    ("jetson-agx-orin", "vector", 2048, 1, 1.3, 5.3),
    ("mi210", "bf16", 416, 128, 1.7, 181.0),
    ("mi250x", "bf16", 880, 128, 1.7, 383.0),
    ("mi250x", "vector", 14080, 1, 1.7, 47.9),
    ("mi300x", "bf16", 1216, 256, 2.1, 1307.4),
    ("mi300x", "fp8", 1216, 512, 2.1, 2614.9),
    ("mi350x", "bf16", 1024, 512, 2.2, 2306.9),
    ("mi355x", "bf16", 1024, 512, 2.4, 2516.6),
    ("mi355x", "fp4", 1024, 2048, 2.4, 10066.3),
    ("gaudi2", "bf16", 2, 65536, 1.65, 432.5),
    ("gaudi3", "bf16", 8, 65536, 1.6, 1677.7),
    ("tpu-v2", "bf16", 2, 16384, 0.7, 45.9),
    ("tpu-v3", "bf16", 4, 16384, 0.94, 123.2),
    ("tpu-v4", "bf16", 8, 16384, 1.05, 275.3),
    ("tpu-v5e", "bf16", 4, 16384, 1.5, 196.6),
    ("tpu-v5p", "bf16", 8, 16384, 1.75, 458.8),
    ("max-1550", "vector", 16384, 1, 1.6, 52.4),
    ("arc-pro-b60", "vector", 2560, 1, 2.4, 12.3),
    ("m2-ultra", "fp16", 9728, 1, 1.398, 27.2),
    ("epyc-9654", "fp32", 96 * 16, 1, 2.4, 7.4),
]


@pytest.mark.parametrize(("name", "form", "units", "fused", "clock", "told"), UNITS)
def test_peaks_are_units_times_clock(name, form, units, fused, clock, told):
    computed = units * fused * 2 * clock * 1e9
    assert round(computed / 1e12, 1) == told
    one = machine(name)
    assert (one.vector if form == "vector" else one.peak(form)) == pytest.approx(computed, rel=5e-3)


# Data pins x Gb/s each.
PINS = [
    ("v100-sxm-32gb", 4096, 1.758),
    ("t4", 256, 10),
    ("a10", 384, 12.5),
    ("a100-sxm-40gb", 5120, 2.43),
    ("a100-sxm-80gb", 5120, 3.186),
    ("rtx-3090", 384, 19.5),
    ("l4", 192, 12.5),
    ("l40s", 384, 18),
    ("rtx-4090", 384, 21),
    ("h100-sxm", 5120, 5.234),
    ("rtx-5090", 512, 28),
    ("dgx-spark", 256, 8.533),
    ("jetson-agx-orin", 256, 6.4),
    ("mi250x", 8192, 3.2),
    ("mi300x", 8192, 5.2),
    ("mi325x", 8192, 5.86),
    ("mi355x", 8192, 7.8),
    ("arc-pro-b60", 192, 19),
    ("epyc-9654", 768, 4.8),
    ("core-i9-13900k", 128, 5.6),
]


@pytest.mark.parametrize(("name", "pins", "speed"), PINS)
def test_bandwidth_is_pins_times_speed(name, pins, speed):
    assert machine(name).bandwidth == pytest.approx(pins * speed * 1e9 / 8, rel=6e-3)


# Links x GB/s each, one direction.
LINKS = [
    ("v100-sxm-32gb", 6, 25),
    ("a100-sxm-80gb", 12, 25),
    ("h100-sxm", 18, 25),
    ("h200-sxm", 18, 25),
    ("b200", 18, 50),
    ("gb300", 18, 50),
    ("mi250x", 7, 50),
    ("mi300x", 7, 64),
    ("mi355x", 7, 76.5),
    ("gaudi2", 24, 12.5),
    ("gaudi3", 24, 25),
    ("tpu-v4", 6, 45),
    ("tpu-v5e", 4, 45),
    ("tpu-v5p", 6, 90),
]


@pytest.mark.parametrize(("name", "links", "each"), LINKS)
def test_a_link_is_one_direction(name, links, each):
    assert machine(name).link == links * each * 1e9


# Figures that are in print and are not this: sparse, of both directions, of another part, or of one half.
CONFUSED = [
    ("gh200-96gb", "bf16", 1979e12), ("gh200-144gb", "bf16", 1979e12), ("b100", "bf16", 3500e12),
    ("gb200", "bf16", 4500e12), ("gb200", "bf16", 5000e12), ("b200", "bf16", 4500e12),
    ("h100-sxm", "bf16", 1979e12), ("h100-sxm", "fp8", 3958e12), ("h100-pcie", "bf16", 1513e12),
    ("h200-nvl", "bf16", 1671e12), ("a100-sxm-80gb", "bf16", 624e12), ("a10", "bf16", 250e12), ("a10g", "bf16", 140e12),
    ("l4", "bf16", 242e12), ("l4", "bf16", 485e12), ("l4", "fp8", 485e12), ("l40s", "bf16", 733e12),
    ("l40s", "fp8", 1466e12), ("rtx-6000-ada", "fp8", 1457e12), ("rtx-pro-6000-ws", "fp4", 4000e12),
    ("jetson-agx-orin", "int8", 275e12), ("jetson-thor", "fp4", 2070e12), ("dgx-spark", "fp4", 1000e12),
    ("rtx-5090", "fp4", 3352e12), ("rtx-4090", "bf16", 82.6e12), ("rtx-4090", "bf16", 330.3e12),
    ("rtx-3090", "bf16", 35.6e12), ("rtx-3090", "bf16", 142e12), ("rtx-a6000", "bf16", 38.7e12),
    ("a10g", "bf16", 125e12), ("mi210", "int8", 362e12), ("mi250x", "int8", 766e12), ("mi250x", "bf16", 191.5e12),
    ("v100-sxm-32gb", "fp16", 112e12), ("b300", "int8", 4500e12), ("gb300", "int8", 5000e12),
    ("mi355x", "bf16", 2300e12), ("tpu-v3", "bf16", 140e12), ("trainium1", "bf16", 90e12), ("gaudi3", "bf16", 1835e12),
    ("max-1550", "bf16", 320e12), ("mi300x", "fp8", 5229.8e12), ("mi350x", "fp4", 18450e12),
    ("mi355x", "fp4", 20100e12), ("trainium2", "fp8", 2563e12),
    ("gb200", "bandwidth", 13.4e12), ("h800-sxm", "bandwidth", 3430e9), ("h100-sxm", "bandwidth", 3072e9),
    ("rtx-pro-6000-server", "bandwidth", 1597e9),
    ("a10", "memory", 28 * 2**30), ("v100-sxm-16gb", "memory", 32 * 2**30), ("mi325x", "memory", 288 * 2**30),
    ("b200", "memory", 80e9), ("b200", "memory", 192 * 2**30),
    ("v100-sxm-32gb", "link", 300e9), ("a100-sxm-80gb", "link", 600e9), ("h100-sxm", "link", 900e9),
    ("b200", "link", 1800e9), ("mi300x", "link", 896e9), ("tpu-v7x", "link", 1200e9), ("trainium2", "link", 1280e9),
]  # fmt: skip


@pytest.mark.parametrize(("name", "field", "wrong"), CONFUSED)
def test_no_figure_is_a_known_confusion(name, field, wrong):
    one = machine(name)
    found = one.peaks[field] if field in one.peaks else getattr(one, field)
    assert abs(found / wrong - 1) > 0.02


@pytest.mark.parametrize("name", ["a100-sxm-80gb", "v100-sxm-32gb", "mi250x", "t4", "rtx-3090", "arc-pro-b60"])
def test_parts_without_fp8_have_no_rate_for_it(name):
    assert not {"fp8", "fp6", "fp4"} & machine(name).peaks.keys()


# --- a machine ----------------------------------------------------------------------------------------------------


def test_several_machines_add_up_but_for_the_link():
    one = machine("h100-sxm")
    four = one.times(4)
    assert (one.label, four.label, four.name, four.count) == ("h100-sxm", "4 x h100-sxm", "h100-sxm", 4)
    assert all(four.peaks[form] == 4 * rate for form, rate in one.peaks.items())
    for key in ("vector", "memory", "bandwidth", "power"):
        assert getattr(four, key) == 4 * getattr(one, key)
    assert four.link == one.link
    assert one.times(2).times(3) == one.times(6)
    tpu = machine("tpu-v5e").times(8)
    assert (tpu.vector, tpu.power, tpu.memory) == (None, None, 128 * 2**30)
    with pytest.raises(UsageError, match="at least 1"):
        one.times(0)


def test_every_format_is_rated_or_rated_as_another():
    assert set(BITS) == set(RATED) | (set(RATES) - {"peak"})
    assert set(RATED.values()) <= set(RATES)
    assert all(BITS[form] > BITS[rated] for form, rated in RATED.items())


def test_formats_of_scaled_blocks_multiply_as_their_elements():
    b200 = machine("b200")
    for form, rated in (("mxfp8", "fp8"), ("nvfp4", "fp4"), ("MXFP4", "fp4"), ("mxfp6", "fp6"), ("bfloat16", "bf16")):
        assert b200.peak(form) == b200.peaks[rated]


@pytest.mark.parametrize(
    ("name", "form", "told"),
    [
        ("h100-sxm", "nvfp4", ("h100-sxm has no rate", "nvfp4", "--compute", "bf16", "fp8")),
        ("h100-sxm", "int4", ("int4", "--compute")),
        ("v100-sxm-32gb", "bf16", ("bf16", "fp16", "fp32", "--compute")),
        ("a100-sxm-80gb", "fp8", ("fp8", "int8", "--compute")),
        ("h100-sxm", "bf61", ("unknown format 'bf61'", "did you mean 'bf16'")),
    ],
)
def test_a_format_without_a_rate_is_an_error(name, form, told):
    with pytest.raises(UsageError) as error:
        machine(name).peak(form)
    assert all(x in str(error.value) for x in told)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("typed", "name"),
    [
        ("H100-SXM", "h100-sxm"),
        ("h100_sxm5", "h100-sxm"),
        ("4090", "rtx-4090"),
        ("ironwood", "tpu-v7x"),
        ("h800", "h800-sxm"),
        ("gb10", "dgx-spark"),
        ("xeon-8480+", "xeon-8480"),
        ("A100_SXM4_80GB", "a100-sxm-80gb"),
    ],
)
def test_machines_go_by_other_names_too(typed, name):
    assert machine(typed).name == name


@pytest.mark.parametrize(
    ("typed", "told"),
    [
        ("h100", "did you mean one of h100-nvl, h100-pcie, h100-sxm?"),
        ("A100", "did you mean one of a100-pcie-40gb, a100-pcie-80gb, a100-sxm-40gb, a100-sxm-80gb?"),
        ("a100-80gb", "did you mean one of a100-pcie-80gb, a100-sxm-80gb?"),
        ("mi300", "did you mean 'mi300"),
        ("h10-sxm", "did you mean 'h100-sxm'?"),
        ("abacus", "symroof machines"),
        ("", "symroof machines"),
        ("x" * 5000, "symroof machines"),
    ],
)
def test_an_unknown_machine_is_told_with_those_it_could_be(typed, told):
    with pytest.raises(UnknownName) as error:
        machine(typed)
    assert told in str(error.value)
    assert len(str(error.value)) < 400


# --- numbers ------------------------------------------------------------------------------------------------------

SIZE = NumberWithUnit(("B", "B/s"), 1, "bytes")


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("80GiB", 80 * 1024**3),
        ("80 GiB", 80 * 1024**3),
        ("3.35TB/s", 3_350_000_000_000),
        ("3.35e12", 3_350_000_000_000),
        ("990T", 990 * 10**12),
        ("1_000", 1000),
        ("2k", 2000),
        ("2Ki", 2048),
        ("1.5", 1.5),
        ("1E", 10**18),
        ("1E3", 1000),
        ("0.1T", 10**11),
        (7, 7),
        ("80GB", 80 * 10**9),
        (" 1M ", 10**6),
    ],
)
def test_numbers_with_prefixes_are_exact(written, value):
    found = SIZE.read(written)
    assert found == value
    assert isinstance(found, type(value))


@pytest.mark.parametrize(
    "written",
    [
        "",
        "-5",
        "0",
        "nan",
        "inf",
        "1e999",
        "1e-9",
        "80gib",
        "80Gb",
        "80 GiBs",
        "80W",
        "8O",
        "1.2.3",
        "1,5",
        "1e",
        "0x10",
        "5 5",
        "T",
        "GiB",
        "1__0",
        "٣",
        "1e12T" * 9,
        "9" * 400,
        True,
        None,
        [],
        1.5j,
    ],
)
def test_what_is_no_such_number_is_none(written):
    assert SIZE.read(written) is None


# --- machines of a user's -----------------------------------------------------------------------------------------


def test_a_machine_in_a_line():
    found = inline_machine(INLINE)
    assert (found.name, found.memory, found.bandwidth) == ("machine", 80 * 2**30, 3_350_000_000_000)
    assert {found.peak(form) for form in BITS} == {990 * 10**12}
    assert (found.vector, found.link, found.power, found.year, found.confidence) == (None, None, None, None, "")
    full = inline_machine(
        "name=mine, bf16=1P, fp8 = 2PFLOP/s,vector=60T,bandwidth=3TB/s,memory=80GB,link=450GB/s,power=700W"
    )
    assert (full.name, full.peak("bf16"), full.peak("mxfp8"), full.vector) == ("mine", 10**15, 2 * 10**15, 60 * 10**12)
    assert (full.memory, full.link, full.power) == (80 * 10**9, 450 * 10**9, 700)
    with pytest.raises(UsageError, match="fp4"):
        full.peak("fp4")
    both = inline_machine(INLINE + ",fp8=2P")
    assert (both.peak("fp8"), both.peak("bf16")) == (2 * 10**15, 990 * 10**12)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", ("KEY=VALUE",)),
        ("h100-sxm", ("'h100-sxm'", "KEY=VALUE")),
        ("peak=", ("KEY=VALUE",)),
        (INLINE + ",", ("KEY=VALUE",)),
        ("peak=1T,bandwidth=1TB/s", ("no memory", "add it")),
        ("peak=1T,memory=1GB", ("no bandwidth", "add it")),
        ("bandwidth=1TB/s,memory=1GB", ("no rate", "peak", "bf16")),
        ("vector=1T", ("no memory", "no bandwidth", "no rate", "add them")),
        (INLINE + ",peak=2T", ("peak", "twice")),
        (INLINE + ",bandwith=3T", ("unknown key 'bandwith'", "did you mean 'bandwidth'")),
        (INLINE + ",year=2024", ("unknown key 'year'",)),
        (INLINE + ",nvfp4=1P", ("unknown key 'nvfp4'", "did you mean")),
        ("peak=-1,bandwidth=1TB/s,memory=1GB", ("peak", '"-1"', "990T")),
        ("peak=nan,bandwidth=1TB/s,memory=1GB", ("peak", '"nan"')),
        ("peak=inf,bandwidth=1TB/s,memory=1GB", ("peak", '"inf"')),
        ("peak=990,bandwidth=1TB/s,memory=1GB", ("peak", '"990"', "FLOP/s")),
        ("peak=1T,bandwidth=3350,memory=1GB", ("bandwidth", '"3350"', "bytes per second")),
        ("peak=1T,bandwidth=1TB/s,memory=80", ("memory", '"80"', "80GiB")),
        ("peak=1T,bandwidth=1TB/s,memory=80Gb", ("memory", '"80Gb"')),
        ("peak=1T,bandwidth=1TB/s,memory=80GB/s", ("memory", '"80GB/s"')),
        ("peak=1T,bandwidth=1TB/s,memory=1GB,power=0", ("power", "watts")),
        ("peak=1T,bandwidth=1TB/s,memory=1GB\x1b[31m", ("memory",)),
    ],
)
def test_a_line_that_is_wrong_is_told(text, told):
    with pytest.raises(UsageError) as error:
        inline_machine(text)
    message = str(error.value)
    assert all(x in message for x in (*told, "--machine"))
    assert message.isprintable()


def test_a_file_of_machines(tmp_path):
    path = written(tmp_path / "mine.toml", FORM.format("My_GPU") + FORM.format("other") + "year = 2024\nnotes = 'a'\n")
    found = machines_from_file(path)
    assert list(found) == ["My_GPU", "other"]
    assert (found["My_GPU"].source, found["My_GPU"].bandwidth) == (path, 3_350_000_000_000)
    assert (found["other"].year, found["other"].notes) == (2024, ("a",))
    assert machine("my_gpu", found) is found["My_GPU"]
    assert [x.name for x in machines_from_options([], [], path, 2)] == ["My_GPU", "other"]
    assert [x.label for x in machines_from_options(["h100-sxm", "other"], [], path, 2)] == ["2 x h100-sxm", "2 x other"]


def test_a_machine_of_a_file_comes_before_a_built_in_one(tmp_path):
    path = written(tmp_path / "mine.toml", FORM.format("h100-sxm"))
    assert machines_from_options(["h100-sxm"], [], path, 1)[0].source == path
    assert machines_from_options(["h100-sxm5"], [], path, 1)[0] is not machine("h100-sxm", machines_from_file(path))


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", ("holds no table",)),
        ("x = 1", ("'x' is in no table", "[my-gpu]")),
        ("[a", ("not valid TOML",)),
        (b"\xff\xfe\x00", ("not valid TOML",)),
        ("a = " + "[" * 5000, ("not valid TOML",)),
        ("a = " + "9" * 5000, ("not valid TOML",)),
        ("a = 1e99999999999999999999", ()),
        (FORM.format("a") + "fp8 = 1e99999999999999999999", ()),
        (FORM.format("a") + "name = 'b'", ("[a]", "unknown key 'name'")),
        (FORM.format("a") + "bf61 = '1T'", ("[a]", "unknown key 'bf61'", "did you mean 'bf16'")),
        (FORM.format("a") + "fp8 = true", ("[a]", "fp8 is true", "990T")),
        (FORM.format("a") + "fp8 = inf", ("[a]", "fp8 is Infinity")),
        (FORM.format("a") + "fp8 = -1e15", ("[a]", "fp8 is -1E+15")),
        (FORM.format("a") + "fp8 = 1e99999", ("[a]", "fp8 is")),
        (FORM.format("a") + "fp8 = [1]", ("[a]", "fp8 is a list")),
        (FORM.format("a") + "fp8 = ''", ("[a]", 'fp8 is ""')),
        (FORM.format("a") + "year = 'x'", ("[a]", "year")),
        (FORM.format("a") + "year = 20", ("[a]", "year")),
        (FORM.format("a") + "notes = 3", ("[a]", "notes")),
        (FORM.format("a") + "vendor = ['']", ("[a]", "vendor")),
        (FORM.format("a") + "confidence = 'D'", ("[a]", "confidence", "A, B, C")),
        ("[a]\nbf16 = 1e15", ("[a]", "no memory and no bandwidth")),
        ("[a]", ("[a]", "no memory", "no rate")),
        ("[a.b]\nbf16 = 1e15", ("[a]", "unknown key 'b'")),
        ("#" * (2**20 + 1), ("larger than",)),
    ],
)
def test_a_file_that_is_wrong_is_told(tmp_path, text, told):
    path = written(tmp_path / "mine.toml", text)
    with pytest.raises(ConfigError) as error:
        machines_from_file(path)
    message = str(error.value)
    assert all(x in message for x in (*told, "mine.toml"))
    assert "\n" not in message


@pytest.mark.parametrize(
    ("path", "error"),
    [
        ("missing.toml", UsageError),
        (".", ConfigError),
        ("", SymroofError),
        ("a\0b", ConfigError),
        ("x" * 5000, ConfigError),
        ("~nobody-of-that-name/x", SymroofError),
    ],
)
def test_a_file_that_cannot_be_read_is_told(path, error):
    with pytest.raises(error):
        machines_from_file(path)


def test_the_machines_that_are_chosen():
    found = machines_from_options(["h100-sxm", "mi300x"], [INLINE, "name=b," + INLINE], None, 1)
    assert [x.label for x in found] == ["h100-sxm", "mi300x", "machine", "b"]
    with pytest.raises(UsageError, match="--on h100-sxm"):
        machines_from_options([], [], None, 1)
    for on, lines in ((["h100-sxm", "h100-sxm5"], []), ([], [INLINE, INLINE])):
        with pytest.raises(UsageError, match="two machines are called"):
            machines_from_options(on, lines, None, 1)


# --- the command line ---------------------------------------------------------------------------------------------


@click.command(cls=Command)
@options.machines
def probe(settings):
    click.echo(", ".join(x.label for x in settings.machines()))


@pytest.mark.parametrize(
    ("args", "code", "told"),
    [
        (["--on", "h100-sxm", "--on", "MI300X", "--gpus", "4"], 0, "4 x h100-sxm, 4 x mi300x"),
        (["--machine", INLINE + ",name=mine"], 0, "mine"),
        ([], 2, "--on h100-sxm"),
        (["--on", "h100"], 2, "h100-nvl, h100-pcie, h100-sxm"),
        (["--on", "h100-sxm", "--gpus", "0"], 2, "--gpus"),
        (["--machine", "peak=1"], 2, "--machine"),
        (["--machine-file", "missing.toml"], 2, "no file 'missing.toml'"),
    ],
)
def test_machines_as_options(args, code, told):
    result = CliRunner().invoke(probe, args)
    assert result.exit_code == code
    assert told in result.output
    assert "Traceback" not in result.output


def test_names_of_machines_complete():
    found = MachineName().shell_complete(None, None, "H100-")  # type: ignore[arg-type]
    assert [x.value for x in found] == ["h100-pcie", "h100-sxm", "h100-nvl"]


def test_machines_are_listed():
    lines = run("machines").output.splitlines()
    assert tuple(lines[0].split()) == HEADS
    assert [line.split()[0] for line in lines[1 : len(ALL) + 1]] == list(built_in_machines())
    assert lines[-len(LEGEND) :] == list(LEGEND)
    row = dict(zip(HEADS, next(line for line in lines if line.startswith("h100-sxm ")).split(), strict=True))
    assert row == {
        "Machine": "h100-sxm",
        "Vendor": "NVIDIA",
        "Year": "2022",
        "GiB": "80.0",
        "GB/s": "3,350",
        "bf16": "989.4",
        "fp8": "1,979",
        "fp4": "-",
        "vector": "66.9",
        "Link": "450",
        "Watt": "700",
        "Conf": "A",
    }


@pytest.mark.parametrize(("width", "left_out"), [(0, 0), (200, 0), (100, 0), (90, 1), (80, 3), (40, len(OPTIONAL))])
def test_a_narrow_table_of_machines_spares_columns(width, left_out):
    text = machines_table(ALL, width)
    spared = OPTIONAL[:left_out]
    assert text.splitlines()[0].split() == [x for x in HEADS if x not in spared]
    assert ("Left out" in text) == bool(left_out)
    assert not width or max(map(len, text.splitlines())) <= width


def test_machines_of_a_vendor_with_all_that_is_known():
    found = json.loads(run("machines", "--vendor", "nvidia", "--json").output)
    assert [x["name"] for x in found] == [x.name for x in machines_of_vendor("NVIDIA")]
    assert {x["vendor"] for x in found} == {"NVIDIA"}
    a100 = next(x for x in found if x["name"] == "a100-sxm-80gb")
    assert (a100["memory"], a100["peaks"]["bf16"], a100["link"]) == (80 * 2**30, 312 * 10**12, 300 * 10**9)
    assert {
        "name",
        "vendor",
        "year",
        "peaks",
        "vector",
        "memory",
        "bandwidth",
        "link",
        "power",
        "source",
        "confidence",
        "notes",
        "unsourced",
        "aliases",
    } <= a100.keys()
    result = run("machines", "--vendor", "nvida")
    assert result.exit_code == 2
    assert "did you mean 'NVIDIA'?" in result.output
    assert "AMD, AWS, Apple, Google, Huawei, Intel, NVIDIA" in run("machines", "--vendor", "acme").output


def test_the_keys_of_a_line_and_of_a_file_are_those_of_a_machine():
    assert set(QUANTITIES) - set(RATES) == {"vector", "memory", "bandwidth", "link", "power"}
