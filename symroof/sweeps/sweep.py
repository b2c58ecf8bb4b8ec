"""A model over a grid: every combination of some axes, and quantities at each point of it.

    sweep = symroof.load("llama-3.1-8b").sweep({"batch": "1:512:x2", "cached": "0:131072:+4096"}, "flops,bytes")
    sweep["flops"]    # an array of FLOP, in the shape of the grid: 10 by 33
    sweep.frame()     # the same as a table of pandas: batch, cached, flops, bytes

Axes are those of `axes`, settings first, then numbers as they are given; the last one runs fastest. Columns are those
of `columns`, in float64: FLOP, bytes, seconds, joules. Times are told of what does not fit the memory, too; column
`fits` says what does. Everything is checked, sizes in all their combinations, before the first number is computed.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import product
from math import prod
from typing import Any

from sympy import Expr, Symbol

from symroof import symbols as s
from symroof.algebra.points import Point
from symroof.dtypes import canonical
from symroof.errors import UsageError
from symroof.hardware.machines import Machine, machine
from symroof.hardware.platform import Place, Platform, placed, platform
from symroof.model.coupled_sizes import held
from symroof.model.model import Model, Rules, chosen, load
from symroof.model.uniform import uniform
from symroof.sweeps import axes as parsing
from symroof.sweeps import backends, columns
from symroof.sweeps.axes import FORMATS, Axis
from symroof.sweeps.columns import Case
from symroof.sweeps.grid import Grid
from symroof.sweeps.plan import MOST, Part, Plan, Sweep, bounded
from symroof.sweeps.writers import Heads

CASES = 1000  # combinations of settings
SIZES = 10**5  # combinations of sizes, each of which is checked
USUAL = ("flops", "bytes")


def sweep(
    model: Model | str | None,
    over: Mapping[str, Any] | Iterable[str],
    quantities: str | Iterable[str] = (),
    **given: Any,
) -> Sweep:
    """A model over a grid, in memory; all that `plan` takes."""
    return plan(model, over, quantities, **given).in_memory()


def plan(
    model: Model | str | None,
    over: Mapping[str, Any] | Iterable[str],
    quantities: str | Iterable[str] = (),
    *,
    on: Place | None = None,
    new: int | None = None,
    cached: int | None = None,
    batch_size: int | None = None,
    hold: Iterable[str] = (),
    rules: Rules = "standard",
    logits: str | None = None,
    machines: Iterable[Machine] = (),
    use: Mapping[str, Any] | None = None,
    engine: str = "numpy",
    scheduler: str = "",
    mtp: bool = False,
    **formats: str | None,
) -> Plan:
    """A sweep that is ready to be computed: `plan(model, {"batch": "1:512:x2"}, "flops,time", on="h100-sxm")`.

    `model`: None where it is an axis. `over`: axes, of text as `axes` has it or of values; `quantities`: those of
    `columns`, FLOP and bytes unless given, and time on a machine. `new`, `cached` and `batch_size` of what is no axis:
    1, 0 and 1 unless given. `hold`: ratios of sizes to a size that is swept, which stay, such as "f/d". `machines`: of
    one's own, by name in axis `on`; `use`: what `platforms.platform` takes besides; `mtp`: with the layers that predict
    tokens further ahead, of models that are named. Raises UsageError.
    """
    backends.check(engine, scheduler)
    found = parsing.axes(over)
    base = _Base(
        model,
        on,
        {"batch": batch_size, "new": new, "cached": cached},
        tuple(hold),
        rules,
        logits,
        {x.name: x for x in machines},
        use or {},
        mtp,
        formats,
    )
    base.check(found)
    settings, numbers = [x for x in found if x.setting], tuple(x for x in found if not x.setting)
    bounded(parsing.points(found), MOST)
    if parsing.points(settings) > CASES:
        raise UsageError(f"{parsing.points(settings)} combinations of settings: give {CASES} at most")
    asked = [quantities] if isinstance(quantities, str) else list(quantities)
    names = tuple(dict.fromkeys(columns.named(x) for text in asked for x in text.split(",") if x.strip()))
    machined = on is not None or any(x.name == "on" for x in settings)
    names = names or (*USUAL, *(("time",) if machined else ()))
    parts = tuple(
        base.part(dict(zip([x.name for x in settings], values, strict=True)), numbers, names)
        for values in product(*(x.values for x in settings))
    )
    heads = Heads((*settings, *numbers), {x: columns.unit(x) for x in names})
    return Plan(heads, parts, engine, scheduler)


@dataclass(frozen=True)
class _Base:
    """What a sweep does not run over."""

    model: Model | str | None
    on: Place | None
    batch: Mapping[str, int | None]
    hold: tuple[str, ...]
    rules: Rules
    logits: str | None
    machines: Mapping[str, Machine]
    use: Mapping[str, Any]
    mtp: bool
    formats: Mapping[str, str | None]

    def check(self, found: Sequence[Axis]) -> None:
        """Raises UsageError for what is both an axis and given, or neither."""
        given = {**self.batch, "model": self.model, "on": self.on, "logits": self.logits, **self.formats}
        for x in found:
            if given.get(x.name) is not None:
                raise UsageError(f"{x.name} is swept over, and given besides: leave one out")
        names = [x.name for x in found]
        if self.model is None and "model" not in names:
            raise UsageError("no model: give one, or an axis such as model=llama-3.1-8b,qwen3-8b")
        if "gpus" in names and self.on is None and "on" not in names:
            raise UsageError("gpus are those of a machine: give one, such as --on h100-sxm")

    def part(self, settings: Mapping[str, Any], numbers: tuple[Axis, ...], names: tuple[str, ...]) -> Part:
        """The tape at some settings."""
        model = self.loaded(settings)
        parsing.known(numbers, model.architecture.sizes)
        swept = [s.symbol(x.symbol) for x in numbers]
        given = {name: value for name, value in self.batch.items() if value is not None}
        step = uniform(given.get("new", 1), given.get("cached", 0), given.get("batch", 1))
        sizes = followed(model, [x for x in swept if s.group(x) == "size"], self.hold)
        checked(model, numbers, sizes)
        formats = {**self.formats, **{x: settings[x] for x in FORMATS if x in settings}}
        for x in filter(None, formats.values()):
            canonical(x)
        rules = settings["rules"].split("+") if "rules" in settings else self.rules
        case = Case(
            model,
            chosen(rules, settings.get("logits", self.logits)),
            formats,
            {x: value for x, value in step.items() if x not in swept},
            sizes,
        )
        tape = case.tape(names, self.platform(settings), swept)
        return Part(tuple(map(parsing.told, settings.values())), Grid(tape, tuple(x.values for x in numbers)))

    def loaded(self, settings: Mapping[str, Any]) -> Model:
        """The model at some settings."""
        found = settings.get("model", self.model)
        return found if isinstance(found, Model) else load(found, self.mtp)

    def platform(self, settings: Mapping[str, Any]) -> Platform | None:
        """The machine at some settings, used as is said."""
        on, count = settings.get("on", self.on), settings.get("gpus", 1)
        if on is None:
            return None
        if isinstance(on, str):
            on = machine(on, self.machines)
        found = platform(on, **self.use) if isinstance(on, Machine) else placed(on)
        return replace(found, machine=found.machine.times(count))


def followed(model: Model, swept: Sequence[Symbol], hold: Sequence[str]) -> dict[Symbol, Expr]:
    """Sizes that are swept, and those that follow one: as the config has it, or in a ratio that is held."""
    ratios = [y.strip() for text in hold for y in text.split(",") if y.strip()]
    found: dict[Symbol, Expr] = {x: x for x in swept}
    for ratio in ratios:
        if ratio.rpartition("/")[2].strip() not in map(str, swept):
            raise UsageError(f"hold {ratio}: give ratios to a size that is swept, such as f/d with an axis d")
    for x in swept:
        own = held(x, tuple(y for y in ratios if y.rpartition("/")[2].strip() == str(x)), model)
        if twice := [y for y in own if y in found and y not in swept]:
            raise UsageError(f"{twice[0]} follows {found[twice[0]]} and {x}: hold it to one")
        found |= {y: expr for y, expr in own.items() if y not in swept}
    return found


def checked(model: Model, numbers: Sequence[Axis], sizes: Mapping[Symbol, Expr]) -> None:
    """Raises UsageError for a combination of sizes that the model cannot have."""
    found = [x for x in numbers if s.group(s.symbol(x.symbol)) == "size"]
    if (count := prod(len(x.values) for x in found)) > SIZES:
        raise UsageError(f"{count:,} combinations of sizes, each of which is checked: give {SIZES:,} at most")
    for values in product(*(x.values for x in found)):
        point = Point(dict(zip((s.symbol(x.symbol) for x in found), values, strict=True)))
        own = {str(x): point.number(expr) for x, expr in sizes.items()}
        try:
            model.with_sizes(**own)
        except UsageError as error:
            told = ", ".join(f"{x.name} = {value}" for x, value in zip(found, values, strict=True))
            part = next((f"{x} would be {value}" for x, value in own.items() if isinstance(value, Fraction)), error)
            raise UsageError(f"at {told}: {part}") from error
