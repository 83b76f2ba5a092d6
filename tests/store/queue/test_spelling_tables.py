"""Every word, sign and spelling that the queue knows, each read from a text of its own."""

# ruff: noqa: SIM905 - rows of sample text read better as one string

from __future__ import annotations

from datetime import UTC
from typing import Final

from autobuilds.domain.model import Criterion, Priority, Task
from autobuilds.store.queue.document import Document
from autobuilds.store.queue.keys import KEYS, Key, fold_key, inline_key, suggest
from autobuilds.store.queue.reader import read_queue
from autobuilds.store.queue.sections import names_section, section_of
from autobuilds.store.queue.values import commands, parse_priority, shell, suggest_priority

END: Final = "\n## Task Details\n\n## Completed\n"


def read(text: str) -> Document:
    return read_queue(text.encode(), zone=UTC)


def line(rest: str) -> Task:
    """Return the task of one line."""
    return read(f"## Active Queue\n- [ ] Foo {rest}\n{END}").queue.tasks[0]


def field(rest: str) -> tuple[Task, list[str]]:
    """Return a task with one field, and the problems that it has."""
    queue = read(f"## Active Queue\n- [ ] Foo\n- [ ] Bar\n\n## Task Details\n\n### Foo\n- {rest}\n\n## Completed\n").queue
    return queue.tasks[0], [f"{one.line}:{one.column} {one.kind}" for one in queue.problems]


def problems(rest: str) -> list[str]:
    """Return where and what the problems of one line are."""
    return [f"{one.line}:{one.column} {one.kind}" for one in line(rest).problems]


def test_keys_are_read_in_any_case_and_with_any_joiner() -> None:
    spelt = {
        "added": Key.ADDED,
        "priority": Key.PRIORITY,
        "completed": Key.COMPLETED,
        "description": Key.DESCRIPTION,
        "completion criteria": Key.CRITERIA,
        "tech stack": Key.TECH_STACK,
        "estimated time": Key.ESTIMATE,
        "category": Key.CATEGORY,
        "blockers": Key.BLOCKERS,
        "depends on": Key.DEPENDS_ON,
        "touches": Key.TOUCHES,
        "not before": Key.NOT_BEFORE,
        "window": Key.WINDOW,
        "approved": Key.APPROVED,
        "repository": Key.REPOSITORY,
        "base": Key.BASE,
        "agent": Key.AGENT,
        "role": Key.ROLE,
        "timeout": Key.TIMEOUT,
        "steps": Key.STEPS,
        "deliverables": Key.DELIVERABLES,
        "label": Key.LABEL,
        "source": Key.SOURCE,
        "notes": Key.NOTES,
    }
    assert spelt == KEYS
    for text, key in spelt.items():
        for written in (text, text.upper(), text.title().replace(" ", "_"), text.replace(" ", "-"), f" {text.replace(' ', '  ')} "):
            assert KEYS[fold_key(written)] is key, written
            assert suggest(written) is key
            assert inline_key(written) is key


OBSIDIAN: Final = {
    "id": Key.LABEL,
    "created": Key.ADDED,
    "completion": Key.COMPLETED,
    "start": Key.NOT_BEFORE,
    "scheduled": Key.NOT_BEFORE,
    "estimate": Key.ESTIMATE,
    "dependsOn": Key.DEPENDS_ON,
    "notBefore": Key.NOT_BEFORE,
    "techStack": Key.TECH_STACK,
}


def test_keys_in_brackets() -> None:
    for text, key in OBSIDIAN.items():
        assert inline_key(text) is key, text
    assert inline_key("due") is inline_key("DEPENDSON") is None


MEANT: Final = {
    "Completion Criteria": "criteria|acceptance criteria|done when|definition of done|Completion Criterias|completion-critera",
    "Estimated Time": "estimate|time|effort|Estimated Times|estimatd time",
    "Depends On": "dependencies|depends|requires|after|Depend On",
    "Blockers": "blocked by|Blocker|blokers",
    "Tech Stack": "tech|stack|technology|Tech Stak",
    "Touches": "files|paths|Touchs",
    "Not Before": "start|Not Befor",
    "Repository": "repo|Repositry",
    "Priority": "prio|Prority|Pritority",
    "Description": "desc|summary|Descripton",
    "Added": "created|Addd",
    "Completed": "done|Complete",
    "Label": "id|slug|Lable",
    "Notes": "note|Note",
    "Deliverables": "output|Deliverable",
}


def test_words_for_a_key_are_suggested() -> None:
    for key, words in MEANT.items():
        for word in words.split("|"):
            for written in (word, word.upper(), word.replace(" ", "_")):
                assert suggest(written) == key, written
    for word in ("owner", "zzz", "tim", "finish", "tags"):
        assert suggest(word) is None, word
    assert suggest("Tole") is Key.ROLE
    assert suggest("Rxlx") is None


