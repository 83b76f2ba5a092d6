"""Checking everything, and saying how to mend it: first the machine, then (in a workspace) the files, then the timer."""

from __future__ import annotations

import os
import platform
import sys
from collections.abc import Iterator
from datetime import timedelta

from autobuilds.domain.moment import Resources
from autobuilds.domain.settings import Settings
from autobuilds.domain.times import elapsed, format_duration, format_when
from autobuilds.errors import AutobuildsError, TimerFailure
from autobuilds.ports import TimerState
from autobuilds.runtime import doctoring_agents as builders
from autobuilds.runtime import doctoring_files as inside
from autobuilds.runtime.diagnosis import Check, Diagnosis, Level, Patient
from autobuilds.runtime.installing import job_for
from autobuilds.store import files
from autobuilds.store.probe import read_probe

_PYTHON = (3, 11)


def examine(patient: Patient) -> tuple[Diagnosis, ...]:
    """Return the outcome of every check that can be made here; a check that fails is a problem of its own, and the rest go on."""
    here: tuple[tuple[str, Check], ...] = (
        ("python", _python),
        ("git", _git),
        *builders.CHECKS,
        ("resources", _resources),
        ("file system", _file_system),
        ("time zone", _zone),
    )
    last: tuple[tuple[str, Check], ...] = (("timer", _timer), ("timer's path", _path))
    checks = (*here, *inside.CHECKS, *last) if patient.context else here
    found: list[Diagnosis] = []
    for name, check in checks:
        try:
            found += check(patient)
        except AutobuildsError as error:
            found.append(Diagnosis(check=name, level=Level.PROBLEM, said=str(error), fix="do what the message says"))
        except OSError as error:
            said = f"could not be checked: {error.strerror or error}" + (f" ({error.filename})" if error.filename else "")
            found.append(Diagnosis(check=name, level=Level.PROBLEM, said=said, fix="mend the permissions or the disk"))
    if patient.context is None:
        said = f"{patient.folder} is not in a workspace, so its files were not checked"
        found.append(Diagnosis(check="workspace", level=Level.WARNING, said=said, fix="autobuilds init"))
    return tuple(found)


def _python(_: Patient) -> Iterator[Diagnosis]:
    said = f"{platform.python_version()} ({sys.executable})"
    if sys.version_info < _PYTHON:
        yield Diagnosis(check="python", level=Level.PROBLEM, said=said, fix="install Python 3.11 or newer")
    else:
        yield Diagnosis(check="python", said=said)


def _git(patient: Patient) -> Iterator[Diagnosis]:
    version = patient.survey.version()
    if version is None:
        yield Diagnosis(check="git", level=Level.PROBLEM, said="can't be run", fix="install Git 2.32 or newer")
    elif patient.survey.outdated(version):
        yield Diagnosis(check="git", level=Level.WARNING, said=f"{version} is older than what is tested", fix="install Git 2.32 or newer")
    else:
        yield Diagnosis(check="git", said=version)


def _resources(patient: Patient) -> Iterator[Diagnosis]:
    used, settings = patient.host.resources(patient.folder), patient.settings
    for name, value, limit, unit in _measures(used, settings):
        said = f"{name} {value:.0f} {unit}".rstrip() if unit else f"{name} {value:.1f}"
        if value >= limit:
            bound = f"{limit:g} {unit}".rstrip()
            fix = f"free some, or raise {name}_limit in HEARTBEAT.md"
            yield Diagnosis(check="resources", level=Level.WARNING, said=f"{said}: nothing new starts from {bound} on", fix=fix)
        else:
            yield Diagnosis(check="resources", said=f"{said} (limit {limit:g})")


def _measures(used: Resources, settings: Settings) -> Iterator[tuple[str, float, float, str]]:
    for name, value, limit, unit in (
        ("disk", used.disk_percent, settings.disk_limit, "%"),
        ("memory", used.memory_percent, settings.memory_limit, "%"),
        ("load", used.load_per_core, settings.load_limit, ""),
    ):
        if value is not None:
            yield name, value, float(limit), unit


