"""The situation of a task: what is worked out when a gate first asks for it, and only then."""

from __future__ import annotations

from dataclasses import replace

from autobuilds.domain.gates.machine import sandbox_for
from autobuilds.domain.moment import AgentStatus
from autobuilds.domain.sandbox import Tier, TierProbe
from autobuilds.domain.settings import Settings
from autobuilds.domain.situation import Shared
from autobuilds.domain.verdicts import ClarityJudgement, RiskJudgement, Verdict
from tests.builders import NOW, a_moment, a_situation, a_snapshot


def test_judgements_are_made_once_and_only_when_they_are_asked_for() -> None:
    asked: list[str] = []

    def risk() -> RiskJudgement:
        asked.append("risk")
        return RiskJudgement(verdict=Verdict.ASK, kinds=("secrets",))

    def clarity() -> ClarityJudgement:
        asked.append("clarity")
        return ClarityJudgement(verdict=Verdict.ASK, missing=("criteria",))

    def template() -> str:
        asked.append("template")
        return "- **Completion Criteria:**"

    situation = replace(a_situation(), risk=risk, clarity=clarity, template=template)
    assert asked == []
    for _ in range(2):
        assert situation.risk_judgement.kinds == ("secrets",)
        assert situation.clarity_judgement.missing == ("criteria",)
        assert situation.clarity_template == "- **Completion Criteria:**"
    assert asked == ["risk", "clarity", "template"]
    assert situation.now == NOW


def test_the_sandbox_of_a_moment_is_chosen_by_what_the_agent_brings() -> None:
    moment = a_moment(tiers=(TierProbe(tier=Tier.LANDLOCK, works=True),))
    shared = Shared(a_snapshot(), moment)
    for nests, tier in ((False, Tier.LANDLOCK), (True, Tier.NONE), (False, Tier.LANDLOCK)):
        chosen = shared.sandbox(nests=nests)
        assert chosen.tier is tier
        assert sandbox_for(AgentStatus(name="x", found=True, nests=nests), Settings(), moment) == chosen
