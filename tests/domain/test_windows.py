"""Windows of the local day on the nights the clocks change, against a walk in quarters of an hour."""

from __future__ import annotations

import zoneinfo
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest

from autobuilds.domain.settings import Window
from autobuilds.domain.times import after, elapsed, in_window, offset_changes, reached, window_closes, window_opens

WINDOWS = [
    Window(start=time(22), end=time(6)),
    Window(start=time(23), end=time(7)),
    Window(start=time(1, 30), end=time(2, 30)),
    Window(start=time(2, 15), end=time(0, 45)),
]


def changes_of_2026() -> list[tuple[str, datetime]]:
    """Return every zone change of 2026, one zone for each way of changing."""
    found: dict[tuple[datetime, object, object], str] = {}
    for name in sorted(zoneinfo.available_timezones()):
        zone = ZoneInfo(name)
        for change in offset_changes(datetime(2026, 1, 1, tzinfo=UTC), datetime(2027, 1, 1, tzinfo=UTC), zone):
            before = (change - timedelta(seconds=1)).astimezone(zone).utcoffset()
            found.setdefault((change, before, change.astimezone(zone).utcoffset()), name)
    return [(name, key[0]) for key, name in found.items()]


CHANGES = changes_of_2026()


def on_the_wall(moment: datetime, zone: ZoneInfo, window: Window) -> bool:
    """Return the plain meaning of a window: what the clock on the wall shows, in minutes of the day."""
    wall = moment.astimezone(zone)
    minute = wall.hour * 60 + wall.minute
    start, end = (t.hour * 60 + t.minute for t in (window.start, window.end))
    return (minute - start) % 1440 < (end - start) % 1440


def test_the_year_has_its_changes() -> None:
    assert len(CHANGES) > 30


@pytest.mark.parametrize("window", WINDOWS, ids=lambda w: f"{w.start:%H%M}-{w.end:%H%M}")
@pytest.mark.parametrize(("name", "change"), CHANGES, ids=lambda v: v if isinstance(v, str) else f"{v:%m%dT%H%M}")
def test_opening_and_closing_agree_with_a_walk(name: str, change: datetime, window: Window) -> None:
    zone = ZoneInfo(name)
    first = change - timedelta(hours=30)
    minutes = [first + timedelta(minutes=15 * n) for n in range(4 * 96)]
    open_at = [on_the_wall(m, zone, window) for m in minutes]
    next_open: datetime | None = None
    next_close: datetime | None = None
    for moment, inside in reversed(list(zip(minutes, open_at, strict=True))):
        if inside:
            next_open = moment
        else:
            next_close = moment
        local = moment.astimezone(zone)
        assert in_window(local, window) is inside
        near = abs(moment - change) < timedelta(hours=2)
        if moment > change + timedelta(hours=30) or next_open is None or not (near or moment.minute == moment.hour % 4 * 15):
            continue
        assert window_opens(local, window).astimezone(UTC) == next_open
        if inside and next_close is not None:
            assert window_closes(local, window).astimezone(UTC) == next_close
        elif near:
            assert window_closes(local, window) == window_closes(next_open.astimezone(zone), window)


def test_a_night_has_the_hours_that_it_has() -> None:
    berlin, night = ZoneInfo("Europe/Berlin"), Window(start=time(23), end=time(7))
    for day, hours in ((datetime(2026, 3, 28, 23, tzinfo=berlin), 7), (datetime(2026, 10, 24, 23, tzinfo=berlin), 9)):
        assert elapsed(day, window_closes(day, night)) == timedelta(hours=hours)


def test_a_window_inside_the_skipped_hour_opens_the_day_after() -> None:
    berlin = ZoneInfo("Europe/Berlin")
    opens = window_opens(datetime(2026, 3, 29, 0, tzinfo=berlin), Window(start=time(2, 15), end=time(2, 45)))
    assert opens == datetime(2026, 3, 30, 2, 15, tzinfo=berlin)


def test_the_end_is_outside_and_the_start_inside() -> None:
    window = Window(start=time(22), end=time(6))
    assert in_window(datetime(2026, 2, 6, 22, 0, tzinfo=UTC), window)
    assert not in_window(datetime(2026, 2, 6, 6, 0, tzinfo=UTC), window)
    assert in_window(datetime(2026, 2, 6, 5, 59, 59, 999999, tzinfo=UTC), window)
    assert not in_window(datetime(2026, 2, 6, 21, 59, 59, 999999, tzinfo=UTC), window)


def test_a_window_of_the_whole_day_is_open_and_never_closes() -> None:
    window = Window(start=time(0), end=time(0))
    now = datetime(2026, 2, 6, 12, tzinfo=UTC)
    assert in_window(now, window)
    assert window_opens(now, window) == now
    assert window_closes(now, window) - now > timedelta(days=36500)


def test_spans_across_a_change_are_real_time() -> None:
    chicago = ZoneInfo("America/Chicago")
    first = datetime(2026, 11, 1, 1, 58, tzinfo=chicago)
    retry = after(first, timedelta(minutes=5))
    assert (retry.hour, retry.minute, retry.fold) == (1, 3, 1)
    assert elapsed(first, retry) == timedelta(minutes=5)
    assert not reached(retry, first)
    assert reached(retry, retry)
    assert reached(first, retry)
