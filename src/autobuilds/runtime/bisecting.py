"""Bisecting: which build broke a check, found by running it at the merges of builds, in scratch clones that are removed again."""

from __future__ import annotations

import secrets
import shutil
from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path

from autobuilds.domain.build import Ledger
from autobuilds.domain.gates.machine import COMMAND
from autobuilds.domain.model import Criterion
from autobuilds.domain.sandbox import Confinement
from autobuilds.errors import BadInput, NotSo
from autobuilds.ports import Commit, Limits, Repo
from autobuilds.records import dataclass, field
from autobuilds.runtime.confining import confinement
from autobuilds.runtime.context import Context
from autobuilds.runtime.merging import Tell
from autobuilds.runtime.view_values import count

#: Scratch folders older than this many seconds were left by a killed process.
_LEFT_OVER = 86_400.0
_PREFIX = "bisect-"


class Finding(StrEnum):
    """What a search ends with."""

    #: A build's merge is the first commit at which the check fails.
    BUILD = "build"
    #: A commit between builds is: the owner's own, or the undoing of a build.
    COMMIT = "commit"
    #: The check passes at the end.
    NOT_BROKEN = "not-broken"
    #: The check fails at the start already.
    ALREADY_BROKEN = "already-broken"
    #: The same commit passes once and fails once.
    FLAKY = "flaky"


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One run of the check; `label` is the build whose merge the commit is."""

    commit: str
    label: str | None
    passed: bool
    seconds: float
    exit_code: int | None = None
    tail: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What was found between the commits `good` and `bad`; `culprit` is the first at which the check fails, `before` the one below it."""

    finding: Finding
    good: str
    bad: str
    commands: tuple[str, ...]
    runs: tuple[Run, ...]
    culprit: Commit | None = None
    label: str | None = None
    before: str | None = None
    #: The failing output.
    tail: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Search:
    """What is searched: criteria with commands, from `good` (None: before the first build) to `bad`, in a repository."""

    criteria: tuple[Criterion, ...]
    good: str | None = None
    bad: str = "HEAD"
    repository: Path | None = None


def bisect(context: Context, search: Search, tell: Tell) -> Answer:
    """Find the build that broke a check; raises NotSo where no build was merged, BadInput for commits that can't be searched.

    Nothing is left behind: no file, no branch, no reference. `tell` gets a line for every run.
    """
    repo = context.open_repo(search.repository or context.workspace.root)
    span, good = _span(repo, search)
    labels = _labels(context.workspace.ledger(), span)
    place = context.workspace.private / f"{_PREFIX}{secrets.token_hex(6)}"
    _remove_left_over(context)
    settings = context.workspace.config().settings
    invocation = context.agents.invocation(COMMAND, run_folder=place, steps=":", passed=settings.environment)
    hidden = (context.workspace.root, repo.root)
    contained = confinement(settings, context.sandbox.probe(), invocation, hidden=hidden, writable=(place,))
    bench = _Bench(
        context=context,
        repo=repo,
        criteria=search.criteria,
        limits=Limits(check_timeout=settings.check_timeout),
        environment=invocation.environment,
        contained=contained,
        folder=place,
        labels=labels,
        tell=tell,
    )
    place.mkdir(parents=True)
    try:
        return _Hunt(bench=bench, span=span, good=good, labels=labels).answer()
    finally:
        shutil.rmtree(place, ignore_errors=True)


def _remove_left_over(context: Context) -> None:
    now = context.host.now(None).timestamp()
    for folder in context.workspace.private.glob(f"{_PREFIX}*"):
        if folder.is_dir() and not folder.is_symlink() and now - folder.stat().st_mtime > _LEFT_OVER:
            shutil.rmtree(folder, ignore_errors=True)


def _span(repo: Repo, search: Search) -> tuple[tuple[Commit, ...], str]:
    """Return the commits to search, oldest first, and the good commit before them."""
    bad = repo.resolve(search.bad)
    if bad is None:
        raise BadInput(f"there is no commit {search.bad} in {repo.root}")
    if search.good is not None:
        good = repo.resolve(search.good)
        if good is None:
            raise BadInput(f"there is no commit {search.good} in {repo.root}")
        span = repo.mainline(bad, since=good)
        if not span or not span[0].parents or span[0].parents[0] != good:
            raise BadInput(f"{search.good} is not among the first parents of {search.bad}; name a commit of that branch itself")
        return span, good
    every = repo.mainline(bad)
    first = next((n for n, c in enumerate(every) if _merged_build(c) is not None and c.parents), None)
    if first is None:
        raise NotSo(
            "no build was merged into this branch, so none can have broken anything; name a good commit with --good to search all the same"
        )
    return every[first:], every[first].parents[0]


def _merged_build(commit: Commit) -> str | None:
    """Return the label of the build whose merge by the tool this is."""
    is_merge = commit.subject.startswith("Merge build ") and "Build" in commit.trailers and "Event" not in commit.trailers
    return commit.trailers["Build"].split("\n")[0] if is_merge else None


