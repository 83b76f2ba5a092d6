"""A long random life of a workspace through the real product: real Git and files, an injected clock, attempts that end as the dice say."""

from __future__ import annotations

import os
import random
import subprocess
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from autobuilds.adapters.git import GitRepo
from autobuilds.adapters.proofs import KeyedProofs
from autobuilds.domain.build import Build, Check, Evidence, Outcome, Usage
from autobuilds.domain.moment import AgentStatus, Ending, Resources
from autobuilds.domain.sandbox import Tier, TierProbe
from autobuilds.errors import AutobuildsError
from autobuilds.runtime import deliver, owner
from autobuilds.runtime.answering import answer
from autobuilds.runtime.context import Context
from autobuilds.runtime.heartbeat import Beat, beat
from autobuilds.runtime.spawn import spawn
from autobuilds.wiring import make_context
from tests.fakes.runner import FakeRunner

ZONE = ZoneInfo("America/Chicago")
CONFIG = (
    "---\ntimezone: America/Chicago\nmax_concurrent: {slots}\noff_hours: {hours}\nretries: {retries}\nretry_delay: 5m\n"
    "attempts_per_day: {day}\nreview_limit: {reviews}\n---\n# Heartbeat\n"
)
PRIORITIES = (*["High"] * 6, "Medium", "Medium", "Low")
CATEGORIES = (*["Bug fixes"] * 5, "Documentation", "New features", "Config changes")
DESCRIPTIONS = (
    *["`{file}` of the project holds the single line `hello`, as app.py reads it."] * 4,
    "`{file}` of the project holds the single line `good day`, as app.py reads it.",
    "Delete all user accounts in production and email the customers.",
)
OUTCOMES = (*[Outcome.PASSED] * 5, Outcome.CHECKS_FAILED, Outcome.CHECKS_FAILED, Outcome.LOST, Outcome.OUT_OF_BOUNDS, Outcome.AGENT_FAILED)
BLOCKED = "---\nlabel: {label}\nattempt: {number}\nstatus: blocked\nquestions:\n  - question: Which market?\n    default: US\n---\n# Log\n"
POLICY = (
    "# Decisions\n\n## Categories\n\n| Category | High | Medium | Low | Deliver |\n|---|---|---|---|---|\n"
    "| Bug fixes | auto | auto | ask | {deliver} |\n| Documentation | auto | {answer} | ask | review |\n"
    "| New features | own | ask | ask | review |\n| No category | own | own | ask | review |\n"
)


@dataclass(slots=True, kw_only=True)
class Machine:
    """Implements `ports.Host` and `ports.Sandbox`: everything is as it was set."""

    at: datetime
    used: Resources = field(
        default_factory=lambda: Resources(disk_percent=20.0, memory_percent=30.0, load_per_core=0.2, memory_free_mib=9000)
    )
    found: tuple[AgentStatus, ...] = ()
    tiers: tuple[TierProbe, ...] = ()
    #: Called once, while a heartbeat observes, after so many other looks: what happens between reading and starting.
    meanwhile: Callable[[], object] | None = None
    looks: int = 0

    def now(self, zone: str | None) -> datetime:
        """Return the set time."""
        return self.at.astimezone(ZoneInfo(zone) if zone else UTC)

    def resources(self, path: Path) -> Resources:
        """Return the set use."""
        self.looks -= 1
        if self.meanwhile is not None and self.looks < 0:
            happens, self.meanwhile = self.meanwhile, None
            happens()
        return self.used

    def agents(self, wanted: Sequence[str] | None = None) -> tuple[AgentStatus, ...]:
        """Return the set agents."""
        return self.found

    examine = agents

    def probe(self) -> tuple[TierProbe, ...]:
        """Return the set tiers."""
        return self.tiers

    tried = probe

    def forget(self) -> None:
        """Keep nothing, as before."""


COMMAND = AgentStatus(name="command", found=True)
CLAUDE = AgentStatus(name="claude", found=False, install="npm install -g @anthropic-ai/claude-code")
WORKS = tuple(TierProbe(tier=tier, works=True) for tier in Tier)
WEAK = (TierProbe(tier=Tier.BWRAP, works=False, why="not there", fix="apt install bubblewrap"), TierProbe(tier=Tier.NONE, works=True))


