"""Pictures: what they show is the roofline's numbers, no label covers another, files are whole."""

import json
import math
import sys
from functools import cache, partial
from itertools import combinations

import pytest
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st

import symroof
from symroof import plots
from symroof.cli import cli
from symroof.config.catalogue import model_catalogue
from symroof.cost.batch import Query, Workload
from symroof.errors import MissingExtra, UsageError
from symroof.hardware.machines import machine
from symroof.hardware.platform import platform
from symroof.performance.roofline import roofline as timed
from symroof.performance.serving import serve
from symroof.plots import labels, roofline, serving, steps

# Name -> model, machines, how many of each, new, cached and batch size of the step.
SCENES = {
    "small batch": ("llama-3.1-8b", ("h100-sxm",), 1, [1], [8192], 1),
    "a full machine": ("llama-3.1-8b", ("h100-sxm",), 1, [1], [8192], 64),
    "four of them": ("llama-3.1-70b", ("h100-sxm",), 4, [1], [8192], 32),
    "thirty operators": ("deepseek-v3", ("h200-sxm",), 8, [1], [4096], 64),
    "three machines": ("gpt-oss-120b", ("h200-sxm", "mi300x", "b200"), 1, [1], [8192], 32),
    "a hybrid": ("qwen3-next-80b-a3b", ("b200",), 1, [1], [32768], 16),
    "a recurrence, an edge": ("rwkv-5-world-3b", ("jetson-agx-orin-64gb",), 1, [1], [4096], 8),
    "a prefill": ("mixtral-8x7b", ("mi300x",), 1, [4096], [0], 4),
    "both kinds": ("llama-3.1-8b", ("a100-sxm-80gb",), 1, [2048, 1], [0, 4096], None),
}
SERVED = {
    "one": ("llama-3.1-8b", ("h200-sxm",), 64),
    "two that meet": ("llama-3.1-8b", ("mi300x", "h200-sxm"), 24),
    "too many": ("llama-3.1-8b", ("l40s",), 100),
}


@cache
def rooflines(name):
    """The rooflines of a scene, of each machine those of all steps."""
    model, on, count, new, cached, batch_size = SCENES[name]
    loaded, asked = symroof.load(model), {"new": new, "cached": cached, "batch_size": batch_size}

    def at(where, step):
        return timed(loaded, where, **step)

    used = [platform(machine(x).times(count)) for x in on]
    return [steps.with_counterpart(at(x, asked), asked, at) for x in used]


@cache
def panels(name):
    return steps.panels(rooflines(name))


@cache
def curves(name):
    model, on, batch_size = SERVED[name]
    work = Workload(2000, 200, batch_size)
    found = [serve(symroof.load(model), platform(machine(x)), work, anyway=True) for x in on]
    return found, [serving.batch_curve(x) for x in found]


def drawn(draw):
    """The figure as it is drawn for a file."""
    with plots.plot_style():
        return draw()


@cache
def figure(name):
    if name in SCENES:
        return drawn(partial(roofline.roofline_figure, rooflines(name)))
    found, of_machines = curves(name)
    return drawn(partial(serving.serving_figure, of_machines, serving.serving_title(found[0], len(found))))


def boxes(texts):
    return [(text.get_text(), text.get_window_extent()) for text in texts if text.get_text()]


@pytest.mark.parametrize("name", [*SCENES, *SERVED])
def test_no_text_covers_another_or_leaves_its_frame(name):
    made = figure(name)
    for axes in made.axes:
        frame, found = axes.get_window_extent(), boxes(axes.texts)
        for text, box in found:
            assert frame.x0 <= box.x0 < box.x1 <= frame.x1, text
            assert frame.y0 <= box.y0 < box.y1 <= frame.y1, text
        for (one, a), (other, b) in combinations(found, 2):
            assert not a.overlaps(b), (one, other)


@pytest.mark.parametrize("name", [*SCENES, *SERVED])
def test_no_label_covers_a_marker(name):
    for axes in figure(name).axes:
        points = [axes.transData.transform(x) for marks in axes.collections for x in marks.get_offsets()]
        points += [
            axes.transData.transform(x)
            for x in [y for z in axes.lines if z.get_marker() != "None" for y in z.get_xydata()]
        ]
        for text, box in boxes(axes.texts):
            covered = [x for x in points if box.contains(*x)]
            assert not covered, text


