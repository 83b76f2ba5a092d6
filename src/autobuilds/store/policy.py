"""The policy: the tables of DECISION_FRAMEWORK.md as rules, each problem with its place; what is missing comes from the packaged file."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path

from autobuilds import kept
from autobuilds.domain.build import DeliverMode
from autobuilds.domain.labels import slugify
from autobuilds.domain.policy import CategoryRule, PhraseRule, Policy, Rules
from autobuilds.domain.problem import Problem, Severity
from autobuilds.domain.spelling import did_you_mean, quoted
from autobuilds.records import dataclass
from autobuilds.store import tables as markdown_tables
from autobuilds.store.tables import Cell, Row, Section, Table, read_sections, split_phrases

FILE = "DECISION_FRAMEWORK.md"
ANSWERS = ("auto", "own", "ask")
_PRIORITIES = ("high", "medium", "low")
_CATEGORY_COLUMNS = ("category", *_PRIORITIES, "deliver")
_RULE_COLUMNS = ("kind", "phrases", "weight", "note")
#: Sections whose level-3 headings hold one table of phrases each.
_RULE_SECTIONS = ("risk", "requirements")
_MAX_FILE = 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class _Reading:
    """What one file says; `categories` None and a missing slug in `tables` mean that it says nothing of it."""

    categories: tuple[CategoryRule, ...] | None
    tables: dict[str, tuple[PhraseRule, ...]]
    #: Where each table's heading stands.
    headings: dict[str, int]


class _Late(Policy):
    """A policy without rule tables of its own: the packaged ones are read when a gate first asks for a rule."""

    __slots__ = ("_data", "_default", "_own_problems")
    _data: bytes | None
    _default: bytes
    _own_problems: tuple[Problem, ...]

    def __init__(self, data: bytes | None, default: bytes, problems: Iterable[Problem]) -> None:
        object.__setattr__(self, "_data", data)
        object.__setattr__(self, "_default", default)
        object.__setattr__(self, "_own_problems", _in_order(problems))

    @property
    def categories(self) -> tuple[CategoryRule, ...]:
        """The rows of the table of categories."""
        return read_policy(self._data, self._default).categories

    @property
    def rules(self) -> tuple[PhraseRule, ...]:
        """The rows of all rule tables."""
        return read_policy(self._data, self._default).rules

    @property
    def problems(self) -> tuple[Problem, ...]:
        """What is wrong with the workspace's own file; a test holds that nothing is with the packaged one."""
        return self._own_problems


def open_policy(data: bytes | None, packaged: Path) -> Policy:
    """Return what `read_policy` returns; the packaged tables are read only when a gate needs them."""
    default = packaged.read_bytes()
    if data is None or data == default:
        return _Late(None, default, ())
    problems: list[Problem] = []
    text = _decode(data, problems)
    if text is not None and _read(text, problems).headings:
        return read_policy(data, default)
    return _Late(data, default, problems)


def _in_order(problems: Iterable[Problem]) -> tuple[Problem, ...]:
    return tuple(sorted(problems, key=lambda p: (p.line, p.column)))


@lru_cache(maxsize=2)
def read_policy(data: bytes | None, default: bytes) -> Policy:
    """Return the policy that a workspace's DECISION_FRAMEWORK.md holds, with `default` for every section or table it lacks.

    None means that there is no such file. A row that can't be read leaves `ask` and an error; a file that can't be read
    leaves the default and an error.
    """
    problems: list[Problem] = []
    if data == default:
        data = None
    packaged = _packaged(default)
    text = _decode(data, problems) if data is not None else None
    own = _read(text, problems) if text is not None else _Reading(categories=None, tables={}, headings={})
    for slug, line in own.headings.items():
        if slug not in packaged.tables:
            message = f"no rule reads a table named {quoted(slug)}{did_you_mean(slug, packaged.tables)}"
            problems.append(_problem(line, 1, "unknown-key", message, Severity.WARNING))
    tables = {**packaged.tables, **own.tables}
    rules = Rules(rule for rules in tables.values() for rule in rules)
    rules.shipped = not own.tables
    return Policy(
        categories=(packaged.categories or ()) if own.categories is None else own.categories,
        rules=rules,
        problems=_in_order(problems),
    )


