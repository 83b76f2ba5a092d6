"""Fetching a calendar from its address: over TLS alone, with a limit of size and of time, whatever the other side does."""

from __future__ import annotations

import ssl
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from http.client import HTTPException, HTTPMessage
from typing import IO

from autobuilds import __version__
from autobuilds.adapters.calendar.sources import LIMIT, complete
from autobuilds.records import dataclass

#: Seconds in which an address must have answered, and all of it be here.
SECONDS = 10.0
#: Seconds that the thread is given on top, so that it can say itself what took so long.
_GRACE = 0.5
_PART = 64 * 1024
_ACCEPT = "text/calendar, */*;q=0.1"


class FetchFailed(Exception):
    """An address did not answer with a calendar; the message says why, without the address."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fetched:
    """What an address answered: `data` None where nothing changed since; what it gave to ask for changes by."""

    data: bytes | None
    etag: str = ""
    modified: str = ""


class _Secure(urllib.request.HTTPRedirectHandler):
    """Follows a redirection to another https address alone."""

    def redirect_request(
        self, req: urllib.request.Request, fp: IO[bytes], code: int, msg: str, headers: HTTPMessage, newurl: str
    ) -> urllib.request.Request | None:
        if not newurl.casefold().startswith("https://"):
            fp.close()
            raise FetchFailed("it leads to an address that is not https")
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def fetch(address: str, *, etag: str = "", modified: str = "", seconds: float = SECONDS) -> Callable[[], Fetched]:
    """Begin to ask an https address and return what waits for its answer, which raises FetchFailed.

    The work is done in a thread that is left alone when the time is over: looking up a name knows no limit of its own.
    """
    answers: list[Fetched | FetchFailed] = []
    ends = time.monotonic() + seconds

    def work() -> None:
        try:
            answers.append(_asked(address, etag, modified, seconds))
        except FetchFailed as failure:
            answers.append(failure)
        except (OSError, HTTPException, ValueError) as error:
            answers.append(FetchFailed(_why(error)))

    thread = threading.Thread(target=work, name="calendar", daemon=True)
    thread.start()

    def waited() -> Fetched:
        thread.join(max(0.0, ends + _GRACE - time.monotonic()))
        found = answers[0] if answers else FetchFailed(f"no answer within {seconds:g} s")
        if isinstance(found, FetchFailed):
            raise found
        return found

    return waited


def _asked(address: str, etag: str, modified: str, seconds: float) -> Fetched:
    if not address.casefold().startswith("https://"):
        raise FetchFailed("it is not https")
    headers = {"User-Agent": f"autobuilds/{__version__}", "Accept": _ACCEPT}
    headers |= {"If-None-Match": etag} if etag else {}
    headers |= {"If-Modified-Since": modified} if modified and not etag else {}
    secure = urllib.request.HTTPSHandler(context=ssl.create_default_context())
    opener = urllib.request.OpenerDirector()
    proxies = urllib.request.ProxyHandler()
    for handler in (proxies, secure, _Secure(), urllib.request.HTTPDefaultErrorHandler(), urllib.request.HTTPErrorProcessor()):
        opener.add_handler(handler)
    ends = time.monotonic() + seconds
    try:
        with opener.open(urllib.request.Request(address, headers=headers), timeout=seconds) as answer:  # noqa: S310 - https alone, see above
            data = _read(answer, ends, seconds)
            found = Fetched(data=data, etag=answer.headers.get("ETag", ""), modified=answer.headers.get("Last-Modified", ""))
    except urllib.error.HTTPError as error:
        error.close()
        if error.code == 304 and (etag or modified):
            return Fetched(data=None, etag=etag, modified=modified)
        raise FetchFailed(f"it answered with status {error.code}") from error
    if (why := complete(data)) is not None:
        raise FetchFailed(f"what it answered is no use: {why}")
    return found


def _read(answer: IO[bytes], ends: float, seconds: float) -> bytes:
    parts: list[bytes] = []
    size = 0
    while part := answer.read1(_PART):  # type: ignore[attr-defined]
        parts.append(part)
        size += len(part)
        if size > LIMIT:
            raise FetchFailed(f"it is longer than {LIMIT // 1024**2} MiB")
        if time.monotonic() > ends:
            raise FetchFailed(f"it did not end within {seconds:g} s")
    return b"".join(parts)


def _why(error: Exception) -> str:
    reason = getattr(error, "reason", None) or error
    if isinstance(reason, ssl.SSLCertVerificationError):
        return f"its certificate does not count ({reason.verify_message})"
    if isinstance(reason, TimeoutError):
        return "no answer in time"
    if isinstance(reason, OSError):
        return reason.strerror or type(reason).__name__
    return type(error).__name__
