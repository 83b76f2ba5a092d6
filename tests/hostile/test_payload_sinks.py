"""Sixty-seven payloads in nine places each, twenty thousand texts behind the prompt's fence: all inert."""

from __future__ import annotations

import json
import random
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from autobuilds.cli.app import run
from autobuilds.domain import inert
from autobuilds.domain.build import Attempt, Build, BuildState, Check, Evidence, Outcome, Usage
from autobuilds.domain.ending import AttemptFacts, judge
from autobuilds.domain.model import Criterion
from autobuilds.domain.moment import as_json
from autobuilds.domain.paths import Bounds
from autobuilds.errors import BadInput
from autobuilds.runtime.prompt_values import prompt_values
from autobuilds.runtime.views import as_template, report_view, status_view
from autobuilds.store.history import message, trailers
from autobuilds.store.render import Renderer
from tests.hostile import sinks
from tests.runtime.sample_state import ASSESSMENTS, BROKEN, MOMENT, PROGRESS, SNAPSHOT, TASKS

#: Whole builds, many of them: with the sweeps.
pytestmark = pytest.mark.slow

PAYLOADS: list[str] = json.loads((Path(__file__).parents[1] / "data" / "payloads.json").read_text(encoding="utf-8"))
NOW = datetime(2026, 2, 6, 16, tzinfo=UTC)


def hostile_build(text: str) -> Build:
    """Return a build in which everything that an agent or the queue could have written is the payload."""
    check = replace(BROKEN, text=text, command=text, tail=text)
    attempt = Attempt(
        number=1, id="x-1-0", agent="claude", started=NOW, ended=NOW, outcome=Outcome.CHECKS_FAILED, reason=text, checks=(check,),
        notes=(text,), said=text, model=text, log="subagents/logs/x-1.log", branch="build/x", usage=Usage(), evidence=Evidence.CLAIMED,
    )  # fmt: skip
    return Build(
        label="x", name=text, state=BuildState.ESCALATED, created=NOW, updated=NOW, attempts=(attempt,), reason=text, feedback=text
    )


def hostile_snapshot(text: str):  # type: ignore[no-untyped-def]
    tasks = tuple(
        replace(t, name=text, description=text, category=text, notes=text, criteria=(Criterion(text=text, commands=(text,)),))
        for t in TASKS
    )
    ledger = replace(SNAPSHOT.ledger, builds=(*SNAPSHOT.ledger.builds, hostile_build(text)))
    return replace(SNAPSHOT, queue=replace(SNAPSHOT.queue, tasks=tasks), ledger=ledger)


def status_page(text: str) -> str | None:
    view = status_view(hostile_snapshot(text), MOMENT, ASSESSMENTS, PROGRESS)
    return sinks.page(Renderer().render("BUILD_STATUS.md.j2", as_template(view)))


def report_page(text: str) -> str | None:
    view = report_view(hostile_snapshot(text), NOW.date(), UTC, moment=MOMENT, assessments=ASSESSMENTS, progress=PROGRESS)
    return sinks.page(Renderer().render("build-report.md.j2", as_template(view)))


def prompt(text: str) -> str | None:
    task = replace(
        TASKS[0], name=text, description=text, notes=text, tech_stack=text, role=text, steps=text, criteria=(Criterion(text=text),)
    )
    values = prompt_values(
        task, hostile_build(text), attempt=2, nonce="k3j4x9", branch="build/x", progress_file="/w/p.md", timeout="8h", tail=text
    )
    return sinks.prompt(Renderer().render("prompt.md.j2", values))


def terminal_line(text: str) -> str | None:
    shown = inert.terminal(text)
    return sinks.terminal(shown) or ("more than one line" if "\n" in shown else None)


def terminal_block(text: str) -> str | None:
    return next((wrong for row in inert.terminal_block(text) if (wrong := sinks.terminal(row))), None)


def commit_message(text: str) -> str | None:
    said = message("start", "x", 1, text, record=hostile_build(text))
    found = trailers(said)
    if set(found) != {"Build", "Attempt", "Event", "Record"} or found["Event"] != "start":
        return f"other trailers: {found}"
    return sinks.terminal(said.split("\n", 1)[0])


