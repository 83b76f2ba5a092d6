"""The crontab: a block between two markers, and every other byte as it was."""

from __future__ import annotations

import re
import shlex
from datetime import UTC, datetime
from typing import NamedTuple

from autobuilds.adapters.timers.intervals import Every, every
from autobuilds.adapters.timers.programs import found, run, words
from autobuilds.errors import BadInput, TimerFailure
from autobuilds.ports import TimerJob, TimerPiece, TimerState
from autobuilds.records import replace

#: Characters of a command that every cron takes.
_LONGEST = 990
_DAEMONS = frozenset({"cron", "crond", "cronie", "fcron", "dcron", "bcron-sched", "systemd-cron"})
#: What the first marker says of the crontab before: a line end was missing, or it was there without a byte.
_UNENDED, _EMPTY = " (after a missing line end)", " (into an empty crontab)"
#: A line that only this program writes: where there are several, somebody else's among them is found.
_OURS = rb"[^\n]* /usr/bin/env '?PATH=[^\n]* -m autobuilds [^\n]*\n"


class _Table(NamedTuple):
    """A user's crontab; `there` False where the user has none."""

    data: bytes
    there: bool


def schedule(rhythm: Every) -> str:
    """Return an interval as the five fields of a crontab."""
    if rhythm.minutes:
        return "* * * * *" if rhythm.minutes == 1 else f"*/{rhythm.minutes} * * * *"
    hours = {1: "*", 24: "0"}.get(rhythm.hours, f"*/{rhythm.hours}")
    return f"0 {hours} * * *"


def line(job: TimerJob, argv: tuple[str, ...], when: str, name: str = "heartbeat") -> str:
    """Return the one line that runs a command, its output in a log of that name; raises BadInput for what no crontab can hold."""
    log = shlex.quote(str(job.workspace / f".autobuilds/{name}.log"))
    command = f"{shlex.join(['/usr/bin/env', f'PATH={job.path}', *argv])} >{log} 2>&1"
    if any(c in command for c in "\n\r\0"):
        raise BadInput(f"{str(job.workspace)!r} or the PATH holds a line end, which no crontab can take; rename the folder")
    command = command.replace("%", "\\%")
    if len(command.encode("utf-8", "surrogateescape")) > _LONGEST:
        raise BadInput(
            f"the line for the crontab would be longer than the {_LONGEST} bytes that every cron takes; install with a shorter PATH"
        )
    return f"{when} {command}"


def block(job: TimerJob, argv: tuple[str, ...], when: str, *, key: str, note: str = "") -> bytes:
    """Return the block of a job, markers included; the classic lines of the day stand behind the heartbeat's."""
    more = job.lines if job.classic and key == job.key else ()
    rows = [line(job, argv, when), *(line(job, one.argv, one.when, f"cron-{one.name}") for one in more)]
    text = "\n".join([f"# >>> autobuilds {key} >>>{note}", *rows, f"# <<< autobuilds {key} <<<", ""])
    return text.encode("utf-8", "surrogateescape")


def added(table: bytes, there: bool, job: TimerJob, argv: tuple[str, ...], when: str, key: str) -> bytes:
    """Return a crontab with the job's block at its end, in the place of an older one of this key."""
    known = _known(table, key)
    if known is not None:
        note = known.group(1).decode()
        return table[: known.start()] + block(job, argv, when, key=key, note=note) + table[known.end() :]
    if table and not table.endswith(b"\n"):
        return table + b"\n" + block(job, argv, when, key=key, note=_UNENDED)
    return table + block(job, argv, when, key=key, note=_EMPTY if there and not table else "")


def removed(table: bytes, key: str) -> _Table:
    """Return the crontab as it was before the block; `there` False where there was none."""
    known = _known(table, key)
    if known is None:
        return _Table(table, True)
    note = known.group(1).decode()
    before, after = table[: known.start()], table[known.end() :]
    follower = re.match(rb"# >>> autobuilds [^\r\n ]+ >>>(?=\n)", after)
    if note and follower is not None:
        # The next block takes over what this one knew of the crontab before.
        after = follower.group() + note.encode() + after[follower.end() :]
    elif note == _UNENDED and not after:
        before = before.removesuffix(b"\n")
    return _Table(before + after, bool(before + after) or note == _EMPTY)