def _packaged(default: bytes) -> _Reading:
    """Return what the packaged file says, from what an earlier command kept of it; a test holds that it has no problem."""
    made_of = default, kept.stamp(__file__, markdown_tables.__file__)
    plain = kept.load("policy", made_of)
    if plain is None:
        found = _read(default.decode("utf-8"), [])
        categories = tuple((c.category, c.high, c.medium, c.low, c.deliver and c.deliver.value) for c in found.categories or ())
        rows = {slug: tuple((r.kind, r.phrases, r.weight, r.note, r.line) for r in rules) for slug, rules in found.tables.items()}
        kept.keep("policy", made_of, (categories, rows, found.headings))
        return found
    categories, rows, headings = plain
    return _Reading(
        categories=tuple(
            CategoryRule(category=category, high=high, medium=medium, low=low, deliver=DeliverMode(deliver) if deliver else None)
            for category, high, medium, low, deliver in categories
        ),
        tables={
            slug: tuple(
                PhraseRule(table=slug, kind=kind, phrases=p, weight=weight, note=note, line=line) for kind, p, weight, note, line in rules
            )
            for slug, rules in rows.items()
        },
        headings=headings,
    )


def _problem(line: int, column: int, kind: str, message: str, severity: Severity = Severity.ERROR) -> Problem:
    return Problem(file=FILE, line=line, column=column, kind=kind, severity=severity, message=message)


def _decode(data: bytes, problems: list[Problem]) -> str | None:
    """Return the file's text, or None and a problem where it can't be trusted as a whole."""
    if len(data) > _MAX_FILE:
        problems.append(_problem(1, 1, "bad-value", f"the file is larger than {_MAX_FILE} bytes; the packaged tables are in force"))
        return None
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data[: error.start].replace(b"\r\n", b"\n").replace(b"\r", b"\n").count(b"\n") + 1
        problems.append(_problem(line, 1, "not-utf8", "not UTF-8; save the file as UTF-8 (the packaged tables are in force)"))
        return None
    nul = text.find("\0")
    if nul >= 0:
        line = text[:nul].replace("\r\n", "\n").replace("\r", "\n").count("\n") + 1
        problems.append(_problem(line, 1, "nul-bytes", "a NUL byte stands here; the packaged tables are in force"))
        return None
    return text


def _read(text: str, problems: list[Problem]) -> _Reading:
    categories: tuple[CategoryRule, ...] | None = None
    tables: dict[str, tuple[PhraseRule, ...]] = {}
    headings: dict[str, int] = {}
    for section in read_sections(text):
        if section.conflict:
            message = "conflict markers of a merge stand here; settle the conflict"
            problems.append(_problem(section.conflict, 1, "conflict-markers", message))
        name = _section_name(section)
        if name == "categories":
            for table in section.tables:
                categories = (*(categories or ()), *_categories(table, problems, categories or ()))
        elif name in _RULE_SECTIONS:
            for table in section.tables:
                if table.heading is None:
                    message = "this table has no level-3 heading that names it; it is not read"
                    problems.append(_problem(table.header.line, 1, "missing-section", message, Severity.WARNING))
                    continue
                slug = slugify(table.heading)
                headings.setdefault(slug, table.heading_line)
                tables[slug] = (*tables.get(slug, ()), *_rules(slug, table, problems))
    return _Reading(categories=categories, tables=tables, headings=headings)


def _section_name(section: Section) -> str | None:
    """Return which section a heading begins with the name of, whatever its case and signs; None for the owner's own."""
    words = re.findall(r"[^\W\d_]+", section.name.casefold())
    return words[0] if words and words[0] in {"categories", *_RULE_SECTIONS} else None


def _columns(table: Table, known: tuple[str, ...], needed: int, problems: list[Problem]) -> dict[str, int] | None:
    """Return where each known column stands, or None and an error where one of the first `needed` is not there."""
    found: dict[str, int] = {}
    for index, cell in enumerate(table.header.cells):
        name = _word(cell.text)
        if name not in known:
            if name:
                message = f"unknown column {quoted(cell.text)}{did_you_mean(name, known)}"
                problems.append(_problem(table.header.line, cell.column, "unknown-key", message, Severity.WARNING))
            continue
        found.setdefault(name, index)
    missing = [name for name in known[:needed] if name not in found]
    if missing:
        message = f"this table has no column {quoted(missing[0])}; its columns are {', '.join(known)}"
        problems.append(_problem(table.header.line, 1, "bad-value", message))
        return None
    return found


