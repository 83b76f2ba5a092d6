"""Dependencies as the quick way sees them: names become labels, and what is not known there is for the thorough way."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from autobuilds.domain.labels import slugify
from autobuilds.store.queue.plain_values import Doubt


def known_labels(entries: Iterable[tuple[str, str, bool]]) -> dict[str, str]:
    """Return the labels by label and by the slug of the name, those of active tasks first; an entry is label, slug, whether active."""
    found = tuple(entries)
    known: dict[str, str] = {}
    for wanted in (True, False):
        for label, _, active in found:
            if active is wanted:
                known.setdefault(label, label)
        for label, slug, active in found:
            if active is wanted and slug:
                known.setdefault(slug, label)
    return known


def resolved(text: str, names: Sequence[str], known: dict[str, str]) -> tuple[str, ...]:
    """Return the labels that names mean; `text` is what they stand in. Raises Doubt for a name that is not known."""
    slugs = [slugify(name) for name in names]
    if not all(slug in known for slug in slugs):
        whole = known.get(slugify(text)) if "," in text else None
        if whole is None:
            raise Doubt
        return (whole,)
    return tuple(dict.fromkeys(known[slug] for slug in slugs))
