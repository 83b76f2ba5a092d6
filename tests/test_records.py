"""Records held to `dataclasses`: the same source made into a class both ways does the same."""

from __future__ import annotations
import __future__

import copy
import dataclasses
import importlib
import inspect
import pickle
import re
import subprocess
import sys
import typing
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import msgspec
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from autobuilds import records
from autobuilds.domain.build import Attempt, Build, Check

SOURCE = Path(__file__).parents[1] / "src" / "autobuilds"
#: How a field may stand in the body of a class; `{n}` is a number that tells its fields apart.
_FIELDS = (
    "int",
    "int = {n}",
    "float = NAN",
    "str = field(default='d{n}')",
    "list = field(default_factory=list)",
    "tuple = field(default_factory=lambda: ({n},))",
    "int = field(default={n}, compare=False, repr=False)",
    "int = field(compare=False)",
    "str = field(default='m', metadata={{'doc': 'of {n}'}})",
    "int = field(init=False, default={n})",
    "list = field(init=False, default_factory=list)",
    "int = field(init=False)",
    "int = field(init=False, repr=False, compare=False, default={n})",
    "ClassVar[int] = {n}",
    "list = []",
)
_BODIES = (
    "",
    "    def __post_init__(self):\n        object.__setattr__(self, 'a', 7)\n",
    "    def __repr__(self):\n        return 'mine'\n",
    "    def __eq__(self, other):\n        return isinstance(other, type(self))\n",
    "    def __hash__(self):\n        return 5\n",
    "    def __init__(self, *given, **named):\n        object.__setattr__(self, 'e', (given, named))\n",
    "    def __getstate__(self):\n        return []\n    def __setstate__(self, state):\n        pass\n",
    "    __slots__ = ()\n",
    "    twice = property(lambda self: (self.a, self.a))\n",
)
_NAN = float("nan")
_OPTIONS = ("frozen", "slots", "kw_only", "eq")


@st.composite
def _sources(draw: st.DrawFn) -> str:
    """Return the source of one to three classes, each a record that inherits from the one before, or a plain class between them."""
    source, base, before = [], "", draw(st.fixed_dictionaries({name: st.booleans() for name in _OPTIONS}))
    for number in range(draw(st.integers(1, 3))):
        # Most of a line share what is frozen, since anything else is refused at once.
        options = {**before, **draw(st.dictionaries(st.sampled_from(_OPTIONS[1:]), st.booleans()))}
        if draw(st.integers(0, 9)) == 0:
            options["frozen"] = not options["frozen"]
        fields = draw(st.lists(st.tuples(st.sampled_from("abcd"), st.sampled_from(_FIELDS)), max_size=4, unique_by=lambda one: one[0]))
        # A class variable stays one: as a field of a subclass it would come at its old place, which nothing needs.
        fields = [("k" if how.startswith("ClassVar") else name, how) for name, how in fields]
        body = "".join(f"    {name}: {how.format(n=f'{number}{at}'.lstrip('0') or 0)}\n" for at, (name, how) in enumerate(fields))
        methods = draw(st.sampled_from(_BODIES))
        if number and draw(st.integers(0, 3)) == 0:
            source.append(f"class C{number}({base}):\n{methods or '    pass'}\n")
        else:
            said = ", ".join(f"{name}={value}" for name, value in options.items())
            source.append(f"@dataclass({said})\nclass C{number}({base}):\n{body + methods or '    pass'}\n")
        # A default of a field that `__init__` does not take is lost by dataclasses where slots end; records have it.
        assume(not before["slots"] or options["slots"] or "init=False" not in "".join(source))
        base, before = f"C{number}", options
    return "\n".join(source) + f"\nLast = {base}\n"


def _module(source: str, library: ModuleType) -> ModuleType:
    """Return a module of that source, in which records are made by one of the two."""
    module = ModuleType("a_module_of_records")
    sys.modules[module.__name__] = module
    vars(module).update(dataclass=library.dataclass, field=library.field, ClassVar=typing.ClassVar, NAN=_NAN)
    exec(compile(source, "<classes>", "exec", dont_inherit=True, flags=__future__.annotations.compiler_flag), vars(module))
    return module


