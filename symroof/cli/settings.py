"""The options that commands share, read into a model, a batch and machines; sympy is not imported."""

from itertools import chain
from typing import TYPE_CHECKING, Any

from symroof.errors import UnknownName, UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from fractions import Fraction

    from symroof.architecture.structure import Architecture
    from symroof.config.config import Config
    from symroof.hardware.machines import Machine
    from symroof.hardware.platform import Platform
    from symroof.model.model import Model

FORMATS = ("dtype", "weights", "experts", "cache", "activations", "states")
MACHINES = ("on", "inline", "machine_file", "gpus")
RATES = ("compute", "mfu", "mbu", "calibration", "overhead")


class Settings(dict[str, Any]):
    """Values of shared options, by the name of their parameter."""

    def choose(self, *names: str) -> dict[str, Any]:
        """The values of some options, by name."""
        return {name: self[name] for name in names}

    @property
    def formats(self) -> dict[str, Any]:
        """The format of each role, None where it is not set."""
        return self.choose(*FORMATS)

    @property
    def counting(self) -> dict[str, Any]:
        """The rules, the positions of logits, and the formats."""
        return self.choose("rules", "logits", *FORMATS)

    @property
    def rates(self) -> dict[str, Any]:
        """How a machine is used."""
        return self.choose(*RATES)

    @property
    def uniform_batch(self) -> dict[str, Any]:
        """New and cached tokens of each query and the number of queries, None where they are not set."""
        return {"new": self["input_tokens"], "cached": self["cached_tokens"], "batch_size": self["batch_size"]}

    def batch(self) -> dict[str, Any]:
        """The queries of a step as functions take them. Raises UsageError."""
        from symroof.cost.batch import queries

        batch = {
            "new": [*chain(*self["input_tokens"])] or [1],
            "cached": [*chain(*self["cached_tokens"])] or [0],
            "batch_size": self["batch_size"],
        }
        queries(**batch)
        return batch

    def step(self) -> dict[str, Any]:
        """The queries of a step and how they are counted. Raises UsageError."""
        return self.batch() | self.counting

    def load(self) -> "Model":
        """The model with the sizes that were set."""
        return load_model(self["model"], self.get("sizes", ()), self.get("mtp", False))

    def load_with_formats(self) -> "Model":
        """The model, once its formats are known to be valid."""
        from symroof.quantization.precision import precision

        model = self.load()
        precision(model.config, model.architecture, True, **self.formats)
        return model

    @property
    def has_machines(self) -> bool:
        """Whether any machine is named."""
        return bool(self["on"] or self["inline"] or self["machine_file"])

    def machines(self) -> "tuple[Machine, ...]":
        """The machines that were named."""
        from symroof.hardware.machines import machines_from_options

        return machines_from_options(**self.choose(*MACHINES))

    def platforms(self, **more: Any) -> "tuple[Platform, ...]":
        """The machines that were named, at the rates that were set."""
        from symroof.hardware.platform import platform

        return tuple(platform(x, **self.rates, **more) for x in self.machines())

    def machine_prices(self) -> "dict[str, Fraction | None]":
        """The price per hour of one of each machine, by its name. Raises UsageError."""
        machines = self.machines()
        named = {name: price for name, price in self["prices"] if name}
        plain = [price for name, price in self["prices"] if not name]
        if len(named) + len(plain) < len(self["prices"]) or (named and plain):
            raise UsageError("--price: give a price for all, or --price NAME=PRICE once for each machine")
        if named:
            return prices_by_name(named, machines)
        if len(plain) > 1 and not len(plain) == len(machines) == len(self["on"]):
            why = f"{len(plain)} prices for {len(machines)} machines"
            raise UsageError(f"--price: {why}: give one, one for each --on in their order, or NAME=PRICE for each")
        each = plain * len(machines) if len(plain) == 1 else plain or [None] * len(machines)
        return {x.name: price for x, price in zip(machines, each, strict=True)}

    def platform(self) -> "Platform | None":
        """The machine that was named, None where none was. Raises UsageError where several were."""
        if not self.has_machines:
            return None
        platforms = self.platforms()
        if len(platforms) > 1:
            raise UsageError(f"this command takes a single machine, got {len(platforms)}: give one")
        return platforms[0]


def prices_by_name(named: "Mapping[str, Fraction]", machines: "Sequence[Machine]") -> "dict[str, Fraction | None]":
    """The price of each machine from those by name or alias, in any case. Raises UsageError where one has none."""
    names = {alias.lower(): x.name for x in machines for alias in (*x.aliases, x.name)}
    if unknown := [name for name in named if name.lower() not in names]:
        raise UnknownName("machine in --price", unknown[0], [x.name for x in machines])
    prices = {names[name.lower()]: price for name, price in named.items()}
    if missing := [x.name for x in machines if x.name not in prices]:
        raise UsageError(f"--price: none for {missing[0]}: add --price {missing[0]}=2.5")
    return dict(prices)


def read_model(name: str, sizes: tuple[tuple[str, int], ...] = (), mtp: bool = False) -> "tuple[Config, Architecture]":
    """A model's config, and its architecture with the sizes that were set."""
    from symroof.architecture.layer_counts import with_layers_of_kinds
    from symroof.config.config import load_config
    from symroof.config.config_keys import by_symbol
    from symroof.families.registry import read_architecture

    config = load_config(name)
    architecture = read_architecture(config, mtp)
    return config, with_layers_of_kinds(architecture, by_symbol(dict(sizes), config, architecture))


def load_model(name: str, sizes: tuple[tuple[str, int], ...] = (), mtp: bool = False) -> "Model":
    """The model of a name, with the sizes that were set."""
    described = read_model(name, sizes, mtp)
    from symroof.model.model import Model

    return Model(*described)


def split_names(texts: tuple[str, ...]) -> list[str]:
    """The names in comma-separated texts, each once."""
    return list(dict.fromkeys(x.strip() for text in texts for x in text.split(",") if x.strip()))
