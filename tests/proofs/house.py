"""Housekeeping loses nothing: `problems fix --safe` is killed before each of its calls, and each of its calls is made to fail.

A yard with a large log, old logs, a database full of unused pages whose rows may be renumbered, a repository with objects that nothing
reaches and a clone that nobody records is put in order, again and again, each time with one call killed or failing, in the fixer or in the
Git that it runs. After each time everything that was there must still be there, in its place, compressed, or in the trash; and a second
run must come to its end.
"""

from __future__ import annotations

import errno
import gzip
import json
import os
import random
import shutil
import sqlite3
import subprocess
import sys
import time
import zlib
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import datetime
from pathlib import Path

from tests.proofs.figures import Figures, Options
from tests.proofs.points import points_of
from tests.proofs.shim import MISSING, Calls, Control, Mode, Orders, attach, library

#: Kills and failures of a sample.
SAMPLE = 8
#: What a call fails with.
ERRORS = (errno.ENOSPC, errno.EIO)
_CONFIG = "---\ntimezone: UTC\nlog_limit: 1\nhousekeeping: [../data]\n---\n# Heartbeat\n"
_QUEUE = "# Build Queue\n\n## Active Queue\n\n## Completed\n"
_DAY = 86_400
_CALLS = Calls.CHANGES & ~Calls.SPAWN & ~Calls.SIGNAL
#: How a run ended that was not killed: well, with an error that autobuilds names, with one that nobody foresaw.
WELL, NAMED, UNFORESEEN = 0, 3, 4


def run(options: Options, *, breaks: str = "") -> Figures:
    """Kill and fail; `breaks` names a careless fixer that must be caught (`removes` old logs instead of keeping them)."""
    figures = Figures(proof="house")
    if library() is None:
        figures.skipped.append(MISSING)
        return figures
    base = options.folder / "base"
    lay_out(base)
    control = Control(options.folder / "driver", Orders(mode=Mode.OFF))
    orders = options.folder / "orders.json"
    told = {
        "base": str(base),
        "folder": str(options.folder),
        "points": 0 if options.full else SAMPLE,
        "seed": options.seed,
        "breaks": breaks,
    }
    orders.write_text(json.dumps(told))
    command = [sys.executable, "-c", "from tests.proofs import house; house.drive()", str(orders)]
    environment = {**os.environ, **control.environment()}
    counts: Counter[str] = Counter()
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as driver:
        assert driver.stdout is not None
        for line in driver.stdout:
            point = json.loads(line)
            counts.update(point["counts"])
            figures.faults += point["faults"]
            options.say(point["what"])
    if driver.returncode != 0:
        figures.faults.append(f"the driver ended with {driver.returncode}")
    control.close()
    least = 250 if options.full else SAMPLE - 2
    figures.count("calls of one run", counts["calls"], least=100)
    figures.count("kills", counts["kill"], least=least)
    figures.count("failed calls", counts["fail"], least=least)
    figures.count("calls that were aimed at and not met", counts["missed"])
    figures.count("runs that ended with an error nobody foresaw", counts["unforeseen"], most=0)
    figures.count("things lost", counts["lost"], most=0)
    figures.count("second runs that did not come to their end", counts["stuck"], most=0)
    return figures


def lay_out(base: Path) -> None:
    """Make the yard that is put in order: a workspace and a folder of the owner's beside it."""
    site, data = base / "site", base / "data"
    for folder in (site, data):
        folder.mkdir(parents=True)
    for name, text in (("BUILD_QUEUE.md", _QUEUE), ("HEARTBEAT.md", _CONFIG), (".gitignore", ".autobuilds/\nmemory/\n")):
        (site / name).write_text(text)
    for words in (("init", "-q", "-b", "main"), ("add", "-A"), ("commit", "-q", "-m", "first")):
        subprocess.run(["git", *words], cwd=site, check=True, stdin=subprocess.DEVNULL)
    paths = []
    for number in range(30):
        path = base / f"blob-{number}"
        path.write_text(f"{number}\n" * 30)
        paths.append(str(path))
    named = "\n".join(paths)
    subprocess.run(["git", "hash-object", "-w", "--stdin-paths"], cwd=site, check=True, input=named, text=True, stdout=subprocess.DEVNULL)
    for path_ in paths:
        Path(path_).unlink()
    database = sqlite3.connect(data / "app.db")
    # Large pages: few calls for as many bytes.
    database.execute("pragma page_size = 65536")
    database.execute("create table t (a text)")
    database.executemany("insert into t values (?)", [(f"{n}" + "y" * 1000,) for n in range(1500)])
    database.execute("delete from t where rowid % 100 <> 0")
    database.commit()
    database.close()
    clone = site / ".autobuilds" / "clones" / "gone-1"
    clone.mkdir(parents=True)
    for path, text, days in (
        (clone / "work.txt", "work", 3.0),
        (data / "app.log", "large\n" * 200_000, 0.0),
        (data / "app.log.1", "old\n" * 5000, 31.0),
        (data / "app.log.2", "very old\n" * 5000, 61.0),
    ):
        path.write_text(text)
        os.utime(path, (time.time() - days * _DAY,) * 2)
    os.utime(clone, (time.time() - 3 * _DAY,) * 2)


