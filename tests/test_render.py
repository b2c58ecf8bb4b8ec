"""What reports and formulas look like: widths, alignment, numbers, notebooks, a real terminal."""

import csv
import io
import os
import pty
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import sympy
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len
from sympy import Rational, Symbol, floor
from sympy.printing.defaults import Printable
from sympy.printing.printer import Printer

import symroof
from symroof import symbols as s
from symroof import units as numbers
from symroof.config.catalogue import model_catalogue
from symroof.cost.notation import LATEX_NAMES, formula_text
from symroof.model.report import FIGURES
from symroof.render.forms import render_report
from symroof.render.report import table

STEP = {"new": [1, 700], "cached": [1_048_576, 1024]}


# One of each shape of table: dense, routed, latent, recurrent, hybrid, streams.
SHAPES = (
    "llama-3.1-8b",
    "llama-4-maverick",
    "deepseek-v3.2",
    "deepseek-v4-flash",
    "qwen3-next-80b-a3b",
    "gemma-3n-e4b",
    "mamba-1.4b",
    "nemotron-3-nano-30b-a3b",
)


@pytest.fixture(scope="module", params=SHAPES)
def report(request):
    return symroof.load(request.param).report(**STEP)


def rows(report, width):
    lines = table.report_table(report, width).splitlines()
    return [line for line in lines if re.search(r"\d\.\d\d .*\d\.\d{3}$", line)]


@pytest.mark.parametrize("width", [100, 80])
def test_the_table_fits(report, width):
    beyond = max(0, *(len(name) - 17 for name in report.blocks))  # a block whose name alone is long
    assert max(map(len, table.report_table(report, width).splitlines())) <= width + beyond


@pytest.mark.parametrize("width", [10, 80, 100, 300])
def test_no_figure_is_cut_at_any_width(report, width):
    shown = table.report_table(report, width)
    assert "…" not in shown
    figures = [re.findall(r"[\d.]+ [kMGTP]?|[\d.]+ [KMGTP]?i?B", line) for line in rows(report, width)]
    assert figures == [re.findall(r"[\d.]+ [kMGTP]?|[\d.]+ [KMGTP]?i?B", line) for line in rows(report, 100)]
    assert all(row.op in shown for row in report.rows)


@pytest.mark.parametrize("width", [80, 100])
def test_numbers_align_on_the_decimal_point(report, width):
    points = [[match.start() for match in re.finditer(r"(?<=\d)\.(?=\d)", line)] for line in rows(report, width)]
    columns = list(zip(*(x[-5:] for x in points), strict=True))
    assert len(points) > 10
    assert all(len(set(column)) == 1 for column in columns)


@pytest.mark.parametrize("width", [20, 100])
def test_columns_are_as_wide_for_any_name(width):
    own = symroof.load("llama-3.2-1b").report()
    odd = {"mlp": "多層パーセプトロン", "head": "he\nad\x1b[1m"}
    program = own.evaluation.program
    renamed = (
        (f"{odd.get(block, block)}/{op}", *rest) for path, *rest in program.rows for block, op in [path.split("/")]
    )
    at = replace(own.evaluation, program=replace(program, rows=tuple(renamed)))
    shown = table.report_table(replace(own, evaluation=at), width).splitlines()
    grid = shown[2 : next(i for i, line in enumerate(shown) if line.startswith("total")) + 1]
    assert len({cell_len(line) for line in grid}) == 1
    assert any(line.startswith("he?ad?[1m ") for line in grid)


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (0, "0.00"),
        (999, "999.00"),
        (999_994, "999.99 k"),
        (999_995, "1.00 M"),
        (16_100_282_498, "16.10 G"),
        (Rational(1, 3), "0.33"),
        (10**33, "1000.00 Q"),
        (10**40, "1.00e+10 Q"),
    ],
)
def test_counts(value, shown):
    assert numbers.si(value) == shown


@pytest.mark.parametrize(
    ("value", "shown"), [(0, "0.00 B"), (1023, "1023.00 B"), (1024, "1.00 KiB"), (2**30 - 1, "1.00 GiB")]
)
def test_bytes(value, shown):
    assert numbers.iec(value) == shown


@given(st.integers(0, 10**30))
def test_a_count_reads_back(value):
    number, prefix = numbers.with_prefix(value, 1000, numbers.SI)
    assert float(number) < 1000
    assert abs(float(number) * 1000 ** numbers.SI.index(prefix) - value) <= 0.00501 * 1000 ** numbers.SI.index(prefix)


@pytest.mark.parametrize(
    ("expr", "shown"),
    [
        (s.N_e * (1 - (1 - s.k / s.N_e) ** s.T), "N_e (1 - (1 - k/N_e)^T)"),
        (s.n * (2 * s.c + s.n + 1) / 2, "n (n + 2 c + 1)/2"),
        (-2 * s.T * s.h / (3 * s.d), "-2 T h/(3 d)"),
        (s.d**2 / s.H_q, "d^2/H_q"),
        (floor(s.n / s.w) ** 2, "floor(n/w)^2"),
        (6 * s.P - 2 * s.T, "6 P - 2 T"),
    ],
)
def test_formulas_as_text(expr, shown):
    assert formula_text(expr) == shown


