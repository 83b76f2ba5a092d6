"""Pushing a build's branch: with the owner's own way in, without hooks, and never over work that is not ours."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from autobuilds.adapters.forge.calls import call
from autobuilds.adapters.forge.remotes import Remote, shown
from autobuilds.adapters.git import clones, place
from autobuilds.adapters.git.process import Git, words
from autobuilds.errors import ForgeFailure, Refused
from autobuilds.ports.forge import Proposal

#: Seconds for one exchange with the remote.
PUSH_TIMEOUT = 120.0
#: What of our usual settings would keep Git from reaching the owner's remote.
_THEIRS = frozenset({"credential.helper", "core.sshCommand", "core.askPass"})
_MORE = {"push.recurseSubmodules": "no", "push.followTags": "false", "push.gpgSign": "false", "push.default": "nothing"}
#: How Git may reach a remote; never a helper program that an address names (`ext::`).
_PROTOCOLS = "https:http:ssh:git:file"


class OpenGit(Git):
    """Git as elsewhere, but with the owner's credentials and SSH settings: it reaches the remote. Nothing may ask for anything."""

    def environment(self, *, fetching: bool = False, variables: dict[str, str] | None = None) -> dict[str, str]:
        """Return the whole environment of a call."""
        plain = super().environment(fetching=fetching, variables=variables)
        return reaching(plain)


def reaching(plain: dict[str, str]) -> dict[str, str]:
    """Return an environment of ours without the settings that keep Git from the owner's remotes."""
    number = int(plain["GIT_CONFIG_COUNT"])
    pairs = [(plain[f"GIT_CONFIG_KEY_{n}"], plain[f"GIT_CONFIG_VALUE_{n}"]) for n in range(number)]
    pairs = [(key, value) for key, value in pairs if key not in _THEIRS]
    kept = {name: value for name, value in plain.items() if not name.startswith("GIT_CONFIG_")}
    for n, (key, value) in enumerate(pairs):
        kept[f"GIT_CONFIG_KEY_{n}"], kept[f"GIT_CONFIG_VALUE_{n}"] = key, value
    own = {name: found for name in ("GIT_SSH", "GIT_SSH_COMMAND", "GIT_CONFIG_NOSYSTEM") if (found := os.environ.get(name))}
    return {
        **kept,
        **own,
        "GIT_CONFIG_COUNT": str(len(pairs)),
        "GIT_ALLOW_PROTOCOL": _PROTOCOLS,
        "GIT_ASKPASS": "true",
        "SSH_ASKPASS": "true",
    }


@contextmanager
def outbox(root: Path, commit: str) -> Iterator[OpenGit]:
    """Yield a runner for a bare repository of our own that reads the owner's objects.

    What stands in the configuration of the owner's repository (a build may have written there where nothing contained it) takes no part in
    a push from it; the owner's own and the machine's do.
    """
    with tempfile.TemporaryDirectory(prefix="autobuilds-push-") as folder:
        algorithm = "sha256" if len(commit) == 64 else "sha1"
        clones.ours(Path(folder)).run("init", "--quiet", "--bare", "--template=", f"--object-format={algorithm}")
        clones.borrow(place.find(root), Path(folder))
        yield OpenGit(Path(folder), git_dir=Path(folder), config=_MORE)


def push(remote: Remote, proposal: Proposal) -> bool:
    """Bring the commit to the branch of its name at the remote; return whether anything had to be pushed.

    Raises Refused where the branch there holds work that is not ours, ForgeFailure where the remote says no.
    """
    ref = f"refs/heads/{proposal.branch}"
    with outbox(proposal.repository, proposal.commit) as git:
        there = _tip(git, remote, ref)
        if there == proposal.commit:
            return False
        if there is not None and there not in proposal.replaces and not _within(git, there, proposal.commit):
            raise Refused(
                f"{proposal.branch} at {remote.name} stands at {there[:12]}, which is not this build's work; nothing was pushed. "
                f"Look at it with `git fetch {remote.name} {proposal.branch}`, then delete or rename it there"
            )
        # The lease holds what was just seen: whoever pushes in between is not overwritten.
        lease = f"--force-with-lease={ref}:{there or ''}"
        _call(git, remote, "push", "--quiet", "--no-verify", "--no-follow-tags", lease, "--", remote.address, f"{proposal.commit}:{ref}")
        return True


def _tip(git: Git, remote: Remote, ref: str) -> str | None:
    """Return where the branch stands at the remote, or None where there is none."""
    for row in _call(git, remote, "ls-remote", "--", remote.address, ref).split("\n"):
        commit, _, name = row.partition("\t")
        if name == ref:
            return commit
    return None


def _within(git: Git, commit: str, later: str) -> bool:
    return git.run("merge-base", "--is-ancestor", commit, later, ok=(0, 1, 128)).returncode == 0


def _call(git: Git, remote: Remote, *arguments: str) -> str:
    what = f"`git {arguments[0]}` to {remote.name}"
    done = call(git.command(arguments), folder=git.folder, environment=git.environment(), seconds=PUSH_TIMEOUT, what=what)
    if done.status != 0:
        raise ForgeFailure(f"{what} ({shown(remote.address)}) failed: {shown(words(done.err))}")
    return done.out.decode("utf-8", "replace")
