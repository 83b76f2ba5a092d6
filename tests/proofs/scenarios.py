"""The commands that write, each with a workspace in which it has something to do."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from tests.proofs.shim import Orders

#: The product's own command line.
PRODUCT = "tests.proofs.forkserver:autobuilds"
_HEAD = "---\ntimezone: UTC\nsandbox: none\nretry_delay: 0s\nretries: 5\ndisk_limit: 100\nmemory_limit: 100\nload_limit: 1000\n{more}---\n# Heartbeat\n"
_TASK = """
### {name}
- **Description:** `{file}` of the project holds the single line `hello`, as app.py reads it.
- **Completion Criteria:**
  - [ ] The unit test passes: `grep -qx hello {file}`
- **Category:** Bug fixes
{extra}- **Steps:**
  ```sh
  echo "$AUTOBUILDS_ATTEMPT" >> "{{count}}"
  {steps}
  ```
"""
_ASKS = r"""printf -- '---\nattempt: 1\nstatus: blocked\nquestions:\n  - question: Which market?\n    default: US\n---\n# Hello\n' > "$AUTOBUILDS_PROGRESS" """
_FROM_OUTSIDE = "## Tasks\n- [ ] Taken over one - Priority: Low\n- [ ] Taken over two - Priority: Low\n"


def _task(name: str, *, steps: str = "", file: str = "a.txt", extra: str = "") -> str:
    return _TASK.format(name=name, file=file, steps=steps or f"echo hello > {file}", extra=extra)


def _queue(*blocks: str, done: str = "") -> str:
    names = [block.strip().split("\n")[0].removeprefix("### ") for block in blocks]
    rows = "\n".join(f"- [ ] {name} - Added: 2026-02-06 15:00 - Priority: High" for name in names)
    return f"# Build Queue\n\n## Active Queue\n{rows}\n\n## Task Details\n{''.join(blocks)}\n## Completed\n{done}"


def _workspace(queue: str, more: str = "", duties: str = "") -> dict[str, str]:
    return {"BUILD_QUEUE.md": queue, "HEARTBEAT.md": _HEAD.format(more=more) + duties, "app.py": "print(open('a.txt').read())\n"}


_WAITS = "- **Blockers:**\n  - [ ] the first thing\n  - [ ] the other thing\n"
_IDLE = _workspace(
    _queue(
        _task("Held one", extra=_WAITS),
        _task("Held two", extra=_WAITS),
        done="- [x] Old thing - Added: 2026-02-05 09:00 - Priority: High - Completed: 2026-02-05 12:30\n",
    )
)
_READY = _workspace(
    _queue(_task("Say hello"), _task("Say it again", file="b.txt", extra="- **Depends On:** Say hello\n")), "deliver: merge\n"
)
_ONE = _workspace(_queue(_task("Say hello")), "deliver: merge\n")
_LONG = _workspace(_queue(_task("Say hello", steps="until test -f {go}; do sleep 0.05; done; echo hello > a.txt")))
_BUILT = _workspace(
    _queue(
        _task("Say hello"),
        _task("Never works", file="b.txt", steps="false"),
        _task("Asks first", file="c.txt", steps=f'case "$AUTOBUILDS_ATTEMPT" in *-1-*) {_ASKS};; *) echo hello > c.txt;; esac'),
    ),
)
_PROJECT = """
### Say it all
- **Description:** `all.txt` of the project holds the lines `one`, `two` and `three`, as app.py reads them.
- **Completion Criteria:**
  - [ ] The first line: `grep -qx one all.txt`
  - [ ] The second line: `grep -qx two all.txt`
  - [ ] The third line: `grep -qx three all.txt`
