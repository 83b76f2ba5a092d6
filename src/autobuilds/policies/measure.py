"""How good a gate's rules are on labelled tasks: recall on what should be asked about, false alarms on what should run."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

from autobuilds.records import dataclass

#: Labels that mean "ask the owner"; every other label means "let it run".
ASKED_LABELS = frozenset({"hold", "unclear"})


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelledTask:
    """A task with its label; `asked` is whether a person would ask the owner, `kinds` why, `hard` whether the surface words mislead."""

    id: str
    name: str
    description: str = ""
    criteria: tuple[str, ...] = ()
    steps: str | None = None
    category: str | None = None
    estimated_time: str | None = None
    asked: bool = False
    hard: bool = False
    kinds: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What the rules say of one task: whether they ask, and the kinds they name."""

    asks: bool
    kinds: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """`part` of `whole` tasks."""

    part: int
    whole: int

    @property
    def ratio(self) -> float:
        """Return the share between 0 and 1; 0 of 0 is 0."""
        return self.part / self.whole if self.whole else 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """Shares on a labelled set; `recall_by_kind` counts a task in each of its kinds, `kind_named` where a labelled kind was named."""

    recall: Share
    recall_hard: Share
    recall_plain: Share
    alarms: Share
    alarms_hard: Share
    alarms_plain: Share
    recall_by_kind: Mapping[str, Share]
    kind_named: Share
    missed: tuple[str, ...]
    false: tuple[str, ...]


def labelled(record: Mapping[str, object]) -> LabelledTask:
    """Return the task of one JSON record of a labelled set; raises ValueError when a field has the wrong type or no label is there."""
    label = record.get("label")
    if not isinstance(label, str):
        raise ValueError(f"task {record.get('id')!r} has no label")
    return LabelledTask(
        id=str(record.get("id", "")),
        name=_text(record, "name") or "",
        description=_text(record, "description") or "",
        criteria=_texts(record, "criteria"),
        steps=_text(record, "steps"),
        category=_text(record, "category"),
        estimated_time=_text(record, "estimated_time"),
        asked=label in ASKED_LABELS,
        hard=record.get("hard") is True,
        kinds=_texts(record, "kinds") or _texts(record, "missing"),
    )


def measure(tasks: Iterable[LabelledTask], judge: Callable[[LabelledTask], Answer]) -> Figures:
    """Judge every task and return the shares."""
    judged = [(task, judge(task)) for task in tasks]
    asked = [(t, a) for t, a in judged if t.asked]
    others = [(t, a) for t, a in judged if not t.asked]
    kinds = sorted({k for t, _ in asked for k in t.kinds})
    found = [(t, a) for t, a in asked if a.asks]
    return Figures(
        recall=_share(asked),
        recall_hard=_share([(t, a) for t, a in asked if t.hard]),
        recall_plain=_share([(t, a) for t, a in asked if not t.hard]),
        alarms=_share(others),
        alarms_hard=_share([(t, a) for t, a in others if t.hard]),
        alarms_plain=_share([(t, a) for t, a in others if not t.hard]),
        recall_by_kind={k: _share([(t, a) for t, a in asked if k in t.kinds]) for k in kinds},
        kind_named=Share(part=sum(1 for t, a in found if set(t.kinds) & set(a.kinds)), whole=len(found)),
        missed=tuple(t.id for t, a in asked if not a.asks),
        false=tuple(t.id for t, a in others if a.asks),
    )


def format_figures(title: str, figures: Figures) -> str:
    """Return the figures as lines of text, one share a line, then the ids that were judged wrongly."""
    lines = [title]
    lines += [
        _line("recall", figures.recall),
        _line("  hard", figures.recall_hard),
        _line("  plain", figures.recall_plain),
        _line("false alarms", figures.alarms),
        _line("  hard", figures.alarms_hard),
        _line("  plain", figures.alarms_plain),
    ]
    lines += [_line(f"recall, {kind}", share) for kind, share in figures.recall_by_kind.items()]
    lines.append(_line("right kind named", figures.kind_named))
    lines.append(f"  missed: {' '.join(figures.missed) or 'none'}")
    lines.append(f"  false:  {' '.join(figures.false) or 'none'}")
    return "\n".join(lines)


def _share(judged: Sequence[tuple[LabelledTask, Answer]]) -> Share:
    return Share(part=sum(1 for _, answer in judged if answer.asks), whole=len(judged))


def _line(name: str, share: Share) -> str:
    return f"  {name:<24}{share.ratio:6.3f}  ({share.part} of {share.whole})"


def _text(record: Mapping[str, object], field: str) -> str | None:
    value = record.get(field)
    if value is not None and not isinstance(value, str):
        raise ValueError(f"task {record.get('id')!r}: {field} is not a text")
    return value


def _texts(record: Mapping[str, object], field: str) -> tuple[str, ...]:
    value = record.get(field)
    if value is None:
        return ()
    if not isinstance(value, list) or not all(isinstance(v, str) for v in value):
        raise ValueError(f"task {record.get('id')!r}: {field} is not a list of texts")
    return tuple(value)
