"""The merge of two versions of the queue, task by task."""

from __future__ import annotations

import re
from collections import Counter
from datetime import UTC

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from autobuilds.store.queue.merging import merge_queue
from autobuilds.store.queue.reader import read_queue
from tests.examples import for_all, swept

BASE = """# Build Queue

Some words of the owner.

## Active Queue
- [ ] Alpha - Added: 2026-02-06 15:00 - Priority: High
- [ ] Beta - Added: 2026-02-06 16:00 - Priority: Medium
- [ ] Gamma - Added: 2026-02-06 17:00 - Priority: Low

## Task Details

### Alpha
- **Description:** Alpha's text
- **Completion Criteria:**
  - [ ] one
  - [ ] two

### Beta
- **Description:** Beta's text

## Completed
- [x] Omega - Added: 2026-02-05 09:00 - Priority: High - Completed: 2026-02-05 12:30
"""


def merged(ours: str, theirs: str, base: str = BASE) -> tuple[str, int]:
    found = merge_queue(base.encode(), ours.encode(), theirs.encode(), UTC)
    return found.data.decode(), found.conflicts


def both_ways(one: str, two: str) -> tuple[str, str]:
    first, conflicts = merged(one, two)
    second, others = merged(two, one)
    assert conflicts == others == 0
    return first, second


def complete(text: str, name: str) -> str:
    lines = text.split("\n")
    line = next(x for x in lines if x.startswith(f"- [ ] {name}"))
    lines.remove(line)
    at = lines.index("## Completed") + 1
    lines.insert(at, line.replace("[ ]", "[x]") + " - Completed: 2026-02-07 10:00")
    return "\n".join(lines)


def add(text: str, name: str) -> str:
    return text.replace("\n\n## Task Details", f"\n- [ ] {name} - Priority: High\n\n## Task Details")


def labels(text: str) -> Counter[str]:
    return Counter(t.label for t in read_queue(text.encode(), zone=UTC).queue.tasks)


def test_two_tasks_added_at_the_same_place_both_stand() -> None:
    for text in both_ways(add(BASE, "Delta"), add(BASE, "Epsilon")):
        assert "- [ ] Gamma" in text and text.index("- [ ] Delta") and text.index("- [ ] Epsilon")
        assert labels(text)["delta"] == labels(text)["epsilon"] == 1
        assert "\n\n- [ ] " not in text


def test_the_tool_completes_a_task_while_the_owner_changes_its_priority() -> None:
    for text in both_ways(complete(BASE, "Beta"), BASE.replace("16:00 - Priority: Medium", "16:00 - Priority: High")):
        assert "- [x] Beta - Added: 2026-02-06 16:00 - Priority: High - Completed: 2026-02-07 10:00\n- [x] Omega" in text
        assert "- [ ] Beta" not in text


def test_two_completed_at_once_and_one_added() -> None:
    for text in both_ways(complete(BASE, "Beta"), add(complete(BASE, "Alpha"), "Delta")):
        tasks = read_queue(text.encode(), zone=UTC).queue.tasks
        assert {t.label for t in tasks if t.is_active} == {"gamma", "delta"}
        assert {t.label for t in tasks if not t.is_active} == {"alpha", "beta", "omega"}


def test_different_lines_of_one_tasks_details() -> None:
    ours = BASE.replace("Alpha's text", "A better text")
    theirs = BASE.replace("- [ ] two", "- [x] two").replace("- [ ] one", "- [x] one")
    for text in both_ways(ours, theirs):
        assert "A better text" in text and "  - [x] one\n  - [x] two" in text


def test_the_same_words_changed_on_both_sides_conflict_in_that_block_alone() -> None:
    text, conflicts = merged(add(BASE.replace("Beta's text", "mine"), "Delta"), add(BASE.replace("Beta's text", "yours"), "Epsilon"))
    assert conflicts == 1
    inside = text[text.index("<<<<<<<") : text.index(">>>>>>>")]
    assert inside == "<<<<<<< ours\n- **Description:** mine\n=======\n- **Description:** yours\n"
    assert "Delta" in text and "Epsilon" in text


def test_a_task_deleted_on_one_side_and_changed_on_the_other_is_a_conflict() -> None:
    gone = BASE.replace("- [ ] Gamma - Added: 2026-02-06 17:00 - Priority: Low\n", "")
    text, conflicts = merged(gone, BASE.replace("Priority: Low", "Priority: High"))
    assert conflicts == 1 and "- [ ] Gamma - Added: 2026-02-06 17:00 - Priority: High" in text


