"""The owner's agents.toml: every mistake is a message that names file, table and key."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autobuilds.adapters.agents import rules, schema
from autobuilds.adapters.agents.presets import Presets, parse
from autobuilds.adapters.agents.reading import StreamReader
from autobuilds.domain.agents import FailureClass, Take
from autobuilds.errors import BadInput
from tests.adapters.agents.recorded import NOW


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("x = 1", "outside a table"),
        ("[a]\n", "argv"),
        ("[a]\nargv = []", "begins with the program"),
        ("[a]\nargv = 'x'", "list of texts"),
        ("[a]\nargv = ['x', 1]", "list of texts"),
        ("[a]\nargv = ['x']\nprompts = 'stdin'", "did you mean 'prompt'"),
        ("[a]\nargv = ['x']\nprompt = 'args'", "did you mean 'arg'"),
        ("[a]\nargv = ['x', '{modle}']", "unknown place"),
        ("[a]\nargv = ['x']\nset = {A = 1}", "table of texts"),
        ("[a]\nargv = ['x']\nvariables = ['A-B']", "can't be passed"),
        ("[a]\nargv = ['x']\nset = {AUTOBUILDS_NOW = 'x'}", "can't be passed"),
        ("[a]\nargv = ['x']\ninstall = 3", "install"),
        ("['../a']\nargv = ['x']", "small letters"),
        ("[a]\nargv = ['x'\n", "agents.toml: Unclosed array"),
        ("[a]\nargv = ['x']\n[a]\nargv = ['y']", "agents.toml"),
        ("[a]\nargv = ['x']\n[a.pick]", "unknown key 'pick' (did you mean 'picks'?)"),
        ("[a]\nargv = ['x', '{model...}']", "[a] argv: {model...} needs a key model"),
        ("[a]\nargv = ['x', '{promt_file}']", "unknown place {promt_file} (did you mean 'prompt_file'?)"),
        ("[a]\nargv = ['x', '{prompt}']", "[a] prompt: {prompt} stands in argv where"),
        ("[a]\nargv = ['x']\nprompt = 'arg'", "[a] prompt: {prompt} stands in argv where"),
        ("[a]\nargv = ['x']\nresume = ['x', '{session}']", "[a] resume: without a session"),
        ("[a]\nargv = ['x']\nsession = 'ours'", "[a] session: 'ours' is none of none, preset, reported"),
        ("[a]\nargv = ['x']\nformat = 'json-lines'", "[a] format: 'json-lines' is none of json, jsonl, text (did you mean 'jsonl'?)"),
        ("[a]\nargv = ['x']\nnetwork = 'wep'", "did you mean 'web'"),
        ("[a]\nargv = ['x']\nnests = 'yes'", "[a] nests: true or false is meant"),
        ("[a]\nargv = ['x']\nports = [0]", "[a] ports: a list of TCP ports"),
        ("[a]\nargv = ['x']\nports = 80", "[a] ports: a list of TCP ports"),
        ("[a]\nargv = ['x']\nreserve_mib = -1", "[a] reserve_mib: a whole number from 0"),
        ("[a]\nargv = ['x']\nreserve_mib = true", "[a] reserve_mib: a whole number"),
        ("[a]\nargv = ['x']\nmin_version = 'new'", "[a] min_version: 'new' is no version"),
        ("[a]\nargv = ['x']\ncredentials = ['/etc/shadow']", "[a] credentials: '/etc/shadow' is not a path below the home"),
        ("[a]\nargv = ['x']\ncredentials = ['../x']", "not a path below the home"),
        ("[a]\nargv = ['x']\nreadable = ['']", "not a path below the home"),
        ("[a]\nargv = ['x']\nsigned_in = ['~/../x']", "[a] signed_in: '~/../x' is not a file below the home"),
        ("[a]\nargv = ['x']\nsigned_in = ['.x/auth.json']", "neither a variable nor a file"),
        ("[a]\nargv = ['x']\nstop = [['SIGSTOP', 1]]", "[a] stop: ['SIGSTOP', 1] is no step"),
        ("[a]\nargv = ['x']\nstop = [['SIGINT', -1]]", "is no step"),
        ("[a]\nargv = ['x']\nstop = [['SIGINT', 5]]", "the last step is SIGKILL"),
        ("[a]\nargv = ['x']\nstop = 'SIGKILL'", "[a] stop: a list of at most"),
        ("[a]\nargv = ['x']\nbased_on = 'claud'", "[a] based_on: 'claud' is neither a shipped agent nor one above"),
        ("[a]\nargv = ['x']\nbased_on = 3", "[a] based_on: 3 is neither"),
        ("[a]\nargv = ['x']\nverified = 1", "[a] verified: true or false"),
        ("[a]\nargv = [\"x\\u0000\"]", "list of texts"),
        ("[a]\nargv = ['x']\nformat = 'jsonl'\n[a.picks]\ns = { path = 'a', tke = 'sum' }", "[a.picks] s: unknown key 'tke' (did you mean 'take'?)"),
        ("[a]\nargv = ['x']\nformat = 'jsonl'\n[a.picks]\ns = { path = 'a', take = 'add' }", "[a.picks] s take: 'add' is none of"),
        ("[a]\nargv = ['x']\nformat = 'jsonl'\n[a.picks]\ns = { regex = 'a' }", "[a.picks] s: a path is missing"),
        ("[a]\nargv = ['x']\n[a.picks]\ns = { path = 'a' }", "[a.picks] s: the format text has lines"),
        ("[a]\nargv = ['x']\n[a.picks]\ns = { regex = '(' }", "[a.picks] s regex: no regular expression"),
        ("[a]\nargv = ['x']\n[a.picks]\ns = 'x'", "[a.picks] s: a table is meant"),
        ("[a]\nargv = ['x']\npicks = 3", "[a.picks]: a table is meant"),
        ("[a]\nargv = ['x']\nformat = 'jsonl'\n[a.picks]\ns = { path = 'a.b.c.d.e.f.g.h.i.j.k' }", "at most 10 parts"),
        ("[a]\nargv = ['x']\nformat = 'jsonl'\n[a.picks]\ns = { path = 'a', when = { b = [1] } }", "[a.picks] s when: a table of paths"),
        ("[a]\nargv = ['x']\nformat = 'jsonl'\n[a.picks]\nsubtype = { path = 'a' }\n[a.ok]\nsubtpe = 'x'", "[a.ok]: 'subtpe' is not picked (did you mean 'subtype'?)"),
        ("[a]\nargv = ['x']\nformat = 'jsonl'\n[a.picks]\ns = { path = 'a' }\n[a.ok]\ns = { missing = false }", "[a.ok] s: missing and exists are true"),
        ("[a]\nargv = ['x']\nformat = 'jsonl'\n[a.picks]\ns = { path = 'a' }\n[a.ok]\ns = {}", "[a.ok] s: exactly one of"),
        ("[a]\nargv = ['x']\n[a.failures]\nauthentification = ['x']", "[a.failures]: unknown key 'authentification' (did you mean 'authentication'?)"),
        ("[a]\nargv = ['x']\n[a.failures]\nnetwork = ['[']", "[a.failures] network: no regular expression"),
        ("[a]\nargv = ['x']\n[[a.shows]]\nkind = 'files'\npath = 'x'", "[a.shows] number 1 kind: 'files' is none of"),
        ("[a]\nargv = ['x']\n[[a.shows]]\npath = 'x'\n[[a.shows]]\nkind = 'file'", "[a.shows] number 2: a path (in events) or a regex"),
        ("[a]\nargv = ['x']\n[a.shows]\npath = 'x'", "[a.shows]: a list of tables"),
    ],
)  # fmt: skip
def test_a_preset_that_can_not_be_read(text: str, words: str) -> None:
    with pytest.raises(BadInput, match=re.escape(words)) as refused:
        parse(text, "agents.toml", own=True)
    assert str(refused.value).startswith("agents.toml: ")
    assert "\n" not in str(refused.value)


def test_too_many_rules() -> None:
    picks = "\n".join(f"p{n} = {{ path = 'a' }}" for n in range(201))
    with pytest.raises(BadInput, match="more than 200 rules"):
        parse(f"[a]\nargv = ['x']\nformat = 'jsonl'\n[a.picks]\n{picks}", "agents.toml", own=True)


_KEYS = st.sampled_from(
    ["argv", "prompt", "session", "resume", "model", "set", "variables", "stop", "ports", "picks", "ok", "shows", "failures", "format", "version",
     "network", "credentials", "signed_in", "min_version", "reserve_mib", "install", "nests", "verified", "readable", "result_file", "based_on"]
)  # fmt: skip
_VALUES = st.sampled_from(
    ["1", "-1", "1.5", "true", "''", "'x'", "[]", "['x']", "[1]", "[[]]", "[['SIGKILL', 0]]", "{}", "{ a = 1 }", "{ a = { path = 'b' } }",
     "[{ path = 'b' }]", "{ network = ['x'] }", "2026-01-01", "'jsonl'", "'{model...}'", "['{prompt}']", "nan"]
)  # fmt: skip


@given(st.dictionaries(_KEYS, _VALUES, max_size=6))
def test_any_table_is_read_or_refused(table: dict[str, str]) -> None:
    text = "[a]\n" + "\n".join(f"{key} = {value}" for key, value in table.items())
    try:
        made = parse(text, "agents.toml", own=True)
    except BadInput as refused:
        assert str(refused).startswith("agents.toml: ")
    else:
        assert made["a"].argv


def test_files_that_are_no_text(tmp_path: Path) -> None:
    (tmp_path / "agents.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(BadInput, match="UTF-8"):
        Presets.load(tmp_path)
    (tmp_path / "agents.toml").write_bytes(b"#" * (1024 * 1024 + 1))
    with pytest.raises(BadInput, match="longer"):
        Presets.load(tmp_path)


PAGE = (Path(__file__).parents[3] / "docs" / "reference" / "agents.md").read_text(encoding="utf-8")


def test_the_example_of_the_reference_is_a_preset() -> None:
    (example,) = re.findall(r"```toml\n(.*?)```", PAGE[PAGE.index("## Writing a preset") :], re.DOTALL)
    made = parse(example, "agents.toml", own=True)["my-agent"]
    reader = StreamReader(made.rules)
    events = [
        {"type": "step", "usage": {"input": 3}},
        {"type": "tool", "tool": {"name": "edit", "input": {"path": "a.py"}}},
        {"type": "plan", "steps": [{"title": "one", "status": "done"}]},
        {"type": "result", "status": "ok", "text": "Done.", "session_id": "s-1"},
    ]
    seen = reader.feed("".join(f"{json.dumps(event)}\n" for event in events).encode())
    report = reader.report(None, exit_code=0, now=NOW)
    assert [a.text for a in seen] == ["edits a.py"]
    assert (reader.todos[0].state, report.ok, report.said, report.session, report.tokens_in) == ("done", True, "Done.", "s-1", 3)
    assert StreamReader(made.rules).report(None, exit_code=77, now=NOW).failure is FailureClass.AUTHENTICATION


def test_the_reference_names_every_key_and_word() -> None:
    section = PAGE[PAGE.index("## Writing a preset") :]
    words = {
        *schema.KEYS,
        *schema.PROMPTS,
        *schema.SESSIONS,
        *rules.FORMATS,
        *rules.PICKS,
        *FailureClass,
        *Take,
        *(f"{{{p}}}" for p in schema.PLACES),
    }
    assert [word for word in sorted(words) if f"`{word}`" not in section] == []
