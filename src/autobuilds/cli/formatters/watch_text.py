"""The picture that `watch` shows: builds with what they do first, then what `status` says, fitted to the terminal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from autobuilds.cli.formatters.columns import bar, cells, clock, cut, wrap
from autobuilds.cli.formatters.status_text import status
from autobuilds.cli.formatters.style import Style
from autobuilds.domain.build import Build
from autobuilds.domain.progress import Progress
from autobuilds.domain.times import elapsed
from autobuilds.records import dataclass, replace
from autobuilds.runtime.view_values import BuildingRow, StatusView

#: Lines of what an agent did: of a build alone, of one among several.
_ALONE, _AMONG = 8, 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """What is looked at: the status, the running builds, their progress logs as they are at this moment."""

    view: StatusView
    builds: Sequence[Build]
    progress: Mapping[str, Progress]
    now: datetime
    #: The last lines of each build's output, by label.
    output: Mapping[str, Sequence[str]]


def lines(picture: Picture, style: Style, height: int | None = None) -> list[str]:
    """Return the picture in lines; with `height` at most so many, the last one saying what was left out."""
    head, _, rest = status(replace(picture.view, building=()), picture.now, style).rstrip("\n").partition("\n\n")
    shown = [*head.split("\n"), ""]
    for row in picture.view.building:
        shown += [*_build(row, picture, style), ""]
    shown += rest.split("\n") if rest else []
    if height is None:
        return shown
    foot = style.dim(cut(f"{clock(picture.now, picture.now)}:{picture.now:%S}  q leaves", style.width))
    room = max(height - 1, 1)
    if len(shown) > room - 1:
        left_out = len(shown) - (room - 1)
        shown = [*shown[: max(room - 1, 0)], style.dim(cut(f"... {left_out} more lines: autobuilds status", style.width))]
    return [*shown, *([""] * (room - len(shown))), foot][-height:]


def trouble(words: str, style: Style) -> list[str]:
    """Return what is shown while nothing can be read."""
    return [*(style.bad(row) for row in wrap(words, style.width)), "", style.dim("tried again in a moment; q leaves")]


def running(picture: Picture) -> list[dict[str, Any]]:
    """Return the running builds as `watch --json` gives them."""
    return [
        {
            "label": row.label,
            "attempt": row.attempt,
            "percent": _percent(row, picture),
            "step": _step(row, picture),
            "activities": list(_activities(row, picture, _ALONE)),
            "seconds": int(elapsed(row.started, picture.now).total_seconds()),
            "cost_usd": _cost(row, picture),
            "tokens": row.live_tokens,
            "questions": [q.text for q in found.questions] if (found := _progress(row, picture)) else [],
        }
        for row in picture.view.building
    ]


def _progress(row: BuildingRow, picture: Picture) -> Progress | None:
    found = picture.progress.get(row.label)
    return found if found is not None and found.attempt in {None, row.attempt} else None


def _percent(row: BuildingRow, picture: Picture) -> int | None:
    found = _progress(row, picture)
    return found.percent if found is not None and found.percent is not None else row.percent


def _step(row: BuildingRow, picture: Picture) -> str | None:
    found = _progress(row, picture)
    return found.current_step if found is not None and found.found else row.step


def _activities(row: BuildingRow, picture: Picture, most: int) -> tuple[str, ...]:
    found = _progress(row, picture)
    told = found.log[-most:] if found is not None else ()
    left = most - len(told)
    said = [f"| {line}" for line in picture.output.get(row.label, ()) if line.strip()][-left:] if left > 0 else []
    return (*told, *said)


def _cost(row: BuildingRow, picture: Picture) -> float | None:
    """Return what the build's attempts have cost, the running one too, as far as they said."""
    build = next((b for b in picture.builds if b.label == row.label), None)
    costs = [a.usage.cost_usd for a in build.attempts if a.usage.cost_usd is not None] if build else []
    costs += [row.live_cost_usd] if row.live_cost_usd is not None else []
    return sum(costs) if costs else None


def _build(row: BuildingRow, picture: Picture, style: Style) -> list[str]:
    percent = _percent(row, picture)
    name = cut(row.label, max(style.width - 20, style.width // 2))
    gauge = f"{bar(percent)} {percent} %" if percent is not None else "percent unknown"
    shown = [style.good(name) + "  " + gauge] if cells(name) + 2 + len(gauge) <= style.width else [style.good(name), f"  {gauge}"]
    cost = "" if (usd := _cost(row, picture)) is None else f", {usd:.2f} USD so far"
    ready = f", ready about {clock(row.ready, picture.now)}" if row.ready else ""
    shown += wrap(f"attempt {row.attempt} with {row.agent} for {_span(row.started, picture.now)}{ready}{cost}", style.width, first="  ")
    if row.stalled:
        shown.append("  " + style.bad(cut("no sign of life for too long", style.width - 2)))
    if (step := _step(row, picture)) is not None:
        shown += wrap(f"now: {step}", style.width, first="  ", rest="       ")[:2]
    most = _ALONE if len(picture.view.building) == 1 else _AMONG
    return [*shown, *(style.dim("  " + cut(activity, style.width - 2)) for activity in _activities(row, picture, most))]


def _span(since: datetime, now: datetime) -> str:
    seconds = max(int(elapsed(since, now).total_seconds()), 0)
    if seconds < 60:
        return f"{seconds} s"
    return f"{seconds // 60} min" if seconds < 3600 else f"{seconds // 3600} h {seconds % 3600 // 60} min"
