"""One watched program: its limits, its output, what wakes who watches, and what is said of how it ended."""

from __future__ import annotations

import os
import signal
import sys
import time
from pathlib import Path

import pytest

from autobuilds.adapters import processes
from autobuilds.adapters.supervisor.waking import Wake, waking
from autobuilds.adapters.supervisor.watch import Bounds, Finished, Watcher, _cut, free_space, span_words
from autobuilds.domain.build import Outcome
from autobuilds.domain.ending import Stop
from autobuilds.errors import BadInput

WIDE = Bounds(seconds=30, silence=None, output_bytes=1_000_000, what="the limit of the test")
PYTHON = sys.executable


def watcher(tmp_path: Path, **more) -> Watcher:
    return Watcher(**{"attempt_id": f"watch-{os.getpid()}", "wake": Wake(), "asked": lambda: None, "alone": False, **more})


def run(tmp_path: Path, script: str, bounds: Bounds = WIDE, who: Watcher | None = None, **more) -> Finished:
    who = who or watcher(tmp_path)
    environment = {"PATH": os.environ["PATH"], processes.MARKER: who.attempt_id}
    options = {"cwd": tmp_path, "environment": environment, "output": tmp_path / "out", "bounds": bounds, **more}
    return who.run(["/bin/sh", "-c", script], **options)


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0.5, "0.5 seconds"),
        (90, "90 seconds"),
        (119, "119 seconds"),
        (120, "2 minutes"),
        (59 * 60, "59 minutes"),
        (3600, "1 hour"),
        (61 * 60, "1 h 1 min"),
        (9000, "2 h 30 min"),
        (8 * 3600, "8 hours"),
    ],
)
def test_a_span_in_words(seconds: float, words: str) -> None:
    assert span_words(seconds) == words


def test_a_program_that_ends_says_how_and_what_it_used(tmp_path: Path) -> None:
    found = run(tmp_path, "pwd; echo err >&2; echo $AUTOBUILDS_ATTEMPT; exit 3")
    assert (found.exit_code, found.stop, found.failure, found.clear) == (3, None, None, True)
    assert (tmp_path / "out").read_text() == f"{tmp_path}\nerr\nwatch-{os.getpid()}\n"
    assert 0 < found.seconds < 30
    assert run(tmp_path, "exit 0").exit_code == 0


def test_output_is_appended_and_errors_go_where_they_are_sent(tmp_path: Path) -> None:
    (tmp_path / "out").write_text("before\n")
    (tmp_path / "in").write_text("given\n")
    run(tmp_path, "cat; echo wrong >&2", errors=tmp_path / "err", stdin=tmp_path / "in")
    assert (tmp_path / "out").read_text() == "before\ngiven\n"
    assert (tmp_path / "err").read_text() == "wrong\n"
    assert (tmp_path / "err").stat().st_mode & 0o777 == 0o644 & ~_umask()
    run(tmp_path, "cat; echo done")
    assert (tmp_path / "out").read_text() == "before\ngiven\ndone\n"


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def test_what_can_not_be_started_is_said(tmp_path: Path) -> None:
    who = watcher(tmp_path)
    options = {"cwd": tmp_path, "environment": {}, "output": tmp_path / "out", "bounds": WIDE}
    found = who.run(["no-such-program"], **options)
    assert found == Finished(failure="no-such-program is not installed or not on the PATH")
    assert (found.exit_code, found.stop, found.seconds, found.cpu_seconds, found.peak_rss_bytes, found.clear) == (None, None, 0, 0, 0, True)
    (tmp_path / "plain").write_text("x")
    assert who.run([str(tmp_path / "plain")], **options).failure == f"{tmp_path}/plain can't be started: Permission denied"
    assert who.run(["a\0b"], **options).failure == "a\0b can't be started: embedded null byte"

    def refuse(*_: object, **__: object) -> None:
        raise BadInput("no sandbox")

    assert who.run(["true"], **options, start=refuse).failure == "no sandbox"
    (tmp_path / "link").symlink_to(tmp_path / "elsewhere")
    failure = who.run(["true"], **{**options, "output": tmp_path / "link"}).failure
    assert failure is not None and failure.startswith(f"{tmp_path}/link can't be opened for the output: ")
    assert not (tmp_path / "elsewhere").exists()


