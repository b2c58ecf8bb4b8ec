"""How numbers, prices and forms of output are read: in one way everywhere, and never as something else in silence."""

import csv
import io
import json
from fractions import Fraction

import pytest
from click.testing import CliRunner

import symroof
from symroof.cli import cli
from symroof.errors import UsageError
from symroof.units import list_items, part_of_one, whole_number

SERVE = ["serve", "llama-3.1-8b", "--prompt", "2000", "--output-tokens", "500", "--json"]


def run(*words):
    return CliRunner().invoke(cli, list(map(str, words)))


def printed(*words):
    result = run(*words)
    assert result.exit_code == 0, result.output
    return result.stdout


def refused(*words):
    """The last line of a mistake in what was typed."""
    result = run(*words)
    assert (result.exit_code, result.stdout) == (2, ""), result.output
    return result.stderr.splitlines()[-1]


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("4096", 4096),
        ("4_096", 4096),
        ("1,048,576", 2**20),
        ("131,072", 131072),
        ("128k", 128_000),
        ("128 k", 128_000),
        ("128Ki", 131_072),
        ("1.5k", 1500),
        ("1e6", 1_000_000),
        ("2M", 2_000_000),
        ("0", 0),
        *(
            (x, None)
            for x in ("", "k", "128K", "128kB", "1,04", "10,48,576", "1,048,5760", ",100", "1,048.5", "1e", "1e-1")
        ),
        *((x, None) for x in ("1.0005k", "-1", "0x10", "1__0", "nan", "1e6 tokens", "9" * 61)),
    ],
)
def test_counts(text, number):
    assert whole_number(text) == number


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("0.4", Fraction(2, 5)),
        (".4", Fraction(2, 5)),
        ("40%", Fraction(2, 5)),
        ("40 %", Fraction(2, 5)),
        ("33.5%", Fraction(67, 200)),
        ("100%", 1),
        ("0", 0),
        *((x, None) for x in ("40", "1.01", "101%", "-1%", "%", "4%%", "40 percent", "", "nan")),
    ],
)
def test_parts(text, part):
    assert part_of_one(text) == part


@pytest.mark.parametrize(
    "text", ["1,048,576", "131,072", "128,256", "1024,1,048,576", "2048,016", "8;1,048,576", "1,128:256"]
)
def test_a_list_that_may_be_one_number_is_refused(text):
    with pytest.raises(UsageError, match=r"one number or a list of them: write \d+ for one, '[\d ]+' for a list"):
        list_items(text)


@pytest.mark.parametrize(
    ("text", "items"),
    [
        ("1,2,8", ["1", "2", "8"]),
        ("1024,512", ["1024", "512"]),
        ("128, 256", ["128", "256"]),
        ("128 256", ["128", "256"]),
        ("128;256", ["128", "256"]),
        ("1,128,64", ["1", "128", "64"]),
        ("0:131072:+4096", ["0:131072:+4096"]),
        (",", []),
    ],
)
def test_lists(text, items):
    assert list_items(text) == items


@pytest.mark.parametrize("command", ["report", "compare", "roofline"])
def test_a_printed_number_is_never_a_list_of_queries(command):
    words = [command, "llama-3.1-8b", *(["--on", "b200"] if command == "roofline" else [])]
    line = refused(*words, "--cached-tokens", "1,048,576")
    assert "write 1048576 for one, '1 048 576' for a list" in line
    for listed in (["1", "048", "576"], ["1 048 576"], ["1;48;576"], ["1, 048, 576"]):
        assert printed(*words, "--cached-tokens", *listed) == printed(*words, "--cached-tokens", 1, 48, 576)


@pytest.mark.parametrize(
    ("words", "plain"),
    [
        (["solve", "llama-3.1-8b", "flops = 1e15", "--for", "batch", "--cached-tokens"], 131072),
        (["sweep", "llama-3.1-8b", "--over", "batch=1", "--quantity", "flops", "--cached-tokens"], 131072),
        (["fit", "llama-3.1-8b", "--on", "b200", "--context"], 131072),
        (["fit", "llama-3.1-8b", "--on", "b200", "--batch-size"], 1024),
        (["conventions", "llama-3.1-8b", "--tokens"], 131072),
        (["serve", "llama-3.1-8b", "--on", "b200", "--output-tokens", "500", "--prompt"], 131072),
        (["report", "llama-3.1-8b", "--batch-size"], 2048),
        (["report", "llama-3.1-8b", "--cached-tokens"], 131072),
    ],
)
def test_one_number_is_read_as_it_is_printed(words, plain):
    spelled = [f"{plain // 1024}Ki", f"{plain}", f"{plain / 1000}k", f"{plain / 1e6:.6f}e6"]
    if words[-1] != "--cached-tokens" or words[0] in ("solve", "sweep"):
        spelled.append(f"{plain:,}")
    found = {printed(*words, text) for text in spelled}
    assert len(found) == 1
    assert words[0] == "sweep" or f"{plain:,}" in found.pop()  # a sweep prints its axes alone


