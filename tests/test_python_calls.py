"""Functions as they are called in Python: by a model's name as on the command line, and with keywords mistyped."""

import inspect
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import symroof
from symroof.config.catalogue import model_catalogue

NAME = "llama-3.2-1b"
WORK = symroof.Workload(prompt=2000, output_tokens=500)
# How every public function that takes a model is called, after the model.
CALLS: dict[str, Callable[..., Any]] = {
    "roofline": lambda x, **y: symroof.roofline(x, "b200", **y),
    "serve": lambda x, **y: symroof.serve(x, "b200", WORK, **y),
    "fit": lambda x, **y: symroof.fit(x, "b200", 8192, **y),
    "solve": lambda x, **y: symroof.solve(x, "cache_bytes = weight_bytes", "c", **y),
    "knobs": lambda x, **y: symroof.knobs(x, "b200", **y),
    "limits": lambda x, **y: symroof.limits(x, **y),
    "namespaced": lambda x, **y: symroof.namespaced(x, **y).formula("flops"),
    "compare": lambda x, **y: symroof.compare(x, x, **y),
    "crossovers": lambda x, **y: symroof.crossovers(x, "b200", **y),
    "sweep": lambda x, **y: symroof.sweep(x, {"cached": [1, 2]}, **y).columns,
    "by_convention": lambda x, **y: symroof.by_convention(x, 2048, **y),
    "match": lambda x, **y: symroof.match(x, "params=1.24B", **y),
    "shape": lambda x, **y: symroof.shape(x, **y),
    "split": lambda x, **y: symroof.split(x, "mlp", **y),
    "training_flops": lambda x, **y: symroof.training_flops(x, 2048, **y),
    "training_memory": lambda x, **y: symroof.training_memory(x, 2048, **y),
    "optimum": lambda x, **y: symroof.optimum(budget=1e21, model=x, **y),
}


def takes_model(name: str) -> bool:
    """Whether a public function has a model as one of its parameters."""
    value = getattr(symroof, name)
    return (
        inspect.isfunction(value) and name != "load" and bool({"model", "one"} & {*inspect.signature(value).parameters})
    )


def test_every_function_of_a_model_is_called_here():
    assert set(CALLS) == {name for name in symroof.__all__ if takes_model(name)}


def shown(answer: Any) -> str:
    return json.dumps(answer.to_dict()) if hasattr(answer, "to_dict") else str(answer)


@pytest.mark.parametrize("name", CALLS)
def test_a_name_a_path_and_a_dict_are_models(name: str, tmp_path: Path) -> None:
    config = model_catalogue()[NAME]["config"]
    path = tmp_path / NAME / "config.json"
    path.parent.mkdir()
    path.write_text(json.dumps(config))
    expected = shown(CALLS[name](symroof.load(NAME)))
    assert shown(CALLS[name](NAME)) == expected
    for source in (path, str(path.parent), config):
        assert CALLS[name](source)


def passes_on(function: Any) -> bool:
    """Whether a function takes any keyword."""
    return any(x.kind is x.VAR_KEYWORD for x in inspect.signature(function).parameters.values())


METHODS: dict[str, Callable[..., Any]] = {
    "report": lambda **y: symroof.load(NAME).report(**y),
    "uniform": lambda **y: symroof.load(NAME).uniform({}, **y),
    "cache_per_token": lambda **y: symroof.load(NAME).cache_per_token(**y),
    "cache_at_context": lambda **y: symroof.load(NAME).cache_at_context(**y),
    "precision": lambda **y: symroof.load(NAME).precision(**y),
    "against": lambda **y: symroof.load(NAME).against("transformers", **y),
    "sweep": lambda **y: symroof.load(NAME).sweep({"cached": [1, 2]}, **y),
}
PASSING = [x for x in CALLS if passes_on(getattr(symroof, x))]


def test_every_method_that_passes_keywords_on_is_called_here():
    passing = {name for name, x in vars(symroof.Model).items() if inspect.isfunction(x) and passes_on(x)}
    assert set(METHODS) == passing - {
        "__init__",
        "with_sizes",
        "with_graph",
    }  # whose keywords are sizes: an UnknownName


@pytest.mark.parametrize(("word", "near"), [("batchsize", "batch_size"), ("weight", "weights"), ("dtpye", "dtype")])
@pytest.mark.parametrize("name", [*PASSING, *METHODS])
def test_an_unknown_keyword_is_the_called_function_s(name: str, word: str, near: str) -> None:
    if word == "batchsize" and name in ("serve", "uniform", "cache_per_token", "cache_at_context", "precision"):
        return  # they have no batch
    with pytest.raises(TypeError) as error:
        CALLS[name](NAME, **{word: 3}) if name in PASSING else METHODS[name](**{word: 3})
    assert str(error.value) == f"{name}() got an unexpected keyword argument '{word}'; did you mean {near}?"


@pytest.mark.parametrize(
    ("word", "near"),
    [("batch", "batch_size"), ("input_tokens", "new"), ("cached_tokens", "cached"), ("kv_cache", "cache")],
)
def test_the_names_of_options_lead_to_those_of_keywords(word: str, near: str) -> None:
    with pytest.raises(TypeError, match=rf"report\(\) got an unexpected .* '{word}'; did you mean {near}\?"):
        symroof.load(NAME).report(**{word: 3})


def test_a_keyword_like_no_other_gets_the_list() -> None:
    with pytest.raises(TypeError) as error:
        symroof.fit(NAME, "b200", **{"z" * 1000: 3})  # type: ignore[arg-type]
    assert str(error.value).endswith(
        "it takes model, on, context, batch_size, rules, logits, dtype, weights, experts, activations, cache, states"
    )
    assert len(str(error.value)) <= 300
