"""What the rules say of a task, judged from its own words."""

from __future__ import annotations

from autobuilds.domain.verdicts import Verdict
from autobuilds.planning.judging import clarity_of, judged_risk, risk_of, template_of
from autobuilds.runtime.assessing import policy_of
from tests.builders import a_task

POLICY = policy_of(None)


def test_a_clear_and_harmless_task() -> None:
    task = a_task()
    assert risk_of(task, POLICY).verdict is Verdict.GO
    assert clarity_of(task, POLICY).verdict is Verdict.GO
    assert template_of(task, POLICY) == ""


def test_every_part_of_a_task_is_read() -> None:
    assert risk_of(a_task("Restart the production database"), POLICY).verdict is Verdict.ASK
    assert risk_of(a_task(steps="git push --force origin main"), POLICY).verdict is Verdict.ASK
    assert clarity_of(a_task(criteria=()), POLICY).missing == ("criteria",)


def test_the_template_asks_for_what_the_task_lacks() -> None:
    assert "Completion Criteria" in template_of(a_task(criteria=()), POLICY)


def test_the_same_text_is_judged_once() -> None:
    judged_risk.cache_clear()
    assert risk_of(a_task(), POLICY) is risk_of(a_task(line=99, end_line=120), POLICY)
    assert judged_risk.cache_info().misses == 1
