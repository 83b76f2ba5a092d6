"""Writing into queues, held to tables: what every operation does to small queues of all sorts, and the parts it is made of."""

from __future__ import annotations

import pytest

from autobuilds.errors import BadInput
from autobuilds.store.queue.edit import Inserting
from autobuilds.store.queue.operations import Add, NewTask, Tick
from tests.store.queue import unions
from tests.store.queue.writings import PINNED, SHAPES, rows


@pytest.mark.parametrize("shape", SHAPES)
def test_small_queues_are_written_as_pinned(shape: str) -> None:
    pinned = PINNED.read_text(encoding="utf-8").partition(f"## {shape}\n")[2].split("\n## ")[0].rstrip("\n").split("\n")
    for told, row in zip(pinned, rows(shape), strict=True):
        assert row == told, "where that is meant: python -m tests.store.queue.writings"


def test_two_versions_of_a_queue_are_merged_as_pinned() -> None:
    pinned = unions.PINNED.read_text(encoding="utf-8").split("\n")[:-1]
    for told, row in zip(pinned, unions.rows(), strict=True):
        assert row == told, "where that is meant: python -m tests.store.queue.unions"


def test_a_new_task_is_known_by_its_label_and_only_inserted() -> None:
    add = Add(task=NewTask(name="Plain one"))
    assert isinstance(add, Inserting) and add.inserts_only
    assert not isinstance(Tick(label="plain-one", n=1), Inserting)
    assert [add.label, Add(task=NewTask(name="Plain one", label="own")).label] == ["plain-one", "own"]
    with pytest.raises(BadInput):
        assert Add(task=NewTask(name="***")).label
