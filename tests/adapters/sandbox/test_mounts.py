"""The order and nesting of what bubblewrap mounts, tried out in real sandboxes."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autobuilds.adapters.sandbox import MachineSandbox, wrap
from autobuilds.adapters.sandbox.mounts import arguments
from autobuilds.domain.sandbox import Confinement, Network, Tier
from autobuilds.errors import BadInput


@pytest.fixture(autouse=True)
def _bubblewrap() -> None:
    probe = MachineSandbox().probe_one(Tier.BWRAP)
    if not probe.works:
        pytest.skip(probe.why)


def inside(confinement: Confinement, script: str, *words: str, cwd: Path | None = None) -> str:
    argv = wrap(confinement, ["/bin/sh", "-c", script, "sh", *words])
    done = subprocess.run(argv, capture_output=True, text=True, stdin=subprocess.DEVNULL, cwd=cwd or "/", check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def bubble(**more: object) -> Confinement:
    return Confinement(tier=Tier.BWRAP, network=Network.WEB, **more)  # type: ignore[arg-type]


def test_a_workspace_in_a_home_and_a_clone_in_the_workspace(tmp_path: Path) -> None:
    home = tmp_path / "home"
    workspace = home / "work"
    clone = workspace / ".autobuilds" / "clones" / "X"
    for folder in (clone / ".git" / "hooks", home / ".tools" / "lib", workspace / "sub"):
        folder.mkdir(parents=True)
    (home / ".tools" / "lib" / "tool").write_text("tool\n")
    (workspace / "BUILD_QUEUE.md").write_text("queue\n")
    confinement = bubble(
        writable=(str(clone),),
        readable=(str(home / ".tools"), str(clone / ".git" / "hooks")),
        hidden=(str(workspace), str(home)),
    )
    script = 'cd "$1"; find . -type f -o -type d | sort; echo new > work/.autobuilds/clones/X/new; ! echo x 2>/dev/null > .tools/x; ! echo x 2>/dev/null > work/x'
    script += "; ! echo x 2>/dev/null > work/.autobuilds/clones/X/.git/hooks/pre-commit"
    seen = inside(confinement, script, str(home)).split()
    assert "./.tools/lib/tool" in seen
    assert "./work/.autobuilds/clones/X/.git/hooks" in seen
    assert not any("BUILD_QUEUE" in name or name.endswith("/sub") for name in seen)
    assert (clone / "new").read_text() == "new\n"
    assert not (clone / ".git" / "hooks" / "pre-commit").exists()


def test_a_hidden_folder_in_a_readable_one_stays_hidden(tmp_path: Path) -> None:
    (tmp_path / "seen" / "secret").mkdir(parents=True)
    (tmp_path / "seen" / "secret" / "key").write_text("key\n")
    (tmp_path / "seen" / "text").write_text("text\n")
    confinement = bubble(hidden=(str(tmp_path), str(tmp_path / "seen" / "secret")), readable=(str(tmp_path / "seen"),))
    assert inside(confinement, 'cat "$1/text"; ls -A "$1/secret"', str(tmp_path / "seen")) == "text\n"


@pytest.mark.parametrize("place", ["/tmp", "/var/tmp"])
def test_a_write_to_a_hidden_folder_fails_below_the_temporary_one_too(place: str) -> None:
    with tempfile.TemporaryDirectory(dir=place) as top:
        workspace, clone = Path(top, "work"), Path(top, "work", "clone")
        clone.mkdir(parents=True)
        (workspace / "BUILD_QUEUE.md").write_text("queue\n")
        confinement = bubble(hidden=(str(workspace),), writable=(str(clone),))
        script = 'cd "$1"; ls; ! echo x 2>/dev/null > BUILD_QUEUE.md; ! mkdir new 2>/dev/null; echo y > clone/y; echo z > ../beside; cat ../beside'
        assert inside(confinement, script, str(workspace)).split() == ["clone", "z"]
        assert (clone / "y").read_text() == "y\n" and not Path(top, "beside").exists()
        assert (workspace / "BUILD_QUEUE.md").read_text() == "queue\n"


def test_a_hidden_file_can_be_neither_read_nor_written(tmp_path: Path) -> None:
    clone = tmp_path / "clone"
    clone.mkdir()
    (clone / ".env").write_text("TOKEN=1\n")
    confinement = bubble(writable=(str(clone),), hidden=(str(clone / ".env"),))
    assert inside(confinement, 'cat "$1" 2>/dev/null; echo x 2>/dev/null > "$1"; echo done', str(clone / ".env")) == "done\n"
    assert (clone / ".env").read_text() == "TOKEN=1\n"


@pytest.mark.parametrize("name", ["with space", "with\nnewline", "-leading", "--bind", "ümläut", 'quo"te', "back\\slash", "\\040", "$HOME"])
def test_names_are_only_names(tmp_path: Path, name: str) -> None:
    home = tmp_path / name
    clone = home / name / "clone"
    clone.mkdir(parents=True)
    (home / name / "hidden").write_text("x")
    confinement = bubble(writable=(str(clone),), hidden=(str(home),))
    assert inside(confinement, 'ls -A "$1"; echo made > "$1/clone/made"', str(home / name)) == "clone\n"
    assert (clone / "made").read_text() == "made\n"


def test_links_on_the_way_to_what_is_bound_stand_again(tmp_path: Path) -> None:
    """A program in ~/.local/bin that is a link to its version, a home that is a link, a workspace reached through one."""
    real = tmp_path / "disk" / "olive"
    (real / ".local" / "bin").mkdir(parents=True)
    (real / ".local" / "share" / "tool" / "1.2").mkdir(parents=True)
    (real / ".local" / "share" / "tool" / "1.2" / "run").write_text("#!/bin/sh\necho ran\n")
    (real / ".local" / "share" / "tool" / "1.2" / "run").chmod(0o755)
    (real / ".local" / "share" / "tool" / "current").symlink_to("1.2")
    (real / ".local" / "bin" / "tool").symlink_to("../share/tool/current/run")
    home = tmp_path / "home"
    home.symlink_to(real)
    confinement = bubble(hidden=(str(home),), readable=(str(home / ".local" / "bin" / "tool"),))
    assert inside(confinement, '"$1"; ls -A "$2"', str(home / ".local" / "bin" / "tool"), str(home)) == "ran\n.local\n"


def test_a_link_in_what_is_bound_is_not_made_again(tmp_path: Path) -> None:
    (tmp_path / "tools" / "v1").mkdir(parents=True)
    (tmp_path / "tools" / "current").symlink_to("v1")
    confinement = bubble(hidden=(str(tmp_path),), readable=(str(tmp_path / "tools"), str(tmp_path / "tools" / "current")))
    assert inside(confinement, 'readlink "$1"', str(tmp_path / "tools" / "current")) == "v1\n"


def test_what_is_not_there_is_left_out(tmp_path: Path) -> None:
    gone = str(tmp_path / "gone")
    confinement = bubble(writable=(gone,), readable=(gone + "2",), hidden=(gone + "3", "/nonexistent/home"), home=gone + "4")
    assert inside(confinement, "echo here") == "here\n"


def test_loops_of_links_are_left_out(tmp_path: Path) -> None:
    (tmp_path / "a").symlink_to("b")
    (tmp_path / "b").symlink_to("a")
    assert inside(bubble(readable=(str(tmp_path / "a"),)), "echo here") == "here\n"


def test_folders_for_temporary_files_are_fresh_and_the_runtime_folder_is_empty() -> None:
    said = inside(
        bubble(),
        "ls -A /tmp /var/tmp; echo x > /tmp/x && cat /tmp/x; echo x > /dev/shm/x && cat /dev/shm/x; ls -A /run/user 2>/dev/null; true",
    )
    assert said.split() == ["/tmp:", "/var/tmp:", "x", "x"]


def test_a_socket_named_in_the_environment_is_masked(tmp_path: Path) -> None:
    agent = tmp_path / "agent.sock"
    agent.write_text("a socket\n")
    said = arguments(bubble(writable=(str(tmp_path),)), {"SSH_AUTH_SOCK": str(agent), "DOCKER_HOST": "tcp://127.0.0.1:2375"})
    at = said.index(str(agent))
    assert said[at - 2 : at + 1] == ("--ro-bind", "/dev/null", str(agent))


def test_paths_that_are_not_absolute_are_refused() -> None:
    for path in ("relative", "", "-x", "/with\0nul"):
        with pytest.raises(BadInput, match="not an absolute path"):
            wrap(bubble(writable=(path,)), ["true"])
    with pytest.raises(BadInput, match="can't be hidden"):
        wrap(bubble(hidden=("/",)), ["true"])


def test_the_wrapper_is_found_by_our_own_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A build's PATH may begin with a folder that a build can write."""
    argv = wrap(bubble(), ["true"])
    wrapper = argv[argv.index("--") + 1]
    assert wrapper == str(Path(str(shutil.which("bwrap"))).absolute())
    assert os.path.isabs(argv[0])


