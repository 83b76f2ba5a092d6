"""Hostile input by the data files of tests/data/hostile: how much of it becomes active, escapes, raises, or takes half a second."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from autobuilds.domain import inert
from autobuilds.domain.labels import is_label, slugify
from autobuilds.errors import AutobuildsError, BadInput
from tests.hostile import corpus, sinks
from tests.hostile.loaders import NONCE, SINKS
from tests.proofs.figures import Figures, Options

#: Seconds of CPU that one input may take.
SLOW = 0.5
#: Sinks that show a whole page, and take long: a sample gives each of them every sixth payload.
PAGES = ("status page", "report")
FENCES, ALL_FENCES = 20_000, 100_000
#: What a file holds that may not be shown, and what programs may not take for a device.
_LEAKS = "evil secret"
_DEVICES = {"con", "prn", "aux", "nul", *(f"{name}{n}" for name in ("com", "lpt") for n in range(1, 10))}

T = TypeVar("T")


@dataclass(slots=True)
class Tally:
    """What happened to the inputs of one kind."""

    figures: Figures
    inputs: int = 0
    active: int = 0
    slow: int = 0
    slowest: float = field(default=0.0)

    def tried(self, what: str, call: Callable[[], T]) -> T | None:
        """Return what a call returns, and count it; whatever it raises is a fault."""
        self.inputs += 1
        began = time.process_time()
        try:
            made = call()
        except AutobuildsError:
            made = None
        except Exception as error:
            self.wrong(what, f"raised {error!r}")
            made = None
        spent = time.process_time() - began
        if spent > SLOW:
            # Once more: whoever else was at work may be what took long.
            began = time.process_time()
            try:
                call()
            except Exception:
                spent = min(spent, time.process_time() - began)
            spent = min(spent, time.process_time() - began)
        self.slowest = max(self.slowest, spent)
        if spent > SLOW:
            self.slow += 1
            self.figures.faults.append(f"{what}: {spent:.2f} s of CPU")
        return made

    def wrong(self, what: str, why: str | None) -> None:
        """Count what became active, if anything did."""
        if why is not None:
            self.active += 1
            self.figures.faults.append(f"{what}: {why[:300]}")

    def told(self, kind: str, least: int) -> None:
        """Put the counts into the figures."""
        self.figures.count(f"{kind}: inputs", self.inputs, least=least)
        self.figures.count(f"{kind}: active, raised or leaked", self.active, most=0)
        self.figures.count(f"{kind}: over {SLOW} s of CPU", self.slow, most=0)


def run(options: Options) -> Figures:
    """Give every hostile input to everything that reads or shows it."""
    figures = Figures(proof="hostile")
    payloads = corpus.payloads()
    figures.count("payloads", len(payloads), least=67)
    figures.count("sinks", len(SINKS), least=9)
    show_payloads(Tally(figures), payloads, options)
    name_labels(Tally(figures), options.folder)
    read_front_matters(Tally(figures))
    render_templates(Tally(figures), options.folder)
    read_odd_files(Tally(figures), options.folder)
    quote_texts(Tally(figures), payloads, options)
    return figures


def show_payloads(tally: Tally, payloads: list[str], options: Options) -> None:
    """Show every payload in every sink."""
    for number, (name, sink) in enumerate(SINKS.items()):
        options.say(f"payloads: {name}")
        some = payloads if options.full or name not in PAGES else payloads[number % 6 :: 6]
        for payload in some:
            what = f"{name}: {payload[:60]!r}"
            shown = tally.tried(what, partial(sink.show, payload))
            if shown is not None:
                tally.wrong(what, sink.wrong(shown))
    tally.told("payloads x sinks", 603)


def name_labels(tally: Tally, folder: Path) -> None:
    """Let every text be a label: of a file, a branch, a run folder, a task of the queue."""
    from zoneinfo import ZoneInfo

    from autobuilds.adapters.supervisor.run_folder import RunFolder
    from autobuilds.store.queue.reader import read_queue

    branch = SINKS["branch"].wrong

    def places(label: str) -> list[str]:
        found = [label] if is_label(label) else []
        found += [slug] if (slug := slugify(label)) else []
        queue = f"## Active Queue\n\n- [ ] A task - Label: {label}\n- [ ] {label}\n".encode("utf-8", "surrogatepass")
        found += [task.label for task in read_queue(queue, zone=ZoneInfo("UTC")).queue.tasks if not task.problems]
        try:
            inside = RunFolder.of(folder, label).path
        except BadInput:
            return found
        if inside.parent != folder / ".autobuilds" / "runs":
            raise AssertionError(f"a run folder at {inside}")
        return found

    for label in corpus.labels():
        what = f"label {label[:60]!r}"
        for name in tally.tried(what, partial(places, label)) or []:
            plain = name.isprintable() and "/" not in name and "\\" not in name and not name.startswith((".", "-"))
            bad = not plain or name in _DEVICES or len(name.encode()) > 200
            tally.wrong(what, f"the name {name!r}" if bad else branch(f"build/{name}"))
    tally.told("labels", 71)


def read_front_matters(tally: Tally) -> None:
    """Read every front matter as a configuration and as that of a progress log."""
    from autobuilds.domain.moment import as_json
    from autobuilds.store.config import explain, read_settings
    from autobuilds.store.progress import parse_progress

    for name, data in corpus.front_matters().items():
        what = f"YAML, {name}"
        config = tally.tried(what, partial(read_settings, data))
        if config is not None:
            rows = tally.tried(what, partial(explain, config)) or []
            said = "\n".join([*(str(problem) for problem in config.problems), *(" ".join(row) for row in rows)])
            tally.wrong(what, f"{len(said)} characters are said of it" if len(said) > 100_000 else sinks.terminal(said))
        text = data.decode("utf-8", "replace")
        progress = tally.tried(what, partial(parse_progress, text, label="x"))
        said = str(as_json(progress)) if progress is not None else ""
        tally.wrong(what, f"{len(said)} characters are kept of it" if len(said) > 400_000 else sinks.terminal(said))
    tally.told("YAML", 36)


def render_templates(tally: Tally, folder: Path) -> None:
    """Render every template in the place of the progress log's."""
    from autobuilds.store.render import Renderer

    values = {"label": "x", "name": "x", "attempt": 1, "agent": "a", "updated": "", "when": "", "text": "abc" * 400, "now": ""}
    lists: dict[str, Any] = {"steps": list(range(100)), "items": [1], "criteria": [], "claimed": [], "checked": [], "task": {"name": "x"}}
    own = folder / "templates"
    own.mkdir()
    for name, source in corpus.templates().items():
        what = f"template, {name}"
        (own / "progress.md.j2").write_bytes(source)
        shown = tally.tried(what, partial(Renderer(folder).render, "progress.md.j2", {**values, **lists}))
        leaked = next((word for word in ("root:", "class", "uid=", "module", "os.") if word in (shown or "")), None)
        tally.wrong(what, "no page" if shown is None else leaked)
    tally.told("templates", 19)


