"""FLOP a token by the conventions of papers and tools, and which way of counting gives a quoted number."""

import json
import math
import re

import pytest
from click.testing import CliRunner
from sympy import simplify

import symroof
from symroof import symbols as s
from symroof.analysis.conventions import ASSUMPTIONS, CONVENTIONS, by_convention
from symroof.analysis.match import match
from symroof.analysis.quoted_number import quote
from symroof.cli import cli
from symroof.errors import SymroofError, UnknownName, UsageError
from symroof.training.flops import training_flops

NAMES = [x.name for x in CONVENTIONS]
FULL = "matmul-only,full-square"


def call(*words):
    return CliRunner().invoke(cli, ["conventions", *map(str, words)])


def shown(*words):
    result = call(*words)
    assert result.exit_code == 0, result.output
    return result.stdout


def exact(model, n, rules=FULL):
    return training_flops(model, n, rules=rules).per_token


# Where a convention's assumptions hold it is the exact count but for what its source adds or leaves out.


def test_ours_is_the_last_row_and_exact():
    model = symroof.load("llama-3.1-8b")
    ours = by_convention(model, 4096)["symroof"]
    found = training_flops(model, 4096)
    assert (ours.training, ours.inference) == (found.per_token, found.number(found.forward.flops))
    assert (ours.training_ratio, ours.inference_ratio) == (1, 1)


def test_kaplan_is_the_causal_half_of_a_dense_model_without_its_head():
    # table 1: N = 2 d n_layer (2 d_attn + d_ff); forward 2 N + 2 n_layer n_ctx d_attn; here pairs are n (n + 1) / 2
    model, n = symroof.load("gpt2"), 1024
    L, d, f, V = (model.architecture.sizes[x] for x in ("L", "d", "f", "V"))
    N = 2 * d * L * (2 * d + f)
    found = by_convention(model, n)["kaplan"]
    assert not found.broken
    biases = by_convention(model, n).values[s.N_body] - N
    assert found.inference - 2 * biases == exact(model, n, "matmul-only") // 3 - 2 * d * V - 2 * L * d
    assert found.training == 6 * (N + biases)
    assert 12 * L * d**2 == N


def test_kaplan_table_1():
    # arXiv:2001.08361, table 1: parameters without biases, FLOP a token twice those; ours has n (n + 1) / 2 pairs
    model, n = symroof.load("gpt2"), 1024
    L, d, f, V = (model.architecture.sizes[x] for x in ("L", "d", "f", "V"))
    rows = {x.path: x.all for x in model.report(n, rules="matmul-only,logits-all", dtype="bf16").rows}
    printed = {  # parameters, biases
        ("embedding/lookup", "embedding/lookup.positions"): ((V + n) * d, 0),
        ("attention/qkv",): (L * d * 3 * d, L * 3 * d),
        ("attention/out",): (L * d * d, L * d),
        ("mlp/up", "mlp/down"): (L * 2 * d * f, L * (f + d)),
    }
    for paths, (weights, biases) in printed.items():
        assert sum(rows[x].weight_held for x in paths) == 2 * (weights + biases)
        if paths[0] != "embedding/lookup":
            assert sum(rows[x].matmul for x in paths) == n * 2 * weights
    assert rows["attention/attend"].matmul == n * 2 * L * (n + 1) * d
    assert rows["head/logits"].matmul == n * 2 * d * V


@pytest.mark.parametrize(
    ("name", "parameters"),
    # Pythia, arXiv:2304.01373, table 1, non-embedding
    [
        ("pythia-70m", 18_915_328),
        ("pythia-160m", 85_056_000),
        ("pythia-1.4b", 1_208_602_624),
        ("pythia-12b", 11_327_027_200),
    ],
)
def test_parameters_but_for_tables_and_head(name, parameters):
    assert by_convention(symroof.load(name), 2048).values[s.N_body] == parameters


@pytest.mark.parametrize("name", ["llama-3.1-8b", "deepseek-v3", "gpt2", "jamba-v0.1", "gemma-3n-e4b", "zamba-7b"])
def test_counts_of_parameters(name):
    model = symroof.load(name)
    values = by_convention(model, 2048).values
    assert (values[s.N_p], values[s.N_tok]) == (model.parameters.total, model.parameters.active)


def test_chinchilla_counts_table_and_softmax_besides_the_matmuls():
    model, n = symroof.load("gpt2"), 2048
    L, d, H, V = (model.architecture.sizes[x] for x in ("L", "d", "H_q", "V"))
    found = by_convention(model, n)["chinchilla"]
    assert not found.broken
    assert found.training - exact(model, n) == 3 * (2 * V * d + 3 * L * H * n)