def _labels(ledger: Ledger, span: Sequence[Commit]) -> dict[str, str]:
    """Return the builds by the commits that brought them: by the tool's own merges, by what the ledger knows of others."""
    heads = {a.head_commit: b.label for b in ledger.builds for a in b.attempts if a.head_commit}
    delivered = {b.delivered_commit: b.label for b in ledger.builds if b.delivered_commit}
    found: dict[str, str] = {}
    for commit in span:
        above = next((heads[p] for p in commit.parents[1:] if p in heads), None)
        label = _merged_build(commit) or delivered.get(commit.sha) or above
        if label is not None:
            found[commit.sha] = label
    return found


@dataclass(slots=True, kw_only=True)
class _Bench:
    """Runs the check at commits, each in a clone of its own, and remembers how it went."""

    context: Context
    repo: Repo
    criteria: tuple[Criterion, ...]
    limits: Limits
    environment: dict[str, str]
    contained: Confinement
    folder: Path
    labels: dict[str, str]
    tell: Tell
    runs: list[Run] = field(default_factory=list)

    def passes(self, commit: str, *, again: bool = False) -> bool:
        """Whether the check passes at a commit; `again` asks anew."""
        known = next((r for r in self.runs if r.commit == commit), None)
        if known is not None and not again:
            return known.passed
        tree = self.folder / f"{len(self.runs) + 1}"
        self.repo.scratch(tree, commit)
        try:
            checks = self.context.checker.check(tree, self.criteria, self.limits, self.environment, self.contained)
        finally:
            shutil.rmtree(tree, ignore_errors=True)
        failed = next((c for c in checks if not c.passed), None)
        run = Run(
            commit=commit,
            label=self.labels.get(commit),
            passed=failed is None,
            seconds=round(sum(c.seconds or 0.0 for c in checks), 3),
            exit_code=failed.exit_code if failed else 0,
            tail=failed.tail if failed else "",
        )
        self.runs.append(run)
        where = f"{commit[:12]}{' (build ' + run.label + ')' if run.label else ''}"
        self.tell(
            f"run {len(self.runs)}{' (again)' if again else ''}: {where} {'passes' if run.passed else 'fails'} in {run.seconds:.1f} s"
        )
        return run.passed

    def tail(self, commit: str) -> str:
        """Return the output of the newest failing run at a commit."""
        return next((r.tail for r in reversed(self.runs) if r.commit == commit and not r.passed), "")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Hunt:
    """The search: first over the merges of builds, then, where none of them did it, over the commits in between."""

    bench: _Bench
    span: tuple[Commit, ...]
    good: str
    labels: dict[str, str]

    def answer(self) -> Answer:
        """Return what is found."""
        last = self.span[-1].sha
        builds = sum(c.sha in self.labels for c in self.span)
        self.bench.tell(f"{count(builds, 'build')} and {count(len(self.span) - builds, 'other commit')} since {self.good[:12]}")
        if self.bench.passes(last):
            return self._answer(Finding.NOT_BROKEN)
        if not self.bench.passes(self.good):
            return self._answer(Finding.ALREADY_BROKEN, tail=self.bench.tail(self.good))
        stops = [n for n, c in enumerate(self.span) if c.sha in self.labels]
        stops += [] if stops and stops[-1] == len(self.span) - 1 else [len(self.span) - 1]
        low, high = self._narrow(stops)
        if self.span[high].sha in self.labels and (high - 1 == low or self.bench.passes(self._at(high - 1))):
            return self._confirmed(high)
        top = high - 1 if self.span[high].sha in self.labels else high
        _, high = self._narrow(list(range(low + 1, top + 1)), low)
        return self._confirmed(high)

    def _narrow(self, stops: Sequence[int], low: int = -1) -> tuple[int, int]:
        """Return two neighbours among `stops` (and `low`, where the check passes): it passes at the first, fails at the second."""
        left, right = -1, len(stops) - 1
        while right - left > 1:
            middle = (left + right) // 2
            if self.bench.passes(self._at(stops[middle])):
                left = middle
            else:
                right = middle
        return (stops[left] if left >= 0 else low), stops[right]

    def _at(self, number: int) -> str:
        return self.good if number < 0 else self.span[number].sha

    def _confirmed(self, number: int) -> Answer:
        """Return the culprit after both sides were asked once more: a check that changes its mind finds nobody."""
        culprit, before = self.span[number], self._at(number - 1)
        label = self.labels.get(culprit.sha)
        steady = not self.bench.passes(culprit.sha, again=True) and self.bench.passes(before, again=True)
        finding = Finding.FLAKY if not steady else Finding.COMMIT if label is None else Finding.BUILD
        return self._answer(finding, culprit=culprit, label=label, before=before, tail=self.bench.tail(culprit.sha))

    def _answer(
        self, finding: Finding, *, culprit: Commit | None = None, label: str | None = None, before: str | None = None, tail: str = ""
    ) -> Answer:
        return Answer(
            finding=finding,
            good=self.good,
            bad=self.span[-1].sha,
            commands=tuple(command for c in self.bench.criteria for command in c.commands),
            runs=tuple(self.bench.runs),
            culprit=culprit,
            label=label,
            before=before,
            tail=tail,
        )
