"""The scripted model service answers in four dialects; what a marker says holds wherever it stands in the conversation."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from typing import Any

import pytest

from tests.agents.stub_model import CONTENT, FILE, Scenario, StubModel, dead_port, marker

_SHELL = {"type": "object", "properties": {"command": {"type": "string"}, "description": {"type": "string"}}, "required": ["command"]}
#: Dialect: path, the body for a conversation (texts of the user, then outputs of tools), where the answer's text and call stand.
_PATHS = {
    "chat": "/v1/chat/completions",
    "responses": "/v1/responses",
    "messages": "/v1/messages?beta=true",
    "gemini": "/v1beta/models/stub-model:generateContent",
}


def _body(dialect: str, texts: list[str], outputs: list[str], *, tools: bool = True) -> dict[str, Any]:
    if dialect == "chat":
        messages = [{"role": "user", "content": t} for t in texts]
        messages += [{"role": "tool", "tool_call_id": "x", "content": o} for o in outputs]
        offered = [{"type": "function", "function": {"name": "bash", "parameters": _SHELL}}]
        return {"model": "m", "messages": messages, "tools": offered if tools else []}
    if dialect == "responses":
        items: list[dict[str, Any]] = [{"type": "message", "role": "user", "content": [{"type": "input_text", "text": t}]} for t in texts]
        items += [{"type": "function_call_output", "call_id": "x", "output": o} for o in outputs]
        group = {"type": "namespace", "name": "group", "tools": [{"type": "function", "name": "shell_command", "parameters": _SHELL}]}
        return {"model": "m", "input": items, "tools": [group] if tools else []}
    if dialect == "messages":
        parts: list[dict[str, Any]] = [{"type": "text", "text": t} for t in texts]
        parts += [{"type": "tool_result", "tool_use_id": "x", "content": [{"type": "text", "text": o}]} for o in outputs]
        return {"model": "m", "messages": [{"role": "user", "content": parts}], "tools": [{"name": "Bash", "input_schema": _SHELL}]}
    pieces: list[dict[str, Any]] = [{"text": t} for t in texts]
    pieces += [{"functionResponse": {"name": "run_shell_command", "response": {"output": o}}} for o in outputs]
    declared = [{"functionDeclarations": [{"name": "run_shell_command", "parametersJsonSchema": _SHELL}]}]
    return {"contents": [{"role": "user", "parts": pieces}], "tools": declared}


def _ask(stub: StubModel, path: str, body: dict[str, Any]) -> tuple[int, str]:
    request = urllib.request.Request(f"{stub.url}{path}", json.dumps(body).encode(), {"Content-Type": "application/json"})
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read().decode()


@pytest.mark.parametrize("dialect", _PATHS)
def test_the_happy_path_calls_the_shell_and_then_ends(stub: StubModel, dialect: str) -> None:
    word = marker(Scenario.OK)
    texts = ["an environment block of the agent's own", f"Say hello. {word}", "a reminder"]
    status, first = _ask(stub, _PATHS[dialect], _body(dialect, texts, []))
    assert status == 200
    assert f"echo {CONTENT} > {FILE}" in first
    _, second = _ask(stub, _PATHS[dialect], _body(dialect, texts, [""]))
    assert "Done." in second
    assert f"> {FILE}" not in second
    assert len(stub.asked(word)) == 2


@pytest.mark.parametrize("dialect", _PATHS)
def test_faults_come_in_the_words_of_the_dialect(stub: StubModel, dialect: str) -> None:
    status, said = _ask(stub, _PATHS[dialect], _body(dialect, [marker(Scenario.AUTH)], []))
    assert (status, "invalid api key" in said) == (401, True)
    word = marker(Scenario.LIMIT_ONCE)
    assert [_ask(stub, _PATHS[dialect], _body(dialect, [word], []))[0] for _ in range(2)] == [429, 200]


@pytest.mark.parametrize(("dialect", "stop"), [("chat", "[DONE]"), ("responses", "response.completed"), ("messages", "message_stop")])
def test_an_answer_is_streamed_where_that_is_wanted(stub: StubModel, dialect: str, stop: str) -> None:
    body = {**_body(dialect, [marker(Scenario.NOOP)], []), "stream": True}
    _, said = _ask(stub, _PATHS[dialect], body)
    assert said.startswith(("data: ", "event: "))
    assert stop in said


def test_an_agent_without_tools_gets_the_file_as_a_block(stub: StubModel) -> None:
    _, said = _ask(stub, _PATHS["chat"], _body("chat", [marker(Scenario.OK)], [], tools=False))
    assert f"{FILE}\\n```\\n{CONTENT}\\n```" in said


def test_without_a_marker_the_file_that_the_prompt_names_is_read(stub: StubModel) -> None:
    texts = ["Read the file /a/prompt.md and carry out the task that it describes."]
    _, first = _ask(stub, _PATHS["chat"], _body("chat", texts, []))
    assert "cat /a/prompt.md" in first
    _, second = _ask(stub, _PATHS["chat"], _body("chat", texts, [f"the task {marker(Scenario.OK)}"]))
    assert f"> {FILE}" in second


def test_everything_that_came_in_can_be_searched(stub: StubModel) -> None:
    _ask(stub, "/v1/messages/count_tokens", {"messages": [{"role": "user", "content": "a needle"}]})
    assert "a needle" in stub.everything()
    with pytest.raises(urllib.error.URLError):
        urllib.request.urlopen(f"http://127.0.0.1:{dead_port()}", timeout=2)