@pytest.mark.parametrize("name", [*SCENES, *SERVED])
def test_title_legend_and_axes_are_apart_and_on_the_page(name):
    made = figure(name)
    page = made.bbox
    parts = [*boxes(made.texts), ("legend", made.legends[0].get_window_extent())]
    parts += [(f"axes {i}", axes.get_tightbbox()) for i, axes in enumerate(made.axes)]
    for text, box in parts:
        assert 0 <= box.x0 < box.x1 <= page.x1, text
        assert 0 <= box.y0 < box.y1 <= page.y1, text
    for (one, a), (other, b) in combinations(parts, 2):
        if not (one.startswith("axes") and other.startswith("axes")):
            assert not a.overlaps(b), (one, other)


@pytest.mark.parametrize("name", SCENES)
def test_every_operator_is_labelled_or_said_to_have_no_point(name):
    for axes, panel in zip(figure(name).axes, panels(name), strict=True):
        told = " ".join(text.get_text() for text in axes.texts)
        note = figure(name).texts[-1].get_text()
        paths = {row.row.path for x in rooflines(name) for step in x for row in step.rows}
        shown = {point.path for step in panel.steps for point in step.points}
        assert all(path.partition("/")[2] in told for path in shown)
        assert all(path in note for path in paths - shown)
        for step in panel.steps:
            assert f"total, {step.kind}" in told
        for ceiling in panel.ceilings:
            assert f"{ceiling.name} " in told


@pytest.mark.parametrize("name", SCENES)
def test_points_are_the_rooflines_numbers(name):
    for found, panel in zip(rooflines(name), panels(name), strict=True):
        for of_step, step in zip(found, panel.steps, strict=True):
            rows = {row.row.path: row for row in of_step.rows}
            for point in step.points:
                row = rows[point.path]
                assert point.rate * float(row.time) == pytest.approx(float(row.row.all.flops))
                assert point.intensity * float(row.row.all.moved) == pytest.approx(float(row.row.all.flops))
            assert sum(point.share for point in step.points) <= 1 + 1e-9
            together = sum(point.share * point.rate for point in step.points)
            assert together == pytest.approx(step.total.rate, rel=1e-3)


@pytest.mark.parametrize("name", SCENES)
def test_no_point_lies_above_the_roof(name):
    for panel in panels(name):
        highest = max(x.rate for x in panel.ceilings if x.kind != "unused")
        for point in panel.points:
            assert point.rate <= min(highest, point.intensity * panel.bandwidth) * (1 + 1e-9), point.path


@pytest.mark.parametrize("name", SCENES)
def test_what_is_drawn_are_the_points(name):
    for axes, panel in zip(figure(name).axes, panels(name), strict=True):
        offsets = [tuple(x) for marks in axes.collections for x in marks.get_offsets().tolist()]
        assert sorted(offsets) == sorted((x.intensity, x.rate) for x in panel.points)


def test_ceilings_by_format():
    (panel,) = panels("thirty operators")
    assert [(x.name, x.kind) for x in panel.ceilings] == [
        ("elementwise", "elementwise"),
        ("bf16", "used"),
        ("fp8", "used"),
    ]
    assert panel.ceilings[2].rate == 8 * 1978.9e12
    b200 = panels("three machines")[2]
    assert [(x.name, x.kind) for x in b200.ceilings[1:]] == [("bf16", "used"), ("fp8", "unused"), ("fp4", "unused")]
    texts = [text.get_text() for text in figure("four of them").axes[0].texts]
    assert {"bf16 3.96 PFLOP/s", "ridge 295 FLOP/B", "memory 13.4 TB/s"} <= set(texts)


@pytest.mark.parametrize(
    ("new", "cached", "other"),
    [
        ([1], [8192], {"new": [8193], "cached": [0]}),
        ([1], [10, 20], {"new": [11, 21], "cached": [0]}),
        ([1, 1], [7], {"new": [8, 8], "cached": [0]}),
        ([4096], [0], {"new": [1], "cached": [4096]}),
        ([512], [100, 0], {"new": [1], "cached": [612, 512]}),
        ([1], [0], None),
        ([1, 512], [4096, 0], None),
    ],
)
def test_counterparts(new, cached, other):
    assert steps.counterpart(new, cached) == other


def test_kinds():
    assert [
        steps.step_kind([Query(1, 5), Query(1, 6)]),
        steps.step_kind([Query(5)]),
        steps.step_kind([Query(5), Query(1, 5)]),
    ] == [
        "decode",
        "prefill",
        "mixed",
    ]


