"""What the fuzzing of each parser begins with, and the words that its mutations put in."""

from __future__ import annotations

import json
from dataclasses import replace
from functools import cache
from pathlib import Path

DATA = Path(__file__).parents[1] / "data"
#: Parts of one input that make several texts.
PARTED = b"\n@@@@\n"


@cache
def packaged() -> bytes:
    from autobuilds.store.render import packaged_templates

    return (packaged_templates() / "DECISION_FRAMEWORK.md").read_bytes()


def files(pattern: str, few: int = 60) -> list[bytes]:
    found = sorted(DATA.glob(pattern))
    return [path.read_bytes() for path in found[:: max(len(found) // few, 1)]]


def ledgers() -> list[bytes]:
    from autobuilds.domain.build import Ledger
    from autobuilds.store.ledger import dumps
    from tests.builders import a_build, a_task

    build = a_build(a_task())
    return [dumps(Ledger()), dumps(Ledger(builds=(build, replace(build, label="other", attempts=()))))]


def messages() -> list[bytes]:
    from autobuilds.domain.build import Approval, Pause
    from autobuilds.store.history import message
    from tests.builders import NOW as NOON
    from tests.builders import a_build, a_task

    approval = Approval(label="x", fingerprint="0" * 64, by="Olive", at=NOON)
    pause = Pause(since=NOON)
    texts = [
        message("start", "x", 1, "begun", record=a_build(a_task())),
        message("approve", "x", None, "yes", approval=approval, pause=pause),
    ]
    return [text.encode() for text in texts]


def tasks() -> list[bytes]:
    found = []
    for line in (DATA / "labels/risk-dev.jsonl").read_text(encoding="utf-8").split("\n")[:60]:
        one = json.loads(line) if line else {}
        found.append(f"{one.get('name', '')}\n{one.get('description', '')}\n".encode() + "\n".join(one.get("criteria", [])).encode())
    return found


def records() -> list[bytes]:
    made = [
        {"at": "2026-02-06T12:00:00Z", "pid": 7, "created": 1.5, "boot": "b", "tombstone": False},
        {"outcome": "stopped", "reason": "told"},
        {"outcome": "done", "reason": "x", "ended": "2026-02-06T12:00:00Z"},
        {"message": "m", "paths": ["a"], "owner": True},
        {"boot": "b", "processes": [[1, 2.0]]},
        {"commit": "0" * 40, "stat": {"paths": [], "added": 1, "removed": 2}},
        {"tokens_in": 1, "tokens_out": 2, "cost_usd": 0.5},
    ]
    return [json.dumps(one).encode() for one in made]


def states() -> list[bytes]:
    made = [
        {"pid": 7, "since": "2026-02-06T12:00:00Z", "what": "heartbeat"},
        {"nonce": "n", "at": "2026-02-06T12:00:00+00:00", "path": "/bin", "programs": {"git": "/bin/git", "x": None}},
        {"scripts": {"test": "node --test"}, "dependencies": {"a": "1"}},
    ]
    return [*(json.dumps(one).encode() for one in made), b"- [ ] a\n"]


def streams() -> list[bytes]:
    found = [path.read_bytes()[:3000] for path in sorted((DATA / "agents").rglob("*")) if path.is_file()]
    return [bytes([n, 9]) + text for n, text in enumerate(found[:40])]


def shipped() -> list[bytes]:
    text = (Path(__file__).parents[2] / "src/autobuilds/adapters/agents/presets.toml").read_bytes()
    return [
        text[:4000],
        b'[mine]\nargv = ["sh", "-c", "{steps}"]\nprompt = "stdin"\n',
        b"[a]\nbased_on = 'claude'\n",
        b"x = 1979-05-27T07:32:00Z\n",
    ]


def threes() -> list[bytes]:
    texts = files("corpus/*.md", 20)
    return [PARTED.join((text, text.replace(b"High", b"Low", 1), text + b"- [ ] New one\n")) for text in texts]


QUEUE_WORDS = (
    b"## Active Queue\n", b"## Task Details\n", b"## Completed\n", b"- [ ] ", b"- [x] ", b" - Priority: High", b" - Added: 2026-02-06 15:00",
    b"- **Description:** ", b"- **Completion Criteria:**\n  - [ ] ", b"- **Steps:**\n  ```sh\n", b"```\n", b"~~~\n", b"<!-- ", b" -->", b"---\n", b"\r\n",
    b"\xef\xbb\xbf", b"\xc2\xa0", b"\xe2\x80\xa8", b"[[", b"]]", b"`", b"\\", b"\t", b"> ", b"1. ", b"<div>", b"&amp;", b"[a]: b\n", b"### Alpha\n",
)  # fmt: skip
MATTER_WORDS = (
    b"---\n",
    b"...\n",
    b"timezone: UTC\n",
    b"retries: 2\n",
    b"quiet_hours: 22:00-07:00\n",
    b"&a ",
    b"*a",
    b"!!",
    b": |\n  ",
    b"? ",
    b"- ",
    b"{",
    b"[",
    b"<<: ",
    b"%YAML 1.1\n",
    b"\t",
    b"+++\n",
    b"## Check (daily)\n- `true`\n",
)
JSON_WORDS = (
    b"{",
    b"}",
    b"[",
    b"]",
    b'":',
    b'"',
    b"\\ud800",
    b"1e999",
    b"NaN",
    b"null",
    b"true",
    b"-0",
    b'"version":1',
    b'"builds":[]',
    b'"label":"x"',
    b'"2026-02-06T12:00:00Z"',
    b'"2026-02-06"',
    b"9" * 30,
)