SIGNS: Final = {
    "🔺": ("high", None),
    "⏫": ("high", None),
    "🔼": ("medium", None),
    "🔽": ("low", None),
    "⏬": ("low", None),
    "🆔 b-7": ("medium", ("label", "b-7")),
    "⛔ bar": ("medium", ("depends_on", "('bar',)")),
    "⛔ bar , foo2": ("medium", ("depends_on", "('bar', 'foo2')")),
    "➕ 2026-02-06": ("medium", ("added", "2026-02-06 00:00:00+00:00")),
    "➕ 2026-02-06 15:30": ("medium", ("added", "2026-02-06 15:30:00+00:00")),
    "🛫 2026-02-06T15:30": ("medium", ("not_before", "2026-02-06 15:30:00+00:00")),
    "⏳ 2026-02-06": ("medium", ("not_before", "2026-02-06 00:00:00+00:00")),
    "⌛ 2026-02-06": ("medium", ("not_before", "2026-02-06 00:00:00+00:00")),
    "✅ 2026-02-06": ("medium", ("completed", "2026-02-06 00:00:00+00:00")),
}


def test_signs_of_obsidian() -> None:
    for sign, (level, given) in SIGNS.items():
        for written in (sign, sign[0] + "\ufe0f" + sign[1:], f"{sign} #tag", f"x {sign}"):
            task = line(written)
            assert task.priority.value == level, written
            assert given is None or str(getattr(task, given[0])) == given[1], written
    assert str(line("🛫 2026-02-06 ⏳ 2026-02-01").not_before) == "2026-02-06 00:00:00+00:00"
    assert str(line("⌛ 2026-02-01 🛫 2026-02-06").not_before) == "2026-02-06 00:00:00+00:00"


def test_signs_that_mean_nothing_are_told_where_they_stand() -> None:
    for sign in (
        "📅 2026-02-06",
        "📆 2026-02-06",
        "🗓 2026-02-06",
        "❌ 2026-02-06",
        "🔁 every day",
        "🔁 every week when done",
        "🏁 delete",
        "🏁 keep",
    ):
        assert problems(sign) == ["2:11 unknown-key"], sign
        assert line(sign).name == "Foo"
        assert problems(f"⏫ {sign}") == ["2:13 unknown-key"], sign
    for text in ("📅 soon", "🏁 stop", "🔁 daily", "🆔", "⛔"):
        assert problems(text) == [], text
        assert line(text).name == f"Foo {text}"


def test_words_for_a_priority() -> None:
    for level, words in {
        "High": "p0|p1|1|urgent|critical|asap|highest|very high|hi|important|hihg|hgh|urgent (now)|asap!",
        "Medium": "p2|2|normal|moderate|med|mid|default|average|mediun|medum",
        "Low": "p3|p4|3|minor|lowest|very low|someday|lo|trivial|lwo|loww",
    }.items():
        for word in words.split("|"):
            for written in (word, word.upper(), f"**{word}**"):
                assert suggest_priority(written) == f'did you mean "{level}"?', written
                assert parse_priority(written) is None
    for word in ("xyz", "7", "", "tomorrow"):
        assert suggest_priority(word) == "High, Medium or Low"
    for priority in Priority:
        for written in (priority.value, priority.value.upper(), f"*{priority.value.title()}*"):
            assert parse_priority(written) is priority


def test_words_for_nothing() -> None:
    for word in ("-", "–", "—", "none", "n/a", "nothing", "no", "nil", "None", "NONE.", "N/A", "**None**", "_nil_", "`none`", "*no*.", ""):
        for key, name in (
            ("Category", "category"),
            ("Blockers", "blockers"),
            ("Steps", "steps"),
            ("Touches", "touches"),
            ("Not Before", "not_before"),
        ):
            task, found = field(f"**{key}:** {word}")
            assert not getattr(task, name), (key, word)
            assert found == [], (key, word)
    for word in ("nope", "not", "n", "x", "none of it", "--", "0"):
        assert field(f"**Category:** {word}")[0].category == word
        assert field(f"**Blockers:** {word}")[0].blockers == (word,)


def test_words_that_approve_and_words_that_do_not() -> None:
    for word in ("yes", "true"):
        assert field(f"**Approved:** {word}") == (field("Approved: yes")[0] if word == "yes" else field(f"Approved: {word}")[0], [])
        assert field(f"**Approved:** {word}")[0].approved
    for word in ("", "no", "false", "none", "-", "pending", "not yet", "No", "PENDING"):
        assert (field(f"**Approved:** {word}")[0].approved, field(f"**Approved:** {word}")[1]) == (False, [])
    for word, column in (("Yes", 17), ("TRUE", 17), ("`yes`", 17), ("maybe", 17), ("yes please", 17), ("*yes*", 17)):
        assert (field(f"**Approved:** {word}")[0].approved, field(f"**Approved:** {word}")[1]) == (False, [f"8:{column} bad-value"]), word


