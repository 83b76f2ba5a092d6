"""What events mean: the tables of the documentation, and what is not taken for more than it is."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autobuilds.adapters.calendar.meaning import AWAY, REMINDERS, TALK, Marks, meaning
from autobuilds.domain.day import Context

PAGE = Path(__file__).resolve().parents[3] / "docs" / "howto" / "use-your-calendar.md"


@pytest.mark.parametrize(
    ("marks", "expected"),
    [
        (Marks(summary="Weekly"), Context.WORKING),
        (Marks(summary="Weekly", status="TENTATIVE", transparency="OPAQUE", busy_status="TENTATIVE"), Context.WORKING),
        (Marks(summary="Weekly", status="cancelled"), None),
        (Marks(summary="Urlaub", transparency="transparent"), None),
        (Marks(summary="Urlaub", busy_status="free"), None),
        (Marks(summary="Büro Hamburg", busy_status="WORKINGELSEWHERE"), None),
        (Marks(summary="Nicht da", busy_status="OOF"), Context.AWAY),
        (Marks(summary="OOO: summer"), Context.AWAY),
        (Marks(summary="Out-of-Office"), Context.AWAY),
        (Marks(summary="AUSSER HAUS"), Context.AWAY),
        (Marks(summary="Zug", categories=("Dienstreise",)), Context.AWAY),
        (Marks(summary="Zug", categories=("Red Category",)), Context.WORKING),
        (Marks(summary="Urlaubsplanung"), Context.WORKING),
        (Marks(summary="Vacation planning"), Context.WORKING),
        (Marks(summary="Besprechung: Urlaub"), Context.WORKING),
        (Marks(summary="Planung", categories=("Urlaub",)), Context.AWAY),
        (Marks(summary="Messe", all_day=True), Context.AWAY),
        (Marks(summary="", all_day=True), Context.AWAY),
        (Marks(summary="Geburtstag Anna", all_day=True), None),
        (Marks(summary="Home Office", all_day=True), None),
        (Marks(summary="Home office with Anna"), Context.WORKING),
        (Marks(summary="Anna", categories=("Birthday",), all_day=True), None),
        (Marks(summary="autobuilds: sleeping"), Context.SLEEPING),
        (Marks(summary="Nap", categories=("Autobuilds:available",)), Context.AVAILABLE),
        (Marks(summary="Urlaub", categories=("autobuilds: working",), all_day=True), Context.WORKING),
        (Marks(summary="Weekend", all_day=True), Context.WEEKEND),
        (Marks(summary="sleeping policy"), Context.WORKING),
        (Marks(summary="autobuilds: partying"), Context.WORKING),
    ],
)
def test_an_event_means(marks: Marks, expected: Context | None) -> None:
    assert meaning(marks) is expected


@pytest.mark.parametrize("word", AWAY)
def test_every_word_of_the_table_takes_its_owner_away(word: str) -> None:
    assert meaning(Marks(summary=f"Olive: {word.upper()}!")) is Context.AWAY
    assert meaning(Marks(summary="x", categories=(word.title(),))) is Context.AWAY


@given(st.text(), st.lists(st.text(), max_size=3), st.text(), st.text(), st.text(), st.booleans())
def test_no_text_is_too_odd(summary: str, categories: list[str], status: str, transparency: str, busy: str, all_day: bool) -> None:
    found = meaning(
        Marks(summary=summary, categories=tuple(categories), status=status, transparency=transparency, busy_status=busy, all_day=all_day)
    )
    assert found is None or found in set(Context)


@pytest.mark.parametrize(("heading", "table"), [("away", AWAY), ("talk", TALK), ("reminders", REMINDERS)])
def test_the_documentation_has_the_whole_table(heading: str, table: tuple[str, ...]) -> None:
    found = re.search(rf"<!-- {heading} -->\n(.*?)\n\n", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    assert found is not None
    assert [" ".join(word.split()).rstrip(".") for word in found[1].split(",")] == list(table)
