"""How `init`, `doctor` and `install` answer on a terminal."""

from __future__ import annotations

from collections.abc import Iterable

from autobuilds.cli.formatters.style import Style
from autobuilds.ports import TimerPiece
from autobuilds.runtime.installing import Installation


def pieces_text(pieces: Iterable[TimerPiece], style: Style) -> str:
    """Return the texts for a scheduler, each under the place where it goes."""
    parts = []
    for piece in pieces:
        body = "\n".join(f"  {line}" for line in piece.text.rstrip("\n").split("\n"))
        parts.append(f"{style.bold(_printable(piece.place))}\n{_printable(body)}")
    return "\n\n".join(parts)


def installed(done: Installation, style: Style) -> str:
    """Return what `install` did and what follows from it."""
    if not done.changed and not done.moved_from:
        return f"\nThe heartbeat is in {done.timer} already, just so; nothing was changed."
    lines = ["", f"The heartbeat is in {done.timer}."]
    if done.moved_from:
        lines.append(f"It was taken out of {' and '.join(done.moved_from)}.")
    if done.proof is not None:
        paint = style.good if done.proof.ok else style.warn
        lines.append(paint(done.proof.said[0].upper() + done.proof.said[1:]) + ".")
        if done.proof.lost:
            lost = ", ".join(done.proof.lost)
            lines.append(
                style.bad(f"It does not find {lost}, which are found here. Run `autobuilds install` from a shell whose PATH has them.")
            )
    if done.timer == "systemd":
        lines.append("It runs while you are logged in; `loginctl enable-linger` makes it run always.")
    return "\n".join([*lines, "`autobuilds doctor` checks it, `autobuilds uninstall` takes it away."])


def _printable(text: str) -> str:
    return "".join(c if c.isprintable() or c == "\n" else "?" for c in text)
