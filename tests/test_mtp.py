"""Layers that predict tokens further ahead: their published sizes, and what they add to a step."""

import json
from fractions import Fraction
from functools import cache

import pytest
from click.testing import CliRunner
from test_checkpoints import SCALED, elements

import symroof
from symroof.cli import cli
from symroof.config.catalogue import model_catalogue
from symroof.cost.cost import FIELDS
from symroof.errors import UsageError
from symroof.results import exact_value

STEP = {"new": [1, 5], "cached": [40, 7]}


def config(name, **keys):
    return {"dtype": "bfloat16", **model_catalogue()[name]["config"], **keys}


@cache
def load(name, mtp=True):
    """A built-in model; the config of the last was published abridged."""
    abridged = {"num_nextn_predict_layers": 1} if name == "glm-4.7-flash" else {}
    return symroof.load(config(name, **abridged), mtp=mtp)


def tables(model):
    """Elements of embedding and head, which some checkpoints hold once more for the module."""
    return 2 * model.architecture.sizes["V"] * model.architecture.sizes["d"]


# Elements of the checkpoint by the hub's safetensors totals (qwen3.5-27b and qwen3.6-35b-a3b: less those of keras-hub's
# presets, which have no such layers), what of them we do not count, and whether it holds tables
# of its own for the module.
TOTALS = {
    "deepseek-v3": (684_531_386_000, 62 * 28, True),  # of 576 columns half a block is scaled
    "deepseek-v3.2": (685_396_921_376, 62 * 28, True),
    "glm-4.5": (358_337_791_296, 0, True),
    "glm-4.7-flash": (31_221_488_576, 0, True),
    "glm-5": (753_864_139_008, 0, False),
    "mimo-7b": (7_833_409_536, 0, False),
    "nemotron-3-super-120b-a12b-fp8": (123_611_012_096, -41 * 512, False),  # nothing in fp32 is counted there
    "qwen3-next-80b-a3b": (81_324_862_720, 0, False),
}
STORED = SCALED | {"fp8 in 40, bf16 in 1 of 41 layers": 1}
DIFFERENCES = {"qwen3.5-27b": 27_781_427_952 - 27_356_728_560, "qwen3.6-35b-a3b": 35_951_822_704 - 35_107_181_936}


@pytest.mark.parametrize("name", TOTALS)
def test_checkpoints_with_their_modules(name):
    total, besides, copied = TOTALS[name]
    model = load(name)
    found = sum(n * STORED[form] for form, n in elements(model).items() if n)
    assert found + besides + copied * tables(model) == total


@pytest.mark.parametrize("name", DIFFERENCES)
def test_modules_between_two_published_sizes(name):
    assert load(name).parameters.total - load(name, mtp=False).parameters.total == DIFFERENCES[name]


@pytest.mark.parametrize(
    ("name", "total"), [("deepseek-v4-pro", 861_608_274_846), ("deepseek-v4-flash", 158_069_433_298)]
)
def test_checkpoints_of_several_streams(name, total):
    # experts are packed two an element; besides, the experts of each token in three layers
    packed, model = SCALED | {"mxfp4": Fraction(17, 32)}, load(name)
    besides = 3 * 6 * model.architecture.sizes["V"]
    assert sum(n * packed[form] for form, n in elements(model).items() if n) + besides == total


KNOWN = (
    "deepseek-v3",
    "deepseek-v4-pro",
    "glm-4.5",
    "glm-5.2",
    "mimo-7b",
    "nemotron-3-super-120b-a12b-fp8",
    "qwen3-next-80b-a3b",
    "qwen3.5-27b",
)


@cache
def rows(name, mtp=True, logits="last"):
    return {row.path: row for row in load(name, mtp).report(**STEP, dtype="bf16", logits=logits).rows}


@pytest.mark.parametrize(("name", "logits"), [*((x, "last") for x in KNOWN), ("mimo-7b", "all"), ("glm-4.5", "none")])
def test_a_step_costs_its_modules_more_and_nothing_else(name, logits):
    plain, more = rows(name, False, logits), rows(name, True, logits)
    added = {path: row for path, row in more.items() if path.startswith("mtp.")}
    assert {path: row.cost for path, row in more.items() if path not in added} == {
        path: row.cost for path, row in plain.items()
    }
    assert {row.layers for row in added.values()} == {row.of_layers for row in added.values()} == {1}


