"""Windows of the week: spans of the local day on some days, with what may be built in them."""

from __future__ import annotations

from datetime import time

from autobuilds.records import dataclass

_EVERY_DAY = frozenset(range(7))


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """A span of the local day on some days (Monday is 0), half-open.

    `start` after `end` crosses midnight and belongs to the day on which it begins; equal means the whole day.
    """

    start: time
    end: time
    days: frozenset[int] = _EVERY_DAY


@dataclass(frozen=True, slots=True, kw_only=True)
class DayWindow:
    """A window of the owner's week, and for builds of which length in minutes it is meant."""

    name: str
    span: Span
    least: int
    most: int


#: The windows of HEARTBEAT.md where it has none (chapter 4).
WINDOWS: tuple[DayWindow, ...] = (
    DayWindow(name="quick-win", span=Span(days=frozenset(range(5)), start=time(19), end=time(23)), least=60, most=120),
    DayWindow(name="overnight", span=Span(start=time(23), end=time(7)), least=240, most=360),
    DayWindow(name="work-hours", span=Span(days=frozenset(range(5)), start=time(9), end=time(17)), least=0, most=480),
    DayWindow(name="weekend", span=Span(days=frozenset({5, 6}), start=time(0), end=time(0)), least=480, most=720),
)
