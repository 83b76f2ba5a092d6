"""The sample of a simulation: a small project's queue, for those who try the simulator outside of a workspace."""

from __future__ import annotations

import re
from datetime import datetime

from autobuilds.domain.labels import slugify
from autobuilds.domain.times import format_when
from autobuilds.store import starter
from autobuilds.store.workspace import CONFIG, POLICY, QUEUE

#: How many builds at once: more while nobody waits for the machine.
_SLOTS = "max_concurrent: {default: 1, sleeping: 2, away: 2}   # builds at the same time"
_PERF, _BUGS, _DOCS, _INFRA, _NEW = "Performance optimization", "Bug fixes", "Documentation", "Infrastructure", "New features"
#: Name, priority, estimate, category, path, what it depends on, and the window that it names.
_TASKS = (
    ("Mend the rounding of invoices", "High", "1 hour", _BUGS, "billing", "", ""),
    ("Cache the price list", "Medium", "2-3 hours", _PERF, "prices", "", ""),
    ("Describe the import format", "Medium", "45 min", _DOCS, "docs", "", ""),
    ("Index the order search", "Medium", "4 hours", _PERF, "orders", "", ""),
    ("Export orders as CSV", "High", "2 hours", _NEW, "export", "", ""),
    ("Read the export in the shop", "High", "90 min", _NEW, "shop", "Export orders as CSV", ""),
    ("Renew the build script", "Medium", "1-2 hours", _INFRA, "ci-local", "", ""),
    ("Split the report module", "Medium", "6 hours", _PERF, "reports", "", ""),
    ("Explain the report module", "Medium", "30 min", _DOCS, "docs", "Split the report module", ""),
    ("Mend the time zone of mails", "High", "40 min", _BUGS, "mail", "", ""),
    ("Collect the translation keys", "Low", "3 hours", _INFRA, "i18n", "", ""),
    ("Shorten the start of the tests", "High", "2 hours", _PERF, "tests", "", "work-hours"),
    ("Dark colours for the shop", "Medium", "4-5 hours", _NEW, "shop", "", ""),
    ("Explain the price rules", "Low", "1 hour", _DOCS, "docs", "", ""),
    ("Mend the paging of the search", "High", "2 hours", _BUGS, "search", "Index the order search", ""),
    ("Compress the thumbnails", "Medium", "5 hours", _PERF, "images", "", ""),
    ("Log the slow queries", "Medium", "90 min", _INFRA, "logging", "", ""),
    ("Statistics of the shop", "Medium", "8 hours", _NEW, "stats", "Log the slow queries", "weekend"),
    ("Mend the totals of the basket", "Medium", "30 min", _BUGS, "basket", "", ""),
    ("Describe the release", "Medium", "20 min", _DOCS, "docs", "", "quick-win"),
)
_RISKY = """### Clean up the old accounts
- **Description:** Delete the user accounts that have not logged in for a year from the production database.
- **Completion Criteria:**
  - [ ] No account is older than a year: `python3 count_accounts.py --older-than 365`
- **Estimated Time:** 1 hour
- **Category:** Infrastructure
- **Steps:**
  ```sh
  psql production -c "DELETE FROM users WHERE last_login < now() - interval '1 year'"
  ```

"""
_ENTRY = """### {name}
- **Description:** `{path}/{label}.txt` holds the single line `done`, as the tests of the project read it.
- **Completion Criteria:**
  - [ ] The line is there: `grep -qx done {path}/{label}.txt`
- **Estimated Time:** {time}
- **Category:** {category}
{more}- **Touches:** {path}/{label}.txt
- **Steps:**
  ```sh
  mkdir -p {path} && echo done > {path}/{label}.txt
  ```

"""


def contents(now: datetime, zone: str) -> dict[str, str]:
    """Return the files of the sample by path, its queue as it stands at a moment: HEARTBEAT.md is what `init` writes."""
    when = format_when(now)
    rows = "".join(f"- [ ] {name} - Added: {when} - Priority: {priority}\n" for name, priority, *_ in _TASKS)
    rows += f"- [ ] Clean up the old accounts - Added: {when} - Priority: High\n"
    details = "".join(_entry(*task) for task in _TASKS) + _RISKY
    return {
        "README.md": "# Shop\n\nA sample for the simulator.\n",
        CONFIG: re.sub(r"(?m)^max_concurrent:.*$", _SLOTS, with_zone(starter.config_text(zone=zone, agent=None), zone), count=1),
        POLICY: starter.policy_text(),
        QUEUE: f"# Build Queue\n\n## Active Queue\n{rows}\n## Task Details\n\n{details}## Completed\n",
    }


def _entry(name: str, _priority: str, time: str, category: str, path: str, after: str, window: str) -> str:
    more = (f"- **Depends On:** {after}\n" if after else "") + (f"- **Window:** {window}\n" if window else "")
    return _ENTRY.format(name=name, path=path, label=slugify(name), time=time, category=category, more=more)


def with_zone(text: str, zone: str) -> str:
    """Return a HEARTBEAT.md with another zone in its front matter, one being made where there is none."""
    line = f"timezone: {zone}"
    bare = text.replace("\r\n", "\n")
    if not bare.startswith("---\n") or (close := bare.find("\n---", 3)) < 0:
        return f"---\n{line}\n---\n{bare}"
    head = bare[: close + 1]
    changed, found = re.subn(r"(?m)^timezone:.*$", line, head, count=1)
    return (changed if found else head + line + "\n") + bare[close + 1 :]
