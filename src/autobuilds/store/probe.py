"""What the probe of the installed timer found: written by the scheduler's process, read by `install` and `doctor`."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path

from autobuilds.records import dataclass
from autobuilds.store import files

FILE = ".autobuilds/timer-probe.json"
#: The output of the last heartbeat that cron ran.
LOG = ".autobuilds/heartbeat.log"


@dataclass(frozen=True, slots=True, kw_only=True)
class Probe:
    """What a process sees that the scheduler started: its search path, and where the programs it needs are (None: nowhere)."""

    nonce: str
    at: datetime
    path: str
    programs: dict[str, str | None]


def write_probe(root: Path, probe: Probe) -> None:
    """Write what was found; raises StorageFailure."""
    files.private_folder(root)
    content = {"nonce": probe.nonce, "at": probe.at.isoformat(), "path": probe.path, "programs": probe.programs}
    files.write_atomic(root / FILE, json.dumps(content, ensure_ascii=False, indent=2).encode() + b"\n")


def read_probe(root: Path) -> Probe | None:
    """Return what the last probe found, or None where there is none that can be read."""
    try:
        content = json.loads((root / FILE).read_bytes())
        programs = {str(name): None if place is None else str(place) for name, place in content["programs"].items()}
        return Probe(nonce=str(content["nonce"]), at=datetime.fromisoformat(content["at"]), path=str(content["path"]), programs=programs)
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None


def remove_traces(root: Path, more: Iterable[str] = ()) -> None:
    """Remove what an installed timer left in the workspace's private folder; `more` are further files."""
    for name in (FILE, LOG, *more):
        (root / name).unlink(missing_ok=True)
