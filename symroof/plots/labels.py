"""Where labels go: beside what they name, apart from each other and from all that is drawn. Plain geometry, in points.

Each label in turn takes the cheapest of many places around its anchor; nothing is random.
A place that leaves the frame or covers a label, a marker or a leader is none; crossing a line costs, distance costs.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import cos, hypot, inf, pi, sin

Box = tuple[float, float, float, float]  # left, bottom, right, top
Segment = tuple[float, float, float, float]  # from x, y to x, y

# Of a label from what is drawn at its anchor.
DISTANCES = (2, 6, 11, 17, 24, 32, 42, 54, 68, 84, 102, 122, 145, 170, 200, 240, 290, 350)
DIRECTIONS = 24
LEADER = 8.0  # a label farther away than this has a leader
ASIDE, ABOVE = 3.0, 1.0  # kept free at the sides of a label, and above and below it
# What it costs, in points of distance: a label over a line; a leader over a leader, a marker, a line, along a line.
CROSSING, LEADING, PASSING, CUTTING, HUGGING = 60.0, 80.0, 60.0, 10.0, 200.0
MISLEADING = 25.0  # what a label without a leader costs for each other marker that is nearer than its own
OWN = 6.0  # markers as near as this to the anchor are a label's own
NOWHERE = 1e6  # what leaving a label out costs
CROWD = 60.0  # points within which others crowd a label
CLOSE = 2.5  # a leader that stays this near to a line goes along it


@dataclass(frozen=True)
class Anchor:
    """What a label names: a point with something of radius `clear` drawn at it; and the label's size."""

    x: float
    y: float
    width: float
    height: float
    clear: float = 0.0


@dataclass(frozen=True)
class Spot:
    """Where a label is, and the line that leads to it from its anchor, if it is far."""

    box: Box
    leader: Segment | None = None


@dataclass(frozen=True)
class Scene:
    """What is there: the frame, labels, markers, lines, leaders."""

    frame: Box
    markers: tuple[Box, ...] = ()
    lines: tuple[Segment, ...] = ()
    labels: tuple[Box, ...] = ()
    leaders: tuple[Segment, ...] = ()

    def having(self, spot: Spot) -> "Scene":
        """The scene with one label more."""
        leaders = self.leaders + ((spot.leader,) if spot.leader else ())
        return Scene(self.frame, self.markers, self.lines, (*self.labels, spot.box), leaders)

    def cost(self, anchor: Anchor, spot: Spot) -> float | None:
        """What putting the label there costs besides its distance; None where it cannot be."""
        box = grown(spot.box)
        if not within(box, self.frame) or any(overlap(box, x) for x in (*self.labels, *self.markers)):
            return None
        if any(meets(x, box) for x in self.leaders):
            return None
        cost = CROSSING * sum(meets(x, box) for x in self.lines)
        if not spot.leader:
            return cost + MISLEADING * self.nearer(anchor, spot)
        if any(meets(spot.leader, grown(x)) for x in self.labels):
            return None
        return cost + self.leading(spot.leader)

    def nearer(self, anchor: Anchor, spot: Spot) -> int:
        """How many other markers are nearer to a label than what it names."""
        own = gap(spot.box, (anchor.x, anchor.y))
        others = (middle(x) for x in self.markers)
        return sum(gap(spot.box, x) < own and hypot(x[0] - anchor.x, x[1] - anchor.y) > OWN for x in others)

    def leading(self, leader: Segment) -> float:
        """What a leader costs."""
        passed = sum(meets(leader, x) for x in self.markers)
        crossed, cut = (sum(crossing(leader, x) for x in lines) for lines in (self.leaders, self.lines))
        hugged = sum(along(leader, x) for x in self.lines)
        return PASSING * passed + LEADING * crossed + CUTTING * cut + HUGGING * hugged


def place(anchors: Sequence[Anchor], scene: Scene) -> list[Spot | None]:
    """A spot for each label; None for one that there is no room for.

    Labels take their spots one after the other: as given, from each side, the most crowded or the largest first. What
    costs least of that is kept.
    """
    numbers = range(len(anchors))
    orders = [
        list(numbers),
        *(
            sorted(numbers, key=key)
            for key in (
                lambda i: anchors[i].x,
                lambda i: -anchors[i].x,
                lambda i: anchors[i].y,
                lambda i: -sum(hypot(anchors[i].x - x.x, anchors[i].y - x.y) < CROWD for x in anchors),
                lambda i: -anchors[i].width,
            )
        ),
    ]
    return min((placed([anchors[i] for i in order], scene, order) for order in orders), key=lambda x: x[0])[1]


