"""Every flag, size and count of every family's description is told by a truth: changed alone, some figure is wrong.

The truths are tests/truth/transformers.jsonl.gz (weights, matmul FLOP, bytes of the cache) and, of what these cannot
see, tests/truth/facts.json (elementwise operations), both measured on the real modules. The smallest model of each
family is taken, and each change of it that changes any cost.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import fields, replace
from functools import cache, cached_property
from itertools import pairwise
from typing import Any

import facts
import figures
import pytest
from test_truth import MEASURED, REFUSED, TRUTH, UNMATCHED, UNMATCHED_CACHE, by_role, with_corrections

from symroof.architecture.structure import Architecture, Frame, Kind, Structure, Sublayer, Wiring
from symroof.config.config import load_config
from symroof.cost.masks import MASKS
from symroof.errors import SymroofError
from symroof.families.registry import FAMILIES, read_architecture
from symroof.ops.dense import ACTIVATIONS, NORMS

SMALL = (("causal", "v1"), ("causal", "default"), ("vl", "v1"), ("vl", "default"))
FACTS: dict[str, dict[str, int]] = json.loads((TRUTH / "facts.json").read_text())

# Family -> facts of operators of its own.
APART = {
    "inkling2": ("added", "clamped", "rms", "scaled", "sigmoid", "silu_clamped"),
    "inkling2_text": ("added", "clamped", "scaled", "sigmoid"),
    "glm5_next": ("pairs",),
    "muse_spark": ("clamped", "sigmoid", "silu_clamped"),
    "qwen4_exp_text": ("pairs", "rms", "rotated", "sigmoid", "silu"),
    "zaya": ("added", "gelu", "rms", "rotated"),
}
# (type, fact) -> why it is counted otherwise; its description is not compared by that.
EXPLAINED: dict[tuple[str, str], str] = {
    ("gemma3n_text", "added"): "sums of streams have operators of their own",
    ("gemma3n_text", "scaled"): "streams are scaled by operators of their own",
    ("gemma3n_text", "rms"): "the routers of streams have norms of their own",
    ("gemma3n_text", "tanh"): "the routers of streams are squashed",
    ("gpt_neox_japanese", "added"): "the last layer's bias is added to the stream",
    ("gemma4_text", "embedding_scaled"): "the inputs of all layers together are as wide as the stream",
    ("inkling_text", "embedding_scaled"): "the stream is divided ahead of the head, not the logits",
    ("inkling_text", "logits_scaled"): "the stream is divided ahead of the head, not the logits",
    ("minicpm3", "embedding_scaled"): "the stream is divided ahead of the head, not the logits",
    ("minicpm3", "logits_scaled"): "the stream is divided ahead of the head, not the logits",
    ("cohere2_vision", "logits_scaled"): "the class forgets logit_scale, which its text model has",
    ("step3p7", "limited"): "clamped to infinity where no limit is given",
    ("doge", "pairs"): "the mask is that of a KV head",
    ("gpt_neo", "pairs"): "the mask is a buffer, which the measurement leaves empty",
    ("openai-gpt", "pairs"): "the mask is a buffer, which the measurement leaves empty",
    ("moshi", "pairs"): "the class keeps a window of the cache but masks none",
    ("qwen3_omni_moe_thinker", "pairs"): "the class keeps a window of the cache but masks none",
    ("paligemma", "pairs"): "a prompt without an image is causal",
    ("dots3_note", "pairs"): "too large to be made: no mask is seen",
    ("ernie4_5_vl_moe", "pairs"): "too large to be made: no mask is seen",
    ("granite_docling", "pairs"): "too large to be made: no mask is seen",
    ("inkling2", "pairs"): "too large to be made: no mask is seen",
    ("muse_spark", "pairs"): "too large to be made: no mask is seen",
    ("gemma4", "rotated"): "what is not rotated is rotated by an angle of 0",
    ("gemma4_text", "rotated"): "what is not rotated is rotated by an angle of 0",
    ("gemma4_unified", "rotated"): "what is not rotated is rotated by an angle of 0",
    ("gemma4_unified_text", "rotated"): "what is not rotated is rotated by an angle of 0",
    ("mimo_v2_flash", "rotated"): "13 elements of a head are rotated as 14",
    ("beam", "tempered"): "made once for all layers",
    ("longcat_flash", "silu"): "which experts do nothing depends on its random weights",
    ("granite_swa", "sigmoid"): "sinks are a sigmoid of the scores' sum",
    ("granitemoe_swa", "sigmoid"): "sinks are a sigmoid of the scores' sum",
    **{("deepseek_v4", x): "attention to compressed entries is not counted" for x in ("rms", "rotated")},
    **{(name, x): "operators that only this family has are not counted" for name, own in APART.items() for x in own},
}

# Families that could not be run -> why.
UNMEASURED = {
    "hunyuan_vl": "asks for an image",
    "kosmos-2": "asks for an image",
    "inkling_mm_model": "too large to be made",
    "paddleocr_vl": "the small config contradicts itself",
    "unlimited_ocr": "the small config contradicts itself",
    "xlstm": "the small config contradicts itself",
}

# What is changed -> why no figure that was measured can tell it; of these families alone, where some are named.
UNSEEN: dict[str, tuple[str, tuple[str, ...]]] = {
    "Attention.gate '(full|separate)' -> '(full|separate)'": ("the same products, in one projection or two", ()),
    "Attention.repeated": ("query and KV heads are as many", ()),
    "Sublayer.logits_only": (
        "facts are measured with all logits; not all steps with the last alone can be compared",
        (),
    ),
    "AltUp": ("the same products and weights; elementwise operations of streams are not counted", ()),
    "Mamba.heads|size H_m": ("as many products in one head as in several", ("zamba",)),
    "a layer from L_(low|high)": ("both run as often as their layers, which are alike", ("hrm_text",)),
    "a layer from L_mlp1": ("a norm before or after", ("olmo_hybrid",)),
    "a layer from L_attn|size w": ("the mask is a buffer", ("gpt_neo",)),
    "Experts|size (f_e|k)": ("what idle experts keep is not compared", ("longcat_flash",)),
    "a layer from L_scale": ("elementwise: measured with all logits", ("gemma4_text",)),
    "size m_s": ("rounds of elementwise operations on streams are not counted", ("deepseek_v4", "glm5_next")),
    "size Y_mix": ("earlier sums that are mixed are not counted", ("inkling2", "inkling2_text")),
    "Frame.streams 'mean' -> ''": ("elementwise operations of streams are not counted", ("glm5_next",)),
    "LatentAttention.rotary False": ("what would be rotated is no element", ("glm5_next", "mistral_large4")),
    "ConvolvedAttention.mask": ("its operations are not counted", ("zaya",)),
    "size k_i": ("attention to compressed entries is not counted", ("deepseek_v4",)),
    "Wiring.blended": ("weights of a sum are as many, its products are not counted", ("doge",)),
    "size k$": ("transformers runs every expert", ("llama4", "llama4_text")),
}

NORM, ACT = ("", *NORMS), tuple(ACTIVATIONS)
# The values of a field that holds a string, of one class or of all, besides names of norms and activations.
LEGAL: dict[str, tuple[str, ...]] = {
    "Wiring.streams": ("", "mixed", "unmixed", "low_rank"),
    "Frame.streams": ("", "weighed", "low_rank", "mean"),
    "blended": ("", "gate", "constants", "shifted"),
    "mask": tuple(MASKS),
    "Attention.rotary": ("full", "partial", ""),
    "qk_over": ("head", "heads", "width"),
    "Attention.gate": ("", "full", "separate", "head"),
    "LatentAttention.gate": ("", "full", "head", "latent"),
    "DeltaNet.gate": ("full", "low_rank"),
    "inner_over": ("width", "head"),
    "keys": ("projected", "values", "borrowed"),
    "indexer": ("", "full", "shared"),
    "entries": ("", "all", "selected"),
    "decay": ("head", "channel", "low_rank"),
    "stage": ("expand", "predict", "correct", "spread", "merge"),
    "operation": ("scale", "add"),
    "role": ("other", "attention", "ffn"),
}


def smallest() -> dict[str, dict[str, Any]]:
    """The measurement of each family that is taken here."""
    found: dict[str, dict[str, Any]] = {}
    for key in SMALL:
        for truth in MEASURED:
            name = (truth["model_type"], truth["kind"], truth["variant"])
            if name[1:] == key and name not in REFUSED and name[0] in FAMILIES and "parameters" in truth:
                found.setdefault(truth["model_type"], truth)
    return found


TRUTHS = smallest()


def legal(owner: str, field: str) -> tuple[str, ...]:
    """The values of a field that holds a string."""
    if field in ("norm", "post", "latent_in") or field.endswith("_norm"):
        return NORM
    if field.endswith("act"):
        return ACT if field == "act" else ("", *ACT)
    return LEGAL.get(f"{owner}.{field}") or LEGAL[field]


def flipped(x: Kind | Wiring | Frame) -> Iterator[tuple[str, Any]]:
    """(what is changed, the changed flags) of every flag set to every other value."""
    for field in fields(x):
        value, owner = getattr(x, field.name), type(x).__name__
        others = (not value,) if isinstance(value, bool) else [y for y in legal(owner, field.name) if y != value]
        for other in others:
            yield f"{owner}.{field.name} {value!r} -> {other!r}", replace(x, **{field.name: other})


def differs(x: figures.Piece, y: figures.Piece) -> bool:
    """Whether anything is computed otherwise; what cannot be built is no description."""
    try:
        return figures.costs(x) != figures.costs(y)
    except (KeyError, TypeError, ValueError):
        return False


@cache
def framed(frame: Frame) -> tuple[tuple[str, Frame], ...]:
    """Every change of a frame's flags that changes any cost."""
    return tuple((told, x) for told, x in flipped(frame) if differs(frame, x))


