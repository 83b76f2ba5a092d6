"""Programs started by a thread that has restricted itself, and the launcher that needs none."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from autobuilds.adapters.sandbox import MachineSandbox, PortRules, prepare, wrap
from autobuilds.adapters.sandbox.launcher import landlock, limits
from autobuilds.adapters.sandbox.launcher.main import main
from autobuilds.adapters.sandbox.wrapping import launcher
from autobuilds.domain.sandbox import Confinement, Network, Quota, Tier
from autobuilds.errors import Refused


def gone(pid: int) -> bool:
    """Whether a process has ended, waiting a moment for it."""
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        try:
            if Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z":
                return True
        except OSError:
            return True
        time.sleep(0.02)
    return False


def works(tier: Tier) -> None:
    probe = MachineSandbox().probe_one(tier)
    if not probe.works:
        pytest.skip(probe.why)


@pytest.mark.parametrize("tier", list(Tier))
def test_one_preparation_serves_several_starts(tier: Tier, tmp_path: Path) -> None:
    works(tier)
    with prepare(Confinement(tier=tier, writable=(str(tmp_path),), home=str(tmp_path), network=Network.WEB)) as prepared:
        prepared.wait()
        for turn in range(2):
            process = prepared.popen(["/bin/sh", "-c", 'echo "$0"', str(turn)], stdout=subprocess.PIPE)
            assert process.communicate(timeout=20) == (f"{turn}\n".encode(), None)


def test_the_process_itself_stays_free(tmp_path: Path) -> None:
    works(Tier.LANDLOCK)
    with prepare(Confinement(tier=Tier.LANDLOCK, hidden=(str(tmp_path),), network=Network.NONE)) as prepared:
        done = prepared.popen(["/bin/sh", "-c", 'echo x > "$0/x"', str(tmp_path)], stderr=subprocess.DEVNULL)
        assert done.wait(20) != 0
    (tmp_path / "x").write_text("free\n")
    assert "NoNewPrivs:\t0" in Path("/proc/self/status").read_text() or "NoNewPrivs:\t1" in Path("/proc/1/status").read_text()


def test_the_end_of_the_preparation_ends_what_runs_in_bubblewrap() -> None:
    works(Tier.BWRAP)
    with prepare(Confinement(tier=Tier.BWRAP, network=Network.WEB)) as prepared:
        process = prepared.popen(["/bin/sh", "-c", "echo started; exec sleep 300"], stdout=subprocess.PIPE)
        assert process.stdout is not None
        assert process.stdout.readline() == b"started\n"
    assert process.wait(20) == -signal.SIGKILL
    process.stdout.close()


def test_a_killed_supervisor_leaves_nothing_in_bubblewrap(tmp_path: Path) -> None:
    works(Tier.BWRAP)
    script = f"""
import sys
from autobuilds.adapters.sandbox import prepare
from autobuilds.domain.sandbox import Confinement, Network, Tier
prepared = prepare(Confinement(tier=Tier.BWRAP, network=Network.WEB, writable=({str(tmp_path)!r},)))
inner = "setsid sh -c 'sleep 300 & echo started; wait' & wait"
process = prepared.popen(["/bin/sh", "-c", inner])
print(process.pid, flush=True)
process.wait()
"""
    supervisor = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE)
    assert supervisor.stdout is not None
    said = {supervisor.stdout.readline().strip(), supervisor.stdout.readline().strip()}
    assert b"started" in said
    outer = int((said - {b"started"}).pop())
    supervisor.kill()
    supervisor.wait()
    assert gone(outer)
    # The end of the pipe: nobody of the tree holds it any more.
    assert supervisor.stdout.read() == b""
    supervisor.stdout.close()


def test_a_right_that_can_not_be_given_up_starts_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(landlock, "version", lambda: 0)
    with prepare(Confinement(tier=Tier.LANDLOCK)) as prepared:
        with pytest.raises(Refused, match="no Landlock"):
            prepared.popen(["/bin/true"])
        with pytest.raises(Refused, match="no Landlock"):
            prepared.wait()


def test_a_program_that_is_not_there_is_said() -> None:
    done = subprocess.run(wrap(Confinement(), ["/nonexistent/program"]), capture_output=True, text=True, check=False)
    assert done.returncode == 127
    assert done.stderr == "autobuilds: /nonexistent/program was not started: No such file or directory\n"
    assert main(["processes=1"]) == 125


def test_the_launcher_refuses_what_it_can_not_do() -> None:
    for option in ("processes=many", "file=-"):
        done = subprocess.run([*launcher(), option, "--", "/bin/echo", "ran"], capture_output=True, text=True, check=False)
        assert (done.returncode, done.stdout) == (125, "")
        assert "was not started" in done.stderr


def test_files_that_are_open_stay_outside(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("secret\n")
    secret = os.open(tmp_path / "secret", os.O_RDONLY)
    try:
        line = wrap(Confinement(), ["/bin/sh", "-c", f"cat <&{secret}"])
        done = subprocess.run(line, pass_fds=(secret,), capture_output=True, text=True, check=False)
        assert done.stdout == ""
    finally:
        os.close(secret)


def test_limits_are_never_raised() -> None:
    import resource

    script = f"""
