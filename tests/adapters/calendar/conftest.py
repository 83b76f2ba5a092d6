"""A web server whose certificate counts."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.adapters.calendar.tls import Web, serving


@pytest.fixture
def web(monkeypatch: pytest.MonkeyPatch) -> Iterator[Web]:
    """Return a server on this machine that is believed to be who it says."""
    with serving() as found:
        monkeypatch.setenv("SSL_CERT_FILE", str(found.certificate))
        yield found
