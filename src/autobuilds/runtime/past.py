"""The files of the workspace as they stood in a commit, read through Git; nothing is checked out."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import datetime, tzinfo
from itertools import chain
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from autobuilds.domain.build import Build, Ledger
from autobuilds.domain.moment import Snapshot
from autobuilds.errors import AutobuildsError, BadInput, CorruptLedger, FatalQueue
from autobuilds.ports import Commit, Repo
from autobuilds.records import dataclass, replace
from autobuilds.runtime.context import Context
from autobuilds.store import history, inputs
from autobuilds.store.config import read_settings, zone_of
from autobuilds.store.ledger import NotALedger, decode, loads
from autobuilds.store.policy import open_policy
from autobuilds.store.queue.reader import read_queue
from autobuilds.store.render import packaged_templates
from autobuilds.store.workspace import CONFIG, LEDGER, POLICY, QUEUE

if TYPE_CHECKING:
    from autobuilds.store.inputs import Inputs

#: For how many years back archives are looked for.
_YEARS = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Then:
    """The files of one instant, where they come from, and in words what of them is not sure."""

    commit: str
    snapshot: Snapshot
    zone: tzinfo
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Past:
    """Reads the workspace's files from its repository."""

    context: Context
    repo: Repo

    def at(self, commit: Commit, known: Inputs | None = None) -> Then:
        """Return the files as a commit has them; `known` tells the machine's zone, where HEARTBEAT.md names none.

        Raises BadInput where it holds no queue, FatalQueue where that can't be trusted, CorruptLedger.
        """
        texts = {name: self.read(commit.sha, name) for name in (CONFIG, POLICY, QUEUE)}
        ledger = self._ledger(commit.sha)
        if ledger is None:
            raise CorruptLedger(f"{LEDGER} of {commit.sha[:12]} can't be read; ask for another commit (`git log -- {LEDGER}`)")
        return self._made(commit.sha, texts, ledger, known, ())

    def before(self, trail: Sequence[Commit], known: Inputs) -> Then:
        """Return the files that a start was decided on; `trail` is its commit and those before it, the newest first.

        They are those of the last commit whose queue and ledger have the recorded digests: right before the start, or before those
        that were decided on together with it. While Git was busy there was none: then the queue is made of a commit and what the start
        recorded to differ from it, and the ledger of the transitions. What can't be had is said.
        """
        earlier = trail[1:] or trail
        if known.missing:
            return self.at(earlier[0], known)
        texts: dict[str, bytes | None] = {}
        notes: tuple[str, ...] = ()
        found = next((c.sha for c in earlier if self._holds(c.sha, known)), None)
        ledger = self._ledger(found) if found is not None else None
        if found is not None:
            texts[QUEUE] = self.read(found, QUEUE)
        else:
            found, texts[QUEUE], sure = self._queue(trail, known)
            if not sure:
                notes = (f"{QUEUE} as it was read then is in no commit; here is the one of {found[:12]}",)
            ledger, sure = self._told(trail[0].sha, earlier, known.digests.get(LEDGER, ""))
            if not sure:
                notes += (f"{LEDGER} as it was read then is in no commit; here is what the transitions before it tell",)
        for name in (CONFIG, POLICY):
            texts[name], sure = self._own((found, *(c.sha for c in earlier)), name, known)
            if not sure:
                notes += (f"{name} as it was read then is in no commit; here is the one of {found[:12]}",)
        return self._made(found, texts, ledger or Ledger(), known, notes)

    def read(self, commit: str, name: str) -> bytes | None:
        """Return a file of the workspace at a commit, or None where it was not there."""
        return self.repo.read(commit, self.context.workspace.tracked(name) or name)

    def archived(self, commit: Commit, label: str) -> Build | None:
        """Return the newest build of a label in the archives of a commit."""
        found = [b for b in self._archive(commit.sha, range(commit.when.year - _YEARS, commit.when.year + 1)) if b.label == label]
        return max(found, key=lambda b: b.updated, default=None)

    def _archive(self, commit: str, years: range) -> Iterator[Build]:
        folder = LEDGER.rpartition("/")[0]
        for year in years:
            for line in (self.read(commit, f"{folder}/archive-{year}.jsonl") or b"").split(b"\n"):
                try:
                    found = decode(line, Build) if line.strip() else None
                except NotALedger:
                    continue
                if found is not None:
                    yield found

    def _holds(self, commit: str, known: Inputs) -> bool:
        if known.digests.get(QUEUE) != inputs.digest(self.read(commit, QUEUE)):
            return False
        ledger = self._ledger(commit)
        return ledger is not None and known.digests.get(LEDGER) == inputs.digest_of_ledger(ledger)

    def _ledger(self, commit: str) -> Ledger | None:
        """Return the ledger of a commit; None for one that can't be read."""
        data = self.read(commit, LEDGER)
        try:
            return Ledger() if data is None else loads(data, f"{commit[:12]}:{LEDGER}")
        except CorruptLedger:
            return None

    def _told(self, start: str, earlier: Sequence[Commit], wanted: str) -> tuple[Ledger, bool]:
        """Return the ledger of a decision as transitions tell it, for where Git could not commit it in time, and whether it is just that.

        What was decided together with the start comes before it in the history, but was no part of what it was decided on.
        """
        after = self._after({c.sha for c in earlier}, start)
        nearest: Ledger | None = None
        gone: set[tuple[str, datetime]] = set()
        for number, commit in enumerate(earlier):
            if not number or earlier[number - 1].trailers.get("Event") == "archived":
                gone = {(b.label, b.created) for b in self._archive(commit.sha, range(commit.when.year - _YEARS, commit.when.year + 1))}
            whole = after.get(commit.sha, Ledger())
            ledger = replace(whole, builds=tuple(b for b in whole.builds if (b.label, b.created) not in gone))
            if inputs.digest_of_ledger(ledger) == wanted:
                return ledger, True
            nearest = nearest or ledger
        return nearest or Ledger(), False

    def _after(self, wanted: Collection[str], start: str) -> dict[str, Ledger]:
        """Return the ledgers that the transitions up to some of the commits before a start lead to, archived builds among theirs."""
        found: dict[str, Ledger] = {}
        ledger = Ledger()
        for commit in self.repo.history():
            if commit.sha == start:
                break
            with suppress(NotALedger):
                ledger = history.apply(ledger, commit.trailers)
            if commit.sha in wanted:
                found[commit.sha] = ledger
        return found

    def _queue(self, trail: Sequence[Commit], known: Inputs) -> tuple[str, bytes | None, bool]:
        """Return a commit, the queue as it was read for a decision, made of that commit's, and whether it is just that.

        The start's own commit may hold it: the first commit that can be made after Git was busy takes the file as it stands.
        """
        earlier, wanted = trail[1:] or trail, known.digests.get(QUEUE)
        change = known.changes.get(QUEUE)
        for commit in (*earlier, trail[0]):
            text = self.read(commit.sha, QUEUE)
            for made in (text, inputs.changed(text, change) if change is not None else None):
                if made is not None and inputs.digest(made) == wanted:
                    return commit.sha, made, True
        return earlier[0].sha, self.read(earlier[0].sha, QUEUE), False

    def _own(self, commits: Sequence[str], name: str, known: Inputs) -> tuple[bytes | None, bool]:
        """Return a file of the owner's as it was read for a decision, and whether it is just that; the likeliest commit comes first."""
        wanted, change = known.digests.get(name, ""), known.changes.get(name)

        def made_of(commit: str) -> bytes | None:
            text = self.read(commit, name)
            return text if change is None else inputs.changed(text, change)

        likeliest = made_of(known.head or commits[0])
        path = self.context.workspace.path(name)
        known_here = (self.context.committed(name), path.read_bytes() if path.is_file() else None, None)
        for text in chain((likeliest,), map(made_of, commits), known_here):
            if inputs.digest(text) == wanted:
                return text, True
        return likeliest, False

    def _made(self, commit: str, texts: Mapping[str, bytes | None], ledger: Ledger, known: Inputs | None, notes: tuple[str, ...]) -> Then:
        config = read_settings(texts[CONFIG])
        zone = zone_of(config.settings) or self._zone(known)
        data = texts[QUEUE]
        if data is None:
            raise BadInput(f"{commit[:12]} holds no {QUEUE}; `git log -- {QUEUE}` shows the commits that do")
        queue = read_queue(data, zone=zone).queue
        if queue.fatal:
            raise FatalQueue(f"{QUEUE} of {commit[:12]} can't be read: " + "; ".join(map(str, queue.problems)))
        policy = open_policy(texts[POLICY], packaged_templates() / POLICY)
        problems = (*config.problems, *policy.problems)
        if known is not None and known.settings is not None and not notes and inputs.told_settings(config.settings) != dict(known.settings):
            notes = (f"the settings of then were not quite those of {CONFIG} in {commit[:12]}",)
        snapshot = Snapshot(queue=queue, ledger=ledger, settings=config.settings, policy=policy, problems=problems)
        return Then(commit=commit, snapshot=snapshot, zone=zone, notes=notes)

    def _zone(self, known: Inputs | None) -> tzinfo:
        if known is not None and known.zone:
            try:
                return ZoneInfo(known.zone)
            except (ValueError, OSError, KeyError):
                return known.moment.now.tzinfo or self._machine()
        return self._machine()

    def _machine(self) -> tzinfo:
        try:
            return self.context.workspace.zone(read_settings(None).settings)
        except AutobuildsError:
            return ZoneInfo("UTC")
