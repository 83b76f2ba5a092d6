"""The requirements rules: hard findings, traps, explanations, the template, and hostile text."""

from __future__ import annotations

import sys
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autobuilds.domain.verdicts import Verdict
from autobuilds.policies.requirements import judge_requirements, template_for
from autobuilds.policies.requirements.contradictions import contradiction_in
from autobuilds.policies.requirements.evidence import evidence_of
from autobuilds.policies.requirements.judge import CODES
from autobuilds.policies.requirements.placeholders import placeholders_in
from autobuilds.policies.requirements.size import days_of
from autobuilds.policies.requirements.words import Lexicon, filed
from tests.policies.requirements_rules import judge, shipped_rules

CLEAR_CHECK = ("`pytest tests/test_feed.py` passes",)


def test_a_task_without_criteria_is_asked_about_even_with_steps() -> None:
    judged = judge("Set the timeout of `fetch_feed` to 10 s", "in net/feed.py, now 30 s", (), steps="sed -i s/30/10/ net/feed.py")
    assert judged.verdict is Verdict.ASK
    assert judged.missing == ("criteria",)
    assert "no completion criterion" in judged.why[0]


@pytest.mark.parametrize("blank", ["", "   ", "-", "…", "...", "?"])
def test_a_criterion_without_content_is_none(blank: str) -> None:
    assert "criteria" in judge("Set the timeout of `fetch_feed` to 10 s", "in net/feed.py", (blank,)).missing


def test_steps_say_what_is_wanted() -> None:
    steps = "python3 tools/bump.py --minor setup.cfg\ngit diff --stat"
    assert judge("Next version", "", ("`git diff --stat` names setup.cfg",), steps=steps).verdict is Verdict.GO


@pytest.mark.parametrize(
    ("name", "description", "criteria"),
    [
        ("Make search better: typo tolerance", "Levenshtein ≤ 1 for words of 5–8 letters", ("tests/search/typos.tsv: 40 of 40",)),
        ("List TODO comments", "`todos.py` prints TODO and FIXME comments with file and line", ("fixtures/repo gives the 6 known ones",)),
        ("Escape `{{ name }}` in the mail template", "`{{ name }}` with <b> must give &lt;b&gt;", ("4 tests",)),
        ("Exit 2 on empty input", "`wordfreq < /dev/null` should exit 2", ("`wordfreq < /dev/null; test $? -eq 2`",)),
        ("Rename the TODO column to \"Next\"", "only the label", ("e2e sees \"Next\"",)),
        ("[Feature] [UI] Quick filter", "chips \"mine\" and \"failed\" above the run list, in the URL as ?q=mine", ("e2e per chip",)),
        ("FAQ entry \"How do I do X in Y?\"", "Title stays literally so. Text from notes/faq.txt", ("page /faq has 5 <dt>",)),
        ("Nachkommastellen: 2 statt 3 im Export", "Spalte \"Preis\", nur CSV", ("golden/export.csv",)),
    ],
)  # fmt: skip
def test_clear_although_the_words_alarm(name: str, description: str, criteria: tuple[str, ...]) -> None:
    judged = judge(name, description, criteria)
    assert judged.verdict is Verdict.GO, judged


@pytest.mark.parametrize(
    ("name", "description", "criteria", "code"),
    [
        ("Modern look", "The dashboard should feel fresh and intuitive for everyone.", ("users are happy",), "checkable"),
        ("Rate limit", "N requests per minute (N to be filled in by product), keys on plan ??? are exempt", ("N+1st gets 429",), "placeholder"),
        ("Export of XXX as CSV", "Columns: XXX, XXX, date. Separator semicolon, UTF-8.", ("golden file test",), "placeholder"),
        ("Fehler: <kurze Beschreibung>", "Erwartet: …\nTatsächlich: …", ("Fehler tritt nicht mehr auf",), "placeholder"),
        ("Add login through [PROVIDER]", "Client id from PROVIDER_ID", ("e2e test with the fake IdP passes",), "placeholder"),
        ("Price from ... % to ... %", "as of ...", ("`pytest tests/test_vat.py`",), "placeholder"),
        ("School platform", "Build timetable, grade book, parents' portal, chat, payments, library lending, mobile app and single sign-on.", ("all modules have tests",), "size"),
        ("Port the whole backend from Java to Rust", "61 services", ("all integration tests pass",), "size"),
        ("Replace moment by date-fns", "19 imports in src/", ("`npm ls moment` is empty",), "size"),
        ("Sort newest first", "List of measurements.", ("first row is the newest", "first row is the oldest"), "goal"),
        ("Améliorer l'architecture", "Quelque chose de plus modulaire et plus lisible, si possible.", ("c'est mieux",), "goal"),
    ],
)  # fmt: skip
def test_what_is_missing_is_named(name: str, description: str, criteria: tuple[str, ...], code: str) -> None:
    estimate = "3 weeks" if name.startswith("Replace moment") else "2 h"
    judged = judge(name, description, criteria, estimated_time=estimate)
    assert judged.verdict is Verdict.ASK
    assert code in judged.missing, judged
    assert len(judged.why) == len(judged.missing) <= len(CODES)