def _file_system(patient: Patient) -> Iterator[Diagnosis]:
    folder = patient.context.workspace.private if patient.context else patient.folder
    if not os.access(folder, os.W_OK):
        yield Diagnosis(
            check="file system", level=Level.PROBLEM, said=f"{folder} can't be written", fix=f"make it writable: chmod u+w {folder}"
        )
    elif files.exchange_supported(folder):
        yield Diagnosis(check="file system", said="files can be exchanged in one step")
    else:
        said = "files can't be exchanged in one step here: a save of yours in the very same instant as the tool's could be lost"
        yield Diagnosis(check="file system", level=Level.WARNING, said=said, fix="move the workspace to ext4, xfs, btrfs or APFS")


def _zone(patient: Patient) -> Iterator[Diagnosis]:
    now = patient.host.now(patient.settings.timezone)
    name = getattr(now.tzinfo, "key", None) or str(now.tzinfo)
    source = "HEARTBEAT.md" if patient.settings.timezone else "this machine's"
    said = f"{name} ({source}), now {format_when(now)}"
    if "AUTOBUILDS_NOW" in os.environ:
        yield Diagnosis(
            check="time zone", level=Level.WARNING, said=f"{said}; AUTOBUILDS_NOW replaces the clock", fix="unset AUTOBUILDS_NOW"
        )
    else:
        yield Diagnosis(check="time zone", said=said)


def _timer(patient: Patient) -> Iterator[Diagnosis]:
    assert patient.context is not None
    root = patient.context.workspace.root
    probe = read_probe(root)
    # The search path of this shell may be another than that of the one that installed.
    job = job_for(root, patient.settings.interval, path=probe.path if probe else None)
    installed: dict[str, TimerState] = {}
    for name, timer in patient.timers.items():
        try:
            state = timer.state(job)
        except TimerFailure as failure:
            yield Diagnosis(check="timer", level=Level.WARNING, said=str(failure), fix="mend it, or leave it if you use another scheduler")
            continue
        if state.installed:
            installed[name] = state
    if not installed:
        yield Diagnosis(
            check="timer", level=Level.WARNING, said="no heartbeat is installed; nothing starts by itself", fix="autobuilds install"
        )
    for name, state in installed.items():
        yield _one_timer(patient, name, state)


def _one_timer(patient: Patient, name: str, state: TimerState) -> Diagnosis:
    if state.active is False:
        fix = patient.timers[name].dormant() or "autobuilds install"
        return Diagnosis(check="timer", level=Level.PROBLEM, said=f"installed in {name}, but not running", fix=fix)
    now, last = patient.host.now(None), state.last_run
    if last is not None and elapsed(last, now) > 3 * patient.settings.interval + timedelta(minutes=5):
        said = f"in {name}, but it last ran {format_duration(elapsed(last, now))} ago"
        return Diagnosis(check="timer", level=Level.WARNING, said=said, fix="autobuilds heartbeat, then see why the scheduler slept")
    ran = f", last run {format_when(last.astimezone(now.tzinfo))}" if last else ""
    if not state.current:
        said = f"in {name}{ran}; it differs from what would be installed now (interval or Python)"
        return Diagnosis(check="timer", level=Level.WARNING, said=said, fix="autobuilds install")
    return Diagnosis(check="timer", said=f"in {name}, every {format_duration(patient.settings.interval)}{ran}")


def _path(patient: Patient) -> Iterator[Diagnosis]:
    assert patient.context is not None
    probe = read_probe(patient.context.workspace.root)
    if probe is None:
        return
    here = ["git", *(s.name for s in patient.host.agents() if s.found)]
    lost = [name for name in here if not probe.programs.get(name)]
    if lost:
        said = f"what the scheduler starts does not find {', '.join(lost)}"
        yield Diagnosis(check="timer's path", level=Level.PROBLEM, said=said, fix="autobuilds install  (from a shell whose PATH has them)")
    else:
        yield Diagnosis(check="timer's path", said=f"finds {', '.join(here)}; proven {format_when(probe.at)}")