@cache
def variants(x: Sublayer) -> tuple[tuple[str, Sublayer], ...]:
    """Every change of a sublayer's flags that changes any cost."""
    found = [(told, replace(x, kind=kind)) for told, kind in flipped(x.kind)]
    found += [(told, replace(x, wiring=wiring)) for told, wiring in flipped(x.wiring)]
    found.append((f"Sublayer.logits_only of {type(x.kind).__name__}", replace(x, logits_only=not x.logits_only)))
    return tuple((told, y) for told, y in found if differs(x, y))


def flags(family: str, x: Architecture) -> Iterator[tuple[str, Structure]]:
    """Every change of one flag of a structure that needs no size the model has not, where no family before has it."""
    had, first = x.sizes.keys(), firsts()
    frames = framed(x.structure.frame) if first[described(family, x.structure.frame)] == family else ()
    for told, frame in frames:
        if figures.sizes(frame) <= had:
            yield told, replace(x.structure, frame=frame)
    sublayers = x.structure.sublayers
    for i, sublayer in enumerate(sublayers):
        for told, other in variants(sublayer) if first[described(family, sublayer)] == family else ():
            if figures.sizes(other) <= had:
                yield told, replace(x.structure, sublayers=(*sublayers[:i], other, *sublayers[i + 1 :]))


