"""How devices share the training of a model, as layers of definitions."""

from collections.abc import Mapping
from dataclasses import dataclass, fields

from sympy import Integer, Max, Min

from symroof import symbols as s
from symroof.cost.rules import Layer
from symroof.errors import UsageError, described

# What replicas share by the stages of ZeRO (Rajbhandari et al. 2020, arXiv:1910.02054, section 5), and how often a step
# passes all gradients or weights between them (section 7): gradients are summed up in parts, and parts gathered, those
# of the gradients or, where they share the optimizer, of the weights; those once more where they share the weights too.
ALONE = Integer(1)
ZERO: tuple[Layer, ...] = (
    {s.z_o: ALONE, s.z_g: ALONE, s.z_w: ALONE, s.x_w: Integer(2)},
    {s.z_o: s.n_d, s.z_g: ALONE, s.z_w: ALONE, s.x_w: Integer(2)},
    {s.z_o: s.n_d, s.z_g: s.n_d, s.z_w: ALONE, s.x_w: Integer(2)},
    {s.z_o: s.n_d, s.z_g: s.n_d, s.z_w: s.n_d, s.x_w: Integer(3)},
)

# Each backward pass as soon as it can be (1F1B): n_s microbatches in flight on the first stage, n_s - 1 of its n_v
# pieces besides (Korthikanti et al. 2022, arXiv:2205.05198, section 4.2.3).
ONE_BY_ONE: Layer = {s.n_f: s.n_s + (s.n_s - 1) / s.n_v * Min(1, s.n_v - 1), s.n_fe: s.n_s}
LAST_IS_FIRST = Max(0, 2 - s.n_s)  # 1 where there is one stage, which has the head too

SHARED = ("H_q", "H_kv", "f", "f_e", "f_s", "V")  # sizes that tensor parallelism divides


@dataclass(frozen=True)
class Parallel:
    """Devices that train one model: tensor * stages * replicas of them.

    `tensor` of them share every operator, and where `sequence` the tokens of what lies between; layers are spread over
    `stages`, in `pieces` each; `replicas` share what stage `zero` of ZeRO says. Raises UsageError.
    """

    tensor: int = 1
    sequence: bool = False
    stages: int = 1
    pieces: int = 1
    replicas: int = 1
    zero: int = 0

    def __post_init__(self) -> None:
        for name in (x.name for x in fields(self) if x.name not in ("sequence", "zero")):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int) or value < 1:
                raise UsageError(f"{name} = {described(value)}: give a whole number from 1")
        if isinstance(self.zero, bool) or self.zero not in range(len(ZERO)):
            raise UsageError(f"zero = {described(self.zero)}: the stages of ZeRO are 0 to 3")
        if self.pieces > 1 and self.stages == 1:
            raise UsageError(f"pieces = {self.pieces}: a single stage has its layers in one piece")

    @property
    def devices(self) -> int:
        """All of them."""
        return self.tensor * self.stages * self.replicas

    @property
    def definitions(self) -> Layer:
        """What its symbols stand for."""
        degrees = {s.n_t: self.tensor, s.n_s: self.stages, s.n_v: self.pieces, s.n_d: self.replicas}
        shared = {s.n_q: s.n_t if self.sequence else ALONE}
        return {**{x: Integer(n) for x, n in degrees.items()}, **shared, **ZERO[self.zero]}

    def check(self, sizes: Mapping[str, int], sequence: int, counts: Mapping[str, int]) -> None:
        """Raise UsageError unless a model's sizes, its sequence and layers (`counts` by block) can be shared so."""
        for name, value in sizes.items():
            if s.entry(name).base in SHARED and value % self.tensor:
                raise UsageError(f"{name} = {value} is no multiple of the {self.tensor} devices that share operators")
        if self.sequence and sequence % self.tensor:
            raise UsageError(f"a sequence of {sequence} is no multiple of the {self.tensor} devices that share it")
        for block, layers in counts.items():
            if layers % (self.stages * self.pieces):
                pieces = f" in {self.pieces} pieces each" if self.pieces > 1 else ""
                raise UsageError(f"{layers} layers of {block} are no multiple of {self.stages} stages{pieces}")


ONE_DEVICE = Parallel()
