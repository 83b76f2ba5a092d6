"""Pull requests by the forges' own commands: how each is asked for the one that is open, and told to open one."""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from autobuilds.adapters.forge.calls import Answer, call
from autobuilds.adapters.forge.pushing import push
from autobuilds.adapters.forge.remotes import Remote, command_for, remote_of, shown
from autobuilds.adapters.git.process import Git, words
from autobuilds.errors import ForgeFailure
from autobuilds.ports.forge import Proposal, Proposed
from autobuilds.records import dataclass, field

#: Seconds for one answer of a forge.
FORGE_TIMEOUT = 60.0
_ADDRESS = re.compile(r"https?://[A-Za-z0-9.-]+(?::\d{1,5})?/[\w./~%-]*/(?:pull|pulls|merge_requests)/\d{1,12}", re.ASCII)
#: What every one of the commands needs of the environment to find its configuration, its keys and the way out.
_KEPT = frozenset(
    [
        "PATH",
        "HOME",
        "USER",
        "LOGNAME",
        "LANG",
        "TZ",
        "TMPDIR",
        "SSL_CERT_FILE",
        "SSL_CERT_DIR",
        "HTTP_PROXY",
        "HTTPS_PROXY",
        "NO_PROXY",
        "ALL_PROXY",
        "http_proxy",
        "https_proxy",
        "no_proxy",
        "all_proxy",
        "DBUS_SESSION_BUS_ADDRESS",
        "SSH_AUTH_SOCK",
        "GIT_CONFIG_NOSYSTEM",
    ]
)
_QUIET = {"NO_COLOR": "1", "GH_PROMPT_DISABLED": "1", "GH_NO_UPDATE_NOTIFIER": "1", "NO_PROMPT": "1", "GIT_TERMINAL_PROMPT": "0"}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Dialect:
    """One forge's command: its token variables, how it is asked (`find`) and told (`create`), where an answer has the address."""

    variables: tuple[str, ...]
    install: str
    sign_in: str
    find: Callable[[Proposal, str | None], list[str]]
    address: Callable[[Mapping[str, Any], str], str | None]
    create: Callable[[Proposal, str | None], list[str]]
    #: Whether the body goes to standard input.
    reads_body: bool = False


def _at(option: str, project: str | None) -> list[str]:
    return [f"{option}={project}"] if project else []


def _gh_address(row: Mapping[str, Any], branch: str) -> str | None:
    mine = row.get("headRefName", branch) == branch and not row.get("isCrossRepository")
    return str(row.get("url")) if mine else None


def _glab_address(row: Mapping[str, Any], branch: str) -> str | None:
    mine = row.get("source_branch", branch) == branch and row.get("source_project_id") == row.get("target_project_id")
    return str(row.get("web_url")) if mine else None


def _tea_address(row: Mapping[str, Any], branch: str) -> str | None:
    return str(row.get("url")) if row.get("head") == branch else None


