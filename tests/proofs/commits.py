"""Commits of ours beside a person's own Git: killed at every call the next one works, and what the person had is as it was."""

from __future__ import annotations

import random
import subprocess
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from tests.proofs.bench import Bench
from tests.proofs.figures import Figures, Options
from tests.proofs.forkserver import ForkServer
from tests.proofs.points import points_of
from tests.proofs.shim import MISSING, Control, Mode, Orders, library

SAMPLE, FULL = 30, 300
#: What is committed by the tool, and what belongs to the person.
OURS = "subagents/active.json"
_FILES = {
    OURS: "0\n",
    "staged.txt": "old\n",
    "unstaged.txt": "old\n",
    "both.txt": "old\n",
    "gone.txt": "old\n",
    "src/far/away.txt": "old\n",
}
#: Ways of a repository to keep references and objects.
STATES = ("loose", "packed", "packed references", "first commit", "foreign lock", "person at work")


def ours(argv: list[str]) -> int:
    """Commit the tool's file as every command does; the fork server runs it. Arguments: the repository's folder."""
    from autobuilds.adapters.git.repo import GitRepo

    GitRepo(Path(argv[0])).commit([OURS], "A transition\n\nEvent: start\n")
    return 0


def by_hand(argv: list[str]) -> int:
    """Commit it as a script would, for comparison."""
    subprocess.run(["git", "add", "--", OURS], cwd=argv[0], check=True)
    return subprocess.run(["git", "commit", "-q", "-m", "A transition", "--", OURS], cwd=argv[0], check=False).returncode


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """What belongs to the person: every entry of the index but ours, and every file but ours."""

    index: tuple[str, ...]
    staged: str
    files: tuple[tuple[str, bytes], ...]


@dataclass(slots=True, kw_only=True)
class Tally:
    """What was counted."""

    points: int = 0
    fired: int = 0
    refused: int = 0
    disturbed: int = 0
    torn: int = 0
    theirs: int = 0
    held_up: int = 0


class Desk:
    """A repository in which a person has staged, unstaged and untracked work."""

    def __init__(self, folder: Path, code: str) -> None:
        self.bench = Bench(base=folder)
        self.code = f"tests.proofs.commits:{code}"
        self.control = Control(folder.parent / f"{folder.name}.control")
        self.written = 0

    @property
    def root(self) -> Path:
        """The repository."""
        return self.bench.root

    def begin(self, state: str) -> None:
        """Put the repository into one of STATES, with the person's work in it and something of ours to commit."""
        if not self.bench.kept(state):
            self.bench.make(_FILES)
            if state == "packed":
                self.bench.git("gc", "-q")
            if state == "packed references":
                self.bench.git("pack-refs", "--all")
            for name in ("staged.txt", "both.txt"):
                (self.root / name).write_text("staged\n")
            self.bench.git("add", "staged.txt", "both.txt")
            self.bench.git("rm", "-q", "--cached", "gone.txt")
            for name in ("unstaged.txt", "both.txt"):
                (self.root / name).write_text("unstaged\n")
            if state == "first commit":
                self.bench.git("update-ref", "-d", "HEAD")
            (self.root / "untracked.txt").write_text("new\n")
            if state == "foreign lock":
                (self.root / ".git" / "index.lock").write_text("")
            self.bench.keep(state)
        self.bench.restore(state)
        self.write()

    def write(self) -> None:
        """Change our file."""
        self.written += 1
        (self.root / OURS).write_text(f"{self.written}\n")

    def commit(self, server: ForkServer, *, killed_at: int = 0) -> int:
        """Commit our file, or be killed at a call; return the exit status."""
        orders = Orders(group=True)
        self.control.order(replace(orders, mode=Mode.KILL, at=killed_at) if killed_at else orders)
        return server.run(self.root, str(self.root), control=self.control, code=self.code).status

    def person(self) -> Person:
        """Return what belongs to the person, as it is now."""
        entries = self.bench.git("ls-files", "-s").split("\n")
        staged = self.bench.git("diff", "--cached", "--raw", "--no-abbrev", "--", ".", f":!{OURS}")
        paths = sorted(p for p in self.root.rglob("*") if p.is_file() and ".git" not in p.relative_to(self.root).parts)
        return Person(
            index=tuple(entry for entry in entries if not entry.endswith(OURS)),
            staged=staged,
            files=tuple((str(p.relative_to(self.root)), p.read_bytes()) for p in paths if str(p.relative_to(self.root)) != OURS),
        )

    def committed(self) -> bool:
        """Whether the last commit holds our file as it is on the disk, and nothing of the person's."""
        names = self.bench.git("show", "--name-only", "--format=", "HEAD").split()
        return names in ([OURS], []) and self.bench.git("show", f"HEAD:{OURS}") == (self.root / OURS).read_text()


