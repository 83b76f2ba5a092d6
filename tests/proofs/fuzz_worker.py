"""One fuzzed parser in a process of its own: `python -m tests.proofs.fuzz_worker TARGET FOLDER --seconds N | --runs N`.

FOLDER gets `figures.json` and each input that crashed (`crash-*`) or took long (`slow-*`).
"""

from __future__ import annotations

import argparse
import hashlib
import json
import random
import sys
import time
import traceback
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

#: Seconds of CPU that one input may take.
SLOW = 0.5
#: Crashes that are told apart and kept.
_MOST = 20
#: Seconds after which the figures are written down: the coverage-guided engine never returns.
_NOTED = 0.2


@dataclass(slots=True)
class Tally:
    """What happened so far to one target."""

    folder: Path
    runs: int = 0
    crashes: dict[str, str] = field(default_factory=dict)
    slow: list[str] = field(default_factory=list)
    slowest: float = 0.0
    engine: str = ""
    #: Runs after which every one is written down, since it may be the last; 0 where it ends by its time.
    wanted: int = 0
    _noted: float = 0.0

    def one(self, check: Callable[[bytes], None], data: bytes) -> None:
        """Run one input; whatever happens is counted."""
        began = time.process_time()
        try:
            check(data)
        except Exception as error:
            self._crashed(error, data)
        spent = time.process_time() - began
        if spent > self.slowest:
            self.slowest = spent
        if spent > SLOW:
            # Whoever else was at work may be what took long: once more, alone.
            again = _again(check, data)
            if again > SLOW:
                self.slow.append(self._keep("slow", data))
        self.runs += 1
        if (self.wanted and self.runs >= self.wanted) or time.monotonic() > self._noted + _NOTED:
            self.note()

    def _crashed(self, error: Exception, data: bytes) -> None:
        frames = [frame for frame in traceback.extract_tb(error.__traceback__) if "fuzz_worker" not in frame.filename]
        last = frames[-1] if frames else None
        where = f"{Path(last.filename).name}:{last.lineno}" if last else "?"
        what = f"{type(error).__name__} at {where}"
        if isinstance(error, AssertionError):
            what += f": {str(error)[:40]}"
        if what not in self.crashes and len(self.crashes) < _MOST:
            self.crashes[what] = f"{self._keep('crash', data)}: {str(error)[:200]}"
            self.note()

    def _keep(self, kind: str, data: bytes) -> str:
        name = f"{kind}-{hashlib.sha256(data).hexdigest()[:12]}"
        (self.folder / name).write_bytes(data)
        return name

    def note(self) -> None:
        """Write the figures down."""
        self._noted = time.monotonic()
        plain = {key: value for key, value in asdict(self).items() if key not in {"folder", "wanted", "_noted"}}
        temporary = self.folder / "figures.tmp"
        temporary.write_text(json.dumps(plain), encoding="utf-8")
        temporary.replace(self.folder / "figures.json")


def _again(check: Callable[[bytes], None], data: bytes) -> float:
    began = time.process_time()
    try:
        check(data)
    except Exception:
        return time.process_time() - began
    return time.process_time() - began


def mutated(sign: random.Random, seeds: Sequence[bytes], words: Sequence[bytes], longest: int) -> bytes:
    """Return one input made of a seed or two by a few random changes."""
    data = bytearray(sign.choice(seeds))
    for _ in range(sign.choice((0, 1, 1, 2, 3, 5, 8))):
        at = sign.randint(0, len(data))
        end = min(at + sign.choice((1, 1, 2, 8, 40)), len(data))
        match sign.randrange(8):
            case 0:
                data[at:at] = sign.choice(words) if words else b"\0"
            case 1:
                data[at:end] = sign.choice(words) if words else b""
            case 2:
                del data[at:end]
            case 3:
                data[at:at] = data[at:end] * sign.choice((1, 2, 20))
            case 4:
                data[at:end] = bytes([sign.randrange(256)])
            case 5:
                other = sign.choice(seeds)
                cut = sign.randint(0, len(other))
                data[at:] = other[cut:]
            case 6:
                rows = bytes(data).split(b"\n")
                one, two = sign.randrange(len(rows)), sign.randrange(len(rows))
                rows[one], rows[two] = rows[two], rows[one]
                data = bytearray(b"\n".join(rows))
            case _:
                rows = bytes(data).split(b"\n")
                rows.insert(sign.randrange(len(rows) + 1), sign.choice(rows))
                data = bytearray(b"\n".join(rows))
    return bytes(data[:longest])


def by_chance(
    tally: Tally,
    check: Callable[[bytes], None],
    seeds: Iterable[bytes],
    words: Sequence[bytes],
    *,
    seed: int,
    runs: int = 0,
    seconds: float = 0.0,
    longest: int = 4096,
) -> None:
    """Try random mutations of the seeds, `runs` of them or for so many seconds."""
    tally.engine = "random mutations"
    sign = random.Random(seed)
    begun = [one[:longest] for one in seeds] or [b""]
    for one in begun:
        tally.one(check, one)
    until = time.monotonic() + seconds
    while tally.runs < runs or (not runs and time.monotonic() < until):
        tally.one(check, mutated(sign, begun, words, longest))
    tally.note()


def guided(name: str, tally: Tally, *, seed: int, runs: int, seconds: float) -> None:
    """Let coverage guide the mutations; does not return."""
    import atheris  # type: ignore[import-untyped, unused-ignore]

    with atheris.instrument_imports(include=["autobuilds"]):
        from tests.proofs.fuzz_targets import TARGETS

        target = TARGETS[name]
        seeds = list(target.seeds())
        for one in seeds[:20]:
            tally.one(target.check, one[: target.longest])
    tally.engine = f"atheris {getattr(atheris, '__version__', '3')}"
    corpus = tally.folder / "corpus"
    corpus.mkdir(exist_ok=True)
    for number, one in enumerate(seeds):
        (corpus / f"{number:04d}").write_bytes(one[: target.longest])
    dictionary = tally.folder / "words"
    quoted = ("".join(f"\\x{byte:02x}" for byte in word) for word in target.words)
    dictionary.write_text("".join(f'"{word}"\n' for word in quoted), encoding="utf-8")
    call = [f"-max_len={target.longest}", f"-seed={seed}", f"-dict={dictionary}", f"-artifact_prefix={tally.folder}/hung-", "-timeout=20"]
    call += ["-rss_limit_mb=4096", f"-runs={runs}" if runs else f"-max_total_time={int(seconds)}", "-print_final_stats=0", "-verbosity=0"]

    def check(data: bytes) -> None:
        tally.one(target.check, data)

    tally.note()
    atheris.Setup([sys.argv[0], *call, str(corpus)], check)
    atheris.Fuzz()


def main(argv: list[str]) -> int:
    """Fuzz one target."""
    parser = argparse.ArgumentParser()
    parser.add_argument("target")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--seconds", type=float, default=2.0)
    parser.add_argument("--runs", type=int, default=0)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--chance", action="store_true")
    given = parser.parse_args(argv)
    tally = Tally(folder=given.folder, wanted=given.runs)
    if not given.chance:
        guided(given.target, tally, seed=given.seed, runs=given.runs, seconds=given.seconds)
    from tests.proofs.fuzz_targets import TARGETS

    target = TARGETS[given.target]
    by_chance(
        tally, target.check, target.seeds(), target.words, seed=given.seed, runs=given.runs, seconds=given.seconds, longest=target.longest
    )
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
