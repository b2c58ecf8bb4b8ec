"""Several residual streams (AltUp), low-rank residuals (LAuReL), per-layer inputs, sums of branches."""

from sympy import Integer

from symroof import symbols as s
from symroof.architecture.kinds.streams import AltUp, Laurel, LayerInput, LayerInputs, Pointwise
from symroof.cost.graph import Op
from symroof.ops import dense
from symroof.ops.residual import streams

ALTUP, INPUTS = "altup_laurel", "per_layer_input"


def build_layer_inputs(kind: LayerInputs) -> list[Op]:
    """Before all layers: a row of the second table, and a projection of the embedding, for every layer at once."""
    width = s.L * s.d_p
    return [
        Op("lookup", INPUTS, dense.lookup(s.T, width, s.V_p)),
        Op("project", INPUTS, dense.linear(s.T, s.d, width)),
        Op("scale", INPUTS, dense.elements(s.T, width, width, width)),
        Op("norm", "norm", dense.norm(s.T * s.L, s.d_p, kind.norm)),
        Op("mix", INPUTS, streams.mix_inputs(s.T * s.L, s.d_p)),
    ]


def build_layer_input(kind: LayerInput) -> list[Op]:
    """The per-layer input, gated by the stream and projected to its width."""
    return [
        Op("gate", INPUTS, dense.linear(s.T, s.d, s.d_p)),
        Op("act", INPUTS, dense.activate(s.T, s.d_p, kind.act)),
        Op("project", INPUTS, dense.linear(s.T, s.d_p, s.d)),
    ]


def build_laurel(kind: Laurel) -> list[Op]:
    """A low-rank residual beside the plain one."""
    return [
        Op("down", ALTUP, dense.linear(s.T, s.d, s.r_l)),
        Op("up", ALTUP, dense.linear(s.T, s.r_l, s.d)),
        Op("norm", ALTUP, dense.norm(s.T, s.d, kind.norm)),
        Op("join", ALTUP, streams.add_scaled_residuals(s.T, s.d)),
    ]


def build_altup(kind: AltUp) -> list[Op]:
    """The operators of one stage of AltUp on the A streams, one of which the layer itself works on."""
    return ALTUP_STAGES[kind.stage](kind)


def _expand(_: AltUp) -> list[Op]:
    """All streams, projected from the embedding."""
    return [
        Op("project", ALTUP, dense.linear(s.T, s.d, (s.A - 1) * s.d)),
        Op("level", ALTUP, streams.match_magnitudes(s.T, s.A, s.d)),
    ]


def _predict(_: AltUp) -> list[Op]:
    """The streams after a layer, predicted from those before it."""
    return [
        *_stream_router(first=True),
        Op("coefficients", ALTUP, dense.linear(s.T, s.A, s.A**2)),
        Op("predict", ALTUP, streams.predict_streams(s.T, s.A, s.d)),
    ]


def _correct(kind: AltUp) -> list[Op]:
    """The predicted streams, corrected by what the layer computed."""
    return [
        *_stream_router(first=False),
        Op("coefficients", ALTUP, dense.linear(s.T, s.A, s.A)),
        Op("correct", ALTUP, streams.correct_streams(s.T, s.A, s.d)),
        Op("weigh", ALTUP, dense.run_times(streams.scale_elements(s.T, s.d), Integer(int(kind.scaled)))),
    ]


def _spread(_: AltUp) -> list[Op]:
    """The per-layer input, added to the streams."""
    return [Op("spread", ALTUP, streams.add_to_streams(s.T, s.A, s.d))]


def _merge(_: AltUp) -> list[Op]:
    """One stream again, after the last layer."""
    return [
        Op("project", ALTUP, streams.project_streams(s.T, s.A, s.d)),
        Op("level", ALTUP, streams.match_magnitudes(s.T, s.A, s.d)),
        Op("mean", ALTUP, streams.mean_of_streams(s.T, s.A, s.d)),
    ]


ALTUP_STAGES = {"expand": _expand, "predict": _predict, "correct": _correct, "spread": _spread, "merge": _merge}


def _stream_router(first: bool) -> list[Op]:
    """A number for each stream, from the token's active one; its weights are held once for the two times it runs."""
    costs = {
        "router.norm": dense.norm(s.T, s.d),
        "router": dense.linear(s.T, s.d, s.A),
        "router.act": streams.tanh(s.T, s.A),
    }
    return [Op(name, ALTUP, dense.run_times(cost, Integer(1), tied=not first)) for name, cost in costs.items()]


def build_pointwise(kind: Pointwise) -> list[Op]:
    """The stream times a constant, shifted and scaled, or two branches added up."""
    if kind.operation == "shift":
        return [Op("shift", "residual", dense.shift(s.T, s.d))]
    read = {"scale": s.d, "add": 2 * s.d}[kind.operation]
    return [Op(kind.operation, "residual", dense.elements(s.T, read, s.d, s.d))]
