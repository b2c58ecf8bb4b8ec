"""Scaling: parameters and FLOP of a model by its depth and width, and laws of the loss that they buy."""

from dataclasses import dataclass
from fractions import Fraction

from sympy import Expr, Integer, Rational, Symbol, expand

from symroof import symbols as s
from symroof.algebra.binding import Binding
from symroof.cost.rules import Layer
from symroof.model.model import Model, Rules
from symroof.training.flops import training_flops

# Sizes that grow with the width, by base symbol; the size of a head, experts and their choice, windows, states and the
# vocabulary stay, and so do sizes not named here.
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
        named = {s.E_l: self.E, s.A_l: self.A, s.B_l: self.B, s.alpha_l: self.alpha, s.beta_l: self.beta}
        return {x: Rational(y.numerator, y.denominator) for x, y in named.items()}

    def loss(self, parameters: float, tokens: float) -> float:
        """The loss in nats a token."""
        return float(Binding(self.layer)(LOSS).subs({s.N_p: parameters, s.D_t: tokens}))


def law(name: str, source: str, *constants: str) -> Law:
    """A law with its constants as they are printed: E, A, B, alpha, beta."""
    return Law(name, source, *map(Fraction, constants))


LAWS = {
    x.name: x
    for x in (
        law("chinchilla", "Hoffmann et al. 2022, arXiv:2203.15556, eq. 10", "1.69", "406.4", "410.7", "0.34", "0.28"),
        law(
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
class Shape:
    """A model's family of other depths L and widths d, its proportions held: closed forms in both, and in n.

    `parameters` is N(L, d), the vocabulary term kept; `training` and `forward` are FLOP a token in sequences of n.
    """

    model: str
    parameters: Expr
    training: Expr
    forward: Expr
    depth: Expr  # L in d, at the model's own proportion

    def __repr__(self) -> str:
        return f"<symroof shape of {self.model}: N(L, d) = {expand(self.parameters)}>"

    @property
    def excess(self) -> Expr:
        """What 6 N leaves out or counts too many: FLOP a training token - 6 N."""
        return expand(self.training - 6 * self.parameters)

    @property
    def compute(self) -> Expr:
        """C(N, D, n): FLOP of training on D tokens, 6 N D and what it leaves out."""
        return s.D_t * (6 * s.N_p + self.excess)

    def along(self, expr: Expr) -> Expr:
        """A form in d alone, the depth in proportion to it."""
        return expr.subs(s.L, self.depth)


def shape(model: Model, rules: Rules = "matmul-only", recompute: str | Layer = "none") -> Shape:
    """The model's formulas with every size but L, d and n put in: held, or in proportion to depth or width."""
    found = training_flops(model, 1, rules=rules, recompute=recompute)
    held = Binding(proportions(model))
    forms = [held(x) for x in (model.formula("parameters"), found.hardware_flops, found.forward.flops)]
    return Shape(model.name, forms[0], forms[1], forms[2], Rational(model.sizes[s.L], model.sizes[s.d]) * s.d)


def proportions(model: Model) -> Layer:
    """Each size but depth L and width d: a number, or a number times one of those two."""
    L, d = model.sizes[s.L], model.sizes[s.d]

    def held(x: Symbol, value: int) -> Expr:
        base = s.entry(str(x)).base
        if base == "L":
            return Rational(value, L) * s.L
        return Rational(value, d) * s.d if base in FOLLOWING else Integer(value)

    return {x: held(x, value) for x, value in model.sizes.items() if x not in (s.L, s.d)}