def test_the_scaling_book_counts_the_table_besides_the_matmuls():
    model, n = symroof.load("llama-2-7b"), 4096
    found = by_convention(model, n)["scaling-book"]
    assert not found.broken
    assert found.training - exact(model, n) == 6 * model.parameters.by_role["embedding"]


def test_the_scaling_book_on_attention_and_the_rest():
    # transformer math: attention / matmul = T / (8 D) for F = 4 D, D = N H; attention equals QKVO at T = 2 D
    layer = {x.name: x for x in CONVENTIONS}["scaling-book"].training.coeff(s.L)
    pairs = layer.coeff(s.n) * s.n
    rest = layer - pairs
    typical = {s.f: 4 * s.d, s.h: s.d / s.H_q}
    assert simplify((pairs / rest).subs(typical) - s.n / (8 * s.d)) == 0
    assert simplify((pairs - rest.subs(s.f, 0)).subs(s.n, 2 * s.d)) == 0


@pytest.mark.parametrize("name", ["llama-3.1-8b", "qwen3-30b-a3b", "deepseek-v3", "gemma-2-9b", "jamba-v0.1"])
def test_torchtitan_counts_weights_that_are_no_matrix_besides_the_matmuls(name):
    model, n = symroof.load(name), 4096
    found = by_convention(model, n)["torchtitan"]
    assert not found.broken
    assert found.training == pytest.approx(exact(model, n), rel=2e-2 if name == "jamba-v0.1" else 1e-4)
    norms = model.parameters.by_role["norm"]
    if name == "llama-3.1-8b":
        assert found.training - exact(model, n) == 6 * norms


@pytest.mark.parametrize(
    ("name", "gigaflops", "within"),
    # DeepSeek, arXiv:2505.09343, table 2: training GFLOP a token, causal, 4K
    [("deepseek-v2", 155, 0.5), ("deepseek-v3", 250, 0.5), ("llama-3.1-405b", 2448, 0.011 * 2448)],
)
def test_deepseek_table_2(name, gigaflops, within):
    assert abs(by_convention(symroof.load(name), 4096)["deepseek"].training / 1e9 - gigaflops) < within


@pytest.mark.parametrize(
    ("name", "unbroken", "without"),
    [
        ("gpt2", {"kaplan", "6nd", "chinchilla", "palm", "megatron", "megatron-full", "megatron-selective"}, set()),
        ("llama-2-7b", {"kaplan", "6nd", "scaling-book"}, set()),
        ("llama-3.1-8b", {"kaplan", "6nd"}, set()),
        ("mixtral-8x7b", set(), {"chinchilla", "scaling-book"}),  # it has no f
        ("deepseek-v3", set(), {"chinchilla", "palm", "scaling-book"}),  # it has no h
        ("mamba-130m", {"6nd"}, {"chinchilla", "palm", "scaling-book"}),
        ("gemma-7b", {"kaplan", "6nd", "palm", "scaling-book"}, set()),
        ("jamba-v0.1", set(), set()),
    ],
)
def test_what_a_model_breaks_is_told(name, unbroken, without):
    found = by_convention(symroof.load(name), 2048)
    rows = {x.convention.name: x for x in found.rows[:-1]}
    assert {x for x, row in rows.items() if not row.broken} == unbroken | {"torchtitan", "deepseek"}
    assert {x for x, row in rows.items() if row.training is None} == without


def test_every_assumption_is_some_conventions():
    assert {x for convention in CONVENTIONS for x in convention.assumes} == set(ASSUMPTIONS)


def test_symbols_of_training_occur_in_conventions_or_laws():
    from symroof.training.compute_optimal import BEST_N, Spending
    from symroof.training.flops import training_formula
    from symroof.training.scaling_laws import LOSS

    model = symroof.load("gpt2")
    forms = [y for x in CONVENTIONS for y in (x.training, x.inference) if y is not None]
    forms += [LOSS, BEST_N, Spending(s.d, s.d, s.d, s.d).total, training_formula(model)]
    used = set().union(*(x.free_symbols for x in forms))
    assert {x.symbol for x in s.VOCABULARY.values() if x.group == "training"} <= used


def test_pairs_that_are_no_whole_number_per_token():
    """A mean over the tokens of a sequence may be a fraction, which Python 3.11 does not format with commas."""
    result = CliRunner().invoke(cli, ["conventions", "deepseek-v4-flash", "--tokens", "1000000"])
    assert result.exit_code == 0, result.exception
    args = ["conventions", "deepseek-v4-flash", "--tokens", "1000000", "--json"]
    assert json.loads(CliRunner().invoke(cli, args).output)
    assert re.search(r"= [\d,]+\.\d+: matmul FLOP of attention", " ".join(result.output.split()))


def test_an_unknown_convention():
    with pytest.raises(UnknownName, match="did you mean 'kaplan'"):
        by_convention(symroof.load("gpt2"), 2048)["kaplen"]


