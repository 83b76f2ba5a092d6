"""Power cuts: every state that the disk may be in after one, of the write, the commit and the start protocol, and the recovery from it."""

from __future__ import annotations

import json
import random
import shutil
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from tests.proofs._disk import Disk
from tests.proofs._ground import Ground, queue_of
from tests.proofs._in_memory import in_memory
from tests.proofs._judging import misbehaved
from tests.proofs._power_states import State, content, find, materialise, states, tree_of
from tests.proofs.figures import Figures, Options
from tests.proofs.forkserver import ForkServer
from tests.proofs.shim import MISSING, Call, Control, Orders, library, read_log

QUEUE, LEDGER = "BUILD_QUEUE.md", "subagents/active.json"
#: States that are recovered from; all that are enumerated are looked at.
FULL, SAMPLE = 2_100, 24
#: Programs that get the library though the environment of a build is a new one.
_FOLLOW = ("python", "sh ", "git ", "bash")


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """What was done by one protocol, call by call, and what stood there before."""

    name: str
    disk: Disk
    calls: tuple[Call, ...]
    #: The file in which the agents note their attempts.
    count: Path

    def without(self, kept: Callable[[Call], bool]) -> Record:
        """Return what a writer would have done that leaves out the calls which are not kept."""
        calls = tuple(call for call in self.calls if kept(call))
        return replace(self, calls=calls, disk=_followed(self.disk, calls))


def _followed(disk: Disk, calls: Sequence[Call]) -> Disk:
    made = disk.again()
    made.take(calls)
    return made


def whole(record: Record) -> Record:
    """The writer as it is."""
    return record


def unsynced(record: Record) -> Record:
    """Return what a writer would have done that syncs nothing."""
    return record.without(lambda call: call.name not in {"fsync", "fdatasync"})


def folders_unsynced(record: Record) -> Record:
    """Return what a writer would have done that syncs files, but not the folders in which they are named."""
    folders = {call.one for call in record.calls if Path(call.one).is_dir()}
    return record.without(lambda call: call.name not in {"fsync", "fdatasync"} or call.one not in folders)


@dataclass(slots=True)
class Bench:
    """The place where the protocols are recorded and the states are made."""

    folder: Path
    ground: Ground
    server: ForkServer
    control: Control

    @property
    def place(self) -> Path:
        """The disk: workspace, home, and the file in which agents note their attempts."""
        return self.folder / "place"

    def record(self, name: str, *lines: Sequence[str]) -> Record:
        """Run command lines and return what they and all that they started did."""
        log = self.folder / f"{name}.log"
        disk = Disk.of(self.place)
        for line in lines:
            self.control.order(Orders(log=log, under=(str(self.place),), follow=_FOLLOW))
            done = self.server.run(self.ground.root, *line, code="tests.proofs._stages:without_next", control=self.control)
            assert done.status == 0, f"{line} ended with {done.status}: {done.said}"
        calls = tuple(read_log(log))
        return Record(name=name, disk=_followed(disk, calls), calls=calls, count=self.place / "count")


def records(bench: Bench) -> Iterator[Record]:
    """Yield the write protocol with its commit (first and later uses), then the start protocol to its end."""
    yield bench.record("first write", ["set", "write-first", "Priority", "Medium"])
    yield bench.record("write", ["set", "write-first", "Priority", "High"], ["block", "write-second", "waits"])
    yield bench.record("start", ["heartbeat"])
    yield bench.record("settle", ["heartbeat", "--monitor"])


@dataclass(frozen=True, slots=True, kw_only=True)
class Truth:
    """What was ever true: whole texts of queue and ledger, and when each attempt's agent was seen at work."""

    queues: frozenset[bytes]
    ledgers: frozenset[bytes]
    #: Attempt ids by the number of the call with which the agent noted them.
    started: tuple[tuple[int, str], ...]

    @classmethod
    def of(cls, record: Record) -> Truth:
        """Find it in what was recorded, as if no power had been cut."""
        disk = record.disk
        texts: dict[str, set[bytes]] = {QUEUE: set(), LEDGER: set()}
        cuts = sorted({0, *(change.at for change in disk.named)})
        names: set[int] = set()
        for cut in cuts:
            names |= {index for index, change in enumerate(disk.named) if change.at <= cut}
            state = State(cut, frozenset(names), (), "ordered")
            tree = tree_of(disk, state)
            for path, found in texts.items():
                file = find(f"workspace/{path}", tree)
                if file is not None:
                    found.add(content(disk, file, state))
        at, started = 0, []
        for call in record.calls:
            if call.result < 0:
                continue
            at += 1
            if call.one == str(record.count) and call.data:
                started += [(at, attempt.decode()) for attempt in call.data.split()]
        return cls(queues=frozenset(texts[QUEUE]), ledgers=frozenset(texts[LEDGER]), started=tuple(started))


def wrong(record: Record, truth: Truth, state: State) -> Iterator[tuple[str, str]]:
    """Yield what is wrong with a state as it lies on the disk."""
    disk, tree = record.disk, tree_of(record.disk, state)
    queue = find(f"workspace/{QUEUE}", tree)
    if queue is None or content(disk, queue, state) not in truth.queues:
        yield "torn queues", "the queue is no text that ever stood there"
    ledger = find(f"workspace/{LEDGER}", tree)
    text = content(disk, ledger, state) if ledger is not None else b""
    if text and text not in truth.ledgers:
        yield "torn ledgers", "the ledger is no text that ever stood there"
    for at, attempt in truth.started:
        if at <= state.cut and (text not in truth.ledgers or attempt.encode() not in text):
            yield "forgotten starts", f"the agent of {attempt} was at work, and no intent is on disk"


