"""Properties that are tried with some examples each time, and with many in the sweeps."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st


def swept(few: int, many: int) -> pytest.MarkDecorator:
    """Mark a test that takes `examples`: it is run with few, and with many in the sweeps."""
    return pytest.mark.parametrize("examples", [few, pytest.param(many, marks=pytest.mark.slow)])


def for_all(examples: int, *strategies: st.SearchStrategy[Any]) -> Callable[[Callable[..., None]], None]:
    """Check a function with so many examples of its arguments, as its decorator."""

    def tried(check: Callable[..., None]) -> None:
        @settings(max_examples=examples, deadline=None, suppress_health_check=list(HealthCheck))
        @given(st.tuples(*strategies))
        def checked(drawn: tuple[Any, ...]) -> None:
            check(*drawn)

        checked()

    return tried
