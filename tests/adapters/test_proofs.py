"""Where the proofs of approvals lie: an owner without a home is told so, and nothing is started without it."""

from __future__ import annotations

from pathlib import Path

import pytest

from autobuilds import wiring
from autobuilds.adapters.agents.presets import Presets
from autobuilds.errors import Refused


@pytest.fixture
def homeless(monkeypatch: pytest.MonkeyPatch) -> None:
    """Be a user without HOME whom the machine's table does not know, as in a container that is run under any number."""
    monkeypatch.delenv("HOME", raising=False)
    monkeypatch.setattr("pwd.getpwuid", {}.__getitem__)


@pytest.mark.usefixtures("homeless")
def test_without_a_home_nothing_begins_and_the_words_say_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(Refused, match=r"HOME is not set, .* set HOME to a folder of your own"):
        wiring.make_context(tmp_path)


@pytest.mark.usefixtures("homeless")
def test_agents_are_listed_without_a_home() -> None:
    assert {a.name for a in Presets.load(None).detect(None, {"PATH": "/nowhere"})} >= {"claude", "command"}


def test_a_home_that_is_no_absolute_path_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "some/where")
    with pytest.raises(Refused, match="no absolute path"):
        wiring.make_context(tmp_path)
