"""Collectives: bytes on links counted by running them, device by device; laws; figures in print."""

from collections import Counter
from fractions import Fraction
from itertools import product
from math import prod

import pytest
from printed import says
from sympy import Integer, Symbol, limit, oo, solve, symbols

from symroof import symbols as s
from symroof.algebra.binding import Binding
from symroof.errors import UsageError
from symroof.ops import collectives as c

SIZE, n = symbols("size n", positive=True)
NETWORKS = {"ring": c.ring, "one way": c.one_way_ring, "line": c.linear_array, "switch": c.switch}


def test_saying():
    assert says(376.5, "377")
    assert says(377.9, "377")
    assert not says(378, "377")
    assert not says(376.4, "377")
    assert says(186, "190")
    assert not says(184.9, "190")
    assert says(0.0827, "0.082")
    assert not says(61_334, "62,000")


# --- run, step by step -------------------------------------------------------------------------------------------


def onward(kind, n, at, direction):
    """The next device in a direction; None where a row ends."""
    return at + direction if kind != "line" or 0 <= at + direction < n else None


def go_round(held, row, ways, load, axis=0, kind="ring"):
    """Pieces {piece: bytes} that devices of a row hold, passed on along `ways` until each device has had all."""
    n = len(row)
    for direction, part in ways:
        moving = {at: held[row[at]] for at in range(n)}
        for _ in range(n - 1):
            arriving = {}
            for at, pieces in moving.items():
                if (to := onward(kind, n, at, direction)) is not None:
                    load[row[at], axis, direction] += part * sum(pieces.values())
                    arriving[to % n] = pieces
            moving = arriving
            yield from ((row[at], pieces) for at, pieces in moving.items())


HALVES = [(1, Fraction(1, 2)), (-1, Fraction(1, 2))]
WAYS = {"ring": HALVES, "one way": [(1, 1)], "line": [(1, 1), (-1, 1)]}


@pytest.mark.parametrize("kind", WAYS)
@pytest.mark.parametrize("devices", [1, 2, 3, 4, 5, 8])
def test_an_all_gather_is_what_the_busiest_link_carries(kind, devices):
    held, load = {i: {i: 1} for i in range(devices)}, Counter()
    got = {i: {i} for i in range(devices)}
    for device, pieces in go_round(held, range(devices), WAYS[kind], load, kind=kind):
        got[device] |= set(pieces)
    assert all(x == set(range(devices)) for x in got.values())
    assert c.all_gather(devices, NETWORKS[kind](devices)) == max(load.values(), default=0)


@pytest.mark.parametrize(
    ("lengths", "parts"),
    # parts of each shard that go along the first, the second, ... axis to begin with, then along the others in turn
    [((2, 2), (1, 1)), ((3, 3), (1, 1)), ((4, 4), (1, 1)), ((3, 3, 3), (1, 1, 1)), ((4, 2), (5, 1)), ((2, 3), (1, 3))],
)
def test_an_all_gather_on_a_torus(lengths, parts):
    devices, load, axes = list(product(*map(range, lengths))), Counter(), range(len(lengths))
    for first, part in enumerate(parts):
        held = {x: {x: Fraction(part, sum(parts))} for x in devices}
        for axis in (*axes[first:], *axes[:first]):
            after = {x: dict(pieces) for x, pieces in held.items()}
            for start in (x for x in devices if x[axis] == 0):
                row = [(*start[:axis], at, *start[axis + 1 :]) for at in range(lengths[axis])]
                for device, pieces in go_round(held, row, HALVES, load, axis):
                    after[device] |= pieces
            held = after
        assert all(set(x) == set(devices) for x in held.values())
    assert len(load) == 2 * len(lengths) * len(devices)
    assert all(c.all_gather(len(devices), c.torus(*lengths)) == x for x in load.values())


@pytest.mark.parametrize("devices", [2, 3, 4, 7])
def test_a_reduce_scatter_and_an_all_reduce_in_a_ring(devices):
    # numbers: device i holds x_i, of which part j is 10 i + j; sums go round once, then sums that are complete
    held = [[10 * i + j for j in range(devices)] for i in range(devices)]
    sums = [sum(column) for column in zip(*held, strict=True)]
    load = Counter()
    for phase in ("scatter", "gather"):
        for step in range(devices - 1):
            sent = [(i, (i - step + (phase == "gather")) % devices) for i in range(devices)]
            for (i, part), value in [((i, part), held[i][part]) for i, part in sent]:
                to = (i + 1) % devices
                held[to][part] = held[to][part] + value if phase == "scatter" else value
                load[i] += 1
        if phase == "scatter":
            assert [held[i][(i + 1) % devices] for i in range(devices)] == sums[1:] + sums[:1]
            assert {c.reduce_scatter(devices, c.one_way_ring(devices))} == set(load.values())
    assert held == [sums] * devices
    assert {c.all_reduce(devices, c.one_way_ring(devices))} == set(load.values())


