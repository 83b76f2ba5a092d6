"""Recalling a decision: the same gates on the files as they stood in a commit, and on the world as the start's commit recorded it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, time, timedelta, tzinfo

from autobuilds import __version__
from autobuilds.domain import gates
from autobuilds.domain.lifecycle import Event
from autobuilds.domain.moment import Moment, Snapshot
from autobuilds.domain.spelling import did_you_mean, quoted
from autobuilds.domain.times import parse_when
from autobuilds.domain.verdicts import Assessment
from autobuilds.errors import BadInput, NotSo
from autobuilds.planning import assess_all, situate
from autobuilds.ports import Commit, Repo
from autobuilds.records import dataclass, field, replace
from autobuilds.runtime.became import Became, became, with_build
from autobuilds.runtime.context import Context
from autobuilds.runtime.past import Past
from autobuilds.store import history, inputs
from autobuilds.store.inputs import Inputs
from autobuilds.store.ledger import NotALedger

#: Commits among which the files of a decision, and the last start before a commit, are looked for.
_LOOK_BACK = 200
#: Gates that look at what only a start records.
_OBSERVED = ("agent", "resources")


@dataclass(frozen=True, slots=True, kw_only=True)
class Recalled:
    """What the gates said at a commit, and how sure that is."""

    commit: str
    #: The commit that holds the files which the gates were asked on: `commit`, or for a start one before it.
    files: str
    now: datetime
    snapshot: Snapshot
    assessments: tuple[Assessment, ...]
    #: The label that was started in this commit; None for any other commit.
    started: str | None = None
    #: What each gate said of it then, as recorded, and the gates that do not say so when they are asked again.
    recorded: dict[str, str] = field(default_factory=dict)
    differing: tuple[str, ...] = ()
    #: Gates that can't be asked, since what they look at was not recorded.
    unknown: tuple[str, ...] = ()
    #: What was not recorded, or is taken from elsewhere, in words.
    notes: tuple[str, ...] = ()

    def of(self, label: str) -> Assessment | None:
        """Return the verdicts on one task, or None for one that did not wait."""
        return next((a for a in self.assessments if a.label == label), None)


def recall(context: Context, at: str) -> Recalled:
    """Return the verdicts of a commit, a branch, a tag or a time.

    For the commit of a start they are those of the decision to start; `left_by` tells of the other tasks what that commit left. For
    another commit, and for a time (the last commit of the minute or day that it names, or before; of a time to come: now), they are
    made of the files as committed, with agents, sandbox and resources as the last start before recorded them.
    Raises BadInput where there is no such commit, or no queue in it; FatalQueue and CorruptLedger where its files can't be read.
    """
    repo = context.repo
    zone = context.workspace.zone(context.workspace.config().settings)
    tip, asked = _find(repo, at, zone, context.now(zone))
    trail = repo.mainline(tip, limit=_LOOK_BACK)[::-1]
    past = Past(context=context, repo=repo)
    own = _start_of(trail[0]) if asked is None else None
    return _standing(past, trail, asked) if own is None else _decision(past, trail, own)


def left_by(context: Context, recalled: Recalled) -> Recalled:
    """Return the verdicts on the files that the commit of a start left, as for any other commit: the answer for all tasks but its own."""
    repo = context.repo
    trail = repo.mainline(recalled.commit, limit=_LOOK_BACK)[::-1]
    return replace(_standing(Past(context=context, repo=repo), trail, None), started=recalled.started)


def outcome(context: Context, recalled: Recalled, label: str) -> Became:
    """Return what had become of a task that did not wait at that commit.

    Raises NotSo, with the nearest label of that commit's queue, for one that was not there.
    """
    past = Past(context=context, repo=context.repo)
    snapshot = recalled.snapshot
    if snapshot.ledger.find(label) is None:
        (commit,) = past.repo.mainline(recalled.commit, limit=1)
        old = past.archived(commit, label)
        snapshot = with_build(snapshot, old) if old is not None else snapshot
    over = became(snapshot, label)
    if over is None:
        guess = did_you_mean(label, [t.label for t in recalled.snapshot.queue.tasks])
        raise NotSo(
            f'no task "{label}" was in the queue at {recalled.commit[:12]}{guess}; autobuilds why --at {recalled.commit[:12]} lists them'
        )
    return over


def _find(repo: Repo, at: str, zone: tzinfo, now: datetime) -> tuple[str, datetime | None]:
    found = repo.resolve(at)
    if found is not None:
        return found, None
    when = parse_when(at, zone)
    if when is None:
        raise BadInput(f"--at {quoted(at)}: no commit, branch or tag of that name in {repo.root}, and no time (YYYY-MM-DD HH:MM)")
    last = _last_second(at.strip(), when, zone)
    when = min(last, now, key=datetime.timestamp)
    before = repo.before(when)
    if before is None:
        raise BadInput(f"--at {quoted(at)}: there is no commit of that time or before it; `git log --reverse` shows the first")
    return before, when


def _last_second(text: str, first: datetime, zone: tzinfo) -> datetime:
    """Return the last second of the day, the minute or the second that a time names, whose first one is given."""
    if len(text) > len("YYYY-MM-DD"):
        exact = text[len("YYYY-MM-DD HH:MM") :].startswith(":")
        return first if exact else (first.astimezone(UTC) + timedelta(seconds=59)).astimezone(zone)
    try:
        midnight = datetime.combine(first.date() + timedelta(days=1), time(), tzinfo=zone)
    except OverflowError:
        return first
    return (midnight.astimezone(UTC) - timedelta(seconds=1)).astimezone(zone)


def _start_of(commit: Commit) -> Inputs | None:
    """Return the inputs of a start from its commit; None for another commit, or one whose inputs are missing or can't be read."""
    if commit.trailers.get("Event") != Event.START:
        return None
    try:
        plain = history.inputs(commit.trailers)
        return inputs.decode(plain) if plain is not None else None
    except NotALedger:
        return None