def test_sizes_are_read_alike():
    words = ["report", "llama-3.1-8b", "--set"]
    assert {printed(*words, f"V={x}") for x in ("128,000", "128k", "128e3")} == {printed(*words, "V=128000")}


@pytest.mark.parametrize("text", ["128,256", "1,048,576", "0:131,072", "8,1,048,576"])
def test_an_axis_that_may_be_one_number_is_refused(text):
    assert "one number or a list" in refused("sweep", "llama-3.1-8b", "--over", f"cached={text}")
    with pytest.raises(UsageError, match=r"cached: .*one number or a list"):
        symroof.load("llama-3.1-8b").sweep({"cached": text})


def test_axes_take_prefixes():
    found = symroof.load("llama-3.1-8b").sweep({"cached": "8k, 128Ki 1e6", "batch": "1 : 4 : x2"}, "flops")
    assert found["cached"].tolist() == [8000, 131072, 10**6]
    assert found["batch"].tolist() == [1, 2, 4]


def test_questions_take_prefixes_and_percentages():
    model = symroof.load("llama-3.1-8b")
    answers = [symroof.solve(model, f"cache_bytes = {x}", "c").crosses for x in ("128Ki * 8k", "131072 * 8000")]
    assert answers[0] == answers[1]
    shares = [
        symroof.solve(model, f"cache_bytes = {x} * weight_bytes", "c").crosses for x in ("40%", "0.4", "40 / 100")
    ]
    assert shares[0] == shares[1] == shares[2]
    printed_as = [
        symroof.solve(model, f"cache_bytes = {x}", "c").crosses for x in ("131,072 B * 8,000", "131072 * 8000")
    ]
    assert printed_as[0] == printed_as[1]
    line = refused("solve", "llama-3.1-8b", "flops = min(1,048,576, 5)", "--for", "batch")
    assert "write 1048576, or 1, 048, 576" in line


def test_parts_of_a_peak_take_percentages():
    words = ["roofline", "llama-3.1-8b", "--on", "b200", "--json"]
    assert printed(*words, "--mfu", "40%", "--mbu", "80 %", "--overhead", "5us") == printed(
        *words, "--mfu", 0.4, "--mbu", 0.8, "--overhead", "5e-6"
    )
    assert "0.8 or 80%" in refused(*words, "--mfu", "70")
    assert "5e-6 or 5us" in refused(*words, "--overhead", "5 GiB")
    draft = ["--on", "b200", "--draft", "llama-3.2-1b", "--acceptance"]
    assert printed(*SERVE, *draft, "80%") == printed(*SERVE, *draft, "0.8")
    joules = [[f"--joules-per-flop={x}", f"--joules-per-byte={y}"] for x, y in (("0.5pJ", "30 pJ"), (5e-13, 3e-11))]
    assert printed(*SERVE, "--on", "b200", *joules[0]) == printed(*SERVE, "--on", "b200", *joules[1])


def hourly(*words):
    return {x["machine"]["name"]: x["price"]["per_hour"] for x in json.loads(printed(*SERVE, *words))["servings"]}


TWO = ["--on", "h200-sxm", "--on", "b200"]


@pytest.mark.parametrize(
    ("prices", "expected"),
    [
        (["2.5"], {"h200-sxm": 2.5, "b200": 2.5}),
        (["2.5", "4/h"], {"h200-sxm": 2.5, "b200": 4}),
        (["b200=4/h", "h200-sxm=2.5"], {"h200-sxm": 2.5, "b200": 4}),
        (["B200=4", "H200-SXM=2.5"], {"h200-sxm": 2.5, "b200": 4}),
    ],
)
def test_each_machine_has_its_price(prices, expected):
    assert hourly(*TWO, *(f"--price={x}" for x in prices)) == expected


@pytest.mark.parametrize(
    ("prices", "word"),
    [
        (["1", "2", "3"], "3 prices for 2 machines"),
        (["b200=4"], "none for h200-sxm"),
        (["b200=4", "b200=5", "h200-sxm=1"], "once for each machine"),
        (["b200=4", "5"], "once for each machine"),
        (["b100=4"], "did you mean 'b200'"),
        (["=4"], "2.5/h"),
        (["four"], "2.5/h"),
    ],
)
def test_prices_that_are_nobody_s(prices, word):
    assert word in refused(*SERVE, *TWO, *(f"--price={x}" for x in prices))


def test_prices_in_order_are_of_machines_in_order():
    own = "name=mine,peak=1e15,bandwidth=1e12,memory=80GiB,vector=1e14"
    assert "NAME=PRICE" in refused(*SERVE, "--machine", own, "--on", "b200", "--price", 1, "--price", 2)
    assert hourly("--machine", own, "--on", "b200", "--price", "mine=1", "--price", "b200=2") == {"mine": 1, "b200": 2}


