"""A person with editors and shells: saves one line after the other into a file, in six ways, and prints what was saved.

Run with: the file or the folder of a BUILD_QUEUE.md, the time (seconds since 1970) until which, how long the person is kept
waiting at most between look and save ("" for not at all, `stop` for until woken), and the names of the ways (all, if none).
Who is sent SIGTERM ends after the save that is going on.
The environment may give HAND_LINE (with `{n}`), HAND_SEED, HAND_PAUSE (seconds) and HAND_REST (seconds, now and then).
"""

from __future__ import annotations

import os
import pathlib
import random
import signal
import subprocess
import sys
import time

root, until = pathlib.Path(sys.argv[1]), float(sys.argv[2])
path = root / "BUILD_QUEUE.md" if root.is_dir() else root
other, away = path.with_name(".swap"), path.with_name(".away")
longest = sys.argv[3] if len(sys.argv) > 3 else ""
form = os.environ.get("HAND_LINE", "By hand {n}.")
luck = random.Random(int(os.environ.get("HAND_SEED", "7")))
pause, rest = float(os.environ.get("HAND_PAUSE", "0.08")), float(os.environ.get("HAND_REST", "0"))


def kept_waiting(share: float) -> None:
    """Wait as a process does that a busy machine leaves alone for a while."""
    if longest == "stop":
        os.kill(os.getpid(), signal.SIGSTOP)
    elif longest and luck.random() < 0.3:
        time.sleep(luck.uniform(0.0, float(longest)) * share)


def append(line: str) -> None:
    """Save as `>>` does."""
    with path.open("a") as file:
        file.write(line)


def slow(line: str) -> None:
    """Save as `>>` does, in two steps."""
    with path.open("a") as file:
        for part in (line[:9], line[9:]):
            file.write(part)
            file.flush()
            time.sleep(0.015)


def load() -> tuple[str, os.stat_result]:
    """Read the file at rest, as an editor does."""
    while True:
        try:
            before = path.stat()
            text = path.read_text()
            after = path.stat()
        except FileNotFoundError:  # some tools have moments without it
            time.sleep(0.001)
            continue
        if (after.st_mtime_ns, after.st_ino) == (before.st_mtime_ns, before.st_ino):
            return text, before
        time.sleep(0.001)


def untouched(before: os.stat_result) -> bool:
    """Whether the file is still the one that was loaded: what editors look at before they save."""
    try:
        now = path.stat()
    except FileNotFoundError:
        return False
    return (now.st_mtime_ns, now.st_ino) == (before.st_mtime_ns, before.st_ino)


def rename(line: str) -> None:
    """Save as vim does: another file, put in its place."""
    while True:
        text, before = load()
        time.sleep(0.004)
        other.write_text(text + line)
        if untouched(before):
            kept_waiting(1)
            other.replace(path)
            return


def moved(line: str) -> None:
    """Save as an editor with backups does: the file is moved away and written anew."""
    while True:
        text, before = load()
        time.sleep(0.004)
        if untouched(before):
            kept_waiting(1)
            path.replace(away)
            with path.open("w") as file:
                file.write(text + line)
            away.unlink()
            return


def in_place(line: str) -> None:
    """Save as most editors do: the file is emptied and written."""
    while True:
        text, before = load()
        time.sleep(0.004)
        if untouched(before):
            kept_waiting(1)
            with path.open("w") as file:
                kept_waiting(0.3)
                file.write(text)
                file.flush()
                time.sleep(0.002)
                kept_waiting(0.1)
                file.write(line)
            return


def sed(line: str) -> None:
    """Save as `sed -i` does: without a second look."""
    subprocess.run(["sed", "-i", "$a " + line.rstrip().replace("\\", "\\\\"), str(path)], check=True)


WAYS = {way.__name__: way for way in (append, slow, rename, in_place, sed, moved)}
ways = [WAYS[name] for name in sys.argv[4:]] or list(WAYS.values())
asked_to_end: list[int] = []
signal.signal(signal.SIGTERM, lambda number, _: asked_to_end.append(number))
n = 0
while time.time() < until:
    if asked_to_end:
        break
    n += 1
    said = form.format(n=n) + "\n"
    luck.choice(ways)(said)
    print(said, end="", flush=True)  # noqa: T201 - its answer
    time.sleep(rest if rest and n % 40 == 0 else luck.uniform(0.0, pause))
