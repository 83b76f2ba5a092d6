"""What the four dialects have in common: a conversation with tools, and what the model answers."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One piece of a conversation: a text of whatever role, or the result of a tool."""

    text: str
    result: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Tool:
    """One tool on offer; `namespace` is Codex's group that a call must name too."""

    name: str
    properties: Mapping[str, Any] = field(default_factory=dict)
    required: tuple[str, ...] = ()
    namespace: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Talk:
    """A request in no dialect; `shaped` means that an answer in a JSON form of the asker's own is wanted."""

    entries: tuple[Entry, ...]
    tools: tuple[Tool, ...] = ()
    stream: bool = False
    model: str = "stub-model"
    shaped: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Say:
    """The model's last word in a turn."""

    text: str
    refusal: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """A tool call."""

    id: str
    tool: Tool
    arguments: Mapping[str, Any]

    @property
    def json(self) -> str:
        """The arguments as the dialects of OpenAI carry them."""
        return json.dumps(self.arguments)


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """An HTTP error in place of an answer."""

    status: int
    kind: str
    message: str
    retry_after: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Silence:
    """No answer at all: the connection stays open."""


Reply = Say | Call | Fault | Silence
#: What every answer is said to have cost, in tokens.
TOKENS_IN, TOKENS_OUT = 1200, 34


def texts(content: Any) -> str:
    """Return all text in a message's content, which is a text, a part or a list of parts in every dialect."""
    if isinstance(content, str):
        return content
    if isinstance(content, list):
        return "\n".join(texts(part) for part in content)
    if isinstance(content, Mapping):
        return texts(content.get("text") or content.get("content") or content.get("output") or "")
    return ""


def tool_of(name: Any, schema: Any, namespace: str | None = None) -> Tool:
    """Return a tool from its name and JSON schema."""
    shape = schema if isinstance(schema, Mapping) else {}
    return Tool(name=str(name), properties=shape.get("properties") or {}, required=tuple(shape.get("required") or ()), namespace=namespace)
