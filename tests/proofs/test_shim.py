"""What the proofs rest on: every call that changes something is seen, in every process, and hit where it was aimed at."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import git
from tests.proofs.shim import MISSING, Calls, Control, Mode, Orders, library, read_log

pytestmark = pytest.mark.skipif(library() is None, reason=MISSING)

WRITER = """
import ctypes, os, shutil, subprocess
with open("one", "w") as file:
    file.write("whole")
open("two", "w").close()
ctypes.CDLL(None).renameat2(-100, b"one", -100, b"two", 2)
shutil.copyfile("two", "three")
os.kill(os.getpid(), 0)
subprocess.run(["git", "hash-object", "-w", "three"], check=True, stdout=subprocess.DEVNULL)
os.waitpid(os.posix_spawn(sys.executable, [sys.executable, "-m", "follower"], {"PATH": "/usr/bin"}), 0)
"""


def run(folder: Path, control: Control, code: str) -> subprocess.CompletedProcess[bytes]:
    argv = [sys.executable, "-S", "-c", f"import sys\n{code}"]
    return subprocess.run(argv, cwd=folder, env={**os.environ, **control.environment()}, capture_output=True, check=False)


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    folder = tmp_path / "repo"
    folder.mkdir()
    git(folder, "init", "-q")
    (folder / "follower.py").write_text("import os\nos.mkdir('made-by-a-follower')\n")
    return folder


def test_calls_of_the_whole_tree_are_counted_and_logged_with_what_they_wrote(repo: Path) -> None:
    log = repo.parent / "log"
    control = Control(repo.parent / "control", Orders(log=log, follow=("-m follower",)))
    assert run(repo, control, WRITER).returncode == 0
    calls = list(read_log(log))
    names = [(call.name, Path(call.one).name) for call in calls]
    for seen in (("open", "one"), ("renameat2", "one"), ("posix_spawn", Path(sys.executable).name), ("mkdir", "made-by-a-follower")):
        assert seen in names
    assert [c.data for c in calls if c.name == "write" and c.one == str(repo / "one")] == [b"whole"]
    assert [c.data for c in calls if c.one == str(repo / "three") and c.data] == [b"whole"]
    assert any("/.git/objects/" in call.two and call.name == "link" for call in calls), "git's own calls"
    assert "kill" not in [call.name for call in calls], "signal 0 changes nothing"
    assert len({call.pid for call in calls}) >= 3 and [c.seq for c in calls] == sorted(c.seq for c in calls)
    assert control.count >= len(calls) and control.fired == 0


def test_each_aimed_kill_hits_and_what_came_before_stands(repo: Path) -> None:
    control = Control(repo.parent / "control", Orders())
    code = "import os\nfor n in range(5):\n    os.mkdir(str(n))"
    assert run(repo, control, code).returncode == 0
    assert control.count == 5
    for at in range(1, 6):
        for n in range(5):
            if (repo / str(n)).exists():
                (repo / str(n)).rmdir()
        control.order(Orders(mode=Mode.KILL, at=at))
        assert run(repo, control, code).returncode == -9
        assert (control.fired, control.what) == (1, f"mkdir {repo / str(at - 1)}")
        assert sum((repo / str(n)).exists() for n in range(5)) == at - 1


def test_a_group_dies_with_the_child_that_was_hit(repo: Path) -> None:
    control = Control(repo.parent / "control", Orders(mode=Mode.KILL, at=1, group=True, only=("git hash-object",)))
    code = "import subprocess\nsubprocess.run(['git', 'hash-object', '-w', 'follower.py'])\nopen('after', 'w')"
    argv = [sys.executable, "-S", "-c", code]
    environment = {**os.environ, **control.environment()}
    done = subprocess.run(argv, cwd=repo, env=environment, capture_output=True, check=False, start_new_session=True)
    assert (done.returncode, control.fired) == (-9, 1)
    assert not (repo / "after").exists()


@pytest.mark.parametrize(("sticky", "made"), [(False, ["0", "2"]), (True, ["0"])])
def test_a_call_fails_once_or_from_then_on(repo: Path, sticky: bool, made: list[str]) -> None:
    orders = Orders(mode=Mode.FAIL, at=2, error=errno.ENOSPC, sticky=sticky, calls=Calls.MKDIR)
    control = Control(repo.parent / "control", orders)
    code = "import os\nfor n in '012':\n    try: os.mkdir(n)\n    except OSError as e: assert e.errno == 28"
    assert run(repo, control, code).returncode == 0
    assert sorted(path.name for path in repo.iterdir() if path.name.isdigit()) == made
    assert control.fired == (2 if sticky else 1)


def test_a_write_is_cut_short(repo: Path) -> None:
    control = Control(repo.parent / "control", Orders(mode=Mode.SHORT, at=1, calls=Calls.WRITE))
    assert run(repo, control, "import os\nassert os.write(os.open('f', os.O_CREAT | os.O_WRONLY), b'12345678') == 4").returncode == 0
    assert (repo / "f").read_bytes() == b"1234"


def test_processes_and_paths_are_left_out_as_told(repo: Path) -> None:
    control = Control(repo.parent / "control", Orders(never=("git ",), ignore=("/two",), under=(str(repo),)))
    run(repo, control, "import subprocess\nopen('one', 'w')\nopen('two', 'w')\nopen('../out', 'w')\nsubprocess.run(['git', 'add', 'one'])")
    assert control.count == 3, "one, and the start of git: vfork and execve"
