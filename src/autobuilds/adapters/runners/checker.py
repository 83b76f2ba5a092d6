"""Completion checks outside of an attempt: on a merged tree, before the owner's branch moves."""

from __future__ import annotations

import os
import secrets
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from autobuilds.adapters import processes
from autobuilds.adapters.supervisor.checks import verify
from autobuilds.adapters.supervisor.waking import waking
from autobuilds.adapters.supervisor.watch import Watcher
from autobuilds.domain.build import Check, Outcome
from autobuilds.domain.ending import Stop
from autobuilds.domain.model import Criterion
from autobuilds.domain.sandbox import Confinement, Tier
from autobuilds.errors import Busy
from autobuilds.ports import Limits
from autobuilds.records import replace

if TYPE_CHECKING:
    from autobuilds.adapters.supervisor.contained import Container


def contained(confinement: Confinement, folder: Path, environment: Mapping[str, str], home: Path) -> Container:
    """Return what contains checks in a tree that is no attempt's, with a home of their own."""
    from autobuilds.adapters.supervisor import places
    from autobuilds.adapters.supervisor.contained import Container

    given = dict(environment)
    if confinement.tier is Tier.NONE:
        return Container(confinement=confinement, environment=given, check_environment=given)
    needed, told = places.tool_chains(given, Path(os.environ.get("HOME", "/nonexistent")))
    readable = (*confinement.readable, *places.borrowed(folder), *places.programs((), given, confinement.hidden), *needed)
    return Container(
        confinement=replace(confinement, readable=readable, home=str(home)),
        environment={**given, **told},
        check_environment={**given, **told},
    )


class LocalChecker:
    """Implements `ports.Checker` on this machine, with the supervisor's own way to run a check."""

    def check(
        self,
        folder: Path,
        criteria: Sequence[Criterion],
        limits: Limits,
        environment: Mapping[str, str],
        confinement: Confinement | None = None,
    ) -> tuple[Check, ...]:
        """Run every criterion's commands in `folder` with an empty home, contained; raises Busy when it is interrupted."""
        marker = f"check-{secrets.token_hex(8)}"
        with tempfile.TemporaryDirectory(prefix="autobuilds-checks-") as outputs, waking() as wake:

            def asked() -> Stop | None:
                return Stop(outcome=Outcome.STOPPED, reason="interrupted") if wake.asked else None

            home = Path(outputs) / "home"
            home.mkdir(mode=0o700)
            container = contained(confinement or Confinement(), folder, environment, home)
            watcher = Watcher(attempt_id=marker, wake=wake, asked=asked, alone=False)
            verified = verify(
                tuple(criteria),
                watcher=watcher,
                tree=folder,
                contain=container.checks,
                environment={**container.check_environment, "HOME": str(home), processes.MARKER: marker},
                limits=limits,
                outputs=Path(outputs),
                merged=True,
            )
        if verified.stop is not None:
            raise Busy("interrupted while the checks ran; nothing was changed")
        return verified.checks
