"""Suggestions for words that a person may have meant."""

from __future__ import annotations

from collections.abc import Iterable


def nearest(word: str, known: Iterable[str]) -> str | None:
    """Return the known word that `word` was most likely meant to be, or None if none is near; case does not count."""
    from difflib import get_close_matches

    folded = {" ".join(k.split()).casefold(): k for k in known}
    found = get_close_matches(" ".join(word.split()).casefold()[:100], list(folded), n=1, cutoff=0.6)
    return folded[found[0]] if found else None


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Return ` (did you mean "High"?)` to end a message with, or an empty text if nothing is near."""
    near = nearest(word, known)
    return "" if near is None else f' (did you mean "{near}"?)'


def quoted(text: str, limit: int = 60) -> str:
    """Return a person's text in double quotes for a message: on one line, control characters as `?`, cut at `limit` characters."""
    line = "".join(c if c.isprintable() else "?" for c in " ".join(text.split()))
    return f'"{line[: limit - 1]}…"' if len(line) > limit else f'"{line}"'
