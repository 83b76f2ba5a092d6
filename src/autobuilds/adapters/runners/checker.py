"""Completion checks outside of an attempt: on a merged tree, before the owner's branch moves."""

from __future__ import annotations

import secrets
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from autobuilds.adapters import processes
from autobuilds.adapters.supervisor.checks import verify
from autobuilds.adapters.supervisor.watch import Watcher, waking
from autobuilds.domain.build import Check, Outcome
from autobuilds.domain.ending import Stop
from autobuilds.domain.model import Criterion
from autobuilds.errors import Busy
from autobuilds.ports import Limits


class LocalChecker:
    """Implements `ports.Checker` on this machine, with the supervisor's own way to run a check."""

    def check(self, folder: Path, criteria: Sequence[Criterion], limits: Limits, environment: Mapping[str, str]) -> tuple[Check, ...]:
        """Run every criterion's commands in `folder`; raises Busy when it is interrupted."""
        marker = f"check-{secrets.token_hex(8)}"
        marked = {**environment, processes.MARKER: marker}
        with tempfile.TemporaryDirectory(prefix="autobuilds-checks-") as outputs, waking() as wake:

            def asked() -> Stop | None:
                return Stop(outcome=Outcome.STOPPED, reason="interrupted") if wake.asked else None

            watcher = Watcher(attempt_id=marker, wake=wake, asked=asked, alone=False)
            verified = verify(
                tuple(criteria), watcher=watcher, tree=folder, environment=marked, limits=limits, outputs=Path(outputs), merged=True
            )
        if verified.stop is not None:
            raise Busy("interrupted while the checks ran; nothing was changed")
        return verified.checks
