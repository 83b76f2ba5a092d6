"""A build upon another's unreviewed work, which is then sent back: it brings that work along no more, and is built anew without it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from autobuilds.errors import Refused
from autobuilds.runtime import deliver
from tests.runtime.loop import Loop, details, make_loop


@pytest.fixture
def stacked(make_repo: Callable[..., Path]) -> Loop:
    below = details("Below", file="below.txt", steps="echo hello > below.txt")
    above = details(
        "Above", file="above.txt", steps="cat below.txt > above.txt || echo hello > above.txt", extra="- **Depends On:** Below\n"
    )
    loop = make_loop(make_repo, below, above)
    loop.run()
    assert (loop.state("below"), loop.state("above")) == ("review", "review")
    last = loop.build("below").last
    first = loop.build("above").last
    assert last is not None and first is not None and first.base_commit == last.head_commit
    return loop


def test_what_was_sent_back_is_not_brought_along(stacked: Loop) -> None:
    deliver.reject(stacked.context, "below", "not so")
    with pytest.raises(Refused, match="built upon work of below that is retrying now"):
        deliver.accept(stacked.context, "above", lambda _: None)
    assert not (stacked.root / "below.txt").exists()


def test_work_that_waits_for_review_is_brought_along_as_before(stacked: Loop) -> None:
    deliver.accept(stacked.context, "above", lambda _: None)
    assert (stacked.root / "below.txt").exists() and (stacked.root / "above.txt").exists()


def test_a_retry_does_not_stand_upon_what_was_sent_back(stacked: Loop) -> None:
    before = stacked.build("above").last
    deliver.reject(stacked.context, "above", "below changes")
    deliver.reject(stacked.context, "below", "not so")
    stacked.run()
    again, below = stacked.build("above").last, stacked.build("below").last
    assert before is not None and again is not None and below is not None
    assert again.number == 2 and again.base_commit != before.base_commit
    assert again.base_commit == below.head_commit
