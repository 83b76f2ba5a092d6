"""What each fuzzed parser promises: it raises nothing but what it says, and what it returns holds together."""

from __future__ import annotations

import contextlib
import tempfile
from datetime import datetime
from functools import cache, partial
from pathlib import Path
from zoneinfo import ZoneInfo

from autobuilds.errors import AutobuildsError, BadInput, CorruptLedger
from tests.proofs.fuzz_seeds import PARTED, packaged

ZONE = ZoneInfo("America/Chicago")
NOW = datetime(2026, 2, 7, 10, 30, tzinfo=ZONE)


def promised(holds: bool, what: str) -> None:
    """Raise AssertionError where a promise is broken."""
    if not holds:
        raise AssertionError(what)


def check_queue(data: bytes) -> None:
    """Read a queue; the short way and the thorough one must agree, and every place must lie in the text."""
    from autobuilds.store.queue.reader import read_queue, read_thoroughly

    document = read_queue(data, zone=ZONE, had_tasks=len(data) % 2 == 1)
    for problem in document.queue.problems:
        promised(problem.line >= 1 and problem.column >= 1, f"a problem stands nowhere: {problem}")
    if document.queue.fatal:
        return
    slow = read_thoroughly(data, document.text, ZONE, "BUILD_QUEUE.md", bom=document.bom)
    promised(slow.queue == document.queue, "the short way reads something else than the thorough one")
    for entry in document.entries:
        promised(0 <= entry.lines.start <= entry.lines.end <= len(document.text), f"an entry stands outside: {entry.lines}")


def check_config(data: bytes) -> None:
    """Read a configuration with its duties, and say it."""
    from autobuilds.store.config import explain, read_settings

    config = read_settings(data)
    explain(config)
    for problem in config.problems:
        promised(problem.line >= 1 and problem.column >= 1, f"a problem stands nowhere: {problem}")


def check_front_matter(data: bytes) -> None:
    """Read front matter: all scalars stay text."""
    from autobuilds.store.front_matter import Located, read_front_matter

    found = read_front_matter(data, "x.md")

    def plain(value: object) -> bool:
        if isinstance(value, Located):
            return value.line >= 1 and value.column >= 1 and plain(value.value)
        if isinstance(value, dict):
            return all(isinstance(key, str) and plain(inner) for key, inner in value.items())
        return all(map(plain, value)) if isinstance(value, list) else value is None or isinstance(value, str)

    promised(plain(found.fields), "a value is no text")


def check_policy(data: bytes) -> None:
    """Read the tables of a policy and use them on a task."""
    from autobuilds.policies.risk import judge_risk
    from autobuilds.store.policy import read_policy

    policy = read_policy(data, b"")
    for rule in policy.categories:
        promised({rule.high, rule.medium, rule.low} <= {"auto", "own", "ask"}, f"a category answers otherwise: {rule}")
    if data and data[0] % 16 == 0:
        judge_risk("Fix the clock", "clock.py shows the seconds.", ("Tests pass: `true`",), None, "Bug fixes", policy.rules)


def check_judgements(data: bytes) -> None:
    """Judge the risk and the requirements of a task of any words by the packaged tables."""
    from autobuilds.policies.requirements import judge_requirements
    from autobuilds.policies.risk import judge_risk
    from autobuilds.store.policy import read_policy

    name, description, criteria = (*data.decode("utf-8", "replace").split("\n", 2), "", "")[:3]
    rules = read_policy(None, packaged()).rules
    rows = tuple(criteria.split("\n"))
    judge_risk(name, description, rows, description, "Bug fixes", rules)
    judge_requirements(name, description, rows, None, None, rules)


def check_duties(data: bytes) -> None:
    """Read duties of a body, and the record of their last runs."""
    from autobuilds.store.duties import LAST_RUNS, read_duties, read_last_runs

    read_duties(data.decode("utf-8", "replace").replace("\r\n", "\n").replace("\r", "\n"))
    (_folder() / LAST_RUNS).write_bytes(data)
    runs, _ = read_last_runs(_folder())
    promised(all(moment.tzinfo is not None for moment in runs.values()), "a time without a zone")


def check_ledger(data: bytes) -> None:
    """Read a ledger: refused with its place, or the same again after it was written."""
    from autobuilds.store.ledger import dumps, loads

    try:
        ledger = loads(data)
    except CorruptLedger:
        return
    again = dumps(ledger)
    promised(loads(again) == ledger, "a ledger changes when it is written and read")
    promised(dumps(loads(again)) == again, "the same ledger is written in two ways")


def check_history(data: bytes) -> None:
    """Read the trailers of a commit message into a ledger."""
    from autobuilds.domain.build import Ledger
    from autobuilds.store.history import apply, inputs, trailers
    from autobuilds.store.ledger import NotALedger

    known = trailers(data.decode("utf-8", "replace"))
    for read in (lambda: apply(Ledger(), known), lambda: inputs(known)):
        with contextlib.suppress(NotALedger):
            read()


def check_progress(data: bytes) -> None:
    """Read a progress log, and write into it: what stood there stays."""
    from autobuilds.domain.progress import ProgressStatus
    from autobuilds.store.progress import parse_progress
    from autobuilds.store.progress_text import append_log, with_status

    text = data.decode("utf-8", "replace")
    found = parse_progress(text, label="x", zone=ZONE)
    promised(found.percent is None or 0 <= found.percent <= 100, "a percent beyond")
    rows = [row.strip() for row in text.replace("\r\n", "\n").replace("\r", "\n").split("\n") if row.strip()]
    after = append_log(text, "an answer", NOW)
    _kept(rows, after, "an entry of the log")
    with_status(text, now=NOW, status=ProgressStatus.DONE, percent=100)