@pytest.fixture(autouse=True)
def _no_module_stays() -> Iterator[None]:
    yield
    sys.modules.pop("a_module_of_records", None)


def _told(work: Callable[[], Any]) -> object:
    """Return what comes out of some work, or the kind of exception that it ends with."""
    try:
        return work()
    except (TypeError, ValueError, AttributeError, dataclasses.FrozenInstanceError, pickle.PicklingError, LookupError, NameError) as wrong:
        return type(wrong)


def _values(thing: object) -> object:
    return [_told(lambda name=name: repr(getattr(thing, name))) for name in ("a", "b", "c", "d", "twice", "e")]  # type: ignore[misc]


def _described(cls: Any) -> object:
    """Return what can be seen of a class without an instance."""

    def of_field(one: Any) -> object:
        factory = one.default_factory is not dataclasses.MISSING
        return one.name, one.type, repr(one.default), factory, one.init, one.repr, one.compare, one.hash, one.kw_only, dict(one.metadata)

    def parameter(one: inspect.Parameter) -> object:
        return one.name, one.kind, one.default is inspect.Parameter.empty, one.annotation

    return {
        "fields": _told(lambda: [of_field(one) for one in dataclasses.fields(cls)]),
        "signature": [parameter(one) for one in inspect.signature(cls).parameters.values()],
        "match": cls.__match_args__,
        "names": (cls.__name__, cls.__qualname__, cls.__module__, cls.__init__.__qualname__, cls.__init__.__module__),
        "hints": _told(lambda: typing.get_type_hints(cls.__init__)),
        "slots": [vars(base).get("__slots__") for base in cls.__mro__[:-1]],
        "defaults": [_told(lambda name=name: type(getattr(cls, name)).__name__) for name in "abcd"],  # type: ignore[misc]
        "hashable": cls.__hash__ is not None,
        "is": dataclasses.is_dataclass(cls),
    }


def _lived(module: ModuleType, library: ModuleType, calls: list[tuple[list[Any], dict[str, Any]]]) -> object:
    """Return what instances do: their values and texts, how they compare, change, are copied and are stored."""
    cls = module.Last
    made = [_told(lambda call=call: cls(*call[0], **call[1])) for call in calls]  # type: ignore[misc]
    found: list[object] = []
    for one in made:
        found.append(one if isinstance(one, type) else _values(one))
        if isinstance(one, type):
            continue
        found.append(_told(lambda one=one: repr(one)))  # type: ignore[misc]
        found.append(_told(lambda one=one: hash(one) if type(one).__hash__ is not object.__hash__ else "by identity"))  # type: ignore[misc]
        found.append([_told(lambda one=one, other=other: (one == other, one != other)) for other in (*made, 3, one)])  # type: ignore[misc]
        found += [_told(lambda work=work, one=one: repr(work(one))) for work in (dataclasses.asdict, dataclasses.astuple)]  # type: ignore[misc]
        for replace in (library.replace, dataclasses.replace):
            for changes in ({}, {"a": 9}, {"zzz": 9}):
                found.append(_told(lambda one=one, replace=replace, changes=changes: _values(replace(one, **changes))))  # type: ignore[misc]
        found += [_told(lambda work=work, one=one: _values(work(one))) for work in (copy.copy, copy.deepcopy)]  # type: ignore[misc]
        found.append(_told(lambda one=one: _values(pickle.loads(pickle.dumps(one)))))  # type: ignore[misc]
        found.append(_told(lambda one=one: msgspec.json.decode(msgspec.json.encode(one))))  # type: ignore[misc]
        # For names that are no fields, frozen dataclasses with slots fail in `super()` (before Python 3.14).
        slotted = any("__slots__" in vars(base) for base in cls.__mro__)
        for name in [field.name for field in dataclasses.fields(one)] if slotted else ("a", "d", "e"):
            found.append(_told(lambda one=one, name=name: setattr(one, name, 8)))  # type: ignore[misc]
            found.append(_told(lambda one=one, name=name: delattr(one, name)))  # type: ignore[misc]
        found.append(_values(one))
    return found