def path(kind, n, start, end):
    """(part of a message, direction, hops) of each way that it takes."""
    ahead, back = (end - start) % n, (start - end) % n
    if kind == "one way":
        return [(Fraction(1), 1, ahead)]
    if kind == "line":
        return [(Fraction(1), 1 if end > start else -1, abs(end - start))]
    if ahead == back:
        return [(Fraction(1, 2), 1, ahead), (Fraction(1, 2), -1, back)]
    return [(Fraction(1), 1, ahead) if ahead < back else (Fraction(1), -1, back)]


def exchange(kind, n, load, times=1):
    """A byte from each device of a ring or row to each other, `times` over."""
    for start, end in product(range(n), repeat=2):
        for part, direction, hops in path(kind, n, start, end) if start != end else ():
            at = start
            for _ in range(hops):
                load[at, direction] += part * times
                at = onward(kind, n, at, direction) % n
            assert at == end


@pytest.mark.parametrize("kind", ["ring", "one way", "line"])
@pytest.mark.parametrize("devices", [1, 2, 3, 4, 5, 8])
def test_an_all_to_all_is_what_the_busiest_link_carries(kind, devices):
    load, net = Counter(), NETWORKS[kind](devices)
    exchange(kind, devices, load)
    assert c.all_to_all(devices**2, net) == max(load.values(), default=0)
    longest = max(
        (hops for a, b in product(range(devices), repeat=2) if a != b for _, _, hops in path(kind, devices, a, b)),
        default=0,
    )
    assert net.hops == longest


