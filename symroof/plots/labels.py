"""Where labels go: next to what they name, clear of each other and of all that is drawn. Plain geometry, in points.

Each label in turn gets the cheapest of many spots around its anchor; nothing is random. A spot that leaves the frame
or covers a label, a marker or a leader is excluded; distance and crossing a line cost.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import cos, hypot, inf, pi, sin

Box = tuple[float, float, float, float]  # left, bottom, right, top
Segment = tuple[float, float, float, float]  # from x, y to x, y

# From a label to what is drawn at its anchor, in points.
DISTANCES = (2, 6, 11, 17, 24, 32, 42, 54, 68, 84, 102, 122, 145, 170, 200, 240, 290, 350)
DIRECTIONS = 24
LEADER = 8.0  # a label farther away than this has a leader
ASIDE, ABOVE = 3.0, 1.0  # free room at the sides of a label, and above and below it
# Costs, in points of distance: a label over a line; a leader over a leader, over a marker, over a line, along a line.
CROSSING, LEADING, PASSING, CUTTING, HUGGING = 60.0, 80.0, 60.0, 10.0, 200.0
MISLEADING = 25.0  # cost of each other marker that is nearer to a label without a leader than its anchor
SAME_MARKER = 6.0  # markers as near as this to the anchor belong to the label
NOWHERE = 1e6  # cost of leaving a label out
CROWD = 60.0  # points within which others crowd a label
CLOSE = 2.5  # a leader that stays this near to a line runs along it


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
    """Where a label is, and the line that leads to it from its anchor where it is far."""

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

    def with_label(self, spot: Spot) -> "Scene":
        """The scene with one more label."""
        leaders = self.leaders + ((spot.leader,) if spot.leader else ())
        return Scene(self.frame, self.markers, self.lines, (*self.labels, spot.box), leaders)

    def cost(self, anchor: Anchor, spot: Spot) -> float | None:
        """The cost of a label there, its distance left out; None where it cannot be."""
        box = with_margin(spot.box)
        if not self.has_room(box) or (
            spot.leader and any(passes_through(spot.leader, with_margin(x)) for x in self.labels)
        ):
            return None
        crossed = CROSSING * sum(passes_through(x, box) for x in self.lines)
        return crossed + (
            self.leader_cost(spot.leader) if spot.leader else MISLEADING * self.nearer_markers(anchor, spot)
        )

    def has_room(self, box: Box) -> bool:
        """Whether a box is in the frame and covers no label, marker or leader."""
        if not inside(box, self.frame) or any(boxes_overlap(box, x) for x in (*self.labels, *self.markers)):
            return False
        return not any(passes_through(x, box) for x in self.leaders)

    def nearer_markers(self, anchor: Anchor, spot: Spot) -> int:
        """How many other markers are nearer to a label than what it names."""
        distance = distance_to(spot.box, (anchor.x, anchor.y))
        centers = map(center, self.markers)
        return sum(
            distance_to(spot.box, x) < distance and hypot(x[0] - anchor.x, x[1] - anchor.y) > SAME_MARKER
            for x in centers
        )

    def leader_cost(self, leader: Segment) -> float:
        """The cost of a leader."""
        passed = sum(passes_through(leader, x) for x in self.markers)
        crossed, cut = (sum(segments_cross(leader, x) for x in lines) for lines in (self.leaders, self.lines))
        hugged = sum(runs_along(leader, x) for x in self.lines)
        return PASSING * passed + LEADING * crossed + CUTTING * cut + HUGGING * hugged


def place_labels(anchors: Sequence[Anchor], scene: Scene) -> list[Spot | None]:
    """A spot for each label, None for one without room: the cheapest of several orders to place them in."""
    placements = (greedy_placement(anchors, scene, order) for order in placement_orders(anchors))
    return min(placements, key=lambda x: x[0])[1]


def placement_orders(anchors: Sequence[Anchor]) -> list[list[int]]:
    """Labels by number: as given, from each side, the most crowded first, the largest first."""

    def neighbours(anchor: Anchor) -> int:
        return sum(hypot(anchor.x - x.x, anchor.y - x.y) < CROWD for x in anchors)

    keys = (lambda x: x.x, lambda x: -x.x, lambda x: x.y, lambda x: -neighbours(x), lambda x: -x.width)
    numbers = range(len(anchors))
    return [list(numbers), *(sorted(numbers, key=[*map(key, anchors)].__getitem__) for key in keys)]


def greedy_placement(anchors: Sequence[Anchor], scene: Scene, order: Sequence[int]) -> tuple[float, list[Spot | None]]:
    """The cost and the spots of labels that are placed in this order."""
    total, spots = 0.0, dict[int, Spot | None]()
    for i in order:
        cost, spot = cheapest_spot(anchors[i], scene)
        scene = scene.with_label(spot) if spot else scene
        total, spots[i] = total + min(cost, NOWHERE), spot
    return total, [spots[i] for i in range(len(anchors))]


def cheapest_spot(anchor: Anchor, scene: Scene) -> tuple[float, Spot | None]:
    """The spot of the least cost, distance included, and that cost; the first of equals."""
    best, least = None, inf
    for distance, spot in candidate_spots(anchor):
        if distance >= least:
            break
        cost = scene.cost(anchor, spot)
        if cost is not None and cost + distance < least:
            best, least = spot, cost + distance
    return least, best


def candidate_spots(anchor: Anchor) -> Iterator[tuple[float, Spot]]:
    """Spots around an anchor and the distance of each: the nearest first, right before left."""
    for distance in DISTANCES:
        for i in range(DIRECTIONS):
            across, up = cos(2 * pi * i / DIRECTIONS), sin(2 * pi * i / DIRECTIONS)
            for before in alignments(across):
                yield distance, spot_at(anchor, distance, (across, up), before)


def spot_at(anchor: Anchor, distance: float, towards: tuple[float, float], before: float) -> Spot:
    """The label at a distance in a direction; `before`: the part of its width left of where it is attached."""
    across, up = towards
    start, end = anchor.clear, anchor.clear + distance
    x, y = anchor.x + end * across, anchor.y + end * up
    left, bottom = x - anchor.width * before, y - anchor.height * alignments(up)[0]
    box = left, bottom, left + anchor.width, bottom + anchor.height
    leader = (anchor.x + start * across, anchor.y + start * up, x, y) if distance > LEADER else None
    return Spot(box, leader)


def alignments(part: float) -> tuple[float, ...]:
    """Fractions of a label's side that can lie before its attachment; `part`: the direction along that side."""
    return (0.5, 0.0, 1.0) if abs(part) < 0.3 else (float(part < 0),)


