"""Dataclasses whose methods are made when they are first used.

`dataclasses` writes and compiles six functions for every class when its module is imported, and imports `inspect`: for the two hundred classes
of this program that is a quarter of the time of a short command, of which most classes are never instantiated. Here a class costs its slots;
its `__init__` is compiled by the first instance, and what is left is shared by all. Type checkers see `dataclasses` itself, and so do programs
that ask for `__dataclass_fields__`, which are made when asked for (docs/decisions/0290-records-made-late.md).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dataclasses import MISSING, dataclass, field, fields, is_dataclass, replace
else:
    from operator import attrgetter

    class _Missing:
        """The type of the mark for "no default"."""

        def __repr__(self):
            return "MISSING"

    MISSING = _Missing()

    class Field:
        """One field of a record: its name and annotation (text), its default or the factory of it, and where it takes part."""

        __slots__ = ("compare", "default", "default_factory", "hash", "init", "kw_only", "metadata", "name", "repr", "type")

        def __init__(self, default, default_factory, init, repr_, hash_, compare, metadata, kw_only):
            self.default, self.default_factory, self.init, self.repr = default, default_factory, init, repr_
            self.hash, self.compare, self.metadata, self.kw_only = hash_, compare, metadata or {}, kw_only
            self.name = self.type = None

    def field(
        *,
        default=MISSING,
        default_factory=MISSING,
        init=True,
        repr=True,  # noqa: A002 - the names of dataclasses.field
        hash=None,  # noqa: A002
        compare=True,
        metadata=None,
        kw_only=MISSING,
    ):
        """Return the description of a field that needs more than a default; raises ValueError for a default and a factory."""
        if default is not MISSING and default_factory is not MISSING:
            raise ValueError("a field has a default or a factory of it, not both")
        return Field(default, default_factory, init, repr, hash, compare, metadata, kw_only)

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
                    hash=one.hash,
                    compare=one.compare,
                    metadata=one.metadata,
                    kw_only=one.kw_only,
                )
                plain.name, plain.type, plain._field_type = one.name, one.type, dataclasses._FIELD
                found[one.name] = plain
            for cls in owner.__mro__:
                if "__record_fields__" in vars(cls):
                    cls.__dataclass_fields__ = found
                    break
            return found

    def _own_fields(cls, kw_only):
        """Return the fields of a class: those of its bases, then its own; defaults that are described are set as plain ones."""
        found = {}
        for base in reversed(cls.__mro__[1:]):
            for one in vars(base).get("__record_fields__", ()):
                found[one.name] = one
        for name, annotation in vars(cls).get("__annotations__", {}).items():
            if annotation.startswith(("ClassVar", "typing.ClassVar")):
                continue
            default = vars(cls).get(name, MISSING)
            one = default if isinstance(default, Field) else field(default=default)
            one.name, one.type = name, annotation
            if one.kw_only is MISSING:
                one.kw_only = kw_only
            if type(one.default).__hash__ is None:
                raise ValueError(f"mutable default {type(one.default)} for field {name} is not allowed: use default_factory")
            if one is default:
                if one.default is MISSING:
                    delattr(cls, name)
                else:
                    setattr(cls, name, one.default)
            found[name] = one
        return tuple(found.values())

    def _with_slots(cls, names):
        """Return the class once more, with `__slots__` for the fields that no base has a slot for."""
        inherited = set()
        for base in cls.__mro__[1:]:
            slots = vars(base).get("__slots__", ())
            inherited.update((slots,) if isinstance(slots, str) else slots)
        content = dict(vars(cls))
        for name in names:
            content.pop(name, None)
        content.pop("__dict__", None)
        content.pop("__weakref__", None)
        content["__slots__"] = tuple(name for name in names if name not in inherited)
        again = type(cls)(cls.__name__, cls.__bases__, content)
        again.__qualname__ = cls.__qualname__
        return again

    def _compiled(cls, frozen):
        """Return the `__init__` of a class."""
        known = {"MISSING": MISSING}
        before, keywords, body = ["self"], [], []
        for one in cls.__record_fields__:
            name, value = one.name, one.name
            known[f"_d_{name}"] = one.default if one.default_factory is MISSING else one.default_factory
            if one.init:
                default = "" if one.default is MISSING and one.default_factory is MISSING else f"=_d_{name}"
                if one.default_factory is not MISSING:
                    default, value = "=MISSING", f"_d_{name}() if {name} is MISSING else {name}"
                (keywords if one.kw_only else before).append(name + default)
            elif one.default_factory is not MISSING:
                value = f"_d_{name}()"
            elif one.default is not MISSING:
                value = f"_d_{name}"
            else:
                continue
            if frozen:
                slot = next((vars(base)[name] for base in cls.__mro__ if type(vars(base).get(name)) is _SLOT), None)
                known[f"_s_{name}"] = slot.__set__ if slot else None
                body.append(f" _s_{name}(self, {value})" if slot else f" _set(self, {name!r}, {value})")
            else:
                body.append(f" self.{name} = {value}")
        if hasattr(cls, "__post_init__"):
            body.append(" self.__post_init__()")
        known["_set"] = object.__setattr__
        taken = ", ".join([*before, *(["*", *keywords] if keywords else [])])
        exec(f"def __init__({taken}):\n" + ("\n".join(body) or " pass"), known)  # noqa: S102 - names of fields, which are identifiers
        made = known["__init__"]
        made.__qualname__, made.__module__ = f"{cls.__qualname__}.__init__", cls.__module__
        made.__annotations__ = {one.name: one.type for one in cls.__record_fields__ if one.init} | {"return": None}
        return made

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

    def _repr(self):
        shown = ", ".join(f"{one.name}={getattr(self, one.name)!r}" for one in self.__record_fields__ if one.repr)
        return f"{type(self).__qualname__}({shown})"

    def _values(cls):
        """Return what gives the values that instances are compared by, made once for each class."""
        names = [one.name for one in cls.__record_fields__ if one.compare]
        found = cls.__record_values__ = staticmethod(attrgetter(*names) if names else lambda _: ())
        return found.__func__

    def _eq(self, other):
        if other.__class__ is not self.__class__:
            return NotImplemented
        values = self.__record_values__ or _values(type(self))
        return values(self) == values(other)

    def _hash(self):
        return hash((self.__record_values__ or _values(type(self)))(self))

    def _refuse_set(_self, name, _value):
        from dataclasses import FrozenInstanceError

        raise FrozenInstanceError(f"cannot assign to field {name!r}")

    def _refuse_delete(_self, name):
        from dataclasses import FrozenInstanceError

        raise FrozenInstanceError(f"cannot delete field {name!r}")

    def _getstate(self):
        return [getattr(self, one.name) for one in self.__record_fields__]

    def _setstate(self, state):
        for one, value in zip(self.__record_fields__, state, strict=True):
            object.__setattr__(self, one.name, value)

    def _made(cls, frozen, slots, kw_only, eq):
        found = _own_fields(cls, kw_only)
        if slots:
            cls = _with_slots(cls, [one.name for one in found])
        own = vars(cls)
        cls.__record_fields__ = found
        cls.__record_values__ = None
        cls.__dataclass_fields__ = _Fields()
        cls.__match_args__ = tuple(one.name for one in found if one.init and not one.kw_only)
        if "__init__" not in own:
            late = cls.__init__ = _Init(frozen)
            late.cls = cls
        if "__repr__" not in own:
            cls.__repr__ = _repr
        if eq and "__eq__" not in own:
            cls.__eq__ = _eq
        if eq and own.get("__hash__") is None:
            cls.__hash__ = _hash if frozen else None
        if frozen:
            cls.__setattr__, cls.__delattr__ = _refuse_set, _refuse_delete
            if slots and "__getstate__" not in own:
                cls.__getstate__, cls.__setstate__ = _getstate, _setstate
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
        """Return a record with other values in some of its fields; raises TypeError for names that are none."""
        for one in value.__record_fields__:
            if one.init and one.name not in changes:
                changes[one.name] = getattr(value, one.name)
        return type(value)(**changes)


__all__ = ["MISSING", "dataclass", "field", "fields", "is_dataclass", "replace"]
