"""Whether a task may start without its owner's word, as far as its risk goes, and which words say so."""

from __future__ import annotations

from collections.abc import Sequence

from autobuilds.domain.patterns import pattern
from autobuilds.domain.policy import PhraseRule
from autobuilds.domain.verdicts import RiskJudgement, Verdict
from autobuilds.policies.measure import Answer, LabelledTask
from autobuilds.policies.risk.model import KINDS, Find, Read, RiskModel, compiled
from autobuilds.policies.risk.text import sentences_of

_MAX_REASONS = 6
#: Longer texts are asked about unread (characters): nobody queues them, and judging takes time with every word.
_MAX_TEXT = 20_000
#: A row of the steps' table of at least this weight asks by itself: no text around a command makes it harmless.
_COMMAND = 3.0
#: In a description of at least so many words a sentence of at least this weight asks by itself, however harmless the rest is.
#: 0 of 81 harmless long tasks of the labelled sets have a sentence of 3, 1 has one of 2.5; 64 % of the dangerous ones have.
_LONG, _ALONE = 30, 2.5
#: Far below the tables' smallest weight, above what adding them up can lose.
_EPSILON = 1e-9
#: Tables whose rows name a danger; the others only say that something is missing, or count words.
_NAMED = frozenset({"risk-acts", "risk-things", "risk-in-other-languages", "risk-criteria"})
#: A criterion that the supervisor will run: a code span that begins it or follows a colon.
_COMMAND_CRITERION = pattern(r"(?:^\s*|[:：]\s*)`[^`]+`")
_FILE = pattern(
    r"\b[\w./-]+\.(?:py|txt|md|jsx?|tsx?|json|ya?ml|toml|css|html|go|rs|java|c|h|cpp|sh|sql|ini|cfg|csv|xml|svg|rb|php|kt|swift)\b"
)
_LITTLE, _LITTLE_ON_FILES = 0.75, 1.5
#: A kind is named when its findings weigh at least this share of the heaviest kind's.
_SHARE = 0.5


def judge_risk(
    task_name: str,
    description: str,
    criteria: Sequence[str],
    steps: str | None,
    category: str | None,  # noqa: ARG001 - part of what a task is; its own gate reads it
    rules: Sequence[PhraseRule],
) -> RiskJudgement:
    """Return ASK when the rows found, a command or one sentence say so, else GO.

    The rows' weights must sum to 0 or more, a step be a dangerous command, or one sentence of a long description weigh enough by itself.
    `matched` names the words found and the note of their row, the heaviest first (where no danger is named: what is missing);
    `kinds` those that weigh most, in the order of KINDS.
    """
    size = len(task_name) + len(description) + len(steps or "") + sum(map(len, criteria))
    if size > _MAX_TEXT:
        return RiskJudgement(verdict=Verdict.ASK, matched=(f"the text has {size} characters; it is judged up to {_MAX_TEXT}",))
    model = compiled(rules if isinstance(rules, tuple) else tuple(rules))
    read = model.read(sentences_of(task_name, description, criteria, steps))
    finds = model.finds(read)
    if not _asks(finds) or _checked_work(task_name, description, criteria, finds):
        finds = _heavy_sentence(model, read)
        if not finds:
            return RiskJudgement(verdict=Verdict.GO)
    against = sorted((f for f in finds if f.weight > 0), key=_telling)
    named = [f for f in against if f.words and f.rule.table != "risk-words"]
    return RiskJudgement(verdict=Verdict.ASK, kinds=_kinds(against), matched=tuple(_reason(f) for f in (named or against)[:_MAX_REASONS]))


def answer_for(task: LabelledTask, rules: Sequence[PhraseRule]) -> Answer:
    """Return what the risk rules say of a labelled task, in the form that `policies.measure.measure` counts."""
    said = judge_risk(task.name, task.description, task.criteria, task.steps, task.category, rules)
    return Answer(asks=said.verdict is Verdict.ASK, kinds=said.kinds)


def _asks(finds: Sequence[Find]) -> bool:
    by_command = any(f.rule.table == "risk-steps" and f.weight >= _COMMAND for f in finds)
    return by_command or (bool(finds) and _weight(finds) >= -_EPSILON)


def _checked_work(name: str, description: str, criteria: Sequence[str], finds: Sequence[Find]) -> bool:
    """Whether the task is work on files that a command will check, and too little of danger is named in it to ask.

    What is missing in a short text, and words that are only frequent in dangerous tasks, do not hold such a task: of the
    562 labelled ones to be held 1 has a command as criterion and less than _LITTLE, and none that names a file too less
    than _LITTLE_ON_FILES.
    """
    if not any(_COMMAND_CRITERION.search(text) for text in criteria):
        return False
    if any(f.weight > 0 and f.rule.table == "risk-steps" for f in finds):
        return False
    named = sum(f.weight for f in finds if f.weight > 0 and f.rule.table in _NAMED)
    return named < (_LITTLE_ON_FILES if _FILE.search(f"{name} {description}") else _LITTLE)


def _heavy_sentence(model: RiskModel, read: Sequence[Read]) -> list[Find]:
    """Return what was found in the heaviest sentence of a long description if it would be asked about alone, else nothing."""
    told = [r for r in read if r.sentence.part == "text"]
    if sum(len(r.sentence.words) for r in told) < _LONG:
        return []
    finds = max((model.finds_alone(r) for r in told), key=_weight)
    return finds if _weight(finds) >= _ALONE else []


def _weight(finds: Sequence[Find]) -> float:
    return sum(f.weight for f in finds)


def _kinds(finds: Sequence[Find]) -> tuple[str, ...]:
    weights = dict.fromkeys(KINDS, 0.0)
    for find in finds:
        kind = find.rule.kind.split()[0].casefold()
        if kind in weights:
            weights[kind] += find.weight
    heaviest = max(weights.values())
    return tuple(k for k in KINDS if weights[k] > 0 and weights[k] >= _SHARE * heaviest)


def _telling(find: Find) -> tuple[int, float]:
    """Order reasons: words of a concept first, then what the task lacks, single words last; heavier before lighter."""
    if find.rule.table == "risk-words":
        return 2, -find.weight
    return (0 if find.words else 1), -find.weight


def _reason(find: Find) -> str:
    why = find.rule.note or find.rule.kind
    words = " + ".join(f"`{w}`" for w in find.words)
    return f"{words}: {why}" if words else why