def resized(x: Architecture) -> Iterator[tuple[str, Architecture]]:
    """Every size changed by as little as it can be, every layer moved from a kind to another of its slot."""
    for name in x.sizes:
        if not name.startswith("L_") and name != "L" and x.origin[name] not in x.sizes:
            yield from nearest(x, name)
    slots: dict[int, list[str]] = {}
    for y in x.structure.sublayers:
        if y.layers and y.layers != "L":
            slots.setdefault(y.slot, []).append(y.layers)
    for counts in slots.values():
        for one, other in pairwise(counts):
            for way in (1, -1):
                moved = {one: x.sizes[one] - way, other: x.sizes[other] + way}
                if all(moved.values()):
                    yield f"a layer from {one} to {other}", x.with_sizes(moved)


def nearest(x: Architecture, name: str) -> Iterator[tuple[str, Architecture]]:
    """One size changed, up and down, to the next value that contradicts no other."""
    for way in (1, -1):
        for by in (1, 2, 3, 4, 6, 8):
            try:
                changed = x.with_sizes({name: x.sizes[name] + way * by})
            except SymroofError:
                continue
            yield f"size {name}", changed
            break


class Measured:
    """What was measured of a model, and whether a description comes to the same."""

    def __init__(self, truth: dict[str, Any]) -> None:
        self.truth, self.family = truth, truth["model_type"]
        self.architecture = read_architecture(load_config(truth["config"]))
        name = (truth["model_type"], truth["kind"], truth["variant"])
        self.steps = [x for i, x in enumerate(truth["steps"]) if (*name, i) not in UNMATCHED]
        self.weights = by_role(truth, with_corrections(truth))
        self.layers = {x: figures.definitions(self.architecture.structure, x) for x in ("last", "all")}

    @cached_property
    def own(self) -> list[tuple[dict[str, Any], figures.Step, figures.Step]]:
        """The steps at the model's own sizes."""
        return list(self.stepping(self.architecture))

    def stepping(self, x: Architecture) -> Iterator[tuple[dict[str, Any], figures.Step, figures.Step]]:
        """Each measured step, and the one that filled the cache ahead of it."""
        sizes = {**figures.known(x), **figures.BF16}
        for step in self.steps:
            layer, tokens, batch = self.layers[step["logits"]], step["tokens"], step["batch"]
            filled = figures.Step(layer, sizes, tokens, 0, batch)
            yield step, filled if step["kind"] == "prefill" else figures.Step(layer, sizes, 1, tokens, batch), filled

    @cached_property
    def once(self) -> figures.Step:
        """Where weights are counted, at the model's own sizes."""
        return self.counting(self.architecture)

    def counting(self, x: Architecture) -> figures.Step:
        return figures.Step(self.layers["last"], {**figures.known(x), **figures.ONE})

    def faults(self, x: Architecture) -> Iterator[str]:
        """What of a description's figures is other than measured."""
        own = x.sizes == self.architecture.sizes
        if (
            by_role(self.truth, (self.once if own else self.counting(x)).roles(x.structure, "weight_held"))
            != self.weights
        ):
            yield "weights"
        for step, run, filled in self.own if own else self.stepping(x):
            if by_role(self.truth, run.roles(x.structure, "matmul")) != by_role(self.truth, step["roles"]):
                yield "FLOP"
            held = sum(filled.roles(x.structure, "cache_held").values())
            if step["cache_bytes"] not in (None, held) and self.family not in UNMATCHED_CACHE:
                yield "cache"
        yield from self.wrong_facts(x)

    def wrong_facts(self, x: Architecture) -> Iterator[str]:
        """Which facts are others."""
        if self.family in FACTS:
            ours, theirs = facts.facts(x), FACTS[self.family]
            for name in sorted(ours.keys() | theirs.keys()):
                if ours.get(name, 0) != theirs.get(name, 0) and (self.family, name) not in EXPLAINED:
                    yield f"{name}: {ours.get(name, 0)}, measured {theirs.get(name, 0)}"

    def tells(self, x: Architecture) -> bool:
        """Whether any figure tells a description from the truth."""
        try:
            return next(self.faults(x), None) is not None
        except KeyError:  # a size that the model has not: it is an error to a user too
            return True

    def untold(self) -> Iterator[str]:
        """Every change that no figure tells."""
        for told, structure in flags(self.family, self.architecture):
            if not self.tells(replace(self.architecture, structure=structure)):
                yield told
        first = firsts()[described(self.family, self.architecture.structure)] == self.family
        for told, other in resized(self.architecture) if first else ():
            if not self.tells(other):
                yield told