def _kept(rows: list[str], after: str, by: str) -> None:
    there = iter(row.strip() for row in after.replace("\r\n", "\n").replace("\r", "\n").split("\n"))
    promised(all(row in there for row in rows), f"{by} takes lines away")


def check_agents(data: bytes) -> None:
    """Read an agents.toml."""
    from autobuilds.adapters.agents.schema import parse

    try:
        parse(data.decode("utf-8", "replace"), "agents.toml", own=True)
    except BadInput as error:
        promised("agents.toml" in str(error), f"a message without the file: {error}")


@cache
def _readers() -> tuple[object, ...]:
    from autobuilds.adapters.agents.presets import Presets

    presets = Presets.load(None)
    return tuple(presets.find(name).rules for name in sorted(presets.table))


def check_stream(data: bytes) -> None:
    """Read an agent's output by the rules of each preset in turn, in pieces of any size."""
    from autobuilds.adapters.agents.reading import StreamReader

    if len(data) < 2:
        return
    rules = _readers()
    reader = StreamReader(rules[data[0] % len(rules)], root="/w")  # type: ignore[arg-type]
    body, size = data[2:], data[1] + 1
    for at in range(0, len(body), size * 16):
        reader.feed(body[at : at + size * 16])
    reader.feed_errors(body[:200])
    reader.used()
    report = reader.report(body if data[1] % 2 else None, exit_code=data[1] % 3, now=NOW)
    for text in (report.error, report.said, report.session, report.model):
        promised(not text or not any(ord(c) < 32 and c not in "\n\t" for c in text), f"control characters in {text!r}")


@cache
def _folder() -> Path:
    """Return a folder in memory, where there is one, for what is read from files."""
    memory = Path("/dev/shm")
    return Path(tempfile.mkdtemp(prefix="fuzz-", dir=memory if memory.is_dir() else None))


def check_records(data: bytes) -> None:
    """Read the records of a run folder and an announced commit."""
    from autobuilds.adapters.supervisor.records import Known, Saved, Start, StopRequest, read_record
    from autobuilds.domain.build import Usage
    from autobuilds.domain.moment import Ending
    from autobuilds.ports import Job
    from autobuilds.runtime.announced import read as read_announcement

    path = _folder() / "record.json"
    path.write_bytes(data)
    kinds = (Job, Start, StopRequest, Saved, Known, Ending, Usage)
    for read in (*(partial(read_record, path, kind) for kind in kinds), partial(read_announcement, path)):
        with contextlib.suppress(BadInput):
            read()  # type: ignore[operator]


def check_state(data: bytes) -> None:
    """Read the small files of the private folder, and what stands in a repository when a workspace is made there."""
    from autobuilds.store.discovery import checklists, test_command
    from autobuilds.store.files import Lock
    from autobuilds.store.probe import FILE, read_probe

    for name in (FILE, "package.json", "TODO.md", "note.lock"):
        (_folder() / name).parent.mkdir(parents=True, exist_ok=True)
        (_folder() / name).write_bytes(data)
    read_probe(_folder())
    test_command(_folder())
    checklists(_folder())
    Lock(_folder() / "note.lock")._holder()


def check_import(data: bytes) -> None:
    """Read a file of another shape, and add its tasks to an empty queue."""
    from autobuilds.store.importers.imported import preview
    from autobuilds.store.importers.recognise import SHAPES, import_text
    from autobuilds.store.queue.edit import apply
    from autobuilds.store.queue.operations import Add
    from autobuilds.store.queue.reader import read_queue

    shape = (None, *sorted(SHAPES))[data[0] % (len(SHAPES) + 1)] if data else None
    read = partial(read_queue, zone=ZONE)
    try:
        found = import_text(data[1:], shape, ZONE)
        preview(found, ZONE)
        apply(read(b"## Active Queue\n\n## Completed\n"), [Add(task=task) for task in found.tasks[:5]], read, ZONE)
    except AutobuildsError:
        pass


def check_merge(data: bytes) -> None:
    """Merge three texts as queues, as late saves and by rows; a side that changed nothing has no say."""
    from autobuilds.store.files.merge import merge_late
    from autobuilds.store.queue.merging import merge_queue
    from autobuilds.store.queue.reader import read_queue

    base, ours, theirs = (*data.split(PARTED, 2), b"", b"")[:3]
    promised(merge_queue(base, base, theirs, ZONE).data == theirs, "a side that changed nothing has a say")
    promised(merge_queue(base, ours, base, ZONE).data == ours, "a side that changed nothing has a say")
    merge_late(base, theirs, ours)
    merged = merge_queue(base, ours, theirs, ZONE)
    before, after, left, right = (read_queue(text, zone=ZONE).queue for text in (base, merged.data, ours, theirs))
    if merged.conflicts or any(queue.fatal for queue in (before, after, left, right)):
        return
    known, there = ({task.label for task in queue.tasks} for queue in (before, after))
    for side in (left, right):
        new = {task.label for task in side.tasks} - known
        promised(new <= there, f"a merge without conflict lost {sorted(new - there)}")


def check_times(data: bytes) -> None:
    """Read what people and agents write as times."""
    from autobuilds.domain import times
    from autobuilds.domain.resets import parse_reset

    text = data.decode("utf-8", "replace")
    times.parse_when(text, ZONE)
    times.format_estimate(times.parse_estimate(text))
    times.parse_clock(text)
    if (span := times.parse_duration(text)) is not None:
        times.format_duration(span)
    if (window := times.parse_window(text)) is not None:
        times.in_window(NOW, window)
    parse_reset(text, NOW)