def test_a_prefill_that_does_not_fit_is_shown_of_one_query():
    decode, prefill = panels("a full machine")[0].steps
    assert (decode.queries, prefill.queries) == ("64 × (1 new, 8,192 cached)", "1 × (8,193 new, 0 cached)")
    assert panels("four of them")[0].steps[1].queries == "32 × (8,193 new, 0 cached)"


EVERY = ["attention/norm", "attention/qkv", "mlp/norm", "mlp/down", "head/logits"]


@pytest.mark.parametrize(
    ("paths", "text"),
    [
        ({"decode": ["attention/qkv", "mlp/down"]}, "qkv, down"),
        ({"decode": ["attention/norm", "mlp/norm"]}, "norm\N{NO-BREAK SPACE}×2"),
        ({"decode": ["attention/norm", "mlp/down"]}, "attention/norm, down"),
        ({"decode": ["mlp/down"], "prefill": ["mlp/down"]}, "down"),
        ({"decode": ["mlp/down"], "prefill": ["mlp/down", "head/logits"]}, "both: down\nprefill: logits"),
        ({"decode": ["mlp/down"], "prefill": ["head/logits"]}, "decode: down\nprefill: logits"),
    ],
)
def test_labels_of_points_that_fall_together(paths, text):
    assert steps.operators_label(paths, EVERY) == text


SIDE = st.floats(5, 295)
ANCHORS = st.lists(
    st.builds(labels.Anchor, SIDE, SIDE, st.floats(10, 90), st.floats(6, 30), st.floats(0, 8)), max_size=12
)


@settings(max_examples=25, deadline=None)
@given(ANCHORS, st.integers(0, 12))
def test_spots_never_overlap(anchors, first):
    """Labels are apart, in the frame, and off each other's leaders, whatever the order they are given in."""
    frame = (0.0, 0.0, 300.0, 300.0)
    found = [x for x in labels.place_labels(anchors[first:] + anchors[:first], labels.Scene(frame)) if x]
    for spot in found:
        assert 0 <= spot.box[0] < spot.box[2] <= 300
        assert 0 <= spot.box[1] < spot.box[3] <= 300
    for a, b in combinations(found, 2):
        assert a.box[2] <= b.box[0] or b.box[2] <= a.box[0] or a.box[3] <= b.box[1] or b.box[3] <= a.box[1]
        assert not (a.leader and labels.passes_through(a.leader, b.box))


def test_a_label_alone_is_beside_its_point_and_a_far_one_has_a_leader():
    anchor = labels.Anchor(50, 50, 20, 8, 3)
    (spot,) = labels.place_labels([anchor], labels.Scene((0, 0, 100, 100)))
    assert spot.leader is None
    (far,) = labels.place_labels([anchor], labels.Scene((0, 0, 100, 100), markers=((30.0, 30.0, 70.0, 70.0),)))
    assert far.leader is not None
    assert labels.place_labels([anchor], labels.Scene((40, 40, 60, 60))) == [None]


@pytest.mark.parametrize(
    ("line", "meets"),
    [
        ((0, 0, 10, 10), True),
        ((0, 3, 10, 3), True),
        ((0, 9, 10, 9), False),
        ((0, 0, 1, 10), False),
        ((0, 8, 8, 0), True),
        ((0, 5, 5, 0), False),
        ((3, 3, 4, 4), True),
    ],
)
def test_segments_and_boxes(line, meets):
    assert labels.passes_through(line, (3, 2, 6, 5)) is meets


@given(st.integers(1, 1000), st.integers(0, 10**6), st.integers(0, 10**7))
def test_the_largest_batch_fits_and_one_more_does_not(each, fixed, memory):
    def needed(size):
        return fixed + max(each * size, 3 * each * size - 500)

    most = serving.largest_fitting_batch(needed, memory)
    assert most == 0 or needed(most) <= memory
    assert needed(most + 1) > memory


@pytest.mark.parametrize("name", SERVED)
def test_curves_are_what_is_served(name):
    for asked, curve in zip(*curves(name), strict=True):
        at = {x.size: x for x in curve.batches}[asked.work.batch_size]
        for pace, speed in ((asked.time, at.time), (asked.lower, at.lower)):
            assert speed.latency == pytest.approx(float(pace.per_token))
            assert speed.throughput * float(pace.request) == pytest.approx(200 * asked.work.batch_size)
        assert all(x.lower.latency <= x.time.latency for x in curve.batches)
        assert [x.size for x in curve.batches] == sorted(
            {*(2**i for i in range(9) if 2**i <= max(curve.largest, curve.requested)), curve.largest, curve.requested}
        )
        assert asked.fits is (curve.requested <= curve.largest)


