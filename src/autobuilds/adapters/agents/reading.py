"""The reader of an agent's output: fed with bytes as they come, it says what the agent does now and, in the end, how the run went."""

from __future__ import annotations

import copy
from collections import deque
from datetime import datetime, tzinfo
from typing import Any

from autobuilds.adapters.agents.events import SESSION, decode, rows_of
from autobuilds.adapters.agents.failures import classify
from autobuilds.adapters.agents.picking import MAX_SEARCHED, Picker
from autobuilds.adapters.agents.showing import Shower
from autobuilds.domain.agents import Activity, AgentReport, FailureClass, ReportRules, Todo
from autobuilds.domain.build import Usage
from autobuilds.domain.inert import clean, line, shorten
from autobuilds.domain.patterns import pattern
from autobuilds.domain.resets import parse_reset

#: A longer line is skipped and counted.
MAX_LINE_BYTES = 8 * 1024 * 1024
#: Output of the format `json` in which the envelope is looked for: the last of it.
MAX_ENVELOPE_BYTES = 4 * 1024 * 1024
#: Bytes that are decoded in all while the envelope is looked for, so that broken ones in front of it can't make that slow.
_MAX_DECODED = 8 * MAX_ENVELOPE_BYTES
#: How often an envelope is looked for while the agent still runs.
_MAX_LOOKS = 20
#: Lines that are no events: the last of them are kept, for an error that came without an event.
_NOISE_LINES = 20
_NOISE_CHARS = 500
_MAX_ERRORS = 4 * MAX_SEARCHED
_SAID_CHARS = 4000
_ERROR_CHARS = 1000
_MAX_COST = 1e6
_MAX_TOKENS = 1e12
#: What an agent tries again by itself, often in silence.
_TRIED_AGAIN = frozenset({FailureClass.RATE_LIMIT, FailureClass.AUTHENTICATION, FailureClass.NETWORK})
_ERROR_LINE = pattern(r"(?i)error|fail|denied|invalid|cannot|can't|could not|not |unable|refus|limit|exception|unknown|expired|missing")


