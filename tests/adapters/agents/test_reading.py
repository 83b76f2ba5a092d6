"""The reader of agents' output: rules, activities, to-do lists, errors that came without an event, resets of usage limits."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest

from autobuilds.adapters.agents.reading import StreamReader
from autobuilds.adapters.agents.schema import parse
from autobuilds.domain.agents import AgentReport, FailureClass, Todo
from tests.adapters.agents.recorded import NOW, shipped_rules


def _lines(*events: Any) -> bytes:
    return b"".join((e if isinstance(e, bytes) else json.dumps(e).encode()) + b"\n" for e in events)


def _reader(table: str) -> StreamReader:
    return StreamReader(parse(f'[x]\nargv = ["x"]\n{table}', "agents.toml", own=True)["x"].rules)


def _of(agent: str, *events: Any, exit_code: int | None = 1) -> AgentReport:
    reader = StreamReader(shipped_rules(agent))
    reader.feed(_lines(*events))
    return reader.report(None, exit_code=exit_code, now=NOW)


def _report(reader: StreamReader, *events: Any, exit_code: int | None = 0) -> AgentReport:
    reader.feed(_lines(*events))
    return reader.report(None, exit_code=exit_code, now=NOW)


@pytest.mark.parametrize(("take", "expected"), [("last", 4), ("first", 2), ("sum", 7)])
def test_takes(take: str, expected: int) -> None:
    reader = _reader(f'format = "jsonl"\n[x.picks]\ntokens_in = {{ when = {{ type = "u" }}, path = "n", take = "{take}" }}')
    events = [{"type": "u", "n": 2}, {"type": "v", "n": 100}, {"type": "u"}, {"n": 1, "type": "u"}, {"type": "u", "n": 4}]
    assert _report(reader, *events).tokens_in == expected


@pytest.mark.parametrize(
    ("path", "event", "found"),
    [
        ("a.b", {"a": {"b": "x"}}, "x"),
        ("a.b", {"a.b": "x"}, "x"),
        ("a.gpt-5.1.n", {"a": {"gpt-5.1": {"n": "x"}}}, "x"),
        ("a.-1.t", {"a": [{"t": "w"}, {"t": "x"}]}, "x"),
        ("a.0.t", {"a": [{"t": "x"}, {"t": "w"}]}, "x"),
        ("a.2", {"a": ["x"]}, None),
        ("a.-2", {"a": ["x"]}, None),
        ("a.b", {"a": "b"}, None),
        ("a.b", {"a": None}, None),
        ("a", {"a": ""}, None),
        ("a", {"a": {"b": 1}}, None),
    ],
)
def test_paths(path: str, event: Any, found: str | None) -> None:
    reader = _reader(f'format = "jsonl"\n[x.picks]\nsaid = {{ path = "{path}" }}')
    assert _report(reader, event).said == found


def test_true_is_not_one() -> None:
    table = 'format = "jsonl"\n[x.picks]\nflag = { path = "flag" }\n[x.ok]\nflag = '
    assert [_report(_reader(table + "true"), {"flag": f}).ok for f in (True, 1, "true", False)] == [True, False, False, False]
    assert [_report(_reader(table + "0"), {"flag": f}).ok for f in (0, 0.0, False, "0")] == [True, True, False, False]


def test_the_first_pick_with_a_value_counts() -> None:
    table = 'format = "jsonl"\n[x.picks]\nerror = [{ path = "a" }, { path = "b" }]\n[x.ok]\nerror = { missing = true }'
    assert _report(_reader(table), {"b": "two"}, {"a": "one"}).error == "one"
    assert _report(_reader(table), {"b": "two"}).error == "two"
    assert _report(_reader(table), {}).ok is True


def test_joined_pieces_since_the_last_tool() -> None:
    said = [{"type": "message", "role": "assistant", "content": c, "delta": True} for c in ("I look ", "first.")]
    end = [{"type": "message", "role": "assistant", "content": c, "delta": True} for c in ("All ", "done.")]
    assert _of("gemini", *said, {"type": "tool_use", "tool_name": "x"}, *end, exit_code=0).said == "All done."


@pytest.mark.parametrize(
    ("text", "number"),
    [("Tokens: 2.8k sent, 19 received.", (2800, 19)), ("Tokens: 1.2M sent, 3k cache hit, 1.5k received. Cost: $0.0042 message, $0.01 session.", (1_200_000, 1500))],
)  # fmt: skip
def test_numbers_as_people_write_them(text: str, number: tuple[int, int]) -> None:
    report = _of("aider", text.encode(), exit_code=0)
    assert (report.tokens_in, report.tokens_out) == number
    assert report.cost_usd == (0.0042 if "Cost" in text else None)


def test_an_error_that_was_overcome_is_none() -> None:
    failed = b"litellm.RateLimitError: slow down"
    assert _of("aider", failed, b"Retrying in 0.2 seconds...", b"Tokens: 1 sent, 1 received.", exit_code=0).ok is True
    late = _of("aider", b"Tokens: 1 sent, 1 received.", failed, exit_code=0)
    assert (late.ok, late.failure) == (False, FailureClass.RATE_LIMIT)


def test_noise_between_events() -> None:
    noise = [b"warning: x", b'{"type": "result", broken', b"\xff\xfe\x00", b"[1, 2]", b'"text"', b"", b"{}", b"{" * 50]
    good = {"type": "result", "status": "success", "stats": {"input_tokens": 3}}
    report = _of("gemini", *noise, good, *noise, exit_code=0)
    assert (report.ok, report.tokens_in) == (True, 3)


def test_the_last_line_counts_without_its_end() -> None:
    reader = StreamReader(shipped_rules("gemini"))
    reader.feed(b'{"type":"result","status":')
    assert reader.report(None, exit_code=0, now=NOW).ok is False
    reader.feed(b'"success"}')
    assert reader.report(None, exit_code=0, now=NOW).ok is True


@pytest.mark.parametrize("before", ["", "[info] starting\n", '{"log": 1}\nfetching {curl}\n{ not json\n', "{\n"])
@pytest.mark.parametrize("after", ["", "\nbye\n", "\n\n"])
@pytest.mark.parametrize("indent", [None, 2])
def test_an_envelope_after_noise(before: str, after: str, indent: int | None) -> None:
    envelope = {"ok": True, "status": "ok", "final": "All {done}\n}", "usage": {"input": 5, "output": 6}, "payloads": [{"text": "x"}]}
    reader = StreamReader(shipped_rules("openclaw"))
    seen = reader.feed((before + json.dumps(envelope, indent=indent) + after).encode())
    report = reader.report(None, exit_code=0, now=NOW)
    assert (report.ok, report.said, report.tokens_in, report.tokens_out) == (True, "All {done}\n}", 5, 6)
    assert [a.text for a in seen] in ([], ["says All {done} }"])


def test_a_result_file_instead_of_the_output() -> None:
    rules = shipped_rules("mini-swe-agent")
    fake = json.dumps({"info": {"exit_status": "Submitted"}}).encode()
    reader = StreamReader(rules)
    reader.feed(fake + b"\n")
    assert reader.report(None, exit_code=0, now=NOW).ok is False
    assert reader.report(fake, exit_code=0, now=NOW).ok is True
    for status, failure in (
        ("LimitsExceeded", FailureClass.BUDGET),
        ("RateLimitError", FailureClass.RATE_LIMIT),
        ("EOFError", FailureClass.CRASH),
    ):
        report = reader.report(json.dumps({"info": {"exit_status": status}}).encode(), exit_code=0, now=NOW)
        assert (report.ok, report.failure, report.error) == (False, failure, status)
    for broken in (b"", b"[]", b"{", b"\xff"):
        assert reader.report(broken, exit_code=0, now=NOW).ok is False


def test_without_rules_the_status_decides() -> None:
    reader = StreamReader(shipped_rules("command"))
    reader.feed(b"error: 401 rate limit\n")
    assert reader.report(None, exit_code=0, now=NOW) == AgentReport()
    failed = reader.report(None, exit_code=3, now=NOW)
    assert (failed.ok, failed.failure) == (None, None)


def test_todo_lists() -> None:
    reader = StreamReader(shipped_rules("claude"))
    todos = [
        {"content": "look", "status": "completed"},
        {"content": "write\ntests", "status": "in_progress"},
        {"content": "run", "status": "pending"},
    ]
    use = {"type": "tool_use", "name": "TodoWrite", "input": {"todos": todos}}
    assert reader.feed(_lines({"type": "assistant", "message": {"content": [use]}})) == ()
    assert reader.todos == (Todo(text="look", state="done"), Todo(text="write tests", state="doing"), Todo(text="run"))

    reader = StreamReader(shipped_rules("codex"))
    for kind, done in (("item.started", False), ("item.updated", True)):
        item = {"type": "todo_list", "items": [{"text": "look", "completed": True}, {"text": "write", "completed": done}]}
        reader.feed(_lines({"type": kind, "item": item}))
        assert [t.state for t in reader.todos] == ["done", "done" if done else "open"]


def test_files_are_shown_relative_to_the_code() -> None:
    reader = StreamReader(shipped_rules("claude"), root="/ws/clone")
    uses = [
        {"type": "tool_use", "name": n, "input": {"file_path": f}}
        for n, f in (("Edit", "/ws/clone/src/a.py"), ("Write", "/etc/x"), ("Edit", "/ws/clone/src/a.py"), ("Grep", "y"))
    ]
    seen = reader.feed(
        _lines({"type": "assistant", "message": {"content": [*uses, {"type": "text", "text": "So,\n\nit\x1b[31m is \u202edone"}]}})
    )
    assert [a.text for a in seen] == ["edits src/a.py", "writes /etc/x", "edits src/a.py", "uses Grep", "says So, it is done"]
    assert [a.path for a in seen][:2] == ["src/a.py", "/etc/x"]
    assert reader.files == ("src/a.py", "/etc/x")


def test_codex_file_changes() -> None:
    reader = StreamReader(shipped_rules("codex"), root="/c")
    changes = [{"path": "/c/a.py", "kind": "update"}, {"path": "/c/b.py", "kind": "add"}]
    seen = reader.feed(_lines({"type": "item.completed", "item": {"type": "file_change", "changes": changes, "status": "completed"}}))
    assert [a.text for a in seen] == ["edits a.py", "edits b.py"]


def test_denials() -> None:
    denied = [{"type": "system", "subtype": "permission_denied", "tool_name": "Write"}] * 2
    result = {
        "type": "result",
        "subtype": "success",
        "is_error": False,
        "result": "Done.",
        "permission_denials": [{"tool_name": "Write"}] * 2,
    }
    assert _of("claude", *denied, result, exit_code=0).denials == 2
    assert _of("claude", *denied, exit_code=None).denials == 2
    rejected = {
        "type": "tool_use",
        "part": {"tool": "bash", "state": {"status": "error", "error": "The user rejected permission to use this tool"}},
    }
    missing = {"type": "tool_use", "part": {"tool": "read", "state": {"status": "error", "error": "File not found"}}}
    assert _of("opencode", rejected, missing, exit_code=0).denials == 1


@pytest.mark.parametrize(
    ("agent", "event", "failure"),
    [
        ("claude", {"type": "result", "subtype": "error_max_turns", "is_error": True}, FailureClass.BUDGET),
        ("claude", {"type": "result", "subtype": "error_max_budget_usd", "is_error": True, "errors": ["Reached maximum budget"]}, FailureClass.BUDGET),
        ("claude", {"type": "result", "subtype": "success", "is_error": True, "result": "API Error", "api_error_status": 529}, FailureClass.NETWORK),
        ("claude", {"type": "result", "subtype": "success", "is_error": True, "result": "Claude AI usage limit reached|1795262400"}, FailureClass.RATE_LIMIT),
        ("codex", {"type": "turn.failed", "error": {"message": "You've hit your usage limit. Try again at 3:40 PM."}}, FailureClass.RATE_LIMIT),
        ("codex", {"type": "turn.failed", "error": {"message": "stream disconnected"}}, FailureClass.NETWORK),
        ("opencode", {"type": "error", "error": {"name": "APIError", "data": {"message": "x", "statusCode": 503}}}, FailureClass.NETWORK),
        ("opencode", {"type": "error", "error": {"name": "APIError", "data": {"message": "x", "statusCode": 402}}}, FailureClass.BUDGET),
        ("opencode", {"type": "error", "error": {"name": "Weird"}}, FailureClass.CRASH),
        ("pi", {"type": "message_end", "message": {"role": "assistant", "stopReason": "error", "errorMessage": "429 slow down"}}, FailureClass.RATE_LIMIT),
    ],
)  # fmt: skip
def test_classes_of_failure(agent: str, event: Any, failure: FailureClass) -> None:
    report = _of(agent, event)
    assert (report.ok, report.failure) == (False, failure)


def test_the_exit_status_helps_where_the_preset_says_so() -> None:
    assert _of("gemini", exit_code=41).failure is FailureClass.AUTHENTICATION
    assert _of("gemini", exit_code=53).failure is FailureClass.BUDGET
    assert _of("gemini", exit_code=4).failure is FailureClass.CRASH


@pytest.mark.parametrize("apart", [True, False])
def test_an_error_without_an_event(apart: bool) -> None:
    reader = StreamReader(shipped_rules("codex"))
    said = b"OpenAI Codex\nError: not logged in, run codex login\nsee the documentation"
    if apart:
        for byte in said:
            reader.feed_errors(bytes([byte]))
    else:
        reader.feed(said)
    report = reader.report(None, exit_code=1, now=NOW)
    assert (report.ok, report.failure, report.error) == (False, FailureClass.AUTHENTICATION, "Error: not logged in, run codex login")


def test_what_tools_print_does_not_class_a_failure() -> None:
    """Where all output is text, it is the model's and its tools' too."""
    assert _of("aider", b"the test says: rate limit, 401 unauthorized", exit_code=0).failure is FailureClass.CRASH
    assert _of("mini-swe-agent", b"rate limit reached", exit_code=0).failure is FailureClass.CRASH


@pytest.mark.parametrize(
    ("agent", "events", "minutes"),
    [
        ("claude", [{"type": "rate_limit_event", "rate_limit_info": {"status": "rejected", "resetsAt": int(NOW.timestamp()) + 3600}}, {"type": "result", "is_error": True, "result": "You've hit your limit"}], 60),
        ("claude", [{"type": "result", "is_error": True, "result": "You've hit your limit · resets 3pm (Europe/Berlin)"}], 120),
        ("claude", [{"type": "result", "is_error": True, "result": f"Claude AI usage limit reached|{int(NOW.timestamp()) + 1800}"}], 30),
        ("codex", [{"type": "turn.failed", "error": {"message": "You've hit your usage limit. Upgrade to Pro or try again in 1 hour 20 minutes."}}], 80),
        ("opencode", [{"type": "error", "error": {"name": "APIError", "data": {"message": "x", "statusCode": 429, "responseHeaders": {"retry-after": "90"}}}}], 1.5),
        ("gemini", [{"type": "result", "status": "error", "error": {"message": "You exceeded your current quota, please check your plan and billing details. Please retry in 34.2s."}}], 35 / 60),
        ("pi", [{"type": "message_end", "message": {"role": "assistant", "stopReason": "error", "errorMessage": "429 slow down"}}], None),
    ],
)  # fmt: skip
def test_when_a_usage_limit_ends(agent: str, events: list[Any], minutes: float | None) -> None:
    report = _of(agent, *events)
    assert report.failure is FailureClass.RATE_LIMIT
    assert report.resets_at == (None if minutes is None else NOW + timedelta(minutes=minutes))


def test_rules_by_type_and_without() -> None:
    """Which rules an event is tried on is decided by its type; that must not change what they find."""
    table = """format = "jsonl"