SMALL = """# Build Queue

## Active Queue
- [ ] Alpha
- [ ] Beta
  - **Category:** Docs

## Task Details

### Beta
- **Description:** Beta's text

## Completed
"""
LINE, DETAILS = "- [ ] Beta\n  - **Category:** Docs\n", "### Beta\n- **Description:** Beta's text\n"
#: Beta deleted: with its details, with their section, and its line alone.
GONE = {
    "all": SMALL.replace(LINE, "").replace(f"\n{DETAILS}", ""),
    "its section as well": SMALL.replace(LINE, "").replace(f"## Task Details\n\n{DETAILS}\n", ""),
}
CHANGES = {
    "description": ("Beta's text", "A better text"),
    "field added": ("### Beta\n", "### Beta\n- **Notes:** new\n"),
    "details deleted": (f"\n{DETAILS}", ""),
    "priority": ("[ ] Beta", "[ ] Beta - Priority: High"),
    "nested field": ("Docs", "New features"),
}


def resolved(text: str, side: int) -> str:
    """Return a merge of which every conflict is mended by taking ours (1) or theirs (2)."""
    return re.sub(r"<<<<<<< ours\n(.*?)=======\n(.*?)>>>>>>> theirs\n", lambda found: found[side], text, flags=re.DOTALL)


@pytest.mark.parametrize("gone", GONE.values(), ids=list(GONE))
@pytest.mark.parametrize("change", CHANGES.values(), ids=list(CHANGES))
def test_what_one_side_deleted_and_the_other_changed_is_marked_with_its_line_and_its_details(gone: str, change: tuple[str, str]) -> None:
    kept = SMALL.replace(*change)
    for ours, theirs, mine in ((gone, kept, 2), (kept, gone, 1)):
        text, conflicts = merged(ours, theirs, SMALL)
        assert conflicts == text.count("<<<<<<<") > 0
        assert "- [ ] Beta" in text and "- [ ] Alpha" in text
        assert resolved(text, mine) == kept
        assert resolved(text, 3 - mine).replace("\n", "") in {GONE["all"].replace("\n", ""), gone.replace("\n", "")}


def test_a_task_completed_on_one_side_and_deleted_on_the_other_is_marked() -> None:
    done = complete(SMALL, "Beta").replace("  - **Category:** Docs\n", "")
    for ours, theirs, side in ((GONE["all"], done, 2), (done, GONE["all"], 1)):
        text, _ = merged(ours, theirs, SMALL)
        assert labels(resolved(text, side)) == {"alpha": 1, "beta": 1} and labels(resolved(text, 3 - side)) == {"alpha": 1}
        assert text.index("## Completed") < text.index("- [x] Beta")


def test_a_task_completed_on_one_side_gets_the_details_of_the_other() -> None:
    for text in both_ways(complete(BASE, "Beta"), BASE.replace("Beta's text", "A better text")):
        assert "- [ ] Beta" not in text and "- [x] Beta" in text and "A better text" in text


def test_a_line_deleted_alone_leaves_the_details_that_the_other_side_changed() -> None:
    text, conflicts = merged(SMALL.replace(LINE, ""), SMALL.replace("Beta's text", "A better text"), SMALL)
    assert conflicts == 1
    assert text == SMALL.replace(LINE, f"<<<<<<< ours\n=======\n{LINE}>>>>>>> theirs\n").replace("Beta's text", "A better text")


def test_of_two_tasks_of_one_label_the_deleted_one_is_marked_and_a_completed_one_is_not() -> None:
    base = SMALL + "- [x] Beta - Completed: 2026-02-01 10:00\n"
    text, conflicts = merged(base.replace(LINE, ""), base.replace("Beta's text", "new"), base)
    assert conflicts and LINE in text
    text, conflicts = merged(complete(base, "Beta").replace("  - **Category:** Docs\n", ""), base.replace("Beta's text", "new"), base)
    assert not conflicts and labels(text)["beta"] == 2 and "- [ ] Beta" not in text


