"""What is put into a source, what is left out by rule, and how a sample and its interval are found."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.mutation.areas import Equivalent, equivalents, interval, sample, stale
from tests.mutation.mutants import Mutant, functions_of, mutants_of
from tests.mutation.running import chosen_for, needs_import, users_of
from tests.mutation.traces import Test as Traced

ROOT = Path(__file__).resolve().parents[2]


def found(source: str) -> set[tuple[str, str, str]]:
    return {(one.kind, one.before, one.after) for one in mutants_of("m.py", source.encode())}


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("a < b", ("comparison", "a < b", "(a <= b)")),
        ("a < b < c", ("comparison", "a < b < c", "(a < b >= c)")),
        ("a in b", ("comparison", "a in b", "(a not in b)")),
        ("a and b and c", ("boolean", "a and b and c", "(a or b or c)")),
        ("not a", ("not", "not a", "(a)")),
        ("x = 3", ("constant", "3", "2")),
        ("x = True", ("constant", "True", "False")),
        ("x = 'word'", ("string", "'word'", '""')),
        ("x = a + b", ("arithmetic", "a + b", "(a - b)")),
        ("f(a, b=c)", ("argument", "f(a, b=c)", "f(a)")),
        ("x = min(a, b)", ("call", "min(a, b)", "(max(a, b))")),
        ("x = a if b else c", ("condition", "a if b else c", "(c if b else a)")),
        ("x = [a for a in b if a.c]", ("condition", "a.c", "True")),
        ("if a:\n    pass", ("condition", "a", "not (a)")),
        ("def f():\n    return a", ("return", "a", "None")),
        ("def f() -> bool:\n    return a", ("return", "a", "(not (a))")),
        ("for a in b:\n    continue", ("loop", "continue", "break")),
        ("try:\n    pass\nexcept (A, B):\n    pass", ("except", "(A, B)", "(B,)")),
        ("try:\n    pass\nexcept A:\n    pass", ("except", "A", "()")),
        ("with suppress(A):\n    pass", ("except", "suppress(A)", "suppress()")),
        ("a.b = c", ("statement", "a.b = c", "pass")),
        ("raise A", ("statement", "raise A", "pass")),
        ("def f(a=1):\n    pass", ("constant", "1", "2")),
    ],
)
def test_what_is_put_in(source: str, expected: tuple[str, str, str]) -> None:
    assert expected in found(source)


@pytest.mark.parametrize(
    "source",
    [
        '"""A docstring."""',
        "def f():\n    'What it does.'",
        "def f(a: 'int') -> 'str':\n    pass",
        "@given(3)\ndef f():\n    pass",
        "assert a == 1",
        "__all__ = ['a']",
        "__slots__ = ('a',)",
        "x = f'{a == 1}'",
        "x = 'words that people read'",
        "if TYPE_CHECKING:\n    a = 1",
        "x = zip(a, b, strict=True)",
    ],
)
def test_what_is_left_out(source: str) -> None:
    assert found(source) == set()


def test_what_is_stripped_matters_where_the_text_counts() -> None:
    strips = ("call", "a.strip()", "(a.lstrip())")
    assert strips in found("x = a.strip()")
    assert strips not in found("if a.strip() and b:\n    pass") | found("x = [a for a in b if not a.strip()]") | found(
        "x = any(a.strip() for a in b)"
    )


def test_how_often_is_split_does_not_matter_for_the_first_piece() -> None:
    assert ("constant", "1", "2") not in found("x = a.split(b, 1)[0]")
    assert ("constant", "1", "2") in found("x = a.split(b, 1)[-1]")
    assert ("call", "a.split(b)", "(a.rsplit(b))") not in found("x = a.split(b)")
    assert ("call", "a.split(b, 1)", "(a.rsplit(b, 1))") in found("x = a.split(b, 1)")


def test_a_mutant_keeps_the_lines_below_where_they_are() -> None:
    source = b"x = (\n    1\n    + y\n)\nz = 1\n"
    for one in mutants_of("m.py", source):
        assert one.applied(source).count(b"\n") == source.count(b"\n")
        compile(one.applied(source), "m", "exec")
        assert one.line > 4 or one.applied(source).split(b"\n")[4] == b"z = 1"


def test_bytes_are_counted_not_letters() -> None:
    (one,) = (one for one in mutants_of("m.py", 'x = "é", a < b\n'.encode()) if one.after == "(a <= b)")
    assert one.applied('x = "é", a < b\n'.encode()).decode() == 'x = "é", (a <= b)\n'


def test_functions_are_the_outermost_ones() -> None:
    source = b"class A:\n    def f(self):\n        def g():\n            return 1\n        return g\n\nx = 2\n"
    assert functions_of(source) == {3: "A.f", 4: "A.f", 5: "A.f"}
    inner, outside = (one for one in mutants_of("m.py", source) if one.kind == "constant" and one.after in {"2", "3"})
    assert (inner.function, outside.function) == ("A.f", "")
    assert (needs_import(source, inner), needs_import(source, outside)) == (False, True)


def test_the_sample_is_the_same_whatever_else_is_there() -> None:
    many = mutants_of("m.py", b"\n".join(b"a%d = %d" % (n, n) for n in range(200)))
    some = sample(many, 20, 1)
    assert some == sample(list(reversed(many)), 20, 1)
    assert some != sample(many, 20, 2)
    assert len(set(some) & set(sample([one for one in many if one not in some[:2]], 20, 1))) == 18
    assert len(sample(many, 0, 1)) == len(many)


@pytest.mark.parametrize(("killed", "tried", "low", "high"), [(0, 0, 0, 1), (150, 160, 0.888, 0.966), (160, 160, 0.977, 1)])
def test_the_interval(killed: int, tried: int, low: float, high: float) -> None:
    assert interval(killed, tried) == pytest.approx((low, high), abs=0.001)


def test_the_tests_of_the_module_come_first_and_the_fastest_of_them() -> None:
    (one,) = (one for one in mutants_of("src/autobuilds/store/ledger.py", b"def f():\n    return a\n") if one.kind == "return")
    called = frozenset({"src/autobuilds/store/ledger.py:f"})

    def traced(name: str, seconds: float, calls: frozenset[str] = called) -> Traced:
        return Traced(name=name, seconds=seconds, calls=calls)

    tests = [
        traced("tests/cli/test_a.py::far", 0.1),
        traced("tests/store/test_ledger.py::slow", 2.0),
        traced("tests/store/test_ledger.py::fast", 0.2),
        traced("tests/store/test_ledger.py::elsewhere", 0.1, frozenset({"src/autobuilds/store/ledger.py:g"})),
    ]
    order = [test.name.rpartition(":")[2] for test in chosen_for(one, tests, 60)]
    assert order == ["fast", "far", "slow"]
    assert [test.name.rpartition(":")[2] for test in chosen_for(one, tests, 1, "tests/cli/test_a.py::far")] == ["far", "fast"]


def test_what_says_the_name_that_a_line_gives_a_value_is_asked_first(tmp_path: Path) -> None:
    (tmp_path / "src").mkdir()
    source = b"LIMIT = 3\n\n\nclass End:\n    left: int = 0\n\n    def f(self):\n        return 4\n"
    (tmp_path / "src" / "a.py").write_bytes(source)
    (tmp_path / "src" / "b.py").write_bytes(b"def g(end):\n    return end.left\n\n\ndef h(a):\n    return a < LIMIT or LIMITS\n")
    limit, left, inside = (one for one in mutants_of("src/a.py", source) if one.text in {"4", "1", "5"})
    assert [users_of(one, tmp_path) for one in (limit, left, inside)] == [{"src/b.py:h"}, {"src/b.py:g"}, frozenset()]
    near = Traced(name="tests/test_a.py::near", seconds=0.1, calls=frozenset({"src/a.py:End.f"}))
    user = Traced(name="tests/test_b.py::user", seconds=3.0, calls=frozenset({"src/b.py:g"}))
    order = chosen_for(left, [near, user], 60, users=users_of(left, tmp_path))
    assert order == [user], "what calls a user is enough"


def test_what_is_argued_to_change_nothing_is_about_mutants_that_are_there() -> None:
    argued = equivalents()
    files = sorted({f"src/autobuilds/{entry.path}" for entry in argued})
    mutants: list[Mutant] = [one for path in files for one in mutants_of(path, (ROOT / path).read_bytes())]
    assert stale(argued, mutants) == []
    assert all(len(entry.why) > 20 for entry in argued)
    gone = Equivalent(path="store/ledger.py", function="f", before="a", after="b", why="it is not there")
    assert stale([gone], mutants) == [gone]
