"""The part of a preset's table that says how the agent's output is read."""

from __future__ import annotations

from typing import Any

from autobuilds import errors
from autobuilds.adapters.agents.events import MAX_PARTS
from autobuilds.adapters.agents.values import Table, near
from autobuilds.domain.agents import LINE, ActivityKind, Condition, FailureClass, Pick, ReportRules, Show, Take

#: The keys of a preset that are read here.
KEYS = frozenset({"format", "result_file", "picks", "ok", "shows", "failures"})
FORMATS = ("json", "jsonl", "text")
#: Picks that mean something to autobuilds; any other name serves `ok` alone.
PICKS = ("session", "model", "said", "error", "trouble", "http", "resets", "denials", "tokens_in", "tokens_out", "cost_usd")
_MAX_RULES = 200
_PICK_KEYS = {"path", "regex", "when", "take", "since", "once"}
_SHOW_KEYS = {"kind", "path", "each", "when", "where", "regex", "verb", "text", "state"}
_OK_KEYS = {"missing", "exists", "not_match"}
_KINDS = {"todo", *(kind.value for kind in ActivityKind)}


def parse_rules(table: Table) -> ReportRules:
    """Return the rules of a preset's table; raises BadInput that names table and key."""
    form = table.one_of("format", FORMATS, "text")
    picks = _picks(table, form)
    return ReportRules(
        format=form,
        result_file=table.text("result_file"),
        picks=picks,
        ok=_ok(table, {pick.name for pick in picks}),
        shows=_shows(table),
        failures=_failures(table),
    )


def _picks(table: Table, form: str) -> tuple[Pick, ...]:
    made: list[Pick] = []
    inner = Table(table.raw("picks") or {}, _below(table, "picks"))
    for name, given in inner.items():
        several = given if isinstance(given, list) else [given]
        made += [_pick(name, Table(one, f"{inner.where} {name}"), form) for one in several]
    _few(inner, len(made))
    return tuple(made)


def _pick(name: str, table: Table, form: str) -> Pick:
    table.only(_PICK_KEYS)
    take = Take(table.one_of("take", {t.value for t in Take}, Take.LAST.value))
    path, regex = _path(table, "path"), table.regex("regex")
    if form == "text" and (regex is None or path is not None):
        raise errors.BadInput(f"{table.where}: the format text has lines, not events; give a regex and no path")
    if form != "text" and path is None and (regex is not None or take is not Take.COUNT):
        raise errors.BadInput(f"{table.where}: a path is missing")
    once = _path(table, "once")
    if once is not None and (form == "text" or take is not Take.SUM):
        raise table.bad("once", 'it belongs to take = "sum" of events')
    forgets = table.regex("since") if form == "text" else None
    since = _when(table, "since") if form != "text" else () if forgets is None else ((LINE, forgets),)
    return Pick(name=name, path=path, regex=regex, when=_when(table, "when"), take=take, since=since, once=once)


def _ok(table: Table, picks: set[str]) -> tuple[Condition, ...]:
    inner = Table(table.raw("ok") or {}, _below(table, "ok"))
    made = []
    for name, given in inner.items():
        if name not in picks:
            raise errors.BadInput(f"{inner.where}: {name!r} is not picked{near(name, picks)}")
        if isinstance(given, str | int | float | bool):
            made.append(Condition(pick=name, equals=given))
            continue
        condition = Table(given, f"{inner.where} {name}")
        condition.only(_OK_KEYS)
        if len(condition.items()) != 1:
            raise errors.BadInput(f"{condition.where}: exactly one of missing, exists, not_match is meant, or a plain value")
        exists = True if condition.raw("exists") is True else False if condition.raw("missing") is True else None
        not_match = condition.regex("not_match")
        if exists is None and not_match is None:
            raise errors.BadInput(f"{condition.where}: missing and exists are true where they are given")
        made.append(Condition(pick=name, exists=exists, not_match=not_match))
    return tuple(made)


def _shows(table: Table) -> tuple[Show, ...]:
    given = table.raw("shows") or []
    where = _below(table, "shows")
    if not isinstance(given, list):
        raise errors.BadInput(f"{where}: a list of tables is meant, [[…shows]]")
    shows = []
    for number, one in enumerate(given, 1):
        show = Table(one, f"{where} number {number}")
        show.only(_SHOW_KEYS)
        if (show.text("path") is None) == (show.text("regex") is None):
            raise errors.BadInput(f"{show.where}: a path (in events) or a regex (on lines) is meant")
        shows.append(
            Show(
                kind=show.one_of("kind", _KINDS, ActivityKind.TOOL.value),
                path=_path(show, "path") or "",
                each=_path(show, "each"),
                when=_when(show, "when"),
                where=_when(show, "where"),
                regex=show.regex("regex"),
                verb=show.text("verb") or "",
                text=_path(show, "text"),
                state=_path(show, "state"),
            )
        )
    _few(table, len(shows))
    return tuple(shows)


def _failures(table: Table) -> tuple[tuple[FailureClass, str], ...]:
    inner = Table(table.raw("failures") or {}, _below(table, "failures"))
    inner.only({failure.value for failure in FailureClass})
    made = []
    for name in inner.names():
        for regex in inner.texts(name):
            inner.compiles(name, regex)
            made.append((FailureClass(name), regex))
    _few(inner, len(made))
    return tuple(made)


def _path(table: Table, key: str) -> str | None:
    path = table.text(key)
    if path is not None:
        _parts(table, key, path)
    return path


def _when(table: Table, key: str) -> tuple[tuple[str, Any], ...]:
    conditions = table.conditions(key)
    for path, _ in conditions:
        _parts(table, key, path)
    return conditions


def _parts(table: Table, key: str, path: str) -> None:
    if path.count(".") >= MAX_PARTS:
        raise table.bad(key, f"a path has at most {MAX_PARTS} parts")


def _few(table: Table, count: int) -> None:
    if count > _MAX_RULES:
        raise errors.BadInput(f"{table.where}: more than {_MAX_RULES} rules")


def _below(table: Table, key: str) -> str:
    return f"{table.where[:-1]}.{key}]"
