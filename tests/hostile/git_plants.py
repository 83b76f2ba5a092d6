"""Ways to have Git run a program, each planted into a working tree: `git_plants.py EVIL PLANT…` plants into the current folder.

Nothing but the standard library is imported, so that a build can plant them by this very file. `EVIL` is the program that is to be run.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

Planting = Callable[[Path, Path], None]
HOOKS = (
    "pre-commit",
    "prepare-commit-msg",
    "commit-msg",
    "post-commit",
    "post-checkout",
    "post-merge",
    "pre-merge-commit",
    "pre-push",
    "post-rewrite",
    "reference-transaction",
    "post-index-change",
    "pre-auto-gc",
    "pre-receive",
    "post-update",
)
_GIT = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}


def _set(file: Path, **values: str) -> None:
    for key, value in values.items():
        subprocess.run(["git", "config", "--file", str(file), key.replace("__", "."), value], check=True)


def _git_dir(tree: Path) -> Path:
    return tree / ".git"


def _attributes(tree: Path, text: str) -> None:
    (_git_dir(tree) / "info").mkdir(exist_ok=True)
    (_git_dir(tree) / "info" / "attributes").write_text(text)
    (tree / ".gitattributes").write_text(text)


def _hook(name: str) -> Planting:
    def plant(tree: Path, evil: Path) -> None:
        hooks = _git_dir(tree) / "hooks"
        hooks.mkdir(exist_ok=True)
        shutil.copy(evil, hooks / name)

    return plant


def _config(attributes: str = "", **values: str) -> Planting:
    """Plant configuration; `{evil}` is the program."""

    def plant(tree: Path, evil: Path) -> None:
        _set(_git_dir(tree) / "config", **{key: value.replace("{evil}", str(evil)) for key, value in values.items()})
        if attributes:
            _attributes(tree, attributes)

    return plant


def _hooks_path(tree: Path, evil: Path) -> None:
    folder = tree / "tools"
    folder.mkdir(exist_ok=True)
    for name in HOOKS:
        shutil.copy(evil, folder / name)
    _set(_git_dir(tree) / "config", core__hooksPath="tools")


def _include(tree: Path, evil: Path) -> None:
    _set(tree / "more.config", core__fsmonitor=str(evil), diff__external=str(evil))
    _set(_git_dir(tree) / "config", include__path="../more.config")


def _include_if(tree: Path, evil: Path) -> None:
    _set(tree / "more.config", core__fsmonitor=str(evil), diff__external=str(evil))
    with (_git_dir(tree) / "config").open("a") as file:
        file.write('[includeIf "gitdir:**"]\n\tpath = ../more.config\n')


def _worktree_config(tree: Path, evil: Path) -> None:
    _set(_git_dir(tree) / "config", extensions__worktreeConfig="true")
    _set(_git_dir(tree) / "config.worktree", core__fsmonitor=str(evil))


def _other_repository(tree: Path, evil: Path) -> Path:
    """Make a second repository, full of plants, beside the tree's own."""
    other = tree / "vendor"
    subprocess.run(["git", "init", "-q", "--bare", str(other)], check=True, env={**os.environ, **_GIT})
    for name in HOOKS:
        shutil.copy(evil, other / "hooks" / name)
    _set(other / "config", core__fsmonitor=str(evil), core__bare="false", core__worktree=str(tree), uploadpack__packObjectsHook=str(evil))
    return other


def _gitfile(tree: Path, evil: Path) -> None:
    other = _other_repository(tree, evil)
    _git_dir(tree).rename(tree / "old-git")
    _git_dir(tree).write_text(f"gitdir: {other}\n")


def _git_link(tree: Path, evil: Path) -> None:
    other = _other_repository(tree, evil)
    _git_dir(tree).rename(tree / "old-git")
    _git_dir(tree).symlink_to(other)


def _common_dir(tree: Path, evil: Path) -> None:
    (_git_dir(tree) / "commondir").write_text(f"{_other_repository(tree, evil)}\n")


def _bare_in_a_folder(tree: Path, evil: Path) -> None:
    other = _other_repository(tree, evil)
    (other / "innocent.txt").write_text("text\n")