class Worker(threading.Thread):
    """A person who commits a file of their own again and again; tries again where Git says that a lock is held."""

    def __init__(self, desk: Desk) -> None:
        super().__init__(daemon=True)
        self.desk = desk
        self.commits = 0
        self.held_up = 0
        self.stop = threading.Event()

    def run(self) -> None:
        """Work until told to stop."""
        while not self.stop.is_set():
            (self.desk.root / "src/far/away.txt").write_text(f"mine {self.commits}\n")
            for command in (["add", "src/far/away.txt"], ["commit", "-q", "-m", f"mine {self.commits}", "--", "src/far/away.txt"]):
                done = subprocess.run(
                    ["git", *command], cwd=self.desk.root, env=self.desk.bench.environment(), capture_output=True, text=True, check=False
                )
                self.held_up += bool(done.returncode)
            self.commits += not done.returncode
            time.sleep(0.002)


def sweep(options: Options, code: str, wanted: int) -> tuple[Tally, list[str]]:
    """Kill commits at `wanted` calls in all, spread over STATES; return what was counted and what was wrong."""
    desk = Desk(options.folder / code, code)
    desk.bench.make({})
    tally, faults = Tally(), []
    with ForkServer(desk.bench.environment()) as server:
        for state in STATES:
            if code == "by_hand" and state not in {"loose", "packed"}:
                continue
            desk.begin(state)
            status = desk.commit(server)
            assert status == 0, f"a commit ends with {status} where nothing is killed ({state})"
            calls = desk.control.count
            points = points_of(calls, -(-wanted // len(STATES)), random.Random(f"{options.seed} {state}"))
            options.say(f"{code}, {state}: {calls} calls, {len(points)} points")
            for at in points:
                faults += [
                    f"{state}, killed at call {at} ({desk.control.what}): {fault}" for fault in _point(desk, server, state, at, tally)
                ]
    return tally, faults


def _point(desk: Desk, server: ForkServer, state: str, at: int, tally: Tally) -> Iterator[str]:
    desk.begin(state)
    before = desk.person()
    worker = Worker(desk) if state == "person at work" else None
    if worker:
        worker.start()
    while True:
        desk.commit(server, killed_at=at)
        if desk.control.fired:
            break
        at = max(1, min(at - 1, desk.control.count))
        desk.write()
    tally.points += 1
    tally.fired += desk.control.fired > 0
    desk.write()
    status = desk.commit(server)
    if worker:
        worker.stop.set()
        worker.join(30)
        tally.theirs += worker.commits
        tally.held_up += worker.held_up
    if status != 0 or (worker is None and not desk.committed()):
        tally.refused += 1
        yield f"the next commit ends with {status}"
        return
    if state == "foreign lock":
        if not (desk.root / ".git" / "index.lock").exists():
            tally.disturbed += 1
            yield "a lock that was somebody else's is gone"
        (desk.root / ".git" / "index.lock").unlink(missing_ok=True)
    if worker:
        desk.bench.git("checkout", "-q", "HEAD", "--", "src/far/away.txt")
        said = desk.bench.git("log", "--format=%s", "--", "src/far/away.txt")
        if said.count("mine") != worker.commits:
            tally.torn += 1
            yield f"{worker.commits} commits of the person, {said.count('mine')} in the history"
    elif desk.person() != before:
        tally.disturbed += 1
        yield "the person's index or working tree is not as it was"
    try:
        desk.bench.git("add", "untracked.txt")
        desk.bench.git("commit", "-q", "-m", "by the person", "--", "untracked.txt")
    except AssertionError as refused:
        tally.refused += 1
        yield f"the person's own commit afterwards: {refused}"
    wrong = desk.bench.wrong()
    tally.torn += bool(wrong)
    yield from wrong


def run(options: Options) -> Figures:
    """Kill commits of ours at each call, and commits by `git add` and `git commit` for comparison."""
    figures = Figures(proof="Commits beside a person's own Git")
    if library() is None:
        figures.skipped.append(MISSING)
        return figures
    wanted = FULL if options.full else SAMPLE
    found, faults = sweep(options, "ours", 10**6 if options.full else wanted)
    figures.count("points", found.points, least=wanted)
    figures.count("kills that fired", found.fired, least=found.points, most=found.points)
    figures.count("next commit refused", found.refused, most=0)
    figures.count("index, working tree or lock of the person disturbed", found.disturbed, most=0)
    figures.count("torn, lost or left behind", found.torn, most=0)
    figures.count("commits that the person made at the same time", found.theirs, least=1)
    figures.count("of the person's commands held up by a lock for a moment", found.held_up)
    figures.faults += faults
    naive, _ = sweep(options, "by_hand", 80 if options.full else 16)
    figures.count("`git add`, `git commit` instead: points", naive.points)
    figures.count("`git add`, `git commit` instead: next commit refused", naive.refused, least=1)
    return figures