_DIALECTS: dict[str, _Dialect] = {
    "gh": _Dialect(
        variables=("GH_TOKEN", "GITHUB_TOKEN", "GH_ENTERPRISE_TOKEN", "GITHUB_ENTERPRISE_TOKEN", "GH_HOST", "GH_CONFIG_DIR"),
        install="https://cli.github.com",
        sign_in="gh auth login",
        find=lambda p, at: [
            *("pr", "list", *_at("--repo", at), f"--head={p.branch}", "--state=open", "--limit=20"),
            "--json=url,headRefName,isCrossRepository",
        ],
        address=_gh_address,
        create=lambda p, at: [
            *("pr", "create", *_at("--repo", at), f"--head={p.branch}", f"--base={p.base}"),
            *(f"--title={p.title}", "--body-file=-"),
        ],
        reads_body=True,
    ),
    "glab": _Dialect(
        variables=("GITLAB_TOKEN", "GITLAB_ACCESS_TOKEN", "OAUTH_TOKEN", "GITLAB_HOST", "GL_HOST", "GLAB_CONFIG_DIR"),
        install="https://gitlab.com/gitlab-org/cli",
        sign_in="glab auth login",
        find=lambda p, at: ["mr", "list", *_at("--repo", at), f"--source-branch={p.branch}", "--output=json"],
        address=_glab_address,
        create=lambda p, at: [
            *("mr", "create", *_at("--repo", at), f"--source-branch={p.branch}", f"--target-branch={p.base}"),
            *(f"--title={p.title}", f"--description={p.body}", "--yes"),
        ],
    ),
    "tea": _Dialect(
        variables=("GITEA_SERVER_TOKEN", "GITEA_SERVER_URL"),
        install="https://gitea.com/gitea/tea",
        sign_in="tea login add",
        find=lambda _, at: ["pulls", "list", *_at("--repo", at), "--state=open", "--fields=index,head,url", "--output=json"],
        address=_tea_address,
        create=lambda p, at: [
            *("pulls", "create", *_at("--repo", at), f"--head={p.branch}", f"--base={p.base}"),
            *(f"--title={p.title}", f"--description={p.body}"),
        ],
    ),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class CommandForge:
    """Implements `ports.Forge` through the command that a forge's users have; `environment` is where its token is looked for."""

    environment: Mapping[str, str] = field(default_factory=lambda: os.environ)
    seconds: float = FORGE_TIMEOUT

    def propose(self, proposal: Proposal) -> Proposed:
        """Push the branch and open a pull request for it, or keep the one that is open; see the port."""
        remote = remote_of(Git(proposal.repository), proposal.base)
        command = command_for(remote, proposal.command)
        dialect = _DIALECTS.get(command)
        if dialect is None:
            raise ForgeFailure(f'no forge is reached by "{command}"; known are {", ".join(_DIALECTS)} (`forge:` in HEARTBEAT.md)')
        program = shutil.which(command, path=self.environment.get("PATH"))
        if program is None:
            raise ForgeFailure(
                f"{command} is not installed; get it from {dialect.install}, sign in with `{dialect.sign_in}`, then try again"
            )
        push(remote, proposal)
        desk = _Desk(forge=self, dialect=dialect, name=command, program=str(Path(program).absolute()), remote=remote, proposal=proposal)
        known = desk.find()
        if known is not None:
            return Proposed(address=known, remote=remote.name, command=command, found=True)
        return desk.create()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Desk:
    """One forge's command at work on one proposal."""

    forge: CommandForge
    dialect: _Dialect
    name: str
    program: str
    remote: Remote
    proposal: Proposal

    def find(self) -> str | None:
        """Return the address of the pull request that is open for the branch, or None."""
        done = self._call(self.dialect.find(self.proposal, self._project), "look for a pull request")
        self._check(done, "look for a pull request")
        try:
            rows = json.loads(done.out or b"[]")
        except (ValueError, RecursionError) as error:
            raise ForgeFailure(f"{self.name} answered with something that is not JSON; a newer version may help") from error
        for row in rows if isinstance(rows, list) else []:
            found = self.dialect.address(row, self.proposal.branch) if isinstance(row, dict) else None
            if found is not None and _ADDRESS.fullmatch(found):
                return found
        return None

    def create(self) -> Proposed:
        """Open the pull request; where the forge says no because there is one by now, that one counts."""
        what = "open a pull request"
        done = self._call(self.dialect.create(self.proposal, self._project), what, self.proposal.body if self.dialect.reads_body else "")
        told = _ADDRESS.findall(done.out.decode("utf-8", "replace"))
        if done.status == 0 and told:
            return Proposed(address=told[-1], remote=self.remote.name, command=self.name)
        known = self.find()
        if known is None:
            self._check(done, what)
            raise ForgeFailure(
                f"{self.name} opened a pull request but told no address; look for {self.proposal.branch} at {self.remote.host}"
            )
        return Proposed(address=known, remote=self.remote.name, command=self.name, found=done.status != 0)

    @property
    def _project(self) -> str | None:
        """Return how the command names the project; None lets it look into the repository itself."""
        remote = self.remote
        if remote.project is None:
            return None
        if self.name == "tea" or remote.host is None or "." not in remote.host or remote.host == "github.com":
            return remote.project
        return f"https://{remote.host}/{remote.project}" if self.name == "glab" else f"{remote.host}/{remote.project}"

    def _call(self, arguments: list[str], what: str, body: str = "") -> Answer:
        return call(
            [self.program, *arguments],
            folder=Path(self.proposal.repository),
            environment=self._environment(),
            data=body.encode("utf-8", "replace"),
            seconds=self.forge.seconds,
            what=f"`{self.name}` to {what}",
        )

    def _environment(self) -> dict[str, str]:
        source = self.forge.environment
        names = {*_KEPT, *self.dialect.variables, *(n for n in source if n.startswith(("LC_", "XDG_")))}
        return {**{name: source[name] for name in sorted(names) if name in source}, **_QUIET}

    def _check(self, done: Answer, what: str) -> None:
        if done.status != 0:
            said = shown(words(done.err or done.out, 500))
            raise ForgeFailure(f"{self.name} could not {what} (exit status {done.status}): {said}. Signed in? `{self.dialect.sign_in}`")