_CALLS = st.lists(
    st.tuples(st.lists(st.integers(0, 3), max_size=4), st.dictionaries(st.sampled_from("abcdz"), st.integers(0, 3), max_size=4)),
    min_size=1,
    max_size=4,
)


@given(_sources(), _CALLS)
def test_a_record_is_what_dataclasses_would_have_made(source: str, calls: list[tuple[list[Any], dict[str, Any]]]) -> None:
    def told(library: ModuleType, *, looked_at: bool) -> object:
        module = _told(lambda: _module(source, library))
        if not isinstance(module, ModuleType):
            return "refused"
        seen = _described(module.Last) if looked_at else None
        return seen, _lived(module, library, calls)

    assert told(records, looked_at=True) == told(dataclasses, looked_at=True)
    # Instances before anyone has looked at the class, so that nothing is made but by them.
    assert told(records, looked_at=False) == told(dataclasses, looked_at=False)


def test_every_record_of_the_core_is_what_dataclasses_would_have_made(monkeypatch: pytest.MonkeyPatch) -> None:
    seen = 0
    for path in sorted(p for room in ("domain", "policies", "planning", "ports") for p in (SOURCE / room).rglob("*.py")):
        source = path.read_text(encoding="utf-8")
        if "autobuilds.records" not in source:
            continue
        name = ".".join(path.relative_to(SOURCE.parent).with_suffix("").parts)
        ours, plain = importlib.import_module(name), ModuleType(name)
        with monkeypatch.context() as patched:
            patched.setitem(sys.modules, name, plain)
            exec(compile(source.replace("from autobuilds.records import", "from dataclasses import"), path, "exec"), vars(plain))
        for known, cls in vars(plain).items():
            if isinstance(cls, type) and cls.__module__ == name and "__dataclass_fields__" in vars(cls):
                found, wanted = _described(getattr(ours, known)), _described(cls)
                assert {**found, "hints": None} == {**wanted, "hints": None}, known
                seen += 1
    assert seen > 50


@given(st.builds(Check) | st.builds(Attempt) | st.builds(Build))
def test_values_of_the_domain_are_made_from_their_types_and_come_back_from_json(value: object) -> None:
    assert msgspec.json.decode(msgspec.json.encode(value), type=type(value)) == value
    assert pickle.loads(pickle.dumps(value)) == copy.deepcopy(value) == value


def test_a_field_has_a_default_or_a_factory() -> None:
    for library in (records, dataclasses):
        with pytest.raises(ValueError, match="default"):
            library.field(default=1, default_factory=list)


def test_what_is_no_record_has_no_fields() -> None:
    for thing in (3, int, None, object()):
        assert not records.is_dataclass(thing)
        with pytest.raises(TypeError):
            records.fields(thing)  # type: ignore[arg-type]
    assert records.is_dataclass(Check) and records.is_dataclass(Check(text="x", passed=True))
    assert [one.name for one in records.fields(Check)] == [one.name for one in dataclasses.fields(Check)]


def test_fields_and_missing_say_what_they_are() -> None:
    assert repr(records.MISSING) == "MISSING"
    described = repr(records.fields(Check)[0])
    assert "name='text'" in described and "type='str'" in described and "default=MISSING" in described


def test_types_may_stand_as_themselves() -> None:
    def made(library: ModuleType) -> Any:
        class A:
            __annotations__ = {"a": int, "k": typing.ClassVar[int], "b": list[int]}
            a = 1
            k = 2

        return library.dataclass(kw_only=True)(A)

    assert _described(made(records)) == _described(made(dataclasses))


def test_a_class_variable_takes_the_place_of_a_field() -> None:
    source = (
        "@dataclass(frozen=True)\nclass A:\n    a: int\n    b: int\n@dataclass(frozen=True)\nclass Last(A):\n    a: ClassVar[int] = 5\n"
    )
    for library in (records, dataclasses):
        one = _module(source, library).Last(2)
        assert (one.a, one.b, [f.name for f in library.fields(one)]) == (5, 2, ["b"])


