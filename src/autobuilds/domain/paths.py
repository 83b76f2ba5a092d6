"""Which paths a build may change: glob matching of *Touches* and of protected paths."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Sequence

from autobuilds.domain import patterns
from autobuilds.records import dataclass

#: What HFS+ disregards in a name.
_UNSEEN = patterns.pattern("[\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufeff]")
#: The name of a stream of NTFS, and the short name of a file that begins with a dot.
_STREAM = patterns.pattern(r"(?<=.):.*$")
_SHORT = patterns.pattern(r"^(git|gitmod|gitatt|github|claude|codex|vscode|husky|mcp|envrc)~\d+$")
#: Protected in every repository: what steers Git, other people's machines, CI and agents.
PROTECTED_EVERYWHERE = (
    ".git*",
    ".gitlab-ci.yml",
    "/.circleci/",
    "/.buildkite/",
    "/.woodpecker/",
    "/.woodpecker.y*ml",
    "/.drone.yml",
    "/.travis.yml",
    "/.cirrus.yml",
    "/.forgejo/",
    "/.gitea/",
    "/.teamcity/",
    "/.azure-pipelines/",
    "/azure-pipelines.yml",
    "/bitbucket-pipelines.yml",
    "/Jenkinsfile",
    ".husky/",
    ".pre-commit-config.yaml",
    "lefthook.yml",
    ".envrc",
    ".vscode/",
    ".idea/",
    ".devcontainer/",
    ".devcontainer.json",
    ".claude/",
    ".codex/",
    ".gemini/",
    ".cursor/",
    ".cursorrules",
    ".opencode/",
    "opencode.json",
    ".agents/",
    ".openclaw/",
    ".aider*",
    ".mcp.json",
    ".qwen/",
    ".pi/",
    ".copilot/",
    ".goose*",
    ".continue/",
    ".clinerules",
    ".roo*",
    ".windsurf*",
    ".kiro/",
    ".amp*",
    ".zed/",
    ".exrc",
    ".nvim*",
    ".dir-locals.el",
    ".hg/",
    ".jj/",
    ".svn/",
    "opencode.jsonc",
    ".lefthook*",
    "lefthook.yaml",
    ".overcommit.yml",
    "AGENTS.md",
    "AGENTS.*.md",
    "AGENT.md",
    "CLAUDE.md",
    "CLAUDE.*.md",
    "GEMINI.md",
    "QWEN.md",
    "agents.toml",
    ".autobuilds/",
)
#: Protected besides when the repository is the workspace itself.
PROTECTED_IN_WORKSPACE = (
    "/BUILD_QUEUE.md",
    "/BUILD_STATUS.md",
    "/HEARTBEAT.md",
    "/DECISION_FRAMEWORK.md",
    "/OPERATIONS.md",
    "/AUTONOMOUS_BUILDS.md",
    "/STOP",
    "/progress.html",
    "/subagents/",
    "/build-reports/",
    "/memory/",
    "/templates/",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """The changed paths that a build may not change: `protected` with the pattern each matches, `outside` its *Touches*."""

    protected: tuple[tuple[str, str], ...] = ()
    outside: tuple[str, ...] = ()
    #: Symbolic links that lead out of the repository.
    links: tuple[str, ...] = ()
    #: Repositories that are only referred to: what they hold is no part of the work.
    submodules: tuple[str, ...] = ()
    #: Where values of secrets stand in the work that the agent was given, as (path, variable).
    secrets: tuple[tuple[str, str], ...] = ()

    @property
    def kept(self) -> bool:
        """Whether the build stayed within its bounds."""
        return not (self.protected or self.outside or self.links or self.submodules or self.secrets)


def protected_patterns(*, in_workspace: bool, extra: Iterable[str] = ()) -> tuple[str, ...]:
    """Return the patterns that no build may touch; `extra` are the owner's own (setting `protected`)."""
    own = PROTECTED_IN_WORKSPACE if in_workspace else ()
    return (*PROTECTED_EVERYWHERE, *own, *(p for p in extra if p.strip()))


