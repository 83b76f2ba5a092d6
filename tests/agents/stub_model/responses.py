"""OpenAI's responses."""

from __future__ import annotations

import secrets
import time
from collections.abc import Iterator, Mapping
from typing import Any

from tests.agents.stub_model.chat import fault
from tests.agents.stub_model.talk import TOKENS_IN, TOKENS_OUT, Call, Entry, Say, Talk, Tool, texts, tool_of

__all__ = ["fault", "pieces", "read", "whole"]
_USAGE = {
    "input_tokens": TOKENS_IN,
    "input_tokens_details": {"cached_tokens": 0},
    "output_tokens": TOKENS_OUT,
    "output_tokens_details": {"reasoning_tokens": 0},
    "total_tokens": TOKENS_IN + TOKENS_OUT,
}


def read(body: Mapping[str, Any], path: str) -> Talk:
    """Return a request as a talk."""
    items = body.get("input") or ()
    listed = [{"content": items}] if isinstance(items, str) else items
    entries = [Entry(text=texts(i), result=str(i.get("type")).endswith("call_output")) for i in listed if i.get("type") != "function_call"]
    shape = ((body.get("text") or {}).get("format") or {}).get("type")
    return Talk(
        entries=(Entry(text=texts(body.get("instructions") or "")), *entries),
        tools=tuple(_tools(body.get("tools") or ())),
        stream=bool(body.get("stream")),
        model=str(body.get("model")),
        shaped=shape in {"json_schema", "json_object"},
    )


def _tools(tools: Any, namespace: str | None = None) -> Iterator[Tool]:
    """Yield every tool, those that come in groups with the name of their group."""
    for tool in tools:
        if tool.get("type") == "namespace":
            yield from _tools(tool.get("tools") or (), str(tool.get("name")))
        elif tool.get("type") == "local_shell":
            yield tool_of("local_shell", {"properties": {"command": {"type": "array"}}})
        else:
            yield tool_of(tool.get("name"), tool.get("parameters"), namespace)


def whole(talk: Talk, reply: Say | Call) -> dict[str, Any]:
    """Return the answer in one piece."""
    return _response(talk, "completed", [_item(reply)])


def pieces(talk: Talk, reply: Say | Call) -> Iterator[tuple[str | None, Any]]:
    """Yield the answer as the events of a stream."""
    item = _item(reply)
    begun = _response(talk, "in_progress", [])
    events: list[dict[str, Any]] = [{"type": "response.created", "response": begun}, {"type": "response.in_progress", "response": begun}]
    if isinstance(reply, Call):
        events += [
            {"type": "response.output_item.added", "output_index": 0, "item": {**item, "arguments": "", "status": "in_progress"}},
            {"type": "response.function_call_arguments.delta", "item_id": item["id"], "output_index": 0, "delta": reply.json},
            {"type": "response.function_call_arguments.done", "item_id": item["id"], "output_index": 0, "arguments": reply.json},
        ]
    else:
        place = {"item_id": item["id"], "output_index": 0, "content_index": 0}
        part = {"type": "output_text", "text": "", "annotations": []}
        events += [
            {"type": "response.output_item.added", "output_index": 0, "item": {**item, "content": [], "status": "in_progress"}},
            {"type": "response.content_part.added", **place, "part": part},
            {"type": "response.output_text.delta", **place, "delta": reply.text},
            {"type": "response.output_text.done", **place, "text": reply.text},
            {"type": "response.content_part.done", **place, "part": {**part, "text": reply.text}},
        ]
    events += [
        {"type": "response.output_item.done", "output_index": 0, "item": item},
        {"type": "response.completed", "response": _response(talk, "completed", [item])},
    ]
    for number, event in enumerate(events):
        yield event["type"], {**event, "sequence_number": number}


def _item(reply: Say | Call) -> dict[str, Any]:
    ident = secrets.token_hex(8)
    if isinstance(reply, Call):
        group = {"namespace": reply.tool.namespace} if reply.tool.namespace else {}
        call = {"type": "function_call", "call_id": reply.id, "name": reply.tool.name, "arguments": reply.json}
        return {"id": f"fc_{ident}", "status": "completed", **call, **group}
    part = {"type": "refusal", "refusal": reply.text} if reply.refusal else {"type": "output_text", "text": reply.text, "annotations": []}
    return {"id": f"msg_{ident}", "type": "message", "status": "completed", "role": "assistant", "content": [part]}


def _response(talk: Talk, status: str, output: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "id": "resp_stub",
        "object": "response",
        "created_at": int(time.time()),
        "status": status,
        "model": talk.model,
        "output": output,
        "usage": _USAGE if status == "completed" else None,
        "error": None,
        "incomplete_details": None,
        "parallel_tool_calls": False,
        "tool_choice": "auto",
        "tools": [],
        "metadata": {},
    }
