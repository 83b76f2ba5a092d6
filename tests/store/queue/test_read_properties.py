"""Promises about any text at all: reading never raises, every item is counted once, places fit the text."""

# ruff: noqa: SIM905 - rows of sample text read better as one string
from __future__ import annotations

from datetime import UTC

from benchmarks.reader import queue_text
from hypothesis import strategies as st

from autobuilds.domain.model import Queue
from autobuilds.store.queue.document import Document, FieldPlace
from autobuilds.store.queue.plain import read_plain
from autobuilds.store.queue.reader import read_queue, read_thoroughly
from tests.examples import for_all, swept

PIECES = (
    "## Active Queue|## Task Details|## Completed|### Foo|### Bar|#### More|# Queue|Active Queue\n---|- [ ] Foo|- [x] Bar - Priority: High|* [X] Baz|"
    "1. [ ] Num - Added: 2026-02-06 15:00|  - **Description:** some text|  - Priority: hgih|- **Completion Criteria:**|  - [ ] works: `make`|"
    "    - sub|- Steps:|  ```sh|  make|  ```|```|~~~|<!--|-->|<details>|</details>|- [] near|-[ ] near|-\u00a0[ ] near|- plain|  - [ ] boxed|"
    "| a | b |\n|---|---|\n| c | d |\n|prose|---|===|> - [ ] quoted|    - [ ] code|- [ ] F [priority:: high] [id:: x]|- [ ] G ⏫ 🆔 y ⛔ x|"
    "- [ ] H — Priority: High - Depends On: Foo, [[Bar, x]]|- Approved: yes|- Foo: bar|  continued|\t- tab|---\ntitle: x\n---|<<<<<<< a|=======|>>>>>>> b|"
    "- [ ] **Bold** [l](u) `c - Priority: Low`|[x]: /u|- Blockers:|  - [x] done|  - open|- Estimated Time: 4-6 hours|*|+|-|\x0c|\u2028|"
).split("|")
lines = st.lists(st.one_of(st.sampled_from(PIECES), st.text(alphabet="-*[]x #:`<>!\t~_|ab1.)\\\u00a0é🔼", max_size=20)), max_size=25)
endings = st.sampled_from(["\n", "\r\n", "\r", "\n\n"])


@st.composite
def texts(draw: st.DrawFn) -> str:
    end = draw(endings)
    head = draw(st.sampled_from(["", "## Active Queue\n", "\ufeff## Active Queue\n- [ ] A\n## Task Details\n### A\n"]))
    return (head + "\n".join(draw(lines))).replace("\n", end) + draw(st.sampled_from(["", end]))


def read(text: str | bytes) -> Document:
    return read_queue(text if isinstance(text, bytes) else text.encode(), zone=UTC)


@swept(100, 300)
def test_any_bytes_read_without_an_exception(examples: int) -> None:
    @for_all(examples, st.one_of(st.binary(max_size=200), st.text(max_size=200).map(lambda text: text.encode())))
    def _(data: bytes) -> None:
        document = read(data)
        assert document.queue.fatal or document.encode(document.text) == data


@swept(150, 600)
def test_every_item_is_exactly_one_thing(examples: int) -> None:
    @for_all(examples, texts())
    def _(text: str) -> None:
        queue = read(text).queue
        counts = queue.counts
        assert counts.items == counts.tasks + counts.parts + counts.notes + counts.problems
        assert counts.tasks == len(queue.tasks)
        if queue.fatal:
            assert not queue.tasks
            assert queue.problems