import resource
resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))
from autobuilds.adapters.sandbox.launcher import limits
print(limits.bounds(processes=None, memory=None, file={1 << 40}))
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout == "{'RLIMIT_CORE': 0, 'RLIMIT_FSIZE': 4096}\n"
    found = limits.bounds(processes=10, memory=None, file=None)
    hard = resource.getrlimit(resource.RLIMIT_NPROC)[1]
    assert found["RLIMIT_NPROC"] == hard or found["RLIMIT_NPROC"] > 10


def test_the_limit_of_processes_is_written(tmp_path: Path) -> None:
    done = subprocess.run(
        wrap(Confinement(quota=Quota(processes=50, memory_bytes=1 << 30, file_bytes=1 << 20)), ["/bin/sh", "-c", "cat /proc/self/limits"]),
        capture_output=True,
        text=True,
        check=True,
    )
    rows = {line[:26].strip(): line[26:].split() for line in done.stdout.split("\n")}
    assert rows["Max core file size"][:2] == ["0", "0"]
    assert rows["Max file size"][:2] == [str(1 << 20)] * 2
    assert rows["Max data size"][:2] == [str(1 << 30)] * 2


@pytest.mark.parametrize(
    ("network", "ports", "in_", "out"),
    [("web", (8080,), {443, 80, 53, 22, 8080}, {8081}), ("none", (8080,), {8080}, {443}), ("open", (), {443, 5000, 65535, 1}, {0})],
)
def test_which_ports_can_be_reached(network: str, ports: tuple[int, ...], in_: set[int], out: set[int]) -> None:
    import socket

    with socket.create_server(("127.0.0.1", 0)) as service:
        port = service.getsockname()[1]
        found = landlock.reachable(network, ports)
        assert in_ <= found | landlock.listening()
        assert not out & found
        assert port not in found
        assert port in landlock.reachable(network, (port,))


@pytest.mark.parametrize("quick", [True, False])
@pytest.mark.parametrize("tier", [Tier.BWRAP, Tier.LANDLOCK])
def test_temporary_files_have_a_place(tier: Tier, quick: bool, tmp_path: Path) -> None:
    """What TMPDIR says is kept where a build may write it; the owner's folder is not there for it."""
    works(tier)
    for name in ("clone", "home", "owners"):
        (tmp_path / name).mkdir()
    confinement = Confinement(
        tier=tier, writable=(str(tmp_path / "clone"),), hidden=(str(tmp_path),), home=str(tmp_path / "home"), network=Network.WEB
    )
    own = "/tmp" if tier is Tier.BWRAP else str(tmp_path / "home" / ".tmp")
    for given, wanted in (
        (str(tmp_path / "owners"), own),
        ("/tmp/user/1000", own),
        (None, own),
        (str(tmp_path / "clone"), str(tmp_path / "clone")),
    ):
        environment = {"PATH": "/usr/bin:/bin", **({"TMPDIR": given} if given else {})}
        argv = ["/bin/sh", "-c", 'dirname "$(mktemp)"']
        if quick:
            with prepare(confinement) as prepared:
                said = prepared.popen(argv, env=environment, stdout=subprocess.PIPE).communicate(timeout=20)[0]
        else:
            said = subprocess.run(wrap(confinement, argv), env=environment, capture_output=True, check=True).stdout
        assert said.decode() == wanted + "\n"


_PORT = "import socket, sys; socket.create_connection(('127.0.0.1', int(sys.argv[1])), 5).close()"


def test_port_rules_are_written_once_for_the_same_ports_and_anew_for_others(monkeypatch: pytest.MonkeyPatch) -> None:
    works(Tier.BWRAP_LANDLOCK)
    written: list[int] = []
    real = landlock.Rules.allow_ports
    monkeypatch.setattr(landlock.Rules, "allow_ports", lambda rules, ports: (written.append(len(ports)), real(rules, ports))[1])
    open_net = Confinement(tier=Tier.BWRAP_LANDLOCK, network=Network.OPEN)
    shared = PortRules()

    def reaches(port: int) -> bool:
        with prepare(open_net, ports=shared) as prepared:
            argv = [sys.executable, "-c", _PORT, str(port)]
            return prepared.popen(argv, stderr=subprocess.DEVNULL).wait() == 0

    with socket.socket() as first, socket.socket() as later:
        first.bind(("127.0.0.1", 0))
        first.listen()
        monkeypatch.setattr(landlock, "listening", lambda: frozenset([first.getsockname()[1]]))
        assert [reaches(first.getsockname()[1]) for _ in range(3)] == [False] * 3
        assert len(written) == 1
        later.bind(("127.0.0.1", 0))
        later.listen()
        assert reaches(later.getsockname()[1])
        both = frozenset([first.getsockname()[1], later.getsockname()[1]])
        monkeypatch.setattr(landlock, "listening", lambda: both)
        assert [reaches(port) for port in both] == [False, False]
        assert len(written) == 2
    shared.close()
