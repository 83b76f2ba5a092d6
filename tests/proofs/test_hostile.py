"""A sample of all hostile input, and sinks, readers and fences that let something through, which must be caught."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.hostile import corpus, sinks
from tests.hostile.loaders import NONCE, Sink
from tests.proofs import hostile
from tests.proofs.figures import Figures, Options
from tests.proofs.hostile import Tally, fence_broken


def test_a_sink_that_lets_something_through_is_caught() -> None:
    plain = Sink(show=lambda text: f"# {text}\n", wrong=sinks.page)
    assert sum(plain(payload) is not None for payload in corpus.payloads()) > 60
    raw = Sink(show=lambda text: text, wrong=sinks.terminal)
    assert sum(raw(payload) is not None for payload in corpus.payloads()) > 40


def test_a_fence_without_prefix_or_with_a_nonce_that_closes_up_is_caught() -> None:
    def careless(text: str) -> str:
        return f"<<<data {NONCE}\n{text.replace(NONCE, '')}\ndata {NONCE}>>>"

    broken = [payload for payload in corpus.payloads() if fence_broken(careless(payload)) is not None]
    assert len(broken) > 100
    assert "stands inside" in str(fence_broken(careless("| kk3j4x93j4x9")))


def test_what_raises_leaks_or_takes_long_is_counted(tmp_path: Path) -> None:
    def fails() -> None:
        raise IndexError("lost its place")

    figures = Figures(proof="x")
    tally = Tally(figures)
    tally.tried("a reader", fails)
    leaky = (tmp_path / "file").read_text
    for kind, why in corpus.odd_files(tmp_path / "file"):
        if why is None and kind == "second name of a secret":
            found = tally.tried(kind, leaky)
            tally.wrong(kind, "the secret" if hostile._LEAKS in str(found) else None)
    tally.told("x", 1)
    assert (tally.inputs, tally.active) == (2, 2)
    assert not figures.held


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_no_hostile_input_becomes_active(tmp_path: Path) -> None:
    figures = hostile.run(Options(folder=tmp_path))
    assert figures.held, figures.table()