def check_bounds(
    changed: Iterable[str],
    *,
    touches: Sequence[str],
    protected: Sequence[str],
    outside_links: Sequence[str] = (),
    submodules: Sequence[str] = (),
    secrets: Sequence[tuple[str, str]] = (),
) -> Bounds:
    """Judge the changed paths; no *Touches* allow every path, protected patterns disregard case and Unicode form."""
    held: list[tuple[str, str]] = []
    outside: list[str] = []
    for path in changed:
        pattern = next((p for p in protected if matches(p, path, fold=True)), None)
        if pattern is not None:
            held.append((path, pattern))
        elif touches and not any(matches(t, path) for t in touches):
            outside.append(path)
    return Bounds(
        protected=tuple(held),
        outside=tuple(outside),
        links=tuple(outside_links),
        submodules=tuple(submodules),
        secrets=tuple(secrets),
    )


def matches(pattern: str, path: str, *, fold: bool = False) -> bool:
    """Whether a path (relative, `/`) matches a pattern in the notation of .gitignore.

    `*` and `?` stay within a name, `**` spans folders, `[a-z]` is a set, `/` at the end means a folder; a pattern that
    names a folder takes in all below it; one without `/` (but at its end) matches at every depth, one that starts with
    `/` at the top only. `fold` takes names as the file systems of other machines do: without case, Unicode form, what shows nothing, and
    what Windows leaves off. The cost is bounded by the product of the lengths.
    """
    if fold:
        pattern, path = _folded(pattern), _elsewhere(_folded(path))
    text = pattern.strip().removeprefix("./")
    anchored = "/" in text.rstrip("/")
    names = [n for n in text.split("/") if n not in {"", "."}]
    if not names:
        return text in {".", "./"} or pattern.strip() == "./"
    if not anchored:
        names = ["**", *names]
    folder_only = text.endswith("/")
    return _match_names(names, path.split("/"), folder_only=folder_only)


def _folded(text: str) -> str:
    return unicodedata.normalize("NFC", _UNSEEN.sub("", text)).casefold()


def _elsewhere(path: str) -> str:
    """Return a folded path as Windows would read it: `CLAUDE.md.`, `.git::$DATA` and `GIT~1` name what they seem not to."""
    return "/".join(_SHORT.sub(r".\1", _STREAM.sub("", name).rstrip(". ") or name) for name in path.split("/"))


def _match_names(wanted: list[str], names: list[str], *, folder_only: bool) -> bool:
    """Match pattern segments against a leading part of the path (the whole, or a folder that holds it)."""
    reach = {0}
    for pattern in wanted:
        if pattern == "**":
            reach = set(range(min(reach), len(names) + 1)) if reach else set()
            continue
        reach = {i + 1 for i in reach if i < len(names) and match_name(pattern, names[i])}
        if not reach:
            return False
    if wanted[-1] == "**":
        return True
    return min(reach) < len(names) or not folder_only


def match_name(pattern: str, name: str) -> bool:
    """Whether one path segment matches one pattern segment (`*`, `?`, `[set]`, `[!set]`)."""
    reach = {0}
    at = 0
    while at < len(pattern):
        sign = pattern[at]
        if sign == "*":
            reach = set(range(min(reach), len(name) + 1)) if reach else set()
            at += 1
            continue
        if sign == "[" and (end := pattern.find("]", at + 2)) > 0:
            inner = pattern[at + 1 : end]
            reach = {i + 1 for i in reach if i < len(name) and _in_set(inner, name[i])}
            at = end + 1
        else:
            reach = {i + 1 for i in reach if i < len(name) and (sign == "?" or name[i] == sign)}
            at += 1
        if not reach:
            return False
    return len(name) in reach


def _in_set(inner: str, char: str) -> bool:
    negated = inner[:1] in {"!", "^"}
    signs = inner[1:] if negated else inner
    found = False
    at = 0
    while at < len(signs):
        if at + 2 < len(signs) and signs[at + 1] == "-":
            found = found or signs[at] <= char <= signs[at + 2]
            at += 3
        else:
            found = found or signs[at] == char
            at += 1
    return found != negated
