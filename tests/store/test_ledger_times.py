"""Every time of a ledger has its offset: one that has none is refused, with the path of it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from autobuilds.errors import CorruptLedger
from autobuilds.store import ledger as store
from tests.store.ledgers import full

_TIME = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?)(?:Z|[+-]\d\d:\d\d)")


def times(value: Any, path: str = "$") -> Iterator[tuple[str, Any, Any]]:
    for key, inner in value.items() if isinstance(value, dict) else enumerate(value):
        below = f"{path}.{key}" if isinstance(value, dict) else f"{path}[{key}]"
        if isinstance(inner, dict | list):
            yield from times(inner, below)
        elif isinstance(inner, str) and _TIME.fullmatch(inner):
            yield below, value, key


CHECKED = {"created", "updated", "retry_at", "reviewed", "started", "ended", "at", "since", "until"}
PLACES = [path for path, _, key in times(json.loads(store.dumps(full()))) if key in CHECKED]


@pytest.mark.parametrize("place", PLACES)
def test_a_time_without_an_offset_is_refused(tmp_path: Path, place: str) -> None:
    data = json.loads(store.dumps(full()))
    holder, key = next((holder, key) for path, holder, key in times(data) if path == place)
    holder[key] = _TIME.fullmatch(holder[key])[1]  # type: ignore[index]
    (tmp_path / "active.json").write_text(json.dumps(data))
    with pytest.raises(CorruptLedger, match="offset") as told:
        store.read_ledger(tmp_path / "active.json")
    assert place.removeprefix("$") in str(told.value)


def test_many_sorts_of_times_are_looked_at() -> None:
    assert {re.sub(r"\[\d+\]", "", place).rpartition(".")[2] for place in PLACES} >= {
        "created",
        "updated",
        "started",
        "ended",
        "at",
        "since",
    }
