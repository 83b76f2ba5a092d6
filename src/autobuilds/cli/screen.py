"""The whole terminal for one picture that changes in place: entered and left cleanly, whatever ends the program."""

from __future__ import annotations

import os
import select
import shutil
import signal
import sys
import termios
import time
import tty
from collections.abc import Callable, Sequence
from types import FrameType, TracebackType
from typing import Any, Self

from autobuilds.records import dataclass, field

#: Another screen without a cursor and without wrapping; and back.
_ENTER = "\x1b[?1049h\x1b[?25l\x1b[?7l\x1b[2J"
_LEAVE = "\x1b[?7h\x1b[?25h\x1b[?1049l"
#: What stands between these two is shown at once by terminals that know them; others pass over them.
_BEGIN, _END = "\x1b[?2026h", "\x1b[?2026l"
#: Seconds until a resized terminal is noticed.
_NOTICE = 0.25


class Ended(Exception):
    """A signal asked the program to end."""


@dataclass(slots=True)
class Screen:
    """The terminal on standard output, keys from standard input; a context manager."""

    _before: list[Any] = field(default_factory=list)
    _shown: tuple[str, ...] = ()
    _size: tuple[int, int] = (0, 0)
    _handlers: dict[signal.Signals, Any] = field(default_factory=dict)

    def __enter__(self) -> Self:
        """Take the terminal."""
        self._before = termios.tcgetattr(sys.stdin.fileno())
        for number, handler in self._wanted().items():
            self._handlers[number] = signal.signal(number, handler)
        self._take()
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None) -> None:
        """Give the terminal back as it was."""
        for number, handler in self._handlers.items():
            signal.signal(number, handler)
        self._give()

    def _wanted(self) -> dict[signal.Signals, Callable[[int, FrameType | None], None]]:
        return {signal.SIGTERM: _end, signal.SIGHUP: _end, signal.SIGTSTP: self._pause}

    def _take(self) -> None:
        tty.setcbreak(sys.stdin.fileno())
        self._shown = ()
        self._write(_ENTER)

    def _give(self) -> None:
        self._write(_LEAVE)
        termios.tcsetattr(sys.stdin.fileno(), termios.TCSADRAIN, self._before)

    def _pause(self, _number: int, _frame: FrameType | None) -> None:
        """Leave the terminal to the shell until the program goes on (Ctrl-Z)."""
        self._give()
        os.kill(os.getpid(), signal.SIGSTOP)
        self._take()

    @property
    def size(self) -> tuple[int, int]:
        """Return columns and lines."""
        columns, rows = shutil.get_terminal_size()
        return columns, rows

    def draw(self, lines: Sequence[str]) -> None:
        """Show these lines from the top; only those that differ from what is shown are written."""
        columns, rows = self.size
        fresh = tuple(lines[:rows])
        if (columns, rows) != self._size:
            self._size, self._shown = (columns, rows), ()
            self._write("\x1b[2J")
        pieces = [
            f"\x1b[{number};1H{line}\x1b[K"
            for number, line in enumerate(fresh, 1)
            if number > len(self._shown) or self._shown[number - 1] != line
        ]
        if len(fresh) < len(self._shown):
            pieces.append(f"\x1b[{len(fresh) + 1};1H\x1b[J")
        if pieces:
            self._write(_BEGIN + "".join(pieces) + _END)
        self._shown = fresh

    def key(self, seconds: float) -> str:
        """Return the key that is pressed within some seconds, or nothing; returns early where the terminal was resized."""
        deadline = time.monotonic() + seconds
        while (left := deadline - time.monotonic()) > 0:
            ready, _, _ = select.select([sys.stdin.fileno()], [], [], min(left, _NOTICE))
            if ready:
                typed = os.read(sys.stdin.fileno(), 64)
                return typed.decode("utf-8", "replace") if typed else "q"
            if self.size != self._size:
                return ""
        return ""

    def _write(self, text: str) -> None:
        sys.stdout.write(text)
        sys.stdout.flush()


def _end(_number: int, _frame: FrameType | None) -> None:
    raise Ended