def test_the_places_of_what_one_side_deleted_are_counted() -> None:
    ours = GONE["all"].replace("[ ] Alpha", "[ ] Alpha - Label: alpha one")
    theirs = SMALL.replace("Beta's text", "new").replace("[ ] Alpha", "[ ] Alpha - Priority: Low")
    found = merge_queue(SMALL.encode(), ours.encode(), theirs.encode(), UTC)
    assert (found.conflicts, found.deletions) == (found.data.count(b"<<<<<<<"), found.conflicts)
    found = merge_queue(BASE.encode(), BASE.replace("Beta's", "my").encode(), BASE.replace("Beta's", "your").encode(), UTC)
    assert (found.conflicts, found.deletions) == (1, 0)


def test_tasks_without_a_name_that_stand_in_other_lines_are_the_same() -> None:
    base = BASE.replace("- [ ] Gamma", "- [ ] \U0001f389\n- [ ] Gamma")
    ours = base.replace("- [ ] Alpha", "- [ ] New\n- [ ] Alpha")
    theirs = base.replace("- [ ] Alpha", "- [ ] One\n- [ ] Two\n- [ ] Alpha")
    for text in both_ways_of(base, ours, theirs):
        assert text.count("\U0001f389") == 1 and labels(text)["new"] == labels(text)["two"] == 1


def both_ways_of(base: str, one: str, two: str) -> tuple[str, str]:
    """Return both merges, which are without a conflict."""
    first, second = merged(one, two, base), merged(two, one, base)
    assert first[1] == second[1] == 0
    return first[0], second[0]


def test_a_task_deleted_on_one_side_and_untouched_on_the_other_is_gone() -> None:
    gone = BASE.replace("- [ ] Gamma - Added: 2026-02-06 17:00 - Priority: Low\n", "")
    for text in both_ways(gone, complete(BASE, "Alpha")):
        assert "Gamma" not in text


def test_prose_outside_the_tasks_is_merged_by_lines() -> None:
    for text in both_ways(BASE.replace("Some words of the owner.", "Other words."), complete(BASE, "Alpha")):
        assert "Other words." in text and "Some words" not in text


def test_the_order_that_one_side_changed_is_kept() -> None:
    lines = BASE.split("\n")
    at = lines.index("## Active Queue") + 1
    lines[at : at + 3] = lines[at : at + 3][::-1]
    for text in both_ways("\n".join(lines), BASE.replace("Beta's text", "new")):
        assert text.index("- [ ] Gamma") < text.index("- [ ] Beta") < text.index("- [ ] Alpha")


@pytest.mark.parametrize("broken", ["```\nnever closed\n" + BASE, "\0" + BASE])
def test_a_file_that_is_no_queue_is_merged_by_lines(broken: str) -> None:
    text, conflicts = merged(broken, BASE.replace("Beta's text", "new"))
    assert conflicts == 0 and "new" in text and text.startswith(broken[:3])


def test_bytes_that_are_not_utf8_come_through() -> None:
    ours, theirs = BASE.encode().replace(b"owner.", b"owner \xff."), BASE.replace("Beta's text", "new").encode()
    found = merge_queue(BASE.encode(), ours, theirs, UTC)
    assert b"\xff" in found.data and b"new" in found.data


@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_line_ends_the_final_one_and_the_mark_are_kept(newline: str) -> None:
    base = ("\ufeff" + BASE.rstrip("\n")).replace("\n", newline)
    ours = base.replace("Alpha's", "Our")
    theirs = base.replace("Beta's", "Their")
    text, conflicts = merged(ours, theirs, base)
    assert (text, conflicts) == (ours.replace("Beta's", "Their"), 0)


PLAIN = "# Queue\n\n## Active Queue\n- [ ] Alpha - Added: 2026-02-06 15:00\n\n## Completed\n"


@pytest.mark.parametrize(
    ("one", "two"),
    [
        (" - Not Before: 2026-03-01", " - Not Before: 2026-04-01 "),
        (" - Priority: High ", " - Priority: Low"),
        (" - Priority: High\t", " - Priority: Low  "),
    ],
)
@pytest.mark.parametrize("ends", ["\n", "\r\n"])
def test_values_that_contradict_each_other_clash_whatever_the_white_space_behind_them(one: str, two: str, ends: str) -> None:
    mine, other = PLAIN.replace(" 15:00", f" 15:00{one}"), PLAIN.replace(" 15:00", f" 15:00{two}").replace("\n", ends)
    for ours, theirs in ((mine, other), (other, mine)):
        text, conflicts = merged(ours, theirs, PLAIN)
        assert conflicts == 1
        assert one in text and two in text


