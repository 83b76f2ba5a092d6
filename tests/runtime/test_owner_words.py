"""The owner's words in every state of a build, and queues that are edited by hand while builds run."""

from __future__ import annotations

import random
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from autobuilds.domain.build import Check, Evidence, Outcome
from autobuilds.domain.moment import Ending
from autobuilds.errors import AutobuildsError, FatalQueue, NotSo
from autobuilds.runtime import deliver, owner
from autobuilds.runtime.answering import answer
from autobuilds.runtime.fsck import check, from_history
from autobuilds.runtime.fsck import rebuild as make_again
from autobuilds.runtime.story import story_of
from autobuilds.store.ledger import dumps
from tests.fakes.runner import FakeRunner
from tests.runtime.loop import Loop, details, make_loop

Make = Callable[..., Path]
LABEL = "say-hello"


class Stage:
    """A loop whose attempts end when the test says so, with real Git and files."""

    def __init__(self, loop: Loop) -> None:
        self.runner = FakeRunner(now=loop.context.host.now("UTC"))
        self.loop = Loop(context=replace(loop.context, runner=self.runner))

    def end(self, outcome: Outcome, label: str = LABEL, *, changed: bool = True) -> None:
        """End the running attempt; with `changed` it leaves a commit on the build's branch."""
        last = self.loop.build(label).last
        assert last is not None
        head = last.base_commit
        if changed:
            tree = self.loop.git("rev-parse", f"{head}^{{tree}}")
            head = self.loop.git("commit-tree", tree, "-p", str(head), "-m", f"work of {last.id}")
            self.loop.git("update-ref", f"refs/heads/build/{label}", head)
        passed = outcome is Outcome.PASSED
        criterion = self.loop.context.load().snapshot.queue.find(label)
        checks = tuple(Check(text=c.text, command=c.commands[0], passed=passed) for c in (criterion.criteria if criterion else ()))
        self.runner.end(
            last.id,
            Ending(
                outcome=outcome,
                reason=f"it was {outcome.value}",
                ended=self.loop.context.host.now("UTC"),
                head_commit=head,
                evidence=Evidence.CHECKED if passed else None,
                checks=checks,
            ),
        )

    def reach(self, state: str) -> None:
        """Bring the build of LABEL into a state by what leads there in life."""
        loop = self.loop
        if state == "none":
            return
        loop.beat()
        if state == "building":
            return
        if state in {"retrying", "escalated"}:
            self.end(Outcome.CHECKS_FAILED if state == "retrying" else Outcome.OUT_OF_BOUNDS)
            loop.beat(start=False)
        elif state == "cancelled":
            owner.cancel(loop.context, LABEL)
        else:
            self.end(Outcome.PASSED, changed=state == "review")
            loop.beat(start=False)
        assert loop.state() == state


@pytest.fixture
def stage(make_repo: Make) -> Stage:
    return Stage(make_loop(make_repo, details("Say hello")))


WORDS: dict[str, Callable[[Any], Any]] = {
    "complete": lambda c: owner.complete(c, LABEL),
    "fail": lambda c: owner.fail(c, LABEL, "not like this"),
    "cancel": lambda c: owner.cancel(c, LABEL),
    "stop": lambda c: owner.stop(c, LABEL),
    "retry": lambda c: owner.retry(c, LABEL),
    "reopen": lambda c: owner.reopen(c, LABEL),
    "accept": lambda c: deliver.accept(c, LABEL, lambda _: None, unchecked=True),
    "reject": lambda c: deliver.reject(c, LABEL, "not like this"),
    "undo": lambda c: deliver.undo(c, LABEL),
    "review": lambda c: story_of(c, LABEL),
    "answer": lambda c: answer(c, LABEL, "yes"),
    "approve": lambda c: owner.approve(c, LABEL, "olive@example.org"),
}
#: What the build is after each word; a missing one is refused with a message.
AFTER: dict[str, dict[str, str]] = {
    "none": {"complete": "none", "cancel": "cancelled", "approve": "none"},
    "building": {
        "complete": "completed",
        "fail": "retrying",
        "cancel": "cancelled",
        "stop": "escalated",
        "review": "building",
        "answer": "building",
        "approve": "building",
    },
    "retrying": {
        "complete": "completed",
        "fail": "escalated",
        "cancel": "cancelled",
        "retry": "retrying",
        "review": "retrying",
        "answer": "retrying",
        "approve": "retrying",
    },
    "escalated": {
        "complete": "completed",
        "cancel": "cancelled",
        "retry": "retrying",
        "reopen": "retrying",
        "review": "escalated",
        "answer": "escalated",
        "approve": "escalated",
    },
    "review": {
        "complete": "completed",
        "fail": "escalated",
        "cancel": "cancelled",
        "reopen": "retrying",
        "accept": "completed",
        "reject": "retrying",
        "review": "review",
        "answer": "review",
    },
    "completed": {"reopen": "retrying", "review": "completed", "answer": "completed"},
    "cancelled": {
        "complete": "completed",
        "retry": "retrying",
        "reopen": "retrying",
        "review": "cancelled",
        "answer": "cancelled",
        "approve": "cancelled",
    },
}


