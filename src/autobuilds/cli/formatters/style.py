"""How a terminal answer looks: colours or none, and how wide it may be."""

from __future__ import annotations

from autobuilds.records import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Style:
    """Colours are a word's second sign, never its only one; `width` is in terminal cells."""

    colour: bool = False
    width: int = 80

    def _paint(self, code: str, text: str) -> str:
        return f"\x1b[{code}m{text}\x1b[0m" if self.colour and text else text

    def bold(self, text: str) -> str:
        """Return the text as a heading or a name."""
        return self._paint("1", text)

    def dim(self, text: str) -> str:
        """Return the text as a remark."""
        return self._paint("2", text)

    def good(self, text: str) -> str:
        """Return the text as something that is well."""
        return self._paint("32", text)

    def warn(self, text: str) -> str:
        """Return the text as something that waits."""
        return self._paint("33", text)

    def bad(self, text: str) -> str:
        """Return the text as something that needs the owner."""
        return self._paint("31", text)

    def verdict(self, word: str) -> str:
        """Return `go`, `wait` or `ask` in its colour."""
        return {"go": self.good, "wait": self.warn, "ask": self.bad}.get(word, self.bold)(word)