@pytest.mark.parametrize("name", KNOWN)
def test_a_module_has_a_layer_like_one_of_the_models(name):
    found = rows(name)
    layer = {path: row for path, row in found.items() if path.startswith("mtp.")}
    inner = {path: row for path, row in layer.items() if path.partition("/")[0] not in ("mtp.join", "mtp.head")}
    attends = [row for path, row in inner.items() if path.endswith("/attend")]
    assert len(attends) == 1
    assert attends[0].cost.cache_held > 0
    for path, row in inner.items():
        if path.removeprefix("mtp.") in found:  # deepseek-v4-pro has windows alone in no other layer
            assert row.cost == found[path.removeprefix("mtp.")].cost
    assert any(path.removeprefix("mtp.") in found for path in inner)


@pytest.mark.parametrize("name", KNOWN)
def test_embedding_and_head_are_read_again_but_kept_once(name):
    found = rows(name)
    for ours, once in (("mtp.join/lookup", "embedding/lookup"), ("mtp.head/logits", "head/logits")):
        again, first = found[ours].cost, found[once].cost
        assert {x for x in FIELDS if getattr(again, x) != getattr(first, x)} == {"weight_held"}
        assert again.weight_held == 0
    assert found["mtp.head/norm"].cost == found["head/norm"].cost


@pytest.mark.parametrize("name", KNOWN)
def test_what_joins_stream_and_embedding(name):
    streams = load(name).architecture.sizes.get("m", 1)
    found = {path.partition("/")[2]: row.cost for path, row in rows(name).items() if path.startswith("mtp.join/")}
    lookup, embedding, hidden = (found[x] for x in ("lookup", "embedding_norm", "hidden_norm"))
    assert embedding.act_read == lookup.act_write
    assert hidden.act_read == streams * embedding.act_read
    assert hidden.weight_held == embedding.weight_held  # streams share theirs
    projections = [x for x in found.values() if x.matmul]
    assert sum(x.act_read for x in projections) == hidden.act_write + embedding.act_write
    assert sum(x.act_write for x in projections) in (hidden.act_read, hidden.act_read + embedding.act_read)
    end = [*found.values()][-1]
    assert end.act_write == hidden.act_read  # the layer's input
    assert end in projections or end.act_read == sum(x.act_write for x in projections)
    for x in projections:  # each element of the matrix, of two bytes, multiplies one of each row
        written_rows = sum(STEP["new"]) * x.act_write // lookup.act_write
        assert x.matmul == 2 * (x.weight_held // 2) * written_rows


def test_active_parameters_count_shared_tables_once():
    for name in KNOWN:
        plain, more = load(name, mtp=False), load(name)
        whole, storage = (x.report(dtype="fp8").storage for x in (plain, more))
        idle = storage.experts_untouched - whole.experts_untouched
        assert more.parameters.active - plain.parameters.active == (
            more.parameters.total - plain.parameters.total - idle
        )


@pytest.mark.parametrize(
    ("name", "growth"),
    [
        ("deepseek-v3", Fraction(62, 61)),
        ("mimo-7b", Fraction(37, 36)),
        ("glm-5.2", None),  # one more layer with an indexer, of the 21 of 78
        ("qwen3-next-80b-a3b", Fraction(13, 12)),  # of 48 layers 12 attend
        ("nemotron-3-super-120b-a12b-fp8", Fraction(9, 8)),
        ("deepseek-v4-pro", Fraction(1)),  # a window does not grow
    ],
)
def test_the_cache_grows_by_one_layer(name, growth):
    plain, more = (load(name, mtp=x).cache_per_token(dtype="bf16") for x in (False, True))
    if growth is None:
        sizes = load(name).architecture.sizes
        assert more - plain == 2 * (sizes["r_kv"] + sizes["h_r"] + sizes["h_i"])
    else:
        assert Fraction(exact_value(more)) / Fraction(exact_value(plain)) == growth


def test_several_modules_are_one_several_times():
    one, three = load("deepseek-v3"), load("deepseek-v3").with_sizes(L_mtp=3)
    plain = load("deepseek-v3", mtp=False)
    added = [x.report(**STEP, dtype="bf16").total for x in (plain, one, three)]
    for field in FIELDS:
        none, first, all_of_them = (getattr(x, field) for x in added)
        assert float(all_of_them - none) == pytest.approx(float(3 * (first - none)))
    listed = symroof.load(config("deepseek-v3", num_nextn_predict_layers=3), mtp=True)
    assert listed.parameters == three.parameters


def test_a_formula_of_a_module_evaluates_to_its_report():
    model = load("glm-4.5")
    text = call("formula", "glm-4.5", "--mtp", "--quantity", "matmul_flops,parameters,cache_size")
    assert "mtp.join" in text
    assert "L_mtp" in text
    assert "num_nextn_predict_layers" in text
    assert model.formula("parameters", bind=True) == model.parameters.total
    assert call("formula", "glm-4.5", "--mtp", "--op", "mtp.join/project")


def test_quantised_checkpoints_say_which_modules_they_leave_as_they_are():
    for name, role, told in (
        ("glm-5.1-nvfp4", "experts", "nvfp4 in 75, bf16 in 1 of 76 layers"),  # model.layers.78*
        ("qwen3.6-27b-nvfp4", "feed_forward", "nvfp4 in 64, bf16 in 1 of 65 layers"),  # mtp*
        ("qwen3.5-122b-a10b-fp8", "experts", "fp8, scales of 128 x 128"),
    ):
        assert symroof.load(name, mtp=True).report().precision.formats[role].name == told


def call(*words, code=0):
    result = CliRunner().invoke(cli, list(words))
    assert result.exit_code == code, result.output
    return result.output


def test_a_report_has_them_when_asked():
    found = json.loads(call("report", "mimo-7b", "--mtp", "--json"))
    assert found["parameters"]["total"] == 7_833_409_536
    assert found["model"]["sizes"]["L_mtp"] == 1
    assert found["parameters"]["by_role"]["mtp"] == 2 * 4096**2
    assert "mtp.join" in call("report", "mimo-7b", "--mtp")
    assert "Multi-token prediction" in call("report", "mimo-7b", "--mtp")
    assert "mtp" not in call("report", "mimo-7b").lower()


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("report", "llama-3.1-8b", "--mtp"), "llama-3.1-8b has no multi-token-prediction layers: leave out --mtp"),
        (("report", "kimi-k2", "--mtp"), "kimi-k2 has no multi-token-prediction layers"),
        (("formula", "minimax-m2.5", "--mtp"), "num_mtp_modules = 3) whose structure is not known here"),
        (("audit", "step-3.7-flash", "--mtp"), "num_nextn_predict_layers = 3) whose structure is not known here"),
        (("report", "mimo-7b", "--mtp", "--rules", "transformers"), "it builds no multi-token-prediction layers"),
        (("report", "mimo-7b", "--mtp", "--against", "transformers"), "it builds no multi-token-prediction layers"),
    ],
)
def test_mistakes_are_told(words, told):
    assert told in " ".join(call(*words, code=2).split())