def read_odd_files(tally: Tally, folder: Path) -> None:
    """Put every kind of odd file where a reader looks, and let it read."""
    place = folder / "odd"
    place.mkdir()
    skipped: dict[str, str] = {}
    readers = _readers()
    for name, read in readers.items():
        for kind, why in corpus.odd_files(place / "file"):
            if why is not None:
                skipped[kind] = why
                continue
            what = f"{name} of {kind}"
            began = time.monotonic()
            found = tally.tried(what, partial(read, place / "file"))
            waited = time.monotonic() - began
            tally.wrong(what, "the secret" if _LEAKS in str(found) else f"waited for {waited:.1f} s" if waited > 10 else None)
    tally.told("odd files x readers", 11 * len(readers))
    tally.figures.count("kinds of odd files that can't be made here", len(skipped))
    tally.figures.skipped += [f"odd file, {kind}: {why}" for kind, why in skipped.items()]


def _readers() -> dict[str, Callable[[Path], object]]:
    """Return everything that reads a file which an agent, or who else may write there, could have put in its place."""
    from autobuilds.adapters.agents.presets import OWN_FILE, Presets
    from autobuilds.adapters.supervisor.records import Start, read_record
    from autobuilds.adapters.supervisor.tail import read_tail, read_whole
    from autobuilds.store.growing_file import GrowingFile
    from autobuilds.store.guarded import read_guarded
    from autobuilds.store.progress import read_progress
    from autobuilds.store.progress_file import add_answer
    from autobuilds.store.render import Renderer
    from tests.hostile.loaders import NOW

    def at(name: str, read: Callable[[Path], object]) -> Callable[[Path], object]:
        """Let the file stand at another name while it is read, in a folder above; keep what a refusal says."""

        def call(path: Path) -> object:
            place = path.parent / name
            place.parent.mkdir(exist_ok=True)
            path.rename(place)
            try:
                return read(path.parent)
            except AutobuildsError as error:
                return str(error)
            finally:
                place.rename(path)

        return call

    def last(path: Path) -> object:
        file = GrowingFile(path)
        file.skip_to_last(50)
        try:
            return file.lines()
        finally:
            file.close()

    return {
        "a guarded read": read_guarded,
        "the progress log": lambda path: read_progress(path, label="x"),
        "an answer in the progress log": lambda path: add_answer(path, "yes", NOW),
        "a template": at("templates/x.md.j2", lambda folder: Renderer(folder).render("x.md.j2", {})),
        "a run record": lambda path: read_record(path, Start),
        "a result file": lambda path: read_whole(path, 1024 * 1024),
        "the end of a log": lambda path: read_tail(path, 65536),
        "a log that is followed": lambda path: GrowingFile(path).lines(),
        OWN_FILE: at(OWN_FILE, Presets.load),
        "the last lines of a log": last,
    }


def quote_texts(tally: Tally, payloads: list[str], options: Options) -> None:
    """Quote many texts as data of a prompt; none may leave its fence."""
    sign = random.Random(options.seed)
    pieces = [
        *payloads[:160],
        "<<<data k3j4x9",
        "data k3j4x9>>>",
        NONCE,
        "k3j4",
        "x9",
        "\n",
        "\r",
        "\u2028",
        "\x85",
        "| ",
        "|",
        "```",
        "#",
        " ",
    ]
    for number in range(ALL_FENCES if options.full else FENCES):
        text = "".join(sign.choice(pieces) for _ in range(sign.randint(1, 6)))
        if number % 3 == 0:
            text += "".join(chr(sign.choice((sign.randrange(0x20, 0x300), sign.randrange(0x10FFFF)))) for _ in range(8))
        quoted = tally.tried(f"fence around {text[:60]!r}", partial(inert.quoted, text, NONCE))
        tally.wrong(f"fence around {text[:60]!r} (number {number}, seed {options.seed})", fence_broken(quoted or ""))
    tally.told("fenced texts", FENCES)


def fence_broken(quoted: str) -> str | None:
    """Return how a quoted text leaves its fence, or None."""
    rows = quoted.split("\n")
    if (rows[0], rows[-1]) != (f"<<<data {NONCE}", f"data {NONCE}>>>"):
        return "its first or last line is another"
    inside = rows[1:-1]
    if NONCE in "\n".join(inside):
        return "the nonce stands inside"
    return next((f"a line has no prefix: {row[:80]!r}" for row in inside if row != "|" and not row.startswith("| ")), None)
