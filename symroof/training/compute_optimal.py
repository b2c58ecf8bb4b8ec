"""The size and the tokens of least loss for a budget of FLOP, in closed form or by bisection."""

import math
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from sympy import Expr, Integer, Rational, Symbol, diff, lambdify, log

from symroof import symbols as s
from symroof.algebra.binding import Binding
from symroof.cost.batch import queries
from symroof.cost.rules import Layer
from symroof.errors import UnknownName, UsageError
from symroof.model.model import Model, Rules, Source
from symroof.results import Result
from symroof.training.scaling_laws import LAWS, LOSS, Law, Shape, shape

# The least loss for C = 6 N D: Hoffmann et al. 2022, arXiv:2203.15556, eq. 4.
_G = (s.alpha_l * s.A_l / (s.beta_l * s.B_l)) ** (1 / (s.alpha_l + s.beta_l))
BEST_N = _G * (s.C_t / 6) ** (s.beta_l / (s.alpha_l + s.beta_l))
BEST_D = 1 / _G * (s.C_t / 6) ** (s.alpha_l / (s.alpha_l + s.beta_l))


@dataclass(frozen=True)
class Spending:
    """Closed forms in one `unknown`: parameters, FLOP per training token, and per token that is served."""

    unknown: Symbol
    parameters: Expr
    training: Expr
    serving: Expr

    @property
    def total(self) -> Expr:
        """All FLOP, of D training tokens and of the tokens served."""
        return s.D_t * self.training + s.D_s * self.serving

    def condition(self) -> Expr:
        """Zero at an optimum: the log of the loss saved per FLOP by parameters over that by tokens."""
        loss = LOSS.subs(s.N_p, self.parameters)
        larger = diff(loss, self.unknown) / diff(self.total, self.unknown)
        return log(larger / (diff(loss, s.D_t) / diff(self.total, s.D_t)))


# N parameters that multiply each token, without attention and vocabulary: 6 N FLOP per token, and 2 N to serve one.
PLAIN = Spending(s.N_p, s.N_p, 6 * s.N_p, 2 * s.N_p)


@dataclass(frozen=True, repr=False)
class Optimum(Result):
    """The size and the tokens of least loss for a budget of FLOP, or of fewest FLOP for a loss.

    `parameters_formula` and `tokens_formula` are closed forms where there are any; else `condition` = 0 was solved by
    bisection. It is the logarithm of the loss saved per FLOP by parameters over that by tokens; `residual` is its value
    at the answer.
    """

    law: Law
    spending: Spending
    at: float  # of the spending's unknown
    parameters: float
    tokens: float
    loss: float
    training: float  # FLOP
    serving: float  # FLOP
    residual: float
    parameters_formula: Expr | None = None
    tokens_formula: Expr | None = None

    @property
    def condition(self) -> Expr:
        """The expression that is zero at the optimum, in the unknown, D_t, D_s and the law's constants."""
        return self.spending.condition()

    @property
    def method(self) -> str:
        """Closed form or bisection."""
        return "bisection" if self.parameters_formula is None else "closed form"

    @property
    def total(self) -> float:
        """FLOP of training and serving."""
        return self.training + self.serving

    def closed_forms(self) -> dict[str, Any]:
        """Parameters and tokens where they have closed forms, else the condition that is zero."""
        return (
            {"parameters": self.parameters_formula, "tokens": self.tokens_formula}
            if self.parameters_formula is not None
            else {"0": self.condition}
        )

    def __repr__(self) -> str:
        sizes = f"{self.parameters:.4g} parameters, {self.tokens:.4g} tokens, loss {self.loss:.5g}"
        return f"<symroof optimum by {self.law.name}: {sizes}, {self.total:.4g} FLOP>"

    def to_dict(self) -> dict[str, Any]:
        """The optimum as JSON has it."""
        names = ("parameters", "tokens", "loss", "training", "serving", "residual", "method")
        unknown = {"unknown": str(self.spending.unknown), "at": self.at, "condition": str(self.condition)}
        return {"law": self.law.name, **{x: getattr(self, x) for x in names}, **unknown}


