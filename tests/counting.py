"""Numbers that record what is done with them, and a decoder's operators written out on them, scalar by scalar.

A `Tape` keeps one `Tally` for each operator: scalar operations, and the distinct elements that were read from
and written to memory, by role. Roles are the letters of the width symbols: "w" for b_w, "a" for b_a, ...
What an operator stores, the next one loads; values inside an operator never touch memory.
"""

import math
import random
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import reduce
from itertools import count
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

    def larger(self, other: Any) -> Any:
        """The larger of the two."""
        return self if self.exceeds(other) else other


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


def linear(tape: Tape, rows: list, d_out: int, role: str = "w", bias: bool = False, weights: Any = None) -> list:
    """A projection to `d_out` features, by weights of its own unless it is given another operator's."""
    weights = weights or tape.table(role, d_out, len(rows[0]))
    products = [[dot(row, column) for column in weights] for row in rows]
    if bias:
        shift = tape.table("n", d_out)
        products = [[y + b for y, b in zip(row, shift, strict=True)] for row in products]
    return tape.store(products)


def normalised(row: list) -> list:
    """The row over its root mean square."""
    root = (reduce(add, [x * x for x in row]) / len(row) + EPS).sqrt()
    return [x / root for x in row]


def rms_norm(tape: Tape, rows: list) -> list:
    """Each row over its root mean square, times the gain."""
    gain = tape.table("n", len(rows[0]))
    return tape.store([[x * g for x, g in zip(normalised(row), gain, strict=True)] for row in rows])


def l2_norm(tape: Tape, heads: list) -> list:
    """Each head [token][head] over its root mean square."""
    return tape.store([[normalised(head) for head in row] for row in heads])


def rotate(tape: Tape, heads: list, start: int = 0) -> list:
    """Each pair (i, i + h/2) of a head turned by its position's angle; sines and cosines are given."""
    return tape.store([[turned(head, start + t) for head in row] for t, row in enumerate(heads)])


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


def gelu(x: Num) -> Num:
    return x * 0.5 * (1 + (x * math.sqrt(0.5)).erf())


def gelu_tanh(x: Num) -> Num:
    return x * 0.5 * (1 + (math.sqrt(2 / math.pi) * (x + 0.044715 * (x * x * x))).tanh())


GATES = {"silu": silu, "relu": relu, "gelu": gelu, "gelu_tanh": gelu_tanh}


def gate(tape: Tape, rows: list, act: str) -> list:
    """act(first half) times second half of each row."""
    half = len(rows[0]) // 2
    return tape.store([[GATES[act](row[i]) * row[half + i] for i in range(half)] for row in rows])


def residual(tape: Tape, rows: list, stream: list) -> list:
    """The sum of two activations."""
    return tape.store([[x + y for x, y in zip(*pair, strict=True)] for pair in zip(rows, stream, strict=True)])


def softmax(row: list) -> list:
    """Exponentials of the differences to the largest, over their sum."""
    top = reduce(Num.larger, row)
    powers = [(x - top).exp() for x in row]
    total = reduce(add, powers)
    return [x / total for x in powers]


def attend(tape: Tape, q: list, k: list, v: list, cache: list, visible: Visible) -> list:
    """Grouped-query attention of new tokens q, k, v [token][head] after the (key, value) pairs of `cache`."""
    past, group = len(cache), len(q[0]) // len(k[0])
    keys, values = [x for x, _ in cache] + k, [x for _, x in cache] + v
    out = []
    for t, heads in enumerate(q):
        seen = [m for m in range(past + t + 1) if visible(past + t, m)]
        out.append([one_head(x, [keys[m][i // group] for m in seen], [values[m][i // group] for m in seen])
                    for i, x in enumerate(heads)])  # fmt: skip
    cache += zip(tape.store(k, "c"), tape.store(v, "c"), strict=True)
    room = max(sum(visible(p, m) for m in range(p + 1)) for p in range(len(cache)))
    tape.tally.kept["c"] += 2 * room * len(k[0]) * len(k[0][0])
    return tape.store(out)


def one_head(query: list, keys: list, values: list) -> list:
    weights = softmax([dot(query, key) * (1 / math.sqrt(len(query))) for key in keys])
    return [dot(weights, [row[i] for row in values]) for i in range(len(query))]


def route(tape: Tape, rows: list, experts: int, k: int) -> tuple[list, list]:
    """Scores [token][expert], zero where a token is not sent, and the experts of each token, best first."""
    weights = tape.table("r", experts, len(rows[0]))
    logits = [[dot(row, column) for column in weights] for row in rows]
    chosen = [best(row, k) for row in logits]
    scores = [[1 / ((-x).exp() + 1) if e in sent else 0.0 for e, x in enumerate(row)]
              for row, sent in zip(logits, chosen, strict=True)]  # fmt: skip
    return tape.store(scores), chosen


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


def expert_linear(tape: Tape, rows: list, chosen: list, experts: int, d_out: int) -> list:
    """Each [token][choice] row through its own expert's projection."""
    weights = tape.table("e", experts, d_out, len(rows[0][0]))
    pairs = [list(zip(row, sent, strict=True)) for row, sent in zip(rows, chosen, strict=True)]
    return tape.store([[[dot(x, column) for column in weights[e]] for x, e in row] for row in pairs])


def combine(tape: Tape, rows: list, shared: list | None = None) -> list:
    """The sum of each token's rows, and of the shared expert's where there is one."""
    parts = rows if shared is None else [[*row, extra] for row, extra in zip(rows, shared, strict=True)]
    return tape.store([[reduce(add, column) for column in zip(*row, strict=True)] for row in parts])