def with_margin(box: Box) -> Box:
    """The box with the free room around it."""
    return box[0] - ASIDE, box[1] - ABOVE, box[2] + ASIDE, box[3] + ABOVE


def center(box: Box) -> tuple[float, float]:
    """The centre of a box."""
    return (box[0] + box[2]) / 2, (box[1] + box[3]) / 2


def distance_to(box: Box, point: tuple[float, float]) -> float:
    """The distance from a box to a point outside it."""
    x, y = point
    return hypot(max(box[0] - x, 0.0, x - box[2]), max(box[1] - y, 0.0, y - box[3]))


def inside(box: Box, frame: Box) -> bool:
    """Whether a box lies in the frame."""
    return frame[0] <= box[0] and frame[1] <= box[1] and box[2] <= frame[2] and box[3] <= frame[3]


def boxes_overlap(a: Box, b: Box) -> bool:
    """Whether two boxes have an area in common."""
    return a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3]


def passes_through(line: Segment, box: Box) -> bool:
    """Whether a segment passes through a box: whether anything is left of it after clipping at each edge."""
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


def segments_cross(a: Segment, b: Segment) -> bool:
    """Whether two segments cross."""
    return straddles(a, b) and straddles(b, a)


def straddles(line: Segment, other: Segment) -> bool:
    """Whether the ends of the other segment are on different sides of the line."""
    x, y, dx, dy = line[0], line[1], line[2] - line[0], line[3] - line[1]
    first, second = (dx * (v - y) - dy * (u - x) for u, v in (other[:2], other[2:]))
    return first * second < 0


def runs_along(leader: Segment, line: Segment) -> bool:
    """Whether a leader stays near to a line."""
    x, y, u, v = leader
    thirds = ((x + (u - x) * part, y + (v - y) * part) for part in (1 / 3, 2 / 3))
    return all(passes_through(line, (a - CLOSE, b - CLOSE, a + CLOSE, b + CLOSE)) for a, b in thirds)


def clusters(points: Sequence[tuple[float, float]], near: float) -> list[list[int]]:
    """Points that fall together, by number: each within `near` of the first of its cluster."""
    groups: list[list[int]] = []
    for i, (x, y) in enumerate(points):
        close = (group for group in groups if hypot(x - points[group[0]][0], y - points[group[0]][1]) <= near)
        if group := next(close, None):
            group.append(i)
        else:
            groups.append([i])
    return groups
