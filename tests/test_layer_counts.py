"""Numbers of layers that follow L, and sizes named by their keys: the truth is the config with another number in it."""

from copy import deepcopy

import pytest
from click.testing import CliRunner

import symroof
from symroof import symbols as s
from symroof.architecture.layer_counts import following_counts
from symroof.cli import cli
from symroof.errors import UsageError

# Model, and numbers of layers that its pattern of layers repeats a whole number of times in.
REPEATED = [
    ("llama-3.1-8b", 80),
    ("deepseek-v3", 80),
    ("deepseek-v2-lite", 5),
    ("gemma-3-12b", 96),
    ("gemma-2-9b", 84),
    ("qwen3-next-80b-a3b", 96),
    ("jamba-v0.1", 64),
    ("llama-4-scout", 24),
    ("glm-4.5", 20),
]


def with_key(name, key, value):
    """The model of a config with another value under a key."""
    data = deepcopy(dict(symroof.load(name).config.data))
    (data.get("text_config") or data)[key] = value
    return symroof.load(data)


@pytest.mark.parametrize(("name", "layers"), REPEATED)
def test_kinds_follow_as_in_a_config_with_another_number_of_layers(name, layers):
    model, other = symroof.load(name), with_key(name, "num_hidden_layers", layers)
    assert model.with_sizes(num_hidden_layers=layers).architecture.sizes == other.architecture.sizes
    assert model.formula("parameters", free="L").subs(s.L, layers) == other.parameters.total
    said = model.with_sizes(L=layers).warnings[len(model.warnings) :]
    moved = [x for x in model.architecture.sizes if x.startswith("L_")]
    assert all(f"{x} = {other.architecture.sizes[x]}" in "".join(said) for x in moved)


@pytest.mark.parametrize("name", ["llama-3.1-8b", "deepseek-v3", "gemma-3-12b", "mixtral-8x7b", "mamba-codestral-7b"])
def test_free_sizes_are_those_of_other_models(name):
    model = symroof.load(name)
    d, layers = model.architecture.sizes["d"], 2 * model.architecture.sizes["L"]
    form = model.formula("parameters", free=["hidden_size", "L"])
    assert form.free_symbols == {s.d, s.L}
    assert form.subs({s.d: d * 2, s.L: layers}) == model.with_sizes(d=d * 2, L=layers).parameters.total


def test_what_is_moved_is_told_in_every_form():
    for form, told in (
        ("text", "with L_swa = 5 L/6, L_full = L/6"),
        ("json", '"L_full": "L/6"'),
        ("c", "L_full = L/6"),
    ):
        words = ["formula", "gemma-3-12b", "--free", "d,L", "--quantity", "parameters", "--format", form]
        assert told in CliRunner().invoke(cli, words).stdout
    written = CliRunner().invoke(cli, ["formula", "deepseek-v3", "--free", "d,L", "--quantity", "parameters"]).stdout
    assert "(L - 3) (1579265 d + 256)" in written
    swept = CliRunner().invoke(cli, ["sweep", "deepseek-v3", "--over", "num_hidden_layers=9,61", "--quantity", "flops"])
    assert "L_mlp = 3, L_moe = L - 3" in swept.stderr


def test_kinds_share_what_is_left():
    counts = following_counts(symroof.load("deepseek-v4-flash").architecture, {"L": 84})
    assert counts == {"L_swa": 2, "L_csa": 42, "L_hca": 40, "L_hashmoe": 3, "L_moe": 81}
    assert following_counts(symroof.load("gemma-3-12b").architecture, {"L_full": 20}) == {"L_swa": 28}
    assert following_counts(symroof.load("zamba-7b").architecture, {"L": 152})["L_injection"] == 26
    with pytest.raises(UsageError, match="N_mix"):
        following_counts(symroof.load("kimi-k3").architecture, {"L": 20})


# Model, key, and the symbol it stands for, or words of the error.
KEYS = [
    ("llama-3.1-8b", "hidden_size", "d"),
    ("llama-3.1-8b", "head_dim", "h"),
    ("gemma-3-12b", "num_hidden_layers", "L"),
    ("deepseek-v3", "first_k_dense_replace", "L_mlp"),
    ("deepseek-v3", "moe_intermediate_size", "f_e"),
    ("llama-4-scout", "intermediate_size", "f_e"),
    ("mamba-1.4b", "hidden_size", "d"),
    ("llava-1.5-7b", "num_hidden_layers", "L"),
    ("nemotron-h-56b", "num_hidden_layers", "L"),
    ("gpt2", "n_layer", "L"),
    ("jamba-v0.1", "intermediate_size", "f, f_e"),
    ("deepseek-v3", "n_shared_experts", "only part of a size .* f_s = 2048"),
    ("qwen3-next-80b-a3b", "partial_rotary_factor", "is only part"),
]


@pytest.mark.parametrize(("name", "key", "symbol"), KEYS)
def test_keys_of_a_config_stand_for_symbols(name, key, symbol):
    model = symroof.load(name)
    if len(symbol) > 5 or "," in symbol:
        with pytest.raises(UsageError, match=symbol):
            model.symbol_of_key(key)
        return
    assert model.symbol_of_key(key) == symbol
    value = model.architecture.sizes[symbol]
    assert (model.config.data.get("text_config") or model.config.data).get(key, value) == value
    assert str(model.symbol(key)) == symbol
    assert model.with_sizes(V=99).symbol_of_key(key) == symbol


def test_keys_on_the_command_line():
    run = CliRunner().invoke
    by_key, by_symbol = (
        run(cli, ["report", "llama-3.1-8b", "--set", f"{x}=80", "--json"]).stdout for x in ("num_hidden_layers", "L")
    )
    assert by_key == by_symbol
    both = run(cli, ["report", "llama-3.1-8b", "--set", "hidden_size=64", "--set", "d=64"])
    assert both.exit_code == 2
    assert "d is given twice" in both.stderr
    swept = ["sweep", "llama-3.1-8b", "--over", "L=1,2", "--over", "num_hidden_layers=3"]
    assert "swept over twice" in run(cli, swept).stderr
    columns = run(cli, ["sweep", "llama-3.1-8b", "--over", "hidden_size=1024,4096"]).stdout.splitlines()[0]
    assert columns.split(",")[0] == "hidden_size"


def test_knobs_are_named_by_keys():
    knobs = symroof.knobs("llama-3.1-8b", quantity="flops")
    assert knobs["hidden_size"] == knobs["d"]
    assert knobs.derivative("hidden_size") == knobs.derivative("d")
