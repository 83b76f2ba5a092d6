"""Printing what the gates said in the past (`why --at`)."""

from __future__ import annotations

from autobuilds.cli.formatters import human, json_
from autobuilds.cli.formatters.columns import wrap
from autobuilds.cli.formatters.style import Style
from autobuilds.cli.session import say, say_json
from autobuilds.domain.labels import slugify
from autobuilds.domain.moment import as_json as plain
from autobuilds.domain.times import format_when
from autobuilds.runtime.context import Context
from autobuilds.runtime.recalling import Recalled, outcome


def why(context: Context, recalled: Recalled, label: str | None, *, as_json: bool, style: Style) -> None:
    """Print every gate of one task, what had become of it, or what held each task; raises NotSo for a label that was not there."""
    wanted = slugify(label) if label is not None else None
    chosen = recalled.assessments if wanted is None else tuple(a for a in recalled.assessments if a.label == wanted)
    over = outcome(context, recalled, wanted) if wanted is not None and not chosen else None
    if as_json:
        more = {"became": plain(over)} if over is not None else {}
        say_json({**json_.why_json(chosen), **more, "at": json_.at_json(recalled)})
        return
    say("\n".join(_head(recalled, style)) + "\n\n")
    if over is not None:
        say(human.became(over, style))
    else:
        say(human.why(chosen, recalled.now, style, all_gates=wanted is not None))
    notes = [line for note in recalled.notes for line in wrap(note, style.width, first="note: ", rest="  ")]
    if notes:
        say("\n" + "\n".join(notes))


def _head(recalled: Recalled, style: Style) -> list[str]:
    at = f"At {format_when(recalled.now)}, commit {recalled.commit[:12]}"
    if recalled.started is None:
        return wrap(f"{at}:", style.width, first="")
    said = f"{at}, which started {recalled.started}"
    if recalled.differing:
        told = "; ".join(f"{gate} said: {recalled.recorded[gate]}" for gate in recalled.differing)
        return wrap(f"{said}. Asked again, these gates do not say what was recorded then: {told}.", style.width, first="")
    if not recalled.recorded:
        return wrap(f"{said}; what its gates said was not recorded:", style.width, first="")
    return wrap(f"{said}; all its gates say what was recorded then:", style.width, first="")