- **Estimated Time:** 9 hours
- **Category:** Bug fixes
"""
_DUTIES = "\n## Look around (every heartbeat)\n- `touch looked-around`\n"

#: States that scenarios begin in: the files, and the commands that were run on them.
STATES: Mapping[str, tuple[Mapping[str, str], tuple[tuple[str, ...], ...]]] = {
    "idle": ({**_IDLE, "outside.md": _FROM_OUTSIDE}, (("heartbeat",),)),
    "paused": (_IDLE, (("pause",), ("heartbeat",))),
    "bare": ({"README.md": "# A repository\n"}, ()),
    "ticked": (
        {**_IDLE, "BUILD_QUEUE.md": _IDLE["BUILD_QUEUE.md"].replace("- [ ] Held one", "- [x] Held one")},
        (),
    ),
    "duties": ({**_IDLE, "HEARTBEAT.md": _IDLE["HEARTBEAT.md"] + _DUTIES, ".gitignore": "looked-around\n"}, ()),
    "built": (
        {**_BUILT, "HEARTBEAT.md": _BUILT["HEARTBEAT.md"].replace("retries: 5", "retries: 1")},
        (("heartbeat", "--wait"), ("heartbeat", "--wait"), ("pause",), ("heartbeat",)),
    ),
    "merged": (_ONE, (("heartbeat", "--wait"), ("pause",), ("heartbeat",))),
    "cancelled": (
        {**_BUILT, "HEARTBEAT.md": _BUILT["HEARTBEAT.md"].replace("retries: 5", "retries: 1")},
        (("heartbeat", "--wait"), ("heartbeat", "--wait"), ("pause",), ("cancel", "say-hello"), ("heartbeat",)),
    ),
    "project": (_workspace(_queue(_PROJECT)), (("pause",), ("heartbeat",))),
    "ready": (_READY, ()),
    "one": (_ONE, ()),
    "long": (_LONG, ()),
}


def on_a_friday(argv: list[str]) -> int:
    """Have projects for the weekend proposed on a Friday evening, and run a command line then."""
    from tests.proofs.forkserver import autobuilds

    os.environ["AUTOBUILDS_NOW"] = "2026-02-06T18:00:00+00:00"
    # Asked again, after half of the choice, there would be other projects; the owner's choice is of those that he saw.
    known = Path(".autobuilds/weekend.json").exists()
    return (not known and autobuilds(["weekend", "suggest"])) or autobuilds(argv)


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """One command that is killed, the state before it, and what holds afterwards."""

    name: str
    state: str
    argv: tuple[str, ...]
    #: What runs in place of the product's own command line: `module:function` of a list of texts.
    code: str = PRODUCT
    #: What the heartbeats after the kill are.
    beat: tuple[str, ...] = ("heartbeat",)
    beat_code: str = PRODUCT
    #: Which processes are hit.
    orders: Orders = field(default_factory=lambda: Orders(follow=("-m autobuilds",), never=("adapters.supervisor",)))
    #: Whether the process that is forked is one of them.
    counted: bool = True
    #: Whether builds are started or ended: then each attempt starts at most once, and in the end all is built.
    builds: bool = False
    #: Commands run, and not killed, right before; what they leave running goes on.
    before: tuple[tuple[str, ...], ...] = ()
    #: Whether it changes the working tree, index and branch one after the other, and goes on where it was when it is repeated.
    halfway: bool = False
    #: Whether it makes several files one after the other, and adds what is missing when it is repeated.
    gradual: bool = False


#: With all that it runs itself: a Git alone that is killed is a build that failed, not a crash.
_SUPERVISOR = Orders(group=True, follow=("-m autobuilds",), only=("adapters.supervisor",), never=("-m autobuilds heartbeat",))
_LATER = Orders(follow=("-m autobuilds",), only=("-m autobuilds heartbeat",), never=("adapters.supervisor",))
_NEW = ("add", "New thing", "--desc", "`new.txt` holds `hello`", "--criterion", "`test -f new.txt`", "--blocker", "waits")
_QUEUE = [
    ("add", "idle", _NEW),
    ("set", "idle", ("set", "held-one", "description", "`a.txt` of the project holds another line")),
    ("set priority", "idle", ("set", "held-one", "priority", "low")),
    ("tick", "idle", ("tick", "held-one", "1")),
    ("tick task", "idle", ("tick", "held-one")),
    ("approve", "idle", ("approve", "held-one")),
    ("block", "idle", ("block", "held-two", "a third thing")),
    ("unblock", "idle", ("unblock", "held-two", "1")),
    ("cancel", "idle", ("cancel", "held-one")),
    ("complete", "idle", ("complete", "held-two")),
    ("reopen", "idle", ("reopen", "old-thing")),
    ("import", "idle", ("import", "outside.md", "--yes")),
    ("report", "idle", ("report",)),
    ("pause", "idle", ("pause", "--because", "holiday")),
    ("resume", "paused", ("resume",)),
    ("init", "bare", ("init", "--yes")),
    ("heartbeat ticked", "ticked", ("heartbeat",)),
    ("heartbeat duties", "duties", ("heartbeat",)),
    ("accept", "built", ("accept", "say-hello")),
    ("reject", "built", ("reject", "say-hello", "--because", "too short")),
    ("cancel built", "built", ("cancel", "say-hello")),
    ("retry", "built", ("retry", "never-works")),
    ("answer", "built", ("answer", "asks-first", "DE")),
    ("complete built", "built", ("complete", "never-works")),
    ("reopen built", "cancelled", ("reopen", "say-hello")),
    ("undo", "merged", ("undo", "say-hello")),
    ("fsck", "built", ("fsck", "--rebuild")),
    ("report built", "built", ("report",)),
    ("memory add", "idle", ("memory", "add", "Talked to Bob", "--fact", "the key comes on Monday", "--at", "2026-02-06 14:30")),
    ("brief built", "built", ("brief", "--write")),
]

SCENARIOS: tuple[Scenario, ...] = (
    *(
        Scenario(name=name, state=state, argv=argv, gradual=argv[0] == "init", halfway=argv[0] in {"accept", "undo"})
        for name, state, argv in _QUEUE
    ),
    Scenario(name="weekend start", state="project", argv=("weekend", "start", "1", "--yes"), code="tests.proofs.scenarios:on_a_friday"),
    Scenario(
        name="heartbeat starts",
        state="ready",
        argv=("heartbeat", "--wait"),
        beat=("heartbeat", "--wait"),
        orders=Orders(group=True, follow=("-m autobuilds",), never=("adapters.supervisor",)),
        builds=True,
    ),
    Scenario(name="spawn", state="one", argv=("spawn", "say-hello"), beat=("heartbeat", "--wait"), builds=True),
    Scenario(
        name="heartbeat at the end of a build",
        state="one",
        argv=("heartbeat",),
        beat=("heartbeat", "--wait"),
        orders=_LATER,
        counted=False,
        builds=True,
    ),
    Scenario(
        name="supervisor", state="one", argv=("heartbeat",), beat=("heartbeat", "--wait"), orders=_SUPERVISOR, counted=False, builds=True
    ),
    *(
        Scenario(name=word, state="long", argv=(word, "say-hello"), before=(("heartbeat",),), beat=("heartbeat", "--monitor"), builds=True)
        for word in ("stop", "fail")
    ),
)