def _decision(past: Past, trail: Sequence[Commit], known: Inputs) -> Recalled:
    """Return the decision that a start's commit records."""
    label = trail[0].trailers.get("Build", "")
    then = past.before(trail, known)
    moment = replace(known.moment, now=known.moment.now.astimezone(then.zone))
    assessments, _ = assess_all(then.snapshot, moment)
    if known.at_once:
        assessments = tuple(_at_once(then.snapshot, moment, label, known) or a if a.label == label else a for a in assessments)
    again = next((a for a in assessments if a.label == label), None)
    said = {g.gate: g.reason for g in again.gates} if again else {}
    differing = tuple(gate for gate, reason in known.gates.items() if said.get(gate) != reason)
    notes = then.notes
    if known.missing:
        notes += (f"not recorded by the autobuilds of then, and taken as they were not: {', '.join(known.missing)}",)
    elif differing and known.version != __version__:
        notes += (f"it was decided by autobuilds {known.version}; the gates of {__version__} may say it otherwise",)
    return Recalled(
        commit=trail[0].sha,
        files=then.commit,
        now=moment.now,
        snapshot=then.snapshot,
        assessments=assessments,
        started=label,
        recorded=dict(known.gates),
        differing=differing,
        notes=notes,
    )


def _at_once(snapshot: Snapshot, moment: Moment, label: str, known: Inputs) -> Assessment | None:
    """Return what the gates said of a task that was started by the owner's word."""
    task = snapshot.queue.find(label)
    if task is None:
        return None
    return gates.assess(situate(replace(task, agent=known.agent or task.agent), snapshot, moment, at_once=True))


def _standing(past: Past, trail: Sequence[Commit], asked: datetime | None) -> Recalled:
    """Return what the gates say of the files of a commit that is no start, at its time or at the one that was asked for."""
    known, source = next(((found, c) for c in trail if (found := _start_of(c)) is not None), (None, trail[0]))
    then = past.at(trail[0], known)
    approvals = frozenset(a.label for a in then.snapshot.ledger.approvals)
    moment = Moment(now=(asked or trail[0].when).astimezone(then.zone), proven=approvals)
    notes: tuple[str, ...] = ("edits that were not committed, and a file STOP, are not known",)
    if known is None:
        notes += ("no start before it recorded agents, sandbox and resources, so the gates on them can't be asked",)
    else:
        seen = known.moment
        moment = replace(moment, agents=seen.agents, agents_fault=seen.agents_fault, tiers=seen.tiers, resources=seen.resources)
        notes += (f"agents, sandbox and resources are those that the start of {source.trailers.get('Build')} recorded ({source.sha[:12]})",)
    if approvals or any(t.approved for t in then.snapshot.queue.active):
        notes += ("which approvals were proven is recorded with starts alone: those of the ledger count here, others do not",)
    assessments, _ = assess_all(then.snapshot, moment)
    unknown = _OBSERVED if known is None else ()
    return Recalled(
        commit=trail[0].sha,
        files=trail[0].sha,
        now=moment.now,
        snapshot=then.snapshot,
        assessments=tuple(replace(a, gates=tuple(g for g in a.gates if g.gate not in unknown)) for a in assessments),
        unknown=unknown,
        notes=(*then.notes, *notes),
    )
