from __future__ import annotations

import base64
import json
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autobuilds.domain.redaction import holds, redact, secrets_of

CANARY = 'sk-ant-0123/+="x\\y'
SECRETS = secrets_of({"ANTHROPIC_API_KEY": CANARY})
MARK = "[value of ANTHROPIC_API_KEY]"


@pytest.mark.parametrize(
    "name",
    ["OPENAI_API_KEY", "github_token", "AWS_SECRET_ACCESS_KEY", "PGPASSWORD", "DB_PASS", "MY_PAT", "NPM_CONFIG__AUTH", "SESSION_COOKIE"],
)
def test_names_that_hold_secrets(name: str) -> None:
    assert redact("x 0123456789abc y", secrets_of({name: "0123456789abc"})) == f"x [value of {name}] y"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PATH", "/usr/bin:/bin"),
        ("PWD", "/home/olive/work"),
        ("LANG", "en_GB.UTF-8"),
        ("GOOGLE_APPLICATION_CREDENTIALS", "/home/olive/key.json"),
        ("MAX_TOKENS", "4096"),
        ("PATTERN", "a-long-value"),
        ("AUTHOR", "Olive Owner"),
        ("EMPTY_TOKEN", ""),
    ],
)
def test_what_is_no_secret_stays(name: str, value: str) -> None:
    assert secrets_of({name: value}) == ()


@pytest.mark.parametrize(
    "shown",
    [
        CANARY,
        json.dumps(CANARY)[1:-1],
        quote(CANARY, safe=""),
        quote(CANARY),
        base64.b64encode(CANARY.encode()).decode(),
        base64.b64encode(f"{CANARY}:more".encode()).decode(),
    ],
)
def test_every_spelling_is_replaced(shown: str) -> None:
    said = redact(f"header: {shown}, {shown}", SECRETS)
    assert said.count(MARK) == 2
    assert CANARY not in said and "sk-ant" not in said


def test_a_password_in_an_address() -> None:
    secrets = secrets_of({"DATABASE_URL": "postgres://olive:hunter2hunter2@db/x"})
    assert (
        redact("could not reach postgres://olive:hunter2hunter2@db/x", secrets)
        == "could not reach postgres://olive:[value of DATABASE_URL]@db/x"
    )


def test_the_lines_of_a_long_value() -> None:
    key = "-----BEGIN KEY-----\nMIIEvgIBADANBgkqhkiG9w0BAQ\n-----END KEY-----\n"
    assert "MIIEvg" not in redact("| MIIEvgIBADANBgkqhkiG9w0BAQ", secrets_of({"SSH_PRIVATE_KEY": key}))


@given(cut=st.integers(1, len(CANARY)))
def test_a_text_that_begins_in_the_middle_of_a_value(cut: int) -> None:
    rest = CANARY[cut:]
    said = redact(f"{rest} then", SECRETS, cut=True)
    assert said == (f"{MARK} then" if len(rest) >= 6 else f"{rest} then")


@given(
    value=st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=8, max_size=60).filter(lambda v: v[0] != "/"),
    before=st.text(max_size=40),
    after=st.text(max_size=40),
)
def test_no_value_is_ever_left(value: str, before: str, after: str) -> None:
    secrets = secrets_of({"X_TOKEN": value})
    mark = "[value of X_TOKEN]"
    said = redact(before + value + after, secrets)
    assert value not in said.replace(mark, "\0")
    assert holds(before + value + after, secrets) == "X_TOKEN"


def test_nothing_given_nothing_changed() -> None:
    assert redact("text", secrets_of({})) == "text"
    assert holds("text", SECRETS) is None