def drive() -> None:
    """Run every point in a process of its own, forked from this one, which was loaded with the library; tell a line on each."""
    from autobuilds.policies import problem_files
    from autobuilds.runtime import house

    told = json.loads(Path(sys.argv[1]).read_text())
    problem_files.LOOSE = 20
    base, folder = Path(told["base"]), Path(told["folder"])
    if told["breaks"] == "removes":
        _break()
    rng = random.Random(told["seed"])
    expected = inventory(base)
    control = Control(folder / "point", Orders(mode=Mode.OFF))
    point = _Point(base=base, work=folder / "work", control=control, fix=lambda context, now: house.fix_safe(context, now))
    status = point.once(Orders(mode=Mode.COUNT, calls=_CALLS))
    calls = control.count
    _tell(f"{calls} calls", {"calls": calls}, [] if status == WELL and not lost(expected, point.work) else [f"a run in peace: {status}"])
    for mode in (Mode.KILL, Mode.FAIL):
        for at in points_of(calls, told["points"] or calls, rng):
            error = ERRORS[at % len(ERRORS)] if mode is Mode.FAIL else 0
            status = point.once(Orders(mode=mode, at=at, error=error, calls=_CALLS))
            what, met = f"{mode.name.lower()} {at} of {calls} ({control.what})", control.fired > 0
            faults = [f"{what}: {name} is lost" for name in lost(expected, point.work)]
            unforeseen = mode is Mode.FAIL and status == UNFORESEEN
            again = point.once(Orders(mode=Mode.OFF), fresh=False)
            faults += [f"{what}: {name} is lost after a second run" for name in lost(expected, point.work)]
            counts = {mode.name.lower() if met else "missed": 1, "unforeseen": unforeseen, "lost": len(faults), "stuck": again != WELL}
            faults += [f"{what}: an error that nobody foresaw"] if unforeseen else []
            faults += [f"{what}: the second run ended with {again}"] if again != WELL else []
            _tell(what, counts, faults)


def _tell(what: str, counts: dict[str, int], faults: list[str]) -> None:
    sys.stdout.write(json.dumps({"what": what, "counts": counts, "faults": faults}) + "\n")
    sys.stdout.flush()


def _break() -> None:
    """Make the fixer careless: what is to be put away is removed."""
    from autobuilds.adapters.housekeeping import trash

    def removed(fd: int, name: str, slot: trash.Slot, info: os.stat_result) -> None:
        with suppress(OSError):
            os.unlink(name, dir_fd=fd)

    vars(trash)["_move"] = removed


class _Point:
    """One copy of the yard, put in order by a forked process under orders."""

    def __init__(self, *, base: Path, work: Path, control: Control, fix: Callable[..., object]) -> None:
        self.base, self.work, self.control, self.fix = base, work, control, fix

    def once(self, orders: Orders, *, fresh: bool = True) -> int:
        """Put the yard in order, in a fresh copy unless it is to go on in the last one; return how that ended."""
        if fresh:
            shutil.rmtree(self.work, ignore_errors=True)
            shutil.copytree(self.base, self.work, symlinks=True)
        self.control.order(orders)
        child = os.fork()
        if child == 0:
            os._exit(self._inside())
        _, status = os.waitpid(child, 0)
        return os.waitstatus_to_exitcode(status)

    def _inside(self) -> int:
        from autobuilds.errors import AutobuildsError
        from autobuilds.wiring import make_context

        try:
            attach(self.control.path)
            context = make_context(self.work / "site")
            self.fix(context, datetime.now().astimezone())
        except (AutobuildsError, OSError) as known:
            return NAMED if isinstance(known, AutobuildsError) or known.errno in ERRORS else UNFORESEEN
        except BaseException:
            return UNFORESEEN
        return WELL


def inventory(base: Path) -> dict[str, int]:
    """Return what there is in a yard: texts of logs by their sum, rows of the database, objects of Git, the clone's work."""
    found = {f"log {zlib.crc32(text)}": 1 for text in _texts(base / "data") if text}
    found["rows"] = _rows(base / "data" / "app.db")
    found |= dict.fromkeys(_objects(base / "site"), 1)
    found["work of the clone"] = 1
    return found


def lost(expected: dict[str, int], work: Path) -> list[str]:
    """Return what of it is nowhere any more."""
    sums = {zlib.crc32(text) for folder in (work / "data", work / "site" / ".autobuilds" / "trash") for text in _texts(folder)}
    objects = set(_objects(work / "site"))
    missing = []
    for name, count in expected.items():
        kind, _, rest = name.partition(" ")
        there = {
            "log": lambda rest=rest: int(rest) in sums,
            "rows": lambda count=count: _rows(work / "data" / "app.db") == count,
            "object": lambda name=name: name in objects,
            "work": lambda: any(path.read_text() == "work" for path in work.rglob("work.txt")),
        }[kind]
        if not there():
            missing.append(name)
    return missing


def _texts(folder: Path) -> Iterator[bytes]:
    for path in folder.rglob("*"):
        if path.is_file() and not path.is_symlink() and ".log" in path.name:
            data = path.read_bytes()
            with suppress(OSError, EOFError, zlib.error):
                yield gzip.decompress(data) if data.startswith(b"\x1f\x8b") else data


def _rows(path: Path) -> int:
    base = sqlite3.connect(path)
    try:
        texts = [row[0] for row in base.execute("select a from t order by a")]
        sound = base.execute("pragma integrity_check").fetchone()[0] == "ok"
        return zlib.crc32("".join(texts).encode()) if sound else -1
    except sqlite3.Error:
        return -1
    finally:
        base.close()


def _objects(site: Path) -> list[str]:
    done = subprocess.run(
        ["git", "cat-file", "--batch-all-objects", "--batch-check"], cwd=site, capture_output=True, text=True, check=False
    )
    return [f"object {line.split()[0]}" for line in done.stdout.split("\n") if line]