def test_white_space_behind_a_line_goes_with_the_others_word() -> None:
    one, two = PLAIN.replace(" 15:00", " 15:00 "), PLAIN.replace(" 15:00", " 15:00 - Priority: High")
    wanted = PLAIN.replace(" 15:00", " 15:00 - Priority: High "), 0
    assert merged(one, two, PLAIN) == merged(two, one, PLAIN) == wanted


def test_a_side_that_changed_the_line_ends_changed_no_line() -> None:
    one, two = BASE.replace("Alpha's", "Our").replace("\n", "\r\n"), complete(BASE, "Beta")
    assert set(both_ways(one, two)) == {two.replace("Alpha's", "Our").replace("\n", "\r\n")}


def test_a_mark_of_a_conflict_begins_the_line_also_where_the_file_begins_with_a_mark_of_its_own() -> None:
    base = "\ufeff" + PLAIN
    text, conflicts = merged(base.replace("# Queue", "# Of Al"), base.replace("# Queue", "# Of Bea"), base)
    assert conflicts == 1
    assert text.startswith("<<<<<<< ours\n# Of Al\n=======\n# Of Bea\n>>>>>>> theirs\n")


def test_both_sides_made_the_file() -> None:
    text, conflicts = merged(add(BASE, "Delta"), add(BASE, "Epsilon"), base="")
    assert conflicts == 0 and labels(text)["delta"] == labels(text)["epsilon"] == labels(text)["alpha"] == 1


NAMES = ["Alpha", "Beta", "Gamma", "Delta", "Epsilon", "Zeta", "Eta", "Theta"]


@st.composite
def queues(draw: st.DrawFn, known: tuple[str, ...] | None = None) -> str:
    """Return a queue over a few names: order, section, details, priorities and prose are drawn."""
    names = draw(st.lists(st.sampled_from(NAMES), unique=True, max_size=6))
    done = {name for name in names if draw(st.integers(0, 3)) == 0}
    airy = "\n" if draw(st.booleans()) else ""
    out = f"# Build Queue\n{airy}"
    out += draw(st.sampled_from(["", "Prose of one.\n\n", "Prose of two.\n\n"])) + "## Active Queue\n" + airy
    for name in (n for n in names if n not in done):
        out += f"- [ ] {name} - Priority: {draw(st.sampled_from(['High', 'Medium', 'Low']))}\n"
        out += draw(st.sampled_from(["", "", "", "  - **Notes:** nested\n"]))
    out += "\n## Task Details\n" + airy
    for name in names:
        if draw(st.booleans()):
            out += f"### {name}\n- **Description:** {draw(st.sampled_from(['one', 'two', 'three']))}\n\n"
    out += draw(st.sampled_from(["", "A remark.\n\n"])) + "## Completed\n"
    for name in names:
        if name in done:
            out += f"- [x] {name} - Priority: High - Completed: 2026-02-07 10:00\n"
    return out


@swept(50, 150)
def test_no_task_is_ever_lost(examples: int) -> None:
    @for_all(examples, queues(), queues(), queues())
    def _(base: str, ours: str, theirs: str) -> None:
        text, conflicts = merged(ours, theirs, base)
        was, here, there = labels(base), labels(ours), labels(theirs)
        if conflicts:
            assert "<<<<<<< ours" in text
        else:
            for label, count in labels(text).items():
                assert count == 1, f"{label} stands {count} times"
        for label in here | there:
            if (label in here and label in there) or label not in was:
                assert f"] {label.capitalize()} - " in text, f"{label} is lost"
        if not conflicts:
            # What one side alone deleted is gone; what both kept, or one added, is there.
            wanted = {x for x in here | there if (x in here and x in there) or x not in was}
            assert wanted <= set(labels(text)) <= set(here | there)


@settings(max_examples=50, deadline=None, suppress_health_check=list(HealthCheck))
@given(queues(), queues())
def test_a_side_that_changed_nothing_leaves_the_others_bytes(base: str, other: str) -> None:
    assert merged(base, other, base) == merged(other, base, base) == merged(other, other, base) == (other, 0)