@dataclass(slots=True, kw_only=True)
class Life:
    """One workspace and what happens to it; `step` lets one random thing happen."""

    context: Context
    machine: Machine
    runner: FakeRunner
    dice: random.Random
    #: What was refused with a message, which is fine.
    refused: int = 0
    made: int = 0

    @property
    def root(self) -> Path:
        """The workspace's folder."""
        return self.context.workspace.root

    @property
    def queue(self) -> Path:
        """BUILD_QUEUE.md."""
        return self.root / "BUILD_QUEUE.md"

    def git(self, *args: str) -> str:
        """Run git as the owner."""
        env = {**os.environ, "GIT_CONFIG_GLOBAL": os.devnull, "GIT_COMMITTER_DATE": f"@{int(self.machine.at.timestamp())} +0000"}
        done = subprocess.run(["git", *args], cwd=self.root, env=env, check=True, capture_output=True, text=True, stdin=subprocess.DEVNULL)
        return done.stdout.rstrip("\n")

    def step(self) -> str:
        """Let one thing happen and return what; what is refused with a message counts in `refused`."""
        self.pass_time()
        name, happens = self.dice.choices(self._things, [weight for weight, *_ in self._things])[0][1:]
        try:
            happens()
        except AutobuildsError:
            self.refused += 1
        return name

    def pass_time(self) -> None:
        """Move the clock on: minutes mostly, a month now and then, and once in a while back by an hour."""
        chance = self.dice.random()
        jump = timedelta(days=self.dice.uniform(25, 45)) if chance < 0.015 else timedelta(minutes=self.dice.expovariate(1 / 100))
        self.machine.at += -timedelta(hours=1) if chance > 0.99 else jump
        self.runner.now = self.machine.at

    @property
    def _things(self) -> list[tuple[int, str, Callable[[], object]]]:
        context, any_label = self.context, self.any_label
        return [
            (34, "heartbeat", self.beat),
            (24, "endings", self.end_some),
            (12, "new task", self.add),
            (5, "accept", lambda: deliver.accept(context, any_label(), lambda _: None, unchecked=True)),
            (2, "reject", lambda: deliver.reject(context, any_label(), "not like this")),
            (1, "undo", lambda: deliver.undo(context, any_label())),
            (1, "complete", lambda: owner.complete(context, any_label())),
            (1, "fail", lambda: owner.fail(context, any_label(), "not like this")),
            (1, "cancel", lambda: owner.cancel(context, any_label())),
            (1, "stop", lambda: owner.stop(context, any_label())),
            (5, "retry", lambda: owner.retry(context, any_label())),
            (3, "reopen", lambda: owner.reopen(context, any_label())),
            (2, "answer", lambda: answer(context, any_label(), "DE")),
            (3, "approve", lambda: owner.approve(context, any_label(), "olive@example.org")),
            (1, "pause", lambda: owner.pause(context, self.machine.at + timedelta(hours=2), "enough")),
            (1, "resume", lambda: owner.resume(context)),
            (2, "spawn", lambda: spawn(context, any_label(), None, None)),
            (4, "hand edit", self.edit),
            (2, "settings", self.configure),
            (1, "policy", self.decide),
            (3, "machine", self.change_machine),
            (1, "git is busy", self.occupy_git),
            (1, "commit by hand", lambda: self.git("commit", "-qam", "mine", "--allow-empty")),
        ]

    def beat(self) -> Beat:
        """Run one heartbeat; in some of them the owner saves a file between reading and starting."""
        if self.dice.random() < 0.15:
            self.machine.meanwhile = self.dice.choice((self.edit, self.edit, self.edit_twice, self.configure, self.decide))
            self.machine.looks = self.dice.randrange(3)
        return beat(self.context)

    def any_label(self) -> str:
        """Return the label of a build or a task."""
        snapshot = self.context.load().snapshot
        known = sorted({*(t.label for t in snapshot.queue.tasks[-14:]), *(b.label for b in snapshot.ledger.builds[-14:])})
        return self.dice.choice(known) if known else "nothing"

    def add(self) -> None:
        """Write a new task into the queue, by the tool or by hand."""
        self.made += 1
        name, file = f"Say hello {self.made}", f"h{self.made}.txt"
        chosen = self.dice.choice
        low, steps = chosen(PRIORITIES), chosen((*["true"] * 6, None))
        details = f"\n### {name}\n- **Description:** {chosen(DESCRIPTIONS).format(file=file)}\n"
        details += (
            f"- **Completion Criteria:**\n  - [ ] The unit test passes: `grep -qx hello {file}`\n- **Category:** {chosen(CATEGORIES)}\n"
        )
        if steps is not None:
            details += "- **Steps:** `true`\n"
        if self.made > 3 and self.dice.random() < 0.15:
            details += f"- **Depends On:** Say hello {self.dice.randrange(1, self.made)}\n"
        if self.dice.random() < 0.15:
            details += f"- **Touches:** h{self.dice.randrange(3)}*\n"
        if self.dice.random() < 0.2:
            details += f"- **Estimated Time:** {chosen(('30 min', '4 hours', '9 hours'))}\n"
        added = f" - Added: {self.machine.now(ZONE.key):%Y-%m-%d %H:%M}" if self.dice.random() < 0.7 else ""
        text = self.queue.read_text()
        text = text.replace("\n## Task Details\n", f"- [ ] {name}{added} - Priority: {low}\n\n## Task Details\n{details}", 1)
        self.queue.write_text(text)

    def edit(self) -> None:
        """Change a random thing in the queue as in an editor."""
        lines = self.queue.read_text().split("\n")
        where = [n for n, line in enumerate(lines) if line.startswith(("- [ ] Say", "- [x] Say", "- **Desc", "- **Cat"))]
        if not where:
            return self.add()
        at = self.dice.choice(where)
        line = lines[at]
        if line.startswith("- **"):
            lines[at] = f"- **Approved:** yes\n{line}" if self.dice.random() < 0.25 else line + " Soon."
        elif self.dice.random() < 0.3:
            lines[at] = line.replace("- [ ]", "- [x]") if line.startswith("- [ ]") else line.replace("- [x]", "- [ ]")
        elif self.dice.random() < 0.2:
            del lines[at]
        else:
            lines[at] = line.replace("Priority: Medium", "Priority: High").replace("Priority: Low", "Priority: Medium")
        self.queue.write_text("\n".join(lines))
        return None

    def edit_twice(self) -> None:
        """Change a random thing in the queue, and another at the next look: what is read in between may be in no commit."""
        self.edit()
        self.machine.meanwhile, self.machine.looks = self.edit, 0

    @property
    def may_commit(self) -> bool:
        """Whether Git takes a commit of single files now."""
        return not (self.root / ".git" / "MERGE_HEAD").exists()

    def configure(self) -> None:
        """Change the settings by hand; half of the time it is committed."""
        chosen = self.dice.choice
        text = CONFIG.format(
            slots=chosen((1, 2, 2, 4)),
            hours=chosen(("22:00-06:00", "09:00-23:00")),
            retries=chosen((1, 2, 3)),
            day=chosen((3, 50, 50)),
            reviews=chosen((3, 40)),
        )
        (self.root / "HEARTBEAT.md").write_text(text)
        if self.dice.random() < 0.5 and self.may_commit:
            self.git("commit", "-qm", "settings", "--allow-empty", "HEARTBEAT.md")

    def decide(self) -> None:
        """Change the rules by hand; half of the time it is committed."""
        path = self.root / "DECISION_FRAMEWORK.md"
        path.write_text(POLICY.format(deliver=self.dice.choice(("review", "merge")), answer=self.dice.choice(("auto", "ask"))))
        if self.dice.random() < 0.5 and self.may_commit:
            self.git("add", path.name)
            self.git("commit", "-qm", "rules", "--allow-empty", path.name)

    def change_machine(self) -> None:
        """Fill the disk, take an agent or the sandbox away, put STOP there, or bring all of it back."""
        chance = self.dice.random()
        stop = self.root / "STOP"
        stop.unlink(missing_ok=True)
        machine, good = self.machine, Resources(disk_percent=20.0, memory_percent=30.0, load_per_core=0.2, memory_free_mib=9000)
        machine.used, machine.found, machine.tiers = good, (COMMAND, CLAUDE), WORKS
        if chance < 0.1:
            machine.used = replace(good, disk_percent=95.5)
        elif chance < 0.2:
            machine.found = (replace(COMMAND, found=False), replace(CLAUDE, found=True))
        elif chance < 0.3:
            stop.touch()
        elif chance < 0.6:
            machine.tiers = WEAK

    def occupy_git(self) -> None:
        """Let Git be in the middle of a merge for a few heartbeats, so that transitions wait to be committed."""
        mark = self.root / ".git" / "MERGE_HEAD"
        mark.write_text(self.git("rev-parse", "HEAD") + "\n")
        try:
            for _ in range(self.dice.randrange(1, 4)):
                with suppress(AutobuildsError):
                    self.beat()
                self.end_some()
                self.pass_time()
        finally:
            mark.unlink()

    def end_some(self) -> None:
        """End running attempts."""
        for build in self.context.workspace.ledger().active:
            if self.dice.random() < 0.8:
                self.end(build)

    def end(self, build: Build) -> None:
        """End the running attempt of a build; most leave a commit on its branch, some a question."""
        last = build.last
        assert last is not None
        outcome, head = self.dice.choice(OUTCOMES), last.base_commit
        if head is not None and self.dice.random() < 0.75:
            blob = self._made_of("hash-object", "-w", "--stdin", text=f"hello {last.id}\n")
            tree = self._made_of("mktree", text=self.git("ls-tree", head) + f"\n100644 blob {blob}\twork-{build.label}.txt\n")
            head = self.git("commit-tree", tree, "-p", head, "-m", f"work of {last.id}")
            self.git("update-ref", f"refs/heads/build/{build.label}", head)
        if outcome is Outcome.CHECKS_FAILED and self.dice.random() < 0.3:
            self.context.workspace.progress_file(build.label).write_text(BLOCKED.format(label=build.label, number=last.number))
        passed = outcome is Outcome.PASSED
        evidence = Evidence.CHECKED if passed else None
        usage = Usage(cpu_seconds=1.5, tokens_in=self.dice.randrange(5000), cost_usd=0.25)
        checks = (Check(text="The unit test passes", command="true", passed=passed),)
        reason = f"it was {outcome.value}"
        ending = Ending(
            outcome=outcome,
            reason=reason,
            ended=self.machine.at,
            head_commit=head,
            evidence=evidence,
            usage=usage,
            checks=checks,
            tail="é\n" * 3,
        )
        self.runner.end(last.id, ending)

    def _made_of(self, *args: str, text: str) -> str:
        done = subprocess.run(["git", *args], cwd=self.root, check=True, capture_output=True, text=True, input=text)
        return done.stdout.strip()