def test_timeouts() -> None:
    for text, minutes in (("90 min", 90), ("4h", 240), ("1 min", 1), ("31 s", 1), ("1 day", 1440), ("None", None)):
        task, found = field(f"**Timeout:** {text}")
        assert (task.timeout_minutes, found) == (minutes, []), text
    for text in ("never", "0 min", "20 s", "90"):
        task, found = field(f"**Timeout:** {text}")
        assert (task.timeout_minutes, found) == (None, ["8:16 bad-value"]), text


TITLES: Final = (
    "{}|**{}**|🚀 {}|{} ✅|1️⃣ {}|#⃣ {}|:rocket: {}|- {}!|{} (3)|{}: now|  {}  |__{}__|“{}”|⚙️  {}|\u200b{}|{}:tada:|[{}](x)|`{}`|:one: :+1: {}"
).split("|")


def test_headings_of_sections() -> None:
    for name, kind in (("Active Queue", "active"), ("Task Details", "details"), ("Completed", "completed")):
        for title in TITLES:
            for written in (title.format(name), title.format(name.upper()), title.format(name.replace(" ", "  "))):
                assert section_of(written) == kind, written
                for level in range(1, 7):
                    assert names_section(f"{'#' * level} {written} #") == kind
        for written in (f"{name}s", f"x {name}", f"{name}_", f"{name}1", name[:-1], f"My {name}"):
            assert section_of(written) is None, written
        for row in (f"    # {name}", f"{'#' * 7} {name}", f"#{name}", f"> # {name}", name):
            assert names_section(row) is None, row
        for row in (f"   # {name}", f"#\t{name}", f"## {name} ##  "):
            assert names_section(row) == kind, row


def test_commands_of_a_criterion() -> None:
    for text, found in {
        "`make test`": ("make test",),
        "it runs: `make`": ("make",),
        "**it runs:** `make`": ("make",),
        "it runs:** `make`": ("make",),
        "see `make`": (),
        "`README.md` exists": (),
        "`README.md x` exists": ("README.md x",),
        "`src/`": (),
        "`a/b.json`": (),
        "`a/b.py`": ("a/b.py",),
        "`run.py`": (),
        "`x.abcdef`": ("x.abcdef",),
        "a `b` c: `d e` f: `g`": ("d e", "g"),
        "`a` and: `b.md` or: `c`": ("a", "c"),
        "[x](y) `a`": (),
        "[x](y): `a`": ("a",),
        "``a ` b``": ("a ` b",),
        "` a `": ("a",),
        "` `": (),
        "<b>: `a`": ("a",),
        "\\` x: `a`": ("a",),
        "none": (),
    }.items():
        assert commands(text) == found, text
    for ending in "md txt json yaml yml toml htm html css csv png svg jpg jpeg pdf ini cfg lock xml rst".split(" "):
        assert commands(f"`docs/a.{ending}`") == (), ending
        assert commands(f"`docs/a.{ending}x`") == (f"docs/a.{ending}x",), ending


def test_steps_as_text() -> None:
    for text, found in {
        "`make`": "make",
        "**`make`**;": "make",
        "`a`, then `b`.": "a\nb",
        "run `a`": "run `a`",
        "`a` now": "`a` now",
        "_`a` `b`_.": "a\nb",
        "make": "make",
        "`` ` ``": "`",
    }.items():
        assert shell(text) == found, text


def test_a_criterion_keeps_what_stands_under_it() -> None:
    task, _ = field("**Completion Criteria:**\n  - [X] it: `a b`\n    - one\n\n      deep\n  - [ ]\n    ```\n    x\n    ```\n  - [\t] tab")
    assert task.criteria[0] == Criterion(text="it: `a b`", checked=True, commands=("a b",), details="- one\n\n  deep")
    assert [one.text for one in task.criteria[1:]] == ["[ ]", "tab"]


def test_signs_inside_a_heading_are_skipped() -> None:
    for sign in ("🚀", "˂", "\u200d", "\u0378", "\ue000", "\u20dd", "1\u20e3", "#\ufe0f\u20e3", "\ufe0f", ":x_1-:"):
        assert section_of(f"Active{sign}Queue") == "active", repr(sign)
        assert section_of(f"{sign} Active Queue") == "active", repr(sign)
    for sign in ("", "-", "1", "+", "::", "é", ":é:"):
        assert section_of(f"Active{sign}Queue") is None, repr(sign)
    assert section_of("Completed:x:") == section_of("Completed—all") == "completed"