@pytest.mark.parametrize("lengths", [(2, 2), (3, 3), (4, 4), (2, 2, 2), (2, 4), (5, 3)])
def test_an_all_to_all_on_a_torus(lengths):
    # along one axis after the other: in each ring, each device passes on what all of the other axes have for it
    devices, loads, hops = prod(lengths), [], 0
    for length in lengths:
        load = Counter()
        exchange("ring", length, load, times=devices // length)
        loads += load.values()
        hops += max(x for end in range(length) for _, _, x in path("ring", length, 0, end))
    net = c.torus(*lengths)
    assert c.all_to_all(devices**2, net) == max(loads)
    assert net.hops == hops
    assert len(set(lengths)) > 1 or net == c.even_torus(devices, len(lengths))


@pytest.mark.parametrize("devices", [1, 2, 5, 8])
def test_a_switch(devices):
    # a byte from each device to each other: a shard of n bytes in an exchange, a copy of its own byte in a gather
    sent = Counter(i for i, j in product(range(devices), repeat=2) if i != j)
    for size, collective in (devices**2, c.all_to_all), (devices, c.all_gather):
        assert collective(size, c.switch(devices)) == max(sent.values(), default=0)


@pytest.mark.parametrize(("stages", "parts"), [(2, 1), (2, 4), (3, 2), (5, 8)])
def test_a_relay(stages, parts):
    # a part leaves a stage when it has arrived there and the one before it has left
    left = [0] * (stages - 1)
    for _ in range(parts):
        arrived = 0
        for link in range(stages - 1):
            arrived = left[link] = max(arrived, left[link]) + 1
    assert c.relay(parts, stages, parts) == arrived


# --- laws --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("make", [*NETWORKS.values(), lambda n, many=False: c.even_torus(n, 2, many)])
def test_laws_of_networks(make):
    alone, net, many = make(1), make(n), make(n, many=True)
    everything = (c.all_gather, c.reduce_scatter, c.all_reduce, c.all_to_all)
    assert [f(SIZE, alone) for f in everything] == [0] * 4
    assert alone.hops == 0
    assert c.all_reduce(SIZE, net) == c.reduce_scatter(SIZE, net) + c.all_gather(SIZE, net)
    for f in everything:
        assert f(2 * SIZE, net) == 2 * f(SIZE, net)
        at = [(f(1, make(k**2)), f(1, make(k**2, many=True))) for k in (2, 3, 10, 1000)]
        assert all(exact <= rounded for exact, rounded in at)
        assert float(at[-1][0] / at[-1][1]) == pytest.approx(1, rel=2e-6)
    assert limit(net.gathered, n, oo) == many.gathered


def test_no_network_gathers_faster_than_its_links_allow():
    # a device has to receive what the others hold, over all links that it has
    for net, links in (
        (c.ring(6), 2),
        (c.one_way_ring(6), 1),
        (c.torus(4, 4), 4),
        (c.switch(6), 1),
        (c.linear_array(6), 1),
    ):
        assert links * c.all_gather(net.n, net) == net.n - 1


def hops(neighbours, devices):
    """The most links between two devices, by searching outward from the first."""
    reached, last, steps = {0}, {0}, 0
    while len(reached) < devices:
        last = {y for x in last for y in neighbours(x)} - reached
        reached |= last
        steps += 1
    return steps


@pytest.mark.parametrize("n", [2, 3, 6, 9])
def test_hops_are_the_links_to_the_farthest_device(n):
    assert c.ring(n).hops == hops(lambda x: {(x + 1) % n, (x - 1) % n}, n)
    assert c.one_way_ring(n).hops == hops(lambda x: {(x + 1) % n}, n)
    assert c.linear_array(n).hops == hops(lambda x: {x + 1} if x + 1 < n else set(), n)
    assert c.switch(n).hops == hops(lambda x: {*range(n)} - {x}, n)


def test_an_exchange_is_no_dearer_than_a_gather():
    for devices in (2, 3, 4, 16):
        for make in NETWORKS.values():
            assert c.all_to_all(1, make(devices)) <= c.all_gather(1, make(devices))


def test_few_bytes_take_the_hops_and_many_the_link():
    net = c.ring(8)
    at = Binding({s.W_l: 10**9, s.t_l: Fraction(1, 10**6)})
    assert at(c.transfer_time(c.all_gather(8, net), net.hops)) == Fraction(4, 10**6)
    assert at(c.transfer_time(c.all_gather(8 * 10**9, net), net.hops)) == Fraction(7, 2)
    assert at(c.transfer_time(7)) == at(c.point_to_point(7, hops=0)) == Fraction(7, 10**9)


@pytest.mark.parametrize(
    "make",
    [
        lambda: c.ring(0),
        lambda: c.switch(Fraction(3, 2)),
        lambda: c.even_torus(20, 2),
        lambda: c.torus(4, 0),
        lambda: c.linear_array(-1),
    ],
)
def test_devices_that_cannot_be(make):
    with pytest.raises(UsageError, match="give"):
        make()


# --- scaling book (jax-ml.github.io/scaling-book) ------------------------------------------------------------------

V5E = {s.W_l: 45 * 10**9, s.t_l: Fraction(1, 10**6)}
V4P = V5E
H100 = {s.W_l: 450 * 10**9}
NODE = {s.W_l: 400 * 10**9}


def microseconds(expr, rates):
    return float(10**6 * Binding(rates)(expr))


def test_sharding_all_gather_on_v5e():
    # pop quiz 2: 34 MB over 4 of a v5e: 377 us as a ring, 560 us as there are no wraparound links; 32 kB: 3 us
    assert says(microseconds(c.transfer_time(c.all_gather(34 * 10**6, c.ring(4, many=True))), V5E), "377")
    row = c.linear_array(4)
    for size, printed in (2048 * 8192 * 2, "560"), (256 * 256 * 2, "3"):
        assert says(microseconds(c.transfer_time(c.all_gather(size, row), row.hops), V5E), printed)
    # measured: 680 us and 8 us
    assert microseconds(c.transfer_time(c.all_gather(2048 * 8192 * 2, row), row.hops), V5E) < 680


def test_sharding_questions_2_and_3():
    # v4p, 4 x 4 x 4, bf16[1024, 4096]: gathered along X, along X and Y; summed along Z; 128 elements along X
    whole = 2 * 1024 * 4096
    ring, plane = c.ring(4, many=True), c.torus(4, 4, many=True)
    for sent, hops, printed in [
        (c.all_gather(Integer(whole) / 4, ring), ring.hops, "23"),
        (c.all_gather(whole, plane), plane.hops, "46"),
        (c.all_reduce(whole, ring), 2 * ring.hops, "190"),
        (c.all_gather(256, ring), ring.hops, "2"),
    ]:
        assert says(microseconds(c.transfer_time(sent, hops), V4P), printed)
    # "4 T_min" is the longest path of the plane
    assert plane.hops == 4


def test_sharding_question_9():
    # gather A[N, M], then multiply; or multiply, then scatter O[N, K]: M / K
    N, M, K = symbols("N M K")
    net = c.ring(n)
    assert c.all_gather(N * M, net) / c.reduce_scatter(N * K, net) == M / K


def test_sharding_question_10():
    # scalars on a link of an N x N matrix over D: N^2 (1 - 1/D) and half of it one way; a quarter both ways
    N, D = symbols("N D", positive=True)
    gathered, exchanged = (f(N**2, c.one_way_ring(D)) for f in (c.all_gather, c.all_to_all))
    assert gathered.equals(N**2 * (1 - 1 / D))
    assert exchanged.equals(N**2 / 2 * (1 - 1 / D))
    both = c.ring(D, many=True)
    assert c.all_to_all(1, both) / c.all_gather(1, both) == Fraction(1, 4)


def test_inference_latency():
    # appendix C: a buffer over 8 shards is latency bound below 360 kB; sharding: a single one below 45 kB
    net = c.one_way_ring(8)
    (size,) = solve(c.all_gather(SIZE, net) / s.W_l - s.t_l * net.hops, SIZE)
    assert Binding(V5E)(size) == 360_000
    assert Binding(V5E)(s.W_l * s.t_l) == 45_000


def test_tpus_question_5():
    # 4 x 4 v5e, bf16[8, 128, 8192], corner to corner over both ports: 188 us, and 6 hops: 194 us
    ways, hops = 2, 2 * c.linear_array(4).hops
    assert says(microseconds(c.point_to_point(17 * 10**6, 0, ways), V5E), "188")
    assert says(microseconds(c.point_to_point(17 * 10**6, hops, ways), V5E), "194")


def test_gpus_node():
    # bf16[1024, 16384] over 8 H100: 75 us, exactly 65; bf16[4096, 65536]: 1.04 ms (1.5 measured)
    size, larger = 2 * 1024 * 16384, 2 * 4096 * 65536
    for sent, printed in [
        (c.all_gather(size, c.switch(8, many=True)), "75"),
        (c.all_gather(size, c.switch(8)), "65"),
        (c.all_gather(larger, c.switch(8)), "1040"),
    ]:
        assert says(microseconds(c.transfer_time(sent), H100), printed)
    N, W = Symbol("N", positive=True), s.W_l
    assert c.transfer_time(c.all_gather(SIZE, c.switch(N))).equals(SIZE * (N - 1) / (N * W))
    assert c.transfer_time(c.all_to_all(SIZE, c.switch(N))).equals(SIZE * (N - 1) / (W * N**2))


@pytest.mark.parametrize(
    ("degree", "link", "printed"), [(8, 450e9, "514"), (32, 400e9, "413"), (4, 12.8e12, "17,100"), (2, 400e9, "800")]
)
def test_gpus_collective_bandwidth(degree, link, printed):
    # GB/s that an array is gathered at in a node, a leaf, at the spine, by two nodes
    assert says(SIZE / c.all_gather(SIZE, c.switch(degree)) * link / 1e9, printed)


def test_gpus_all_to_all_across_nodes():
    # from B / (8 x 450e9) in a node to B / (2 x 400e9) over two: more than 4 times as long
    inside, across = c.switch(8, many=True), c.switch(2, many=True)
    ratio = microseconds(c.transfer_time(c.all_to_all(1, across)), NODE) / microseconds(
        c.transfer_time(c.all_to_all(1, inside)), H100
    )
    assert 4 < ratio < 5


def test_gpus_pipeline():
    # 2 B D / (W N_MB) (N_MB + N_stages - 2)
    B, D, parts, stages = symbols("B D parts stages", positive=True)
    assert c.transfer_time(c.relay(2 * B * D, stages, parts)).equals(2 * B * D / (s.W_l * parts) * (parts + stages - 2))


# Others.


def test_zero_volumes():
    # Rajbhandari et al. 2020, arXiv:1910.02054, section 7, elements a device sends for each parameter: 2 by data
    # parallelism; stages 1 and 2 scatter gradients and gather parameters: 2
    net = c.one_way_ring(n, many=True)
    assert c.all_reduce(1, net) == 2
    assert c.reduce_scatter(1, net) + c.all_gather(1, net) == 2
