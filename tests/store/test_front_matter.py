"""Front matter is read as a person means it; the texts of the tests are the files."""

from __future__ import annotations

import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autobuilds.store.front_matter import Located, plain_fields, read_front_matter, yaml_fields

FILE = "HEARTBEAT.md"


def bare(value: Any) -> Any:
    if isinstance(value, Located):
        return bare(value.value)
    if isinstance(value, dict):
        return {key: bare(item) for key, item in value.items()}
    return [bare(item) for item in value] if isinstance(value, list) else value


def fields(text: str | bytes) -> dict[str, Any]:
    matter = read_front_matter(text if isinstance(text, bytes) else text.encode(), FILE)
    assert matter.problems == ()
    return {key: bare(item) for key, item in matter.fields.items()}


def complaint(text: str | bytes) -> str:
    matter = read_front_matter(text if isinstance(text, bytes) else text.encode(), FILE)
    assert len(matter.problems) == 1
    return str(matter.problems[0])


@pytest.mark.parametrize(
    ("line", "value"),
    [
        ("a: 22:00", "22:00"),
        ("a: 06:00", "06:00"),
        ("a: no", "no"),
        ("a: on", "on"),
        ("a: 0123", "0123"),
        ("a: 1.10", "1.10"),
        ("a: 2026-02-06", "2026-02-06"),
        ("a: 1e3", "1e3"),
        ('a: "x: y"', "x: y"),
        ("a: 'it''s'", "it's"),
        ("a: x # remark", "x"),
        ("a: x#y", "x#y"),
        ("a:\tx", "x"),
        ("a: \t'x'", "x"),
        ("a: ~", None),
        ("a:", None),
        ('a: ""', ""),
        ("a: [x, 'y']", ["x", "y"]),
        ("a: {x: y}", {"x": "y"}),
        ("a: =", "="),
        ("a: <<", "<<"),
    ],
)
def test_a_value_is_the_text_that_was_written(line: str, value: object) -> None:
    assert fields(f"---\n{line}\n---\n") == {"a": value}


@pytest.mark.parametrize("key", ["on", "no", "yes", "1", "~", "content", "handler", "null", "text", "encoding"])
def test_every_word_may_be_a_key(key: str) -> None:
    assert fields(f"---\n{key}: x\n---\n") == {key: "x"}


@pytest.mark.parametrize(
    "text",
    [
        b"\xef\xbb\xbf---\na: x\n---\nbody\n",
        b"---\r\na: x\r\n---\r\nbody\r\n",
        b"---\ra: x\r---\rbody\r",
        b"---  \na: x\n...\nbody\n",
        b"\n\n---\na: x\n---\nbody\n",
        b"----\na: x\n----\nbody\n",
    ],
)
def test_the_ways_to_write_the_block(text: bytes) -> None:
    matter = read_front_matter(text, FILE)
    assert bare(matter.fields) == {"a": "x"}
    assert matter.body == "body\n"
    assert text.replace(b"\r\n", b"\n").replace(b"\r", b"\n").split(b"\n")[matter.body_line - 1] == b"body"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "# Title\n",
        "---\n\n# Title\n\nText.\n",
        "---\n\nText.\n\n---\n\nMore.\n",
        "---\n",
        "text\n\n---\n\nmore\n",
        "# T\n```\n---\na_key: x\n---\n```\n",
    ],
)
def test_a_file_without_front_matter_is_all_body(text: str) -> None:
    matter = read_front_matter(text.encode(), FILE)
    assert (matter.fields, matter.body, matter.body_line, matter.problems) == ({}, text, 1, ())


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("---\na: x\n", "HEARTBEAT.md:1:1: the front matter that begins here has no end; close it with a line of ---"),
        ("---\n# Heartbeat\n", "HEARTBEAT.md:1:1: the front matter that begins here has no end"),
        ("+++\na = 1\n+++\n", "HEARTBEAT.md:1:1: TOML front matter (+++) is not read"),
        ("# T\n\n---\nretries: 3\n---\n", "HEARTBEAT.md:3:1: front matter only counts at the very top"),
        ("---\na: 1\n\na: 2\n---\n", 'HEARTBEAT.md:4:1: "a" is set twice, first in line 2'),
        ("---\nx:\n  a: 1\n  a: 2\n---\n", 'HEARTBEAT.md:4:3: "a" is set twice, first in line 3'),
        ("---\n- a: x\n---\n", "HEARTBEAT.md:2:1: the front matter has to be `key: value` lines"),
        ("---\nretries 3\n---\n", "HEARTBEAT.md:2:1: the front matter has to be `key: value` lines"),
        ("---\n\na: *.md\n---\n", "HEARTBEAT.md:3:4: a value that begins with * means something else in YAML; put it in quotes"),
        ("---\na: &x y\n---\n", "HEARTBEAT.md:2:4: a value that begins with & means"),
        ("---\na: !!python/object/apply:os.system [id]\n---\n", "HEARTBEAT.md:2:4: a value that begins with ! means"),
        ("---\na: b: c\n---\n", "HEARTBEAT.md:2:5: this can't be read as `key: value` lines"),
        ("---\n? [a]\n: b\n---\n", "HEARTBEAT.md:2:3: a key has to be a word"),
        ("---\na: \x01\n---\n", "HEARTBEAT.md:2:1: a control character"),
        ("---\na: x\u2028b: y\n---\n", "HEARTBEAT.md:2:1: an invisible line separator (U+2028)"),
        ("---\na: " + "[" * 5000 + "\n---\n", "nested too deep"),
        ("---\na: " + "x" * 20_000 + "\n---\n", "is longer than"),
        (b"---\na: \xff\n---\n", "HEARTBEAT.md:2:4: not UTF-8"),
        (b"a\r\nb\0\n", "HEARTBEAT.md:2:2: a NUL byte"),
        (b"x" * (1024 * 1024 + 1), "larger than"),
    ],
)
def test_what_cannot_be_trusted_is_said_with_its_place(text: str | bytes, message: str) -> None:
    assert message in complaint(text)