def test_the_memory_limit_is_where_serving_stops():
    (asked,), (curve,) = curves("one")
    for size, fits in ((curve.largest, True), (curve.largest + 1, False)):
        work = Workload(2000, 200, size)
        assert serve(asked.model, asked.platform, work, anyway=True).fits is fits


def test_lines_are_the_curve():
    _, (curve,) = curves("one")
    axes = figure("one").axes[0]
    for line, name in zip(axes.lines, ("time", "lower"), strict=False):
        speeds = [getattr(x, name) for x in curve.batches]
        assert line.get_xydata().tolist() == [[1000 * x.latency, x.throughput] for x in speeds]
    told = [text.get_text() for text in axes.texts]
    assert {f"{x.size:,}" for x in curve.batches} == set(told)


FORMS = {"png": b"\x89PNG\r\n", "svg": b"<?xml", "pdf": b"%PDF-"}


@pytest.mark.parametrize("form", FORMS)
def test_files_are_of_their_form(form):
    assert plots.picture_bytes(partial(figure, "small batch"), f"x.{form.upper()}").startswith(FORMS[form])


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (
            ["roofline", "llama-3.2-1b", "--on", "l4", "--cached-tokens", "512"],
            ["llama-3.2-1b on l4", "attend", "logits", "total, decode", "total, prefill", "bf16"],
        ),
        (
            ["serve", "llama-3.2-1b", "--on", "l4", "--prompt", "4096", "--output-tokens", "16", "--weights", "fp8"],
            ["llama-3.2-1b on l4", "memory is full", "4,096 prompt tokens", ">16<"],
        ),
    ],
    ids=lambda x: x[0],
)
def test_commands_draw_besides_what_they_print(tmp_path, words, told):
    path = tmp_path / "x.svg"
    done = CliRunner().invoke(cli, [*words, "--plot", str(path)])
    assert done.exit_code == 0, done.output
    assert "llama-3.2-1b" in done.output
    text = path.read_text(encoding="utf-8")
    assert [x for x in told if x not in text] == []
    assert list(tmp_path.iterdir()) == [path]


def test_a_picture_is_the_same_each_time_whatever_a_users_settings():
    import matplotlib as mpl

    draw = partial(roofline.roofline_figure, rooflines("small batch"))
    before = plots.picture_bytes(draw, "x.svg")
    with mpl.rc_context({"font.size": 30, "axes.grid": True, "lines.linewidth": 9, "svg.fonttype": "path"}):
        assert plots.picture_bytes(draw, "x.svg") == before


# Machado, Oliveira and Fernandes 2009, table 1, severity 1: linear red, green and blue as who sees no red, no green or
# no blue sees them.
BLIND = {
    "protanopia": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
    "deuteranopia": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.01182, 0.04294, 0.968881]],
    "tritanopia": [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.3039]],
}


def linear(color):
    """Linear red, green and blue of a colour (IEC 61966-2-1)."""
    from matplotlib.colors import to_rgb

    return [x / 12.92 if x <= 0.04045 else ((x + 0.055) / 1.055) ** 2.4 for x in to_rgb(color)]


def lab(rgb):
    """CIELAB under D65 of linear red, green and blue: what differs by 2.3 is just seen to differ."""
    rows = ((0.4124, 0.3576, 0.1805), (0.2126, 0.7152, 0.0722), (0.0193, 0.1192, 0.9505))
    parts = [max(0, sum(w * x for w, x in zip(row, rgb, strict=True)) / sum(row)) for row in rows]
    x, y, z = (t ** (1 / 3) if t > 216 / 24389 else (24389 / 27 * t + 16) / 116 for t in parts)
    return 116 * y - 16, 500 * (x - y), 200 * (y - z)


def contrast(one, other):
    """The contrast ratio of WCAG 2.1."""
    light = sorted(sum(w * x for w, x in zip((0.2126, 0.7152, 0.0722), linear(c), strict=True)) for c in (one, other))
    return (light[1] + 0.05) / (light[0] + 0.05)


@pytest.mark.parametrize("dark", [False, True])
def test_text_and_lines_are_seen_on_their_page(dark):
    look = plots.style(dark)
    page = look["axes.facecolor"]
    assert all(contrast(look[x], page) > 12 for x in ("text.color", "xtick.color", "axes.labelcolor"))
    assert all(contrast(x, page) > 2.1 for x in look["axes.prop_cycle"].by_key()["color"])
    assert contrast(look["grid.color"], page) < 1.6


