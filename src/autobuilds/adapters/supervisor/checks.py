"""Verification: every criterion with a command is run, every other one needs evidence in the progress log."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from pathlib import Path

from autobuilds.adapters.supervisor.tail import read_tail
from autobuilds.adapters.supervisor.watch import Bounds, Starter, Watcher
from autobuilds.domain.build import Check
from autobuilds.domain.ending import Stop
from autobuilds.domain.model import Criterion
from autobuilds.domain.progress import Progress
from autobuilds.ports import Limits
from autobuilds.records import dataclass

TAIL_BYTES = 4096
#: How often a check is run that was killed: by whoever wants memory back, say, which tells nothing of the work.
_TRIES = 2
#: Exit statuses of what was killed: of the shell itself, and as a shell or a sandbox passes it on.
_KILLED = frozenset({-signal.SIGKILL, 128 + signal.SIGKILL})
#: Yields what starts the checks in a tree.
Contain = Callable[[Path], AbstractContextManager[Starter]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Verified:
    """The checks that were run; `stop` is set when someone asked to stop in between."""

    checks: tuple[Check, ...] = ()
    stop: Stop | None = None


def verify(
    criteria: tuple[Criterion, ...],
    *,
    watcher: Watcher,
    tree: Path,
    environment: Mapping[str, str],
    limits: Limits,
    outputs: Path,
    contain: Contain,
    progress: Progress | None = None,
    merged: bool = False,
) -> Verified:
    """Run every command of the criteria in `tree`, output kept in the folder `outputs`; without `progress` claims are left out."""
    outputs.mkdir(exist_ok=True)
    done: list[Check] = []
    with contain(tree) as start:
        for number, (criterion, command) in enumerate(_each(criteria), 1):
            if command is None:
                if progress is not None:
                    done.append(_claim(criterion, progress))
                continue
            check, stop = _run(criterion, command, watcher, tree, environment, limits, outputs / f"{number}.log", start, merged=merged)
            done.append(check)
            if stop is not None:
                return Verified(checks=tuple(done), stop=stop)
    return Verified(checks=tuple(done))


def _each(criteria: tuple[Criterion, ...]) -> Iterator[tuple[Criterion, str | None]]:
    for criterion in criteria:
        if not criterion.commands:
            yield criterion, None
        for command in criterion.commands:
            yield criterion, command


def _claim(criterion: Criterion, progress: Progress) -> Check:
    if criterion.checked:
        return Check(text=criterion.text, passed=True, tail="ticked in the queue")
    evidence = progress.evidence_for(criterion.text)
    return Check(text=criterion.text, passed=evidence is not None, tail=evidence or "")


def _run(
    criterion: Criterion,
    command: str,
    watcher: Watcher,
    tree: Path,
    environment: Mapping[str, str],
    limits: Limits,
    output: Path,
    start: Starter,
    *,
    merged: bool,
) -> tuple[Check, Stop | None]:
    seconds = limits.check_timeout.total_seconds()
    what = "the limit of one check (check_timeout)"
    bounds = Bounds(seconds=seconds, silence=None, output_bytes=limits.output_bytes, what=what, niceness=limits.niceness)
    output.unlink(missing_ok=True)
    for _ in range(_TRIES):
        ended = watcher.run(["/bin/sh", "-e", "-c", command], cwd=tree, environment=environment, output=output, bounds=bounds, start=start)
        if ended.stop is not None or ended.exit_code not in _KILLED or watcher.asked() is not None:
            break
    tail = read_tail(output, TAIL_BYTES)
    asked = watcher.asked()
    words = ended.failure or (ended.stop.reason if ended.stop is not None else None)
    check = Check(
        text=criterion.text,
        passed=ended.stop is None and ended.failure is None and ended.exit_code == 0,
        command=command,
        exit_code=None if ended.stop is not None else ended.exit_code,
        seconds=round(ended.seconds, 3),
        tail=f"{tail.rstrip()}\n[{words}]".lstrip() if words else tail,
        merged=merged,
    )
    return check, asked if ended.stop is not None else None
