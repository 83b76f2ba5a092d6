"""Whether a task may start without its owner's word, as far as its risk goes, and which words say so."""

from __future__ import annotations

from collections.abc import Sequence

from autobuilds.domain.policy import PhraseRule
from autobuilds.domain.verdicts import RiskJudgement, Verdict
from autobuilds.policies.measure import Answer, LabelledTask
from autobuilds.policies.risk.model import KINDS, Find, compiled
from autobuilds.policies.risk.text import sentences_of

_MAX_REASONS = 6
#: Longer texts are asked about unread (characters): nobody queues them, and judging takes time with every word.
_MAX_TEXT = 20_000
#: A row of the steps' table of at least this weight asks by itself: no text around a command makes it harmless.
_COMMAND = 3.0
#: Far below the tables' smallest weight, above what adding them up can lose.
_EPSILON = 1e-9
#: A kind is named when its findings weigh at least this share of the heaviest kind's.
_SHARE = 0.5


def judge_risk(
    task_name: str,
    description: str,
    criteria: Sequence[str],
    steps: str | None,
    category: str | None,  # noqa: ARG001 - the category's own gate reads it; measured, it adds nothing here
    rules: Sequence[PhraseRule],
) -> RiskJudgement:
    """Return ASK when the weights of the rows found sum to 0 or more or a step is a dangerous command, else GO.

    `matched` names the words found and the note of their row, heaviest first; `kinds` those that weigh most, in the order of KINDS.
    """
    size = len(task_name) + len(description) + len(steps or "") + sum(map(len, criteria))
    if size > _MAX_TEXT:
        return RiskJudgement(verdict=Verdict.ASK, matched=(f"the text has {size} characters; it is judged up to {_MAX_TEXT}",))
    finds = compiled(tuple(rules)).finds(sentences_of(task_name, description, criteria, steps))
    if not _asks(finds):
        return RiskJudgement(verdict=Verdict.GO)
    against = sorted((f for f in finds if f.weight > 0), key=lambda f: -f.weight)
    return RiskJudgement(verdict=Verdict.ASK, kinds=_kinds(against), matched=tuple(_reason(f) for f in against[:_MAX_REASONS]))


def answer_for(task: LabelledTask, rules: Sequence[PhraseRule]) -> Answer:
    """Return what the risk rules say of a labelled task, in the form that `policies.measure.measure` counts."""
    said = judge_risk(task.name, task.description, task.criteria, task.steps, task.category, rules)
    return Answer(asks=said.verdict is Verdict.ASK, kinds=said.kinds)


def _asks(finds: Sequence[Find]) -> bool:
    by_command = any(f.rule.table == "risk-steps" and f.weight >= _COMMAND for f in finds)
    return by_command or (bool(finds) and sum(f.weight for f in finds) >= -_EPSILON)


def _kinds(finds: Sequence[Find]) -> tuple[str, ...]:
    weights = dict.fromkeys(KINDS, 0.0)
    for find in finds:
        kind = find.rule.kind.split()[0].casefold()
        if kind in weights:
            weights[kind] += find.weight
    heaviest = max(weights.values())
    return tuple(k for k in KINDS if weights[k] > 0 and weights[k] >= _SHARE * heaviest)


def _reason(find: Find) -> str:
    why = find.rule.note or find.rule.kind
    words = " + ".join(f"`{w}`" for w in find.words)
    return f"{words}: {why}" if words else why