@swept(150, 600)
def test_places_fit_the_text(examples: int) -> None:
    @for_all(examples, texts())
    def _(text: str) -> None:
        document = read(text)
        source = document.text
        if not document.queue.fatal:
            assert document.encode(source) == text.encode()
        assert tuple(entry.task for entry in document.entries) == document.queue.tasks
        starts = {*document.line_starts, len(source)}
        last = 0
        for entry in document.entries:
            assert source[slice(*entry.mark)] in {" ", "\t", "x", "X"}
            assert (source[slice(*entry.mark)] in "xX") is entry.task.checked
            assert source[entry.mark.start - 1] == "["
            assert entry.lines.start <= entry.mark.start < entry.paragraph.start <= entry.name.start <= entry.name.end
            assert entry.name.end <= entry.paragraph.end <= entry.lines.end
            assert {entry.lines.start, entry.lines.end} <= starts
            assert document.position(entry.lines.start)[0] == entry.task.line
            for part in entry.parts:
                assert (
                    entry.paragraph.start <= part.whole.start <= part.value.start <= part.value.end <= part.whole.end <= entry.paragraph.end
                )
            for field in entry.fields:
                assert {field.lines.start, field.lines.end} <= starts
                assert field.lines.start <= field.value.start <= field.first.end <= field.value.end <= field.lines.end
                if field.place is FieldPlace.NESTED:
                    assert entry.lines.start <= field.lines.start
                    assert field.lines.end <= entry.lines.end
            for criterion, span in zip(entry.task.criteria, entry.criteria, strict=True):
                if span.mark is not None:
                    assert (source[slice(*span.mark)] in "xX") is criterion.checked
        for section in document.sections:
            assert last <= section.heading.start < section.heading.end == section.body.start <= section.body.end <= len(source)
            last = section.body.end
        for problem in document.queue.problems:
            assert 1 <= problem.line <= len(document.line_starts)
            assert problem.column >= 1


@swept(100, 300)
def test_line_ends_do_not_change_what_is_read(examples: int) -> None:
    @for_all(examples, texts(), st.sampled_from(["\n", "\r\n", "\r"]))
    def _(text: str, end: str) -> None:
        def seen(source: str) -> object:
            queue = read(source).queue
            return queue.tasks, queue.problems, queue.counts, queue.fatal

        plain = text.replace("\r\n", "\n").replace("\r", "\n")
        assert seen(plain) == seen(plain.replace("\n", end))


PLAIN = (
    "- [ ] Foo|- [x] Bar - Added: 2026-02-06 15:00 - Priority: High|- [ ] Baz qux - Priority: Low|- [ ] Odd — Priority: Low|  - Category: nested|  wrapped|"
    "### Foo|### Bar|### Baz qux|### None such|- **Description:** Some `code` text, long.|- **Description:** None|- **Completion Criteria:**|"
    "  - [ ] it works: `make test`|  - [x] done.|  - [ ] none|  - [ ] `a` and `b`: `c`|- **Tech Stack:** Python, C|- **Tech Stack:** n/a|- **Estimated Time:** 4 hours|"
    "- **Estimated Time:** soon|- **Category:** New *features*|- **Blockers:** None|- **Blockers:** the key|- **Notes:** see <!-- x --> it|- Priority: hgih|"
    "- Approved: yes|- Depends On: Foo|- **Steps:**|  ```sh\n  make\n  ```|  # no|---||<b>|# Top|## Completed|## Notes"
).split("|")
plain_texts = st.builds(
    lambda active, details, done: "\n".join(
        ["# Q", "", "## Active Queue", *active, "", "## Task Details", "", *details, "", "## Completed", *done, ""]
    ),
    st.lists(st.sampled_from(PLAIN[:6]), max_size=4, unique=True),
    st.lists(st.sampled_from(PLAIN[6:-3]), max_size=10).map(lambda rows: ["### Foo", *rows]),
    st.lists(st.sampled_from([*PLAIN[:5], "", "## Notes", "- plain"]), max_size=3),
)


def thorough(text: str) -> Queue:
    return read_thoroughly(text.encode(), text, UTC, "BUILD_QUEUE.md", bom=False).queue


@swept(250, 1500)
def test_the_quick_way_reads_what_the_thorough_way_reads(examples: int) -> None:
    @for_all(examples, st.one_of(plain_texts, texts()))
    def _(text: str) -> None:
        quick = read_plain(text, UTC, thorough)
        assert quick is None or quick == thorough(text)


def test_the_quick_way_leads_through_a_common_file() -> None:
    text = queue_text(40) + "- [x] Old - Priority: High - Completed: 2026-01-01\n"
    odd = text.replace("- **Category:** New features\n", "- **Owner:** me\n  ```sh\n  make\n  ```\n", 1).replace(
        "Priority: Low", "Priority: lwo", 1
    )
    for source in (text, odd):
        quick = read_plain(source, UTC, thorough)
        assert quick is not None
        assert quick == thorough(source)