@pytest.mark.slow
@pytest.mark.parametrize("state", AFTER)
def test_each_word_has_its_effect_or_a_message_in_every_state(make_repo: Make, tmp_path: Path, state: str) -> None:
    for number, (word, say) in enumerate(WORDS.items()):
        (tmp_path / str(number)).mkdir()
        stage = Stage(make_loop(lambda files, name, n=number: make_repo(files, name=f"{n}/{name}"), details("Say hello")))
        stage.reach(state)
        wanted = AFTER[state].get(word)
        try:
            say(stage.loop.context)
        except AutobuildsError as refused:
            assert wanted is None, f"{word} of a build that is {state} was refused: {refused}"
            assert LABEL in str(refused) and "Traceback" not in str(refused)
        else:
            assert wanted is not None, f"{word} of a build that is {state} was not refused"
            build = stage.loop.context.workspace.ledger().find(LABEL)
            assert (build.state.value if build else "none") == wanted, word
        assert stage.loop.git("status", "--porcelain") == "", word
        assert from_history(stage.loop.context).ledger == stage.loop.context.workspace.ledger(), word


def test_words_about_an_unknown_task_say_so(stage: Stage) -> None:
    for word in (owner.complete, owner.cancel):
        with pytest.raises(NotSo, match=r"say-helo.*did you mean"):
            word(stage.loop.context, "say-helo")


def test_a_word_that_comes_too_late_counts_for_the_finished_build(stage: Stage) -> None:
    stage.reach("building")
    stage.end(Outcome.PASSED)
    owner.fail(stage.loop.context, LABEL, "too late, but no")
    build = stage.loop.build()
    assert (build.state.value, build.reason) == ("escalated", "too late, but no")
    assert build.last is not None and build.last.outcome is Outcome.REJECTED


def test_an_entry_removed_while_it_is_built_ends_the_build_without_a_retry(stage: Stage) -> None:
    stage.reach("building")
    stage.loop.replace("- [ ] Say hello - Added: 2026-02-06 15:00 - Priority: High\n", "")
    assert stage.loop.beat().transitions[0]["event"] == "hand-edit"
    stage.end(Outcome.CHECKS_FAILED)
    stage.loop.beat()
    build = stage.loop.build()
    assert build.state.value == "cancelled" and "removed from the queue" in (build.reason or "")
    assert stage.loop.git("rev-parse", f"build/{LABEL}.attempt-1")


def test_work_whose_entry_was_removed_waits_for_review(stage: Stage) -> None:
    stage.reach("building")
    stage.loop.replace("- [ ] Say hello - Added: 2026-02-06 15:00 - Priority: High\n", "")
    stage.end(Outcome.PASSED)
    stage.loop.beat()
    assert stage.loop.state() == "review"


@pytest.mark.parametrize("word", ["cancel", *(pytest.param(word, marks=pytest.mark.slow) for word in ("stop", "complete", "fail"))])
def test_a_build_whose_entry_is_gone_still_listens(stage: Stage, word: str) -> None:
    stage.reach("building")
    stage.loop.replace("Say hello - Added", "Greet - Added")
    WORDS[word](stage.loop.context)
    stage.loop.beat(start=False)
    assert stage.loop.state() in {"cancelled", "completed"}


def test_an_entry_ticked_while_it_is_built_stops_the_build(stage: Stage) -> None:
    stage.reach("building")
    stage.loop.replace("- [ ] Say hello", "- [x] Say hello")
    stage.loop.beat()
    build = stage.loop.build()
    assert build.state.value == "completed"
    assert build.last is not None and build.last.outcome is Outcome.STOPPED
    assert "- [x] Say hello" in stage.loop.queue.read_text().partition("## Completed")[2]


@pytest.mark.parametrize("state", ["retrying", "escalated"])
def test_an_entry_moved_to_completed_by_hand_ends_its_build(stage: Stage, state: str) -> None:
    stage.reach(state)
    line = "- [ ] Say hello - Added: 2026-02-06 15:00 - Priority: High\n"
    stage.loop.replace(line, "")
    stage.loop.replace("## Completed\n", "## Completed\n" + line.replace("[ ]", "[x]"))
    stage.loop.beat()
    assert stage.loop.state() == "completed"
    assert not stage.loop.beat().needs_you