# Quoted numbers.


@pytest.mark.parametrize(
    ("text", "value", "within"),
    [
        ("flops=1.57e10", 15_700_000_000, 5e7),
        ("flops=250GFLOPs", 250e9, 5e8),
        ("flops = 250 G", 250e9, 5e8),
        ("params=8.03B", 8_030_000_000, 5e6),
        ("params=37b", 37e9, 5e8),
        ("params=8_030_261_248", 8_030_261_248, 0.5),
        ("kv=70.272kB", 70_272, 0.5),
        ("kv=160KiB", 163_840, 512),
        ("kv=131072", 131_072, 0.5),
    ],
)
def test_a_quote_has_the_digits_it_is_written_with(text, value, within):
    found = quote(text)
    assert (found.value, found.within) == (value, within)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("1.57e10", "quotes nothing"),
        ("flop=1e9", "did you mean 'flops'"),
        ("flops=many", "write a number of FLOP"),
        ("flops=1e10B", "write a number of FLOP"),
        ("kv=0", "write a number of bytes"),
        ("params=-3", "write a number of parameters"),
        ("params=", "write a number of parameters"),
    ],
)
def test_what_is_no_quote(text, told):
    with pytest.raises(UsageError, match=told):
        quote(text)


BARE = {"experts": "those of a token", "head": "counted", "input table": "left out"}


@pytest.mark.parametrize(
    ("name", "quoted", "choices"),
    [
        # gpt-oss model card, table 1: active counts the head and not the embedding
        ("gpt-oss-120b", "params=5.13B", BARE),
        ("gpt-oss-20b", "params=3.61B", BARE),
        ("gpt-oss-20b", "params=20.91B", {"experts": "all", "head": "counted", "input table": "counted"}),
        # Mixtral, arXiv:2401.04088: 12.9B active counts both tables
        ("mixtral-8x7b", "params=12.9B", {"experts": "those of a token", "head": "counted", "input table": "counted"}),
        # Qwen3 tied configs and Pythia's non-embedding parameters, arXiv:2505.09388 and 2304.01373
        ("qwen3-0.6b", "params=596049920", {"head": "shares the input table", "input table": "counted"}),
        ("pythia-70m", "params=18915328", {"head": "left out", "input table": "left out"}),
        # GPT-2 with its shared table counted for the head again
        ("gpt2", "params=163037184", {"head": "counted too", "input table": "counted", "positions": "counted"}),
        # DeepSeek, arXiv:2505.09343, table 1: KB are decimal
        ("deepseek-v3", "kv=70.272kB", {"format": "2 bytes", "heads": "as they are cached", "of": "a token"}),
        ("qwen2-72b", "kv=327.680kB", {"format": "2 bytes", "heads": "as they are cached", "of": "a token"}),
        ("llama-3.1-405b", "kv=516.096kB", {"format": "2 bytes", "heads": "as they are cached", "of": "a token"}),
        # scaling book: int8 keys and values of LLaMA 3-70B
        ("llama-3-70b", "kv=160KiB", {"format": "1 byte", "heads": "as they are cached", "of": "a token"}),
        # 8 times as much where keys were cached for every query head
        ("llama-3-70b", "kv=1280KiB", {"format": "1 byte", "heads": "of all queries", "of": "a token"}),
    ],
)
def test_published_numbers_are_recognised(name, quoted, choices):
    found = match(symroof.load(name), quoted)
    first = found.guesses[0]
    assert found.agreeing
    assert {x: first.choices[x] for x in choices} == choices


@pytest.mark.parametrize(
    ("name", "tokens", "quoted", "convention"),
    [
        ("deepseek-v3", 4096, "flops=250.456G", "deepseek"),
        ("deepseek-v2", 4096, "flops=155.31G", "deepseek"),
        ("llama-3-70b", 4096, "flops=4.23e11", "6nd"),
    ],
)
def test_a_convention_is_recognised(name, tokens, quoted, convention):
    found = match(symroof.load(name), quoted, tokens)
    agreeing = found.guesses[: found.agreeing]
    assert convention in [x.choices.get("convention") for x in agreeing]


