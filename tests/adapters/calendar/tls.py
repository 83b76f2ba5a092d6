"""A web server with TLS on this machine: the test says what each path answers, and sees what it was asked."""

from __future__ import annotations

import ssl
import subprocess
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from tempfile import mkdtemp


@dataclass
class Page:
    """What a path answers: `drip` sends it a byte at a time, `drip` seconds apart, until the other side leaves."""

    body: bytes = b""
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    drip: float = 0.0


@dataclass
class Web:
    """The pages by path, and the requests that came: path and headers."""

    port: int
    certificate: Path
    pages: dict[str, Page] = field(default_factory=dict)
    asked: list[tuple[str, dict[str, str]]] = field(default_factory=list)

    def address(self, path: str = "/cal.ics") -> str:
        return f"https://localhost:{self.port}{path}"


@cache
def certificate() -> tuple[Path, Path]:
    """Return a certificate for localhost, made once for all tests of a process, and its key."""
    folder = Path(mkdtemp(prefix="autobuilds-tls-"))
    found, key = folder / "certificate.pem", folder / "key.pem"
    new = ("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "3650")
    who = ("-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost")
    subprocess.run(["openssl", *new, *who, "-keyout", key, "-out", found], check=True, capture_output=True)
    return found, key


@contextmanager
def serving() -> Iterator[Web]:
    """Serve until the end of the block."""
    found, key = certificate()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            web.asked.append((self.path, dict(self.headers)))
            page = web.pages.get(self.path, Page(status=404))
            known = page.headers.get("ETag")
            status = 304 if known and self.headers.get("If-None-Match") == known else page.status
            self.send_response(status)
            for name, value in page.headers.items():
                self.send_header(name, value)
            self.end_headers()
            if status == 304:
                return
            try:
                if not page.drip:
                    self.wfile.write(page.body)
                while page.drip:
                    self.wfile.write(b"B")
                    self.wfile.flush()
                    time.sleep(page.drip)
            except OSError:
                return

        def log_message(self, *_: object) -> None:
            return

    class Server(ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, *_: object) -> None:
            return

    server = Server(("127.0.0.1", 0), Handler)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(found, key)
    server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    web = Web(server.server_address[1], found)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield web
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
