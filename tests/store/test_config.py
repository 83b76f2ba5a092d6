"""Every key of the configuration, its unit, its range and what is said about a bad one."""

from __future__ import annotations

import zoneinfo
from dataclasses import fields
from datetime import time, timedelta
from pathlib import Path

import pytest

from autobuilds.domain.build import DeliverMode
from autobuilds.domain.problem import Severity
from autobuilds.domain.settings import Settings, Window
from autobuilds.store.config import explain, read_settings, reference_table, zone_of
from autobuilds.store.config_keys import KEYS

REFERENCE = Path(__file__).parents[2] / "docs" / "reference" / "configuration.md"


def value(line: str) -> object:
    config = read_settings(f"---\n{line}\n---\n".encode())
    assert config.problems == ()
    return getattr(config.settings, line.partition(":")[0])


def complaint(line: str) -> str:
    config = read_settings(f"---\n{line}\n---\n".encode())
    assert config.settings == Settings()
    assert len(config.problems) == 1
    assert config.problems[0].severity is Severity.ERROR
    return str(config.problems[0])


def test_no_file_means_all_defaults() -> None:
    for data in (None, b"", b"# Heartbeat\n"):
        config = read_settings(data)
        assert config.settings == Settings()
        assert config.problems == ()
        assert set(config.origins.values()) == {"default"}


def test_every_setting_has_a_reader_and_no_reader_is_left_over() -> None:
    assert list(KEYS) == [f.name for f in fields(Settings)]


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("timezone: America/Chicago", "America/Chicago"),
        ("timezone: none", None),
        ("interval: 90 min", timedelta(minutes=90)),
        ("off_hours: 22:00-06:00", Window(start=time(22), end=time(6))),
        ("off_hours: '21:30 to 5:00'", Window(start=time(21, 30), end=time(5))),
        ("max_concurrent: 3", {"default": 3}),
        ("stall_after: 1h30m", timedelta(minutes=90)),
        ("retries: '5'", 5),
        ("retry_delay: 0s", timedelta(0)),
        ("agent: claude", "claude"),
        ("agent: no", "no"),
        ("agent:", None),
        ("timeout: 1d", timedelta(days=1)),
        ("output_limit: 128 MiB", 128),
        ("deliver: merge", {"default": DeliverMode.MERGE}),
        ("deliver: {Bug  Fixes: Merge}", {"default": DeliverMode.REVIEW, "bug fixes": DeliverMode.MERGE}),
        ("disk_limit: 75%", 75),
        ("load_limit: 2.5", 2.5),
        ("attempts_per_day: unlimited", None),
        ("cost_per_day: $5.50", 5.5),
        ("tokens_per_day: 2_000_000", 2_000_000),
        ("commits: none", "none"),
        ("commits: autobuilds/record", "autobuilds/record"),
        ("approvers: a@example.org, b@example.org", ("a@example.org", "b@example.org")),
        ("approvers: [a@example.org]", ("a@example.org",)),
        ("environment: [HTTP_PROXY, HTTP_PROXY]", ("HTTP_PROXY",)),
        ("protected: 'deploy/**'", ("deploy/**",)),
        ("protected: []", ()),
    ],
)
def test_a_value_as_a_person_writes_it(line: str, expected: object) -> None:
    assert value(line) == expected


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("retrys: 3", 'HEARTBEAT.md:2:1: unknown key "retrys" (did you mean "retries"?)'),
        ("Max-Concurrent: 3", '(did you mean "max_concurrent"?)'),
        ("sandbox: on", "`auto`, bubblewrap+landlock, bubblewrap, landlock or none"),
        ("qqqqqq: on", 'HEARTBEAT.md:2:1: unknown key "qqqqqq"'),
        ("timezone: Chicago", 'HEARTBEAT.md:2:11: "timezone" names no time zone known here: "Chicago" (did you mean "America/Chicago"?)'),
        ("timezone: europe/berlim", '(did you mean "Europe/Berlin"?)'),
        ("timezone: America", "names no time zone"),
        ("timezone: ../../etc/passwd", 'can\'t be "../../etc/passwd"'),
        ("interval: 30", 'HEARTBEAT.md:2:11: "interval" can\'t be "30" without a unit'),
        ("interval: 10s", "from 1m to 1d"),
        ("off_hours: 22:00", "a span of the day such as 22:00-06:00"),
        ("off_hours: 25:00-06:00", "a span of the day"),
        ("max_concurrent: 0", "a whole number from 1 to 64"),
        ("max_concurrent: 65", "a whole number from 1 to 64"),
        ("max_concurrent: 1.5", "a whole number"),
        ("max_concurrent: [1]", "has to be one value"),
        ("retries: -1", "a whole number from 1 to 20"),
        ("retries: three", "a whole number from 1 to 20"),
        ("retries: ٣", "a whole number from 1 to 20"),
        ("retries:", '"retries" has no value'),
        ("agent: claude code", "the name of an agent"),
        ("deliver: merg", 'HEARTBEAT.md:2:10: "deliver" can\'t be "merg" (did you mean "merge"?)'),
        ("deliver: {x: maybe}", "`review`, `merge` or `pr`"),
        ("deliver: {x: merge, X: review}", "twice"),
        ("disk_limit: 101", "from 1 to 100"),
        ("load_limit: inf", "a number from 0.1 to 1000"),
        ("cost_per_day: -5", "a number of USD"),
        ("commits: no", '(did you mean "none"?)'),
        ("commits: build/x", "the name of a branch"),
        ("commits: '-x'", "the name of a branch"),
        ("commits: a..b", "the name of a branch"),
        ("commits: x.lock", "the name of a branch"),
        ("approvers: olive", "e-mail addresses"),
        ("environment: [A=b]", "names of environment variables"),
        ("protected: ['../x']", 'HEARTBEAT.md:2:13: "protected" can\'t be "../x"'),
        ("protected: /etc", "path globs inside the repository"),
        ("protected: {a: b}", "has to be a list"),
    ],
)
def test_a_bad_value_is_an_error_with_its_place_and_leaves_the_default(line: str, message: str) -> None:
    assert message in complaint(line)