ENDINGS = {"json": "json", "csv": "csv", "md": "markdown", "markdown": "markdown", "html": "html", "tex": "latex"}


@pytest.mark.parametrize(("ending", "form"), [*ENDINGS.items(), ("txt", "table"), ("JSON", "json")])
def test_the_ending_of_a_file_chooses_the_form_of_a_report(tmp_path, ending, form):
    path = tmp_path / f"out.{ending}"
    printed("report", "llama-3.1-8b", "-o", path)
    assert path.read_text().strip() == printed("report", "llama-3.1-8b", "--format", form).strip()


@pytest.mark.parametrize(
    ("ending", "form"),
    [("tex", "latex"), ("md", "markdown"), ("json", "json"), ("py", "python"), ("rs", "rust"), ("c", "c")],
)
def test_the_ending_of_a_file_chooses_the_form_of_a_formula(tmp_path, ending, form):
    path = tmp_path / f"out.{ending}"
    words = ["formula", "llama-3.1-8b", "--quantity", "flops"]
    printed(*words, "-o", path)
    assert path.read_text() == printed(*words, "--format", form)


def test_a_program_s_ending_may_have_another_dialect(tmp_path):
    words = ["formula", "llama-3.1-8b", "--quantity", "flops", "--format", "numpy"]
    printed(*words, "-o", tmp_path / "x.py")
    assert (tmp_path / "x.py").read_text() == printed(*words)


WITH_OUTPUT = {
    "report": ["report", "llama-3.1-8b"],
    "compare": ["compare", "llama-3.1-8b"],
    "fit": ["fit", "llama-3.1-8b", "--on", "b200", "--context", "8192"],
    "roofline": ["roofline", "llama-3.1-8b", "--on", "b200"],
    "serve": [*SERVE[:-1], "--on", "b200"],
    "solve": ["solve", "llama-3.1-8b", "storage <= 80 GiB", "--for", "batch"],
    "limits": ["limits", "llama-3.1-8b"],
    "knobs": ["knobs", "llama-3.1-8b", "--on", "b200"],
    "conventions": ["conventions", "llama-3.1-8b"],
    "formula": ["formula", "llama-3.1-8b"],
}


@pytest.mark.parametrize("command", WITH_OUTPUT)
def test_json_by_its_ending(tmp_path, command):
    path, words = tmp_path / "out.json", WITH_OUTPUT[command]
    printed(*words, "-o", path)
    option = ["--format", "json"] if command == "formula" else ["--json"]
    assert json.loads(path.read_text()) == json.loads(printed(*words, *option))


@pytest.mark.parametrize("command", WITH_OUTPUT)
def test_an_ending_that_is_no_form_is_refused(tmp_path, command):
    path, words = tmp_path / "out.xyz", WITH_OUTPUT[command]
    line = refused(*words, "-o", path)
    assert "known are .txt, .json" in line
    option = ["--format", "text"] if command == "formula" else ["--json"]
    printed(*words, *option, "-o", path)  # whoever says the form may name the file as they like
    assert path.exists()


@pytest.mark.parametrize("command", WITH_OUTPUT)
def test_an_ending_against_the_form_is_refused(tmp_path, command):
    option = ["--format", "latex"] if command == "formula" else ["--json"]
    line = refused(*WITH_OUTPUT[command], *option, "-o", tmp_path / "out.html")
    assert "is html, but" in line
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("command", WITH_OUTPUT)
def test_every_command_with_output_has_json(command):
    assert json.loads(printed(*WITH_OUTPUT[command], "--json"))


def test_json_and_another_format_contradict():
    assert "--json and --format latex contradict" in refused("formula", "llama-3.1-8b", "--json", "--format", "latex")
    assert "--json and --format csv contradict" in refused("report", "llama-3.1-8b", "--json", "--format", "csv")
    assert json.loads(printed("report", "llama-3.1-8b", "--json", "--format", "json"))


@pytest.mark.parametrize("command", ["roofline", "serve"])
@pytest.mark.parametrize(("ending", "begins"), [("png", b"\x89PNG"), ("svg", b"<?xml"), ("pdf", b"%PDF")])
def test_a_picture_by_its_ending(tmp_path, command, ending, begins):
    pytest.importorskip("matplotlib")
    path = tmp_path / f"out.{ending}"
    assert printed(*WITH_OUTPUT[command], "-o", path) == ""
    assert path.read_bytes().startswith(begins)
    assert "give one" in refused(*WITH_OUTPUT[command], "-o", path, "--plot", tmp_path / "other.png")


def test_no_picture_of_a_report(tmp_path):
    assert "nothing is written as .png" in refused("report", "llama-3.1-8b", "-o", tmp_path / "out.png")


def test_csv_by_its_ending_is_csv(tmp_path):
    path = tmp_path / "x.csv"
    printed("report", "llama-3.1-8b", "-o", path)
    rows = list(csv.reader(io.StringIO(path.read_text())))
    assert len({len(x) for x in rows}) == 1
