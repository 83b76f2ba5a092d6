"""Why an agent failed, told from its own words: the preset's patterns first, then what providers and programs say alike."""

from __future__ import annotations

import re

from autobuilds.domain.agents import FailureClass
from autobuilds.domain.patterns import pattern

#: Characters of an error that are looked at.
_MAX_TEXT = 4000
_FLAGS = re.IGNORECASE | re.MULTILINE
_F = FailureClass
#: A status code where an error names it, not any number.
_CODE = r"(?:^|\b(?:status|code|http|error)\b)[\s:=(\[/\"']{0,4}"

#: Tried in this order before the status code, which says less than they do.
_BEFORE = (
    (
        _F.RATE_LIMIT,
        pattern(r"(?:quota|limit|\b429\b).{0,300}\b(?:retry|try again|resets?|available)\b.{0,12}\b(?:in|at|after|on|\d)", _FLAGS),
    ),
    (
        _F.BUDGET,
        pattern(
            r"insufficient[ _-]?(?:quota|credits?|balance|funds)|credit balance|out of credits?|payment required|check your plan and billing"
            r"|max(?:imum)?[ _-]?(?:number of )?(?:session )?(?:turns|steps|iterations|budget)|turn limit|step limit|cost limit"
            r"|budget(?:_| has been | was | is )?(?:exceeded|reached|exhausted)|limits?exceeded\b|spend(?:ing)? limit",
            _FLAGS,
        ),
    ),
)
#: Tried in this order after it.
_AFTER = (
    (
        _F.AUTHENTICATION,
        pattern(
            rf"{_CODE}40[13]\b|unauthori[sz]ed|authentication|not (?:logged|signed) in|not authenticated|(?:log|sign)[ -]?in (?:again|required|first|to)"
            r"|please (?:run )?[`'\"/]{0,2}(?:log|sign)[ -]?in|(?:invalid|incorrect|bad|missing|no|expired|revoked)[ _]{0,1}(?:x-)?(?:api[ _-]?)?key\b"
            r"|(?:api[ _-]?key|credentials?|token)s? (?:is |are |was |has |have |not )?(?:been )?(?:invalid|missing|expired|revoked|required|found|set)\b"
            r"|permission_error|oauth.{0,40}(?:expired|failed|revoked)|auth(?:entication)? method",
            _FLAGS,
        ),
    ),
    (
        _F.RATE_LIMIT,
        pattern(
            rf"{_CODE}429\b|rate[ _-]?limit|usage[ _-]?limit|too many requests|quota|hit your .{{0,20}}limit|limit reached|resource[ _]exhausted"
            r"|limit (?:was |has been )?exceeded|temporarily disabled",
            _FLAGS,
        ),
    ),
    (
        _F.REFUSED,
        pattern(
            r"\brefusal\b|content[ _-]?(?:policy|filter|management)|usage polic|polic(?:y|ies) violation|violat\w{1,4} .{0,40}polic"
            r"|prohibited[ _]content|\brecitation\b|model (?:declined|refused)|safeguards? (?:flagged|blocked)|flagged (?:this|by) ",
            _FLAGS,
        ),
    ),
    (
        _F.NETWORK,
        pattern(
            rf"{_CODE}(?:408|5\d\d)\b|econn(?:refused|reset|aborted)|etimedout|enotfound|eai_again|epipe|enetunreach|ehostunreach"
            r"|connection (?:error|refused|reset|closed|dropped|lost|aborted|timed out|failed)|connection_failed|apiconnection|failed to connect"
            r"|(?:could not|cannot|can't|unable to) (?:connect|resolve|reach)|failed to (?:resolve|get response)|name resolution|getaddrinfo|dns"
            r"|(?:fetch|request) failed|error sending request|stream (?:disconnected|error|closed)|socket hang up|unreachable|network"
            r"|tim(?:ed|e)[ _-]?out|overloaded|service ?unavailable|bad gateway|internal ?server ?error|server_error|server error",
            _FLAGS,
        ),
    ),
)


def classify(
    said: tuple[str, ...], *, http: int | None, exit_code: int | None, own: tuple[tuple[FailureClass, str], ...] = ()
) -> FailureClass | None:
    """Return why an agent failed by what it said, the HTTP status it met and its exit status; None where none of them tells."""
    text = "\n".join(said)[:_MAX_TEXT]
    whole = f"{text}\nexit status {exit_code}" if exit_code is not None else text
    for failure, regex in own:
        if re.search(regex, whole, _FLAGS):
            return failure
    for failure, known in _BEFORE:
        if known.search(text):
            return failure
    if (by_status := _by_status(http)) is not None:
        return by_status
    return next((failure for failure, known in _AFTER if known.search(text)), None)


def _by_status(http: int | None) -> FailureClass | None:
    if http in {401, 403}:
        return FailureClass.AUTHENTICATION
    if http == 402:
        return FailureClass.BUDGET
    if http == 429:
        return FailureClass.RATE_LIMIT
    if http is not None and (http == 408 or 500 <= http < 600):
        return FailureClass.NETWORK
    return None
