"""How `problems` answers, on a terminal and as data: names of files may hold anything, so all of it is made inert."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from autobuilds.cli.formatters.columns import pad, wrap
from autobuilds.cli.formatters.style import Style
from autobuilds.domain.house import Readings, Restored, Sample, Trouble, Urgency
from autobuilds.domain.moment import as_json
from autobuilds.policies.problem_files import size
from autobuilds.runtime.house import Fixed, Scan

_WORD, _KIND = 8, 10
#: Rows that a terminal is given of samples and of problems; the most urgent come first.
_MOST_SAMPLES, _MOST_ROWS = 24, 100


def printable(text: str) -> str:
    """Return a text that can be written as UTF-8 whatever bytes a file's name has."""
    return text.encode("utf-8", "backslashreplace").decode()


def counted(found: Sequence[Trouble]) -> dict[str, int]:
    """Return how many problems there are of each urgency, and how many can be mended by themselves."""
    return {**{u.value: sum(t.urgency is u for t in found) for u in Urgency}, "fixable": sum(t.safe for t in found)}


def trouble_json(trouble: Trouble) -> dict[str, Any]:
    """Return a problem as JSON data."""
    return {
        "kind": trouble.kind,
        "severity": trouble.urgency.value,
        "where": printable(trouble.where),
        "said": printable(trouble.said),
        "evidence": {name: printable(value) if isinstance(value, str) else value for name, value in trouble.evidence.items()},
        "safe": trouble.safe,
        "fix": trouble.fix.kind.value if trouble.fix is not None else None,
        "way": printable(trouble.way),
    }


def problems(scan: Scan, style: Style, *, ways: bool = False) -> str:
    """Return the problems, the most urgent first, with what mends each if that is asked for, and what to do next."""
    lines: list[str] = []
    for trouble in scan.problems[:_MOST_ROWS]:
        lines += _row(trouble, style)
        if ways:
            lines += wrap(("fix: " if trouble.safe else "you: ") + printable(trouble.way), style.width, first=" " * (_WORD + 1))
    lines += _more(len(scan.problems))
    counts = counted(scan.problems)
    if not scan.problems:
        return f"nothing is wrong: {_looked_at(scan.readings)}"
    number = len(scan.problems)
    said = "1 problem" if number == 1 else f"{number} problems"
    lines.append(f"\n{said}, {counts['fixable']} of them can be fixed safely" if counts["fixable"] else f"\n{said}")
    if counts["fixable"]:
        lines.append(style.bold("> autobuilds problems fix --safe"))
    return "\n".join(lines)


def _more(number: int) -> list[str]:
    """Return the line that stands for the rows beyond the most that are shown."""
    return [f"... and {number - _MOST_ROWS} more: --json has them all"] if number > _MOST_ROWS else []


def _row(trouble: Trouble, style: Style) -> list[str]:
    paint = {Urgency.CRITICAL: style.bad, Urgency.WARNING: style.warn, Urgency.NOTE: style.dim}[trouble.urgency]
    lead = f"{paint(pad(trouble.urgency.value, _WORD))} {pad(trouble.kind, _KIND)} "
    plain = " " * (_WORD + _KIND + 2)
    first, *rest = wrap(f"{printable(trouble.where)}: {printable(trouble.said)}", style.width, first=plain, rest=" " * (_WORD + 1))
    return [lead + first.removeprefix(plain), *rest]


def _looked_at(readings: Readings) -> str:
    return (
        f"{readings.log_count} logs, {len(readings.databases)} SQLite files, {len(readings.repositories)} repositories, "
        f"{len(readings.disks)} disks were looked at"
    )