@pytest.mark.parametrize(
    ("change", "outcome", "reason"),
    [
        ({"seconds": 0.3}, Outcome.TIMEOUT, "stopped after 0.3 seconds, the limit of the test"),
        ({"silence": 0.3}, Outcome.STALLED, "stopped after 0.3 seconds without output, progress or CPU use"),
    ],
)
def test_a_program_that_takes_too_long_is_stopped(tmp_path: Path, change: dict[str, float], outcome: Outcome, reason: str) -> None:
    found = run(tmp_path, "sleep 60", replace_bounds(**change))
    assert found.stop == Stop(outcome=outcome, reason=reason)
    # A shell that is told so while it waits for its child may end with the child's signal as a status.
    assert found.exit_code in {-signal.SIGTERM, 128 + signal.SIGTERM}
    assert found.clear and not processes.marked(f"watch-{os.getpid()}")
    assert 0.3 <= found.seconds < 30


def replace_bounds(**change) -> Bounds:
    values = {name: getattr(WIDE, name) for name in ("seconds", "silence", "output_bytes", "what")}
    return Bounds(**{**values, **change})


def test_a_flood_is_stopped_and_cut(tmp_path: Path) -> None:
    found = run(tmp_path, "head -c 5000 /dev/zero; sleep 60", replace_bounds(output_bytes=2000))
    assert found.stop is not None and found.stop.outcome is Outcome.TIMEOUT
    assert found.stop.reason == "stopped because its output went over the limit of 2000 bytes"
    assert (tmp_path / "out").stat().st_size == 2000
    assert run(tmp_path, "true", replace_bounds(output_bytes=2000)).stop is None


def test_signs_of_life_keep_it_running(tmp_path: Path) -> None:
    lived: list[int] = []
    seen: list[frozenset[processes.Identity]] = []
    who = watcher(tmp_path, signs=(tmp_path / "sign",), lives=lambda: lived.append(1), noticed=seen.append)
    script = "for n in 1 2 3 4 5 6 7 8; do sleep 0.15; echo $n >> sign; done"
    assert run(tmp_path, script, replace_bounds(silence=1.0), who).stop is None
    assert lived and seen and all(found for found in seen[:1])


def test_whoever_asks_or_looks_stops_it(tmp_path: Path) -> None:
    asked = Stop(outcome=Outcome.STOPPED, reason="asked")
    began = time.monotonic()
    found = run(tmp_path, "sleep 60", WIDE, watcher(tmp_path, asked=lambda: asked if time.monotonic() > began + 0.2 else None))
    assert found.stop == asked
    looked = Stop(outcome=Outcome.STOPPED, reason="looked")
    assert run(tmp_path, "sleep 60", WIDE, watcher(tmp_path, looked=lambda: looked)).stop == looked


def test_what_is_left_of_it_is_ended(tmp_path: Path) -> None:
    found = run(tmp_path, "sleep 60 & exit 4")
    assert (found.exit_code, found.stop, found.clear) == (4, None, True)
    assert not processes.marked(f"watch-{os.getpid()}")


def test_work_is_counted(tmp_path: Path) -> None:
    found = run(
        tmp_path,
        f"{PYTHON} -c 'x = bytearray(30_000_000)\nimport time\nend = time.process_time() + 0.4\nwhile time.process_time() < end: pass'",
    )
    assert 0.4 <= found.cpu_seconds < 5
    assert found.peak_rss_bytes > 30_000_000


def test_a_full_disk_stops_it(tmp_path: Path) -> None:
    free = free_space(tmp_path)
    assert free is not None
    assert free_space(tmp_path / "gone") is None
    bounds = Bounds(seconds=9, silence=None, output_bytes=10**6, what="x", disk=tmp_path, free_bytes=1)
    assert run(tmp_path, "true", bounds).stop is None


@pytest.mark.parametrize(
    ("sizes", "limit", "left"),
    [
        ((50, 50), 100, [50, 50]),
        ((50, 51), 100, [50, 50]),
        ((200, 10), 100, [90, 10]),
        ((10, 200), 100, [10, 90]),
        ((200, 200), 100, [75, 25]),
        ((200, 0), 100, [100, 0]),
        ((200,), 100, [100]),
    ],
)
def test_both_outputs_are_cut_fairly(tmp_path: Path, sizes: tuple[int, ...], limit: int, left: list[int]) -> None:
    files = []
    for number, size in enumerate(sizes):
        (tmp_path / str(number)).write_bytes(b"x" * size)
        files.append(os.open(tmp_path / str(number), os.O_WRONLY))
    _cut(tuple(files), limit)
    assert [os.fstat(file).st_size for file in files] == left
    for file in files:
        os.close(file)


