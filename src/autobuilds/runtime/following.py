"""Following a build's output, from attempt to attempt, without losing a line."""

from __future__ import annotations

from pathlib import Path

from autobuilds.domain.build import Attempt, Build, BuildState
from autobuilds.domain.labels import slugify
from autobuilds.domain.times import format_when
from autobuilds.errors import NotSo
from autobuilds.records import dataclass, field
from autobuilds.runtime.context import Context
from autobuilds.runtime.refusals import insist_known
from autobuilds.store.growing_file import GrowingFile

#: Steps of a follower that wait for a heartbeat to record what has ended.
SETTLE_STEPS = 40


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """What is new: lines of output, and what happened besides, in words; `over` means that nothing will follow."""

    lines: tuple[str, ...] = ()
    said: tuple[str, ...] = ()
    over: bool = False


def find_build(context: Context, label: str) -> Build:
    """Return the newest build of a label that has an attempt; raises NotSo."""
    ledger = context.workspace.ledger()
    build = ledger.find(slugify(label) or label)
    if build is None or build.last is None:
        insist_known(context, label)
        raise NotSo(f"{label} has no build yet; autobuilds why {label} says what holds it")
    return build


def output_file(context: Context, attempt: Attempt, *, raw: bool) -> Path:
    """Return the file of an attempt's output: made readable, or as its program printed it."""
    readable = context.workspace.path(attempt.log or f"subagents/logs/{attempt.id}.log")
    as_printed = context.workspace.run_folder(attempt.id) / "stdout"
    return as_printed if raw and as_printed.is_file() else readable


def last_lines(context: Context, attempt: Attempt, lines: int | None, *, raw: bool) -> list[str]:
    """Return the last lines of an attempt's output (None: all of them)."""
    file = GrowingFile(output_file(context, attempt, raw=raw))
    try:
        if lines is not None:
            file.skip_to_last(lines)
        found: list[str] = []
        while more := file.lines():
            found += more
        return [*found, *file.rest()]
    finally:
        file.close()


@dataclass(slots=True, kw_only=True)
class Follower:
    """Gives the output of a build as it comes; call `step` again and again, with a pause in between."""

    context: Context
    label: str
    attempt: Attempt
    raw: bool = False
    #: Begin with the last lines of what is there (None: with the first).
    lines: int | None = None
    _file: GrowingFile | None = None
    _waited: int = 0
    _told: set[str] = field(default_factory=set)

    def step(self) -> Step:
        """Return what came since the last step."""
        run = self.context.runner.peek(self.attempt.id)
        file = self._open()
        found = file.lines()
        if run.over is None or len(found) > 0:
            return Step(lines=tuple(found))
        # The attempt had ended before the file was read, so nothing comes after this.
        found += file.rest()
        build = find_build(self.context, self.label)
        following = next((a for a in build.attempts if a.number > self.attempt.number), None)
        ended = next((a for a in build.attempts if a.id == self.attempt.id), self.attempt)
        said = self._once(f"end {ended.id}", _ending(ended)) if ended.outcome is not None else ()
        if following is not None:
            self._turn(following)
            return Step(lines=tuple(found), said=(*said, f"attempt {following.number} with {following.agent}"))
        over = self._over(build, ended)
        if over and ended.outcome is None and run.over is not None:
            said = (*said, f"attempt {ended.number}: {run.over} (`autobuilds heartbeat`)")
        return Step(lines=tuple(found), said=(*said, *self._wait(build, ended)), over=over)

    def close(self) -> None:
        """Let go of the file."""
        if self._file is not None:
            self._file.close()

    def _open(self) -> GrowingFile:
        path = output_file(self.context, self.attempt, raw=self.raw)
        if self._file is None or (self._file.path != path and not self._file.began):
            self.close()
            self._file = GrowingFile(path)
            if self.lines is not None:
                self._file.skip_to_last(self.lines)
        return self._file

    def _turn(self, attempt: Attempt) -> None:
        self.close()
        self.attempt, self.lines, self._file, self._waited = attempt, None, None, 0

    def _wait(self, build: Build, ended: Attempt) -> tuple[str, ...]:
        """Return what is waited for."""
        if ended.outcome is None:
            self._waited += 1
            return ()
        if build.state is not BuildState.RETRYING:
            return ()
        when = f"at {format_when(build.retry_at)}" if build.retry_at else "at the next heartbeat"
        return self._once(f"wait {ended.id}", f"next attempt {when}; Ctrl-C leaves")

    def _over(self, build: Build, ended: Attempt) -> bool:
        if ended.outcome is None:
            return self._waited > SETTLE_STEPS
        return build.state not in {BuildState.RETRYING, BuildState.BUILDING}

    def _once(self, key: str, words: str) -> tuple[str, ...]:
        if key in self._told:
            return ()
        self._told.add(key)
        return (words,)


def _ending(attempt: Attempt) -> str:
    outcome = attempt.outcome.value if attempt.outcome else "unknown"
    return f"attempt {attempt.number} ended: {outcome}" + (f" ({attempt.reason})" if attempt.reason else "")