def _nested(tree: Path, evil: Path) -> None:
    inner = tree / "inner"
    inner.mkdir(exist_ok=True)
    subprocess.run(["git", "init", "-q", str(inner)], check=True, env={**os.environ, **_GIT})
    (inner / "n.txt").write_text("n\n")
    _set(inner / ".git" / "config", core__fsmonitor=str(evil))


def _submodule(tree: Path, evil: Path) -> None:
    _nested(tree, evil)
    (tree / ".gitmodules").write_text('[submodule "inner"]\n\tpath = inner\n\turl = ./inner\n\tupdate = checkout\n')
    _set(
        _git_dir(tree) / "config",
        **{"submodule.inner.update": f"!{evil}", "submodule.inner.url": f"ext::{evil}", "submodule.recurse": "true"},
    )


def _alternates(tree: Path, evil: Path) -> None:
    _set(_git_dir(tree) / "config", core__alternateRefsCommand=str(evil))
    with (_git_dir(tree) / "objects" / "info" / "alternates").open("a") as file:
        file.write("../../../vendor/objects\n")


PLANTS: dict[str, Planting] = {
    **{f"hook {name}": _hook(name) for name in HOOKS},
    "core.hooksPath": _hooks_path,
    "core.fsmonitor": _config(core__fsmonitor="{evil}"),
    "diff.external": _config(diff__external="{evil}"),
    "diff driver": _config("* diff=evil\n", diff__evil__command="{evil}"),
    "diff textconv": _config("* diff=evil\n", diff__evil__textconv="{evil}"),
    "filter clean": _config("* filter=evil\n", filter__evil__clean="{evil}"),
    "filter smudge": _config("* filter=evil\n", filter__evil__smudge="{evil}"),
    "filter process": _config("* filter=evil\n", filter__evil__process="{evil}", filter__evil__required="true"),
    "merge driver": _config("* merge=evil\n", merge__evil__driver="{evil} %O %A %B"),
    "gpg.program": _config(commit__gpgSign="true", gpg__program="{evil}", user__signingKey="x", log__showSignature="true"),
    "gpg.ssh.program": _config(commit__gpgSign="true", gpg__format="ssh", gpg__ssh__program="{evil}", user__signingKey="x"),
    "include": _include,
    "includeIf": _include_if,
    "config.worktree": _worktree_config,
    "uploadpack hook": _config(uploadpack__packObjectsHook="{evil}"),
    "remote uploadpack": _config(remote__origin__uploadpack="{evil}", remote__origin__url="."),
    "remote receivepack": _config(remote__origin__receivepack="{evil}", remote__origin__url="."),
    "ext transport": _config(remote__origin__url="ext::{evil}", protocol__ext__allow="always", protocol__allow="always"),
    "ssh command": _config(core__sshCommand="{evil}", remote__origin__url="ssh://host/x"),
    "gitfile": _gitfile,
    "link for .git": _git_link,
    "commondir": _common_dir,
    "bare repository in a folder": _bare_in_a_folder,
    "repository in a folder": _nested,
    "submodule": _submodule,
    "alternates": _alternates,
    "pager and editor": _config(core__pager="{evil}", core__editor="{evil}", sequence__editor="{evil}", pager__log="{evil}"),
    "credential helper": _config(credential__helper="!{evil}", core__askPass="{evil}"),
    "aliases": _config(alias__st="!{evil}", **{"alias.cat-file": "!{evil}", "alias.fetch": "!{evil}"}),
}
#: Those that replace the repository, so that nothing else can be planted after them.
REPLACING = frozenset({"gitfile", "link for .git", "commondir"})


def plant(tree: Path, evil: Path, *names: str) -> None:
    """Plant the named plants, those that replace the repository last."""
    for name in sorted(names, key=lambda n: n in REPLACING):
        PLANTS[name](tree, evil)


def evil_program(folder: Path) -> tuple[Path, Path]:
    """Return a program and the file that it writes to when it is run."""
    mark, program = folder / "it-ran", folder / "evil"
    program.write_text(f'#!/bin/sh\necho "$0 $*" >> "{mark}"\ncat 2>/dev/null\nexit 0\n')
    program.chmod(0o755)
    return program, mark


if __name__ == "__main__":
    plant(Path.cwd(), Path(sys.argv[1]), *sys.argv[2:])
