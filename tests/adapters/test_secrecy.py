"""What a supervisor writes down holds no value of a secret that its agent was given."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path

import pytest

from autobuilds.adapters.supervisor.secrecy import redact_file, redacted, redacted_bytes
from autobuilds.adapters.supervisor.tail import read_tail
from autobuilds.domain.build import Check, Outcome
from autobuilds.domain.moment import Ending
from autobuilds.domain.redaction import secrets_of

VALUE = "sk-0123456789abcdef"
SECRETS = secrets_of({"X_API_KEY": VALUE})


def test_a_record_is_redacted_however_deep_a_text_lies() -> None:
    check = Check(text=f"curl -H {VALUE}", passed=False, command=f"curl {VALUE}", exit_code=1, tail=f"401 {VALUE}")
    ending = Ending(
        outcome=Outcome.CHECKS_FAILED, reason=VALUE, ended=datetime(2026, 2, 6, tzinfo=UTC), checks=(check,), notes=(VALUE,), said=VALUE
    )
    found = redacted(ending, SECRETS)
    assert VALUE not in repr(found) and repr(found).count("[value of X_API_KEY]") == 6
    assert (found.outcome, found.ended, found.checks[0].exit_code) == (ending.outcome, ending.ended, 1)
    assert redacted(ending, ()) is ending


@pytest.mark.parametrize("at", [0, 1, 1024 * 1024 - 5, 1024 * 1024 - len(VALUE), 1024 * 1024, 2 * 1024 * 1024 - 1])
def test_a_file_keeps_its_length_and_loses_the_value(tmp_path: Path, at: int) -> None:
    log = tmp_path / "log"
    log.write_bytes(b"x" * at + VALUE.encode() + b"y" * 1000 + VALUE.encode())
    size = log.stat().st_size
    assert redact_file(log, SECRETS) == 2
    assert log.stat().st_size == size and VALUE.encode() not in log.read_bytes()
    assert log.read_bytes()[at : at + len(VALUE)] == b"*" * len(VALUE)


def test_nothing_but_a_plain_file_is_written_to(tmp_path: Path) -> None:
    owners = tmp_path / "owners"
    owners.write_text(VALUE)
    (tmp_path / "link").symlink_to(owners)
    (tmp_path / "second").hardlink_to(owners)
    os.mkfifo(tmp_path / "pipe")
    for name in ("link", "second", "pipe", "missing", "."):
        assert redact_file(tmp_path / name, SECRETS) == 0
    assert owners.read_text() == VALUE


def test_a_tail_that_begins_in_a_value_shows_nothing_of_it(tmp_path: Path) -> None:
    (tmp_path / "log").write_text("before " + VALUE + " after")
    for limit in range(6, 40):
        shown = read_tail(tmp_path / "log", limit, SECRETS)
        assert not any(VALUE[n : n + 6] in shown for n in range(len(VALUE) - 5)), (limit, shown)


def test_what_hides_in_a_value_does_not_save_it() -> None:
    hidden = VALUE[:5] + "\u200b" + VALUE[5:]
    assert VALUE[5:] not in redacted_bytes(f"- {hidden}\n".encode(), SECRETS).decode()
