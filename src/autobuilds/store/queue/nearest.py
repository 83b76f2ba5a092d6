"""The name that was probably meant, for the first so many that ask: every look goes through all the names there are."""

from __future__ import annotations

from collections.abc import Collection

#: How many are looked for in one file; who has more wrong names than that finds the rest when these are mended.
MOST = 10


class Nearest:
    """Names of one file to choose from; those alike by less than `cutoff` (0 to 1) are not suggested."""

    def __init__(self, names: Collection[str], cutoff: float) -> None:
        self._names = names
        self._cutoff = cutoff
        self._left = MOST

    def to(self, name: str) -> str | None:
        """Return the name that is most alike, or None."""
        if not self._left:
            return None
        self._left -= 1
        from difflib import get_close_matches

        return next(iter(get_close_matches(name, self._names, 1, self._cutoff)), None)