def test_a_signal_wakes_who_waits_and_asks(tmp_path: Path) -> None:
    before, opened = signal.getsignal(signal.SIGTERM), len(os.listdir("/proc/self/fd"))
    with waking() as wake:
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            wake.asked = False
            os.kill(os.getpid(), number)
            began = time.monotonic()
            wake.wait(20)
            assert time.monotonic() - began < 10
            assert wake.asked
        wake.asked = False
        os.kill(os.getpid(), signal.SIGCHLD)
        wake.wait(20)
        assert not wake.asked
        began = time.monotonic()
        wake.wait(0.1)
        assert time.monotonic() - began >= 0.09
        wake.wait(-1)
    assert signal.getsignal(signal.SIGTERM) is before
    assert len(os.listdir("/proc/self/fd")) == opened
    began = time.monotonic()
    Wake().wait(60)
    Wake().wait(-1)
    assert 0.02 <= time.monotonic() - began < 10


class TestProcesses:
    def test_a_sample_adds_up_and_forgets_nothing(self) -> None:
        me = processes.identity(os.getpid())
        assert me is not None
        sampler = processes.Sampler(lambda: {me, processes.Identity(pid=me.pid, created=1.0), processes.Identity(pid=2**30, created=1.0)})
        present, used = sampler.sample()
        assert me in present and used > 0 and sampler.cpu_seconds == used
        assert processes.Identity(pid=2**30, created=1.0) not in present
        first = used
        end = time.process_time() + 0.1
        while time.process_time() < end:
            pass
        _, used = sampler.sample()
        assert 0.1 <= used < first + 5
        assert sampler.cpu_seconds == first + used
        assert sampler.peak_rss_bytes > 10_000_000

    def test_nobody_left_is_seen_twice_before_it_is_believed(self) -> None:
        answers = [set(), {processes.Identity(pid=2**30, created=1.0)}, set(), set()]
        asked: list[int] = []

        def find() -> set[processes.Identity]:
            asked.append(1)
            return answers.pop(0)  # type: ignore[return-value]

        assert processes.stop_all(find, collect=lambda: None)
        assert len(asked) == 4

    def test_what_does_not_die_is_told(self) -> None:
        there = {processes.Identity(pid=2**30, created=1.0)}
        ladder = (processes.Rung(number=signal.SIGTERM, seconds=0.05), processes.Rung(number=signal.SIGKILL, seconds=0.05))
        collected: list[int] = []
        assert not processes.stop_all(lambda: there, ladder=ladder, collect=lambda: collected.append(1))
        assert len(collected) > 2

    def test_the_ladders(self) -> None:
        assert [(rung.number.name, rung.seconds, rung.everyone) for rung in processes.LADDER] == [
            ("SIGINT", 3.0, False),
            ("SIGTERM", 3.0, True),
            ("SIGKILL", 20.0, True),
        ]
        assert [(rung.number.name, rung.seconds, rung.everyone) for rung in processes.SHORT_LADDER] == [
            ("SIGTERM", 1.0, True),
            ("SIGKILL", 20.0, True),
        ]

    def test_this_start_of_the_machine_has_a_name(self) -> None:
        assert processes.boot_id() == processes.boot_id() != ""
        assert processes.boot_id() == processes.boot_id().strip()

    def test_clocks_may_differ_by_a_second(self) -> None:
        me = processes.identity(os.getpid())
        assert me is not None
        assert processes.alive(replace_created(me, 0.9)) and processes.alive(replace_created(me, -0.9))
        assert not processes.alive(replace_created(me, 1.5)) and not processes.alive(replace_created(me, -1.5))

    def test_ended_children_are_collected_but_for_those_of_others(self) -> None:
        mine, others = (os.posix_spawn("/bin/true", ["true"], {}) for _ in range(2))
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline:
            processes.reap(but=(others,))
            try:
                os.kill(mine, 0)
            except ProcessLookupError:
                break
            time.sleep(0.01)
        with pytest.raises(ChildProcessError):
            os.waitpid(mine, 0)
        assert os.waitpid(others, 0)[0] == others


def replace_created(who: processes.Identity, by: float) -> processes.Identity:
    return processes.Identity(pid=who.pid, created=who.created + by)


def test_a_program_yields_the_processor_where_it_is_told_to_and_nobody_else(tmp_path: Path) -> None:
    before = os.nice(0)
    wait = f"for i in $(seq 200); do [ $(nice) -gt {before} ] && break; sleep 0.05; done; "
    run(
        tmp_path,
        f"{wait} nice; sh -c nice",
        Bounds(seconds=30, silence=None, output_bytes=1000, what="the limit", niceness=min(before + 3, 19)),
    )
    assert (tmp_path / "out").read_text().split() == [str(min(before + 3, 19))] * 2
    run(tmp_path, "nice", Bounds(seconds=30, silence=None, output_bytes=1000, what="the limit"), output=tmp_path / "other")
    assert (tmp_path / "other").read_text() == f"{before}\n"
    assert os.nice(0) == before
