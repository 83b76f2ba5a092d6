"""Google's generateContent."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from tests.agents.stub_model.talk import TOKENS_IN, TOKENS_OUT, Call, Entry, Fault, Say, Talk, texts, tool_of

_USAGE = {"promptTokenCount": TOKENS_IN, "candidatesTokenCount": TOKENS_OUT, "totalTokenCount": TOKENS_IN + TOKENS_OUT}
_WORDS = {401: "UNAUTHENTICATED", 429: "RESOURCE_EXHAUSTED"}


def read(body: Mapping[str, Any], path: str) -> Talk:
    """Return a request as a talk; the model and the way of answering stand in the address."""
    entries = [Entry(text=texts((body.get("systemInstruction") or {}).get("parts")))]
    for content in body.get("contents") or ():
        for part in content.get("parts") or ():
            answer = part.get("functionResponse")
            entries.append(Entry(text=str(answer.get("response")) if answer else texts(part), result=bool(answer)))
    offered = [f for t in body.get("tools") or () for f in t.get("functionDeclarations") or ()]
    config = body.get("generationConfig") or {}
    return Talk(
        entries=tuple(entries),
        tools=tuple(tool_of(f.get("name"), f.get("parametersJsonSchema") or f.get("parameters")) for f in offered),
        stream="streamGenerateContent" in path,
        model=path.rpartition("/")[2].partition(":")[0],
        shaped=bool(config.get("responseJsonSchema") or config.get("responseSchema")),
    )


def whole(talk: Talk, reply: Say | Call) -> dict[str, Any]:
    """Return the answer in one piece."""
    if isinstance(reply, Call):
        part: dict[str, Any] = {"functionCall": {"name": reply.tool.name, "args": dict(reply.arguments)}}
    else:
        part = {"text": reply.text}
    finish = "SAFETY" if isinstance(reply, Say) and reply.refusal else "STOP"
    candidate = {"content": {"role": "model", "parts": [part]}, "finishReason": finish, "index": 0}
    return {"candidates": [candidate], "usageMetadata": _USAGE, "modelVersion": talk.model, "responseId": "stub"}


def pieces(talk: Talk, reply: Say | Call) -> Iterator[tuple[str | None, Any]]:
    """Yield the answer as the events of a stream."""
    yield None, whole(talk, reply)


def fault(reply: Fault) -> dict[str, Any]:
    """Return an error as the service words it."""
    return {"error": {"code": reply.status, "message": reply.message, "status": _WORDS.get(reply.status, "INTERNAL")}}
