"""Fetching over TLS: what an address may do to us, and what not."""

from __future__ import annotations

import time

import pytest

from autobuilds.adapters.calendar import fetching
from autobuilds.adapters.calendar.fetching import FetchFailed, fetch
from tests.adapters.calendar.texts import calendar, event
from tests.adapters.calendar.tls import Page, Web

CAL = calendar(event(":20260324T100000Z", "DURATION:PT1H"))


def _why(address: str, seconds: float = 5.0) -> str:
    with pytest.raises(FetchFailed) as failed:
        fetch(address, seconds=seconds)()
    assert "localhost" not in str(failed.value) and "secret" not in str(failed.value)
    return str(failed.value)


def test_a_calendar_is_fetched_and_asked_for_changes_alone(web: Web) -> None:
    web.pages["/cal.ics"] = Page(CAL, headers={"ETag": '"7"', "Last-Modified": "Tue, 24 Mar 2026 10:00:00 GMT"})
    first = fetch(web.address())()
    assert (first.data, first.etag, first.modified) == (CAL, '"7"', "Tue, 24 Mar 2026 10:00:00 GMT")
    again = fetch(web.address(), etag=first.etag, modified=first.modified)()
    assert (again.data, again.etag) == (None, '"7"')
    assert web.asked[-1][1]["If-None-Match"] == '"7"' and "If-Modified-Since" not in web.asked[-1][1]


def test_a_redirection_is_followed_to_https_alone(web: Web) -> None:
    web.pages["/cal.ics"] = Page(CAL)
    web.pages["/moved"] = Page(status=302, headers={"Location": web.address()})
    assert fetch(web.address("/moved"))().data == CAL
    for target in (web.address().replace("https", "http"), "ftp://localhost/x"):
        web.pages["/away"] = Page(status=301, headers={"Location": target})
        assert _why(web.address("/away")) == "it leads to an address that is not https"
    web.pages["/away"] = Page(status=301, headers={"Location": "file:///etc/passwd"})
    assert _why(web.address("/away")) == "it answered with status 301"
    web.pages["/circle"] = Page(status=302, headers={"Location": web.address("/circle")})
    assert "302" in _why(web.address("/circle"))


def test_what_is_no_calendar_is_refused(web: Web) -> None:
    web.pages |= {
        "/login": Page(b"<html>Sign in: secret</html>"),
        "/half": Page(CAL[:-20]),
        "/none": Page(b""),
        "/broken": Page(status=500),
    }
    assert _why(web.address("/login")) == "what it answered is no use: it is no calendar (it does not begin with BEGIN:VCALENDAR)"
    assert _why(web.address("/half")) == "what it answered is no use: it ends in the middle (without END:VCALENDAR)"
    assert _why(web.address("/none")) == "what it answered is no use: it is empty"
    assert _why(web.address("/broken")) == "it answered with status 500"
    assert _why(web.address("/gone")) == "it answered with status 404"


def test_size_and_time_have_an_end(web: Web, monkeypatch: pytest.MonkeyPatch) -> None:
    web.pages["/slow"] = Page(drip=0.02)
    began = time.monotonic()
    assert _why(web.address("/slow"), 0.3) == "it did not end within 0.3 s"
    assert time.monotonic() - began < 5
    monkeypatch.setattr(fetching, "LIMIT", 10)
    web.pages["/cal.ics"] = Page(CAL)
    assert _why(web.address()).startswith("it is longer than ")


def test_who_never_answers_is_left_alone(web: Web, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fetching, "_asked", lambda *_: time.sleep(30))
    monkeypatch.setattr(fetching, "_GRACE", 0.0)
    assert _why(web.address(), 0.1) == "no answer within 0.1 s"


def test_a_certificate_that_nobody_vouches_for_does_not_count(web: Web, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SSL_CERT_FILE")
    web.pages["/cal.ics"] = Page(CAL)
    assert _why(web.address()).startswith("its certificate does not count (")
    assert web.asked == []


def test_nothing_but_https_is_asked(web: Web) -> None:
    assert _why(web.address().replace("https", "http")) == "it is not https"
    assert _why("https://localhost:1/cal.ics") == "Connection refused"
    assert _why("https://localhost:bad/") == "InvalidURL"
