"""How `init`, `doctor` and `install` answer on a terminal."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Sequence

from autobuilds.cli.formatters.style import Style
from autobuilds.ports import TimerPiece
from autobuilds.runtime.diagnosis import Diagnosis, Level
from autobuilds.runtime.initialising import Deed, Done, Setup, Step
from autobuilds.runtime.installing import Installation
from autobuilds.store.workspace import CONFIG

#: What a new workspace does at its times, so that nobody is surprised.
_DUTIES = (
    "Once a heartbeat is installed: 23:00 a session of builds overnight, 06:30 its report, 07:00 the morning brief, Fridays 18:00",
    "projects for the weekend (proposed, never started). They are duties in HEARTBEAT.md; delete those that you do not want.",
)


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


def line_count(step: Step) -> int:
    """Return how many lines a step writes."""
    return step.text.count("\n")


def planned(setup: Setup, style: Style) -> str:
    """Return what `init` is about to do, a line a file."""
    lines = [style.bold(_printable(str(setup.root)))]
    width = max(len(step.path) for step in setup.steps)
    for step in setup.steps:
        count = "1 line" if line_count(step) == 1 else f"{line_count(step)} lines"
        said = {Deed.WRITE: f"new, {count}", Deed.APPEND: "one line is added at its end", Deed.KEEP: "is there and kept as it is"}[
            step.deed
        ]
        lines.append(f"  {step.path:<{width}}  {said if step.deed is not Deed.KEEP else style.dim(said)}")
    if setup.settings:
        lines.append(f"  {'.git/config':<{width}}  the merge driver of the queue ({len(setup.settings)} keys)")
    return "\n".join(lines)


def texts(setup: Setup, style: Style) -> str:
    """Return what `init` would write as a diff."""
    parts = [planned(setup, style), ""]
    for step in setup.changes:
        parts.append(style.bold(f"+++ {step.path}" + (" (at its end)" if step.deed is Deed.APPEND else "")))
        parts += [style.good(f"+{_printable(line)}") for line in step.text.strip("\n").split("\n")]
        parts.append("")
    parts += [f"git config --local {key} {shlex.quote(value)}" for key, value in setup.settings]
    parts += [f"\n{_printable(remark)}" for remark in setup.remarks]
    return "\n".join([*parts, "Nothing was written." if not setup.empty else "Everything is there; nothing would be written."])


def set_up(setup: Setup, done: Done | None, following: tuple[str, str], style: Style) -> str:
    """Return what `init` did and which two commands come next."""
    if done is None:
        lines = [f"{_printable(str(setup.root))} is a workspace already; nothing is missing, nothing was changed."]
    elif done.commit is not None:
        lines = [style.good(f"Written and committed as {done.commit[:10]}.")]
    else:
        lines = [style.good("Written." if done.written else "Done.")]
    lines += [f"\n{_printable(remark)}" for remark in (*setup.remarks, *(done.remarks if done else ()))]
    words = {"autobuilds heartbeat --wait": "builds the first task now", "autobuilds check": "reads the queue and names what is odd"}
    if done is not None and CONFIG in done.written:
        lines += ["", *_DUTIES]
    lines.append("\nNext:")
    lines.append(f"  {style.bold(following[0]):<30}  {words[following[0]]}")
    lines.append(f"  {style.bold(following[1]):<30}  runs a heartbeat every 30 minutes by itself")
    return "\n".join(lines)


def diagnoses(found: Sequence[Diagnosis], style: Style) -> str:
    """Return what the doctor found, a line a check, each that is not well followed by what mends it."""
    width = max(len(d.check) for d in found)
    paints = {Level.OK: style.good, Level.WARNING: style.warn, Level.PROBLEM: style.bad}
    lines = []
    for one in found:
        lines.append(f"{paints[one.level](f'{one.level.value:<7}')}  {one.check:<{width}}  {_printable(one.said)}")
        if one.fix:
            lines.append(f"{'':<{9 + width}}  {style.bold('-> ' + _printable(one.fix))}")
    counts = [(sum(d.level is level for d in found), level.value) for level in (Level.PROBLEM, Level.WARNING)]
    said = [f"{count} {word}" + ("" if count == 1 else "s") for count, word in counts if count]
    return "\n".join([*lines, "", ", ".join(said) if said else "everything is well"])
