"""The macOS LaunchAgent: a property list in the person's own session, where the login keychain is open."""

from __future__ import annotations

import os
import plistlib
from datetime import timedelta
from pathlib import Path
from typing import Any

from autobuilds.adapters.timers.intervals import every
from autobuilds.adapters.timers.programs import found, run
from autobuilds.errors import TimerFailure
from autobuilds.ports import TimerJob, TimerPiece, TimerState
from autobuilds.store import files


def calendar(interval: timedelta) -> list[dict[str, int]]:
    """Return the moments of a day or hour at which the heartbeat is due; launchd catches up once after sleep."""
    rhythm = every(interval)
    hours = rhythm.at_hours()
    minutes = [{"Minute": minute} for minute in rhythm.at_minutes()]
    return minutes if hours is None else [{"Hour": hour, "Minute": 0} for hour in hours]


def agent_text(job: TimerJob, label: str, argv: tuple[str, ...], start: dict[str, Any]) -> str:
    """Return the property list; builds outlive the heartbeat that started them (`AbandonProcessGroup`)."""
    content: dict[str, Any] = {
        "Label": label,
        "ProgramArguments": list(argv),
        "EnvironmentVariables": {"PATH": job.path},
        "WorkingDirectory": str(job.workspace),
        "AbandonProcessGroup": True,
        "ProcessType": "Background",
        **start,
    }
    return plistlib.dumps(content, sort_keys=False).decode()


class LaunchdTimer:
    """Implements `ports.Timer` with `launchctl`."""

    name = "launchd"
    patience = 30.0

    @property
    def _folder(self) -> Path:
        return Path.home() / "Library/LaunchAgents"

    def missing(self) -> str | None:
        """Return why it can't be used here, or None."""
        return None if found("launchctl") else "launchctl is not on the PATH"

    def dormant(self) -> str | None:
        """Return why nothing runs through it at this moment, or None."""
        return self.missing()

    def pieces(self, job: TimerJob) -> tuple[TimerPiece, ...]:
        """Return the property list."""
        text = agent_text(job, _label(job), job.argv, {"StartCalendarInterval": calendar(job.interval)})
        return (TimerPiece(place=str(self._folder / f"{_label(job)}.plist"), text=text),)

    def state(self, job: TimerJob) -> TimerState:
        """Return what it knows of the job; launchd does not tell when it last ran."""
        (piece,) = self.pieces(job)
        place = Path(piece.place)
        if not place.exists():
            return TimerState()
        active = found("launchctl") and run(["launchctl", "print", f"{_domain()}/{_label(job)}"], ok=None).returncode == 0
        return TimerState(installed=True, current=active and place.read_bytes() == piece.text.encode(), active=active)

    def install(self, job: TimerJob) -> bool:
        """Write the property list and load it; one that can't be loaded is taken away again."""
        before = self.state(job)
        if before.current:
            return False
        (piece,) = self.pieces(job)
        if before.active:
            run(["launchctl", "bootout", f"{_domain()}/{_label(job)}"], ok=None)
        try:
            _load(Path(piece.place), piece.text)
        except TimerFailure:
            self.uninstall(job)
            raise
        return True

    def uninstall(self, job: TimerJob) -> bool:
        """Unload and remove the property list."""
        self.end_probe(job)
        return self._remove(_label(job))

    def begin_probe(self, job: TimerJob) -> None:
        """Load an agent that runs the probe at once."""
        label = f"{_label(job)}-probe"
        _load(self._folder / f"{label}.plist", agent_text(job, label, job.probe, {"RunAtLoad": True}))

    def end_probe(self, job: TimerJob) -> None:
        """Unload and remove the probe's agent."""
        self._remove(f"{_label(job)}-probe")

    def _remove(self, label: str) -> bool:
        place = self._folder / f"{label}.plist"
        if not place.exists():
            return False
        if found("launchctl"):
            run(["launchctl", "bootout", f"{_domain()}/{label}"], ok=None)
        place.unlink()
        return True


def _label(job: TimerJob) -> str:
    return f"org.autobuilds.{job.key}"


def _domain() -> str:
    return f"gui/{os.getuid()}"


def _load(place: Path, text: str) -> None:
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise TimerFailure(f"{place.parent} can't be made: {error.strerror}") from error
    files.write_atomic(place, text.encode())
    run(["launchctl", "bootstrap", _domain(), str(place)])
