"""docs/reference/agents.md: the tables of the shipped agents, made from their presets.

`python3 -m tests.cli.agents_page` writes them anew; everything else on the page is written by hand.
"""

from __future__ import annotations

import re
from pathlib import Path

from autobuilds.adapters.agents.preset import Preset
from autobuilds.adapters.agents.presets import Presets

PAGE = Path(__file__).resolve().parents[2] / "docs" / "reference" / "agents.md"
TABLE = re.compile(r"<!-- begin (?P<name>[a-z]+) -->\n.*?<!-- end (?P=name) -->\n", re.DOTALL)
_HEAD = "| agent | tried | prompt | session | sign-in that is found | memory | install |\n|---|---|---|---|---|---|---|\n"
_PROMPT = {"stdin": "standard input", "file": "file", "arg": "argument", "none": "none"}


def presets() -> list[Preset]:
    """Return the shipped agents in the order of preference."""
    found = Presets.load(None)
    return [found.find(name) for name in found.table]


def _row(preset: Preset) -> str:
    tried = f"from {preset.min_version}" if preset.min_version else "always there" if preset.name == "command" else "**not tried**"
    session = {"preset": "ours", "reported": "its own", "none": "none"}[preset.session] + (", resumed" if preset.resume else "")
    found = ", ".join(f"`{name}`" for name in preset.signed_in) or "none needed"
    install = f"`{preset.install}`" if preset.install and not preset.install.startswith("see ") else preset.install or "nothing"
    memory = f"{preset.reserve_mib} MiB" if preset.reserve_mib else "as its steps"
    return f"| `{preset.name}` | {tried} | {_PROMPT[preset.prompt]} | {session} | {found} | {memory} | {install} |\n"


_READ = "| agent | output | live | final message | tokens | cost | refused tools |\n|---|---|---|---|---|---|---|\n"


def _read(preset: Preset) -> str:
    picks = {pick.name for pick in preset.rules.picks}
    told = ["yes" if name in picks else "no" for name in ("said", "tokens_out", "cost_usd", "denials")]
    output = {"jsonl": "events", "json": "one object", "text": "text"}[preset.rules.format]
    return f"| `{preset.name}` | {output} | {'yes' if preset.rules.shows else 'no'} | {' | '.join(told)} |\n"


def tables() -> dict[str, str]:
    """Return the tables by the names of their marks."""
    found = presets()
    return {"agents": _HEAD + "".join(map(_row, found)), "read": _READ + "".join(map(_read, found))}


def renewed(page: str) -> str:
    """Return the page with the tables made anew."""
    made = tables()
    return TABLE.sub(lambda found: f"<!-- begin {found['name']} -->\n{made[found['name']]}<!-- end {found['name']} -->\n", page)


if __name__ == "__main__":
    PAGE.write_text(renewed(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
