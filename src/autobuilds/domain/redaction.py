"""Redaction: the values of secrets that an agent was given never stand in what the tool writes down. Pure."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterable, Mapping
from urllib.parse import quote

from autobuilds.domain.patterns import pattern
from autobuilds.records import dataclass

#: Names of variables that hold secrets; `PWD` is a folder.
_NAME = pattern(r"key|token|secret|passw|passphrase|credential|cookie|(?:^|_)(?:pat|psk|dsn|pin|pass|auth)(?:$|_)", re.IGNORECASE)
#: The password in an address such as `postgres://user:password@host/`.
_IN_ADDRESS = pattern(r"[a-z][a-z0-9+.-]*://[^\s/@:]*:([^\s/@]+)@", re.IGNORECASE)
#: Shorter values are words and numbers, and would be found everywhere.
_SHORTEST = 8
#: The least of a value that is recognised where the text begins in its middle.
_PIECE = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class Secret:
    """A value that may not be shown, and the variable it came from, which may."""

    name: str
    value: str

    @property
    def mark(self) -> str:
        """What stands in its place."""
        return f"[value of {self.name}]"


def secrets_of(environment: Mapping[str, str]) -> tuple[Secret, ...]:
    """Return the secrets of an environment, in every spelling in which programs print them, the longest first.

    A value of fewer than 8 characters, and one that is an absolute path, is none.
    """
    found: dict[str, str] = {}
    for name, value in environment.items():
        kept = [m[1] for m in _IN_ADDRESS.finditer(value)]
        if _NAME.search(name) and not value.startswith("/"):
            kept += [value.strip(), *(row.strip() for row in value.split("\n") if len(row.strip()) >= 2 * _SHORTEST)]
        for one in kept:
            if len(one) >= _SHORTEST:
                found.update(dict.fromkeys(_spellings(one), name))
    return tuple(Secret(name=name, value=value) for value, name in sorted(found.items(), key=lambda item: (-len(item[0]), item)))


def _spellings(value: str) -> Iterable[str]:
    yield value
    yield quote(value, safe="", errors="surrogateescape")
    yield quote(value, errors="surrogateescape")
    yield value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    yield _base64(value.encode("utf-8", "replace"))


def _base64(data: bytes) -> str:
    """Return the Base64 of some bytes, without the last characters, which depend on what follows."""
    return base64.b64encode(data).decode()[: len(data) * 8 // 6]


def redact(text: str, secrets: Iterable[Secret], *, cut: bool = False) -> str:
    """Return the text with every secret replaced by the name of its variable.

    `cut` says that the text is the end of a longer one, so that it may begin with the end of a secret. The text has to be clean
    (`domain.inert`): a character that shows nothing would hide a value.
    """
    for secret in secrets:
        if secret.value in text:
            text = text.replace(secret.value, secret.mark)
        if cut:
            length = next((n for n in range(len(secret.value) - 1, _PIECE - 1, -1) if text.startswith(secret.value[-n:])), 0)
            text = secret.mark + text[length:] if length else text
    return text


def holds(text: str, secrets: Iterable[Secret]) -> str | None:
    """Return the name of the first secret whose value stands in a text, or None."""
    return next((secret.name for secret in secrets if secret.value in text), None)