@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("kind", BLIND)
def test_lines_are_told_apart_without_a_colour(dark, kind):
    cycle = plots.style(dark)["axes.prop_cycle"].by_key()
    assert len({str(x) for x in cycle["linestyle"]}) == len(cycle["color"])
    seen = [
        lab([sum(w * x for w, x in zip(row, linear(c), strict=True)) for row in BLIND[kind]]) for c in cycle["color"]
    ]
    assert all(math.dist(one, other) > 15 for one, other in combinations(seen, 2))


def test_the_style_is_for_pictures_of_ones_own():
    import matplotlib as mpl
    from matplotlib.colors import to_rgb

    with mpl.rc_context(plots.style(dark=True)):
        made = drawn_by_hand()
    assert made.get_facecolor()[:3] == to_rgb(plots.style(dark=True)["figure.facecolor"])
    assert {x.get_color() for x in made.axes[0].lines} <= {*plots.style(dark=True)["axes.prop_cycle"].by_key()["color"]}


def drawn_by_hand():
    """A figure with two lines."""
    from matplotlib.figure import Figure

    made = Figure()
    axes = made.subplots()
    axes.plot([1, 2])
    axes.plot([2, 1])
    return made


def test_a_dark_picture(tmp_path):
    one, other = tmp_path / "x.svg", tmp_path / "y.svg"
    for path, words in ((one, []), (other, ["--dark"])):
        done = CliRunner().invoke(cli, ["roofline", "llama-3.2-1b", "--on", "l4", "-o", str(path), *words])
        assert done.exit_code == 0, done.output
    page, ink = (plots.style(dark=True)[x] for x in ("axes.facecolor", "text.color"))
    assert (page in one.read_text(), page in other.read_text(), ink in other.read_text()) == (False, True, True)
    assert "#000000" not in other.read_text()


ROOFLINE = ["roofline", "no-such-model", "--on", "l4"]
SERVE = ["serve", "no-such-model", "--on", "l4", "--prompt", "9", "--output-tokens"]


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ([*ROOFLINE, "--plot", "x.jpg"], ".png, .svg or .pdf"),
        ([*ROOFLINE, "--plot", "roofline"], ".png, .svg or .pdf"),
        ([*ROOFLINE, "--plot", "-"], ".png, .svg or .pdf"),
        ([*SERVE, "9", "--plot", "x.bmp"], ".png, .svg or .pdf"),
        ([*ROOFLINE, "--dark"], "give --plot FILE, too"),
        ([*SERVE, "1", "--plot", "x.png"], "2 output tokens or more"),
        (
            [*ROOFLINE, *(y for x in ("a100-sxm-80gb", "b200", "l40s", "t4") for y in ("--on", x)), "--plot", "x.png"],
            "up to 4 machines, not 5",
        ),
    ],
)
def test_mistakes_are_told_before_the_model_is_read(words, told):
    done = CliRunner().invoke(cli, words)
    assert (done.exit_code, told in done.output, "no-such-model" in done.output) == (2, True, False)


def test_without_matplotlib(monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(MissingExtra, match=r"--plot needs an optional dependency: pip install 'symroof\[plot\]'"):
        plots.picture_format("x.png")
    with pytest.raises(UsageError, match=r"\.png, \.svg or \.pdf"):
        plots.picture_format("x.gif")


def test_a_file_that_cannot_be_written(tmp_path):
    words = ["roofline", "llama-3.2-1b", "--on", "l4", "--plot", str(tmp_path / "no" / "x.png")]
    done = CliRunner().invoke(cli, words)
    assert (done.exit_code, "cannot be written" in done.output, [*tmp_path.iterdir()]) == (1, True, [])


@pytest.mark.parametrize("name", ["$x_", "$x^2$ and $", "a $\\frac{1}{2}$", "$\\banana$"])
@pytest.mark.parametrize("command", [["roofline"], ["serve", "--prompt", "2000", "--output-tokens", "20"]])
def test_a_name_is_no_mathematics(tmp_path, monkeypatch, command, name):
    """A $ in a name is drawn as it is, and nothing behind it is read as a formula."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / f"{name}.json").write_text(json.dumps(model_catalogue()["llama-3.1-8b"]["config"]))
    machines = [x for i in "ab" for x in ("--machine", f"peak=990e12,bandwidth=3.35TB/s,memory=80GiB,name=$m_{i}")]
    result = CliRunner().invoke(cli, [*command, f"./{name}.json", *machines, "--plot", "out.svg"])
    assert result.exit_code == 0, result.output
    assert name.replace("&", "&amp;") in (tmp_path / "out.svg").read_text()
