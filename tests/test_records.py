"""`frozen` makes of a class what `dataclass(frozen=True)` makes of it."""

import copy
import dataclasses
import inspect
import pickle
from dataclasses import dataclass, field

import pytest

from symroof.architecture.kinds.attention import Attention
from symroof.architecture.kinds.linear_attention import DeltaNet, ShortConvolution
from symroof.architecture.kinds.streams import LayerInputs
from symroof.records import frozen


def classes(make):
    @make
    class Empty:
        """No fields."""

    @make
    class Point:
        """Fields of all sorts."""

        x: int
        y: tuple[int, ...] = ()
        seen: dict[str, int] = field(default_factory=dict, compare=False, repr=False)

        @property
        def double(self):
            return 2 * self.x

    @make
    class Checked:
        """A class that checks what it is given, and says itself what it is."""

        x: int = 1

        def __post_init__(self):
            if self.x < 0:
                raise ValueError(self.x)

        def __repr__(self):
            return f"<{self.x}>"

    for cls in (Empty, Point, Checked):
        cls.__qualname__ = cls.__name__
    return Empty, Point, Checked


OURS, THEIRS = classes(frozen), classes(dataclass(frozen=True))
PAIRS = list(zip(OURS, THEIRS, strict=True))
GIVEN = [(0, (), {}), (1, (3,), {}), (1, (3, (4,)), {}), (1, (), {"y": (5,), "x": 3}), (2, (), {}), (2, (7,), {})]


@pytest.mark.parametrize(("which", "args", "named"), GIVEN)
def test_the_same_values_as_of_a_dataclass(which, args, named):
    one, other = (cls(*args, **named) for cls in PAIRS[which])
    assert dataclasses.asdict(one) == dataclasses.asdict(other)
    assert list(one.__dict__) == list(other.__dict__)
    assert repr(one) == repr(other)
    assert hash(one) == hash(other)
    assert one == OURS[which](*args, **named)
    assert one != other  # of different classes
    assert one == copy.deepcopy(one) == dataclasses.replace(one)


@pytest.mark.parametrize(("ours", "theirs"), PAIRS)
def test_the_same_signature(ours, theirs):
    shown = [[(x.name, x.kind) for x in inspect.signature(cls).parameters.values()] for cls in (ours, theirs)]
    assert shown[0] == shown[1]
    assert ours.__match_args__ == theirs.__match_args__


@pytest.mark.parametrize("cls", [OURS[1], THEIRS[1]])
@pytest.mark.parametrize(("args", "named"), [((), {}), ((1, (), {}, 4), {}), ((1,), {"x": 2}), ((1,), {"z": 2})])
def test_what_no_dataclass_takes(cls, args, named):
    with pytest.raises(TypeError):
        cls(*args, **named)


@pytest.mark.parametrize("cls", [OURS[1], THEIRS[1]])
def test_nothing_can_be_changed(cls):
    point = cls(3)
    for name in ("x", "w"):
        with pytest.raises(dataclasses.FrozenInstanceError):
            setattr(point, name, 4)
        with pytest.raises(dataclasses.FrozenInstanceError):
            delattr(point, name)
    assert point.double == 6


def test_fields_aside_do_not_count():
    Point = OURS[1]
    assert Point(3, seen={"a": 1}) == Point(3)
    assert Point(3).seen is not Point(3).seen
    assert Point(3) != Point(4)
    assert len({Point(3), Point(3, seen={"a": 1}), Point(4)}) == 2
    with pytest.raises(TypeError, match="unhashable"):
        hash(Point([]))


def test_a_check_of_its_own_is_run():
    with pytest.raises(ValueError, match="-1"):
        dataclasses.replace(OURS[2](2), x=-1)


def test_kinds_with_equal_fields_differ():
    assert dataclasses.astuple(DeltaNet()) != dataclasses.astuple(Attention())
    one, other = LayerInputs("silu"), ShortConvolution("silu")
    assert dataclasses.astuple(one) == dataclasses.astuple(other)
    assert one != other
    assert len({one, other}) == 2


def test_they_can_be_pickled():
    assert pickle.loads(pickle.dumps(Attention("sliding"))) == Attention("sliding")
