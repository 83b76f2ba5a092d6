"""Printing what the gates said in the past (`why --at`)."""

from __future__ import annotations

from datetime import datetime

from autobuilds.cli.formatters import human, json_
from autobuilds.cli.formatters.columns import wrap
from autobuilds.cli.formatters.style import Style
from autobuilds.cli.session import say, say_json
from autobuilds.domain.labels import slugify
from autobuilds.domain.moment import as_json as plain
from autobuilds.domain.times import format_when
from autobuilds.records import replace
from autobuilds.runtime.context import Context
from autobuilds.runtime.recalling import Recalled, left_by, outcome


def why(context: Context, recalled: Recalled, label: str | None, *, as_json: bool, style: Style) -> None:
    """Print every gate of one task, what had become of it, or what held each task; raises NotSo for a label that was not there.

    Of the task that the commit started the decision is told, of any other the state that the commit left.
    """
    wanted = slugify(label) if label is not None else None
    if recalled.started is not None and wanted != recalled.started:
        left = left_by(context, recalled)
        recalled = left if wanted is not None else _together(recalled, left)
    chosen = recalled.assessments if wanted is None else tuple(a for a in recalled.assessments if a.label == wanted)
    over = outcome(context, recalled, wanted) if wanted is not None and not chosen else None
    if as_json:
        more = {"became": plain(over)} if over is not None else {}
        say_json({**json_.why_json(chosen), **more, "at": json_.at_json(recalled)})
        return
    say("\n".join(wrap(_head(recalled, wanted), style.width, first="")) + "\n\n")
    if over is not None:
        say(human.became(over, style))
    else:
        say(human.why(chosen, recalled.now, style, all_gates=wanted is not None))
    notes = [line for note in recalled.notes for line in wrap(note, style.width, first="note: ", rest="  ")]
    if notes:
        say("\n" + "\n".join(notes))


def _together(decided: Recalled, left: Recalled) -> Recalled:
    """Return the decision about the started task with the state of all others."""
    own = tuple(a for a in decided.assessments if a.label == decided.started)
    others = tuple(a for a in left.assessments if a.label != decided.started)
    return replace(decided, assessments=(*own, *others), unknown=left.unknown, notes=(*decided.notes, *left.notes))


def _head(recalled: Recalled, wanted: str | None) -> str:
    at = f"At {_exact(recalled.now)}, commit {recalled.commit[:12]}"
    if recalled.started is None:
        return f"{at}:"
    said = f"{at}, which started {recalled.started}"
    if wanted not in {None, recalled.started}:
        return f"{said}; {wanted} as that commit left it:"
    others = "" if wanted is not None else "; all other tasks as that commit left them"
    if recalled.differing:
        told = "; ".join(f"{gate} said: {recalled.recorded[gate]}" for gate in recalled.differing)
        return f"{said}. Asked again, these gates do not say what was recorded then: {told}{others}."
    if not recalled.recorded:
        return f"{said}; what its gates said was not recorded{others}:"
    return f"{said}; all its gates say what was recorded then{others}:"


def _exact(moment: datetime) -> str:
    """Return a moment as people write it, with its offset in an hour that comes twice, as `--at` reads it."""
    twice = moment.replace(fold=1 - moment.fold).utcoffset() != moment.utcoffset()
    return moment.isoformat(sep=" ", timespec="minutes") if twice else format_when(moment)