# What a mutation of a flag touches -> the facts it may change, where these are explained away.
BLIND = {
    "pairs": r"mask|size (w|k_i|k_b)$",
    "rotated": r"rotary|size h_r$",
    "rms": "norm|post|layer_unbiased|streams",
    "added": "residual|positions|sinusoidal|blended|convolved|norm",
    "scaled": "scaled|operation|blended",
    "embedding_scaled": "Frame.scaled",
    "logits_scaled": "head_scaled|softcap",
    "clamped": "clip",
    "limited": "silu_limited",
    "tempered": "temperature",
    "tanh": "softcap|situ",
    "sigmoid": "gate|situ|bounded",
    "silu": "act",
}


def unseen(family: str, told: str) -> bool:
    """Whether it is known that nothing measured tells this."""
    if any(re.search(BLIND.get(fact, "^$"), told) for name, fact in EXPLAINED if name == family):
        return True
    return any(re.match(x, told) and (not names or family in names) for x, (_, names) in UNSEEN.items())


@cache
def firsts() -> dict[Any, str]:
    """The family that each description is changed in: the first that has it, and the same facts to tell."""
    found: dict[Any, str] = {}
    for family, truth in TRUTHS.items():
        if family in FACTS:
            x = read_architecture(load_config(truth["config"])).structure
            for piece in (x, x.frame, *x.sublayers):
                found.setdefault(described(family, piece), family)
    return found


