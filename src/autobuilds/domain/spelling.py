"""Suggestions for words that a person may have meant."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

#: Words that are equally near, of which no more are named.
_NAMED = 3


def nearest(word: str, known: Iterable[str]) -> str | None:
    """Return the known word that `word` was most likely meant to be, or None if none is near; case does not count."""
    found = near(word, known)
    return found[0] if found else None


def near(word: str, known: Iterable[str]) -> tuple[str, ...]:
    """Return the known words that `word` was most likely meant to be: those fewest slips away, at most three; case does not count.

    Where none is a few slips away, the one that is most alike, as a word cut short is to the whole; empty if none is.
    """
    folded = {_folded(k): k for k in known}
    wanted = _folded(word)[:100]
    least = min(len(wanted) // 3, 3) if len(wanted) > 5 else int(len(wanted) > 1)
    found: list[str] = []
    for candidate in folded:
        number = slips(wanted, candidate, least)
        if number is not None:
            if number < least:
                least, found = number, []
            found.append(candidate)
    if not found:
        from difflib import get_close_matches

        found = get_close_matches(wanted, list(folded), n=1, cutoff=0.6)
    # Letters in another order are the likelier slip than letters that are missing or others.
    found.sort(key=lambda candidate: sorted(candidate) != sorted(wanted))
    return tuple(folded[candidate] for candidate in found[:_NAMED])


def _folded(word: str) -> str:
    return " ".join(word.split()).casefold()


def slips(one: str, other: str, most: int) -> int | None:
    """Return how many letters are missing, too many, others or swapped with the next between two words; None for more than `most`."""
    if abs(len(one) - len(other)) > most:
        return None
    before: list[int] = []
    row = list(range(len(other) + 1))
    for i, letter in enumerate(one, 1):
        above, before, row = before, row, [i]
        for j, against in enumerate(other, 1):
            cost = min(before[j] + 1, row[j - 1] + 1, before[j - 1] + (letter != against))
            if i > 1 and j > 1 and letter == other[j - 2] and one[i - 2] == against:
                cost = min(cost, above[j - 2] + 1)
            row.append(cost)
        if min(row) > most and min(before) > most:
            return None
    return row[-1] if row[-1] <= most else None


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Return ` (did you mean "High"?)` to end a message with, or an empty text if nothing is near."""
    found = near(word, known)
    return f" (did you mean {either(found)}?)" if found else ""


def either(words: Sequence[str]) -> str:
    """Return words in double quotes as a choice: `"a"`, `"a" or "b"`, `"a", "b" or "c"`."""
    shown = [f'"{word}"' for word in words]
    return " or ".join([", ".join(shown[:-1]), shown[-1]] if len(shown) > 1 else shown)


def quoted(text: str, limit: int = 60) -> str:
    """Return a person's text in double quotes for a message: on one line, control characters as `?`, cut at `limit` characters."""
    line = "".join(c if c.isprintable() else "?" for c in " ".join(text.split()))
    return f'"{line[: limit - 1]}…"' if len(line) > limit else f'"{line}"'
