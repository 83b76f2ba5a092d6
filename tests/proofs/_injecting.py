"""One injected error: what can fail how, the scene it happens in, and what is judged then."""

from __future__ import annotations

import errno
import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Self

from tests.proofs._judging import Picture, fingerprint, harmed, left_over, misbehaved, temporary
from tests.proofs._stages import Stages
from tests.proofs.forkserver import Done, ForkServer
from tests.proofs.shim import Calls, Control, Mode, Orders, read_log

APP: Final = "autobuilds.cli.app:run"
#: Findings of `fsck` that say no harm: attempts that a person's `fsck --rebuild` or a crash left behind.
_PASSED_OVER = frozenset({"stray-run", "left-clone"})
#: By the name in the log, what kind of call it is.
KINDS: Final = {
    **dict.fromkeys(("write", "pwrite", "writev", "sendfile", "copy_file_range", "fflush", "fclose"), Calls.WRITE),
    **dict.fromkeys(("rename", "renameat", "renameat2"), Calls.RENAME),
    **dict.fromkeys(("link", "linkat", "symlink", "symlinkat"), Calls.LINK),
    **dict.fromkeys(("unlink", "unlinkat", "remove", "rmdir"), Calls.UNLINK),
    **dict.fromkeys(("mkdir", "mkdirat", "mkfifo", "mkdtemp"), Calls.MKDIR),
    **dict.fromkeys(("truncate", "truncate64", "ftruncate", "ftruncate64"), Calls.TRUNCATE),
    **dict.fromkeys(("fsync", "fdatasync"), Calls.SYNC),
    **dict.fromkeys(("chmod", "fchmod", "fchmodat", "chown", "fchown", "fchownat", "lchown", "utimensat", "futimens"), Calls.MODE),
    **dict.fromkeys(("fork", "vfork", "execve", "posix_spawn", "posix_spawnp"), Calls.SPAWN),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Error:
    """One kind of injected error."""

    name: str
    #: The calls that can fail so.
    calls: Calls
    number: int = 0
    mode: Mode = Mode.FAIL
    sticky: bool = False
    #: Whether programs that the command starts (Git) meet it too.
    children: bool = True

    @property
    def clean(self) -> bool:
        """Whether a file can still be removed under it, so that no temporary one may be left."""
        return not self.calls & Calls.UNLINK


_FULL = Calls.OPEN | Calls.WRITE | Calls.RENAME | Calls.LINK | Calls.MKDIR | Calls.SYNC
_ANY = _FULL | Calls.UNLINK | Calls.TRUNCATE | Calls.MODE
_DENIED = Calls.OPEN | Calls.RENAME | Calls.LINK | Calls.UNLINK | Calls.MKDIR | Calls.MODE
#: The calls that a signal can interrupt; a program that is interrupted for ever never ends, so once alone.
_SLOW = Calls.OPEN | Calls.WRITE | Calls.SYNC
ERRORS: Final = tuple(
    Error(name=f"{name}{' from then on' if sticky else ''}", number=number, calls=calls, sticky=sticky, mode=mode, children=children)
    for name, number, calls, stickies, mode, children in (
        ("ENOSPC", errno.ENOSPC, _FULL, (False, True), Mode.FAIL, True),
        ("EIO", errno.EIO, _ANY, (False, True), Mode.FAIL, True),
        ("EACCES", errno.EACCES, _DENIED, (False, True), Mode.FAIL, True),
        ("EMFILE", errno.EMFILE, Calls.OPEN, (False, True), Mode.FAIL, True),
        ("EINTR", errno.EINTR, _SLOW, (False,), Mode.FAIL, False),
        ("short write", 0, Calls.WRITE, (False, True), Mode.SHORT, True),
        ("EAGAIN at a start", errno.EAGAIN, Calls.SPAWN, (False, True), Mode.FAIL, True),
        ("EIO at reading", errno.EIO, Calls.READ, (False, True), Mode.FAIL, False),
        ("EACCES at reading", errno.EACCES, Calls.READ, (False,), Mode.FAIL, False),
    )
    for sticky in stickies
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """A command on a stage."""

    stage: str
    argv: tuple[str, ...]
    code: str = APP
    #: Of the points of this scene one in so many is tried; those that start supervisors take a second each.
    one_in: int = 1

    @property
    def starts(self) -> bool:
        """Whether it starts an attempt or runs one, so that what comes after it differs."""
        return self.code != APP or self.stage == "submitted"

    @property
    def name(self) -> str:
        """The command as it is told."""
        return f"{self.stage}: {' '.join(self.argv) or 'supervisor'}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """One injection."""

    scene: Scene
    error: Error
    at: int

    @property
    def name(self) -> str:
        """What is needed to try it again."""
        return f"{self.scene.name}, {self.error.name} at call {self.at}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """A scene as it goes without an error."""

    before: Picture
    after: Picture
    #: What stands there once what was started has ended and a heartbeat has seen it; a heartbeat that takes long sees it itself.
    settled: Picture
    status: int
    #: Calls by kind, of the command's own process and of all.
    own: Counter[Calls]
    all: Counter[Calls]

    def points(self, scene: Scene, error: Error) -> int:
        """Return how many calls of a scene can meet an error."""
        counted = self.all if error.children else self.own
        return sum(number for kind, number in counted.items() if kind & error.calls)


@dataclass(slots=True)
class Worker:
    """One fork server with stages of its own; several may work at the same time."""

    folder: Path
    #: Where the stages are put; a folder of its own where it is not given.
    place: Path | None = None
    #: So often a state in which a point leaves the workspace is looked at: the command runs again, then heartbeats, then `fsck`.
    looks: int = 3
    #: One in so many points is looked at besides, though its state was looked at so often.
    again: int = 10
    counts: Counter[str] = field(default_factory=Counter)
    faults: list[str] = field(default_factory=list)
    stages: Stages = field(init=False)
    server: ForkServer = field(init=False)
    control: Control = field(init=False)
    known: dict[Scene, Known] = field(default_factory=dict)
    #: How often which state was looked at, after which scene, ended well or not.
    seen: Counter[tuple[Scene, bool, bytes]] = field(default_factory=Counter)

    def __enter__(self) -> Self:
        self.folder.mkdir()
        self.stages, self.server = Stages.make(self.folder, self.place or self.folder / "place", lambda env: ForkServer(env).__enter__())
        self.control = Control(self.folder / "control")
        return self

    def __exit__(self, *_: object) -> None:
        self.server.__exit__(None, None, None)
        self.control.close()

    def orders(self, **given: object) -> Orders:
        """Return orders that count what happens in the workspace and in the home."""
        return Orders(under=(str(self.stages.place),), ignore=("/sitecustomize",), **given)  # type: ignore[arg-type]

    def look(self, scene: Scene) -> Known:
        """Return how a scene goes without an error; found out once."""
        if scene not in self.known:
            self.stages.put(scene.stage)
            before = Picture.of(self.stages.ground)
            log = self.folder / "log"
            log.unlink(missing_ok=True)
            self.control.order(self.orders(log=log, calls=Calls.CHANGES | Calls.READ))
            done = self.do(scene)
            calls = list(read_log(log))
            own = min(call.pid for call in calls)
            kinds = [(call.pid == own, _kind(call.name, call.number)) for call in calls]
            after = Picture.of(self.stages.ground)
            if scene.starts:
                self.control.order(self.orders())
                self.server.run(self.stages.ground.root, "heartbeat", "--monitor", code=scene.code if scene.argv else APP)
            self.known[scene] = Known(
                before=before,
                after=after,
                settled=Picture.of(self.stages.ground) if scene.starts else after,
                status=done.status,
                own=Counter(kind for mine, kind in kinds if mine),
                all=Counter(kind for _, kind in kinds),
            )
        return self.known[scene]

    def do(self, scene: Scene) -> Done:
        """Run the scene's command with the control file as it is."""
        return self.server.run(self.stages.ground.root, *scene.argv, code=scene.code, control=self.control, patience=90.0)

    def try_out(self, point: Point) -> None:
        """Inject one error and judge what came of it, then let the command run again without it."""
        scene, error, known = point.scene, point.error, self.look(point.scene)
        self.stages.put(scene.stage)
        never = () if error.children else ("git ",)
        orders = self.orders(mode=error.mode, at=point.at, error=error.number, sticky=error.sticky, calls=error.calls, never=never)
        self.control.order(orders)
        done = self.do(scene)
        self.counts["tried"] += 1
        if not self.control.fired:
            self.counts["not reached"] += 1
            return
        self.counts["injected"] += 1
        self.counts[f"{error.name}"] += 1
        met = self.control.what
        now = Picture.of(self.stages.ground)
        # Nobody reads what a supervisor prints; what it could not record is found by the next heartbeat.
        wrong = [("misbehaved", said) for said in (misbehaved(done),) if said and scene.argv]
        wrong += [("lost or torn", harm) for harm in harmed(known.before, known.after, now, known.settled)]
        # Where builds run meanwhile the queue says how far they are, which differs from run to run.
        seen = done.status != known.status or (not scene.starts and now.queue != known.after.queue)
        if error.name == "EINTR" and seen:
            wrong.append(("seen interruptions", f"status {done.status}: {done.said[-200:]!r}"))
        if (error.clean or not error.sticky) and not met.startswith(("unlink", "rmdir", "remove")):
            wrong += [("temporary files left", str(left)) for left in (left_over(known.before, known.after, now, known.settled),) if left]
        if self.new(scene, known, done) or wrong or self.counts["tried"] % self.again == 0:
            self.counts["looked at afterwards"] += 1
            wrong += [("not right afterwards", said) for said in self.afterwards(scene, known, done)]
        for kind, said in wrong:
            self.counts[kind] += 1
            self.faults.append(f"{kind}: {point.name} [{met.replace(str(self.stages.place), '')}]: {said}; it said {done.said[-250:]!r}")

    def new(self, scene: Scene, known: Known, done: Done) -> bool:
        """Whether the state in which a command left the workspace was not looked at often enough yet; counts it as looked at."""
        state = (scene, done.status == known.status, fingerprint(self.stages.ground))
        self.seen[state] += 1
        return self.seen[state] <= self.looks

    def afterwards(self, scene: Scene, known: Known, done: Done) -> Iterator[str]:
        """Yield what does not work, or does not agree, once the error is gone."""
        self.control.order(self.orders())
        if done.status != known.status and scene.argv:
            again = self.do(scene)
            # A start that was recorded before the error is adopted by the next heartbeat; until then it can't be started again.
            recorded = scene.starts and "can't start now" in again.said
            if not recorded and (misbehaved(again) or (again.status not in {known.status, 1, 2} and not scene.starts)):
                yield f"again it ended with {again.status}: {again.said[-200:]!r}"
        later = self.server.run(self.stages.ground.root, code="tests.proofs.faults:later")
        if later.status != 0 or misbehaved(later):
            yield f"afterwards: status {later.status}: {later.said[-300:]!r}"
            return
        now = Picture.of(self.stages.ground)
        yield from harmed(known.before, known.after if not scene.starts else now, now)
        if left := temporary(known.before, known.after, now, git=False):
            yield f"left after the next heartbeat: {left}"
        for one in json.loads(later.said.partition("{")[1] + later.said.partition("{")[2])["findings"]:
            self.counts["pages that wait for the next commit"] += "BUILD_STATUS.md differs" in one["message"]
            if one["kind"] not in _PASSED_OVER and "BUILD_STATUS.md differs" not in one["message"]:
                yield f"fsck: {one['kind']}: {one['message']}"


def _kind(name: str, number: int) -> Calls:
    if name in KINDS:
        return KINDS[name]
    writes = 0o1 | 0o2 | 0o100 | 0o1000 | 0o2000
    return Calls.OPEN if name.startswith(("mk", "creat", "fopen")) or number & writes else Calls.READ
