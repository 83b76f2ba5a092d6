"""A hypothesis state machine over everything that can happen to a workspace, beside a plain account of what must be there."""

from __future__ import annotations

import tempfile
from collections import Counter
from functools import partial
from pathlib import Path
from typing import Any

from autobuilds.store.queue.document import Document
from autobuilds.store.queue.operations import Operation
from tests.proofs._interrupt import hasty
from tests.proofs._world import OPERATIONS, World, new_world
from tests.proofs.figures import Figures, Options

#: Histories and steps in each of them.
SAMPLE, FULL = (4, 30), (60, 80)
#: Where in an act it is killed, or the disk full: mostly early, where most acts have their calls.
_EARLY, _LATE = 20, 150


def machine(folder: Path, count: Counter[str], *, forgets: bool = False) -> type[Any]:  # noqa: C901 - one rule after the other
    """Return the state machine; `count` takes what happened, `forgets` breaks the store: it edits what it read before."""
    from hypothesis import strategies as st
    from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

    number = st.integers(0, 10**6)

    class Machine(RuleBasedStateMachine):
        def __init__(self) -> None:
            super().__init__()
            count["histories"] += 1
            self.place = Path(tempfile.mkdtemp(dir=folder))
            self.world: World = new_world(self.place, 1)
            self.memory = Forgetful(self.world) if forgets else None

        @rule(kind=st.sampled_from(["task", "task", "remark", "words", "delete", "tick", "priority"]), n=number)
        def a_hand_edit(self, kind: str, n: int) -> None:
            self.world.hand_edit(kind, n)

        @rule(kinds=st.lists(st.sampled_from(["task", "task", "remark", "words"]), min_size=1, max_size=3), n=number)
        def a_person_writes(self, kinds: list[str], n: int) -> None:
            for kind in kinds:
                self.world.hand_edit(kind, n)

        @rule()
        def an_editor_opens(self) -> None:
            self.world.open_editor()

        @rule()
        def a_stale_save(self) -> None:
            self.world.save_stale()

        @rule(name=st.sampled_from(OPERATIONS), n=number)
        def an_operation(self, name: str, n: int) -> None:
            self.world.operate(name, n)

        @rule(n=number)
        def a_heartbeat(self, n: int) -> None:
            self.world.operate("beat", n)

        @rule(name=st.sampled_from(["beat", *OPERATIONS]), n=number, at=st.integers(1, _EARLY) | st.integers(1, _LATE))
        def a_crash(self, name: str, n: int, at: int) -> None:
            self.world.end_at(name, n, at, full_disk=False)

        @rule(name=st.sampled_from(["beat", *OPERATIONS]), n=number, at=st.integers(1, _EARLY) | st.integers(1, _LATE))
        def a_full_disk(self, name: str, n: int, at: int) -> None:
            self.world.end_at(name, n, at, full_disk=True)

        @rule(n=number)
        def the_clock_jumps(self, n: int) -> None:
            self.world.jump(n)

        @rule(n=number)
        def a_merge(self, n: int) -> None:
            self.world.merge(n)

        @rule(n=number)
        def agents_end_and_a_heartbeat(self, n: int) -> None:
            self.world.agents_end(n)
            self.world.operate("beat", n)

        @invariant()
        def the_account_agrees(self) -> None:
            count["steps"] += 1
            self.world.check()

        def teardown(self) -> None:
            if self.memory is not None:
                self.memory.forget()
            count.update(self.world.count)
            count["starts"] += len(self.world.life.runner.jobs)

    return Machine


class Forgetful:
    """A store that edits the text which it read first or wrote last, as one that keeps it in memory would."""

    def __init__(self, world: World) -> None:
        from autobuilds.store.queue.edit import apply
        from autobuilds.store.queue.file import QueueFile
        from autobuilds.store.queue.reader import read_queue

        self._kind, self._real = QueueFile, QueueFile.edit
        self._known = world.life.queue.read_bytes()

        def edit(queue: QueueFile, *operations: Operation) -> Document:
            read = partial(read_queue, zone=queue.zone)
            after = apply(read(self._known), operations, read, queue.zone)
            self._known = after.data
            queue.path.write_bytes(after.data)
            return after

        setattr(QueueFile, "edit", edit)  # noqa: B010 - on purpose

    def forget(self) -> None:
        """Let the store be whole again."""
        setattr(self._kind, "edit", self._real)  # noqa: B010


def lived(folder: Path, histories: int, steps: int, seed: int, *, forgets: bool = False) -> Counter[str]:
    """Run the machine, the same in every run with the same seed; raises what it finds.

    It is not made shorter: a step takes too long for that, and says enough.
    """
    from hypothesis import HealthCheck, Phase, settings
    from hypothesis import seed as seeded
    from hypothesis.stateful import run_state_machine_as_test

    count: Counter[str] = Counter()
    made = machine(folder, count, forgets=forgets)
    chosen = settings(
        max_examples=histories,
        stateful_step_count=steps,
        deadline=None,
        database=None,
        derandomize=seed == 1,
        suppress_health_check=list(HealthCheck),
        phases=[Phase.generate],
        print_blob=False,
    )
    with hasty():
        run_state_machine_as_test(made if seed == 1 else seeded(seed)(made), settings=chosen)
    return count


def run(options: Options) -> Figures:
    """Let it happen."""
    figures = Figures(proof="state machine")
    histories, steps = FULL if options.full else SAMPLE
    count: Counter[str] = Counter()
    try:
        count = lived(options.folder, histories, steps, options.seed)
    except Exception as error:
        notes = "\n".join(getattr(error, "__notes__", []))
        figures.faults.append(f"{error!r} (seed {options.seed})\n{notes}")
    figures.count("histories", count.pop("histories", 0), least=histories)
    figures.count("steps, each held against the account", count.pop("steps", 0), least=histories * steps // 2)
    figures.count("starts of attempts, none twice", count.pop("starts", 0), least=1)
    for what, value in sorted(count.items()):
        figures.count(what, value)
    return figures
