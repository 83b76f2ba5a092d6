"""What earlier commands kept of the packaged rules is what is made of them."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from autobuilds import kept
from autobuilds.domain.policy import Rules
from autobuilds.policies.requirements import judge as clarity
from autobuilds.policies.requirements import words
from autobuilds.policies.risk import model as risk
from autobuilds.runtime.assessing import policy_of
from autobuilds.store import policy as store

TASK = (
    "Drop the old table",
    "Delete all rows of customers in production and いい感じ, as soon as possible",
    ("it works",),
    "rm -rf /srv/data",
)


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Keep into a folder of the test's own, and make everything anew."""
    (tmp_path / "__pycache__").mkdir()
    monkeypatch.setattr(kept, "__file__", str(tmp_path / "kept.py"))
    monkeypatch.setattr(sys, "dont_write_bytecode", False)
    _forget()
    return tmp_path / "__pycache__"


def _forget() -> None:
    for cache in (risk.compiled, clarity._prepared, store.read_policy):
        cache.cache_clear()


def _answers(rules: tuple[object, ...]) -> object:
    from autobuilds.policies.requirements import judge_requirements
    from autobuilds.policies.risk import judge_risk

    return judge_risk(*TASK, "Data", rules), judge_requirements(*TASK, None, rules)  # type: ignore[arg-type]


def test_rules_that_were_kept_judge_as_those_that_are_read(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = policy_of(None)
    answers = _answers(first.rules)
    assert {file.name.partition(".")[0] for file in folder.iterdir()} >= {"policy", "risk", "clarity"}
    _forget()
    never = lambda *_: pytest.fail("this was made again")  # noqa: E731
    monkeypatch.setattr(risk, "filed", never)
    monkeypatch.setattr(words, "filed", never)
    monkeypatch.setattr(store, "_read", never)
    again = policy_of(None)
    assert again == first
    assert again.rules == first.rules
    assert _answers(again.rules) == answers


def test_rules_of_a_workspace_are_never_kept(folder: Path) -> None:
    own = Rules(policy_of(None).rules[::2])
    assert not own.shipped
    before = sorted(file.name for file in folder.iterdir())
    _answers(own)
    assert sorted(file.name for file in folder.iterdir()) == before


def test_what_is_remembered_of_pairs_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    text = "it is as good as it can be and as nice as that"
    rows = [("vague", ("as good as", "nice", "as it can"))]
    whole = words.Lexicon(words.filed(rows)).find(text)
    monkeypatch.setattr(words, "_REMEMBERED", 2)
    lexicon = words.Lexicon(words.filed(rows))
    assert lexicon.find(text) == lexicon.find(text) == whole
    assert len(lexicon._following) == 4
