"""How devices share the training of a model, as layers of definitions."""

from collections.abc import Mapping
from dataclasses import dataclass, fields

from sympy import Integer, Max, Min

from symroof import symbols as s
from symroof.cost.rules import Layer
from symroof.errors import UsageError, quoted_value

# What replicas shard by the stages of ZeRO (Rajbhandari et al. 2020, arXiv:1910.02054, section 5), and how often a step
# sends all gradients or weights between them (section 7): a reduce-scatter of gradients, and an all-gather of gradients
# or, where the optimizer is sharded, of weights; one more of weights where they are sharded too.
ALONE = Integer(1)
ZERO: tuple[Layer, ...] = (
    {s.z_o: ALONE, s.z_g: ALONE, s.z_w: ALONE, s.x_w: Integer(2)},
    {s.z_o: s.n_d, s.z_g: ALONE, s.z_w: ALONE, s.x_w: Integer(2)},
    {s.z_o: s.n_d, s.z_g: s.n_d, s.z_w: ALONE, s.x_w: Integer(2)},
    {s.z_o: s.n_d, s.z_g: s.n_d, s.z_w: s.n_d, s.x_w: Integer(3)},
)

# Each backward pass as soon as possible (1F1B): n_s microbatches in flight on the first stage, n_s - 1 of another of
# its pieces (Korthikanti et al. 2022, arXiv:2205.05198, section 4.2.3).
ONE_BY_ONE: Layer = {s.n_f: s.n_s + (s.n_s - 1) / s.n_v * Min(1, s.n_v - 1), s.n_fe: s.n_s}
LAST_IS_FIRST = Max(0, 2 - s.n_s)  # 1 where there is one stage, which has the head too

SHARED = ("H_q", "H_kv", "f", "f_e", "f_s", "V")  # sizes that tensor parallelism divides


@dataclass(frozen=True)
class Parallel:
    """The tensor * stages * replicas devices that train one model.

    `tensor` devices share every operator, and with `sequence` the tokens between operators; layers are spread over
    `stages`, in `pieces` each; `replicas` shard what stage `zero` of ZeRO says. Raises UsageError.
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
                raise UsageError(f"{name} = {quoted_value(value)}: give a whole number from 1")
        if isinstance(self.zero, bool) or self.zero not in range(len(ZERO)):
            raise UsageError(f"zero = {quoted_value(self.zero)}: the stages of ZeRO are 0 to 3")
        if self.pieces > 1 and self.stages == 1:
            raise UsageError(f"pieces = {self.pieces}: a single stage has its layers in one piece")

    @property
    def devices(self) -> int:
        """The number of all devices."""
        return self.tensor * self.stages * self.replicas

    @property
    def definitions(self) -> Layer:
        """The layer of definitions of its symbols."""
        degrees = {s.n_t: self.tensor, s.n_s: self.stages, s.n_v: self.pieces, s.n_d: self.replicas}
        shared = {s.n_q: s.n_t if self.sequence else ALONE}
        return {**{x: Integer(n) for x, n in degrees.items()}, **shared, **ZERO[self.zero]}

    def check(self, sizes: Mapping[str, int], sequence: int, counts: Mapping[str, int]) -> None:
        """Raises UsageError unless a model's sizes, its sequence and layers (`counts` by block) divide evenly."""
        for name, value in sizes.items():
            if s.entry(name).base in SHARED and value % self.tensor:
                raise UsageError(
                    f"{name} = {value} is not a multiple of the {self.tensor} devices that share operators"
                )
        if self.sequence and sequence % self.tensor:
            raise UsageError(f"a sequence of {sequence} is not a multiple of the {self.tensor} devices that share it")
        for block, layers in counts.items():
            if layers % (self.stages * self.pieces):
                pieces = f" in {self.pieces} pieces each" if self.pieces > 1 else ""
                raise UsageError(f"{layers} layers of {block} are not a multiple of {self.stages} stages{pieces}")


ONE_DEVICE = Parallel()
