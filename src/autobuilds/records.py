"""Dataclasses whose methods are made when they are first used.

`dataclasses` writes and compiles six functions for every class when its module is imported, and imports `inspect`: for the two hundred classes
of this program that is a quarter of the time of a short command, of which most classes are never instantiated. Here a class costs its slots;
its `__init__` is compiled by the first instance, and what is left is shared by all. Type checkers see `dataclasses` itself, and so do programs
that ask for `__dataclass_fields__`, which are made when asked for (docs/decisions/0290-records-made-late.md).
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dataclasses import MISSING, dataclass, field, fields, is_dataclass, replace
else:
    from operator import attrgetter
    from reprlib import recursive_repr

    class _Missing:
        """The type of the mark for "no default"."""

        def __repr__(self):
            return "MISSING"

    MISSING = _Missing()

    class Field:
        """One field of a record: its name and annotation, its default or the factory of it, and where it takes part."""

        __slots__ = ("compare", "default", "default_factory", "init", "kw_only", "metadata", "name", "repr", "type")

        def __init__(self, default, default_factory, init, repr_, compare, metadata):
            self.default, self.default_factory, self.init, self.repr = default, default_factory, init, repr_
            self.compare, self.metadata = compare, metadata or {}
            self.name = self.type = self.kw_only = None

        def __repr__(self):
            return f"Field({', '.join(f'{name}={getattr(self, name)!r}' for name in ('name', 'type', 'default', 'default_factory'))})"

    def field(
        *,
        default=MISSING,
        default_factory=MISSING,
        init=True,
        repr=True,  # noqa: A002 - the names of dataclasses.field
        compare=True,
        metadata=None,
    ):
        """Return the description of a field that needs more than a default; raises ValueError for a default and a factory."""
        if default is not MISSING and default_factory is not MISSING:
            raise ValueError("a field has a default or a factory of it, not both")
        return Field(default, default_factory, init, repr, compare, metadata)

    class _Fields:
        """The fields as `dataclasses` describes them, for those who ask; made once for each class."""

        def __get__(self, instance, owner):
            import dataclasses

            found = {}
            for one in owner.__record_fields__:
                plain = dataclasses.field(
                    default=dataclasses.MISSING if one.default is MISSING else one.default,
                    default_factory=dataclasses.MISSING if one.default_factory is MISSING else one.default_factory,
                    init=one.init,
                    repr=one.repr,
                    compare=one.compare,
                    metadata=one.metadata,
                    kw_only=one.kw_only,
                )
                plain.name, plain.type, plain._field_type = one.name, one.type, dataclasses._FIELD
                found[one.name] = plain
            _home(owner, "__record_fields__").__dataclass_fields__ = found
            return found

    class _Values:
        """What gives the values that instances are compared by, always a tuple of them; made once for each class that compares."""

        def __get__(self, instance, owner):
            home = _home(owner, "__record_values__")
            names = [one.name for one in home.__record_fields__ if one.compare]
            # attrgetter gives a tuple for two names and more.
            found = attrgetter(*names) if len(names) > 1 else lambda value: tuple(getattr(value, name) for name in names)
            home.__record_values__ = staticmethod(found)
            return found

    def _home(cls, name):
        """Return the class that a name was set for, which is this one or the nearest of its bases."""
        return next(base for base in cls.__mro__ if name in vars(base))

    def _all_fields(cls, frozen, kw_only):
        """Return the fields of a class by name: those of its bases, then its own; defaults that are described are set as plain ones."""
        found = {}
        for base in cls.__mro__[:0:-1]:
            inherited = vars(base).get("__record_fields__")
            if inherited is not None:
                if (base.__setattr__ is _set) is not frozen:
                    raise TypeError("cannot inherit a frozen record from one that is not frozen, nor the other way round")
                for one in inherited:
                    found[one.name] = one
        for name, annotation in vars(cls).get("__annotations__", {}).items():
            if str(annotation).startswith(("ClassVar", "typing.ClassVar")):
                found.pop(name, None)
                continue
            default = getattr(cls, name, MISSING)
            if type(default) is Field:
                one = default
                if one.default is MISSING:
                    delattr(cls, name)
                else:
                    setattr(cls, name, one.default)
            else:
                one = Field(MISSING if type(default) is _SLOT else default, MISSING, True, True, True, None)
            one.name, one.type, one.kw_only = name, annotation, kw_only
            if type(one.default).__hash__ is None:
                raise ValueError(f"mutable default {type(one.default)} for field {name} is not allowed: use default_factory")
            found[name] = one
        return found

    def _positions(found):
        """Return the names of the fields that `__init__` takes by position; raises TypeError for one that needs a value behind one that does not."""
        taken = [one for one in found if one.init and not one.kw_only]
        optional = [one.default is not MISSING or one.default_factory is not MISSING for one in taken]
        if sorted(optional) != optional:
            raise TypeError(f"non-default argument {taken[optional.index(False, optional.index(True))].name!r} follows default argument")
        return tuple(one.name for one in taken)

    def _with_slots(cls, names, made):
        """Return the class once more, with what was made for it and `__slots__` for the fields that no base has a slot for."""
        inherited = set()
        for base in cls.__mro__[1:]:
            slots = vars(base).get("__slots__", ())
            inherited.update((slots,) if isinstance(slots, str) else slots)
        content = dict(vars(cls))
        if "__slots__" in content:
            raise TypeError(f"{cls.__name__} already specifies __slots__")
        for name in (*names, "__dict__", "__weakref__"):
            content.pop(name, None)
        slots = tuple(name for name in names if name not in inherited)
        return type(cls)(cls.__name__, cls.__bases__, {**content, **made, "__slots__": slots, "__qualname__": cls.__qualname__})

    def _compiled(cls, frozen):
        """Return the `__init__` of a class.

        What it uses begins with two underscores, as no name of a field can: such names are mangled in the body of a class.
        """
        # Beside what its module knows, so that its annotations can be read.
        known = {**vars(sys.modules.get(cls.__module__, sys)), "__missing": MISSING, "__set": object.__setattr__}
        before, keywords, body = ["self"], [], []
        for one in cls.__record_fields__:
            name, value = one.name, one.name
            known[f"__d_{name}"] = one.default if one.default_factory is MISSING else one.default_factory
            if one.init:
                default = "" if one.default is MISSING and one.default_factory is MISSING else f"=__d_{name}"
                if one.default_factory is not MISSING:
                    default, value = "=__missing", f"__d_{name}() if {name} is __missing else {name}"
                (keywords if one.kw_only else before).append(name + default)
            elif one.default_factory is not MISSING:
                value = f"__d_{name}()"
            elif one.default is not MISSING and type(getattr(cls, name, None)) is _SLOT:
                value = f"__d_{name}"
            else:
                continue
            if frozen:
                slot = getattr(cls, name, None)
                if type(slot) is _SLOT:
                    known[f"__s_{name}"] = slot.__set__
                    body.append(f" __s_{name}(self, {value})")
                else:
                    body.append(f" __set(self, {name!r}, {value})")
            else:
                body.append(f" self.{name} = {value}")
        if hasattr(cls, "__post_init__"):
            body.append(" self.__post_init__()")
        taken = ", ".join([*before, *(["*", *keywords] if keywords else [])])
        exec(f"def __init__({taken}):\n" + ("\n".join(body) or " pass"), known)  # noqa: S102 - names of fields, which are identifiers
        init = known["__init__"]
        init.__qualname__, init.__module__ = f"{cls.__qualname__}.__init__", cls.__module__
        init.__annotations__ = {one.name: one.type for one in cls.__record_fields__ if one.init} | {"return": None}
        return init

    class _Init:
        """`__init__` until the first instance, or whoever looks at it, has it compiled."""

        __slots__ = ("cls", "frozen")

        def __init__(self, frozen):
            self.frozen = frozen

        def __get__(self, instance, owner):
            made = _compiled(self.cls, self.frozen)
            self.cls.__init__ = made
            return made if instance is None else made.__get__(instance, owner)

    _SLOT = type(_Init.cls)

    @recursive_repr()
    def _repr(self):
        shown = ", ".join(f"{one.name}={getattr(self, one.name)!r}" for one in self.__record_fields__ if one.repr)
        return f"{type(self).__qualname__}({shown})"

    def _eq(self, other):
        if other.__class__ is not self.__class__:
            return NotImplemented
        values = self.__record_values__
        return values(self) == values(other)

    def _hash(self):
        return hash(self.__record_values__(self))

    def _is_fixed(self, name):
        """Whether an attribute of a frozen record can't change: any but those that a plain subclass adds."""
        return "__record_fields__" in vars(type(self)) or any(one.name == name for one in self.__record_fields__)

    def _set(self, name, value):
        if _is_fixed(self, name):
            from dataclasses import FrozenInstanceError

            raise FrozenInstanceError(f"cannot assign to field {name!r}")
        object.__setattr__(self, name, value)

    def _delete(self, name):
        if _is_fixed(self, name):
            from dataclasses import FrozenInstanceError

            raise FrozenInstanceError(f"cannot delete field {name!r}")
        object.__delattr__(self, name)

    def _getstate(self):
        return [getattr(self, one.name) for one in self.__record_fields__]

    def _setstate(self, state):
        for one, value in zip(self.__record_fields__, state, strict=True):
            object.__setattr__(self, one.name, value)

    _FIELDS, _VALUES = _Fields(), _Values()

    def _made(cls, frozen, slots, kw_only, eq):
        own, names = vars(cls), _all_fields(cls, frozen, kw_only)
        found = tuple(names.values())
        made = {"__record_fields__": found, "__dataclass_fields__": _FIELDS, "__match_args__": _positions(found)}
        if "__init__" not in own:
            made["__init__"] = _Init(frozen)
        if "__repr__" not in own:
            made["__repr__"] = _repr
        if eq:
            made["__record_values__"] = _VALUES
            if own.get("__hash__") is None:
                made["__hash__"] = _hash if frozen else None
            if "__eq__" not in own:
                made["__eq__"] = _eq
        if frozen:
            made["__setattr__"], made["__delattr__"] = _set, _delete
            if slots and "__getstate__" not in own:
                made["__getstate__"], made["__setstate__"] = _getstate, _setstate
        if slots:
            cls = _with_slots(cls, names, made)
        else:
            for name, value in made.items():
                setattr(cls, name, value)
        if "__init__" in made:
            made["__init__"].cls = cls
        return cls

    def dataclass(cls=None, /, *, frozen=False, slots=False, kw_only=False, eq=True):
        """Make a class a record, as `dataclasses.dataclass` does."""
        if cls is None:
            return lambda cls: _made(cls, frozen, slots, kw_only, eq)
        return _made(cls, frozen, slots, kw_only, eq)

    def fields(value):
        """Return the fields of a record or of its class; raises TypeError for anything else."""
        try:
            return value.__record_fields__
        except AttributeError:
            raise TypeError("must be called with a record or an instance of one") from None

    def is_dataclass(value):
        """Return whether something is a record or an instance of one."""
        return hasattr(value if isinstance(value, type) else type(value), "__record_fields__")

    def replace(value, /, **changes):
        """Return a record with other values in some of its fields; raises TypeError for names that are none, ValueError for those that `__init__` does not take."""
        for one in value.__record_fields__:
            if not one.init:
                if one.name in changes:
                    raise ValueError(f"field {one.name} is declared with init=False, it cannot be specified with replace()")
            elif one.name not in changes:
                changes[one.name] = getattr(value, one.name)
        return type(value)(**changes)


__all__ = ["MISSING", "dataclass", "field", "fields", "is_dataclass", "replace"]