def fixes(done: Sequence[Fixed], left: Sequence[Trouble], style: Style, *, dry_run: bool) -> str:
    """Return what was done (or would be), what it freed, and what takes the owner."""
    lines: list[str] = []
    for one in done[:_MOST_ROWS]:
        fix = one.problem.fix
        word = fix.kind.value if fix is not None else ""
        state = style.dim("would") if one.planned else style.good("done") if one.result.done else style.bad("failed")
        blank = "would" if one.planned else "done" if one.result.done else "failed"
        said = one.problem.way if one.planned else one.result.said
        plain = " " * (_WORD + 1)
        text = f"{word} {printable(one.problem.where)} ({printable(one.problem.said)}): {printable(said)}"
        first, *rest = wrap(text, style.width, first=plain)
        lines += [f"{state}{' ' * (_WORD + 1 - len(blank))}{first.removeprefix(plain)}", *rest]
    lines += _more(len(done))
    if not done:
        lines.append("nothing to fix")
    elif not dry_run:
        freed, trashed = sum(f.result.freed for f in done), sum(f.result.trashed for f in done)
        lines.append(f"\n{size(freed)} freed" + (f", {size(trashed)} moved to the trash" if trashed else ""))
    if left:
        lines.append("\nLeft for you:")
        for trouble in left[:_MOST_ROWS]:
            lines += _row(trouble, style)
            lines += wrap("you: " + printable(trouble.way), style.width, first=" " * (_WORD + 1))
        lines += _more(len(left))
    return "\n".join(lines)


def figures(readings: Readings) -> dict[str, Any]:
    """Return the readings as JSON data."""
    found: dict[str, Any] = as_json(readings)
    return dict(_clean(found))


def _clean(value: Any) -> Any:
    """Return plain data whose texts can all be written."""
    if isinstance(value, str):
        return printable(value)
    if isinstance(value, dict):
        return {key: _clean(one) for key, one in value.items()}
    return [_clean(one) for one in value] if isinstance(value, list) else value


def metrics(readings: Readings, samples: Sequence[Sample], style: Style) -> str:
    """Return the figures of this moment, and those of the samples, at most a screen of them."""
    rows = [
        *(
            (f"disk {printable(d.path)}", f"{d.percent:.1f} % used, {size(d.free_bytes)} of {size(d.total_bytes)} free")
            for d in readings.disks
        ),
        ("memory", _percent(readings.memory_percent)),
        ("load", "unknown" if readings.load_per_core is None else f"{readings.load_per_core:.2f} per core"),
        ("logs", f"{readings.log_count}, {size(readings.log_bytes)}"),
        ("databases", f"{len(readings.databases)}, {size(sum(d.mark.size for d in readings.databases))}"),
        *((f"repository {printable(r.place.path)}", f"{r.loose} loose objects, {r.packs} packs") for r in readings.repositories),
        ("trash", f"{size(sum(d.size for d in readings.trash))} of {len(readings.trash)} days"),
        ("left alone", f"{readings.skipped} links, pipes and files of others"),
    ]
    lines = [line for name, said in rows for line in wrap(f"{name}: {said}", style.width, rest="  ")]
    if not samples:
        return "\n".join([*lines, "", "no samples yet: `autobuilds problems scan` keeps one, at most one each half hour"])
    lines += ["", style.bold(f"{'when':<17}{'disk':>8}{'free':>12}{'memory':>9}{'load':>7}{'logs':>12}")]
    lines += [
        f"{s.at:%Y-%m-%d %H:%M} {_percent(s.disk_percent):>8}{'?' if s.disk_free is None else size(s.disk_free):>12}"
        f"{_percent(s.memory_percent):>9}{'?' if s.load_per_core is None else f'{s.load_per_core:.2f}':>7}{size(s.log_bytes):>12}"
        for s in _spread(samples)
    ]
    return "\n".join(lines)


def _spread(samples: Sequence[Sample]) -> list[Sample]:
    """Return at most a screen of samples, evenly spread, the newest among them."""
    step = -(-len(samples) // _MOST_SAMPLES)
    return list(samples[::-step][::-1])


def _percent(value: float | None) -> str:
    return "unknown" if value is None else f"{value:.1f} %"


def restored(back: Sequence[Restored], style: Style) -> str:
    """Return what is back where it was, and what stays in the trash and why."""
    lines: list[str] = []
    for one in back:
        word = style.good("back ") if one.done else style.warn("stays")
        plain = " " * 6
        text = f"{printable(one.path)}" + (f" ({size(one.size)})" if one.done else f": {printable(one.said)}")
        first, *rest = wrap(text, style.width, first=plain)
        lines += [f"{word} {first.removeprefix(plain)}", *rest]
    return "\n".join(lines)
