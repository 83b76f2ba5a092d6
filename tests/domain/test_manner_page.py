"""The tables of docs/reference/contexts.md are those of the code."""

from __future__ import annotations

from pathlib import Path

from autobuilds.domain.day import TIMETABLE, Context
from autobuilds.domain.manner import MANNERS
from autobuilds.domain.times import format_minutes
from autobuilds.domain.week import format_span
from autobuilds.domain.windows import WINDOWS

PAGE = (Path(__file__).parents[2] / "docs" / "reference" / "contexts.md").read_text(encoding="utf-8")


def _named(names: tuple[str, ...]) -> str:
    return ", ".join(f"`{name}`" for name in names)


def test_the_table_of_contexts() -> None:
    hours = {rule.context: format_span(rule.span) for rule in TIMETABLE} | {Context.AWAY: "whatever no line covers"}
    for context, manner in MANNERS.items():
        row = f"| `{context.value}` | {hours[context]} | {manner.intensity.value} | {_named(manner.opens)} | {_named(manner.closes)} |"
        assert row in PAGE


def test_the_table_of_windows() -> None:
    for window in WINDOWS:
        meant = " to ".join(format_minutes(n) for n in (window.least, window.most) if n)
        assert f"| `{window.name}` | {format_span(window.span)} | {meant} |" in PAGE