def test_csv_holds_the_exact_figures(report):
    lines = list(csv.DictReader(io.StringIO(render_report(report, "csv"))))
    assert [x["path"] for x in lines] == [*(row.path for row in report.rows), "total"]
    for line, row in zip(lines, report.to_dict()["rows"], strict=False):
        assert [line[name] for name in FIGURES] == [str(x) for x in row["one_layer"].values()]
        assert [line[f"{name}_all_layers"] for name in FIGURES] == [str(x) for x in row["all_layers"].values()]
    assert lines[-1]["matmul_flops_all_layers"] == str(report.total.matmul)


def test_markdown_rows_have_one_shape(report):
    blocks = [block.splitlines() for block in render_report(report, "markdown").split("\n\n") if block.startswith("|")]
    for block in blocks:
        assert len({line.count("|") for line in block if line.startswith("|")}) <= 2
    assert all(f"| {row.path} |" in render_report(report, "markdown") for row in report.rows)


def test_notebooks_show_a_report():
    found = symroof.load("llama-3.2-1b").report(cached=2048)
    lines = 1 + len(found.rows) + len(found.blocks) + 1  # headings, operators, blocks, total
    assert found._repr_html_().count("<tr>") == lines + 4  # weights, embedding, cache, sum
    assert found._repr_latex_().startswith("$$\\begin{array}")
    assert "attention/attend" in found._repr_html_()
    assert repr(found) == "<symroof report llama-3.2-1b: 2.75 GFLOP, 2.37 GiB moved, 2.36 GiB stored>"
    assert str(found) == table.report_table(found, 100)


def test_a_name_cannot_break_html_or_markdown():
    found = symroof.load({**model_catalogue()["llama-3.2-1b"]["config"], "_name_or_path": "<b>|x"}).report()
    assert "<b>|x" not in found._repr_html_()
    assert "&lt;b&gt;|x" in found._repr_html_()


def terminal(columns, *words, **environment):
    """What a terminal of that many columns is sent."""
    ours, theirs = pty.openpty()
    env = {**os.environ, "COLUMNS": str(columns), "TERM": "xterm-256color", **environment}
    script = Path(sys.executable).with_name("symroof")
    with subprocess.Popen([script, *words], stdout=theirs, stderr=theirs, stdin=theirs, env=env) as process:
        os.close(theirs)
        sent = b""
        while chunk := _read(ours):
            sent += chunk
        assert process.wait() == 0
    os.close(ours)
    return sent.decode()


def _read(descriptor):
    try:
        return os.read(descriptor, 2**16)
    except OSError:  # the other end is closed
        return b""


def test_a_terminal_gets_emphasis_and_no_colour():
    sent = terminal(100, "report", "llama-3.1-8b", NO_COLOR="1")
    assert "\x1b[1m" in sent
    assert not re.search(r"\x1b\[(?:\d;)*3\d", sent)
    plain = re.sub(r"\x1b\[[\d;]*m", "", sent)
    assert max(len(line) for line in plain.splitlines()) <= 100
    assert "minimum storage" in plain


def test_a_terminal_folds_formulas_at_its_width():
    sent = terminal(80, "formula", "llama-3.1-8b", "--quantity", "matmul_flops")
    assert max(map(len, sent.splitlines())) <= 80
    narrow = terminal(60, "formula", "llama-3.1-8b", "--quantity", "matmul_flops").splitlines()
    assert max(map(len, narrow)) <= 60
    assert "            + 2 T d h H_q)" in narrow  # below the formula that it is of


@pytest.fixture
def printing(monkeypatch):
    """What sympy prints with, as it was once the test is over."""
    monkeypatch.setattr(Printer, "_global_settings", {})
    monkeypatch.setattr(sys, "displayhook", sys.displayhook)
    for form in ("latex", "png", "svg"):
        monkeypatch.setattr(Printable, f"_repr_{form}_", getattr(Printable, f"_repr_{form}_"))


def test_sympy_knows_the_names_of_the_vocabulary(printing):
    kind, own = s.symbol("H_kv_swa"), Symbol("H_kv")  # one derived from the vocabulary, one of a user's
    expr = s.rho * s.N_p / s.H_kv + own + kind
    before = sympy.latex(expr)
    symroof.init_printing()
    told = sympy.latex(expr)
    assert all(x in told for x in (r"{N \rho}", r"{H_{\mathrm{kv}}}", r"H_{\mathrm{kv,swa}}", "H_{kv}"))
    assert "N_{p}" in before
    assert r"\mathrm" not in before
    assert sympy.latex(s.H_kv, symbol_names={s.H_kv: "G"}) == "G"
    assert sympy.latex(s.H_kv**2) == r"H_{\mathrm{kv}}^{2}"


def test_every_name_of_the_vocabulary_is_known():
    assert dict(LATEX_NAMES) == {entry.symbol: entry.latex for entry in s.VOCABULARY.values()}


def test_a_notebook_shows_the_names(printing, monkeypatch, tmp_path):
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path))
    shell = pytest.importorskip("IPython.core.interactiveshell").InteractiveShell()
    symroof.init_printing(ip=shell)
    for shown in (2 * s.H_kv, [2 * s.H_kv, s.h]):
        told = shell.display_formatter.format(shown)[0]
        assert r"2 H_{\mathrm{kv}}" in told["text/latex"]
        assert "image/png" not in told