def test_everything_else_is_read_only() -> None:
    script = "for d in / /etc /usr /var /opt /sys/kernel /home; do [ -d $d ] && [ -w $d ] && echo $d; done; true"
    assert inside(bubble(), script) == ""


_NAMES = [f"{a}{b}{c}".rstrip("/") for a in ("home/", "data/") for b in ("", "x/", "y/") for c in ("", "p/", "q/")]
_places = st.sets(st.sampled_from(_NAMES), max_size=4)


@given(hidden=_places, readable=_places, writable=_places)
def test_the_nearest_claim_decides(
    tmp_path_factory: pytest.TempPathFactory, hidden: set[str], readable: set[str], writable: set[str]
) -> None:
    """Whatever lies in whatever: a path is as the deepest folder that was named says, and writing wins over reading over hiding."""
    root = tmp_path_factory.getbasetemp() / "nesting"
    for name in _NAMES:
        (root / name).mkdir(parents=True, exist_ok=True)
    claims = {str(root): "hidden"}
    for kind, names in (("hidden", hidden), ("read", readable), ("write", writable)):
        claims |= {str(root / name): kind for name in names}
    said = list(
        arguments(
            bubble(
                hidden=(str(root), *(str(root / name) for name in sorted(hidden))),
                readable=tuple(str(root / name) for name in sorted(readable)),
                writable=tuple(str(root / name) for name in sorted(writable)),
            ),
            {},
        )
    )
    mounted: list[tuple[str, str]] = []
    while said:
        option = said.pop(0)
        place = said[1] if option in {"--ro-bind", "--bind", "--symlink"} else said[0]
        del said[: 2 if option in {"--ro-bind", "--bind", "--symlink"} else 1]
        if option in {"--ro-bind", "--bind", "--tmpfs"}:
            mounted.append((place, {"--ro-bind": "read", "--bind": "write", "--tmpfs": "hidden"}[option]))
    for name in _NAMES:
        path = str(root / name)
        wanted = next(claims[str(folder)] for folder in (Path(path), *Path(path).parents) if str(folder) in claims)
        got = next(kind for place, kind in reversed(mounted) if f"{path}/".startswith(f"{place.rstrip('/')}/"))
        assert got == wanted, (name, mounted)