def test_a_record_that_holds_itself_is_shown() -> None:
    source = "@dataclass(slots=True)\nclass Last:\n    a: object = None\n"
    shown = []
    for library in (records, dataclasses):
        one = _module(source, library).Last()
        one.a = one
        shown.append(repr(one))
    assert shown == ["Last(a=...)", "Last(a=...)"]


def test_a_default_that_changes_in_a_class_without_slots_reaches_its_instances() -> None:
    source = "@dataclass(frozen=True, slots=True)\nclass A:\n    a: int = 1\n@dataclass(frozen=True)\nclass Last(A):\n    a: int = 2\n"
    for library in (records, dataclasses):
        last = _module(source, library).Last
        assert (last().a, last(a=3).a, last(4).a) == (2, 3, 4)


def test_a_class_that_starts_from_the_one_before_in_its_own_words() -> None:
    source = (
        "@dataclass(frozen=True)\nclass A:\n    a: int\n    b: int = 2\n"
        "class Last(A):\n    def __init__(self):\n        super().__init__(1)\n        object.__setattr__(self, 'e', 3)\n"
    )
    for library in (records, dataclasses):
        one = _module(source, library).Last()
        assert (one.a, one.b, one.e, repr(one)) == (1, 2, 3, "Last(a=1, b=2)")


def test_a_class_of_a_module_that_is_gone_still_makes_instances() -> None:
    module = _module("@dataclass\nclass Last:\n    a: int\n", records)
    del sys.modules[module.__name__]
    assert module.Last(a=3).a == 3


def test_nothing_is_imported_for_records_until_someone_asks_for_the_fields_of_dataclasses() -> None:
    asked = (
        "import sys; from autobuilds.domain.model import Estimate; one = Estimate(min_minutes=1, max_minutes=2); repr(one), hash(one);"
        "before = {'dataclasses', 'inspect'} & set(sys.modules); Estimate.__dataclass_fields__; print(before, 'dataclasses' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", asked], capture_output=True, text=True, check=True)
    assert done.stdout == "set() True\n"


def test_only_records_know_dataclasses() -> None:
    """What they offer is what records have; anything else (InitVar, KW_ONLY, order) would be overlooked in silence."""
    known = re.compile(r"^\s*(?:from dataclasses import|import dataclasses)\b", re.MULTILINE)
    assert [path.name for path in SOURCE.rglob("*.py") if known.search(path.read_text(encoding="utf-8"))] == ["records.py"]


def test_a_plain_subclass_has_attributes_of_its_own_that_change() -> None:
    source = "@dataclass(frozen=True)\nclass A:\n    a: int\nclass Last(A):\n    pass\n"
    for library in (records, dataclasses):
        one = _module(source, library).Last(1)
        one.e = 5
        assert one.e == 5
        del one.e
        assert not hasattr(one, "e")
        for change in (lambda one: setattr(one, "a", 2), lambda one: delattr(one, "a")):
            with pytest.raises(dataclasses.FrozenInstanceError):
                change(one)


def test_what_replace_can_not_change_is_refused() -> None:
    source = "@dataclass\nclass Last:\n    a: int = field(init=False, default=1)\n    b: int = 2\n"
    for library in (records, dataclasses):
        one = _module(source, library).Last()
        assert library.replace(one, b=3).b == 3
        with pytest.raises(ValueError, match="init=False"):
            library.replace(one, a=3)


def test_a_class_with_states_of_its_own_keeps_them() -> None:
    source = (
        "@dataclass(frozen=True, slots=True)\nclass Last:\n    a: int\n"
        "    def __getstate__(self):\n        return [self.a + 1]\n"
        "    def __setstate__(self, state):\n        object.__setattr__(self, 'a', state[0])\n"
    )
    for library in (records, dataclasses):
        assert copy.copy(_module(source, library).Last(1)).a == 2


def test_a_class_that_compares_in_its_own_words_keeps_them() -> None:
    source = "@dataclass(frozen=True, slots=True)\nclass Last:\n    a: int\n    def __eq__(self, other):\n        return True\n"
    for library in (records, dataclasses):
        last = _module(source, library).Last
        assert last(1) == last(2) and hash(last(1)) == hash((1,))