def _known(table: bytes, key: str) -> re.Match[bytes] | None:
    """Return the block of a key, or None; raises TimerFailure for one that somebody wrote lines into."""
    found_block = _pattern(key).search(table)
    if found_block is None and re.search(rb"(?m)^# (>>>|<<<) autobuilds " + re.escape(key.encode()) + rb" \1", table):
        raise TimerFailure(
            f"the lines of autobuilds in your crontab ({key}) were changed, so they were left alone; run `crontab -e` and delete them "
            f"from `# >>> autobuilds {key}` to `# <<< autobuilds {key}`"
        )
    return found_block


def _pattern(key: str) -> re.Pattern[bytes]:
    notes = b"|".join(re.escape(note.encode()) for note in (_UNENDED, _EMPTY))
    name = re.escape(key.encode())
    rows = rb"(?:(?:[^\n]*\n)??|(?:" + _OURS + rb"){2,9})"
    return re.compile(rb"(?m)^# >>> autobuilds " + name + rb" >>>(" + notes + rb"|)\n" + rows + rb"# <<< autobuilds " + name + rb" <<<\n")


class CronTimer:
    """Implements `ports.Timer` with `crontab -l` and `crontab -`."""

    name = "cron"
    patience = 100.0

    def missing(self) -> str | None:
        """Return why it can't be used here, or None."""
        return None if found("crontab") else "crontab is not on the PATH"

    def dormant(self) -> str | None:
        """Return why nothing runs through it at this moment, or None."""
        if self.missing():
            return self.missing()
        import psutil

        running = {process.info["name"] for process in psutil.process_iter(["name"])}
        return None if running & _DAEMONS else "no cron daemon runs here; start it (for example `sudo service cron start`)"

    def pieces(self, job: TimerJob) -> tuple[TimerPiece, ...]:
        """Return the block."""
        text = block(job, job.argv, schedule(every(job.interval)), key=job.key)
        return (TimerPiece(place="crontab", text=text.decode("utf-8", "surrogateescape")),)

    def state(self, job: TimerJob) -> TimerState:
        """Return what it knows of the job; the last run is when the output of a heartbeat was last written."""
        if self.missing():
            return TimerState()
        table = _read()
        known = _known(table.data, job.key)
        if known is None:
            return TimerState()
        log = job.workspace / ".autobuilds/heartbeat.log"
        last = datetime.fromtimestamp(log.stat().st_mtime, UTC) if log.exists() else None
        either = {self._wanted(replace(job, classic=classic), table) for classic in (False, True)}
        return TimerState(installed=True, current=table.data in either, active=self.dormant() is None, last_run=last)

    def install(self, job: TimerJob) -> bool:
        """Add the block, or put it in the place of the older one."""
        table = _read()
        wanted = self._wanted(job, table)
        if wanted == table.data:
            return False
        _write(_Table(wanted, True))
        return True

    def uninstall(self, job: TimerJob) -> bool:
        """Remove the block; the crontab is then what it was before."""
        if self.missing():
            return False
        self.end_probe(job)
        table = _read()
        if _known(table.data, job.key) is None:
            return False
        _write(removed(table.data, job.key))
        return True

    def begin_probe(self, job: TimerJob) -> None:
        """Add a block that runs the probe at the next full minute."""
        table = _read()
        _write(_Table(added(table.data, table.there, job, job.probe, "* * * * *", _probe(job)), True))

    def end_probe(self, job: TimerJob) -> None:
        """Remove the probe's block."""
        table = _read()
        if _known(table.data, _probe(job)) is not None:
            _write(removed(table.data, _probe(job)))

    def _wanted(self, job: TimerJob, table: _Table) -> bytes:
        return added(table.data, table.there, job, job.argv, schedule(every(job.interval)), job.key)


def _probe(job: TimerJob) -> str:
    return f"{job.key}-probe"


def _read() -> _Table:
    """Return the crontab; one that can't be read is never taken for an empty one."""
    done = run(["crontab", "-l"], ok=None)
    if done.returncode == 0:
        return _Table(done.stdout, True)
    said = words(done.stderr)
    if re.search(r"(?i)no crontab for|can't open .*: No such file", said):
        return _Table(b"", False)
    raise TimerFailure(f"`crontab -l` failed ({done.returncode}), nothing was changed: {said or 'no message'}")


def _write(table: _Table) -> None:
    if table.there:
        run(["crontab", "-"], data=table.data)
    else:
        run(["crontab", "-r"])