def recover(bench: Bench, record: Record, truth: Truth, state: State) -> Iterator[tuple[str, str]]:
    """Make a state, run two heartbeats on it and yield what is wrong then."""
    shutil.rmtree(bench.place, ignore_errors=True)
    materialise(record.disk, state)
    root = bench.ground.root
    for _ in range(2):
        done = bench.server.run(root, "heartbeat", "--monitor", code="tests.proofs._stages:without_next")
        if done.status != 0 or misbehaved(done):
            yield "not recovered", f"a heartbeat ended with {done.status}: {done.said[-300:]!r}"
            return
    queue = (root / QUEUE).read_text(encoding="utf-8")
    for name in ("Write first", "Write second"):
        if sum(line.startswith("- [") and name in line for line in queue.split("\n")) != 1:
            yield "lost tasks", f"{name} is not in the queue once"
    standing = bench.ground.states()
    if "building" in standing.values():
        yield "stuck builds", f"{standing}"
    path = root / LEDGER
    builds = json.loads(path.read_bytes())["builds"] if path.exists() else []
    known = {attempt["id"] for build in builds for attempt in build["attempts"]}
    for at, attempt in truth.started:
        if at <= state.cut and attempt not in known:
            yield "forgotten starts", f"the agent of {attempt} was at work, and the ledger does not know it after two heartbeats"
    for said in _disagreements(bench):
        if said.startswith(("git fsck", "corrupt", "files", "queue")):
            yield "not recovered", said


def _disagreements(bench: Bench) -> Iterator[str]:
    done = bench.server.run(bench.ground.root, "fsck", "--json", code="autobuilds.cli.app:run")
    answer = done.said[done.said.find("{") :] if "{" in done.said else "{}"
    yield from (f"{one['kind']}: {one['message']}" for one in json.loads(answer).get("findings", [{"kind": "queue", "message": done.said}]))
    yield from bench.ground.git_disagreements()


@dataclass(frozen=True, slots=True, kw_only=True)
class Recorded:
    """The protocols as they were recorded, and the place where the states that they may leave are made."""

    bench: Bench
    records: tuple[Record, ...]


@contextmanager
def recording(folder: Path) -> Iterator[Recorded]:
    """Record the protocols; a recording can be judged any number of times."""
    with in_memory(folder) as quick:
        place = quick / "place"
        names = ["Write first", "Write second"]
        ground = Ground.make(place, queue_of(names, place / "count"), more="max_concurrent: 2\n")
        with ForkServer(ground.env) as server:
            bench = Bench(folder=quick, ground=ground, server=server, control=Control(quick / "control"))
            yield Recorded(bench=bench, records=tuple(records(bench)))


def run(options: Options) -> Figures:
    """Look at every state and recover from at least 2,000 of them (sample: 24)."""
    if library() is None:
        return Figures(proof="power", skipped=[MISSING])
    with recording(options.folder) as recorded:
        return cut(options, recorded, whole, recovered=FULL if options.full else SAMPLE, least=2_000 if options.full else SAMPLE)


def broken(options: Options, recorded: Recorded, writer: Callable[[Record], Record]) -> Figures:
    """Look at the states of a broken writer, `unsynced` or `folders_unsynced`; this must be caught."""
    return cut(options, recorded, writer, recovered=0, least=0)


def cut(options: Options, recorded: Recorded, writer: Callable[[Record], Record], *, recovered: int, least: int) -> Figures:
    """Enumerate the states of what `writer` would have done, and judge them."""
    figures = Figures(proof="power")
    bench = recorded.bench
    counts: Counter[str] = Counter()
    found: list[tuple[Record, Truth, State]] = []
    for record in map(writer, recorded.records):
        truth = Truth.of(record)
        counts["agents seen at work"] += len(truth.started)
        found_states = list(dict.fromkeys(states(record.disk, _cuts(record, options))))
        options.say(f"{record.name}: {record.disk.length} calls, {len(found_states)} states")
        for state in found_states:
            for kind, said in wrong(record, truth, state):
                counts[kind] += 1
                figures.faults.append(f"{kind}: {record.name}, {_told(state)}: {said}")
        found += [(record, truth, state) for state in found_states]
    chosen = random.Random(options.seed).sample(found, min(recovered, len(found)))
    for number, (record, truth, state) in enumerate(chosen, start=1):
        for kind, said in recover(bench, record, truth, state):
            counts[kind] += 1
            figures.faults.append(f"{kind}: {record.name}, {_told(state)}: {said}")
        if number % 100 == 0:
            options.say(f"recovered from {number} of {len(chosen)} states, {len(figures.faults)} faults")
    figures.count("states of the disk looked at", len(found), least=max(least, 100))
    figures.count("of them recovered from by two heartbeats", len(chosen), least=least)
    figures.count("agents seen at work", counts["agents seen at work"], least=1)
    for kind in ("torn queues", "torn ledgers", "forgotten starts", "lost tasks", "stuck builds", "not recovered"):
        figures.count(kind, counts[kind], most=0)
    del figures.faults[100:]
    return figures


def _cuts(record: Record, options: Options) -> Sequence[int]:
    """Return after which calls the power is cut: all in a full run, every twentieth in a sample."""
    return range(0, record.disk.length + 1, 1 if options.full else 20)


def _told(state: State) -> str:
    torn = "".join(f", file {file} {how} after {kept} writes" for file, kept, how in state.torn)
    return f"cut after call {state.cut}, {state.model} model, {len(state.names)} changes of names there{torn}"
