"""`python -m autobuilds.adapters.supervisor RUN_DIR`: run the attempt of a run folder, once and for all."""

from __future__ import annotations

import os
import resource
import sys
import time
from contextlib import suppress
from pathlib import Path

from autobuilds import errors
from autobuilds.adapters import processes
from autobuilds.adapters.host import MachineHost
from autobuilds.adapters.runners.environment import handed_over
from autobuilds.adapters.supervisor import records
from autobuilds.adapters.supervisor.records import Start
from autobuilds.adapters.supervisor.run_folder import RunFolder
from autobuilds.adapters.supervisor.secrecy import redacted, secrets_of_job
from autobuilds.adapters.supervisor.waking import Wake, waking
from autobuilds.domain.build import Outcome
from autobuilds.domain.inert import line
from autobuilds.domain.moment import Ending
from autobuilds.ports import Job

#: Seconds after which a record that the disk did not take is written again.
PAUSES = (0.1, 0.5)
#: Variables that only the build's own processes may have in their environment.
BUILD_VARIABLES = (processes.MARKER, "AUTOBUILDS_LABEL", "AUTOBUILDS_PROGRESS")


def main(arguments: list[str]) -> int:
    """Run the attempt; returns 0 when this process ran it, 1 when it was run, or given up, before."""
    if len(arguments) != 1:
        print("usage: python -m autobuilds.adapters.supervisor RUN_DIR", file=sys.stderr)  # noqa: T201 - the one line of a process without a terminal
        return 2
    folder = RunFolder(Path(arguments[0]))
    processes.hide_environment()
    handed = handed_over()
    os.chdir("/")
    os.closerange(3, min(resource.getrlimit(resource.RLIMIT_NOFILE)[0], 4096))
    for name in BUILD_VARIABLES:
        os.environ.pop(name, None)
    with waking() as wake, folder.locked() as held:
        job = folder.read_job() if held else None
        if job is None or not _claim(folder):
            return 1
        _conclude(folder, redacted(_run(folder, job, wake), secrets_of_job(job)))
    _then(folder, job, handed)
    return 0


def _conclude(folder: RunFolder, ending: Ending) -> None:
    """Write the exit record; where the disk takes it at no try, leave word in the log, where the next heartbeat finds it."""
    for pause in (*PAUSES, None):
        try:
            records.write_record(folder.exit, ending, once=True)
        except errors.StorageFailure as error:
            if pause is not None:
                time.sleep(pause)
                continue
            _say(f"{records.UNRECORDED} ({line(str(error), 300)}): {ending.outcome.value}, {line(ending.reason, 300)}")
        return


def _say(text: str) -> None:
    """Add a line to the supervisor's log, where there is room for one."""
    with suppress(OSError):
        print(text, file=sys.stderr, flush=True)  # noqa: T201 - goes to the supervisor's log


def _claim(folder: RunFolder) -> bool:
    me = processes.identity(os.getpid())
    assert me is not None
    slot = Start(at=MachineHost().now("UTC"), pid=me.pid, created=me.created, boot=processes.boot_id())
    return records.write_record(folder.start, slot, once=True)


def _run(folder: RunFolder, job: Job, wake: Wake) -> Ending:
    host = MachineHost()
    try:
        # Only now, so that who waits for the confirmation does not wait for these.
        from autobuilds.adapters.supervisor.attempt import AttemptRun
        from autobuilds.adapters.supervisor.code import ClonedCode
        from autobuilds.adapters.supervisor.contained import Container
        from autobuilds.adapters.supervisor.home import Home

        processes.adopt_orphans()
        return AttemptRun(
            folder=folder,
            job=job,
            code=ClonedCode(job=job, clone_folder=folder.clone_of(job), scratch=folder.merging),
            now=lambda: host.now(None),
            wake=wake,
            boot=processes.boot_id(),
            container=Container.of(job, folder, os.environ),
            home=Home.of(job, os.environ),
        ).run()
    except Exception as error:  # the exit record must be written whatever happens
        if not isinstance(error, (errors.AutobuildsError, OSError)):
            import traceback

            traceback.print_exc()
        what = str(error) if isinstance(error, errors.AutobuildsError) else f"{type(error).__name__}: {error}"
        return Ending(outcome=Outcome.LOST, reason=f"the supervisor failed: {what}; see {folder.own_log}", ended=host.now("UTC"))


def _then(folder: RunFolder, job: Job, handed: dict[str, str]) -> None:
    """Run the job's last command, detached: a heartbeat, so that the next task starts at once."""
    if not job.then:
        return
    out = (os.POSIX_SPAWN_OPEN, 1, str(folder.path / "then.log"), os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    actions = [(os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0), out, (os.POSIX_SPAWN_DUP2, 1, 2)]
    try:
        os.chdir(job.workspace)
        os.posix_spawnp(job.then[0], list(job.then), {**os.environ, **handed}, file_actions=actions, setsid=True)
    except OSError as error:
        _say(f"{job.then[0]} could not be started: {error.strerror}")


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except (errors.AutobuildsError, OSError) as error:
        _say(f"the supervisor could not begin: {error}")
        sys.exit(3)
