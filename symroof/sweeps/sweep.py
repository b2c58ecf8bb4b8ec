"""A model over a grid: every combination of some axes, and quantities at each point of it.

    sweep = symroof.load("llama-3.1-8b").sweep({"batch": "1:512:x2", "cached": "0:131072:+4096"}, "flops,bytes")
    sweep["flops"]    # an array of FLOP, in the shape of the grid: 10 by 33
    sweep.frame()     # the same as a table of pandas: batch, cached, flops, bytes

Axes are those of `axes`, settings first, then numbers as they are given; the last one runs fastest. Columns are those
of `columns`, in float64: FLOP, bytes, seconds, joules. Times include steps that do not fit the memory; column `fits`
says which do. Everything is checked, sizes in all their combinations, before the first number is computed.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import product
from typing import Any

from sympy import Expr, Symbol

from symroof import symbols as s
from symroof.algebra.points import Point
from symroof.architecture import layer_counts
from symroof.cost.batch import BATCH_SYMBOLS
from symroof.cost.notation import formula_text
from symroof.errors import UsageError
from symroof.hardware.machines import Machine, machine
from symroof.hardware.platform import Place, Platform, as_platform, platform
from symroof.model import coupled_sizes
from symroof.model.keywords import check_keywords, parameters
from symroof.model.model import Model, Rules, Source, load, rules_with_logits
from symroof.model.operator_formulas import batch_values
from symroof.quantization.weight_formats import element_format, weights_name
from symroof.sweeps import axes as parsing
from symroof.sweeps import backends, columns
from symroof.sweeps.axes import FORMATS, Axis
from symroof.sweeps.columns import Case
from symroof.sweeps.grid import Grid
from symroof.sweeps.plan import MAX_ROWS, Sweep, SweepPart, SweepPlan, check_count
from symroof.sweeps.writers import Header

MAX_SETTINGS = 1000  # combinations of settings
MAX_SIZES = 10**5  # combinations of sizes, each of which is checked
DEFAULT_COLUMNS = ("flops", "bytes")


def sweep(
    model: Model | Source | None,
    over: Mapping[str, Any] | Iterable[str],
    quantities: str | Iterable[str] = (),
    **given: Any,
) -> Sweep:
    """A model over a grid, in memory; arguments as for `plan_sweep`."""
    check_keywords(sweep, given, *parameters(plan_sweep)[3:], *parameters(fixed_arguments)[1:])
    return plan_sweep(model, over, quantities, **given).in_memory()


def plan_sweep(
    model: Model | Source | None,
    over: Mapping[str, Any] | Iterable[str],
    quantities: str | Iterable[str] = (),
    *,
    engine: str = "numpy",
    scheduler: str = "",
    **given: Any,
) -> SweepPlan:
    """A sweep that is ready to be computed: `plan_sweep(model, {"batch": "1:512:x2"}, "flops,time", on="h100-sxm")`.

    `model`: None where it is an axis. `over`: axes, as text (see `axes`) or values; `quantities`: names of columns, by
    default FLOP and bytes, and time on a machine. `given`: arguments of `fixed_arguments`. Raises UsageError.
    """
    backends.check_engine(engine, scheduler)
    swept, fixed = parsing.axes(over), fixed_arguments(model, **given)
    check_swept_axes(swept, fixed)
    settings, numbers = ([x for x in swept if x.setting is wanted] for wanted in (True, False))
    names = column_names(quantities, fixed.on is not None or any(x.name == "on" for x in settings))
    parts = tuple(fixed.part(x, numbers, names) for x in combinations_of(settings))
    header = Header((*settings, *numbers), {x: columns.column_unit(x) for x in names})
    return SweepPlan(header, parts, engine, scheduler)


def fixed_arguments(
    model: Model | Source | None,
    on: Place | None = None,
    new: int | None = None,
    cached: int | None = None,
    batch_size: int | None = None,
    hold: Iterable[str] = (),
    rules: Rules = "standard",
    logits: str | None = None,
    machines: Iterable[Machine] = (),
    use: Mapping[str, Any] | None = None,
    mtp: bool = False,
    **formats: str | None,
) -> "_FixedArguments":
    """What a sweep does not run over.

    `new`, `cached` and `batch_size`: by default 1, 0 and 1, or an axis. `hold`: ratios of sizes to a swept size that
    stay the same, such as "f/d". `machines`: custom machines, by name in axis `on`; `use`: arguments of
    `hardware.platform.platform`; `mtp`: with the layers that predict further tokens, of models by name.
    """
    batch, by_name = {"batch": batch_size, "new": new, "cached": cached}, {x.name: x for x in machines}
    return _FixedArguments(model, on, batch, tuple(hold), rules, logits, by_name, use or {}, mtp, formats)


def column_names(quantities: str | Iterable[str], on_machine: bool) -> tuple[str, ...]:
    """The columns named in texts with commas, without repeats; by default FLOP and bytes, and time on a machine."""
    texts = [quantities] if isinstance(quantities, str) else quantities
    names = dict.fromkeys(columns.column_name(x) for text in texts for x in text.split(",") if x.strip())
    return tuple(names) or (DEFAULT_COLUMNS if not on_machine else (*DEFAULT_COLUMNS, "time"))


def combinations_of(swept: Sequence[Axis]) -> Iterator[dict[str, Any]]:
    """Every combination of the values of axes, by name."""
    return (dict(zip([x.name for x in swept], y, strict=True)) for y in product(*(x.values for x in swept)))


@dataclass(frozen=True)
class _FixedArguments:
    """What a sweep does not run over, in place of axes."""

    model: Model | Source | None
    on: Place | None
    batch: Mapping[str, int | None]
    hold: tuple[str, ...]
    rules: Rules
    logits: str | None
    machines: Mapping[str, Machine]
    use: Mapping[str, Any]
    mtp: bool
    formats: Mapping[str, str | None]

    @property
    def given(self) -> dict[str, Any]:
        """The arguments that could be an axis, by its name."""
        return {**self.batch, "model": self.model, "on": self.on, "logits": self.logits, **self.formats}

    def part(self, settings: Mapping[str, Any], numbers: Sequence[Axis], names: Sequence[str]) -> SweepPart:
        """The columns at some settings, over the axes of numbers."""
        model = self.loaded_model(settings)
        numbers = [replace(x, name=axis_of_size(x.name, model)) for x in numbers]
        parsing.check_axis_names(numbers, model.architecture.sizes)
        swept = [s.symbol(x.symbol) for x in numbers]
        sizes = swept_sizes(model, [x for x in swept if s.group(x) == "size"], self.hold)
        check_size_combinations(model, numbers, sizes)
        case = Case(model, self.rules_at(settings), self.formats_at(settings), self.fixed_batch(swept), sizes)
        program = case.program(names, self.platform(settings), swept)
        texts = tuple(map(parsing.setting_text, settings.values()))
        warnings = tuple(f"{model.name}: {x}" for x in (*model.warnings, *moving_note(sizes)))
        return SweepPart(texts, Grid(program, tuple(x.values for x in numbers)), warnings)

    def fixed_batch(self, swept: Sequence[Symbol]) -> dict[Symbol, int]:
        """The batch where it is not an axis."""
        given = {name: value for name, value in self.batch.items() if value is not None}
        batch = batch_values(given.get("new", 1), given.get("cached", 0), given.get("batch", 1))
        return {x: value for x, value in batch.items() if x not in swept}

    def rules_at(self, settings: Mapping[str, Any]) -> tuple[str, ...]:
        """The rules at some settings."""
        rules = settings["rules"].split("+") if "rules" in settings else self.rules
        return rules_with_logits(rules, settings.get("logits", self.logits))

    def formats_at(self, settings: Mapping[str, Any]) -> dict[str, str | None]:
        """The formats at some settings. Raises UnknownName for an unknown one."""
        formats = {**self.formats, **{x: settings[x] for x in FORMATS if x in settings}}
        for role, x in formats.items():
            if x:
                (weights_name if role in ("weights", "experts") else element_format)(x)
        return formats

    def loaded_model(self, settings: Mapping[str, Any]) -> Model:
        """The model at some settings."""
        model = settings.get("model", self.model)
        return model if isinstance(model, Model) else load(model, self.mtp)

    def platform(self, settings: Mapping[str, Any]) -> Platform | None:
        """The machine at some settings, and how it is used."""
        on, count = settings.get("on", self.on), settings.get("gpus", 1)
        if on is None:
            return None
        if isinstance(on, str):
            on = machine(on, self.machines)
        used = platform(on, **self.use) if isinstance(on, Machine) else as_platform(on)
        return replace(used, machine=used.machine.times(count))


def check_swept_axes(swept: Sequence[Axis], fixed: _FixedArguments) -> None:
    """Raises UsageError for an axis that is given as an argument too, a missing model or machine, too many rows."""
    names = [x.name for x in swept]
    if twice := [x for x in names if fixed.given.get(x) is not None]:
        raise UsageError(f"{twice[0]} is both swept over and given: leave one out")
    if fixed.model is None and "model" not in names:
        raise UsageError("no model: give one, or an axis such as model=llama-3.1-8b,qwen3-8b")
    if "gpus" in names and fixed.on is None and "on" not in names:
        raise UsageError("gpus needs a machine: give one, such as --on h100-sxm")
    check_count(parsing.combination_count(swept), MAX_ROWS)
    if (count := parsing.combination_count(x for x in swept if x.setting)) > MAX_SETTINGS:
        raise UsageError(f"{count} combinations of settings: give {MAX_SETTINGS} at most")


def swept_sizes(model: Model, swept: Sequence[Symbol], hold: Sequence[str]) -> dict[Symbol, Expr]:
    """Sizes that are swept, and those that follow one: as in the config, or in a ratio that is held."""
    sizes: dict[Symbol, Expr] = {x: x for x in swept}
    ratios, sums = coupled_sizes.ratios_and_sums(hold)
    for x, held in held_ratios(ratios, swept, model).items():
        following = {y: expr for y, expr in coupled_sizes.sizes_in_ratio(x, held, model).items() if y not in swept}
        if twice := [y for y in following if y in sizes]:
            raise UsageError(f"{twice[0]} follows {sizes[twice[0]]} and {x}: hold it to one")
        sizes |= following
    kinds = [x for x in swept if layer_counts.kinds_of_layers(model.architecture, str(x))]
    summed = coupled_sizes.layers_of_sum(sums, kinds[0] if kinds else swept[0], model) if swept else {}
    return coupled_sizes.layers_that_follow(sizes, summed, model) | sizes


def axis_of_size(name: str, model: Model) -> str:
    """The name of an axis, of a size by its symbol. Raises UsageError for a key of several sizes."""
    known = name in BATCH_SYMBOLS or name in model.architecture.sizes
    return name if known else model.symbol_of_key(name) or name


def moving_note(sizes: Mapping[Symbol, Expr]) -> Iterator[str]:
    """Which numbers of layers follow a swept one."""
    moving = [f"{x} = {formula_text(form)}" for x, form in sizes.items() if str(x).startswith("L_") and x != form]
    if moving:
        yield f"the layers of each kind change with those that are swept: {', '.join(moving)}"


def held_ratios(ratios: Sequence[str], swept: Sequence[Symbol], model: Model) -> dict[Symbol, tuple[str, ...]]:
    """The ratios to each swept size. Raises UsageError for a ratio to another size."""
    bases = [axis_of_size(x.rpartition("/")[2].strip(), model) for x in ratios]
    for ratio, base in zip(ratios, bases, strict=True):
        if base not in map(str, swept):
            raise UsageError(f"hold {ratio}: give ratios to a size that is swept, such as f/d with an axis d")
    return {x: tuple(y for y, base in zip(ratios, bases, strict=True) if base == str(x)) for x in swept}


def check_size_combinations(model: Model, numbers: Sequence[Axis], sizes: Mapping[Symbol, Expr]) -> None:
    """Raises UsageError for a combination of sizes that the model cannot have."""
    swept = [x for x in numbers if s.group(s.symbol(x.symbol)) == "size"]
    if (count := parsing.combination_count(swept)) > MAX_SIZES:
        raise UsageError(f"{count:,} combinations of sizes, all of which are checked: give {MAX_SIZES:,} at most")
    for point in combinations_of(swept):
        check_sizes(model, point, sizes)


def check_sizes(model: Model, swept: Mapping[str, int], sizes: Mapping[Symbol, Expr]) -> None:
    """Raises UsageError for sizes that the model cannot have, by formulas in the swept ones."""
    point = Point({s.symbol(x): value for x, value in swept.items()})
    values = {str(x): point.number(expr) for x, expr in sizes.items()}
    try:
        model.with_sizes(**values)
    except UsageError as error:
        at = ", ".join(f"{x} = {value}" for x, value in swept.items())
        reason = next((f"{x} would be {value}" for x, value in values.items() if isinstance(value, Fraction)), error)
        raise UsageError(f"at {at}: {reason}") from error