def described(family: str, x: Structure | figures.Piece) -> Any:
    """What is said of a part, and which facts tell of it."""
    blind = frozenset(fact for name, fact in EXPLAINED if name == family)
    if isinstance(x, Structure):
        return tuple(described(family, y) for y in x.sublayers), blind
    return (x.kind, x.wiring, x.logits_only, blind) if isinstance(x, Sublayer) else (x, blind)


@pytest.mark.parametrize("family", TRUTHS)
def test_a_description_is_told_from_every_other(family: str) -> None:
    measured = Measured(TRUTHS[family])
    assert list(measured.faults(measured.architecture)) == []
    if family in FACTS:
        assert [x for x in measured.untold() if not unseen(family, x)] == []


# Changes of a measured config -> the facts that are others then, measured likewise.
CHANGED: dict[str, tuple[str, dict[str, Any], dict[str, int]]] = {
    "both factors of most residuals, one of others": (
        "minimax",
        {
            "full_attn_alpha_factor": 2.5,
            "full_attn_beta_factor": 0.5,
            "linear_attn_alpha_factor": 3.5,
            "mlp_alpha_factor": 1.5,
            "mlp_beta_factor": 3,
        },
        {"scaled": 127872},
    ),
    "one factor of a few residuals": ("minimax", {"full_attn_beta_factor": 0.5}, {"scaled": 21312}),
    "gates of every element": ("laguna", {"gating": "per-element"}, {"softplus": 32560}),
    "a part of a head rotated": (
        "minimax_m3_vl_text",
        {"rope_parameters": None, "partial_rotary_factor": 0.4},
        {"rotated": 23680},
    ),
    "limits in all layers": (
        "step3p7",
        {"num_nextn_predict_layers": 1, "swiglu_limits": [7.0] * 5 + [0], "swiglu_limits_shared": [16] * 5 + [0]},
        {"limited": 111888},
    ),
    "limits of shared experts and dense networks in one layer each": (
        "step3p7",
        {"swiglu_limits_shared": [None, 16.0, 0, 16.0, 0]},
        {"limited": 2 * facts.T * (344 + 72)},
    ),
}


@pytest.mark.parametrize(("family", "changes", "others"), CHANGED.values(), ids=CHANGED)
def test_a_changed_config_is_told_as_it_is_measured(
    family: str, changes: dict[str, Any], others: dict[str, int]
) -> None:
    config = dict(TRUTHS[family]["config"])
    text = config["text_config"] | changes if "text_config" in config else None
    found = facts.facts(read_architecture(load_config(config | ({"text_config": text} if text else changes))))
    assert found == FACTS[family] | others


def test_every_family_is_measured_that_can_be() -> None:
    assert set(TRUTHS) - set(FACTS) == set(UNMEASURED)
