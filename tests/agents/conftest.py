"""What the tests of agents share; real programs run only when a marker asks for them: `-m real`, `-m tier2`."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.agents.installing import Program, table
from tests.agents.rig import Rig, make_rig, place
from tests.agents.setups import SETUPS
from tests.agents.stub_model import StubModel


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what drives real programs unless the marker expression names it."""
    wanted = str(config.option.markexpr)
    if "real" in wanted or "tier2" in wanted:
        return
    out = [item for item in items if item.get_closest_marker("real") is not None]
    if out:
        config.hook.pytest_deselected(items=out)
        items[:] = [item for item in items if item.get_closest_marker("real") is None]


def agents() -> list[Any]:
    """Return every real agent as a parameter with the markers of its tier."""
    programs, _ = table()
    marks = {1: [pytest.mark.real], 2: [pytest.mark.real, pytest.mark.tier2]}
    return [pytest.param(name, marks=marks[program.tier], id=name) for name, program in programs.items()]


def need(name: str) -> Program:
    """Return a program that is installed, else skip with the command that installs it."""
    program = table()[0][name]
    if not program.installed:
        pytest.skip(f"{name} {program.version} is not installed: python3 tasks.py agents {name}")
    return program


@pytest.fixture
def stub() -> Iterator[StubModel]:
    """Return a model service of this test alone."""
    with StubModel() as model:
        yield model


@pytest.fixture
def rig_for() -> Iterator[Callable[..., Rig]]:
    """Return a function that makes a workspace; nothing of it is left afterwards, no process either."""
    made: list[Rig] = []
    top = Path(tempfile.mkdtemp(prefix="autobuilds-agents-", dir=place()))

    def make(**given: Any) -> Rig:
        rig = make_rig(top / str(len(made)), **given)
        made.append(rig)
        return rig

    yield make
    for rig in made:
        rig.close()
    shutil.rmtree(top, ignore_errors=True)


@pytest.fixture
def real_rig(rig_for: Callable[..., Rig]) -> Callable[..., Rig]:
    """Return a function that makes a workspace for a real agent and a model service at an address."""

    def make(name: str, url: str, word: str, **given: Any) -> Rig:
        program, setup = need(name), SETUPS[name]
        return rig_for(
            agent=name,
            words=word,
            model=setup.model,
            variables=setup.variables(url),
            home_files=setup.files(url),
            path=program.path(),
            **{"timeout": "5m", **given},
        )

    return make