def test_the_explanation_quotes_the_words_and_says_what_to_do() -> None:
    judged = judge("Nicer start page", "It should feel modern.", ("users are happy",))
    text = " ".join(judged.why)
    assert '"users are happy"' in text
    assert "name a command, a test, a figure" in text
    assert '"modern"' in text


def test_without_tables_only_hard_findings_ask() -> None:
    assert judge_requirements("Nice", "modern", ("users are happy",), None, None, ()).verdict is Verdict.GO
    assert judge_requirements("Nice", "modern", (), None, None, ()).missing == ("criteria",)


def test_the_threshold_is_read_from_the_table() -> None:
    rules = tuple(r for r in shipped_rules() if "ask-at" not in r.phrases)
    strict = judge_requirements("Keep window size", "", ("width after restart is as before",), None, None, rules)
    assert strict != judge_requirements("Keep window size", "", ("width after restart is as before",), None, None, ())


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Set the rate to __ % for ____", True),
        ("TODO: describe the layout", True),
        ("Title: TBD", True),
        ("by dd/mm/yyyy", True),
        ("Upgrade to version X.Y", True),
        ("As a <role> I want <capability>", True),
        ("Insert text here", True),
        ("Datum: wird nachgereicht", True),
        ("à compléter", True),
        ("待填", True),
        ("`__init__` and `{{ name }}`", False),
        ("print \"TODO\" in red", False),
        ("forbid TODO comments", False),
        ("dates as YYYY-MM-DD", False),
        ("file <project>-<version>.zip", False),
        ("checkbox [ ] regex, [x] case", False),
        ("GET /runs/{id} returns 404", False),
        ("font size xxx-large", False),
        ("a[i] and b[j]", False),
    ],
)  # fmt: skip
def test_placeholders_and_texts_about_them(text: str, found: bool) -> None:
    assert bool(placeholders_in("Task", text, ())) is found


@pytest.mark.parametrize(
    ("one", "other", "clash"),
    [
        ("no dialog is shown on close", "a dialog is shown on close with unsaved changes", True),
        ("first row is the newest", "first row is the oldest", True),
        ("most read article is on top", "newest article is on top", True),
        ("export of long.md has 23 entries", "export of short.md has none", False),
        ("old key is rejected", "new key is accepted", False),
        ("no dialog while a video plays", "dialog at 75 s, start page at 90 s", False),
    ],
)
def test_demands_that_exclude_each_other(one: str, other: str, clash: bool) -> None:
    assert (contradiction_in("Task", "", (one, other)) is not None) is clash


def test_bounds_that_exclude_each_other() -> None:
    assert contradiction_in("Timeout must be exactly 5 s and at least 30 s", "", ()) is not None
    assert contradiction_in("at most 30 s and at least 5 s", "", ()) is None


@pytest.mark.parametrize(
    ("estimate", "days"), [("2 h", 0.0), ("1 day", 1.0), ("3 days", 3.0), ("2-3 weeks", 15.0), ("a month", 20.0), ("IDK", 0.0), (None, 0.0), ("2 Tage", 2.0), ("20 min", 0.0)]
)  # fmt: skip
def test_estimates_in_days(estimate: str | None, days: float) -> None:
    assert days_of(estimate) == days


def test_evidence_counts_things_and_not_dates() -> None:
    assert evidence_of("`make` writes out/report.csv in < 2 s, exit 3").total == 4
    assert evidence_of("Meeting of 4 June 2025, see you then").total == 0


