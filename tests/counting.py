"""Numbers that record what is done with them, and a decoder's operators written out on them, scalar by scalar.

A `Tape` keeps one `Tally` for each operator: scalar operations, and the distinct elements that were read from
and written to memory, by role. Roles are the letters of the width symbols: "w" for b_w, "a" for b_a, ...
What an operator stores, the next one loads; values inside an operator never touch memory.
"""

import math
import random
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from functools import reduce
from itertools import chain, count
from operator import add
from typing import Any

EPS = 1e-5
Visible = Callable[[int, int], bool]  # (position of the query, position of the key)


@dataclass
class Tally:
    """What one operator did: operations by (unit, kind); elements read, written and kept, by role."""

    done: Counter = field(default_factory=Counter)
    touched: set = field(default_factory=set)
    read: Counter = field(default_factory=Counter)
    written: Counter = field(default_factory=Counter)
    kept: Counter = field(default_factory=Counter)

    def on(self, unit: str) -> int:
        """Operations on a unit, of all kinds."""
        return sum(times for (where, _), times in self.done.items() if where == unit)

    def touch(self, number: "Num") -> None:
        if number.role and number.key not in self.touched:
            self.touched.add(number.key)
            self.read[number.role] += 1


class Num:
    """A number on a tape; one with a role lies in memory."""

    __slots__ = ("key", "role", "tape", "value")

    def __init__(self, tape: "Tape", value: float, role: str = "") -> None:
        self.tape, self.value, self.role, self.key = tape, value, role, next(tape.keys)

    def _result(self, kind: str, value: float, *operands: Any) -> "Num":
        self.tape.record(kind, self, *operands)
        return Num(self.tape, value)

    def __add__(self, other: Any) -> "Num":
        return self._result("add", self.value + value(other), other)

    def __sub__(self, other: Any) -> "Num":
        return self._result("sub", self.value - value(other), other)

    def __mul__(self, other: Any) -> "Num":
        return self._result("mul", self.value * value(other), other)

    def __truediv__(self, other: Any) -> "Num":
        return self._result("div", self.value / value(other), other)

    def __neg__(self) -> "Num":
        return self._result("neg", -self.value)

    def __rtruediv__(self, other: float) -> "Num":
        return self._result("div", other / self.value)

    __radd__, __rmul__ = __add__, __mul__

    def exp(self) -> "Num":
        return self._result("exp", math.exp(self.value))

    def log(self) -> "Num":
        return self._result("log", math.log(self.value))

    def sqrt(self) -> "Num":
        return self._result("sqrt", math.sqrt(self.value))

    def erf(self) -> "Num":
        return self._result("erf", math.erf(self.value))

    def tanh(self) -> "Num":
        return self._result("tanh", math.tanh(self.value))

    def exceeds(self, other: Any) -> bool:
        """Whether it is larger: one comparison."""
        self.tape.record("compare", self, other)
        return self.value > value(other)

    def larger(self, other: Any) -> "Num":
        """The larger of the two."""
        if self.exceeds(other):
            return self
        return other if isinstance(other, Num) else Num(self.tape, other)

    def smaller(self, other: float) -> "Num":
        """The smaller of the two."""
        return self if not self.exceeds(other) else Num(self.tape, other)


def value(x: Any) -> float:
    """The plain number."""
    return x.value if isinstance(x, Num) else x


class Tape:
    """The operators run so far, each with its tally."""

    def __init__(self, seed: int = 0) -> None:
        self.keys, self.random, self.unit = count(), random.Random(seed), "vector"
        self.tallies: dict[str, Tally] = {}
        self.tally = Tally()

    @contextmanager
    def op(self, name: str) -> Iterator[Tally]:
        """What happens inside is the operator's."""
        self.tally = self.tallies[name] = Tally()
        yield self.tally

    @contextmanager
    def aside(self, name: str) -> Iterator[None]:
        """What happens inside is another operator's, though it is done in the midst of this one."""
        outer, self.tally = self.tally, self.tallies.setdefault(name, Tally())
        yield
        self.tally = outer

    def record(self, kind: str, *operands: Any) -> None:
        """One operation on these operands."""
        self.tally.done[self.unit, kind] += 1
        for x in operands:
            if isinstance(x, Num):
                self.tally.touch(x)

    def table(self, role: str, *shape: int) -> Any:
        """Random weights of the operator at hand, which keeps them."""
        self.tally.kept[role] += math.prod(shape)
        return self.filled(role, *shape)

    def filled(self, role: str, *shape: int) -> Any:
        """Random elements in memory."""
        if not shape:
            return Num(self, self.random.uniform(-1, 1), role)
        return [self.filled(role, *shape[1:]) for _ in range(shape[0])]

    def store(self, values: Any, role: str = "a") -> Any:
        """Write values to memory; one that lies there already is copied, and so read."""
        if isinstance(values, list):
            return [self.store(x, role) for x in values]
        if isinstance(values, Num):
            self.tally.touch(values)
        self.tally.written[role] += 1
        return Num(self, value(values), role)


