"""Anthropic's messages."""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Mapping
from typing import Any

from tests.agents.stub_model.talk import TOKENS_IN, TOKENS_OUT, Call, Entry, Fault, Say, Talk, texts, tool_of

_USAGE = {"input_tokens": TOKENS_IN, "output_tokens": TOKENS_OUT, "cache_creation_input_tokens": 0, "cache_read_input_tokens": 0}


def read(body: Mapping[str, Any], path: str) -> Talk:
    """Return a request as a talk."""
    entries = [Entry(text=texts(body.get("system") or ""))]
    for message in body.get("messages") or ():
        content = message.get("content")
        parts = content if isinstance(content, list) else [{"type": "text", "text": content}]
        entries += [Entry(text=texts(part), result=part.get("type") == "tool_result") for part in parts]
    return Talk(
        entries=tuple(entries),
        tools=tuple(tool_of(t.get("name"), t.get("input_schema")) for t in body.get("tools") or ()),
        stream=bool(body.get("stream")),
        model=str(body.get("model")),
        shaped=bool(body.get("output_format") or (body.get("output_config") or {}).get("format")),
    )


def whole(talk: Talk, reply: Say | Call) -> dict[str, Any]:
    """Return the answer in one piece."""
    return {**_head(talk), "content": [_block(reply)], "stop_reason": _reason(reply), "usage": _USAGE}


def pieces(talk: Talk, reply: Say | Call) -> Iterator[tuple[str | None, Any]]:
    """Yield the answer as the events of a stream."""
    empty = {**_block(reply), "input": {}} if isinstance(reply, Call) else {"type": "text", "text": ""}
    delta = (
        {"type": "input_json_delta", "partial_json": reply.json} if isinstance(reply, Call) else {"type": "text_delta", "text": reply.text}
    )
    for event in (
        {"type": "message_start", "message": {**_head(talk), "usage": {**_USAGE, "output_tokens": 1}}},
        {"type": "content_block_start", "index": 0, "content_block": empty},
        {"type": "ping"},
        {"type": "content_block_delta", "index": 0, "delta": delta},
        {"type": "content_block_stop", "index": 0},
        {"type": "message_delta", "delta": {"stop_reason": _reason(reply), "stop_sequence": None}, "usage": _USAGE},
        {"type": "message_stop"},
    ):
        yield str(event["type"]), event


def fault(reply: Fault) -> dict[str, Any]:
    """Return an error as the service words it."""
    return {"type": "error", "error": {"type": reply.kind, "message": reply.message}, "request_id": "req_stub"}


def _head(talk: Talk) -> dict[str, Any]:
    ident = f"msg_{secrets.token_hex(8)}"
    plain = {"id": ident, "type": "message", "role": "assistant", "model": talk.model, "content": []}
    return {**plain, "stop_reason": None, "stop_sequence": None}


def _block(reply: Say | Call) -> dict[str, Any]:
    if isinstance(reply, Call):
        return {"type": "tool_use", "id": reply.id.replace("call_", "toolu_"), "name": reply.tool.name, "input": dict(reply.arguments)}
    return {"type": "text", "text": reply.text}


def _reason(reply: Say | Call) -> str:
    if isinstance(reply, Call):
        return "tool_use"
    return "refusal" if reply.refusal else "end_turn"