def placed(anchors: Sequence[Anchor], scene: Scene, order: Sequence[int]) -> tuple[float, list[Spot | None]]:
    """The spots of labels that are placed in this order, and what they cost; `order` has the number of each."""
    total, found = 0.0, {}
    for i, anchor in zip(order, anchors, strict=True):
        cost, spot = cheapest(anchor, scene)
        scene = scene.having(spot) if spot else scene
        total, found[i] = total + min(cost, NOWHERE), spot
    return total, [found[i] for i in range(len(order))]


def cheapest(anchor: Anchor, scene: Scene) -> tuple[float, Spot | None]:
    """The spot that costs least, its distance and what it crosses; the first of equals."""
    best, least = None, inf
    for distance, spot in spots(anchor):
        if distance >= least:
            break
        cost = scene.cost(anchor, spot)
        if cost is not None and cost + distance < least:
            best, least = spot, cost + distance
    return least, best


def spots(anchor: Anchor) -> Iterator[tuple[float, Spot]]:
    """Places for a label around its anchor, and the distance of each: the nearest first, right before left."""
    for distance in DISTANCES:
        for i in range(DIRECTIONS):
            across, up = cos(2 * pi * i / DIRECTIONS), sin(2 * pi * i / DIRECTIONS)
            for before in shifts(across):
                yield distance, spot_at(anchor, distance, (across, up), before)


def spot_at(anchor: Anchor, distance: float, towards: tuple[float, float], before: float) -> Spot:
    """The label at a distance in a direction; `before`: the part of its width left of where it is attached."""
    across, up = towards
    start, end = anchor.clear, anchor.clear + distance
    x, y = anchor.x + end * across, anchor.y + end * up
    left, bottom = x - anchor.width * before, y - anchor.height * shifts(up)[0]
    box = left, bottom, left + anchor.width, bottom + anchor.height
    leader = (anchor.x + start * across, anchor.y + start * up, x, y) if distance > LEADER else None
    return Spot(box, leader)


def shifts(part: float) -> tuple[float, ...]:
    """The parts of a label's extent that can lie before where it is attached, with `part` of its direction that way."""
    return (0.5, 0.0, 1.0) if abs(part) < 0.3 else (float(part < 0),)


def grown(box: Box) -> Box:
    """The box with what is kept free around it."""
    return box[0] - ASIDE, box[1] - ABOVE, box[2] + ASIDE, box[3] + ABOVE


def middle(box: Box) -> tuple[float, float]:
    """The centre of a box."""
    return (box[0] + box[2]) / 2, (box[1] + box[3]) / 2


def gap(box: Box, point: tuple[float, float]) -> float:
    """The distance from a box to a point outside it."""
    x, y = point
    return hypot(max(box[0] - x, 0.0, x - box[2]), max(box[1] - y, 0.0, y - box[3]))


def within(box: Box, frame: Box) -> bool:
    """Whether a box lies in the frame."""
    return frame[0] <= box[0] and frame[1] <= box[1] and box[2] <= frame[2] and box[3] <= frame[3]


def overlap(a: Box, b: Box) -> bool:
    """Whether two boxes have an area in common."""
    return a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3]


def meets(line: Segment, box: Box) -> bool:
    """Whether a segment passes through a box: what is left of it after clipping at each edge."""
    x, y, dx, dy = line[0], line[1], line[2] - line[0], line[3] - line[1]
    enter, leave = 0.0, 1.0
    for step, room in ((-dx, x - box[0]), (dx, box[2] - x), (-dy, y - box[1]), (dy, box[3] - y)):
        if step == 0:
            if room < 0:
                return False
        elif step < 0:
            enter = max(enter, room / step)
        else:
            leave = min(leave, room / step)
    return enter < leave


def crossing(a: Segment, b: Segment) -> bool:
    """Whether two segments cross."""
    return turns(a, b) and turns(b, a)


def turns(line: Segment, other: Segment) -> bool:
    """Whether the ends of the other segment are on different sides of the line."""
    x, y, dx, dy = line[0], line[1], line[2] - line[0], line[3] - line[1]
    first, second = (dx * (v - y) - dy * (u - x) for u, v in (other[:2], other[2:]))
    return first * second < 0


def along(leader: Segment, line: Segment) -> bool:
    """Whether a leader stays near to a line."""
    x, y, u, v = leader
    thirds = ((x + (u - x) * part, y + (v - y) * part) for part in (1 / 3, 2 / 3))
    return all(meets(line, (a - CLOSE, b - CLOSE, a + CLOSE, b + CLOSE)) for a, b in thirds)


def clusters(points: Sequence[tuple[float, float]], near: float) -> list[list[int]]:
    """Points that fall together, by number: each within `near` of the first of its cluster."""
    found: list[list[int]] = []
    for i, (x, y) in enumerate(points):
        for group in found:
            u, v = points[group[0]]
            if hypot(x - u, y - v) <= near:
                group.append(i)
                break
        else:
            found.append([i])
    return found