class StreamReader:
    """Reads one run by the rules of its preset; nothing that an agent prints makes it raise, grow without bound or say two things."""

    def __init__(self, rules: ReportRules, *, root: str | None = None) -> None:
        """Read by `rules`; `root` is the folder of the agent's code, taken off the paths that are shown."""
        self._rules = rules
        self._buffer = bytearray()
        self._skipping = False
        self._picker = Picker(rules.picks)
        self._shower = Shower(rules.shows, root)
        self._noise: deque[str] = deque(maxlen=_NOISE_LINES)
        self._wrong = b""
        self._kept = bytearray()
        self._looks = _MAX_LOOKS
        #: What it last failed by, in its words and their class; None since it did anything else.
        self._trouble: tuple[str, FailureClass] | None = None
        #: The format `json`, its envelope in the output itself.
        self._enveloped = rules.format == "json" and rules.result_file is None
        #: Lines that were skipped because they were too long.
        self.skipped = 0

    @property
    def todos(self) -> tuple[Todo, ...]:
        """Return the agent's own to-do list as it stands."""
        return self._shower.todos

    @property
    def files(self) -> tuple[str, ...]:
        """Return the files that the agent was seen changing, relative to its code where they lie in it."""
        return self._shower.files

    def feed(self, data: bytes) -> tuple[Activity, ...]:
        """Take what came since the last call and return what it shows; the last line counts when it is whole."""
        seen: list[Activity] = []
        start = 0
        while (end := data.find(b"\n", start)) >= 0:
            self._collect(data, start, end)
            if self._skipping:
                self.skipped += 1
            else:
                seen += self._line(bytes(self._buffer))
            self._buffer.clear()
            self._skipping = False
            start = end + 1
        self._collect(data, start, len(data))
        return tuple(seen)

    def feed_errors(self, data: bytes) -> None:
        """Take what came on standard error, where that is kept apart; it explains a failure that no event does."""
        *whole, rest = (self._wrong + data).replace(b"\r", b"\n").split(b"\n")
        self._wrong = rest[:_MAX_ERRORS]
        for raw in whole[-_NOISE_LINES:]:
            if plain := clean(raw[:_MAX_ERRORS].decode("utf-8", "replace")[:MAX_SEARCHED]).strip():
                self._noise.append(plain[:_NOISE_CHARS])
                self._fails(plain[:_NOISE_CHARS])

    def used(self) -> Usage:
        """Return what the events until now say that the run has used; cheap enough to be asked at every sample."""
        cost = self._picker.number("cost_usd")
        return Usage(
            tokens_in=_tokens(self._picker.number("tokens_in")),
            tokens_out=_tokens(self._picker.number("tokens_out")),
            cost_usd=cost if cost is not None and cost <= _MAX_COST else None,
        )

    def _fails(self, *told: str) -> bool:
        """Take what may tell of trouble that the agent tries to get over; return whether it does."""
        for text in told:
            failure = classify((text,), http=None, exit_code=None, own=self._rules.failures)
            if failure in _TRIED_AGAIN:
                self._trouble = (text, failure)
        return bool(told)

    def _goes_on(self, seen: list[Activity]) -> list[Activity]:
        """Forget the trouble where the agent did something else."""
        if not self._fails(*self._picker.fresh("trouble")) and seen:
            self._trouble = None
        return seen

    def _collect(self, data: bytes, start: int, end: int) -> None:
        if self._skipping:
            return
        if len(self._buffer) + end - start > MAX_LINE_BYTES:
            self._skipping = True
            self._buffer.clear()
            return
        self._buffer += data[start:end]

    def _line(self, raw: bytes) -> list[Activity]:
        if self._enveloped:
            self._keep(raw)
        if self._rules.format == "jsonl":
            event = decode(raw) if raw.lstrip()[:1] == b"{" else None
            if isinstance(event, dict):
                self._picker.see(event)
                return self._goes_on(self._shower.see(event))
        seen: list[Activity] = []
        for text in rows_of(raw):
            seen += self._text(text)
        if self._enveloped and self._looks > 0 and raw[:1] in {b"{", b"}"} and raw.rstrip()[-1:] == b"}":
            self._looks -= 1
            seen += self._shower.see(_envelope(bytes(self._kept)))
        return seen

    def _text(self, text: str) -> list[Activity]:
        plain = clean(text[:MAX_SEARCHED]).rstrip()
        if plain.strip():
            self._noise.append(plain[:_NOISE_CHARS])
        if self._rules.format == "text":
            self._picker.see_line(plain)
        elif plain.strip() and self._rules.result_file is None:
            self._fails(plain[:_NOISE_CHARS])
        return self._goes_on(self._shower.see_line(plain))

    def _keep(self, raw: bytes) -> None:
        self._kept += raw + b"\n"
        if len(self._kept) > 2 * MAX_ENVELOPE_BYTES:
            del self._kept[:-MAX_ENVELOPE_BYTES]

    def report(self, result_file: bytes | None, *, exit_code: int | None, now: datetime) -> AgentReport:
        """Return what the output says of the run; `result_file` is the content of the rules' own result file, where there is one.

        It can be asked at any time and changes nothing. `now` is what spans until a limit's reset are counted from.
        """
        picker = self._final(result_file)
        ok = None if not self._rules.ok else picker.holds(self._rules.ok)
        failed = ok is False or exit_code != 0
        error = self._error(picker) if failed else None
        failure, resets_at = self._failure(picker, ok, exit_code, now) if failed else (None, None)
        trouble = self._trouble
        if failed and resets_at is None and trouble is not None:
            resets_at = _reset(trouble[:1], now)
        cost = picker.number("cost_usd")
        said, model = picker.text("said"), picker.text("model")
        return AgentReport(
            ok=ok,
            failure=failure,
            trouble=None if trouble is None else trouble[1],
            trouble_said=None if trouble is None else line(trouble[0], _ERROR_CHARS),
            error=error,
            said=None if said is None else shorten(said, _SAID_CHARS),
            session=_session(picker.text("session")),
            model=None if model is None else line(model, 120) or None,
            denials=int(picker.number("denials") or 0),
            resets_at=resets_at,
            tokens_in=_tokens(picker.number("tokens_in")),
            tokens_out=_tokens(picker.number("tokens_out")),
            cost_usd=cost if cost is not None and cost <= _MAX_COST else None,
        )

    def _final(self, result_file: bytes | None) -> Picker:
        """Return the picks with what is only now known to be whole: the last line, the envelope, the result file."""
        picker = copy.copy(self._picker)
        rest = b"" if self._skipping else bytes(self._buffer)
        if self._rules.result_file is not None:
            self._see(picker, decode(result_file[:MAX_LINE_BYTES]) if result_file else None)
        elif self._enveloped:
            self._see(picker, _envelope(bytes(self._kept) + rest))
        elif self._rules.format == "jsonl":
            self._see(picker, decode(rest) if rest.lstrip()[:1] == b"{" else None)
        else:
            for text in rows_of(rest):
                picker.see_line(clean(text[:MAX_SEARCHED]).rstrip())
        return picker

    def _see(self, picker: Picker, event: Any) -> None:
        if isinstance(event, dict):
            picker.see(event)

    def _noise_lines(self) -> list[str]:
        """Return the last lines that are no events, the unfinished one included."""
        rows = list(self._noise)
        for raw in (self._wrong, bytes(self._buffer[:_MAX_ERRORS])):
            plain = clean(raw.decode("utf-8", "replace")[:MAX_SEARCHED]).strip()[:_NOISE_CHARS]
            if plain and not plain.startswith("{"):
                rows.append(plain)
        return rows

    def _error(self, picker: Picker) -> str | None:
        told = picker.text("error")
        if told is None:
            rows = self._noise_lines()
            told = next((row for row in reversed(rows) if _ERROR_LINE.search(row)), rows[-1] if rows else None)
        return None if told is None else line(told, _ERROR_CHARS) or None

    def _failure(
        self, picker: Picker, ok: bool | None, exit_code: int | None, now: datetime
    ) -> tuple[FailureClass | None, datetime | None]:
        """Return the class of the failure and, for a usage limit, when it ends; a program without rules has no class."""
        rules = self._rules
        if ok is None and not rules.failures:
            return None, None
        if ok:
            return FailureClass.CRASH, None
        status = picker.number("http")
        http = None if status is None or not 100 <= status < 600 else int(status)
        errors = picker.all("error")
        failure = classify(errors, http=http, exit_code=exit_code, own=rules.failures)
        # What is no event is the program's own complaint there; where all output is text, it is also the model's and its tools'.
        noise = () if rules.format == "text" or rules.result_file is not None else tuple(self._noise_lines())
        if failure is None and noise:
            failure = classify(noise, http=None, exit_code=None, own=rules.failures)
        if failure is FailureClass.RATE_LIMIT:
            given = picker.get("resets")
            return failure, _reset((*(() if given is None else (given,)), *(errors or noise)), now)
        return failure or FailureClass.CRASH, None


