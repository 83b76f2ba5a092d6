"""SIGKILL at every state-changing call of every command that writes: two heartbeats later nothing is lost, torn, doubled or stuck."""

from __future__ import annotations

import queue
import random
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path

from tests.proofs._in_memory import in_memory
from tests.proofs.bench import Bench, State
from tests.proofs.figures import Figures, Options
from tests.proofs.forkserver import ForkServer
from tests.proofs.outside import run_outside
from tests.proofs.points import points_of
from tests.proofs.scenarios import SCENARIOS, STATES, Scenario
from tests.proofs.shim import MISSING, Control, Mode, library

#: Any tool of `tools.py` can be tried, not autobuilds alone.
ANY_TOOL = True
#: Points of all scenarios together: in a sample, and at least in a full run.
SAMPLE, FULL = 24, 5000
#: Scenarios of a sample: those without builds, and those with.
SAMPLED, SAMPLED_BUILDS = 6, 2
#: Of these at the start and the end of builds.
FULL_BUILDS = 1000
#: Heartbeats after which all is well.
_BEATS = 2
#: Further ones that a chain of builds may need to its end.
_MORE = 4
_AT_REST = frozenset({"completed", "review", "retrying", "escalated", "cancelled", "reverted", "failed"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """A scenario that ran once without a kill: the calls that it made, and the states between which a kill may leave it."""

    calls: int
    #: Two heartbeats later: the command never ran, it ran once, it ran twice.
    none: State
    once: State
    twice: State


@dataclass(slots=True, kw_only=True)
class Tally:
    """What a sweep counts."""

    points: int = 0
    builds: int = 0
    fired: int = 0
    #: Kills aimed behind the last call of a run that made fewer calls than the measured one; they were aimed again.
    aimed_again: int = 0
    #: Points that left half an object in Git's store, under the name that `git gc` clears away.
    objects: int = 0
    commands: set[str] = field(default_factory=set)
    faults: list[str] = field(default_factory=list)


@dataclass(slots=True, kw_only=True)
class Sweeper:
    """Kills one scenario after the other in a folder of its own."""

    bench: Bench
    server: ForkServer
    control: Control
    tally: Tally
    #: What is left where nothing was run but the heartbeats.
    untouched: dict[tuple[str, tuple[str, ...]], State] = field(default_factory=dict)

    def begin(self, state: str) -> None:
        """Bring the workspace into a state."""
        if not self.bench.kept(state):
            files, commands = STATES[state]
            self.bench.make(files)
            for command in commands:
                done = self.server.run(self.bench.root, *command)
                assert done.status in {0, 1}, f"{state}: {command}: {done.said}"
            if state == "idle":
                self.bench.work()
            self.bench.keep(state)
        self.bench.restore(state)

    def _ready(self, scenario: Scenario) -> None:
        self.begin(scenario.state)
        for command in scenario.before:
            done = self.server.run(self.bench.root, *command, linger=True)
            assert done.status in {0, 1}, f"{scenario.name}: {command}: {done.said}"

    def _command(self, scenario: Scenario, control: Control | None = None) -> int:
        linger = bool(scenario.before)
        done = self.server.run(
            self.bench.root, *scenario.argv, control=control, counted=scenario.counted, code=scenario.code, linger=linger
        )
        return done.status

    def _beat(self, scenario: Scenario) -> list[str]:
        if not (self.bench.root / "BUILD_QUEUE.md").exists():
            return []
        done = self.server.run(self.bench.root, *scenario.beat, code=scenario.beat_code, linger=bool(scenario.before))
        said = [f"the heartbeat after it says {done.status}: {done.said[-300:]}"] if done.status not in {0, 1} else []
        return said + ([f"{-done.left} processes never end"] if done.left < 0 else [])

    def measure(self, scenario: Scenario) -> Measured:
        """Run a scenario without a kill, and see what it leaves where it was run never, once and twice."""
        if scenario.builds:
            self._counted(scenario)
            self._release(scenario)
            states = [self.bench.state()] * 3
        else:
            states = [self._untouched(scenario), self._left(scenario, 2), self._left(scenario, 1)]
        calls = self.control.count
        assert calls >= 3, f"{scenario.name} made only {calls} calls that change something: the library did not see it"
        return Measured(calls=calls, none=states[0], once=states[2], twice=states[1])

    def _untouched(self, scenario: Scenario) -> State:
        key = (scenario.state, scenario.beat)
        if key not in self.untouched:
            self.untouched[key] = self._left(scenario, 0)
        return self.untouched[key]

    def _left(self, scenario: Scenario, runs: int) -> State:
        self._ready(scenario)
        for number in range(runs):
            if number:
                self._command(scenario)
            else:
                status = self._counted(scenario, ready=True)
                assert status == 0 or scenario.argv[0] == "heartbeat", f"{scenario.name} ends with {status}"
        for _ in range(_BEATS):
            faults = self._beat(scenario)
            assert not faults, faults
        return self.bench.state()

    def _counted(self, scenario: Scenario, *, ready: bool = False) -> int:
        if not ready:
            self._ready(scenario)
        self.control.order(scenario.orders)
        return self._command(scenario, self.control)

    def _release(self, scenario: Scenario) -> None:
        """Let a build end that waits for a word."""
        if scenario.before:
            (self.bench.base / "live" / "go").touch()
        self.server.quiet()

    def kill(self, scenario: Scenario, measured: Measured, at: int) -> None:
        """Kill at one call and look at what follows."""
        for _ in range(5):
            self._ready(scenario)
            self.control.order(replace(scenario.orders, mode=Mode.KILL, at=at))
            self._command(scenario, self.control)
            if not scenario.before:
                self.server.quiet()
            if self.control.fired:
                break
            self._release(scenario)
            self.tally.aimed_again += 1
            at = max(1, min(at - 1, self.control.count))
        self.tally.points += 1
        self.tally.builds += scenario.builds
        self.tally.fired += self.control.fired > 0
        self.tally.commands.add(scenario.argv[0] if scenario.name != "supervisor" else "supervisor")
        what = self.control.what
        try:
            if scenario.before:
                faults = list(self._after_stop(scenario))
            elif scenario.builds:
                faults = list(self._after_builds(scenario))
            else:
                faults = list(self._after(scenario, measured))
        except (OSError, ValueError, AssertionError) as error:
            faults = [f"{type(error).__name__}: {error}"]
        self.tally.objects += bool(self.bench.objects())
        where = f"{scenario.name}, killed at call {at} ({what})"
        self.tally.faults += [f"{where}: {fault}" for fault in faults]

    def _after(self, scenario: Scenario, measured: Measured) -> Iterator[str]:
        for _ in range(_BEATS):
            yield from self._beat(scenario)
        found = self.bench.state()
        if not scenario.gradual:
            yield from self.bench.wrong()
            if scenario.halfway and found.builds == measured.none.builds:
                found = replace(found, status=measured.none.status)
            yield from _between(found, (measured.none, measured.once), "two heartbeats later")
        status = self._command(scenario)
        if found == measured.none and status and scenario.argv[0] != "heartbeat":
            yield f"repeated, it ends with {status}"
        yield from self._beat(scenario)
        yield from _between(self.bench.state(), (measured.once, measured.twice), "repeated")
        yield from self.bench.wrong()

    def _after_builds(self, scenario: Scenario) -> Iterator[str]:
        for _ in range(_BEATS):
            yield from self._beat(scenario)
        yield from self.bench.wrong()
        builds = self.bench.builds()
        stuck = {label: state for label, state in builds.items() if state not in _AT_REST}
        if stuck:
            yield f"stuck two heartbeats later: {stuck}"
        text = (self.bench.root / "BUILD_QUEUE.md").read_text()
        labels = {"Say hello": "a.txt", "Say it again": "b.txt"} if scenario.state == "ready" else {"Say hello": "a.txt"}
        for name in labels:
            if sum(line.startswith(("- [ ] ", "- [x] ")) and name in line for line in text.split("\n")) != 1:
                yield f"{name} is lost or doubled in the queue"
        for _ in range(_MORE):
            if set(self.bench.builds().values()) == {"completed"} and len(self.bench.builds()) == len(labels):
                break
            yield from self._beat(scenario)
        if set(self.bench.builds().values()) != {"completed"}:
            yield f"never completed: {self.bench.builds()}"
        for file in labels.values():
            if not (self.bench.root / file).exists() or (self.bench.root / file).read_text() != "hello\n":
                yield f"the work of {file} is lost"
        status = self.bench.git("status", "--porcelain")
        if status:
            yield f"git status: {status}"
        entries = self.bench.entries()
        yield from (
            f"{name} is {entries[f'Build completed: {name}']} times in the diary"
            for name in labels
            if entries[f"Build completed: {name}"] != 1
        )
        yield from self.bench.wrong()

    def _after_stop(self, scenario: Scenario) -> Iterator[str]:
        """Yield what is wrong where a running build was to be stopped: it runs on, or it is stopped; asked again it is stopped."""
        for _ in range(_BEATS):
            yield from self._beat(scenario)
        state = self.bench.builds()["say-hello"]
        if state not in _AT_REST | {"building"}:
            yield f"stuck two heartbeats later: {state}"
        if state == "building":
            self._command(scenario)
            yield from self._beat(scenario)
            state = self.bench.builds()["say-hello"]
            if state not in _AT_REST:
                yield f"stopped again, it is {state}"
        if scenario.argv[0] == "fail":
            # The next attempt may run by now; it waits for this word.
            (self.bench.base / "live" / "go").touch()
        if self.server.quiet() < 0:
            yield "a process of the build runs on"
        text = (self.bench.root / "BUILD_QUEUE.md").read_text()
        if text.count("- [ ] Say hello") + text.count("- [x] Say hello") != 1:
            yield "the task is lost or doubled"
        yield from self.bench.wrong()


def _between(found: State, allowed: Iterable[State], when: str) -> Iterator[str]:
    """Yield how a state is none of those that are allowed."""
    allowed = list(allowed)
    if found in allowed:
        return
    for name in ("queue", "builds", "status", "diary"):
        value = getattr(found, name)
        if value not in [getattr(state, name) for state in allowed]:
            yield f"{when} the {name} is neither as before nor as after the command: {value!r}"
    more = found.files - frozenset().union(*(state.files for state in allowed))
    if more:
        yield f"{when} there are files that no run makes: {sorted(more)}"
    less = min((state.files - found.files for state in allowed), key=len)
    if less:
        yield f"{when} files are missing: {sorted(less)}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """A scenario, or the number-th of some equal shares of its points, swept by one worker."""

    scenario: Scenario
    wanted: int
    number: int = 0
    of: int = 1


def work(folder: Path, parts: queue.SimpleQueue[Part], options: Options) -> Tally:
    """Sweep one part after the other in a folder of its own until none is left."""
    folder.mkdir(parents=True)
    bench, tally = Bench(base=folder), Tally()
    bench.make({})
    with ForkServer(bench.environment()) as server:
        sweeper = Sweeper(bench=bench, server=server, control=Control(folder / "control"), tally=tally)
        while not parts.empty():
            try:
                part = parts.get_nowait()
            except queue.Empty:
                break
            scenario = part.scenario
            measured = sweeper.measure(scenario)
            points = points_of(measured.calls, part.wanted, random.Random(f"{options.seed} {scenario.name}"))
            mine = points[part.number :: part.of]
            options.say(f"{scenario.name}: {measured.calls} calls, {len(mine)} of {len(points)} points")
            for at in mine:
                sweeper.kill(scenario, measured, at)
    return tally


def sweep(folder: Path, scenarios: Iterable[Scenario], options: Options, *, wanted: int, workers: int = 1) -> list[Tally]:
    """Kill each scenario at `wanted` of its calls, by several workers at once."""
    parts: queue.SimpleQueue[Part] = queue.SimpleQueue()
    # What takes longest first, so that no worker is left with it in the end.
    for scenario in sorted(scenarios, key=lambda s: not s.builds):
        shares = 4 if scenario.builds and wanted > 100 else 1
        for number in range(shares):
            parts.put(
                Part(scenario=scenario, wanted=wanted if shares > 1 or not scenario.builds else -(-wanted // 2), number=number, of=shares)
            )
    with ThreadPoolExecutor(workers) as pool:
        jobs = [pool.submit(work, folder / f"worker-{n}", parts, options) for n in range(workers)]
        return [job.result() for job in jobs]


def run(options: Options) -> Figures:
    """Sweep all scenarios at all points, or a few at a few."""
    figures = Figures(proof="Killed at every call")
    if library() is None:
        figures.skipped.append(MISSING)
        return figures
    if options.tool != "autobuilds":
        return run_outside(options, 10**9 if options.full else SAMPLE)
    scenarios = SCENARIOS if options.full else _sampled(random.Random(options.seed))
    wanted = 10**9 if options.full else 4
    with in_memory(options.folder) as folder:
        tallies = sweep(folder, scenarios, options, wanted=wanted, workers=2)
    fill(figures, tallies, full=options.full)
    return figures


def _sampled(random_: random.Random) -> Sequence[Scenario]:
    """Return some scenarios: each is measured first, which takes longer than its few points of a sample."""
    chosen = random_.sample([s for s in SCENARIOS if not s.builds], SAMPLED)
    return chosen + random_.sample([s for s in SCENARIOS if s.builds], SAMPLED_BUILDS)


def fill(figures: Figures, tallies: list[Tally], *, full: bool) -> None:
    """Add the counts of the workers."""
    points = sum(t.points for t in tallies)
    figures.count("points", points, least=FULL if full else SAMPLE)
    figures.count("kills that fired", sum(t.fired for t in tallies), least=points, most=points)
    figures.count("points at the start and end of builds", sum(t.builds for t in tallies), least=FULL_BUILDS if full else 1)
    figures.count("commands", len(set().union(*(t.commands for t in tallies))))
    figures.count("aimed again", sum(t.aimed_again for t in tallies))
    figures.count("points that left half an object for git gc", sum(t.objects for t in tallies))
    figures.count("lost, torn, doubled or stuck", sum(len(t.faults) for t in tallies), most=0)
    figures.faults += [fault for t in tallies for fault in t.faults]
