"""What devices send each other in collectives: bytes on the busiest link, and how long it takes; closed forms.

Shards go round rings, or straight to their destination where a switch joins all devices; the switch itself reduces
nothing. `size` is the bytes of a whole array, of which each of n devices holds, or ends up with, one n-th. A link
sends `W_l` bytes per second in each direction: one port of a torus, where a device has two per axis (`Machine.link` is
the sum over a device's ports), or all that a device sends into a switch.

`many` gives the limit of many devices, where the part that a device itself holds is negligible, as most texts do.
"""

from dataclasses import dataclass
from typing import Any

from sympy import Add, Expr, Integer, Max, Min, Mul, floor, sympify

from symroof import symbols as s
from symroof.cost.operator_time import longest
from symroof.errors import UsageError


@dataclass(frozen=True)
class Network:
    """How n devices are joined: parts of an array that the busiest link carries in one direction, and hops.

    `gathered`: where each device gets all shards; `exchanged`: where each device sends an n-th of its shard to every
    device, itself included; `hops`: the most links that a byte passes.
    """

    name: str
    n: Expr
    gathered: Expr
    exchanged: Expr
    hops: Expr


def ring(n: Any, many: bool = False) -> Network:
    """n devices in a circle, links in both directions; two devices are joined twice."""
    return torus(n, many=many)


# Each device receives what the others hold over two links per axis, an array's parts going along the axes in different
# orders. A byte that is exchanged goes along one axis after the other, the shorter way round.
def torus(length: Any, *lengths: Any, many: bool = False) -> Network:
    """Devices in rings along axes of these lengths, links in both directions."""
    sides = [*map(device_count, (length, *lengths))]
    n = Mul(*sides)
    received = remote_fraction(n, many) / (2 * len(sides))
    exchanged = Max(*(_ring_distances(side, many) / (2 * side * n) for side in sides))
    hops = Add(*(floor(side / 2) for side in sides))
    return Network("ring" if len(sides) == 1 else "torus", n, received, exchanged, hops)


def _ring_distances(n: Expr, many: bool) -> Expr:
    """Links from one device of a ring to each device of it, the shorter way round, added up."""
    return n**2 / 4 if many else floor(n**2 / 4)


def even_torus(n: Any, axes: int, many: bool = False) -> Network:
    """A torus of n devices with axes of equal length. Raises UsageError where n is not such a power."""
    n, axes = device_count(n), device_count(axes)
    side = n ** (1 / axes)
    if side.is_number and not side.is_integer:
        raise UsageError(f"{n} devices do not fill a torus of {axes} equal axes: give a number to the power {axes}")
    return torus(*[side] * int(axes), many=many)


def one_way_ring(n: Any, many: bool = False) -> Network:
    """n devices in a circle, links in one direction."""
    n = device_count(n)
    remote = remote_fraction(n, many)
    return Network("ring, one way", n, remote, remote / 2, n - 1)


# The last device gets all shards over one link. In an exchange the link in the middle carries what each half of the
# devices sends to the other.
def linear_array(n: Any, many: bool = False) -> Network:
    """n devices in a row, links in both directions: a ring that is not closed."""
    n = device_count(n)
    return Network("line", n, remote_fraction(n, many), _ring_distances(n, many) / n**2, n - 1)


def switch(n: Any, many: bool = False) -> Network:
    """n devices, each joined to all others at its full rate, as by NVLink and NVSwitch."""
    n = device_count(n)
    return Network("switch", n, remote_fraction(n, many), remote_fraction(n, many) / n, Min(1, n - 1))


def device_count(n: Any) -> Expr:
    """A number of devices or axes, or a symbol for it. Raises UsageError for any other number."""
    count = sympify(n, strict=True)
    if count.is_number and not (count.is_integer and count >= 1):
        raise UsageError(f"{count} devices or axes: give a whole number of at least 1, or a symbol")
    return count


def remote_fraction(n: Expr, many: bool) -> Expr:
    """The fraction of an array that other devices hold: 1 - 1 / n."""
    return Integer(1) if many else 1 - 1 / n


ALONE = switch(1)


def all_gather(size: Any, net: Network) -> Expr:
    """[x_1] ... [x_n] -> [x_1 ... x_n] on each device: bytes on the busiest link."""
    return size * net.gathered


def reduce_scatter(size: Any, net: Network) -> Expr:
    """x^1 ... x^n -> [(sum_i x^i)_1] ... [(sum_i x^i)_n]: bytes on the busiest link, as for an all-gather."""
    return size * net.gathered


def all_reduce(size: Any, net: Network) -> Expr:
    """x^1 ... x^n -> sum_i x^i on each device: bytes on the busiest link, scattered, then gathered."""
    return reduce_scatter(size, net) + all_gather(size, net)


def all_to_all(size: Any, net: Network) -> Expr:
    """[x_i1 ... x_in] on device i -> [x_1j ... x_nj] on device j: bytes on the busiest link."""
    return size * net.exchanged


# The first part passes `stages` - 1 links, and each other part arrives one part's time later.
def relay(size: Any, stages: Any = s.n_s, parts: Any = s.n_m) -> Expr:
    """Bytes that pass one link after another until an array, in `parts`, has gone from the first stage to the last."""
    return size / parts * (parts + stages - 2)


# Scaling book (jax-ml.github.io/scaling-book), sharding; an all-reduce has twice the hops.
def transfer_time(sent: Any, hops: Any = 0) -> Expr:
    """Max(sent / W_l, t_l hops): seconds of the busiest link, or of the hops where bytes are few."""
    return longest(sent / s.W_l, s.t_l * hops)


def point_to_point(size: Any, hops: Any = 1, links: Any = 1) -> Expr:
    """size / (links W_l) + t_l hops: seconds of a message between two devices over `links` links at once."""
    return size / (links * s.W_l) + s.t_l * hops
