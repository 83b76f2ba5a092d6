"""OpenAI's chat completions."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from typing import Any

from tests.agents.stub_model.talk import TOKENS_IN, TOKENS_OUT, Call, Entry, Fault, Say, Talk, texts, tool_of

_USAGE = {"prompt_tokens": TOKENS_IN, "completion_tokens": TOKENS_OUT, "total_tokens": TOKENS_IN + TOKENS_OUT}


def read(body: Mapping[str, Any], path: str) -> Talk:
    """Return a request as a talk."""
    tools = [t.get("function") or t for t in body.get("tools") or ()]
    return Talk(
        entries=tuple(Entry(text=texts(m.get("content")), result=m.get("role") == "tool") for m in body.get("messages") or ()),
        tools=tuple(tool_of(t.get("name"), t.get("parameters")) for t in tools),
        stream=bool(body.get("stream")),
        model=str(body.get("model")),
        shaped=(body.get("response_format") or {}).get("type") in {"json_schema", "json_object"},
    )


def whole(talk: Talk, reply: Say | Call) -> dict[str, Any]:
    """Return the answer in one piece."""
    message: dict[str, Any] = {"role": "assistant", "content": None}
    if isinstance(reply, Call):
        message["tool_calls"] = [{"id": reply.id, "type": "function", "function": {"name": reply.tool.name, "arguments": reply.json}}]
    else:
        message["content"] = reply.text
        message["refusal"] = reply.text if reply.refusal else None
    choice = {"index": 0, "message": message, "finish_reason": _finish(reply), "logprobs": None}
    return {**_head(talk, "chat.completion"), "choices": [choice], "usage": _USAGE}


def pieces(talk: Talk, reply: Say | Call) -> Iterator[tuple[str | None, Any]]:
    """Yield the answer as the events of a stream."""
    head = _head(talk, "chat.completion.chunk")
    if isinstance(reply, Call):
        function = {"name": reply.tool.name, "arguments": reply.json}
        deltas: list[dict[str, Any]] = [{"tool_calls": [{"index": 0, "id": reply.id, "type": "function", "function": function}]}]
    else:
        middle = len(reply.text) // 2
        deltas = [{"content": reply.text[:middle]}, {"content": reply.text[middle:]}]
    for delta in ({"role": "assistant", "content": ""}, *deltas):
        yield None, {**head, "choices": [{"index": 0, "delta": delta, "finish_reason": None}]}
    yield None, {**head, "choices": [{"index": 0, "delta": {}, "finish_reason": _finish(reply)}], "usage": _USAGE}
    yield None, "[DONE]"


def fault(reply: Fault) -> dict[str, Any]:
    """Return an error as the service words it."""
    return {"error": {"message": reply.message, "type": reply.kind, "param": None, "code": reply.kind}}


def _head(talk: Talk, kind: str) -> dict[str, Any]:
    return {"id": "chatcmpl-stub", "object": kind, "created": int(time.time()), "model": talk.model}


def _finish(reply: Say | Call) -> str:
    if isinstance(reply, Call):
        return "tool_calls"
    return "content_filter" if reply.refusal else "stop"