#: When lives begin.
BEGINNING = datetime(2026, 1, 9, 15, 30, 0, 123456, tzinfo=UTC)


def begin(folder: Path, seed: int, repo: type[GitRepo] = GitRepo, *, at: datetime = BEGINNING, **known: object) -> Life:
    """Make a committed workspace with a few tasks; `repo` is how it is kept in Git (a broken one forgets)."""
    root = folder / f"life-{seed}"
    root.mkdir(parents=True)
    machine = Machine(at=at, found=(COMMAND, CLAUDE), tiers=WORKS)
    life_of = make_context(root)
    runner = FakeRunner(now=machine.at)
    context = replace(
        life_of,
        host=machine,
        sandbox=machine,
        runner=runner,
        proofs=KeyedProofs(root=root, folder=folder / f"state-{seed}"),
        open_repo=lambda path: repo(path, clock=lambda: machine.at, **known),  # type: ignore[arg-type]
        heartbeat_argv=(),
    )
    life = Life(context=context, machine=machine, runner=runner, dice=random.Random(seed))
    life.git("init", "-q", "-b", "main")
    life.git("config", "user.name", "Olive Owner")
    life.git("config", "user.email", "olive@example.org")
    (root / ".git" / "info" / "exclude").write_text("STOP\n")
    life.queue.write_text("# Build Queue\n\n## Active Queue\n\n## Task Details\n\n## Completed\n")
    (root / "HEARTBEAT.md").write_text(CONFIG.format(slots=2, hours="22:00-06:00", retries=2, day=50, reviews=40))
    (root / "app.py").write_text("print(open('a.txt').read())\n")
    (root / ".gitignore").write_text(".autobuilds/\n")
    for _ in range(4):
        life.add()
    life.git("add", "-A")
    life.git("commit", "-qm", "workspace")
    return life
