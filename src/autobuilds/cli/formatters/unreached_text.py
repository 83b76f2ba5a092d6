"""What a schedule does not reach, by what keeps it: the owner, the review of finished builds, the slots, or the clock."""

from __future__ import annotations

from collections.abc import Sequence

from autobuilds.cli.formatters.columns import cut, wrap
from autobuilds.cli.formatters.schedule_text import moment
from autobuilds.cli.formatters.style import Style
from autobuilds.cli.formatters.why_text import why
from autobuilds.domain.verdicts import Assessment, Verdict
from autobuilds.planning.timeline import Forecast, Reach

#: So many tasks of each sort are told of.
SHOWN = 8


def unreached(found: Forecast, words: Sequence[Reach], style: Style) -> str:
    """Return what is not reached, and what would change that; nothing where all is."""
    # Two tasks may have one label: that is what keeps both of them.
    rank = {label: n for n, label in enumerate(found.asking)}
    asking = sorted((a for a in found.not_reached if a.label in rank), key=lambda a: rank[a.label])
    others = [a for a in found.not_reached if a.label not in rank]
    review = [a for a in others if _waits_for_review(a)]
    crowded = [a for a in others if a.label in found.crowded and not _waits_for_review(a)]
    left = tuple(a for a in others if a.label not in found.crowded and not _waits_for_review(a))
    blocks = [
        *_asking(asking, {r.label: r for r in words}, found, style),
        *_row(
            "Held back by the builds that wait for your review by then; --reviewed shows the time if you accept each at once", review, style
        ),
        *_row("Kept out by others that take every slot; max_concurrent in HEARTBEAT.md sets how many", crowded, style),
        *_waiting(left, found, style),
    ]
    return "\n".join(blocks) + "\n" if blocks else ""


def _waits_for_review(one: Assessment) -> bool:
    return any(g.gate == "review" and g.verdict is not Verdict.GO for g in one.obstacles)


def _asking(asking: Sequence[Assessment], words: dict[str, Reach], found: Forecast, style: Style) -> list[str]:
    if not asking:
        return []
    lines = ["", *_title(f"Not before you act ({len(asking)}):", style)]
    for one in asking[:SHOWN]:
        lines.append(why((one,), found.start, style, all_gates=False).rstrip("\n"))
        told = words.get(one.label)
        if told is not None:
            first = one.obstacles[0]
            more = [w for w in told.words if w != first.fix and w not in (first.fix or "")]
            lines += [f"  > {w}" for w in more]
            then = (
                f"then it starts {moment(told.start)}"
                if told.start is not None
                else f"then it is still not reached before {moment(found.end)}"
            )
            lines += wrap(then, style.width, first="    ")
    return lines + _more(len(asking), style)


def _row(title: str, rows: Sequence[Assessment], style: Style) -> list[str]:
    if not rows:
        return []
    labels = ", ".join(cut(a.label, style.width // 2) for a in rows[:SHOWN])
    more = f" and {len(rows) - SHOWN} more" if len(rows) > SHOWN else ""
    return ["", *_title(f"{title} ({len(rows)}):", style), *wrap(labels + more, style.width, first="  ")]


def _waiting(rows: Sequence[Assessment], found: Forecast, style: Style) -> list[str]:
    if not rows:
        return []
    told = why(rows[:SHOWN], found.start, style, all_gates=False).rstrip("\n")
    return ["", *_title(f"Waiting for something else ({len(rows)}):", style), told, *_more(len(rows), style)]


def _title(words: str, style: Style) -> list[str]:
    return [style.bold(line) for line in wrap(words, style.width)]


def _more(number: int, style: Style) -> list[str]:
    return [style.dim(f"  and {number - SHOWN} more; autobuilds why shows each")] if number > SHOWN else []
