"""The systemd user timer: a service that runs one heartbeat and a timer that starts it."""

from __future__ import annotations

import os
import re
import subprocess
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

from autobuilds.adapters.timers.intervals import Every, every
from autobuilds.adapters.timers.programs import found, run
from autobuilds.errors import BadInput, TimerFailure
from autobuilds.ports import TimerJob, TimerPiece, TimerState
from autobuilds.store import files

_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
#: Seconds over which heartbeats of many machines and workspaces are spread.
_SPREAD = 30


def quoted(text: str, *, command: bool = True) -> str:
    """Return a text as one word of a unit file; in a command line dollar signs are doubled as well. Raises BadInput."""
    if _CONTROL.search(text):
        raise BadInput(f"{text!r} holds control characters, which no unit file can take; rename the folder")
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%")
    return f'"{escaped.replace("$", "$$") if command else escaped}"'


def _shown(text: str) -> str:
    return _CONTROL.sub("?", text).replace("%", "%%").rstrip("\\")


def service_text(job: TimerJob, argv: tuple[str, ...], what: str = "heartbeat") -> str:
    """Return the service: one pass, whose builds outlive it (`KillMode=process`)."""
    path = quoted(f"PATH={job.path}", command=False)
    return (
        f"# Made by `autobuilds install`; `autobuilds uninstall` removes it.\n"
        f"[Unit]\nDescription=autobuilds {what} of {_shown(str(job.workspace))}\n\n"
        f"[Service]\nType=oneshot\nKillMode=process\nTimeoutStartSec=2h\nEnvironment={path}\n"
        f"ExecStart={' '.join(quoted(word) for word in argv)}\n"
    )


def timer_text(job: TimerJob) -> str:
    """Return the timer: it catches up once what a sleeping machine missed (`Persistent=true`)."""
    return (
        f"# Made by `autobuilds install`; `autobuilds uninstall` removes it.\n"
        f"[Unit]\nDescription=autobuilds heartbeat timer of {_shown(str(job.workspace))}\n\n"
        f"[Timer]\nOnCalendar={calendar(every(job.interval))}\nPersistent=true\nRandomizedDelaySec={_SPREAD}\n\n"
        f"[Install]\nWantedBy=timers.target\n"
    )


def calendar(rhythm: Every) -> str:
    """Return an interval as an OnCalendar expression."""
    if rhythm.minutes:
        return f"*-*-* *:0/{rhythm.minutes}:00"
    return "*-*-* 00:00:00" if rhythm.hours == 24 else f"*-*-* 0/{rhythm.hours}:00:00"


class SystemdTimer:
    """Implements `ports.Timer` with `systemctl --user`."""

    name = "systemd"
    patience = 30.0

    @property
    def _folder(self) -> Path:
        base = os.environ.get("XDG_CONFIG_HOME", "")
        return (Path(base) if base.startswith("/") else Path.home() / ".config") / "systemd/user"

    def missing(self) -> str | None:
        """Return why it can't be used here, or None."""
        if not found("systemctl"):
            return "systemctl is not on the PATH"
        if _systemctl("show-environment", ok=None).returncode != 0:
            return "no systemd user manager answers here (`systemctl --user show-environment` fails)"
        return None

    def dormant(self) -> str | None:
        """Return why nothing runs through it at this moment, or None."""
        return self.missing()

    def pieces(self, job: TimerJob) -> tuple[TimerPiece, ...]:
        """Return the two units."""
        return (
            TimerPiece(place=str(self._folder / f"{_unit(job)}.service"), text=service_text(job, job.argv)),
            TimerPiece(place=str(self._folder / f"{_unit(job)}.timer"), text=timer_text(job)),
        )

    def state(self, job: TimerJob) -> TimerState:
        """Return what it knows of the job."""
        there = [(_read(Path(piece.place)), piece.text) for piece in self.pieces(job)]
        if all(text is None for text, _ in there):
            return TimerState()
        active = found("systemctl") and _systemctl("is-active", f"{_unit(job)}.timer", ok=None).stdout.strip() == b"active"
        same = all(text == wanted for text, wanted in there)
        return TimerState(installed=True, current=same and active, active=active, last_run=_last_run(job) if active else None)

    def install(self, job: TimerJob) -> bool:
        """Write the units and start the timer; what can't be started is taken away again."""
        before = self.state(job)
        if before.current:
            return False
        try:
            for piece in self.pieces(job):
                _write(Path(piece.place), piece.text)
            _systemctl("daemon-reload")
            _systemctl("enable", "--now", f"{_unit(job)}.timer")
            if before.installed:
                _systemctl("restart", f"{_unit(job)}.timer")
        except TimerFailure:
            self.uninstall(job)
            raise
        return True

    def uninstall(self, job: TimerJob) -> bool:
        """Stop and remove the units, the link of the timer and its time stamp."""
        self.end_probe(job)
        units = [self._folder / f"{_unit(job)}{end}" for end in (".timer", ".service")]
        link = self._folder / "timers.target.wants" / units[0].name
        if not any(path.exists() or path.is_symlink() for path in (*units, link)):
            return False
        usable = self.missing() is None
        if usable:
            _systemctl("disable", "--now", units[0].name, ok=None)
            _systemctl("clean", "--what=state", units[0].name, ok=None)
        for path in (*units, link, _stamp(units[0].name)):
            path.unlink(missing_ok=True)
        _remove_empty(link.parent)
        if usable:
            _systemctl("daemon-reload")
        return True

    def begin_probe(self, job: TimerJob) -> None:
        """Start a service that is like the heartbeat's but for its command; returns when it has ended."""
        _write(self._probe(job), service_text(job, job.probe, "probe"))
        _systemctl("daemon-reload")
        _systemctl("start", self._probe(job).name)

    def end_probe(self, job: TimerJob) -> None:
        """Remove the probe's unit."""
        if self._probe(job).exists():
            self._probe(job).unlink()
            _systemctl("daemon-reload", ok=None)

    def _probe(self, job: TimerJob) -> Path:
        return self._folder / f"{_unit(job)}-probe.service"


def _unit(job: TimerJob) -> str:
    return f"autobuilds-{job.key}"


def _systemctl(*arguments: str, ok: tuple[int, ...] | None = (0,)) -> subprocess.CompletedProcess[bytes]:
    return run(["systemctl", "--user", *arguments], ok=ok)


def _read(path: Path) -> str | None:
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError) as error:
        raise TimerFailure(f"{path} can't be read: {error}") from error


def _write(path: Path, text: str) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise TimerFailure(f"{path.parent} can't be made: {error.strerror}") from error
    files.write_atomic(path, text.encode())


def _remove_empty(folder: Path) -> None:
    for path in (folder, folder.parent, folder.parent.parent):
        with suppress(OSError):
            path.rmdir()


def _stamp(unit: str) -> Path:
    base = os.environ.get("XDG_DATA_HOME", "")
    return (Path(base) if base.startswith("/") else Path.home() / ".local/share") / "systemd/timers" / f"stamp-{unit}"


def _last_run(job: TimerJob) -> datetime | None:
    done = _systemctl("show", f"{_unit(job)}.timer", "--property=LastTriggerUSec", "--timestamp=unix", "--value", ok=None)
    match = re.fullmatch(rb"@(\d+)\s*", done.stdout)
    return datetime.fromtimestamp(int(match[1]), UTC) if match else None
