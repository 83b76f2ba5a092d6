"""Memory of decisions: the ledger can be made again from Git at any moment, and every start can be asked why, with the same answer.

A long random life is led through the real product (`_life`). At random moments the ledger made again from queue and history has to equal the
live one byte for byte, also after the live one was damaged and `fsck --rebuild` wrote it. Then every start of the history is asked
`why LABEL --at COMMIT`: each gate must say what was recorded, and, where a look was taken right before the start, every gate of every
task must say what it said then, with its time and its fix. A life whose commits forget a part of their record must be caught.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from autobuilds.adapters.git import GitRepo
from autobuilds.domain.verdicts import Assessment, Verdict
from autobuilds.errors import AutobuildsError
from autobuilds.ports import Identity
from autobuilds.runtime import fsck
from autobuilds.runtime.heartbeat import beat, look
from autobuilds.runtime.recalling import Recalled, recall
from autobuilds.store.ledger import dumps, read_archive
from autobuilds.store.workspace import LEDGER
from tests.proofs._life import Life, begin
from tests.proofs.figures import Figures, Options

#: Transitions of the whole proof and of a sample, and how many of one life.
FULL, SAMPLE, LIFE = 1000, 60, 250
#: Of so many steps one is followed by a look at the ledger made again, and of so many looks one damages it first.
LOOK_EVERY, DAMAGE_EVERY = 6, 3


class ForgetfulRepo(GitRepo):
    """A broken recorder: the commits of an event lack a part of their message."""

    def __init__(self, root: Path, *, event: str = "", part: str = "", **known: Any) -> None:
        super().__init__(root, **known)
        self._event, self._part = event, part

    def commit(
        self,
        paths: Sequence[str],
        message: str,
        *,
        author: Identity | None = None,
        branch: str = "current",
        texts: Mapping[str, bytes] | None = None,
    ) -> str | None:
        """Commit without the part."""
        if f"\nEvent: {self._event}\n" in message:
            message = "".join(line for line in message.splitlines(keepends=True) if not line.startswith(f"{self._part}: "))
        return super().commit(paths, message, author=author, branch=branch, texts=texts)


class Proof:
    """One life and what was counted in it."""

    def __init__(self, options: Options, forgets: tuple[str, str] | None) -> None:
        self.options, self.forgets = options, forgets
        self.faults: list[str] = []
        self.counts: Counter[str] = Counter()

    def lead(self, number: int, wanted: int) -> None:
        """Lead a life of at least so many transitions, and ask about all of it."""
        seed = self.options.seed * 1000 + number
        self.counts["lives"] += 1
        if self.forgets is None:
            life = begin(self.options.folder, seed)
        else:
            life = begin(self.options.folder, seed, ForgetfulRepo, event=self.forgets[0], part=self.forgets[1])
        looks: dict[str, tuple[Assessment, ...]] = {}
        done, steps = 0, 0
        while done < wanted:
            for _ in range(10):
                steps += 1
                self._step(life, looks, f"seed {seed}, step {steps}")
            done = len(life.git("log", "--format=%(trailers:key=Event,valueonly)").split())
            self.options.say(f"life {seed}: {steps} steps, {done} transitions, {len(self.faults)} faults")
        self.counts["transitions"] += done
        self.counts["refused with a message"] += life.refused
        self.counts["archived builds"] += len(read_archive(life.root / "subagents"))
        self._ask(life, looks, seed)
        self.options.say(f"life {seed} asked: {self.counts['starts']} starts, faults: {self.faults[-3:]}")

    def _step(self, life: Life, looks: dict[str, tuple[Assessment, ...]], where: str) -> None:
        if life.dice.random() < 0.3:
            self._looked_at(life, looks)
        else:
            self.counts[f"step: {life.step()}"] += 1
        if life.dice.randrange(LOOK_EVERY) == 0:
            self._rebuild(life, where)

    def _looked_at(self, life: Life, looks: dict[str, tuple[Assessment, ...]]) -> None:
        """Run a heartbeat after a look; where its first commit is a start, it was decided on just what was seen.

        Not where transitions of earlier heartbeats wait for their commits: those come first, and were decided on what there was then.
        Nobody saves a file meanwhile; what is then recorded is judged with all other starts.
        """
        life.pass_time()
        life.machine.meanwhile = None
        waiting = any((life.context.workspace.private / "outbox").glob("*.json"))
        before = life.context.repo.head().commit
        try:
            seen = look(life.context).assessments
            beat(life.context)
        except AutobuildsError:
            life.refused += 1
            return
        self.counts["step: heartbeat"] += 1
        first = next(iter(life.context.repo.mainline("HEAD", since=before)), None)
        if first is not None and first.trailers.get("Event") == "start":
            if waiting:
                self.counts["looks with an earlier start"] += 1
            else:
                looks[first.sha] = seen

    def _rebuild(self, life: Life, where: str) -> None:
        """Compare the ledger with the one of the history; now and then damage it first and have it made again."""
        path = life.context.workspace.path(LEDGER)
        if not path.exists():
            return
        live = path.read_bytes()
        self.counts["ledgers compared"] += 1
        if dumps(fsck.from_history(life.context).ledger) != live:
            self.counts["ledgers that differ"] += 1
            self.faults.append(f"{where}: the ledger made again is not the live one")
            return
        if life.dice.randrange(DAMAGE_EVERY) == 0:
            self.counts["ledgers damaged and made again"] += 1
            path.write_bytes(life.dice.choice((b"", b"{", live[: len(live) // 2], b'{"version": 1, "builds": []}\n')))
            try:
                fsck.rebuild(life.context)
            except AutobuildsError as refused:
                self.faults.append(f"{where}: not made again: {refused}")
                path.write_bytes(live)
            if path.read_bytes() != live:
                self.counts["ledgers that differ"] += 1
                self.faults.append(f"{where}: the ledger that was written is not the damaged one")

    def _ask(self, life: Life, looks: Mapping[str, tuple[Assessment, ...]], seed: int) -> None:
        for commit in life.context.repo.history():
            if commit.trailers.get("Event") != "start":
                continue
            self.counts["starts"] += 1
            where = f"seed {seed}, {commit.sha[:12]} ({commit.subject})"
            try:
                told = recall(life.context, commit.sha)
            except AutobuildsError as refused:
                self.faults.append(f"{where}: {refused}")
                self.counts["starts with another verdict"] += 1
                continue
            self._judge(told, commit.trailers["Build"], where)
            if commit.sha in looks:
                self._compare(looks[commit.sha], told, where)

    def _judge(self, told: Recalled, label: str, where: str) -> None:
        found = told.of(label)
        same = found is not None and {g.gate: g.reason for g in found.gates} == told.recorded
        if found is None or found.verdict is not Verdict.GO or not same or told.differing or not told.recorded:
            self.counts["starts with another verdict"] += 1
            held = "; ".join(f"{g.gate}: {g.reason}" for g in found.obstacles) if found else "not waiting"
            self.faults.append(f"{where}: {held or 'go'}; differing: {', '.join(told.differing)}; {'; '.join(told.notes)}")
        if told.notes:
            self.counts["starts on files that are in no commit, said so"] += 1

    def _compare(self, seen: tuple[Assessment, ...], told: Recalled, where: str) -> None:
        self.counts["looks compared"] += 1
        self.counts["verdicts compared"] += sum(len(a.gates) for a in seen)
        if seen != told.assessments:
            again = {a.label: a for a in told.assessments}
            common = [(a, again[a.label]) for a in seen if a.label in again]
            wrong = [(a.label, g, h) for a, b in common for g, h in zip(a.gates, b.gates, strict=False) if g != h]
            self.counts["looks that differ"] += 1
            self.faults.append(f"{where}: {wrong[:2] or 'other tasks'}")


#: What came of a life: its counts, and its faults in words.
_Led = tuple[Counter[str], list[str]]


def _led(options: Options, forgets: tuple[str, str] | None, number: int, wanted: int) -> _Led:
    proof = Proof(options, forgets)
    proof.lead(number, wanted)
    return proof.counts, proof.faults


def _say(line: str) -> None:
    sys.stderr.write(f"{line}\n")
    sys.stderr.flush()


def _led_apart(seed: int, folder: Path, forgets: tuple[str, str] | None, number: int, wanted: int) -> _Led:
    """Lead a life in a process of its own."""
    return _led(Options(folder=folder, seed=seed, say=_say), forgets, number, wanted)


def _lives(options: Options, forgets: tuple[str, str] | None, wanted: int) -> Iterator[_Led]:
    """Lead so many lives at once that they have enough transitions together; a single one is led here."""
    if wanted <= LIFE:
        yield _led(options, forgets, 0, wanted)
        return
    number = -(-wanted // LIFE)
    with ProcessPoolExecutor(number, mp_context=get_context("spawn")) as pool:
        parts = range(number)
        led = [pool.submit(_led_apart, options.seed, options.folder, forgets, n, min(LIFE, wanted - n * LIFE)) for n in parts]
        for done in as_completed(led):
            yield done.result()


def run(options: Options, *, forgets: tuple[str, str] | None = None) -> Figures:
    """Lead lives until there are enough transitions; `forgets` (event, trailer) is what a broken recorder leaves out."""
    wanted = FULL if options.full else SAMPLE if forgets is None else SAMPLE // 2
    figures, counts = Figures(proof="memory"), Counter[str]()
    for found, faults in _lives(options, forgets, wanted):
        counts += found
        figures.faults += faults
    figures.count("transitions in the history", counts["transitions"], least=wanted)
    figures.count("lives", counts["lives"])
    figures.count("ledgers compared with the history", counts["ledgers compared"], least=wanted // 12)
    figures.count("of them damaged and made again", counts["ledgers damaged and made again"], least=wanted // 60)
    figures.count("ledgers that differ from the one they replace", counts["ledgers that differ"], most=0)
    figures.count("starts asked why", counts["starts"], least=wanted // 15)
    figures.count("starts with another verdict than recorded", counts["starts with another verdict"], most=0)
    figures.count("of them decided on files that are in no commit, and said so", counts["starts on files that are in no commit, said so"])
    figures.count("looks right before a start, compared gate by gate", counts["looks compared"], least=1)
    figures.count("looks whose next start was decided earlier and waited for Git, not compared", counts["looks with an earlier start"])
    figures.count("verdicts of all tasks in them", counts["verdicts compared"])
    figures.count("looks that differ", counts["looks that differ"], most=0)
    figures.count("builds in archives", counts["archived builds"])
    figures.count("acts refused with a message", counts["refused with a message"])
    kinds = sum(1 for name in counts if name.startswith("step: "))
    figures.count("kinds of acts in the lives", kinds, least=20 if options.full else 5)
    return figures