def reason(text: str) -> str | None:
    """The words of an ending, which go into the ledger and onto every page."""
    facts = (
        AttemptFacts(exit_code=0, changed=True, checks=(Check(text=text, passed=False, command=text, exit_code=1),)),
        AttemptFacts(
            exit_code=0, changed=True, bounds=Bounds(protected=((text, "x"),), outside=(text,), links=(text,), submodules=(text,))
        ),
    )
    return next((wrong for f in facts if (wrong := sinks.terminal(judge(f).reason))), None)


def error(text: str) -> str | None:
    """What the one error boundary prints of a message."""
    return sinks.terminal(inert.clean(str(BadInput(f"{text} is no label"))).replace("\n", " "))


def machine(text: str) -> str | None:
    from autobuilds.cli import session

    said = json.dumps(as_json(hostile_build(text)), ensure_ascii=False, indent=2)
    shown = said.translate({n: f"\\u{n:04x}" for n in session._DRIVING})
    hidden = {0x200B, 0x200C, 0x200D, 0xFEFF, *range(0xE0000, 0xE0080), *range(0xD800, 0xE000)}
    return sinks.terminal(shown.translate(dict.fromkeys(hidden)))


SINKS: dict[str, Callable[[str], str | None]] = {
    "status page": status_page,
    "report": report_page,
    "prompt": prompt,
    "terminal line": terminal_line,
    "terminal block": terminal_block,
    "commit": commit_message,
    "reason": reason,
    "error": error,
    "machine": machine,
}


def test_the_figures_of_this_file() -> None:
    assert len(PAYLOADS) == len(set(PAYLOADS)) >= 67
    assert len(SINKS) >= 9


@pytest.mark.parametrize("sink", SINKS)
def test_every_payload_is_inert(sink: str) -> None:
    wrong = {payload: found for payload in PAYLOADS if (found := SINKS[sink](payload)) is not None}
    assert wrong == {}


def test_twenty_thousand_texts_stay_behind_their_fence() -> None:
    sign = random.Random(7)
    pieces = [
        *PAYLOADS,
        "<<<data k3j4x9",
        "data k3j4x9>>>",
        "k3j4x9",
        "k3j4",
        "x9",
        "\n",
        "\r",
        "\u2028",
        "\x85",
        "| ",
        "|",
        "```",
        "#",
        " ",
    ]
    began = time.monotonic()
    for number in range(20_000):
        text = "".join(sign.choice(pieces) for _ in range(sign.randint(1, 6)))
        if number % 3 == 0:
            text += "".join(chr(sign.choice((sign.randrange(0x20, 0x300), sign.randrange(0x10FFFF)))) for _ in range(8))
        rows = inert.quoted(text, "k3j4x9").split("\n")
        assert (rows[0], rows[-1]) == ("<<<data k3j4x9", "data k3j4x9>>>"), repr(text)
        assert all(row == "|" or row.startswith("| ") for row in rows[1:-1]), repr(text)
        assert not any("k3j4x9" in row for row in rows[1:-1]), repr(text)
    assert time.monotonic() - began < 60


def test_commands_say_payloads_of_the_queue_inertly(
    make_repo: Callable[..., Path], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Thirty tasks named by payloads, from somebody else's source."""
    monkeypatch.setenv("AUTOBUILDS_NOW", NOW.isoformat())
    rows, parts = [], []
    for number, payload in enumerate(PAYLOADS[:60:2]):
        flat = " ".join(payload.split()).replace("\x00", "")
        rows.append(f"- [ ] Task {number} {flat} - Added: 2026-02-06 15:00 - Source: {flat}")
        parts.append(
            f"### Task {number} {flat}\n- **Description:** {flat}\n- **Category:** {flat}\n- **Completion Criteria:**\n  - [ ] {flat}\n"
        )
    queue = "## Active Queue\n" + "\n".join(rows) + "\n\n## Task Details\n\n" + "\n".join(parts) + "\n## Completed\n"
    root = make_repo({"HEARTBEAT.md": "---\ntimezone: UTC\n---\n"}, name="workspace")
    (root / "BUILD_QUEUE.md").write_bytes(queue.encode("utf-8", "replace"))
    for words in (["list"], ["check"], ["why"], ["status"], ["plan"], ["heartbeat", "--check"], ["show", "x\x1b[31m"], ["doctor"]):
        run([*words, "--workspace", str(root)])
        said = capsys.readouterr()
        for text in (said.out, said.err):
            assert sinks.terminal(text) is None, (words, sinks.terminal(text))
    run(["status", "--json", "--workspace", str(root)])
    json.loads(capsys.readouterr().out)