@pytest.mark.parametrize(
    ("name", "quantity"),
    [("gpt-oss-20b", "flops"), *((x, y) for x in ("deepseek-v3", "gpt-oss-20b", "gpt2") for y in ("params", "kv"))],
)
def test_every_way_of_counting_is_recognised_by_its_own_number(name, quantity):
    model = symroof.load(name)
    everything = match(model, f"{quantity}=1", 1000, limit=10**6).guesses
    assert len({x.value for x in everything}) == len(everything)
    for x in everything[:: max(1, len(everything) // 4)]:
        whole = round(float(x.value))
        found = match(model, f"{quantity}={whole}", 1000)
        assert found.agreeing
        assert any(abs(y.value - x.value) <= 1 for y in found.guesses)


def test_the_usual_way_is_the_report():
    model = symroof.load("deepseek-v3")
    step = model.report(1000, rules="matmul-only,logits-all,latent-expanded", dtype="bf16")
    found = match(model, f"flops={step.total.flops}", 1000).guesses[0]
    assert (found.value, found.unusual) == (step.total.flops, 1)
    assert found.choices["of"] == "the sequence"
    cache = model.report(1000, rules="standard", dtype="bf16").storage.cache
    assert match(model, f"kv={cache}", 1000).guesses[0].choices["of"] == "the sequence"


def test_guesses_that_agree_stand_first_and_the_rest_by_distance():
    found = match(symroof.load("deepseek-v3"), "flops=250G", 4096, limit=200)
    agree = [found.quoted.agrees(x.value) for x in found.guesses]
    assert agree == sorted(agree, reverse=True)
    assert sum(agree) == found.agreeing
    away = [abs(math.log(x.value / 250e9)) for x in found.guesses[found.agreeing :]]
    assert away == sorted(away)
    unusual = [x.unusual for x in found.guesses[: found.agreeing]]
    assert unusual == sorted(unusual)


def test_a_model_without_a_cache_has_no_keys_and_values():
    with pytest.raises(SymroofError, match="caches no keys and values"):
        match(symroof.load("mamba-130m"), "kv=1000")


# The command.


def test_the_table_has_every_convention_and_fits_the_screen():
    text = shown("llama-3.1-8b", "--tokens", 8192)
    table = text.split("\n\n")[2].splitlines()
    assert [line.split()[0] for line in table] == ["convention", *NAMES, "symroof"]
    assert max(map(len, table)) <= 80
    assert text.index("Formulas") < text.index("convention  ") < text.index("Sources")
    assert "megatron, training             72 L d^2 (V/(12 L d) + n/(6 d) + 1)" in text
    assert "symroof, training              3 inference" in text


def test_what_is_matched_is_shown_formula_first():
    lines = shown("gpt-oss-20b", "--match", "params=3.61B").splitlines()
    assert lines[0] == "gpt-oss-20b (gpt_oss): which count gives 3.61B parameters? n = 2,048 tokens per sequence"
    assert lines[2:5] == ["params = experts + head + layers", "  = 3,608,307,264", "  = 0.999531 of 3.61B"]
    agreement = "One combination of counting choices gives the quoted digits, the first; the others are the nearest."
    assert agreement in lines


def test_as_json():
    found = json.loads(shown("deepseek-v3", "--tokens", 4096, "--json"))
    assert found["schema"] == "symroof.conventions/1"
    rows = {x["name"]: x for x in found["conventions"]}
    assert rows["deepseek"]["training"]["formula"] == "6*N_tok + 3*kappa*n/2"
    assert rows["palm"]["training"]["flops"] is None
    assert rows["palm"]["inference"] is not None
    assert rows["torchtitan"]["inference"] is None
    assert found["definitions"]["N_tok"]["value"] == symroof.load("deepseek-v3").parameters.active
    matched = json.loads(shown("deepseek-v3", "--tokens", 4096, "--match", "flops=250G", "--json"))
    assert (matched["schema"], matched["quoted"]) == ("symroof.match/1", 250 * 10**9)
    assert matched["guesses"][0]["ratio"] == pytest.approx(1, rel=0.002)


def test_rules_and_sizes_are_taken(tmp_path):
    full = json.loads(shown("llama-3.1-8b", "--rules", FULL, "--set", "L=1", "--json"))
    ours = full["conventions"][-1]["training"]["flops"]
    assert ours == exact(symroof.load("llama-3.1-8b").with_sizes(L=1), 2048)
    target = tmp_path / "table.txt"
    assert shown("gpt2", "-o", target) == ""
    assert target.read_text() == str(by_convention(symroof.load("gpt2"), 2048))
    assert shown("gpt2", "--match", "kv=36KiB") == str(match(symroof.load("gpt2"), "kv=36KiB"))


@pytest.mark.parametrize(
    ("words", "code", "told"),
    [
        (["gpt2", "--match", "flop=3"], 2, "did you mean 'flops'"),
        (["gpt2", "--tokens", "0"], 2, "--tokens"),
        (["gpt2", "--rules", "llm-viewer"], 2, "drop"),
        (["gpt-2x"], 2, "unknown model"),
        (["mamba-130m", "--match", "kv=3"], 1, "caches no keys and values"),
    ],
)
def test_mistakes_are_one_line(words, code, told):
    result = call(*words)
    assert result.exit_code == code
    assert told in result.output
    assert "Traceback" not in result.output