def test_good_values_stand_beside_bad_ones() -> None:
    config = read_settings(b"---\nretries: 99\nmax_concurrent: 2\nretrys: 1\n---\n")
    assert config.settings == Settings(max_concurrent={"default": 2})
    assert [p.line for p in config.problems] == [2, 4]


def test_an_unclosed_block_is_never_an_empty_one() -> None:
    assert read_settings(b"---\nretries: 5\n").problems


def test_where_each_value_came_from() -> None:
    config = read_settings(b"---\n# mine\nretries: 5\ndeliver:\n  docs: merge\n---\nBody\n")
    told = {key: (text, origin) for key, text, origin, _ in explain(config)}
    assert told["retries"] == ("5", "HEARTBEAT.md:3")
    assert told["deliver"] == ("default: review, docs: merge", "HEARTBEAT.md:4")
    assert told["off_hours"] == ("22:00-06:00", "default")
    assert told["agent"] == ("", "default")
    assert list(told) == [f.name for f in fields(Settings)]
    assert (config.body, config.body_line) == ("Body\n", 7)


def test_what_is_explained_is_read_back() -> None:
    for key, text, _, _ in explain(read_settings(None)):
        if text and key != "deliver":
            assert read_settings(f"---\n{key}: {text}\n---\n".encode()).settings == Settings(), key


def test_every_zone_of_this_machine_is_accepted() -> None:
    for name in sorted(zoneinfo.available_timezones())[::25]:
        config = read_settings(f"---\ntimezone: {name}\n---\n".encode())
        assert str(zone_of(config.settings)) == name
    assert zone_of(Settings()) is None


def test_the_reference_is_equal_to_the_program() -> None:
    assert reference_table() in REFERENCE.read_text(encoding="utf-8")
