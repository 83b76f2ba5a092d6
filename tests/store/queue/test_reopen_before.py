"""A completed task goes back into Active Queue, before the task that it stood before."""

from __future__ import annotations

import pytest

from autobuilds.store.queue.edit import apply
from autobuilds.store.queue.operations import Complete, Reopen
from tests.store.queue.test_edit_sweep import NOW, ZONE, read

TIGHT = "# Q\n\n## Active Queue\n- [ ] One - Priority: High\n- [ ] Two - Priority: High\n  - a note\n- [ ] Three - Priority: Low\n\n## Completed\n"
LOOSE = TIGHT.replace("\n- [ ] T", "\n\n- [ ] T")
NUMBERED = TIGHT.replace("- [ ] One", "1. [ ] One").replace("- [ ] Two", "2. [ ] Two").replace("- [ ] Three", "3. [ ] Three")


@pytest.mark.parametrize("text", [TIGHT, LOOSE, NUMBERED, TIGHT.replace("\n", "\r\n")])
@pytest.mark.parametrize(("label", "below"), [("one", "two"), ("two", "three")])
def test_an_entry_stands_where_it_stood(text: str, label: str, below: str) -> None:
    done = apply(read(text.encode()), [Complete(label=label, at=NOW)], read, ZONE)
    back = apply(done, [Reopen(label=label, before=below)], read, ZONE)
    assert [task.label for task in back.queue.active] == ["one", "two", "three"]
    if text in {TIGHT, LOOSE}:
        assert back.text.split("## Completed")[0].rstrip() == text.split("## Completed")[0].rstrip()


def test_before_one_that_is_not_there_it_goes_to_the_end() -> None:
    done = apply(read(TIGHT.encode()), [Complete(label="one", at=NOW)], read, ZONE)
    back = apply(done, [Reopen(label="one", before="gone")], read, ZONE)
    assert [task.label for task in back.queue.active] == ["two", "three", "one"]