def written(tasks: dict[str, dict[str, str] | None]) -> str:
    """Return the queue of a model of it: for each name priority, description and the time of completion."""
    there = {name: task for name, task in tasks.items() if task}
    out = "# Build Queue\n\nProse.\n\n## Active Queue\n"
    out += "".join(f"- [ ] {name} - Priority: {t['priority']}\n" for name, t in there.items() if not t["done"])
    out += "\n## Task Details\n\n"
    out += "".join(f"### {name}\n- **Description:** {t['text']}\n- **Notes:** n\n\n" for name, t in there.items() if t["text"])
    out += "## Completed\n"
    done = sorted((name for name, t in there.items() if t["done"]), key=lambda name: there[name]["done"], reverse=True)  # type: ignore[index]
    return out + "".join(f"- [x] {name} - Priority: {there[name]['priority']} - Completed: {there[name]['done']}\n" for name in done)


def changed(draw: st.DrawFn, tasks: dict[str, dict[str, str] | None], names: list[str], side: str) -> dict[str, dict[str, str] | None]:
    after = {name: dict(task) if task else None for name, task in tasks.items()}
    for name in names:
        change = draw(st.sampled_from(["complete", "priority", "text", "delete", "nothing"]))
        if change == "delete":
            after[name] = None
        elif change != "nothing":
            field, value = {"complete": ("done", "2026-02-07 10:09"), "priority": ("priority", "Low"), "text": ("text", f"by {side}")}[
                change
            ]
            after[name] = {**(after[name] or {}), field: value}
    for n in range(draw(st.integers(0, 2))):
        after[f"New {side} {n}"] = {"priority": "High", "text": draw(st.sampled_from(["", "x"])), "done": ""}
    return after


@swept(50, 150)
def test_changes_of_different_tasks_never_clash(examples: int) -> None:
    """Each side completes, changes, deletes and adds tasks of its own: the merge holds exactly what both did."""

    @for_all(examples, st.data())
    def _(data: st.DataObject) -> None:
        draw = data.draw
        base: dict[str, dict[str, str] | None] = {
            name: {
                "priority": draw(st.sampled_from(["High", "Medium"])),
                "text": draw(st.sampled_from(["", "text"])),
                "done": draw(st.sampled_from(["", "", "2026-02-01 09:00"])),
            }
            for name in draw(st.permutations(NAMES))[: draw(st.integers(1, 8))]
        }
        mine = [name for name in base if draw(st.booleans())]
        ours, theirs = changed(draw, base, mine, "o"), changed(draw, base, [n for n in base if n not in mine], "t")
        wanted = {**base, **{n: t for side in (ours, theirs) for n, t in side.items() if n not in base or t != base[n]}}
        text, conflicts = merged(written(ours), written(theirs), written(base))
        queue = read_queue(text.encode(), zone=UTC).queue
        assert not conflicts and not queue.problems, text
        found = {t.name: (t.is_active, str(t.priority), t.description or "") for t in queue.tasks}
        assert found == {n: (not t["done"], t["priority"].lower(), t["text"]) for n, t in wanted.items() if t}


@swept(50, 150)
def test_what_one_side_deleted_goes_only_where_the_other_did_not_touch_it(examples: int) -> None:
    """Both sides change any tasks, each its own way: a line is gone only if a side deleted it and the other left all of the task alone."""

    @for_all(examples, st.data())
    def _(data: st.DataObject) -> None:
        draw = data.draw
        base: dict[str, dict[str, str] | None] = {
            name: {"priority": "High", "text": draw(st.sampled_from(["", "text"])), "done": draw(st.sampled_from(["", "2026-02-01 09:00"]))}
            for name in draw(st.permutations(NAMES))[: draw(st.integers(1, 5))]
        }
        ours, theirs = (changed(draw, base, list(base), side) for side in ("o", "t"))
        text, conflicts = merged(written(ours), written(theirs), written(base))
        back, others = merged(written(theirs), written(ours), written(base))
        assert bool(conflicts) is bool(others)
        assert conflicts == text.count("<<<<<<< ours") and others == back.count("<<<<<<< ours")
        for name in {**base, **ours, **theirs}:
            states = [side.get(name) for side in (base, ours, theirs)]
            stays = all(states[1:]) or any(state and state != states[0] for state in states[1:])
            for one in (text, back):
                assert (f"] {name} - " in one) is bool(stays), f"{name} in {one}"
                if not all(states[1:]) and states[0] and stays:
                    kept = states[1] or states[2]
                    assert kept is not None and (f"### {name}\n" in one) is bool(kept["text"]), f"details of {name} in {one}"
