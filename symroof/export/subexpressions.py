"""An expression in steps: what its named symbols come to, each before it is needed."""

from collections import Counter
from collections.abc import Iterable, Mapping

from sympy import Add, Dummy, Expr, Max, Min, Mul, Symbol, expand_mul, floor, preorder_traversal

from symroof import symbols as s
from symroof.cost.notation import symbol_order

BENT = (Min, Max, floor)


def add_steps(expr: Expr, named: Mapping[Symbol, Expr], steps: dict[Symbol, Expr]) -> None:
    """Adds to `steps` what the named symbols of `expr` come to, each after those that it needs itself."""
    for x in sorted(expr.free_symbols & named.keys() - steps.keys(), key=lambda y: symbol_order(str(y))):
        add_steps(named[x], named, steps)
        steps[x] = named[x]


def with_shared_steps(steps: Mapping[Symbol, Expr], value: Expr) -> tuple[tuple[Symbol, Expr], ...]:
    """The steps, each Min, Max and floor that several of them have being a step before: x_1, x_2, ..."""
    counts = Counter(x for expr in (*steps.values(), value) for x in preorder_traversal(expr) if x.func in BENT)
    often = sorted((x for x, times in counts.items() if times > 1), key=lambda x: (x.count_ops(), str(x)))
    names = {x: Dummy(str(i), real=True) for i, x in enumerate(often)}
    inner = {names[x]: x.func(*(y.xreplace(names) for y in x.args)) for x in often}
    out: dict[Symbol, Expr] = {}
    for name, expr in steps.items():
        add_steps(expr.xreplace(names), inner, out)
        out[name] = expr.xreplace(names)
    numbered = {x: Symbol(f"x_{i}", real=True) for i, x in enumerate((x for x in out if x in inner), 1)}
    return tuple((numbered.get(x, x), expr.xreplace(numbered)) for x, expr in out.items())


def collect_products(expr: Expr, named: Iterable[Symbol]) -> Expr:
    """A sum with a term for each product of named symbols and B."""
    bases, terms = {*named, s.B}, dict[Expr, Expr]()
    for term in Add.make_args(expand_mul(expr)):
        basis = Mul(*(x for x in Mul.make_args(term) if x.free_symbols & bases))
        terms[basis] = terms.get(basis, 0) + term / basis
    return Add(*(basis * x for basis, x in terms.items()))