def dot(xs: list, ys: list) -> Num:
    """A dot product, on the matmul unit."""
    tape = xs[0].tape
    tape.unit = "matmul"
    total = reduce(add, [x * y for x, y in zip(xs, ys, strict=True)])
    tape.unit = "vector"
    return total


def lookup(tape: Tape, table: list, tokens: list[int]) -> list:
    """Rows of the table, copied."""
    return tape.store([table[token] for token in tokens])


def lookup_added(tape: Tape, rows: list, table: list, positions: list[int]) -> list:
    """Each row and the table's row of its position, added."""
    pairs = zip(rows, (table[position] for position in positions), strict=True)
    return tape.store([[x + y for x, y in zip(*pair, strict=True)] for pair in pairs])


def linear(
    tape: Tape,
    rows: list,
    d_out: int,
    role: str = "w",
    bias: bool = False,
    weights: Any = None,
    aside: str = "",
    shared: int = 1,
) -> list:
    """A projection to `d_out` features, by weights of its own unless it is given another operator's.

    `aside`: the operator that adds a bias, which `shared` features at a time have in common.
    """
    weights = weights or tape.table(role, d_out, len(rows[0]))
    products = [[dot(row, column) for column in weights] for row in rows]
    if bias or aside:
        with tape.aside(aside) if aside else nullcontext():
            products = shifted(tape, products, shared)
    return tape.store(products)