def _word(text: str) -> str:
    """Return a cell's one word without bold, code, emoji and case."""
    return " ".join(re.findall(r"[^\W\d_]+", text)).casefold()


def _categories(table: Table, problems: list[Problem], known: Iterable[CategoryRule]) -> list[CategoryRule]:
    columns = _columns(table, _CATEGORY_COLUMNS, 4, problems)
    if columns is None:
        return []
    rules: list[CategoryRule] = []
    seen = {rule.category.casefold() for rule in known}
    for row in table.rows:
        name = _category_name(row.cell(columns["category"]).text)
        if not name:
            problems.append(_problem(row.line, 1, "bad-value", "this row names no category"))
            continue
        if name.casefold() in seen:
            problems.append(_problem(row.line, row.cell(columns["category"]).column, "repeated-key", f"{quoted(name)} has two rows"))
            continue
        seen.add(name.casefold())
        high, medium, low = (_answer(row, row.cell(columns[p]), p, problems) for p in _PRIORITIES)
        deliver = _deliver(row, row.cell(columns["deliver"]), problems) if "deliver" in columns else None
        rules.append(CategoryRule(category=name, high=high, medium=medium, low=low, deliver=deliver))
    return rules


def _category_name(text: str) -> str:
    """Return a category's name without bold, code and an emoji before it; `*` stays."""
    plain = text.strip().strip("`").strip()
    if plain.replace("\\", "") == "*":
        return "*"
    plain = re.sub(r"\*\*|__|`|~~", "", plain)
    return " ".join(re.sub(r"^[^\w(]+|[^\w)]+$", "", plain).split())


def _answer(row: Row, cell: Cell, priority: str, problems: list[Problem]) -> str:
    word = _word(cell.text)
    if word in ANSWERS:
        return word
    told = f"can't be {quoted(cell.text)}{did_you_mean(word, ANSWERS)}" if word else "has no answer"
    message = f"{priority} {told}; it is one of {', '.join(ANSWERS)} (ask is in force)"
    problems.append(_problem(row.line, cell.column, "bad-value", message))
    return "ask"


def _deliver(row: Row, cell: Cell, problems: list[Problem]) -> DeliverMode | None:
    word = _word(cell.text)
    if not word:
        return None
    if word in list(DeliverMode):
        return DeliverMode(word)
    message = f"deliver can't be {quoted(cell.text)}{did_you_mean(word, list(DeliverMode))}; it is review, merge, pr or empty (review is in force)"
    problems.append(_problem(row.line, cell.column, "bad-value", message))
    return DeliverMode.REVIEW


def _rules(slug: str, table: Table, problems: list[Problem]) -> list[PhraseRule]:
    columns = _rule_columns(table)
    rules: list[PhraseRule] = []
    for row in table.rows:
        kind = _category_name(row.cell(0).text)
        phrases = split_phrases(row.cell(1).text)
        if not kind or not phrases:
            if kind or phrases:
                what = "names no kind" if not kind else "has no phrases"
                problems.append(_problem(row.line, 1, "bad-value", f"this row {what}; it is not in force"))
            continue
        weight = _weight(row, row.cell(columns["weight"]), problems) if "weight" in columns else 1.0
        note = row.cell(columns["note"]).text if "note" in columns else ""
        rules.append(PhraseRule(table=slug, kind=kind, phrases=phrases, weight=weight, note=note, line=row.line))
    return rules


def _rule_columns(table: Table) -> dict[str, int]:
    """Return where weight and note stand; the first two columns are kind and phrases, whatever they are called."""
    names = [_word(cell.text) for cell in table.header.cells]
    return {name: names.index(name) for name in ("weight", "note") if name in names[2:]}


def _weight(row: Row, cell: Cell, problems: list[Problem]) -> float:
    text = cell.text.strip("`* ").replace("−", "-")
    if not text:
        return 1.0
    if re.fullmatch(r"[+-]?\d{1,6}(?:\.\d{1,6})?", text, re.ASCII):
        return float(text)
    problems.append(_problem(row.line, cell.column, "bad-value", f"weight can't be {quoted(cell.text)}; it is a number such as 1 or 0.5"))
    return 1.0