def test_phrases_match_without_regard_to_case_hyphens_and_endings() -> None:
    rules = [r for r in shipped_rules() if r.table == "clarity-words"]
    found = {h.text.casefold() for h in Lexicon(filed((r.kind, r.phrases) for r in rules)).find("World-class, IMPROVED and いい感じ")}
    assert {"world-class", "improved", "いい感じ"} <= found


@pytest.mark.parametrize("code", CODES)
def test_the_template_asks_for_what_is_missing_and_nothing_else(code: str) -> None:
    whole, one = template_for(CODES, "Nice page"), template_for((code,), "Nice page")
    assert one and len(one) < len(whole)
    assert ("Completion Criteria" in one) is (code in {"criteria", "checkable"})
    assert ("Out of scope" in one) is (code == "scope")
    assert template_for((), "Nice page") == ""


def test_the_template_keeps_a_hostile_name_inside_its_comment() -> None:
    text = template_for(("goal",), "x --> <script>alert(1)</script>\n# Heading")
    assert text.split("\n")[0].endswith("-->")
    assert text.count("-->") == 1
    assert "<script>" not in text
    assert "\n# Heading" not in text


def test_a_criterion_that_nobody_can_check_is_quoted() -> None:
    kept = "readings from 2019 are still there"
    said = judge(
        "Keep raw data forever and delete after 30 days",
        "Raw readings are never deleted. For reasons of space all raw readings older than 30 days are deleted.",
        (kept, "no reading older than 30 days"),
    )
    assert said.missing == ("checkable",)
    assert kept in said.why[0] and "names nothing to run or look at" in said.why[0]


def test_words_that_exclude_each_other_in_one_text() -> None:
    assert contradiction_in("Notes", "An offline-only list with sync to the cloud", ()) == ("offline-only", "list with sync to the cloud")
    assert contradiction_in("Notes", "An offline-only list in one file", ()) is None


def test_counts_in_words_are_evidence() -> None:
    assert evidence_of("at most two retries, exactly one log line").counts == {"figure": 2}


def test_markers_that_are_the_work_itself_are_no_template_text() -> None:
    assert placeholders_in("Clean up", "Remove every TODO: and FIXME: comment", ()) == ()
    assert placeholders_in("Clean up", "TODO", ()) != ()


def test_fields_in_square_brackets_are_template_text_where_there_are_several() -> None:
    both = ("a field in square brackets", "[user] [colour]")
    assert both in placeholders_in("Greet", "Show [user] and [colour] at the top", ())
    assert both not in placeholders_in("Read settings", "The toml has the sections [user] and [colour]", ())
    assert placeholders_in("Greet", "Show [user] at the top", ()) == ()
    assert placeholders_in("Fix [description]", "", ()) == ((both[0], "[description]"),)
    assert placeholders_in("Fix [description]", "and [name]", ()) == ((both[0], "[description] [name]"),), "each is named once"


@pytest.mark.parametrize("code", [c for c in CODES if c != "size"])
def test_an_unfilled_template_is_asked_about_again(code: str) -> None:
    block = template_for((code,), "Nice page")
    assert "placeholder" in judge("Set timeout of `fetch` to 10 s", block).missing


@settings(max_examples=60, deadline=None)
@given(st.text(max_size=400), st.text(max_size=1500), st.lists(st.text(max_size=200), max_size=4), st.none() | st.text(max_size=80))
def test_any_text_gets_the_same_answer_twice(name: str, description: str, criteria: list[str], estimate: str | None) -> None:
    first = judge(name, description, tuple(criteria), estimated_time=estimate)
    assert first == judge(name, description, tuple(criteria), estimated_time=estimate)
    assert (first.verdict is Verdict.ASK) is bool(first.missing)
    assert set(first.missing) <= set(CODES)


@pytest.mark.skipif(sys.gettrace() is not None, reason="what watches every line takes longer than what is watched")
@pytest.mark.parametrize(
    "unit", ["_", "a, ", "<a ", "[", "{{ ", '"', "x", "1. … ", "a: \n", ".", "remove the a b ", "a.", "a_", "AaB", "- ", " \n", "/a", "1.1", "#", "TODO ", "`", "no all "]
)  # fmt: skip
def test_hostile_text_is_judged_in_bounded_time(unit: str) -> None:
    text = unit * (60_000 // len(unit))
    start = time.process_time()
    judge(text, text, (text,) * 5, steps=text, estimated_time=text)
    assert time.process_time() - start < 0.5