[x.picks]
tokens_in = { when = { type = "a" }, path = "n", take = "sum", since = { type = "reset" } }
tokens_out = { when = { n = 5 }, path = "n", take = "sum" }
cost_usd = { when = { type = 7 }, path = "n", take = "sum" }
"""
    events = [
        {"type": "a", "n": 1},
        {"type": "reset"},
        {"type": "a", "n": 2},
        {"n": 5},
        {"type": 7, "n": 5},
        {"type": ["a"], "n": 5},
        {"type": "b", "n": 5},
    ]
    for many in (1, 300):
        reader = _reader(table)
        reader.feed(_lines(*({"type": f"t{n}"} for n in range(many))))
        report = _report(reader, *events)
        assert (report.tokens_in, report.tokens_out, report.cost_usd) == (2, 20, 5.0)


def test_a_sum_counts_what_comes_several_times_once() -> None:
    pick = 'tokens_in = { when = { type = "u" }, path = "n", take = "sum", once = "m.id" }'
    reader = _reader(f'format = "jsonl"\n[x.picks]\n{pick}')
    events = [{"type": "u", "n": n, "m": {"id": name}} for n, name in ((5, "a"), (5, "a"), (7, "b"), (5, "a"), (1, None))]
    reader.feed(_lines(*events))
    half = json.dumps({"type": "u", "n": 3, "m": {"id": "c"}}).encode()
    reader.feed(half)
    assert reader.used().tokens_in == 13
    for _ in range(2):
        assert reader.report(None, exit_code=0, now=NOW).tokens_in == 16, "asking changes nothing"
    reader.feed(b"\n")
    assert reader.used().tokens_in == 16


def test_claude_tells_what_it_uses_while_it_runs() -> None:
    reader = StreamReader(shipped_rules("claude"))
    message = {"type": "assistant", "message": {"id": "m1", "usage": {"input_tokens": 900, "output_tokens": 7}, "content": []}}
    reader.feed(_lines(message, message))
    assert (reader.used().tokens_in, reader.used().tokens_out) == (900, 7)
    reader.feed(
        _lines({"type": "result", "subtype": "success", "usage": {"input_tokens": 1000, "output_tokens": 20}, "total_cost_usd": 0.5})
    )
    assert (reader.used().tokens_in, reader.used().tokens_out, reader.used().cost_usd) == (1000, 20, 0.5)


_RETRY = {"type": "system", "subtype": "api_retry", "error_status": 429, "error": "rate_limit"}
_WORK = {"type": "assistant", "message": {"content": [{"type": "tool_use", "name": "Bash", "input": {"command": "ls"}}]}}


@pytest.mark.parametrize(
    ("agent", "events", "stderr", "trouble"),
    [
        ("claude", [_WORK, _RETRY], b"", FailureClass.RATE_LIMIT),
        ("claude", [_RETRY, _WORK], b"", None),
        ("claude", [{**_RETRY, "error": "authentication_failed"}], b"", FailureClass.AUTHENTICATION),
        ("gemini", [], b"Attempt 1 failed with status 429. Retrying with backoff...\n", FailureClass.RATE_LIMIT),
        ("gemini", [], b"YOLO mode is enabled.\n", None),
        ("codex", [{"type": "error", "message": "Reconnecting... 2/5 (stream disconnected before completion)"}], b"", FailureClass.NETWORK),
        ("pi", [{"type": "auto_retry_start", "errorMessage": "Connection error."}], b"", FailureClass.NETWORK),
        ("opencode", [], b"ERROR service=llm error=Too Many Requests\n", FailureClass.RATE_LIMIT),
    ],
)
def test_what_an_agent_tries_to_get_over(agent: str, events: list[Any], stderr: bytes, trouble: FailureClass | None) -> None:
    reader = StreamReader(shipped_rules(agent))
    reader.feed(_lines(*events))
    reader.feed_errors(stderr)
    assert reader.report(None, exit_code=None, now=NOW).trouble is trouble


def test_an_error_that_stands_on_standard_error_alone_has_its_class() -> None:
    reader = StreamReader(shipped_rules("codex"))
    reader.feed_errors(b"ERROR: 401 Unauthorized: please run codex login\n")
    assert reader.report(None, exit_code=1, now=NOW).failure is FailureClass.AUTHENTICATION
