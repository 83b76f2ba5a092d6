"""Remotes: where a repository is pushed to, which forge that is, and the project's name there. No program is run for it but Git."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from autobuilds.adapters.git.process import Git
from autobuilds.errors import ForgeFailure
from autobuilds.records import dataclass

#: The commands of the known forges, and what in a host's name speaks for them.
COMMANDS: dict[str, tuple[str, ...]] = {
    "gh": ("github",),
    "glab": ("gitlab",),
    "tea": ("gitea", "forgejo", "codeberg"),
}
#: `user@host:path`, as Git reads it; a host of one letter would be a drive.
_SCP = re.compile(r"(?:[^@/\s:]+@)?(?P<host>[A-Za-z0-9][A-Za-z0-9.-]+):(?!//)(?P<path>\S+)")
_HOST = re.compile(r"[A-Za-z0-9][A-Za-z0-9.-]*")
_PROJECT = re.compile(r"[A-Za-z0-9_~][A-Za-z0-9._~-]*(?:/[A-Za-z0-9_~][A-Za-z0-9._~-]*)+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Remote:
    """One remote of the owner's: `host` and `project` (`owner/name`) are None for a folder of this machine."""

    name: str
    address: str
    host: str | None = None
    project: str | None = None


def remote_of(git: Git, base: str) -> Remote:
    """Return the remote that work for a branch is pushed to, as Git itself would choose it; raises ForgeFailure where there is none."""
    names = git.text("remote").split("\n")
    names = [name for name in names if name]
    asked = (f"branch.{base}.pushRemote", "remote.pushDefault", f"branch.{base}.remote")
    chosen = next((name for key in asked if (name := _setting(git, key)) in names), None)
    if chosen is None:
        chosen = "origin" if "origin" in names else names[0] if len(names) == 1 else None
    if chosen is None:
        what = f"it has several ({', '.join(names[:5])}), and none is set for {base}" if names else "it has none"
        raise ForgeFailure(
            f"no remote to push to: {what}. Add one with `git remote add origin ADDRESS`, or set `git config remote.pushDefault NAME`"
        )
    address = git.text("remote", "get-url", "--push", "--", chosen)
    host, project = _parts(address)
    if project is None:
        # Git may have been told to reach the forge's address by another way (`url.*.insteadOf`).
        host, project = _parts(_setting(git, f"remote.{chosen}.url") or "")
    if ":" not in address and not address.startswith(("/", "~")):
        address = str(git.folder / address)
    return Remote(name=chosen, address=address, host=host, project=project)


def _setting(git: Git, key: str) -> str | None:
    done = git.run("config", "--get", key, ok=(0, 1))
    return done.stdout.decode("utf-8", "replace").rstrip("\n") if done.returncode == 0 else None


def _parts(address: str) -> tuple[str | None, str | None]:
    """Return host and project of an address; None for a path of this machine, and for what no forge would be called."""
    found = _SCP.fullmatch(address)
    if found is not None:
        host, path = found["host"], found["path"]
    else:
        try:
            parts = urlsplit(address)
            host, path = parts.hostname or "", parts.path
        except ValueError:
            return None, None
    path = path.strip("/").removesuffix(".git")
    if not _HOST.fullmatch(host) or not _PROJECT.fullmatch(path):
        return None, None
    return re.sub(r"^(?:alt)?ssh\.(?=.*\.)", "", host.lower()), path


def command_for(remote: Remote, chosen: str | None) -> str:
    """Return the forge's command for a remote, or the one that the owner chose; raises ForgeFailure where it can't be told."""
    if remote.host is None and chosen is None:
        raise ForgeFailure(f"the remote {remote.name} ({shown(remote.address)}) is no address of a forge; merge the branch by hand")
    if chosen is not None:
        return chosen
    for command, signs in COMMANDS.items():
        if any(sign in (remote.host or "") for sign in signs):
            return command
    raise ForgeFailure(
        f"which forge {remote.host} is can't be told from its name; say so with `forge: gh`, `forge: glab` or `forge: tea` in HEARTBEAT.md"
    )


def shown(address: str) -> str:
    """Return an address without what stands before an `@` in it: that may be a secret."""
    return re.sub(r"(?<=//)[^@/\s]*@", "", address)
