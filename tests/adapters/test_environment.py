"""What a supervisor is given: an allow-list of variables, keys by a pipe."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from autobuilds.adapters.runners.environment import handing_over, supervisor_environment

SOURCE = {
    "PATH": "/bin",
    "HOME": "/h",
    "LC_ALL": "C",
    "XDG_CACHE_HOME": "/c",
    "PYTHONPATH": "p",
    "AUTOBUILDS_X": "1",
    "AUTOBUILDS_LABEL": "label",
    "AUTOBUILDS_ATTEMPT": "a-1",
    "AUTOBUILDS_PROGRESS": "p.md",
    "OPENAI_API_KEY": "secret",
    "OTHER": "x",
    "AUTOBUILDS_KEY": "key",
}


def test_only_what_is_listed_is_kept_and_keys_are_handed_over() -> None:
    kept, handed = supervisor_environment(SOURCE, frozenset({"OPENAI_API_KEY", "AUTOBUILDS_KEY", "PATH", "MISSING", "AUTOBUILDS_LABEL"}))
    assert kept == {"PATH": "/bin", "HOME": "/h", "LC_ALL": "C", "XDG_CACHE_HOME": "/c", "PYTHONPATH": "p", "AUTOBUILDS_X": "1"}
    assert handed == {"OPENAI_API_KEY": "secret", "AUTOBUILDS_KEY": "key"}
    assert list(handed) == sorted(handed)


@pytest.mark.parametrize(
    "name",
    [
        *("PATH", "HOME", "USER", "LOGNAME", "SHELL", "LANG", "TERM", "TZ", "TMPDIR", "VIRTUAL_ENV", "SSL_CERT_FILE", "NO_COLOR"),
        *("GIT_CONFIG_NOSYSTEM", "LC_CTYPE", "XDG_STATE_HOME", "PYTHONUTF8", "AUTOBUILDS_WORKSPACE"),
    ],
)
def test_kept(name: str) -> None:
    assert supervisor_environment({name: "x"}, frozenset()) == ({name: "x"}, {})


CODE = """
import os, stat, sys
from autobuilds.adapters.runners.environment import handed_over
print(sorted(handed_over().items()), repr(sys.stdin.read()), *["still a pipe"] * stat.S_ISFIFO(os.fstat(0).st_mode))
"""


def received(stdin: int) -> str:
    return subprocess.run([sys.executable, "-c", CODE], stdin=stdin, capture_output=True, text=True, check=True).stdout.strip()


def test_what_is_handed_over_arrives_and_is_gone() -> None:
    with handing_over({"KEY": "secret é"}) as reader:
        assert reader is not None
        assert received(reader) == "[('KEY', 'secret é')] ''"
    with pytest.raises(OSError):
        os.fstat(reader)


@pytest.mark.parametrize(("content", "arrives"), [(b"[1]", "[] ''"), (b"{", "[] ''"), (b"", "[] ''"), (b'{"a": 1}', "[('a', '1')] ''")])
def test_what_is_no_table_of_variables_is_nothing(content: bytes, arrives: str) -> None:
    reader, writer = os.pipe()
    os.write(writer, content)
    os.close(writer)
    assert received(reader) == arrives
    os.close(reader)


def test_a_file_is_not_taken_for_it() -> None:
    with open(os.devnull, "rb") as nothing:
        assert received(nothing.fileno()) == "[] ''"


def test_nothing_and_too_much_are_not_handed_over() -> None:
    with handing_over({}) as reader:
        assert reader is None
    frame = len('{"k": ""}')
    with handing_over({"k": "x" * (16 * 1024 - frame)}) as reader:
        assert reader is not None
    with handing_over({"k": "x" * (16 * 1024 - frame + 1)}) as reader:
        assert reader is None


def test_all_that_a_pipe_can_hold_is_read() -> None:
    reader, writer = os.pipe()
    size = 64 * 1024
    os.write(writer, b'{"a": "' + b"x" * (size - 9) + b'"}')
    os.close(writer)
    assert len(received(reader)) > size - 9
    os.close(reader)
