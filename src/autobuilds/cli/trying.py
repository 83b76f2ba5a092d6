"""Trying agents: the scratch folder of a trial, made before and removed after it."""

from __future__ import annotations

import shutil
import signal
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

from autobuilds.domain.moment import AgentStatus
from autobuilds.domain.settings import Settings
from autobuilds.errors import BadInput
from autobuilds.records import replace
from autobuilds.runtime import agent_trial
from autobuilds.runtime.agent_trial import Trial

#: Where trials are made, below the home folder: some agents refuse to work in the folder for temporary files.
_PLACE = Path(".cache/autobuilds/agent-tests")
_MAX_PRESETS = 1024 * 1024
#: Age in seconds from which on a trial's folder was left by a program that was killed.
_ABANDONED = 86_400.0
_ENDING = tuple(getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name))


def statuses(root: Path | None) -> tuple[AgentStatus, ...]:
    """Return what is known of every agent in a workspace, or outside of one, without running any."""
    from autobuilds.wiring import make_patient

    return make_patient(root or Path.cwd(), root).host.agents()


def try_agent(root: Path | None, agent: str, limit: timedelta, sandbox: str | None, tell: Callable[[str], None]) -> Trial:
    """Build the scratch task with an agent under the settings of a workspace and return how that ended; nothing is left behind."""
    from autobuilds.wiring import create_repository, make_context

    settings = make_context(root).workspace.config().settings if root is not None else Settings()
    if sandbox is not None:
        settings = replace(settings, sandbox=_tier(sandbox).sandbox)
    with orderly(), scratch() as folder:
        files = agent_trial.contents(agent, settings, datetime.now(UTC), limit, _presets(root))
        place = folder / "repository"
        create_repository(place, files, "A scratch task")
        return agent_trial.attempt(make_context(place), agent, limit, tell)


def _tier(word: str) -> Settings:
    """Return settings with a sandbox as it is written in HEARTBEAT.md; raises BadInput for no such tier."""
    from autobuilds.store.config import read_settings

    read = read_settings(f"---\nsandbox: {' '.join(word.split())}\n---\n".encode())
    if read.problems:
        raise BadInput(f"--sandbox {read.problems[0].message}")
    return read.settings


def _presets(root: Path | None) -> str | None:
    """Return the owner's own agents as text; one that can't be read was refused before."""
    if root is None:
        return None
    try:
        with (root / "agents.toml").open("rb") as file:
            return file.read(_MAX_PRESETS).decode("utf-8")
    except (OSError, UnicodeDecodeError):
        return None


@contextmanager
def orderly() -> Iterator[None]:
    """Let a closed terminal or a polite kill end the block as Ctrl-C does, everything cleared up, and let no second one disturb that."""

    def leave(number: int, _: object) -> None:
        for other in before:
            signal.signal(other, lambda *_: None)
        raise KeyboardInterrupt if number == signal.SIGINT else SystemExit(128 + number)

    usual = (signal.SIG_DFL, signal.default_int_handler)
    before = {number: found for number in _ENDING if (found := signal.getsignal(number)) in usual}
    for number in before:
        signal.signal(number, leave)
    try:
        yield
    finally:
        for number, found in before.items():
            signal.signal(number, found)


@contextmanager
def scratch() -> Iterator[Path]:
    """Make a folder of one's own below the home, or where that can't be written in the one for temporary files; remove it afterwards."""
    made: list[Path] = []
    try:
        base = Path.home() / _PLACE
        made = [path for path in (base.parent, base) if not path.exists()]
        base.mkdir(parents=True, exist_ok=True)
        for old in base.glob("trial-*"):
            if time.time() - old.lstat().st_mtime > _ABANDONED:
                _remove(old)
        folder = Path(tempfile.mkdtemp(prefix="trial-", dir=base))
    except (OSError, RuntimeError):
        made = []
        folder = Path(tempfile.mkdtemp(prefix="autobuilds-trial-"))
    try:
        yield folder.resolve()
    finally:
        _remove(folder)
        for path in reversed(made):
            with suppress(OSError):
                path.rmdir()


def _remove(folder: Path) -> None:
    """Remove a folder and what programs made unwritable in it."""

    def again(_function: object, path: str, _error: object) -> None:
        with suppress(OSError):
            Path(path).parent.chmod(0o700)
            Path(path).unlink()

    shutil.rmtree(folder, onerror=again)
    shutil.rmtree(folder, ignore_errors=True)
