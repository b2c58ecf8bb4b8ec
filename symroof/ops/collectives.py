"""What devices send each other in collectives: bytes on the busiest link, and how long it takes; closed forms.

Shards go round rings, or straight to whom they are for where a switch joins all, which itself adds nothing up. `size`
is bytes of a whole array, of which each of n devices holds, or is left with, one n-th. A link sends `W_l` bytes a
second in each direction: a port of a torus, of which a device has two an axis (`Machine.link` is all of a device's), or
all that a device sends into a switch.
"""

from dataclasses import dataclass
from typing import Any

from sympy import Add, Expr, Integer, Max, Min, Mul, floor, sympify

from symroof import symbols as s
from symroof.cost.timing import longest
from symroof.errors import UsageError


@dataclass(frozen=True)
class Network:
    """How n devices are joined: parts of an array that the busiest link carries in one direction, and hops.

    `gathered`: where each device gets all shards; `exchanged`: where each device sends every device, itself too, an
    n-th of its shard; `hops`: links that a byte passes at most.
    """

    name: str
    n: Expr
    gathered: Expr
    exchanged: Expr
    hops: Expr


def ring(n: Any, many: bool = False) -> Network:
    """n devices in a circle, links in both directions, two devices joined twice; `many` as for `torus`."""
    return torus(n, many=many)


def torus(length: Any, *lengths: Any, many: bool = False) -> Network:
    """Devices in rings along axes of these lengths, links in both directions.

    Each device receives what the others hold over two links an axis, an array's parts going along the axes in different
    orders. A byte that is exchanged goes along one axis after the other, the shorter way round. `many` takes lengths
    for so large that one device's part counts for nothing, as texts mostly do.
    """
    sides = [*map(counted, (length, *lengths))]
    n = Mul(*sides)
    distances = [side**2 / 4 if many else floor(side**2 / 4) for side in sides]  # from one device to all of its ring
    exchanged = Max(*(far / (2 * side * n) for far, side in zip(distances, sides, strict=True)))
    return Network(
        "ring" if len(sides) == 1 else "torus",
        n,
        others(n, many) / (2 * len(sides)),
        exchanged,
        Add(*(floor(side / 2) for side in sides)),
    )


def even_torus(n: Any, axes: int, many: bool = False) -> Network:
    """A torus of n devices whose axes are of one length. Raises UsageError where n is no such power."""
    n, axes = counted(n), counted(axes)
    side = n ** (1 / axes)
    if side.is_number and not side.is_integer:
        raise UsageError(f"a torus of {n} devices has no {axes} axes of one length: give the power {axes} of a number")
    return torus(*[side] * int(axes), many=many)


def one_way(n: Any, many: bool = False) -> Network:
    """n devices in a circle, links in one direction; `many` as for `torus`."""
    n = counted(n)
    return Network("ring, one way", n, others(n, many), others(n, many) / 2, n - 1)


def line(n: Any, many: bool = False) -> Network:
    """n devices in a row, links in both directions: a ring that is not closed; `many` as for `torus`.

    The last device gets all shards over one link. Of an exchange the link in the middle carries what one half of the
    devices has for the other.
    """
    n = counted(n)
    crossing = n**2 / 4 if many else floor(n**2 / 4)
    return Network("line", n, others(n, many), crossing / n**2, n - 1)


def switch(n: Any, many: bool = False) -> Network:
    """n devices, each joined to all others at its full rate, as by NVLink and NVSwitch; `many` as for `torus`."""
    n = counted(n)
    return Network("switch", n, others(n, many), others(n, many) / n, Min(1, n - 1))


def counted(n: Any) -> Expr:
    """A number of devices or axes, or a symbol for one. Raises UsageError for what can be none."""
    found = sympify(n, strict=True)
    if found.is_number and not (found.is_integer and found >= 1):
        raise UsageError(f"{found} devices or axes: give a whole number of at least 1, or a symbol")
    return found


def others(n: Expr, many: bool) -> Expr:
    """The part of an array that other devices hold: 1 - 1 / n."""
    return Integer(1) if many else 1 - 1 / n


ALONE = switch(1)


def all_gather(size: Any, net: Network) -> Expr:
    """[x_1] ... [x_n] -> [x_1 ... x_n] on each device: bytes on the busiest link."""
    return size * net.gathered


def reduce_scatter(size: Any, net: Network) -> Expr:
    """x^1 ... x^n -> [(sum_i x^i)_1] ... [(sum_i x^i)_n]: bytes on the busiest link; an all-gather, run backwards."""
    return size * net.gathered


def all_reduce(size: Any, net: Network) -> Expr:
    """x^1 ... x^n -> sum_i x^i on each device: bytes on the busiest link; sums are scattered, then gathered."""
    return reduce_scatter(size, net) + all_gather(size, net)


def all_to_all(size: Any, net: Network) -> Expr:
    """[x_i1 ... x_in] on device i -> [x_1j ... x_nj] on device j: bytes on the busiest link."""
    return size * net.exchanged


def relay(size: Any, stages: Any = s.n_s, parts: Any = s.n_m) -> Expr:
    """Bytes that pass one after another until an array has gone from the first of some stages to the last in `parts`.

    The first part passes `stages` - 1 links, and each other one ends a part's time later.
    """
    return size / parts * (parts + stages - 2)


def seconds(sent: Any, hops: Any = 0) -> Expr:
    """Max(sent / W_l, t_l hops): what a link takes, or the hops where bytes are few; an all-reduce has twice the hops.

    Scaling book (jax-ml.github.io/scaling-book), sharding.
    """
    return longest(sent / s.W_l, s.t_l * hops)


def point_to_point(size: Any, hops: Any = 1, links: Any = 1) -> Expr:
    """size / (links W_l) + t_l hops: seconds of a message from one device to another over `links` ways at once."""
    return size / (links * s.W_l) + s.t_l * hops
