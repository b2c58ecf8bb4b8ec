"""Several residual streams (AltUp), low-rank residuals (LAuReL), inputs of each layer's own, sums of branches."""

from sympy import Integer

from symroof import symbols as s
from symroof.architecture.kinds.streams import AltUp, Laurel, LayerInput, LayerInputs, Pointwise
from symroof.cost.graph import Op
from symroof.ops import dense
from symroof.ops.residual import streams

ALTUP, INPUTS = "altup_laurel", "per_layer_input"


def build_layer_inputs(kind: LayerInputs) -> list[Op]:
    """Ahead of all layers: a row of the second table, and a projection of the embedding, for every layer at once."""
    width = s.L * s.d_p
    return [
        Op("lookup", INPUTS, dense.lookup(s.T, width, s.V_p)),
        Op("project", INPUTS, dense.linear(s.T, s.d, width)),
        Op("scale", INPUTS, dense.elements(s.T, width, width, width)),
        Op("norm", "norm", dense.norm(s.T * s.L, s.d_p, kind.norm)),
        Op("mix", INPUTS, streams.mix(s.T * s.L, s.d_p)),
    ]


def build_layer_input(kind: LayerInput) -> list[Op]:
    """The layer's own input, gated by the stream and projected to its width."""
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
        Op("join", ALTUP, streams.join(s.T, s.d)),
    ]


def build_altup(kind: AltUp) -> list[Op]:
    """What a stage of AltUp does with the A streams, of which the layer itself works on one."""
    others = (s.A - 1) * s.d
    if kind.stage == "expand":
        return [Op("project", ALTUP, dense.linear(s.T, s.d, others)), Op("level", ALTUP, streams.level(s.T, s.A, s.d))]
    if kind.stage == "predict":
        return [
            *router(first=True),
            Op("coefficients", ALTUP, dense.linear(s.T, s.A, s.A**2)),
            Op("predict", ALTUP, streams.predict(s.T, s.A, s.d)),
        ]
    if kind.stage == "correct":
        ops = [
            *router(first=False),
            Op("coefficients", ALTUP, dense.linear(s.T, s.A, s.A)),
            Op("correct", ALTUP, streams.correct(s.T, s.A, s.d)),
        ]
        return [*ops, Op("weigh", ALTUP, dense.run(streams.weigh(s.T, s.d), Integer(int(kind.scaled))))]
    if kind.stage == "spread":
        return [Op("spread", ALTUP, streams.spread(s.T, s.A, s.d))]
    return [
        Op("project", ALTUP, streams.project_each(s.T, s.A, s.d)),
        Op("level", ALTUP, streams.level(s.T, s.A, s.d)),
        Op("mean", ALTUP, streams.mean(s.T, s.A, s.d)),
    ]


def router(first: bool) -> list[Op]:
    """A number for each stream, of the token's active one; its weights are kept once for the two times it runs."""
    costs = {
        "router.norm": dense.norm(s.T, s.d),
        "router": dense.linear(s.T, s.d, s.A),
        "router.act": streams.squash(s.T, s.A),
    }
    return [Op(name, ALTUP, dense.run(cost, Integer(1), tied=not first)) for name, cost in costs.items()]


def build_pointwise(kind: Pointwise) -> list[Op]:
    """The stream times a constant, shifted and weighed, or two branches added up."""
    if kind.operation == "shift":
        return [Op("shift", "residual", dense.shift(s.T, s.d))]
    read = {"scale": s.d, "add": 2 * s.d}[kind.operation]
    return [Op(kind.operation, "residual", dense.elements(s.T, read, s.d, s.d))]
