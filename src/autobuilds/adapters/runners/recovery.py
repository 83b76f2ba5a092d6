"""Clearing up after a supervisor that is gone without an exit record: stop what is left, save the work, record the ending."""

from __future__ import annotations

import os
from pathlib import Path

from autobuilds import errors
from autobuilds.adapters import processes
from autobuilds.adapters.host import MachineHost
from autobuilds.adapters.processes import Identity
from autobuilds.adapters.supervisor import records
from autobuilds.adapters.supervisor.home import Home
from autobuilds.adapters.supervisor.records import Known, Saved, Start
from autobuilds.adapters.supervisor.run_folder import RunFolder
from autobuilds.adapters.supervisor.secrecy import redacted, secrets_of_job
from autobuilds.adapters.supervisor.stream import AgentStream, known_session, left_report
from autobuilds.adapters.supervisor.tail import read_tail
from autobuilds.domain.agents import AgentReport
from autobuilds.domain.build import Outcome, Usage
from autobuilds.domain.inert import line, shorten
from autobuilds.domain.moment import Ending
from autobuilds.ports import DiffStat, Job

_TAIL_BYTES = 4096
SAID = 600


def recover(folder: RunFolder, start: Start, outcome: Outcome, reason: str) -> Ending | None:
    """Make an ending for an attempt whose supervisor is gone (its lock is held by the caller).

    Returns None while something of the attempt still runs: then nothing is known yet, and nothing may be retried.
    """
    if not stop_left(folder, start):
        return None
    job = folder.read_job()
    saved, trouble = _salvage(folder, job) if job is not None else (None, None)
    words = reason if trouble is None else f"{reason}; its work could not be saved ({trouble}) and stays in {folder.clone_of(job)}"
    report = left_report(job, folder, lambda: MachineHost().now(None)) if job is not None else AgentReport()
    if job is not None and (home := Home.of(job, os.environ)) is not None:
        home.bring_back(folder)
    stat = saved.stat if saved is not None else DiffStat(paths=(), added=0, removed=0)
    ending = Ending(
        outcome=outcome,
        reason=words,
        ended=MachineHost().now("UTC"),
        head_commit=saved.commit if saved is not None else None,
        changed_paths=stat.paths,
        files_changed=len(stat.paths),
        lines_added=stat.added,
        lines_removed=stat.removed,
        notes=saved.notes if saved is not None else (),
        tail=read_tail(Path(job.log_file), _TAIL_BYTES) if job is not None else "",
        sandbox=job.confinement.tier.value if job is not None else None,
        resets_at=report.resets_at,
        session=known_session(job, folder, report) if job is not None else None,
        model=report.model,
        said=None if report.said is None else shorten(report.said, SAID),
        usage=Usage(tokens_in=report.tokens_in, tokens_out=report.tokens_out, cost_usd=report.cost_usd),
    )
    if job is not None:
        ending = redacted(ending, secrets_of_job(job))
        AgentStream(job=job, folder=folder, now=lambda: MachineHost().now(None), writes=False).conceal()
    records.write_record(folder.exit, ending, once=True)
    return folder.read_exit()


def why_lost(folder: RunFolder) -> str:
    """Return why there is no exit record: what the supervisor left in its log where it could not write one."""
    lines = read_tail(folder.own_log, _TAIL_BYTES).split("\n")
    said = next((text for text in reversed(lines) if text.startswith(records.UNRECORDED)), None)
    return "the supervisor ended without an exit record (reboot or kill)" if said is None else line(said, SAID)


def stop_left(folder: RunFolder, start: Start) -> bool:
    """Stop every process of the attempt that is still there; return whether none is left."""
    boot = processes.boot_id()
    if start.boot != boot:
        return True
    try:
        known = records.read_record(folder.known, Known)
    except errors.BadInput:
        known = None
    seen = {Identity(pid=p, created=c) for p, c in known.processes} if known is not None and known.boot == boot else set()

    def left() -> set[Identity]:
        roots = processes.marked(folder.attempt_id) | {p for p in seen if processes.alive(p)}
        below = [processes.descendants(p.pid) for p in roots]
        return roots.union(*below)

    return processes.stop_all(left, ladder=processes.PLAIN_LADDER)


def _salvage(folder: RunFolder, job: Job) -> tuple[Saved | None, str | None]:
    """Return what holds the attempt's work, and why it could not be saved."""
    clone = folder.clone_of(job)
    if not clone.is_dir():
        return None, None
    from autobuilds.adapters.supervisor.attempt import save_message
    from autobuilds.adapters.supervisor.code import ClonedCode

    code = ClonedCode(job=job, clone_folder=clone, scratch=folder.merging)
    try:
        known = records.read_record(folder.saved, Saved)
        if known is not None:
            return known, None
        saved = code.save(save_message(job))
        records.write_record(folder.saved, saved)
    except (errors.AutobuildsError, OSError) as error:
        return None, line(str(error), 300)
    return saved, None
