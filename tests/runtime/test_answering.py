"""A build that stops for an answer: it frees its slot, shows its question, and goes on with the answer."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from autobuilds.runtime.answering import answer
from tests.runtime.loop import details, make_loop

_ASKS = r"printf -- '---\nattempt: 1\nstatus: blocked\nquestions:\n  - question: Which market?\n    default: US\n---\n# Hello\n'"
_STEPS = f'case "$AUTOBUILDS_ATTEMPT" in *-1-*) {_ASKS} > "$AUTOBUILDS_PROGRESS";; *) echo hello > a.txt;; esac'


def test_a_build_with_a_question_frees_its_slot_and_goes_on_after_the_answer(make_repo: Callable[..., Path]) -> None:
    loop = make_loop(make_repo, details("Say hello", steps=_STEPS))
    first = loop.run()
    asked = loop.build()
    assert (asked.state.value, len(asked.attempts)) == ("escalated", 1)
    assert asked.reason is not None
    assert asked.reason.startswith("it asks: Which market? (without an answer: US)")
    (need,) = first.view.needs_you
    assert need.command == 'autobuilds answer say-hello "..."'
    assert "or: autobuilds retry say-hello" in need.details
    answer(loop.context, "say-hello", "DE")
    assert loop.state() == "retrying"
    assert not loop.context.workspace.ledger().active
    loop.run()
    assert loop.state() == "review"
    prompt = next((loop.context.workspace.run_folder(loop.build().attempts[-1].id)).glob("prompt.md")).read_text()
    assert "| The owner answered: DE" in prompt
