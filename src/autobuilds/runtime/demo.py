"""The demo: a throw-away workspace with a small real program and five tasks, and heartbeats until everything has settled."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path

from autobuilds.domain.retry import later
from autobuilds.domain.times import format_when
from autobuilds.domain.verdicts import Assessment
from autobuilds.errors import Busy
from autobuilds.ports import Commit
from autobuilds.records import dataclass
from autobuilds.runtime.context import Context
from autobuilds.runtime.heartbeat import Beat, beat

#: Seconds after which the demo gives up; it takes about ten.
PATIENCE = 55.0
#: Seconds between two looks.
LOOK_EVERY = 0.3

_WORDS = '''"""Small functions on words."""


def shout(text: str) -> str:
    """Return the text in capitals."""
    return text.upper()
'''

_TEST = """import unittest

from words import shout


class ShoutTest(unittest.TestCase):
    def test_shout(self):
        self.assertEqual(shout("hello"), "HELLO")


if __name__ == "__main__":
    unittest.main()
"""

_HEARTBEAT = """---
timezone: UTC
off_hours: {off_hours}
retries: 2
retry_delay: 1s
disk_limit: 100
memory_limit: 100
load_limit: 1000
deliver: merge
---
# Heartbeat
"""

_QUEUE = """# Build Queue

## Active Queue
- [ ] Slug function - Added: {now} - Priority: High
- [ ] File name command - Added: {now} - Priority: High
- [ ] Word counter - Added: {now} - Priority: High
- [ ] Clean up the old accounts - Added: {now} - Priority: High
- [ ] Describe the functions - Added: {now} - Priority: Medium

## Task Details

### Slug function
- **Description:** `slug("Hello, World")` in words.py returns `hello-world`: lower case, letters and digits kept, one hyphen between words.
- **Completion Criteria:**
  - [ ] Tests pass: `python3 -m unittest -q`
  - [ ] The example holds: `python3 -c "from words import slug; assert slug('Hello, World') == 'hello-world'"`
- **Category:** New features
- **Steps:**
  ```sh
  cat >> words.py <<'PY'


  def slug(text: str) -> str:
      \"\"\"Return the words of a text in lower case, joined by hyphens.\"\"\"
      kept = "".join(c.lower() if c.isalnum() else " " for c in text)
      return "-".join(kept.split())
  PY
  ```

### File name command
- **Description:** `python3 filename.py "My Report"` prints `my-report.txt`, made with `slug` of words.py.
- **Depends On:** Slug function
- **Completion Criteria:**
  - [ ] It prints the name: `test "$(python3 filename.py 'My Report')" = my-report.txt`
- **Category:** New features
- **Steps:**
  ```sh
  cat > filename.py <<'PY'
  import sys

  from words import slug

  print(slug(sys.argv[1]) + ".txt")
  PY
  ```

### Word counter
- **Description:** `count("a b  c")` in words.py returns 3: the number of words between any white space.
- **Completion Criteria:**
  - [ ] Three words are counted: `python3 -c "from words import count; assert count('a b  c') == 3"`
- **Category:** New features
- **Steps:**
  ```sh
  cat >> words.py <<'PY'


  def count(text: str) -> int:
      \"\"\"Return the number of words (wrong: double spaces count twice).\"\"\"
      return len(text.split(" "))
  PY
  ```

### Clean up the old accounts
- **Description:** Delete the user accounts that have not logged in for a year from the production database.
- **Completion Criteria:**
  - [ ] No account is older than a year: `python3 count_accounts.py --older-than 365`
- **Category:** Infrastructure
- **Steps:**
  ```sh
  psql production -c "DELETE FROM users WHERE last_login < now() - interval '1 year'"
  ```

### Describe the functions
- **Description:** README.md lists every function of words.py with one example each.
- **Completion Criteria:**
  - [ ] shout is described: `grep -q shout README.md`
- **Category:** Documentation
- **Steps:**
  ```sh
  printf '\\n- `shout("hello")` returns `HELLO`\\n' >> README.md
  ```

## Completed
"""


def contents(now: datetime) -> dict[str, str]:
    """Return the files of the demo's repository by path; off-hours begin two hours after `now`, so that they are closed."""
    opens, closes = later(now, timedelta(hours=2)), later(now, timedelta(hours=6))
    off_hours = f"{opens:%H}:00-{closes:%H}:00"
    return {
        "README.md": "# Words\n\nSmall functions on words.\n",
        "words.py": _WORDS,
        "test_words.py": _TEST,
        ".gitignore": "__pycache__/\n",
        "HEARTBEAT.md": _HEARTBEAT.format(off_hours=off_hours),
        "BUILD_QUEUE.md": _QUEUE.format(now=format_when(now)),
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class Story:
    """How the demo ended: the last heartbeat, the seconds it took, and whether everything settled in time."""

    last: Beat
    seconds: float
    settled: bool


def play(context: Context, tell: Callable[[Commit], None], tell_held: Callable[[Assessment], None]) -> Story:
    """Run heartbeats until nothing runs and nothing is about to be tried again.

    `tell` gets every commit as it happens, `tell_held` each task that the first heartbeat left for the owner or for later.
    """
    began = time.monotonic()
    told = context.repo.head().commit
    last = beat(context)
    for assessment in last.assessments:
        if any(g.gate not in {"capacity", "blockers"} for g in assessment.obstacles):
            tell_held(assessment)
    while True:
        told = _tell_new(context, told, tell)
        if _settled(last):
            return Story(last=last, seconds=time.monotonic() - began, settled=True)
        if time.monotonic() - began > PATIENCE:
            return Story(last=last, seconds=time.monotonic() - began, settled=False)
        time.sleep(LOOK_EVERY)
        try:
            last = beat(context)
        except Busy:
            continue


def _settled(last: Beat) -> bool:
    ledger = last.loaded.snapshot.ledger
    retrying = [b for b in ledger.builds if b.retry_at is not None and b.retry_at > later(last.moment.now, -timedelta(hours=1))]
    waiting = [b for b in retrying if b.state.value == "retrying"]
    return not ledger.active and not waiting


def _tell_new(context: Context, told: str | None, tell: Callable[[Commit], None]) -> str | None:
    for commit in _new(context, told):
        tell(commit)
        told = commit.sha
    return told


def _new(context: Context, told: str | None) -> Iterator[Commit]:
    yield from context.repo.history(since=told)


def folder_for(given: Path | None) -> Path:
    """Return the folder of the demo: the given one, or a new one in the folder for temporary files."""
    import tempfile

    return given if given is not None else Path(tempfile.mkdtemp(prefix="autobuilds-demo-"))
