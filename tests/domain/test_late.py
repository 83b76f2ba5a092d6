"""Names of a package that are imported when they are first asked for."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from types import ModuleType

import pytest

from autobuilds.domain.late import found

_HOMES = {"times": ("reached", "elapsed"), "stall": ("Stall", "no_such_name")}


@pytest.fixture
def package() -> Iterator[str]:
    name = "tests.domain.a_package_of_late_names"
    sys.modules[name] = ModuleType(name)
    yield name
    del sys.modules[name]


def test_a_name_comes_from_the_module_that_holds_it_and_stays(package: str) -> None:
    from autobuilds.domain.stall import Stall
    from autobuilds.domain.times import elapsed

    assert found(package, "autobuilds.domain", _HOMES, "elapsed") is elapsed
    assert found(package, "autobuilds.domain", _HOMES, "Stall") is Stall
    assert vars(sys.modules[package])["Stall"] is Stall, "what was found is not looked for again"
    assert "reached" not in vars(sys.modules[package])


@pytest.mark.parametrize("name", ["nowhere", "no_such_name", "__path__"])
def test_a_name_that_stands_nowhere(package: str, name: str) -> None:
    with pytest.raises(AttributeError, match=name):
        found(package, "autobuilds.domain", _HOMES, name)
