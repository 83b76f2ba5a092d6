"""`watch`: what runs and what waits, looked at again and again."""

from __future__ import annotations

import time
from typing import Any

from autobuilds.cli.formatters import json_, watch_text
from autobuilds.cli.formatters.style import Style
from autobuilds.cli.screen import Ended, Screen
from autobuilds.cli.session import say
from autobuilds.domain.build import Build
from autobuilds.domain.inert import line, terminal_block
from autobuilds.errors import AutobuildsError
from autobuilds.records import dataclass, field
from autobuilds.runtime.context import Context
from autobuilds.runtime.heartbeat import Beat, look
from autobuilds.runtime.pages import progress_of

#: Seconds after which everything is looked at anew, though no file of the workspace changed.
_AFRESH = 5.0
#: Bytes of a build's output that are looked at.
_TAIL = 4000
_LEAVING = frozenset("qQ\x03\x1b")


@dataclass(slots=True)
class _Watcher:
    """Looks at a workspace: at the progress logs each time, at the rest when its files changed or some seconds went by."""

    context: Context
    _beat: Beat | None = None
    _signature: tuple[object, ...] = ()
    _at: float = field(default=0.0)

    def look(self) -> watch_text.Picture:
        """Return what is to be shown."""
        signature = tuple(
            map(_state, (self.context.workspace.path(name) for name in ("BUILD_QUEUE.md", "HEARTBEAT.md", "subagents/active.json")))
        )
        if self._beat is None or signature != self._signature or time.monotonic() - self._at >= _AFRESH:
            self._beat, self._signature, self._at = look(self.context), signature, time.monotonic()
        beat = self._beat
        return watch_text.Picture(
            view=beat.view,
            builds=beat.loaded.snapshot.ledger.active,
            progress=progress_of(self.context, beat.loaded),
            now=self.context.now(beat.loaded.zone),
            output={b.label: self._output(b) for b in beat.loaded.snapshot.ledger.active},
        )

    def _output(self, build: Build) -> tuple[str, ...]:
        return () if build.last is None else terminal_block(self.context.runner.logs(build.last.id, _TAIL).rstrip("\n"), 20)


def _state(path: Any) -> object:
    try:
        info = path.stat()
    except OSError:
        return None
    return (info.st_ino, info.st_size, info.st_mtime_ns)


def answer(context: Context) -> dict[str, Any]:
    """Return `watch --json`."""
    picture = _Watcher(context).look()
    return {
        **json_.status_json(picture.view),
        "kind": "watch",
        **json_.envelope("watch", at=picture.now, running=watch_text.running(picture)),
    }


def once(context: Context, style: Style) -> None:
    """Print the picture, whole."""
    say("\n".join(watch_text.lines(_Watcher(context).look(), style)) + "\n")


def stay(context: Context, style: Style, every: float) -> None:
    """Show the picture until q, Escape or Ctrl-C is typed; what can't be read now is said and tried again."""
    watcher = _Watcher(context)
    try:
        with Screen() as screen:
            while True:
                columns, rows = screen.size
                fitted = Style(colour=style.colour, width=max(columns, 20))
                try:
                    shown = watch_text.lines(watcher.look(), fitted, height=rows)
                except (AutobuildsError, OSError) as fault:
                    shown = watch_text.trouble(line(str(fault)), fitted)
                screen.draw(shown)
                if screen.key(every)[:1] in _LEAVING - {""}:
                    return
    except (KeyboardInterrupt, Ended):
        return