def _envelope(data: bytes) -> dict[str, Any] | None:
    """Return the last JSON object in a text that begins where a line does."""
    import json

    text = data.decode("utf-8", "replace")
    decoder = json.JSONDecoder(parse_constant=lambda _: None)
    at, budget, last = _next_object(text, 0), _MAX_DECODED, None
    while at >= 0 and budget > 0:
        try:
            value, end = decoder.raw_decode(text, at)
        except (ValueError, RecursionError):
            budget -= len(text) - at
            at = _next_object(text, at + 1)
            continue
        budget -= end - at
        last = value
        at = _next_object(text, end)
    return last if isinstance(last, dict) else None


def _next_object(text: str, start: int) -> int:
    """Return where the next line begins with a brace, from `start` on, or -1."""
    if start == 0 and text[:1] == "{":
        return 0
    at = text.find("\n{", max(start - 1, 0))
    return -1 if at < 0 else at + 1


def _reset(told: tuple[Any, ...], now: datetime) -> datetime | None:
    return next((moment for one in told if (moment := parse_reset(one, now, _zone)) is not None), None)


def _session(text: str | None) -> str | None:
    return text if text is not None and SESSION.fullmatch(text) else None


def _tokens(value: float | None) -> int | None:
    return int(value) if value is not None and value <= _MAX_TOKENS else None


def _zone(name: str) -> tzinfo | None:
    from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return None
