"""Frozen dataclasses that are cheap to define, for fast start-up.

`dataclasses.dataclass(frozen=True)` generates and compiles six methods per class whenever its module is imported: 0.4
to 2 ms per class, and a command defines two dozen before it does anything. The classes here share their methods.
"""

from dataclasses import MISSING, Field, FrozenInstanceError, dataclass, field, fields
from typing import Any, TypeVar, dataclass_transform

T = TypeVar("T")


@dataclass_transform(frozen_default=True, field_specifiers=(field,))
def frozen(cls: type[T]) -> type[T]:
    """Decorator like `dataclass(frozen=True)`; every field is a parameter. Methods that the class defines stay."""
    record: Any = dataclass(init=False, repr=False, eq=False)(cls)
    record.__dataclass_fields__ = {x.name: x for x in fields(record)}  # without class variables
    for name, method in SHARED.items():
        if name not in cls.__dict__:
            setattr(record, name, method)
    return record  # type: ignore[no-any-return]


class Signature:
    """The signature of a class, for `help` and `inspect`."""

    def __get__(self, _: object, cls: Any) -> Any:
        """One parameter per field, positional or keyword."""
        from inspect import Parameter
        from inspect import Signature as Parameters

        def parameter(x: Field[Any]) -> Parameter:
            value = x.default if x.default_factory is MISSING else x.default_factory
            default = Parameter.empty if value is MISSING else value
            return Parameter(x.name, Parameter.POSITIONAL_OR_KEYWORD, default=default, annotation=x.type)

        return Parameters([parameter(x) for x in cls.__dataclass_fields__.values()])


def _init(self: Any, *args: Any, **kwargs: Any) -> None:
    """Set every field from arguments or its default. Raises TypeError."""
    fields = self.__dataclass_fields__
    if len(args) == len(fields) and not kwargs:  # the usual call where many are made
        self.__dict__.update(zip(fields, args, strict=True))
    else:
        values = _values_by_name(type(self).__qualname__, fields, args, kwargs)
        self.__dict__.update({name: values[name] if name in values else _default(x) for name, x in fields.items()})
    if hasattr(self, "__post_init__"):
        self.__post_init__()


def _values_by_name(cls: str, fields: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> dict[str, Any]:
    """The arguments by field. Raises TypeError for too many, an unknown or a repeated one."""
    positional = dict(zip(fields, args, strict=False))
    wrong = [*kwargs.keys() - fields.keys(), *kwargs.keys() & positional.keys()]
    if wrong or len(args) > len(fields):
        what = f"{wrong[0]!r} given twice or unknown" if wrong else f"{len(args)} values given"
        raise TypeError(f"{cls}: {what}: it takes {', '.join(fields)}")
    return positional | kwargs


def _default(x: Field[Any]) -> Any:
    """The default of a field. Raises TypeError where it has none."""
    if x.default is not MISSING:
        return x.default
    if x.default_factory is MISSING:
        raise TypeError(f"{x.name!r} is missing, a {x.type}")
    return x.default_factory()


def _compared(self: Any) -> tuple[Any, ...]:
    """The values of the fields that comparisons use."""
    return tuple([getattr(self, name) for name, x in self.__dataclass_fields__.items() if x.compare])


def _eq(self: Any, other: object) -> bool:
    return _compared(self) == _compared(other) if other.__class__ is self.__class__ else NotImplemented


def _hash(self: Any) -> int:
    return hash(_compared(self))


def _repr(self: Any) -> str:
    values = (f"{name}={getattr(self, name)!r}" for name, x in self.__dataclass_fields__.items() if x.repr)
    return f"{type(self).__qualname__}({', '.join(values)})"


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
