"""How Git is run: argument lists, an environment without anybody's hooks, prompts or pagers, a timeout on every call."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Sequence
from pathlib import Path

from autobuilds.errors import BadInput, GitBusy, GitFailure

#: Seconds that a call on local files may take before Git is stopped.
TIMEOUT = 120.0

#: Settings that win over every configuration file.
_SETTINGS: dict[str, str] = {
    "core.hooksPath": os.devnull,
    "core.fsmonitor": "false",
    "core.untrackedCache": "false",
    "core.pager": "cat",
    "core.askPass": "true",
    "core.editor": "true",
    "core.sshCommand": "false",
    "core.fsync": "all",
    "core.quotePath": "false",
    "commit.gpgSign": "false",
    "tag.gpgSign": "false",
    "gpg.program": "false",
    "log.showSignature": "false",
    "merge.verifySignatures": "false",
    "diff.external": "",
    "credential.helper": "",
    "submodule.recurse": "false",
    "fetch.recurseSubmodules": "false",
    "fetch.prune": "false",
    "protocol.version": "2",
    "gc.auto": "0",
    "maintenance.auto": "false",
    "advice.detachedHead": "false",
    "color.ui": "false",
}


def settings(extra: dict[str, str] | None = None) -> dict[str, str]:
    """Return the environment variables that hand our settings (and `extra`) to Git as `-c` would."""
    found = {**_SETTINGS, **(extra or {})}
    carried = {"GIT_CONFIG_COUNT": str(len(found))}
    for number, (key, value) in enumerate(found.items()):
        carried[f"GIT_CONFIG_KEY_{number}"] = key
        carried[f"GIT_CONFIG_VALUE_{number}"] = value
    return carried


def environment(*, isolated: bool = False, fetching: bool = False, extra: dict[str, str] | None = None) -> dict[str, str]:
    """Return the complete environment of one Git call.

    `isolated` leaves the person's and the machine's configuration out (for repositories that only we use),
    `fetching` lets Git read another repository of this machine by path; nothing else is ever contacted.
    """
    kept = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    more = dict(extra or {})
    kept.update(
        LC_ALL="C.UTF-8",
        GIT_OPTIONAL_LOCKS="0",
        GIT_TERMINAL_PROMPT="0",
        GIT_PAGER="cat",
        GIT_EDITOR="true",
        GIT_NO_REPLACE_OBJECTS="1",
        GIT_NO_LAZY_FETCH="1",
        GIT_ALLOW_PROTOCOL="file" if fetching else "none",
    )
    if isolated:
        kept.update(GIT_CONFIG_NOSYSTEM="1", GIT_CONFIG_GLOBAL=os.devnull, GIT_ATTR_NOSYSTEM="1")
        more.setdefault("safe.directory", "*")
        more.setdefault("core.attributesFile", os.devnull)
        more.setdefault("core.excludesFile", os.devnull)
    kept.update(settings(more))
    return kept


class Git:
    """Runs Git in one folder; `git_dir` and `work_tree` are given to Git as they are, so that it looks for nothing."""

    def __init__(
        self,
        folder: Path,
        *,
        git_dir: Path | None = None,
        work_tree: Path | None = None,
        isolated: bool = False,
        config: dict[str, str] | None = None,
    ) -> None:
        self.folder = folder
        self.git_dir = git_dir
        self.work_tree = work_tree
        self.isolated = isolated
        self.config = dict(config or {})

    def command(self, arguments: Sequence[str]) -> list[str]:
        """Return the whole argument list of a call."""
        places = [f"--git-dir={self.git_dir}"] if self.git_dir else []
        places += [f"--work-tree={self.work_tree}"] if self.work_tree else []
        return ["git", "--no-pager", "--literal-pathspecs", *places, *arguments]

    def environment(self, *, fetching: bool = False, variables: dict[str, str] | None = None) -> dict[str, str]:
        """Return the whole environment of a call."""
        return {**environment(isolated=self.isolated, fetching=fetching, extra=self.config), **(variables or {})}

    def run(
        self,
        *arguments: str,
        data: bytes = b"",
        ok: Sequence[int] = (0,),
        fetching: bool = False,
        variables: dict[str, str] | None = None,
        timeout: float = TIMEOUT,
    ) -> subprocess.CompletedProcess[bytes]:
        """Run Git and return its status and output; raises GitFailure with Git's words when the status is not in `ok`."""
        try:
            done = subprocess.run(
                self.command(arguments),
                cwd=self.folder,
                env=self.environment(fetching=fetching, variables=variables),
                input=data,
                capture_output=True,
                timeout=timeout,
                check=False,
            )
        except FileNotFoundError as error:
            if not self.folder.is_dir():
                raise BadInput(f"{self.folder} is not a folder any more") from error
            raise BadInput("git is not installed, or not on PATH; install Git 2.32 or newer") from error
        except BlockingIOError as error:
            raise GitBusy("git can't be started now: too many processes, or too little memory. Try again in a moment") from error
        except subprocess.TimeoutExpired as error:
            raise GitFailure(f"`git {arguments[0]}` in {self.folder} took longer than {timeout:.0f} s and was stopped") from error
        if done.returncode not in ok:
            raise GitFailure(f"`git {arguments[0]}` in {self.folder} failed ({done.returncode}): {words(done.stderr)}")
        return done

    def text(self, *arguments: str, data: bytes = b"", variables: dict[str, str] | None = None) -> str:
        """Run Git and return its output as text without the final line end."""
        return self.run(*arguments, data=data, variables=variables).stdout.decode("utf-8", "replace").rstrip("\n")


def words(output: bytes, limit: int = 2000) -> str:
    """Return what Git said on one line, without control characters, cut at `limit` characters."""
    text = output.decode("utf-8", "replace")
    lines = [line.strip() for line in text.replace("\r", "\n").split("\n")]
    said = "; ".join("".join(c if c.isprintable() else "?" for c in line) for line in lines if line)
    return said[:limit] or "no message"


def paths_of(output: bytes) -> tuple[str, ...]:
    """Return the file names of a NUL-separated answer, each once, in its order."""
    return tuple(dict.fromkeys(os.fsdecode(name) for name in output.split(b"\0") if name))
