"""Concrete things in a text: code, files, figures, messages, comparisons, whatever leaves no choice."""

from __future__ import annotations

import re

from autobuilds.domain.patterns import pattern
from autobuilds.records import dataclass

_EXTENSIONS = (
    "py|pyi|ts|tsx|js|jsx|mjs|css|scss|html?|xml|svg|json[lc5]?|ya?ml|toml|ini|cfg|conf|env|md|rst|txt|csv|tsv|sql|db|sqlite|sh|bash|zsh|ps1"
    "|c|h|cc|cpp|hpp|rs|go|java|kt|swift|rb|php|lua|pl|cs|fs|hs|ex|exs|erl|clj|scala|dart|vue|svelte|tex|bib|typ|pdf|png|jpe?g|gif|webp|avif"
    "|ico|wav|mp3|flac|ogg|mp4|mkv|mid|ics|vcf|eml|mbox|gpx|geojson|kml|osm|pbf|shp|tif|tiff|nc|parquet|pkl|npz|zip|tar|gz|zst|lock|log|gradle"
    "|tf|hcl|proto|graphql|ipynb|epub|docx?|xlsx?|odt|pptx|ttf|woff2?|bin|exe|dll|so|wasm|hex|elf|stl|gcode|step|dxf|blend|glb|service|socket|timer|j2|tmpl|po|pot|mo|feature|snap|golden|diff|patch"
)
_UNITS = (
    "%|‰|°[CF]?|ms|[µu]s|ns|s|secs?|seconds?|mins?|minutes?|h|hrs?|hours?|days?|weeks?|months?|years?|[kKMGT]i?B|bytes?|bits?|[kMG]?bit/s|[kMG]?bps|px|pt|em|rem|[mck]?m|mm|cm|km"
    "|inch(?:es)?|dB\\w*|LUFS|[kMG]?Hz|fps|rpm|[kmM]?[VAW]|[km]?g|kg|l|ml|mAh|k|K|M|MB/s|lines?|rows?|columns?|chars?|characters?|words?|pages?|items?|entries|files?|tests?|cases|records?|requests?|retries|attempts|calls?|times"
    "|bpm|ppm|dpi|cores?|threads?|Sekunden?|Minuten?|Zeilen|Stunden|Tage|Zeichen|secondes?|lignes|jours|segundos?|minutos?|filas|líneas|linhas|secondi|righe|regels|seconden|rader|sekunder|riviä|sekuntia|wierszy|sekund\\w*|satır|saniye|строк\\w*|секунд\\w*"
)
_SCAN = pattern(
    rf"""
    # Nothing concrete begins inside a word: most positions of prose fail here at once.
    (?:(?<![a-zA-Z])(?=[a-zA-Z])|(?=[^a-zA-Z\s]))(?:
    (?P<code>`[^`\n]+`)
  | (?P<message>"[^"\n]{{1,90}}"|“[^”\n]{{1,90}}”|„[^“”"\n]{{1,90}}[“”"]|«[^»\n]{{1,90}}»|「[^」\n]{{1,60}}」|‘[^’\n]{{2,60}}’)
  | (?P<route>\b(?:GET|HEAD|POST|PUT|PATCH|DELETE)\s+/[^\s,;)]*|(?<![\w/.])/[a-z_][\w-]*(?:/[\w<>:{{}}?=&*-]*)*|\bhttps?://\S+)
  | (?P<file>(?<![\w@.*/-])(?:[\w.*-]{{1,64}}/){{0,8}}[\w*-]{{1,64}}\.(?:{_EXTENSIONS})\b(?!\.?\w)|(?<![\w./])\.[a-z]\w{{1,9}}\b|(?<![\w./-])[\w.-]{{1,64}}/(?:[\w.*-]{{1,64}}/)+[\w.*-]*|\b[a-z_]\w{{1,64}}/(?=[\s,;.:)]|$))
  | (?P<flag>(?<![\w-])--[a-zA-Z][\w-]*(?:[= ][A-Z]+\b)?|(?<![\w-])-[a-zA-Z]\b(?![\w'-]))
  | (?P<name>\$[A-Z]\w+|\b[a-zA-Z_]\w{{0,64}}\((?=[^\s])|\b[a-zA-Z][a-zA-Z0-9]{{0,64}}_\w+|(?<!\w)_\w+|\b[a-z]{{1,32}}[A-Z]\w+|\b(?:[A-Z][a-z0-9]{{1,32}}){{2,6}}\b|(?<![\w.])[a-z]\w{{0,64}}\.[a-z]\w{{0,64}}(?=[\s(,;:)=]|$)|@[a-z]\w+|:[a-z_]+:|\b[A-Z]{{2,}}-\d+\b|</?[a-z][\w-]*(?:\s[^>\n]{{0,60}})?/?>|\#[0-9a-fA-F]{{6}}\b|U\+[0-9A-F]{{4}}|\b0x[0-9a-fA-F]+\b|\{{\w*:\w[^}}]*\}})
  | (?P<exit>\bexit(?:s|ing)?(?:\s+(?:with|code|status))*\s+\d+|\b(?:HTTP\s*|status\s+)?[2345]\d\d\b(?!\s*(?:[kMG]B|ms|px|\w)))
  | (?P<change>->|→|⇒|=>|↦|\bfrom\s+\d\S*\s+to\s+\d)
  | (?P<figure>(?:[≤≥<>=±×≈~≠]\s*|(?<![\w.])-)?(?<![\w.])\d{{1,12}}(?:[.,:'\u202f\u00a0 ]\d{{1,12}}){{0,5}}\s?(?:{_UNITS})(?![\w])|[≤≥<>±×≈≠]=?\s?\d[\d.,]*|==|!=|≠|\d\s?[×x]\s?\d{{1,12}}\b|(?<![\w.])\d{{1,12}}[.:]\d{{1,12}}\b|\b\d{{1,12}}\s?[–-]\s?\d{{1,12}}\b)
  | (?P<number>(?<![\w.])\d{{1,12}}(?:[.,]\d{{1,12}}){{0,4}}\b(?!\.\s))
  | (?P<acronym>\b[A-Z][A-Z0-9]{{1,6}}s?\b)
    )
""",
    re.VERBOSE | re.MULTILINE,
)
_MONTH = pattern(
    r"\s*(?:(?:st|nd|rd|th)\b|\.?\s?(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec|mär|mai|juin|juil|okt|dez|enero|abril|junio)\w*)",
    re.IGNORECASE,
)
#: Small counts written as words are figures as well.
_COUNT = pattern(
    r"\b(?:exactly|only|at most|at least|no more than|up to)\s+(?:one|two|three|four|five|six|seven|eight|nine|ten|twelve|once|twice)\b",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """The concrete things of one text, counted by sort; `spans` are their places."""

    counts: dict[str, int]
    spans: tuple[tuple[str, int, int], ...]

    @property
    def total(self) -> int:
        """How many there are of the sorts that leave no choice (acronyms and bare numbers count little and apart)."""
        return sum(n for sort, n in self.counts.items() if sort not in {"acronym", "number"})

    def of(self, *sorts: str) -> int:
        """How many there are of some sorts."""
        return sum(self.counts.get(sort, 0) for sort in sorts)


def evidence_of(text: str) -> Evidence:
    """Return the concrete things named in a text, found in one pass."""
    counts: dict[str, int] = {}
    spans: list[tuple[str, int, int]] = []
    for match in _SCAN.finditer(text):
        sort = match.lastgroup or ""
        if sort == "number" and not _counts(text, match):
            continue
        counts[sort] = counts.get(sort, 0) + 1
        spans.append((sort, match.start(), match.end()))
    for match in _COUNT.finditer(text):
        counts["figure"] = counts.get("figure", 0) + 1
        spans.append(("figure", match.start(), match.end()))
    return Evidence(counts=counts, spans=tuple(spans))


def _counts(text: str, match: re.Match[str]) -> bool:
    """Whether a bare number is a quantity: not a year, a day of a month, a numbered heading or a ticket."""
    digits = match.group()
    if len(digits) == 4 and digits.startswith(("19", "20")):
        return False
    before = text[max(0, match.start() - 1) : match.start()]
    return before not in {"#", "-"} and not _MONTH.match(text, match.end())
