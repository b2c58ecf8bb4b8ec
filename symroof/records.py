"""Frozen dataclasses that cost a start next to nothing.

`dataclasses.dataclass(frozen=True)` writes six methods for a class and compiles them whenever its module is imported:
0.4 to 2 ms a class, and a command makes two dozen before it does anything. Those made here share their methods.
"""

from dataclasses import MISSING, Field, FrozenInstanceError, dataclass, field, fields
from typing import Any, TypeVar, dataclass_transform

T = TypeVar("T")


@dataclass_transform(frozen_default=True, field_specifiers=(field,))
def frozen(cls: type[T]) -> type[T]:
    """The class as `dataclass(frozen=True)` makes it, each field a parameter; methods of its own stay."""
    made: Any = dataclass(init=False, repr=False, eq=False)(cls)
    made.__dataclass_fields__ = {x.name: x for x in fields(made)}  # without class variables
    for name, method in SHARED.items():
        if name not in cls.__dict__:
            setattr(made, name, method)
    return made  # type: ignore[no-any-return]


class Signature:
    """The parameters of a class, for `help` and `inspect`."""

    def __get__(self, _: object, cls: Any) -> Any:
        """Its fields, by order or by name."""
        from inspect import Parameter
        from inspect import Signature as Parameters

        def parameter(x: Field[Any]) -> Parameter:
            default = x.default if x.default_factory is MISSING else x.default_factory
            told = Parameter.empty if default is MISSING else default
            return Parameter(x.name, Parameter.POSITIONAL_OR_KEYWORD, default=told, annotation=x.type)

        return Parameters([parameter(x) for x in cls.__dataclass_fields__.values()])


def _init(self: Any, *args: Any, **given: Any) -> None:
    fields = self.__dataclass_fields__
    named = dict(zip(fields, args, strict=False))
    wrong = [*given.keys() - fields.keys(), *given.keys() & named.keys()]
    if wrong or len(args) > len(fields):
        many = f"{wrong[0]!r} given twice or unknown" if wrong else f"{len(args)} values given"
        raise TypeError(f"{type(self).__qualname__}: {many}: it takes {', '.join(fields)}")
    values = named | given
    self.__dict__.update({name: values[name] if name in values else _absent(x) for name, x in fields.items()})
    if hasattr(self, "__post_init__"):
        self.__post_init__()


def _absent(x: Field[Any]) -> Any:
    if x.default is not MISSING:
        return x.default
    if x.default_factory is MISSING:
        raise TypeError(f"{x.name!r} is missing, a {x.type}")
    return x.default_factory()


def _compared(self: Any) -> tuple[Any, ...]:
    return tuple([getattr(self, name) for name, x in self.__dataclass_fields__.items() if x.compare])


def _eq(self: Any, other: object) -> bool:
    return _compared(self) == _compared(other) if other.__class__ is self.__class__ else NotImplemented


def _hash(self: Any) -> int:
    return hash(_compared(self))


def _repr(self: Any) -> str:
    shown = (f"{name}={getattr(self, name)!r}" for name, x in self.__dataclass_fields__.items() if x.repr)
    return f"{type(self).__qualname__}({', '.join(shown)})"


def _setattr(_: Any, name: str, __: object) -> None:
    raise FrozenInstanceError(f"cannot assign to field {name!r}")


def _delattr(_: Any, name: str) -> None:
    raise FrozenInstanceError(f"cannot delete field {name!r}")


SHARED = {
    "__init__": _init,
    "__eq__": _eq,
    "__hash__": _hash,
    "__repr__": _repr,
    "__setattr__": _setattr,
    "__delattr__": _delattr,
    "__signature__": Signature(),
}
