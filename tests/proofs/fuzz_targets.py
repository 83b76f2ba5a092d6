"""The parsers that are fuzzed, each with what it promises, what the fuzzing begins with and the words that it knows."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from tests.hostile.corpus import front_matters
from tests.proofs import fuzz_checks as checks
from tests.proofs import fuzz_seeds as seeds
from tests.proofs.fuzz_edits import check_edit
from tests.proofs.fuzz_seeds import DATA


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """One parser under fuzzing."""

    name: str
    #: Takes the input; whatever it raises is a crash.
    check: Callable[[bytes], None]
    seeds: Callable[[], Iterable[bytes]]
    #: Words that the parser knows, for the mutations.
    words: tuple[bytes, ...] = ()
    #: Longest input in bytes.
    longest: int = 4096

    @property
    def slug(self) -> str:
        """The name of its folder in tests/data/fuzz, where every input that once crashed it is kept."""
        return self.name.replace(" ", "-")

    def kept(self) -> list[Path]:
        """Return the files with inputs that once crashed it."""
        return sorted((DATA / "fuzz" / self.slug).glob("*"))


TARGETS: dict[str, Target] = {
    target.name: target
    for target in (
        Target(name="queue reader", check=checks.check_queue, seeds=lambda: [*seeds.files("corpus/*.md"), *seeds.files("queue/*.txt", 30)], words=seeds.QUEUE_WORDS),
        Target(name="queue edits", check=check_edit, seeds=lambda: [bytes([n % 13, n % 5, n]) + text for n, text in enumerate(seeds.files("corpus/*.md"))], words=seeds.QUEUE_WORDS),
        Target(name="front matter", check=checks.check_front_matter, seeds=lambda: list(front_matters().values()), words=seeds.MATTER_WORDS, longest=1024),
        Target(name="configuration", check=checks.check_config, seeds=lambda: [b"---\ntimezone: UTC\nretries: 2\nretry_delay: 5 min\n---\n# Heartbeat\n\n## Check (daily)\n- `true`\n"], words=seeds.MATTER_WORDS),
        Target(name="policy tables", check=checks.check_policy, seeds=lambda: [seeds.packaged()[:3500], seeds.packaged()[-3500:]], words=(b"|", b"\\|", b"|---|", b"## Categories\n", b"### Risk\n", b"auto", b"ask", b"own", b"*")),
        Target(name="judgements", check=checks.check_judgements, seeds=seeds.tasks, words=(b"delete ", b"deploy ", b"e-mail ", b"???", b"TBD", b"`rm -rf /`", b"not ", b". ", b"\n", b"or ")),
        Target(name="duties", check=checks.check_duties, seeds=lambda: [b"## Check (every 2 h)\n- `make test`\n", b'{"version":1,"last":{"a":"2026-02-06T12:00:00+00:00"}}'], words=seeds.MATTER_WORDS + seeds.JSON_WORDS),
        Target(name="ledger", check=checks.check_ledger, seeds=seeds.ledgers, words=seeds.JSON_WORDS),
        Target(name="history", check=checks.check_history, seeds=seeds.messages, words=(b"Record: {", b"Approval: ", b"Pause: null", b"Inputs: {}", b"Event: start\n", b"\n\n", *seeds.JSON_WORDS)),
        Target(name="progress log", check=checks.check_progress, seeds=lambda: [*list(front_matters().values())[:10], b"---\nstatus: working\npercent: 5\n---\n## Log\n- a\n## Questions\n- b? - Default: c\n"], words=seeds.MATTER_WORDS + seeds.QUEUE_WORDS),
        Target(name="agents.toml", check=checks.check_agents, seeds=seeds.shipped, words=(b"[[", b"]]", b"= '''", b'"""', b"argv = [", b"based_on = ", b"prompt = ", b"= inf", b"= 1979-05-27", b"\\U0010FFFF")),
        Target(name="agent streams", check=checks.check_stream, seeds=seeds.streams, words=(*seeds.JSON_WORDS, b"\n", b"429", b"rate limit", b"resets at 3pm", b'"type":"result"')),
        Target(name="run records", check=checks.check_records, seeds=seeds.records, words=seeds.JSON_WORDS),
        Target(name="state files", check=checks.check_state, seeds=seeds.states, words=seeds.JSON_WORDS),
        Target(name="importers", check=checks.check_import, seeds=lambda: [bytes([n % 5]) + text for n, text in enumerate(seeds.files("corpus/*.md", 30))] + [b"\x01" + b'[{"title":"a","body":"- [ ] b","labels":[{"name":"bug"}],"number":1}]'], words=(*seeds.QUEUE_WORDS, b"| a | b |\n|---|---|\n")),
        Target(name="merges", check=checks.check_merge, seeds=seeds.threes, words=(seeds.PARTED, *seeds.QUEUE_WORDS), longest=3000),
        Target(name="times", check=checks.check_times, seeds=lambda: [b"2026-02-06 15:00", b"4-6 hours", b"22:00-07:00 Mon-Fri", b"1h30m", b"resets in 5 minutes", b"try again at 3:15 pm (Europe/Berlin)"], words=(b"hours", b"days", b"+02:00", b"T", b"Z", b"am", b"pm", b"9999", b"\xc2\xbd", b"-"), longest=256),
    )
}  # fmt: skip