def shifted(tape: Tape, rows: list, shared: int = 1, role: str = "n") -> list:
    """A bias added to each row, `shared` elements at a time by the same."""
    shift = tape.table(role, len(rows[0]) // shared)
    return [[x + shift[i // shared] for i, x in enumerate(row)] for row in rows]


@dataclass(frozen=True)
class Norm:
    """What a norm does beside dividing by a root mean square: subtract the mean ahead; weigh and shift after."""

    centred: bool = False
    weighed: bool = False
    shifted: bool = False


NORMS = {
    "rms": Norm(weighed=True),
    "rms_shifted": Norm(weighed=True, shifted=True),
    "rms_plain": Norm(),
    "layer": Norm(centred=True, weighed=True, shifted=True),
    "layer_unbiased": Norm(centred=True, weighed=True),
    "layer_plain": Norm(centred=True),
}


def norm(tape: Tape, rows: list, kind: str = "rms", sets: int = 1) -> list:
    """Each row normalised; row i goes by number i modulo `sets` of that many sets of weights."""
    form = NORMS[kind]
    gains = tape.table("n", sets, len(rows[0])) if form.weighed else None
    shifts = tape.table("n", sets, len(rows[0])) if form.shifted else None
    out = []
    for i, row in enumerate(rows):
        row = normalised(centred(row) if form.centred else row)
        row = [x * g for x, g in zip(row, gains[i % sets], strict=True)] if gains else row
        out.append([x + b for x, b in zip(row, shifts[i % sets], strict=True)] if shifts else row)
    return tape.store(out)


def centred(row: list) -> list:
    """The row less its mean."""
    mean = reduce(add, row) / len(row)
    return [x - mean for x in row]


def normalised(row: list) -> list:
    """The row over its root mean square."""
    root = (reduce(add, [x * x for x in row]) / len(row) + EPS).sqrt()
    return [x / root for x in row]


def norm_heads(tape: Tape, heads: list, kind: str, over: str = "head") -> list:
    """The heads [token][head] normalised: by weights all share, by "heads" each its own, over the "width" of all."""
    H = len(heads[0])
    if over == "width":
        return [split(row, H) for row in norm(tape, [list(chain(*row)) for row in heads], kind)]
    flat = norm(tape, list(chain(*heads)), kind, H if over == "heads" else 1)
    return [flat[i : i + H] for i in range(0, len(flat), H)]


def split(row: list, parts: int) -> list:
    """The row cut into that many equal parts."""
    size = len(row) // parts
    return [row[i * size : (i + 1) * size] for i in range(parts)]


def scale(tape: Tape, rows: list, factor: float) -> list:
    """Each element times a constant."""
    return tape.store([[x * factor for x in row] for row in rows])


def clamp(tape: Tape, rows: list, most: float = 0.5) -> list:
    """Each element within -most and most."""
    return tape.store([[x.larger(-most).smaller(most) for x in row] for row in rows])


def rotate(tape: Tape, heads: list, start: int = 0, part: int | None = None) -> list:
    """Each pair (i, i + h/2) of a head, or of its first `part`, turned by its position's angle.

    Sines and cosines are given; what is not turned stays where it is.
    """
    turns = [[turned(head[:part], start + t) for head in row] for t, row in enumerate(heads)]
    rest = [[head[part:] if part else [] for head in row] for row in heads]
    return [[a + b for a, b in zip(*pair, strict=True)] for pair in zip(tape.store(turns), rest, strict=True)]


def turned(head: list, position: int) -> list:
    half = len(head) // 2
    turns = [(math.cos(a), math.sin(a)) for a in (position * 10000 ** (-i / half) for i in range(half))]
    first = [head[i] * c - head[i + half] * s for i, (c, s) in enumerate(turns)]
    return first + [head[i + half] * c + head[i] * s for i, (c, s) in enumerate(turns)]


def temper(tape: Tape, heads: list) -> list:
    """Each token's heads times a factor that its position gives."""
    return tape.store([[[x * (1 + t / 8) for x in head] for head in row] for t, row in enumerate(heads)])


def silu(x: Num) -> Num:
    return x / ((-x).exp() + 1)


def relu(x: Num) -> Num:
    return x.larger(0)


def relu2(x: Num) -> Num:
    top = x.larger(0)
    return top * top


def gelu(x: Num) -> Num:
    return x * 0.5 * (1 + (x * math.sqrt(0.5)).erf())


def gelu_tanh(x: Num) -> Num:
    return x * 0.5 * (1 + (math.sqrt(2 / math.pi) * (x + 0.044715 * (x * x * x))).tanh())


def sigmoid(x: Num) -> Num:
    return 1 / ((-x).exp() + 1)


def softplus(x: Num) -> Num:
    """log(1 + exp(x))."""
    return (x.exp() + 1).log()


def xielu(x: Num, a: Num, c: Num) -> Num:
    slope = x * 0.5
    above, below = x * x * a + slope, (x.exp() - 1 - x) * c + slope
    return above if x.exceeds(0) else below


GATES = {"xielu": xielu, "silu": silu, "relu": relu, "relu2": relu2, "gelu": gelu, "gelu_tanh": gelu_tanh}


def silu_clamped(g: Num, u: Num) -> Num:
    g, u = g.smaller(7.0), u.larger(-7.0).smaller(7.0)
    return g / ((-(g * 1.702)).exp() + 1) * (u + 1)


def silu_limited(g: Num, u: Num) -> Num:
    g, u = g.smaller(7.0), u.larger(-7.0).smaller(7.0)
    return silu(g) * u


def situ(g: Num, u: Num) -> Num:
    return ((g / 4).tanh() * 4) * ((u / 5).tanh() * 5) * sigmoid(g)


LEARNED = {"xielu": 2}  # numbers that an activation learns
PAIRED = {"silu_clamped": silu_clamped, "silu_limited": silu_limited, "situ": situ}  # of gate and up together


def activate(tape: Tape, rows: list, act: str, gated: bool = True) -> list:
    """act(first half) times second half of each row; act of all of it where not `gated`."""
    learned = tape.table("n", LEARNED[act]) if act in LEARNED else []
    if not gated:
        return tape.store([[GATES[act](x, *learned) for x in row] for row in rows])
    half = len(rows[0]) // 2
    paired = PAIRED.get(act) or (lambda g, u: GATES[act](g, *learned) * u)
    return tape.store([[paired(row[i], row[half + i]) for i in range(half)] for row in rows])


def gate(tape: Tape, heads: list, gates: list, soft: bool = False) -> list:
    """Heads [token][head] times the sigmoid, or softplus, of their gates: [token][head], or an element each."""
    by = softplus if soft else sigmoid
    return tape.store(
        [[gated(head, g, by) for head, g in zip(*pair, strict=True)] for pair in zip(heads, gates, strict=True)]
    )


def gated(head: list, gates: Any, by: Callable[[Num], Num]) -> list:
    """A head's elements times what `by` makes of one gate, or of one each."""
    if isinstance(gates, list):
        return [by(g) * x for g, x in zip(gates, head, strict=True)]
    factor = by(gates)
    return [factor * x for x in head]


def residual(tape: Tape, rows: list, stream: list) -> list:
    """The sum of two activations."""
    return tape.store([[x + y for x, y in zip(*pair, strict=True)] for pair in zip(rows, stream, strict=True)])


@dataclass(frozen=True)
class Scores:
    """What is done to attention's scores: a bias by distance, a scaled tanh, a mask of each key and KV head (a tensor
    [key][head]) added; the operator that adds a sink to each row.

    Of keys and values that are `borrowed` nothing is appended to the cache.
    """

    alibi: bool = False
    softcap: bool = False
    sinks: str = ""
    borrowed: bool = False
    masks: Any = None


PLAIN = Scores()


def softmax(row: list, tape: Tape | None = None, sink: Any = None, aside: str = "") -> list:
    """Exponentials of the differences to the largest, over their sum; a `sink` is one more, of no output."""
    top = reduce(Num.larger, row)
    if sink is not None:
        with tape.aside(aside):
            top = Num(tape, sink.larger(top).value)
            lost = (sink - top).exp()
    powers = [(x - top).exp() for x in row]
    total = reduce(add, powers)
    if sink is not None:
        with tape.aside(aside):
            total = total + lost
    return [x / total for x in powers]


def attend(
    tape: Tape, q: list, k: list, v: list, cache: list, visible: Visible, scores: Scores = PLAIN, sinks: Any = None
) -> list:
    """Grouped-query attention of new tokens q, k, v [token][head] after the (key, value) pairs of `cache`."""
    past, group = len(cache), len(q[0]) // len(k[0])
    keys, values = [x for x, _ in cache] + k, [x for _, x in cache] + v
    if scores.sinks and sinks is None:
        with tape.aside(scores.sinks):
            sinks = tape.table("n", len(q[0]))
    out = []
    for t, heads in enumerate(q):
        seen = [m for m in range(past + t + 1) if visible(past + t, m)]
        far = [past + t - m for m in seen]
        row = []
        for i, x in enumerate(heads):
            logits = scored(x, [keys[m][i // group] for m in seen], far, scores)
            if scores.masks:
                logits = [y + scores.masks[m][i // group] for y, m in zip(logits, seen, strict=True)]
            weights = softmax(logits, tape, sinks[i] if sinks else None, scores.sinks)
            row.append([dot(weights, column) for column in zip(*(values[m][i // group] for m in seen), strict=True)])
        out.append(row)
    if not scores.borrowed:
        cache += zip(tape.store(k, "c"), tape.store(v, "c"), strict=True)
        room = max(sum(visible(p, m) for m in range(p + 1)) for p in range(len(cache)))
        tape.tally.kept["c"] += room * len(k[0]) * (len(k[0][0]) + len(v[0][0]))
    return tape.store(out)


def scored(query: list, keys: list, far: list[int], scores: Scores) -> list:
    """The scores of one query head, of keys so `far` back."""
    row = [dot(query, key) * (1 / math.sqrt(len(query))) for key in keys]
    row = [(x * (1 / 50)).tanh() * 50 for x in row] if scores.softcap else row
    if not scores.alibi:
        return row
    slope = Num(query[0].tape, -0.5)
    return [x + slope * m for x, m in zip(row, far, strict=True)]


def mask_weights(tape: Tape, heads: int, h: int, bias: bool) -> tuple[list, list, list]:
    """What the masks of keys are computed by: a projection, a rate per head, shifts where there is a bias."""
    return tape.table("w", heads, heads * h), tape.table("n", heads), tape.table("n", heads) if bias else []


def key_masks(tape: Tape, values: list, weights: list, rates: list, shifts: list) -> list:
    """A number for each key [token][head] by its value: projected, softplus, scaled, exponentiated."""
    rows = [[dot(list(chain(*row)), column) for column in weights] for row in values]
    rows = [[x + b for x, b in zip(row, shifts, strict=True)] for row in rows] if shifts else rows
    return tape.store([[(softplus(x) * a).exp() for x, a in zip(row, rates, strict=True)] for row in rows])


@dataclass(frozen=True)
class Router:
    """A bias on all scores; a correction, added for the choice alone; others, always chosen; a choice that is given."""

    bias: bool = False
    correction: bool = False
    others: int = 0
    hashed: bool = False


ROUTER = Router()


def route(tape: Tape, rows: list, experts: int, k: int, form: Router = ROUTER) -> tuple[list, list]:
    """Scores [token][expert], zero where a token is not sent, and the experts of each token, best first."""
    weights = tape.table("r", experts + form.others, len(rows[0]))
    logits = [[dot(row, column) for column in weights] for row in rows]
    logits = shifted(tape, logits) if form.bias else logits
    own, others = [row[:experts] for row in logits], [row[experts:] for row in logits]
    own = [[sigmoid(x) for x in row] for row in own] if form.correction else own
    by = shifted(tape, own, role="sc") if form.correction else own
    chosen = [[(t + i) % experts for i in range(k)] if form.hashed else best(row, k) for t, row in enumerate(by)]
    scores = [
        [(x if form.correction else sigmoid(x)) if e in sent else 0.0 for e, x in enumerate(row)]
        for row, sent in zip(own, chosen, strict=True)
    ]
    return tape.store([a + [sigmoid(x) for x in b] for a, b in zip(scores, others, strict=True)]), chosen


def factor(tape: Tape, rows: list) -> list:
    """All times one learned number."""
    (number,) = tape.table("n", 1)
    return tape.store([[number * x for x in row] for row in rows])


def factor_scores(tape: Tape, scores: list, chosen: list, experts: int) -> list:
    """The scores of chosen experts and of all others times one learned number."""
    (number,) = tape.table("n", 1)
    return [
        [tape.store(number * x) if e in sent or e >= experts else x for e, x in enumerate(row)]
        for row, sent in zip(scores, chosen, strict=True)
    ]


def cut(tape: Tape, rows: list) -> list:
    """What of each row exceeds its mean by more than a multiple of its deviation."""
    out = []
    for row in rows:
        mean = reduce(add, row) / len(row)
        apart = [x - mean for x in row]
        deviation = (reduce(add, [x * x for x in apart]) / len(row)).sqrt()
        edge = mean + deviation * 1.5
        out.append([(x - edge).larger(0) for x in row])
    return tape.store(out)


def weigh_parts(tape: Tape, rows: list, scores: list) -> list:
    """The row's equal parts, each times its score."""
    parts = [zip(split(row, len(own)), own, strict=True) for row, own in zip(rows, scores, strict=True)]
    return tape.store([[x * score for part, score in row for x in part] for row in parts])


def best(row: list, k: int) -> list[int]:
    """The k largest, each found by a pass over those that are left."""
    left, found = list(range(len(row))), []
    for _ in range(k):
        top = reduce(lambda i, j: j if row[j].exceeds(row[i]) else i, left)
        left.remove(top)
        found.append(top)
    return found


def dispatch(tape: Tape, rows: list, scores: list, chosen: list) -> list:
    """[token][choice] copies of each row, scaled by its expert's score."""
    return tape.store([[[x * scores[t][e] for x in row] for e in chosen[t]] for t, row in enumerate(rows)])


def expert_linear(tape: Tape, rows: list, chosen: list, experts: int, d_out: int, bias: bool = False) -> list:
    """Each [token][choice] row through its own expert's projection."""
    weights = tape.table("e", experts, d_out, len(rows[0][0]))
    shifts = tape.table("n", experts, d_out) if bias else None
    pairs = [list(zip(row, sent, strict=True)) for row, sent in zip(rows, chosen, strict=True)]
    return tape.store([[one_expert(x, weights[e], shifts and shifts[e]) for x, e in row] for row in pairs])


def one_expert(row: list, weights: list, shift: list | None) -> list:
    products = [dot(row, column) for column in weights]
    return [x + b for x, b in zip(products, shift, strict=True)] if shift else products


def combine(tape: Tape, rows: list, shared: list | None = None, aside: str = "") -> list:
    """The sum of each token's rows, and of the shared expert's where there is one.

    `aside`: the operator that adds a bias.
    """
    parts = rows if shared is None else [[*row, extra] for row, extra in zip(rows, shared, strict=True)]
    sums = [[reduce(add, column) for column in zip(*row, strict=True)] for row in parts]
    if aside:
        with tape.aside(aside):
            sums = shifted(tape, sums)
    return tape.store(sums)


def cap(tape: Tape, rows: list, most: float = 30.0) -> list:
    """Each element through a tanh that reaches `most`."""
    return tape.store([[(x / most).tanh() * most for x in row] for row in rows])


def convolve(tape: Tape, queries: list, k: int, bias: bool = False) -> list:
    """Causal convolutions of width k along each query's new rows; its last k - 1 columns come first and are kept.

    `queries`: (new rows, kept columns) of each, rows [token][channel]; kept columns that do not lie in memory are
    zeros ahead of the first token.
    """
    channels = len(queries[0][0][0])
    weights = tape.table("n", channels, k)
    shift = tape.table("n", channels) if bias else None
    out = []
    for new, past in queries:
        line = past + new
        for t in range(len(new)):
            sums = [dot([row[i] for row in line[t : t + k]], weights[i]) for i in range(channels)]
            out.append([x + b for x, b in zip(sums, shift, strict=True)] if shift else sums)
        tape.store(line[len(line) - (k - 1) :], "c")
        tape.tally.kept["c"] += (k - 1) * channels
    return tape.store(out)
