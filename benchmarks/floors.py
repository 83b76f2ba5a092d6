"""What nothing that does the same can be faster than: a Python that starts, the bytes read, Git's own commit, an empty program."""

from __future__ import annotations

import sys

from benchmarks.gen import queue_text
from benchmarks.runner import Run
from benchmarks.tools import OPERATIONS, Site, Tool, repository

_READ = "import sys; data = open(sys.argv[1], 'rb').read(); sys.exit(not data)"
#: The operations that end in a commit.
COMMITTING = ("add", "set", "done", "cycle")


def _python(site: Site, _: int) -> Run:
    return site.run(sys.executable, "-c", "pass")


def _bytes(site: Site, _: int) -> Run:
    return site.run(sys.executable, "-c", _READ, "BUILD_QUEUE.md")


def _commit(site: Site, turn: int) -> Run:
    def edit() -> None:
        queue = site.folder / "BUILD_QUEUE.md"
        head, _, rest = queue.read_text().partition("\n")
        queue.write_text(f"{head.split(',')[0]}, turn {turn}\n{rest}")

    return site.run("git", "commit", "-qm", "m", "--", "BUILD_QUEUE.md", before=edit)


def _write(site: Site) -> None:
    (site.folder / "BUILD_QUEUE.md").write_text(queue_text(site.tasks))
    repository(site)


def floors() -> list[Tool]:
    """Return the floors as tools, each with the operations that it is a floor of."""

    def floor(name: str, store: str, operations: dict[str, object], *, writes: bool = False) -> Tool:
        return Tool(
            name=name,
            version="",
            store=store,
            write=_write if writes else lambda _: None,
            operations=operations,  # type: ignore[arg-type]
        )

    return [
        floor("python -c pass", "the same Python, doing nothing", dict.fromkeys(OPERATIONS, _python)),
        floor("bytes read", "the same Python, reading the queue's bytes", {"list": _bytes, "next": _bytes, "full": _bytes}, writes=True),
        floor("git commit", "`git commit -qm m -- BUILD_QUEUE.md` after an edit", dict.fromkeys(COMMITTING, _commit), writes=True),
        floor("/bin/true", "a program that does nothing", {"cycle": lambda site, _: site.run("true")}),
    ]