@pytest.mark.parametrize(
    ("name", "keys"),
    [
        ("qwen3-next-80b-a3b", {"num_nextn_predict_layers": 2}),
        ("qwen3-next-80b-a3b", {"mtp_use_dedicated_embeddings": True}),
        ("nemotron-3-super-120b-a12b-fp8", {"mtp_hybrid_override_pattern": "M*E"}),
        ("nemotron-3-super-120b-a12b-fp8", {"mtp_hybrid_override_pattern": ""}),
        (
            "deepseek-v4-flash",
            {"compress_ratios": [*model_catalogue()["deepseek-v4-flash"]["config"]["compress_ratios"], 4]},
        ),
    ],
)
def test_other_modules_are_not_guessed(name, keys):
    with pytest.raises(UsageError, match="whose structure is not known here"):
        symroof.load(config(name, **keys), mtp=True)


def test_an_audit_says_what_became_of_their_keys():
    def became(*words):
        return {x["key"]: (x["status"], x["reason"]) for x in json.loads(call("audit", *words, "--json"))}

    key = "num_nextn_predict_layers"
    assert became("deepseek-v3", "--mtp")[key] == ("used", "L_mtp")
    assert became("deepseek-v3")[key][0] == "ignored"
    assert "--mtp" in became("deepseek-v3")[key][1]
    assert became("qwen3-next-80b-a3b", "--mtp")[key] == ("defaulted", "L_mtp")
    assert became("qwen3.5-27b", "--mtp")["text_config.mtp_num_hidden_layers"] == ("used", "L_mtp")