def optimum(
    budget: float | None = None,
    loss: float | None = None,
    law: str | Law = "chinchilla",
    model: Model | Source | None = None,
    sequence: int = 2048,
    served: float = 0,
    rules: Rules = "matmul-only",
    recompute: str | Layer = "none",
) -> Optimum:
    """The compute-optimal size and tokens: of least loss within `budget` FLOP, or of fewest FLOP for a `loss`.

    C = 6 N D; with `model` the parameters and FLOP of its `shape` at every width, attention and vocabulary included, in
    sequences of `sequence` tokens. `served`: tokens after training that the budget pays for too (Sardana et al. 2023,
    arXiv:2401.00448). Raises UsageError, and UnknownName for a law.
    """
    fitted = LAWS.get(law) if isinstance(law, str) else law
    if fitted is None:
        raise UnknownName("loss law", str(law), LAWS)
    check_optimum_arguments(fitted, budget, loss, served)
    spending = PLAIN if model is None else spending_of_shape(shape(model, rules, recompute), sequence)
    search = OptimumSearch(fitted, spending, budget, loss, served)
    if model is None and budget is not None and not served:
        best = float(Binding(fitted.layer, {s.C_t: Rational(Fraction(budget))})(BEST_N))
        return search.answer(best, (BEST_N, BEST_D))
    return search.answer(search.root())


def check_optimum_arguments(law: Law, budget: float | None, loss: float | None, served: float) -> None:
    """Raises UsageError for arguments without an optimum."""
    if (budget is None) == (loss is None):
        raise UsageError("an optimum needs a budget or a loss: give one of the two")
    for name, x in (("budget", budget), ("loss", loss), ("tokens served", served or 1)):
        if x is not None and not 0 < x < math.inf:
            raise UsageError(f"{name}: {x} is not a positive number")
    if loss is not None and loss <= law.E:
        raise UsageError(f"loss {loss}: by the law of {law.name} every model stays above {float(law.E)}")


def spending_of_shape(family: Shape, sequence: int) -> Spending:
    """The spending of a model at any width in sequences of so many tokens, the width unknown."""
    bound = Binding({s.n: Integer(queries(sequence)[0].new)})
    forms = (family.parameters, family.training, family.forward)
    return Spending(s.d, *(bound(family.along(x)) for x in forms))


class OptimumSearch:
    """The functions of one search, in floats of the unknown."""

    def __init__(self, law: Law, spending: Spending, budget: float | None, loss: float | None, served: float) -> None:
        self.law, self.spending, self.budget, self.loss, self.served = law, spending, budget, loss, served
        forms = Binding(law.layer)(spending.condition())
        self.parameters, self.training, self.serving = (
            lambdify(spending.unknown, x, "math") for x in (spending.parameters, spending.training, spending.serving)
        )
        self.condition = lambdify((spending.unknown, s.D_t, s.D_s), forms, "math")

    def tokens(self, x: float) -> float:
        """Training tokens for the budget or the loss; below 0 where none are paid for, infinite where none suffice."""
        if self.budget is not None:
            return float((self.budget - self.served * self.serving(x)) / self.training(x))
        left = (
            float(self.loss or 0) - float(self.law.E) - float(self.law.A) / self.parameters(x) ** float(self.law.alpha)
        )
        return (float(self.law.B) / left) ** (1 / float(self.law.beta)) if left > 0 else math.inf

    def too_small(self, x: float) -> bool:
        """Whether a larger model is better."""
        tokens = self.tokens(x)
        if tokens <= 0 or tokens == math.inf:
            return tokens > 0
        return bool(self.condition(x, tokens, self.served) > 0)

    def root(self) -> float:
        """The unknown at the optimum, by bisection of its logarithm down to the last float. Raises UsageError."""
        low, high = 1e-9, 1e18
        if not self.too_small(low) or self.too_small(high):
            raise UsageError("no size is best: the budget does not pay for any, or for one beyond 1e18")
        while low * (1 + 1e-16) < high and (middle := math.sqrt(low) * math.sqrt(high)) not in (low, high):
            low, high = (middle, high) if self.too_small(middle) else (low, middle)
        return low

    def answer(self, x: float, closed: tuple[Expr | None, Expr | None] = (None, None)) -> Optimum:
        """The optimum at this unknown."""
        parameters, tokens = float(self.parameters(x)), self.tokens(x)
        residual = float(self.condition(x, tokens, self.served))
        spendings = (tokens * self.training(x), self.served * self.serving(x))
        loss = self.law.loss(parameters, tokens)
        return Optimum(self.law, self.spending, x, parameters, tokens, loss, *spendings, residual, *closed)
