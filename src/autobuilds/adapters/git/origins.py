"""Who the owner is to Git, and who brought a line into the history, told so that nothing in the repository can put another name to it."""

from __future__ import annotations

import re
from collections.abc import Mapping

from autobuilds.adapters.git.process import Git
from autobuilds.ports import Identity, LineOrigin

_AUTHOR = re.compile(rb"^author [^\n]*<([^<>\n]*)> -?\d+ [+-]\d{4}$", re.MULTILINE)
#: Attributes by which the file on disk is made of another text than the committed one.
_CONVERSIONS = ("filter", "working-tree-encoding", "ident")
_NONE = frozenset({b"unspecified", b"unset"})
#: Variables of the owner's that may say who they are, themselves or by naming the file that does.
_IDENTITY = ("GIT_AUTHOR_NAME", "GIT_AUTHOR_EMAIL", "GIT_CONFIG_GLOBAL", "GIT_CONFIG_SYSTEM", "GIT_CONFIG_NOSYSTEM")


def identity(git: Git, environment: Mapping[str, str]) -> Identity | None:
    """Return the identity by which Git would commit for who has this environment, or None where none is set."""
    variables = {name: environment[name] for name in _IDENTITY if environment.get(name)}
    done = git.run("-c", "user.useConfigOnly=true", "var", "GIT_AUTHOR_IDENT", ok=(0, 128), variables=variables)
    name, _, rest = done.stdout.decode("utf-8", "replace").partition(" <")
    email = rest.partition(">")[0]
    return Identity(name=name, email=email) if done.returncode == 0 and name and email else None


def line_origin(git: Git, commit: str, path: str, line: int) -> LineOrigin | None:
    """Return who brought a line of a file, as it stands at `commit`, into the history; None where that can't be told.

    The author is read from the commit itself: a .mailmap would rename it. Where the history is cut off (a shallow clone), the
    oldest commit that is there only seems to have brought in what came before it.
    """
    if line < 1:
        return None
    asked = ("blame", "--no-textconv", "--ignore-revs-file=", "--porcelain", f"-L{line},{line}", commit, "--", path)
    first, *rows = git.run(*asked, ok=(0, 128)).stdout.split(b"\n")
    sha = first.split(b" ")[0].decode("ascii", "replace")
    if not sha or not rows:
        return None
    header = git.run("cat-file", "commit", sha).stdout.partition(b"\n\n")[0]
    author = _AUTHOR.search(header)
    if author is None or (b"boundary" in rows and b"\nparent " in header):
        return None
    return LineOrigin(author=author[1].decode("utf-8", "replace").strip(), commit=sha)


def converts(git: Git, path: str) -> bool:
    """Whether attributes have Git turn the committed text of a file into another on disk, line ends apart."""
    answer = git.run("check-attr", "-z", *_CONVERSIONS, "--", path).stdout.split(b"\0")
    return any(value not in _NONE for value in answer[2::3])
