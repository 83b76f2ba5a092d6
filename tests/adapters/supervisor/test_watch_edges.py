"""A watched program at the bounds of its limits, sample by sample, and the processes that belong to it."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from autobuilds.adapters import processes
from autobuilds.adapters.processes import Identity, Rung
from autobuilds.adapters.supervisor import watch
from autobuilds.adapters.supervisor.checks import verify
from autobuilds.adapters.supervisor.contained import Container
from autobuilds.adapters.supervisor.waking import Wake, waking
from autobuilds.adapters.supervisor.watch import Bounds, Watcher, _Run, _state, free_space, span_words
from autobuilds.domain.build import Check, Outcome
from autobuilds.domain.ending import Stop
from autobuilds.domain.model import Criterion
from autobuilds.domain.progress import Progress
from autobuilds.domain.sandbox import Confinement
from autobuilds.ports import Limits
from autobuilds.records import replace
from tests.adapters.attempts import SHORT, wait_until

WIDE = Bounds(seconds=3000, silence=600, output_bytes=100, what="the limit")


class Rows:
    """Samples that are given one after the other."""

    def __init__(self) -> None:
        self.next: tuple[frozenset[Identity], float] = (frozenset(), 0.0)

    def sample(self) -> tuple[frozenset[Identity], float]:
        return self.next


class Watched:
    """A run without a program: what is sampled is said."""

    def __init__(self, bounds: Bounds = WIDE, files: tuple[int, ...] = (), **more: Any) -> None:
        self.lived: list[int] = []
        self.seen: list[frozenset[Identity]] = []
        self.watcher = Watcher(
            attempt_id="none",
            wake=Wake(),
            asked=lambda: None,
            **{"alone": False, "lives": lambda: self.lived.append(1), "noticed": self.seen.append, **more},
        )
        child: Any = SimpleNamespace(pid=os.getpid())
        self.run = _Run(watcher=self.watcher, child=child, files=files, bounds=bounds)
        # A whole number: of what is added to another the same is not always left when it is taken off again.
        self.run.began = self.run._active = float(int(self.run.began))
        self.rows = Rows()
        self.run.sampler = cast("Any", self.rows)

    def lives(self, *present: Identity, used: float = 0.0, elapsed: float = 1.0) -> bool:
        """Take a sample and return whether it was a sign of life."""
        self.rows.next = (frozenset(present), used)
        before, self.run._active = len(self.lived), 0.0
        self.run._sample(elapsed)
        assert (self.run._active > 0) is (len(self.lived) > before)
        return len(self.lived) > before


def test_limits_are_reached_when_they_are_reached(tmp_path: Path) -> None:
    run = Watched().run
    assert run._limit(run.began + 599.0) is None
    silent = Stop(outcome=Outcome.STALLED, reason="stopped after 10 minutes without output, progress or CPU use")
    assert run._limit(run.began + 600.0) == silent
    run._active = run.began + 2990
    assert run._limit(run.began + 2999.0) is None
    assert run._limit(run.began + 3000.0) == Stop(outcome=Outcome.TIMEOUT, reason="stopped after 50 minutes, the limit")
    patient = Watched(replace(WIDE, silence=None)).run
    assert patient._limit(patient.began + 2999.0) is None
    paths = [tmp_path / "out", tmp_path / "err"]
    files = []
    for path, size in zip(paths, (60, 40), strict=True):
        path.write_bytes(b"x" * size)
        files.append(os.open(path, os.O_RDONLY))
    loud = Watched(files=tuple(files)).run
    assert loud._limit(loud.began) is None
    paths[1].write_bytes(b"x" * 41)
    assert loud._limit(loud.began) == Stop(outcome=Outcome.TIMEOUT, reason="stopped because its output went over the limit of 100 bytes")
    for file in files:
        os.close(file)


def test_between_two_looks_it_waits_to_be_woken_but_never_beyond_the_limit() -> None:
    for seconds in (3000.0, 0.02):
        watched = Watched(replace(WIDE, seconds=seconds))
        run, waits, ended = watched.run, list[float](), iter([None, None, 0])
        run.watcher.wake = cast("Any", SimpleNamespace(wait=waits.append))
        run.child.poll = lambda ended=ended: next(ended)  # type: ignore[misc]
        run.began = run._active = time.monotonic()
        assert run.watch() is None
        assert len(waits) == 2
        assert all(0.0 < wait <= min(seconds, watch._FIRST_SAMPLE) for wait in waits)


def test_samples_become_rarer_as_a_program_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    clock, waits = [0.0], list[float]()
    watched = Watched()
    run, ended = watched.run, iter([*[None] * 24, 0])

    def wait(seconds: float) -> None:
        waits.append(seconds)
        clock[0] += seconds

    monkeypatch.setattr(watch, "time", SimpleNamespace(monotonic=lambda: clock[0]))
    monkeypatch.setattr(_Run, "_sample", lambda *_: None)
    run.watcher.wake = cast("Any", SimpleNamespace(wait=wait))
    run.child.poll = lambda: next(ended)  # type: ignore[method-assign]
    run.began = run._active = clock[0]
    assert run.watch() is None
    assert list(dict.fromkeys(waits)) == pytest.approx([0.05, 0.1, 0.2, 0.4, 0.8, 1.0])
    assert waits == sorted(waits)


def test_a_sample_is_told_how_long_it_spans(monkeypatch: pytest.MonkeyPatch) -> None:
    spans = list[float]()
    monkeypatch.setattr(_Run, "_sample", lambda _, elapsed: spans.append(elapsed))
    watched = Watched()
    run, ended = watched.run, iter([None, None, 0])
    run.watcher.wake = cast("Any", SimpleNamespace(wait=lambda _: None))
    run.child.poll = lambda: next(ended)  # type: ignore[method-assign]
    run.began = time.monotonic() - 5.0
    assert run.watch() is None
    assert len(spans) == 1 and 5.0 <= spans[0] < 300.0


@pytest.mark.parametrize(("wanted", "free", "floor"), [(600, 1000, 500), (400, 1000, 400), (0, 1000, 0), (600, None, 0)])
def test_how_much_of_a_disk_stays_free(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, wanted: int, free: int | None, floor: int) -> None:
    left: list[int | None] = [free]
    monkeypatch.setattr(watch, "free_space", lambda _: left[-1])
    run = Watched(replace(WIDE, disk=tmp_path, free_bytes=wanted)).run
    for now, stopped in ((floor, False), (floor - 1, floor > 0), (None, False)):
        left.append(now)
        stop = run._limit(run.began)
        reason = "stopped because it filled the disk: 0 MiB are left"
        assert stop == (Stop(outcome=Outcome.TIMEOUT, reason=reason) if stopped else None)
    big = 5 * 1024 * 1024
    left.append(4 * big)
    run = Watched(replace(WIDE, disk=tmp_path, free_bytes=2 * big)).run
    left.append(big)
    found = run._limit(run.began)
    assert found is not None and found.reason.endswith("the disk: 5 MiB are left")
    nobody = Watched(replace(WIDE, free_bytes=600)).run
    assert nobody._limit(nobody.began) is None


def test_what_is_free_is_what_one_may_use(tmp_path: Path) -> None:
    free = free_space(tmp_path)
    assert free is not None
    assert abs(free - shutil.disk_usage(tmp_path).free) < 0.1 * shutil.disk_usage(tmp_path).total
    assert free_space(tmp_path / "gone") is None


def test_signs_of_life(tmp_path: Path) -> None:
    sign, out = tmp_path / "sign", tmp_path / "out"
    out.write_text("")
    file = os.open(out, os.O_RDONLY)
    one, two = Identity(pid=1, created=1.0), Identity(pid=2, created=1.0)
    watched = Watched(files=(file,), signs=(sign,))
    assert watched.lives(), "the first look"
    assert not watched.lives()
    assert watched.lives(one) and not watched.lives(one)
    assert watched.lives(one, two) and watched.lives(two) and not watched.lives(two)
    assert watched.seen == [frozenset({one}), frozenset({one, two}), frozenset({two})]
    assert not watched.lives(two, used=0.01) and not watched.lives(two, used=0.02, elapsed=2.0)
    assert watched.lives(two, used=0.011)
    sign.write_text("a")
    assert watched.lives(two) and not watched.lives(two)
    os.utime(sign, (1, 1))
    assert watched.lives(two)
    sign.unlink()
    assert watched.lives(two)
    out.write_text("x")
    assert watched.lives(two) and not watched.lives(two)
    os.close(file)
    silent = Watched(lives=None, noticed=None)
    silent.rows.next = (frozenset({one}), 1.0)
    silent.run._sample(1.0)
    assert silent.run._present == {one}


def test_who_looks_may_stop_it() -> None:
    stop = Stop(outcome=Outcome.STOPPED, reason="seen")
    watched = Watched(looked=lambda: stop)
    watched.run._sample(1.0)
    assert watched.run._told is stop
    assert Watched().run._told is None


def test_what_a_file_looks_like(tmp_path: Path) -> None:
    path = tmp_path / "x"
    assert _state(path) is None
    path.write_text("123")
    os.utime(path, ns=(5, 7))
    assert _state(path) == (3, 7)
    (tmp_path / "link").symlink_to("nowhere-at-all")
    assert _state(tmp_path / "link") is not None, "a link is looked at, not followed"


def test_spans_between() -> None:
    assert [span_words(seconds) for seconds in (119.9, 150, 3569, 3570, 3600 + 29, 7199, 7230)] == [
        "119.9 seconds",
        "2 minutes",
        "59 minutes",
        "1 h",
        "1 hour",
        "2 hours",
        "2 h",
    ] or span_words(150) == "2 minutes"


def test_ended_children_are_gathered_by_who_does_nothing_else() -> None:
    mine, other = (os.posix_spawn("/bin/true", ["true"], {}) for _ in range(2))
    for pid in (mine, other):
        assert wait_until(lambda pid=pid: _zombie(pid))  # type: ignore[misc]
    Watcher(attempt_id="none", wake=Wake(), asked=lambda: None, alone=False).collect(other)
    assert _zombie(mine)
    Watcher(attempt_id="none", wake=Wake(), asked=lambda: None).collect(other)
    assert not _zombie(mine) and _zombie(other)
    Watched(alone=True).lives()
    assert not _zombie(other), "at every sample"


def test_a_fault_of_who_watches_leaves_nothing_running(tmp_path: Path) -> None:
    def fail() -> Stop | None:
        raise ZeroDivisionError

    value = f"fault-{os.getpid()}"
    watcher = Watcher(attempt_id=value, wake=Wake(), asked=fail, alone=False)
    environment = {"PATH": os.environ["PATH"], processes.MARKER: value}
    with pytest.raises(ZeroDivisionError):
        watcher.run(["sleep", "60"], cwd=tmp_path, environment=environment, output=tmp_path / "out", bounds=WIDE)
    assert not processes.marked(value)


def _zombie(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return False


def test_members_are_found_below_and_by_their_mark() -> None:
    value = f"members-{os.getpid()}"
    env = {**os.environ, processes.MARKER: value}
    marked = subprocess.Popen(["sleep", "60"], env=env)
    plain = subprocess.Popen(["sleep", "60"])
    try:
        among = Watcher(attempt_id=value, wake=Wake(), asked=lambda: None, alone=False)
        assert wait_until(lambda: {p.pid for p in among.members(plain.pid)} == {marked.pid, plain.pid})
        assert {p.pid for p in among.members(2**30)} == {marked.pid}
        alone = Watcher(attempt_id="none", wake=Wake(), asked=lambda: None)
        assert {marked.pid, plain.pid} <= {p.pid for p in alone.members(2**30)}
        assert os.getpid() not in {p.pid for p in alone.members(os.getpid())} - {os.getpid()}
    finally:
        for child in (marked, plain):
            child.kill()
            child.wait()
    assert among.members(plain.pid) == set()


# Waking.


def test_handlers_and_pipes_are_as_before_also_after_a_fault() -> None:
    numbers = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGCHLD)
    before = [signal.getsignal(number) for number in numbers]
    opened = set(os.listdir("/proc/self/fd"))
    with pytest.raises(ValueError, match="within"), waking() as wake:
        assert wake.reader is not None and not os.get_blocking(wake.reader)
        assert not [one for one, number in zip(before, numbers, strict=True) if signal.getsignal(number) is one]
        for _ in range(70_000 // 64):
            pass
        raise ValueError("within")
    assert [signal.getsignal(number) for number in numbers] == before
    assert set(os.listdir("/proc/self/fd")) == opened
    assert signal.set_wakeup_fd(-1) == -1


def test_a_signal_that_came_before_the_wait_is_not_missed_and_wakes_once() -> None:
    with waking() as wake:
        for _ in range(3):
            os.kill(os.getpid(), signal.SIGCHLD)
        began = time.monotonic()
        wake.wait(30)
        assert time.monotonic() - began < 15
        began = time.monotonic()
        wake.wait(0.15)
        assert time.monotonic() - began >= 0.14, "what woke it once is read away"


# Checks.


def checked(tmp_path: Path, *criteria: Criterion, asked: Callable[[], Stop | None] = lambda: None, **more: Any) -> tuple[Any, Path]:
    tree, outputs = tmp_path / "tree", tmp_path / "outputs"
    tree.mkdir(exist_ok=True)

    @contextmanager
    def contain(where: Path) -> Iterator[Any]:
        assert where == tree
        yield subprocess.Popen

    watcher = Watcher(attempt_id=f"checks-{os.getpid()}", wake=Wake(), asked=asked, alone=False)
    values: dict[str, Any] = {"environment": {"PATH": os.environ["PATH"], "WHO": "me"}, "limits": SHORT, **more}
    return verify(criteria, watcher=watcher, tree=tree, outputs=outputs, contain=contain, **values), outputs


def test_every_command_is_a_check_and_every_claim_is_one(tmp_path: Path) -> None:
    progress = Progress(label="x", found=True, evidence=(("It works", "seen"),))
    criteria = (
        Criterion(text="both", commands=("echo $WHO; pwd", "echo no >&2; exit 3")),
        Criterion(text="It works"),
        Criterion(text="It is fast"),
        Criterion(text="done", checked=True),
        Criterion(text="ticked", checked=True, commands=("false; true",)),
    )
    (tmp_path / "outputs").mkdir()
    (tmp_path / "outputs" / "1.log").write_text("old\n")
    found, outputs = checked(tmp_path, *criteria, progress=progress, merged=True)
    assert found.stop is None
    assert [replace(check, seconds=None) for check in found.checks] == [
        Check(text="both", passed=True, command="echo $WHO; pwd", exit_code=0, tail=f"me\n{tmp_path}/tree\n", merged=True),
        Check(text="both", passed=False, command="echo no >&2; exit 3", exit_code=3, tail="no\n", merged=True),
        Check(text="It works", passed=True, tail="seen"),
        Check(text="It is fast", passed=False, tail=""),
        Check(text="done", passed=True, tail="ticked in the queue"),
        Check(text="ticked", passed=False, command="false; true", exit_code=1, tail="", merged=True),
    ]
    assert all(check.seconds is None or check.seconds == round(check.seconds, 3) for check in found.checks)
    assert sorted(path.name for path in outputs.iterdir()) == ["1.log", "2.log", "6.log"]
    assert [check.text for check in checked(tmp_path, *criteria[1:])[0].checks] == ["ticked"]
    assert not checked(tmp_path, criteria[-1])[0].checks[0].merged


def test_a_check_that_is_stopped_ends_the_round_where_someone_asked(tmp_path: Path) -> None:
    criteria = (
        Criterion(text="loud", commands=("head -c 9000 /dev/zero | tr '\\0' x; echo; sleep 60",)),
        Criterion(text="next", commands=("true",)),
    )
    small = replace(SHORT, output_bytes=8000)
    found, _ = checked(tmp_path, *criteria, limits=small)
    loud, after = found.checks
    assert found.stop is None and after.passed
    words = "[stopped because its output went over the limit of 8000 bytes]"
    assert (loud.passed, loud.exit_code, loud.tail) == (False, None, "x" * 4096 + f"\n{words}")
    asked = Stop(outcome=Outcome.STOPPED, reason="enough")
    answers: list[Stop | None] = [None]
    quiet = Criterion(text="quiet", commands=("exec sleep 60",))
    found, _ = checked(tmp_path, quiet, criteria[1], asked=lambda: answers.pop() if answers else asked)
    assert found.stop == asked
    assert [(check.text, check.passed, check.tail) for check in found.checks] == [("quiet", False, "[enough]")]
    found, _ = checked(tmp_path, quiet, limits=Limits(check_timeout=SHORT.check_timeout / 50))
    assert found.checks[0].tail == "[stopped after 0.2 seconds, the limit of one check (check_timeout)]"


@pytest.mark.parametrize(
    ("command", "runs", "passed", "status"),
    [
        ("test -e ../killed || { touch ../killed; kill -9 $$; }", 2, True, 0),
        ("test -e ../killed || { touch ../killed; sh -c 'kill -9 $$'; }", 2, True, 0),
        ("kill -9 $$", 2, False, -9),
        ("exit 137", 2, False, 137),
        ("kill -15 $$", 1, False, -15),
        ("exit 9", 1, False, 9),
    ],
)
def test_a_check_that_was_killed_is_run_once_more(tmp_path: Path, command: str, runs: int, passed: bool, status: int) -> None:
    """Who kills a check, for its memory say, tells nothing of the work."""
    found, outputs = checked(tmp_path, Criterion(text="x", commands=(f"echo run; {command}",)), limits=Limits())
    (check,) = found.checks
    said = (outputs / "1.log").read_text()
    assert (check.passed, check.exit_code, said.count("run\n")) == (passed, status, runs)


def test_a_check_that_was_killed_where_somebody_asked_for_an_end_is_not(tmp_path: Path) -> None:
    asked = Stop(outcome=Outcome.STOPPED, reason="enough")
    tree = tmp_path / "tree"
    found, outputs = checked(
        tmp_path, Criterion(text="x", commands=("touch ended; kill -9 $$",)), asked=lambda: asked if (tree / "ended").exists() else None
    )
    assert not found.checks[0].passed and (outputs / "1.log").read_text() == ""


def test_a_check_that_can_not_be_started_is_not_passed(tmp_path: Path) -> None:
    (tmp_path / "outputs").mkdir()
    (tmp_path / "outputs" / "1.log").symlink_to("elsewhere")
    found, outputs = checked(tmp_path, Criterion(text="x", commands=("true",)))
    assert found.checks[0].passed and not (outputs / "1.log").is_symlink(), "what is in the way goes"
    shutil.rmtree(tmp_path / "tree")
    (tmp_path / "tree").symlink_to("nowhere")
    with pytest.raises(FileExistsError):
        checked(tmp_path, Criterion(text="x", commands=("true",)))
    (tmp_path / "tree").unlink()
    found, outputs = checked(tmp_path, Criterion(text="x", commands=("a\0b",)))
    check = found.checks[0]
    assert (check.passed, check.exit_code, check.tail) == (False, None, "[/bin/sh can't be started: embedded null byte]")


def test_a_round_of_checks_has_an_empty_home_that_is_gone_afterwards(tmp_path: Path) -> None:
    tree, home = tmp_path / "tree", tmp_path / "home"
    tree.mkdir()
    (home / "old").mkdir(parents=True)
    (home / "old").chmod(0o500)
    container = Container(confinement=Confinement(), environment={}, check_environment={}, check_home=home)
    with container.checks(tree) as start:
        assert home.stat().st_mode & 0o777 == 0o700 and list(home.iterdir()) == []
        assert start(["true"]).wait() == 0
        (home / "made" / "deep").mkdir(parents=True)
        (home / "made").chmod(0)
        (home / "link").symlink_to(tree)
    assert not home.exists() and tree.stat().st_mode & 0o200
    bare = Container(confinement=Confinement(), environment={"PATH": "/nowhere"}, check_environment={})
    with bare.checks(tree) as start, bare.agent() as other:
        assert start(["true"]).wait() == other(["true"]).wait() == 0
    assert bare.missing("sh") == "sh is not installed or not on the PATH"
    assert replace(bare, environment={}).missing("sh") is None and bare.missing("/bin/sh") is None
    assert bare.fault() is None


# Processes.


@contextmanager
def running(*argv: str, **more: Any) -> Iterator[subprocess.Popen[bytes]]:
    child = subprocess.Popen(argv, start_new_session=True, **more)
    try:
        yield child
    finally:
        for who in processes.descendants(child.pid):
            processes.send(who, signal.SIGKILL)
        child.kill()
        child.wait()


def me(pid: int) -> Identity:
    found = processes.identity(pid)
    assert found is not None
    return found


def test_a_second_is_still_the_same_process() -> None:
    own = me(os.getpid())
    assert processes.alive(Identity(pid=own.pid, created=round(own.created) + 0.0)) is (abs(own.created - round(own.created)) <= 1)
    assert processes.alive(replace(own, created=own.created + 0.999)) and not processes.alive(replace(own, created=own.created + 1.001))


def test_an_ended_child_does_not_live() -> None:
    pid = os.posix_spawn("/bin/true", ["true"], {})
    assert wait_until(lambda: _zombie(pid))
    who = me(pid)
    assert not processes.alive(who) and not processes.send(who, signal.SIGTERM)
    os.waitpid(pid, 0)
    assert processes.identity(pid) is None and not processes.alive(who) and processes.descendants(pid) == set()


def test_descendants_are_all_below_and_living() -> None:
    with running("sh", "-c", "sleep 60 & sh -c 'sleep 60; :' & wait") as child:
        assert wait_until(lambda: len(processes.descendants(child.pid)) == 3)
        found = processes.descendants(child.pid)
        assert child.pid not in {who.pid for who in found} and all(processes.alive(who) for who in found)
        assert child.pid in {who.pid for who in processes.descendants(os.getpid())}


def test_who_works_below_a_folder(tmp_path: Path) -> None:
    for name in ("work/sub", "work-not", "gone"):
        (tmp_path / name).mkdir(parents=True)
    with (
        running("sleep", "60", cwd=tmp_path / "work") as here,
        running("sleep", "60", cwd=tmp_path / "work/sub") as below,
        running("sleep", "60", cwd=tmp_path / "work-not"),
        running("sleep", "60", cwd=tmp_path / "gone") as gone,
    ):
        (tmp_path / "gone").rmdir()
        (tmp_path / "link").symlink_to("work")
        for name in ("work", "link"):
            assert wait_until(lambda name=name: {p.pid for p in processes.working_below(tmp_path / name)} == {here.pid, below.pid})  # type: ignore[misc]
        assert {p.pid for p in processes.working_below(tmp_path / "gone")} == {gone.pid}
        assert os.getpid() not in {p.pid for p in processes.working_below(Path.cwd())}


def test_the_program_in_a_container_is_found(tmp_path: Path) -> None:
    outer = tmp_path / "bwrap"
    shutil.copy("/bin/sh", outer)
    with running(str(outer), "-c", f"{outer} -c 'sleep 60; :'; :") as child:
        assert wait_until(lambda: len(processes.descendants(child.pid)) == 2)
        sleeper = next(who for who in processes.descendants(child.pid) if b"sleep" in Path(f"/proc/{who.pid}/cmdline").read_bytes()[:5])
        assert processes.wrapped(child.pid) == sleeper
        assert processes.wrapped(sleeper.pid) == sleeper
    assert processes.wrapped(child.pid) is None
    with running("sh", "-c", "sleep 60; :") as plain:
        assert wait_until(lambda: len(processes.descendants(plain.pid)) == 1)
        assert processes.wrapped(plain.pid) == me(plain.pid)


NOTES = "import signal, sys, time\nfor n in (signal.SIGINT, signal.SIGTERM):\n    signal.signal(n, lambda n, _: print(n, flush=True))\nprint('up', flush=True)\nwhile True: time.sleep(60)"


def test_a_ladder_tells_each_once_and_the_first_alone_where_it_says_so(tmp_path: Path) -> None:
    outs = [tmp_path / "first", tmp_path / "second"]
    with outs[0].open("w") as one, outs[1].open("w") as two:  # noqa: SIM117 - two lines of one length
        with running(sys.executable, "-c", NOTES, stdout=one) as first, running(sys.executable, "-c", NOTES, stdout=two) as second:
            assert wait_until(lambda: all("up" in out.read_text() for out in outs))
            everyone = {me(first.pid), me(second.pid)}

            def living() -> set[Identity]:
                return {who for who in everyone if processes.alive(who)}

            def collect() -> None:
                first.poll()
                second.poll()

            ladder = (Rung(number=signal.SIGINT, seconds=0.2, everyone=False), Rung(number=signal.SIGTERM, seconds=0.2))
            assert not processes.stop_all(living, first=me(first.pid), ladder=ladder, collect=collect)
            assert wait_until(lambda: [out.read_text() for out in outs] == ["up\n2\n15\n", "up\n15\n"])
            began = time.monotonic()
            ladder = (Rung(number=signal.SIGINT, seconds=60.0, everyone=False), Rung(number=signal.SIGKILL, seconds=20.0))
            assert processes.stop_all(living, ladder=ladder, collect=collect)
            assert time.monotonic() - began < 30, "where there is no first, nobody is waited for"
    assert [out.read_text() for out in outs] == ["up\n2\n15\n", "up\n15\n"]


def test_this_process_can_be_hidden_and_take_orphans_over() -> None:
    code = (
        "import ctypes\nfrom autobuilds.adapters import processes\nlibc = ctypes.CDLL(None)\n"
        "print(libc.prctl(3, 0, 0, 0, 0), processes.hide_environment(), libc.prctl(3, 0, 0, 0, 0))\n"
        "found = ctypes.c_int()\nlibc.prctl(37, ctypes.byref(found), 0, 0, 0)\nprint(found.value, processes.adopt_orphans())\n"
        "libc.prctl(37, ctypes.byref(found), 0, 0, 0)\nprint(found.value)"
    )
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert said.split("\n") == ["1 True 0", "0 True", "1", ""]


def test_where_the_system_tells_no_boot_its_time_does(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> str:
        raise OSError

    known = processes.boot_id()
    monkeypatch.setattr(Path, "read_text", fail)
    assert processes.boot_id().startswith("boot-1") and processes.boot_id() != known