def test_a_repeated_key_spares_the_others() -> None:
    matter = read_front_matter(b"---\na: 1\na: 2\nb: 3\n---\n", FILE)
    assert bare(matter.fields) == {"a": "1", "b": "3"}


def test_places_are_those_of_the_file() -> None:
    text = "\n---\n\n# remark\nfirst: x\n\nsecond:\n  - 'y'\nthird:\n  deep:  z\n---\nbody"
    matter = read_front_matter(text.encode(), FILE)
    second, third = matter.fields["second"], matter.fields["third"]
    assert (matter.fields["first"].line, matter.fields["first"].column) == (5, 8)
    assert (second.key_line, second.line, second.column) == (7, 8, 3)
    assert isinstance(third.value, dict)
    assert (third.value["deep"].line, third.value["deep"].column, third.value["deep"].key_column) == (10, 10, 3)


_LINES = st.lists(
    st.one_of(
        st.builds("{}: {}".format, st.text("ab_", min_size=1, max_size=3), st.text("aZ0 9:#.-/@+,_'~[]{}!&*%\"\\é\t", max_size=8)),
        st.sampled_from(
            ["", "# remark", "  ", "a: 22:00", "b: x # y", "c: no", "- x", "a:", " a: x", "b: 1_000", "c: a: b", "a: 1:", "a: x:y"]
        ),
    ),
    max_size=5,
).map("\n".join)


@given(_LINES)
def test_the_quick_reader_agrees_with_yaml(block: str) -> None:
    quick = plain_fields(block, 1)
    if quick is not None:
        assert quick == yaml_fields(block, 1, [])


@given(st.binary(max_size=200))
def test_no_bytes_break_the_reader(data: bytes) -> None:
    read_front_matter(data, FILE)
    read_front_matter(b"---\n" + data + b"\n---\n", FILE)


@pytest.mark.parametrize(
    "shape", ["a: " + "{" * 8000, "? " * 4000, "a: 'x\n" * 1500, "- " * 8000, "a: &a [*a]\n" * 1000, "a: |\n" + " x\n" * 5000]
)
def test_hostile_shapes_are_read_in_no_time(shape: str) -> None:
    began = time.process_time()
    read_front_matter(f"---\nq: x\n{shape}\n---\n".encode(), FILE)
    assert time.process_time() - began < 2
