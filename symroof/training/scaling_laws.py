"""Scaling: parameters and FLOP of a model by its depth and width, and laws of the loss."""

from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from sympy import Expr, Integer, Rational, Symbol, expand

from symroof import symbols as s
from symroof.algebra.binding import Binding
from symroof.cost.rules import Layer
from symroof.model.model import Model, Rules, Source, as_model
from symroof.results import Result
from symroof.training.flops import training_flops

# Sizes that grow with the width, by base symbol. All others stay the same: the size of a head, the number of experts,
# windows, states, the vocabulary.
FOLLOWING = (
    "f",
    "f_e",
    "f_s",
    "H_q",
    "H_kv",
    "H_i",
    "r_q",
    "r_kv",
    "r_o",
    "r_r",
    "r_m",
    "d_emb",
    "d_m",
    "d_r",
    "d_lat",
    "d_p",
    "H_k",
    "H_v",
    "H_m",
)

LOSS = s.E_l + s.A_l / s.N_p**s.alpha_l + s.B_l / s.D_t**s.beta_l


@dataclass(frozen=True)
class Law:
    """A loss E + A / N^alpha + B / D^beta of N parameters and D tokens, as fitted by its source."""

    name: str
    source: str
    E: Fraction
    A: Fraction
    B: Fraction
    alpha: Fraction
    beta: Fraction

    @property
    def layer(self) -> Layer:
        """Its constants as a layer of definitions."""
        values = {s.E_l: self.E, s.A_l: self.A, s.B_l: self.B, s.alpha_l: self.alpha, s.beta_l: self.beta}
        return {x: Rational(y.numerator, y.denominator) for x, y in values.items()}

    def loss(self, parameters: float, tokens: float) -> float:
        """The loss in nats per token."""
        return float(Binding(self.layer)(LOSS).subs({s.N_p: parameters, s.D_t: tokens}))


def law_from_text(name: str, source: str, *constants: str) -> Law:
    """A law by the decimals of its constants: E, A, B, alpha, beta."""
    return Law(name, source, *map(Fraction, constants))


LAWS = {
    x.name: x
    for x in (
        law_from_text(
            "chinchilla", "Hoffmann et al. 2022, arXiv:2203.15556, eq. 10", "1.69", "406.4", "410.7", "0.34", "0.28"
        ),
        law_from_text(
            "epoch",
            "Besiroglu et al. 2024, arXiv:2404.10102, a refit of the same runs",
            "1.8172",
            "482.01",
            "2085.43",
            "0.3478",
            "0.3658",
        ),
    )
}


@dataclass(frozen=True, repr=False)
class Shape(Result):
    """A model at other depths L and widths d, in the same proportions: closed forms in both, and in n.

    `parameters` is N(L, d), vocabulary included; `training` and `forward` are FLOP per token in sequences of n.
    """

    model: str
    parameters: Expr
    training: Expr
    forward: Expr
    depth: Expr  # L in d, at the model's proportion

    def closed_forms(self) -> dict[str, Any]:
        """Parameters, and FLOP per token of training and of the forward pass, in L, d and n."""
        return {"parameters": self.parameters, "training FLOP": self.training, "forward FLOP": self.forward}

    def __repr__(self) -> str:
        return f"<symroof shape of {self.model}: N(L, d) = {expand(self.parameters)}>"

    @property
    def excess(self) -> Expr:
        """The FLOP that 6 N lacks: FLOP per training token - 6 N."""
        return expand(self.training - 6 * self.parameters)

    @property
    def compute(self) -> Expr:
        """C(N, D, n): FLOP of training on D tokens, 6 N D and the excess."""
        return s.D_t * (6 * s.N_p + self.excess)

    def along(self, expr: Expr) -> Expr:
        """A closed form in d alone, the depth in proportion to it."""
        return expr.subs(s.L, self.depth)


def shape(model: Model | Source, rules: Rules = "matmul-only", recompute: str | Layer = "none") -> Shape:
    """The model's formulas with every size but L, d and n bound: fixed, or in proportion to depth or width."""
    model = as_model(model)
    flops, bound = training_flops(model, 1, rules=rules, recompute=recompute), Binding(proportions(model))
    forms = [bound(x) for x in (model.formula("parameters"), flops.hardware_flops, flops.forward.flops)]
    return Shape(model.name, forms[0], forms[1], forms[2], Rational(model.sizes[s.L], model.sizes[s.d]) * s.d)


def proportions(model: Model) -> Layer:
    """Each size but depth L and width d: a number, or a number times one of those two."""
    depth, width = model.sizes[s.L], model.sizes[s.d]

    def scaled_size(x: Symbol, value: int) -> Expr:
        base = s.entry(str(x)).base
        if base == "L":
            return Rational(value, depth) * s.L
        return Rational(value, width) * s.d if base in FOLLOWING else Integer(value)

    return {x: scaled_size(x, value) for x, value in model.sizes.items() if x not in (s.L, s.d)}
