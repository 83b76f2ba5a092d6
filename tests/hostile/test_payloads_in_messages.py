"""What a person or a script gives as a label never reaches the terminal as it is."""

from __future__ import annotations

import re

from tests.cli.conftest import Desk
from tests.hostile.corpus import labels

#: As far as a process can be given them.
PAYLOADS = [one for one in labels() if one and "\0" not in one and not one.isprintable() and len(one) < 60]
DRIVES = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e\u2066-\u2069]")
COMMANDS = ("show", "log", "approve", "block")


def test_no_message_drives_the_terminal(desk: Desk) -> None:
    before = sorted(p.name for p in desk.root.parent.iterdir())
    for payload in PAYLOADS:
        for command in COMMANDS:
            said = desk.type(command, "--", payload, *(["why"] if command == "block" else []))
            assert said.status in {1, 2} and said.out == "", (command, payload)
            assert said.err.startswith("autobuilds: ") and not DRIVES.search(said.err), (command, payload)
    said = desk.type("\x1b[31mred")
    assert said.status == 2 and not DRIVES.search(said.err)
    assert sorted(p.name for p in desk.root.parent.iterdir()) == before


def test_machine_output_says_the_same_without_driving_a_terminal(desk: Desk) -> None:
    queue = desk.root / "BUILD_QUEUE.md"
    queue.write_text(queue.read_text(encoding="utf-8").replace("with a leading zero", "\u202ewith \u2066it"), encoding="utf-8")
    said = desk.type("show", "fix-the-clock", "--json")
    assert not DRIVES.search(said.out) and "\u202ewith \u2066it" in said.json["task"]["description"]