def test_criteria_edited_while_it_is_built_keep_it_from_being_merged_unseen(make_repo: Make) -> None:
    stage = Stage(make_loop(make_repo, details("Say hello"), more="deliver: merge\n"))
    stage.reach("building")
    stage.end(Outcome.PASSED)
    last = stage.loop.build().last
    assert last is not None
    ending = stage.runner.runs[last.id].ending
    assert ending is not None
    stage.runner.end(last.id, replace(ending, merged_commit=ending.head_commit, merged_onto=last.base_commit))
    stage.loop.replace("`grep -qx hello a.txt`", "`grep -qx goodbye a.txt`")
    stage.loop.beat()
    build = stage.loop.build()
    assert build.state.value == "review" and "its criteria changed" in (build.reason or "")


@pytest.mark.parametrize("text", [b"", b"<<<<<<< a\n=======\n>>>>>>> b\n# Build Queue\n## Active Queue\n", b"\xff\xfe\n"])
def test_a_queue_that_cannot_be_trusted_is_touched_by_no_commit_and_forgets_nothing(stage: Stage, text: bytes) -> None:
    stage.reach("building")
    good = stage.loop.queue.read_bytes()
    stage.loop.queue.write_bytes(text)
    stage.end(Outcome.PASSED)
    for _ in range(2):
        held = stage.loop.beat()
        assert stage.loop.state() == "building" and not held.ok
        assert stage.loop.queue.read_bytes() == text
        assert stage.loop.git("show", "HEAD:BUILD_QUEUE.md").encode() == good.rstrip(b"\n")
    with pytest.raises(FatalQueue):
        owner.complete(stage.loop.context, LABEL)
    stage.loop.queue.write_bytes(good)
    stage.loop.beat()
    assert stage.loop.state() == "review"
    assert stage.loop.git("status", "--porcelain") == ""


def a_day(stage: Stage, dice: random.Random, length: int) -> None:
    """Let things happen in random order: heartbeats, endings, the owner's words and edits by hand; refusals are fine."""
    context = stage.loop.context
    words: tuple[Callable[[str], Any], ...] = (
        lambda label: owner.complete(context, label),
        lambda label: owner.fail(context, label, "not like this"),
        lambda label: owner.cancel(context, label),
        lambda label: owner.stop(context, label),
        lambda label: owner.retry(context, label),
        lambda label: owner.reopen(context, label),
        lambda label: owner.reopen(context, label),
        lambda label: deliver.accept(context, label, lambda _: None, unchecked=True),
        lambda label: deliver.reject(context, label, "not like this"),
        lambda label: deliver.undo(context, label),
        lambda label: answer(context, label, "yes"),
        lambda label: owner.approve(context, label, "olive@example.org"),
        lambda label: owner.pause(context, None, "enough"),
        lambda _: owner.resume(context),
        lambda label: by_hand(stage.loop, label),
    )
    for _ in range(length):
        label = dice.choice([LABEL, "greet-again"])
        with suppress(AutobuildsError):
            chance = dice.random()
            if chance < 0.4:
                stage.loop.beat()
            elif chance < 0.65:
                for build in context.workspace.ledger().active:
                    outcomes = (Outcome.PASSED, Outcome.PASSED, Outcome.CHECKS_FAILED, Outcome.LOST, Outcome.OUT_OF_BOUNDS)
                    stage.end(dice.choice(outcomes), build.label, changed=dice.random() < 0.7)
            else:
                dice.choice(words)(label)
        if dice.random() < 0.2:
            with suppress(AutobuildsError):
                owner.resume(context)


def by_hand(loop: Loop, label: str) -> None:
    """Tick an entry in an editor, or open it again there."""
    name = {"say-hello": "Say hello", "greet-again": "Greet again"}[label]
    text = loop.queue.read_text()
    loop.queue.write_text(text.replace(f"- [ ] {name}", f"- [x] {name}", 1))


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(3))
def test_the_ledger_is_what_the_history_says_after_any_day(make_repo: Make, seed: int) -> None:
    stage = Stage(make_loop(make_repo, details("Say hello"), details("Greet again", file="b.txt"), more="max_concurrent: 2\n"))
    a_day(stage, random.Random(seed), 70)
    stage.loop.beat()
    ledger = stage.loop.context.workspace.ledger()
    assert sum(len(b.attempts) for b in ledger.builds) >= 3, "too quiet a day to prove anything"
    assert stage.loop.git("status", "--porcelain") == ""
    assert dumps(from_history(stage.loop.context).ledger) == dumps(ledger)
    stage.loop.context.workspace.path("subagents/active.json").write_text("{")
    make_again(stage.loop.context)
    assert stage.loop.context.workspace.ledger() == ledger
    assert [f for f in check(stage.loop.context) if f.severity.value == "error"] == []
