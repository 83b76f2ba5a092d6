"""What is kept beside the bytecode: only a shortcut, never another answer."""

from __future__ import annotations

import importlib
import os
import pkgutil
import re
import subprocess
import sys
from pathlib import Path

import pytest

import autobuilds
from autobuilds import kept
from autobuilds.domain import patterns


@pytest.fixture(autouse=True)
def _folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep into a folder of the test's own."""
    (tmp_path / "__pycache__").mkdir()
    monkeypatch.setattr(kept, "__file__", str(tmp_path / "kept.py"))
    monkeypatch.setattr(sys, "dont_write_bytecode", False)


def test_what_was_kept_comes_back_only_for_what_it_was_made_of() -> None:
    kept.keep("words", "text 1", {"a": (1, b"2")})
    assert kept.load("words", "text 1") == {"a": (1, b"2")}
    assert kept.load("words", "text 2") is None
    assert kept.load("other", "text 1") is None


@pytest.mark.parametrize("damage", [lambda d: d[:-1], lambda d: b"", lambda d: b"3 of another Python" + d, lambda d: d[:20] + b"\xff" * 40])
def test_what_can_not_be_read_is_made_again(tmp_path: Path, damage: object) -> None:
    kept.keep("words", "text", {"a": 1})
    (file,) = (tmp_path / "__pycache__").iterdir()
    file.write_bytes(damage(file.read_bytes()))  # type: ignore[operator]
    assert kept.load("words", "text") is None


def test_nothing_is_written_where_python_would_not_write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    kept.keep("words", "text", {"a": 1})
    table = kept.Table("things")
    assert table.find("key", lambda: 5) == 5
    assert list((tmp_path / "__pycache__").iterdir()) == []
    monkeypatch.setattr(kept, "__file__", str(tmp_path / "absent" / "kept.py"))
    monkeypatch.setattr(sys, "dont_write_bytecode", False)
    kept.keep("words", "text", {"a": 1})
    assert kept.load("words", "text") is None


def test_a_table_keeps_what_was_new_when_the_command_ends() -> None:
    asked: list[str] = []

    def made(name: str) -> str:
        asked.append(name)
        return name.upper()

    first, second = kept.Table("things"), kept.Table("things")
    assert first.find("a", lambda: made("a")) == first.find("a", lambda: made("a")) == "A"
    first._keep()
    assert second.find("a", lambda: made("a")) == "A"
    assert second.find("b", lambda: made("b")) == "B"
    second._keep()
    third = kept.Table("things")
    assert [third.find(key, lambda: made("c")) for key in ("a", "b")] == ["A", "B"]
    assert asked == ["a", "b"]


def test_a_stamp_tells_another_source(tmp_path: Path) -> None:
    file = tmp_path / "rules.py"
    file.write_text("1")
    before = kept.stamp(str(file))
    os.utime(file, ns=(1, 1))
    assert kept.stamp(str(file)) != before


def test_every_pattern_of_the_program_is_what_re_compiles(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(patterns, "_table", kept.Table("patterns"))
    found = []
    for module in pkgutil.walk_packages(autobuilds.__path__, "autobuilds."):
        if not module.name.endswith("__main__"):
            found += [v._given for v in vars(importlib.import_module(module.name)).values() if isinstance(v, patterns._Compiled)]
    assert len(found) > 150
    for text, flags in found:
        patterns._compiled(text, flags)
    patterns._table._keep()
    monkeypatch.setattr(patterns, "_table", kept.Table("patterns"))
    monkeypatch.setattr(patterns, "_code", lambda text, flags: pytest.fail(f"{text!r} was compiled again"))
    for text, flags in found:
        # re compares patterns by their text, their flags and the code itself.
        assert patterns._compiled(text, flags) == re.compile(text, flags), text
        assert patterns._compiled(text, flags).groupindex == re.compile(text, flags).groupindex


def test_on_another_compiler_patterns_are_compiled_as_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setitem(sys.modules, "re._compiler", None)
        patch.delattr(re, "_compiler")
        assert patterns._code("a", 0) is None
    monkeypatch.setattr(patterns, "_table", kept.Table("patterns"))
    monkeypatch.setattr(patterns, "_code", lambda text, flags: None)
    assert patterns._compiled("a+", 0).findall("baa") == ["aa"]


def test_what_is_damaged_or_of_another_release_is_made_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kept.keep("thing", 1, {"a": 2})
    (path,) = (tmp_path / "__pycache__").iterdir()
    whole = path.read_bytes()
    assert kept.load("thing", 1) == {"a": 2}
    for at in range(len(whole)):
        path.write_bytes(whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :])
        assert kept.load("thing", 1) is None
    path.write_bytes(whole)
    monkeypatch.setattr(kept, "_HEAD", kept._HEAD.replace(b"2 ", b"3 ", 1))
    assert kept.load("thing", 1) is None


def test_a_table_of_another_shape_is_begun_anew() -> None:
    kept.keep("thing", None, [1, 2])
    assert kept.Table("thing").find("key", lambda: "made") == "made"


def test_bytecode_kept_elsewhere_takes_it_along(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "pycache_prefix", str(tmp_path))
    assert Path(kept._path("thing")).is_relative_to(tmp_path)


def test_a_full_disk_leaves_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "__pycache__"
    monkeypatch.setattr(kept.os, "replace", lambda *_: (_ for _ in ()).throw(OSError(28, "No space left on device")))
    kept.keep("thing", None, {})
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize("odd", [(b"", 0, 0, {}, ()), (b"\x01\x02\x03", 0, 0, {}, ()), (b"\xff" * 16, 0, 0, {}, (None,)), (1, 2)])
def test_code_that_is_none_is_compiled_again(odd: tuple[object, ...], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(patterns._table, "find", lambda _key, _make: odd)
    assert patterns.pattern(r"a+b").fullmatch("aab") is not None


def test_a_second_command_compiles_nothing(tmp_path: Path) -> None:
    script = (
        "import sys; from autobuilds import kept; kept.__file__ = sys.argv[1]\n"
        "from autobuilds.domain import patterns\n"
        "made = patterns._code\n"
        "patterns._code = lambda *a: print('compiled', *a) or made(*a)\n"
        "print(patterns.pattern('a+(?P<b>b)').match('aab')['b'])\n"
    )
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    runs = [
        subprocess.run(
            [sys.executable, "-c", script, str(tmp_path / "kept.py")], capture_output=True, text=True, check=True, env=environment
        )
        for _ in range(2)
    ]
    assert [run.stdout for run in runs] == ["compiled a+(?P<b>b) 0\nb\n", "b\n"]
