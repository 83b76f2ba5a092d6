"""The server: one thread for each request, a port of its own on the loopback, everything that came in kept."""

from __future__ import annotations

import gzip
import json
import socket
import threading
import zlib
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import ModuleType, TracebackType
from typing import Any, Self

from tests.agents.stub_model import chat, gemini, messages, responses
from tests.agents.stub_model.scripts import found, reply
from tests.agents.stub_model.talk import TOKENS_IN, Fault, Silence, Talk

_MODELS = {"object": "list", "data": [{"id": "stub-model", "object": "model", "type": "model", "owned_by": "stub"}], "models": []}


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """One request as it came in."""

    method: str
    path: str
    headers: dict[str, str]
    body: str
    #: What was answered: an HTTP status, 0 for silence.
    status: int = 0
    #: The marker that was found in it.
    marker: str | None = None


@dataclass(slots=True)
class StubModel:
    """A model service on the loopback; a context manager."""

    seen: list[Seen] = field(default_factory=list)
    #: Markers of scenarios without an end that end from now on.
    let_go: dict[str, int | None] = field(default_factory=dict)
    _asked: Counter[str] = field(default_factory=Counter)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _over: threading.Event = field(default_factory=threading.Event)
    _server: ThreadingHTTPServer | None = None
    _thread: threading.Thread | None = None

    def __enter__(self) -> Self:
        stub = self

        class Bound(_Handler):
            model = stub

        self._server = _Server(("127.0.0.1", 0), Bound)
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._over.set()
        assert self._server is not None
        assert self._thread is not None
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    @property
    def port(self) -> int:
        """The port that it listens on."""
        assert self._server is not None
        return int(self._server.server_address[1])

    @property
    def url(self) -> str:
        """Its address without a path."""
        return f"http://127.0.0.1:{self.port}"

    def asked(self, word: str) -> list[Seen]:
        """Return the requests that carried a marker."""
        with self._lock:
            return [s for s in self.seen if s.marker == word]

    def everything(self) -> str:
        """Return all that was ever received as one text, to be searched for what must not be in it."""
        with self._lock:
            return "\n".join(f"{s.method} {s.path}\n{s.headers}\n{s.body}" for s in self.seen)

    def count(self, word: str) -> int:
        """Return how often a marker was asked about, this time included."""
        with self._lock:
            self._asked[word] += 1
            return self._asked[word]

    def keep(self, seen: Seen) -> None:
        """Note a request."""
        with self._lock:
            self.seen.append(seen)

    def wait_for_the_end(self) -> None:
        """Return when the server stops: how a request is never answered."""
        self._over.wait(3600)


def dead_port() -> int:
    """Return a port on which nothing listens."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        return int(held.getsockname()[1])


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False

    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing: a client that is killed breaks its connections."""


class _Handler(BaseHTTPRequestHandler):
    model: StubModel
    protocol_version = "HTTP/1.1"

    def log_message(self, *args: object) -> None:
        """Keep standard error clean."""

    def do_HEAD(self) -> None:
        self.model.keep(self._seen("", 200, None))
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def do_GET(self) -> None:
        models = self.path.partition("?")[0].rstrip("/").endswith("/models")
        self.model.keep(self._seen("", 200 if models else 404, None))
        self._json(200 if models else 404, _MODELS if models else {"error": {"message": "the stub has no such page"}})

    def do_POST(self) -> None:
        raw = self._raw()
        try:
            body = json.loads(raw)
        except ValueError:
            body = None
        dialect = _dialect(self.path)
        if not isinstance(body, dict):
            self.model.keep(self._seen(raw.decode("utf-8", "replace"), 400, None))
            return self._json(400, {"error": {"message": "no JSON"}})
        if dialect is None:
            return self._count_tokens(raw)
        self._answer(dialect, dialect.read(body, self.path), raw.decode("utf-8", "replace"))
        return None

    def _count_tokens(self, raw: bytes) -> None:
        known = "count" in self.path.casefold()
        self.model.keep(self._seen(raw.decode("utf-8", "replace"), 200 if known else 404, None))
        self._json(200 if known else 404, {"input_tokens": TOKENS_IN, "totalTokens": TOKENS_IN} if known else {"error": {"message": "no"}})

    def _answer(self, dialect: ModuleType, talk: Talk, raw: str) -> None:
        what = found(talk)
        answer = reply(talk, self.model.count, self.model.let_go)
        status = answer.status if isinstance(answer, Fault) else 0 if isinstance(answer, Silence) else 200
        self.model.keep(self._seen(raw, status, what[1] if what else None))
        if isinstance(answer, Silence):
            self.model.wait_for_the_end()
            self.close_connection = True
        elif isinstance(answer, Fault):
            after = {} if answer.retry_after is None else {"Retry-After": str(answer.retry_after)}
            self._json(answer.status, dialect.fault(answer), after)
        elif talk.stream:
            self._stream(dialect.pieces(talk, answer))
        else:
            self._json(200, dialect.whole(talk, answer))

    def _raw(self) -> bytes:
        if self.headers.get("Transfer-Encoding", "").casefold() == "chunked":
            parts = []
            while size := int(self.rfile.readline().split(b";")[0] or b"0", 16):
                parts.append(self.rfile.read(size))
                self.rfile.readline()
            self.rfile.readline()
            raw = b"".join(parts)
        else:
            raw = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        packed = self.headers.get("Content-Encoding", "").casefold()
        return gzip.decompress(raw) if packed == "gzip" else zlib.decompress(raw) if packed == "deflate" else raw

    def _seen(self, body: str, status: int, word: str | None) -> Seen:
        headers = {k.casefold(): v for k, v in self.headers.items()}
        return Seen(method=self.command, path=self.path, headers=headers, body=body, status=status, marker=word)

    def _json(self, status: int, value: Any, headers: dict[str, str] | None = None) -> None:
        content = json.dumps(value).encode()
        with suppress(OSError):
            self.send_response(status)
            for name, text in {"Content-Type": "application/json", "Content-Length": str(len(content)), **(headers or {})}.items():
                self.send_header(name, text)
            self.end_headers()
            self.wfile.write(content)

    def _stream(self, events: Iterator[tuple[str | None, Any]]) -> None:
        with suppress(OSError):
            self.send_response(200)
            for name, text in {"Content-Type": "text/event-stream", "Cache-Control": "no-cache", "Connection": "close"}.items():
                self.send_header(name, text)
            self.end_headers()
            self.close_connection = True
            for name, event in events:
                data = event if isinstance(event, str) else json.dumps(event)
                head = f"event: {name}\n" if name else ""
                self.wfile.write(f"{head}data: {data}\n\n".encode())
                self.wfile.flush()


def _dialect(path: str) -> ModuleType | None:
    """Return the module that speaks at an address; None for those that only count."""
    plain = path.partition("?")[0].rstrip("/")
    for end, module in (
        ("/chat/completions", chat),
        ("/responses", responses),
        ("/messages", messages),
        (":generateContent", gemini),
        (":streamGenerateContent", gemini),
    ):
        if plain.endswith(end):
            return module
    return None
