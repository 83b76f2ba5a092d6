"""A machine in small for the attacks: a home with secrets, a workspace in it, a clone in that, services and other processes."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import autobuilds

HERE = Path(__file__).resolve().parent
SOURCE = Path(autobuilds.__file__).resolve().parents[1]
NOBODY = 65534
PROCESSES, MEMORY, FILE = 60, 512 * 1024**2, 16 * 1024**2
CANARY = "canary-secret"
QUOTA = {"processes": PROCESSES, "memory_bytes": MEMORY, "file_bytes": FILE}


@cache
def interpreter(user: str) -> str | None:
    """Return a Python that the user can run and that can import the product, or None."""
    for program in (getattr(sys, "_base_executable", sys.executable), "/usr/bin/python3"):
        done = subprocess.run(
            [*prefix(user), str(program), "-c", "import autobuilds.adapters.sandbox"],
            env={"PYTHONPATH": str(SOURCE), "PATH": os.environ["PATH"], "PYTHONDONTWRITEBYTECODE": "1"},
            cwd="/",
            capture_output=True,
            check=False,
        )
        if done.returncode == 0:
            return str(program)
    return None


def prefix(user: str) -> tuple[str, ...]:
    """Return what a command line begins with to run as a user: `root` (only where the tests run as root) or `plain`."""
    if user == "plain" and os.geteuid() == 0:
        # The shell, because setpriv itself still has the rights of root when it looks for its program.
        return ("setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups", "--", "/bin/sh", "-c", 'exec "$0" "$@"')
    return ()


def missing(user: str) -> str | None:
    """Return why nothing can be run as a user here, or None."""
    if user == "root" and os.geteuid() != 0:
        return "the tests do not run as root"
    if user == "plain" and os.geteuid() == 0 and shutil.which("setpriv") is None:
        return "setpriv is not installed"
    return None if interpreter(user) else "no Python that this user can run"


@dataclass
class Scene:
    """Where things are; `close` ends what it started."""

    root: Path
    user: str
    listeners: list[socket.socket] = field(default_factory=list)
    facts: dict[str, Any] = field(default_factory=dict)
    victims: list[subprocess.Popen[bytes]] = field(default_factory=list)
    before: dict[str, tuple[int, bytes] | None] = field(default_factory=dict)

    @property
    def home(self) -> Path:
        return self.root / "home"

    @property
    def workspace(self) -> Path:
        return self.home / "my project"

    @property
    def clone(self) -> Path:
        return self.workspace / ".autobuilds" / "clones" / "X"

    @property
    def private(self) -> Path:
        return self.workspace / ".autobuilds" / "homes" / "X"

    def confinement(self, tier: str, **more: Any) -> dict[str, Any]:
        program = self.facts["python prefix"]
        return {
            "tier": tier,
            "writable": [str(self.clone), str(self.workspace / ".autobuilds" / "scratch")],
            "readable": [str(self.workspace / ".git" / "objects"), *program, str(HERE)],
            "hidden": [str(self.home), str(self.workspace)],
            "home": str(self.private),
            "quota": QUOTA,
            **more,
        }

    def environment(self) -> dict[str, str]:
        return {
            "PATH": "/usr/local/bin:/usr/bin:/bin",
            "HOME": str(self.private),
            "LC_ALL": "C.UTF-8",
            "GIT_CONFIG_NOSYSTEM": "1",
            "PYTHONDONTWRITEBYTECODE": "1",
        }

    def run(self, confinement: dict[str, Any], argv: Sequence[str], *, quick: bool = True, kept: list[Any] | None = None) -> dict[str, Any]:
        """Run a program contained, started by a driver that runs as the user; `kept` takes the driver's state after it."""
        owner = {
            **self.environment(),
            "HOME": str(self.home),
            "PYTHONPATH": str(SOURCE),
            "OWNER_TOKEN": CANARY,
            "SSH_AUTH_SOCK": self.facts["named"],
        }
        driver = subprocess.Popen(
            [*prefix(self.user), str(interpreter(self.user)), str(HERE / "driver.py")],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=owner, cwd="/",
        )  # fmt: skip
        asked = {
            "confinement": confinement, "argv": list(argv), "quick": quick, "environment": self.environment(),
            "cwd": str(self.clone), "key": self.facts["key"],
        }  # fmt: skip
        assert driver.stdin is not None
        assert driver.stdout is not None
        driver.stdin.write(json.dumps(asked).encode() + b"\n")
        driver.stdin.flush()
        line = driver.stdout.readline()
        if kept is not None:
            kept.append(driver.poll())
        _, errors = driver.communicate(b"\n", timeout=60)
        return json.loads(line) if line else {"status": None, "out": "", "err": errors.decode(), "seconds": 0.0}

    def attack(self, confinement: dict[str, Any], names: Sequence[str], *, quick: bool = True) -> dict[str, tuple[bool, str]]:
        """Run attacks contained and return for each whether it succeeded, in its own eyes or seen from outside."""
        facts = {**self.facts, "supervisor": "@pid", "parent": self.victims[1].pid}
        argv = [self.facts["python"], "-I", "-S", str(HERE / "attacks.py"), json.dumps(facts), *names]
        done = self.run(confinement, argv, quick=quick)
        said = {name: (bool(got), text) for name, got, text in map(json.loads, done["out"].splitlines())}
        assert set(said) == set(names), (done["err"], sorted(set(names) - set(said)))
        return {name: self.harmed(name, *said[name]) for name in names}

    def harmed(self, name: str, believed: bool, text: str) -> tuple[bool, str]:
        """Return whether an attack did what it is for, as seen from outside where that can be seen."""
        home, work = self.home, self.workspace
        changed = {
            "write the queue": work / "BUILD_QUEUE.md",
            "plant a hook": work / ".git" / "hooks" / "pre-commit",
            "change Git's configuration": work / ".git" / "config",
            "write ~/.bashrc": home / ".bashrc",
            "write ~/.ssh": home / ".ssh" / "authorized_keys",
            "write the policy": work / "DECISION_FRAMEWORK.md",
            "write the ledger": work / "subagents" / "active.json",
            "plant a unit of the timer": home / ".config" / "systemd" / "user" / "evil.service",
            "change permissions outside": home / ".ssh" / "config",
            "escape by a symbolic link": home / ".profile",
            "truncate outside": home / ".netrc",
            "delete outside": home / ".zshrc",
            "rename outside": work / "README.md",
            "delete a borrowed object": Path(self.facts["object"]),
        }
        if name in changed:
            path = str(changed[name])
            return _look(path) != self.before.get(path), text
        secret = name.startswith(("read ", "escape by a hard", "reach "))
        if secret:
            return CANARY in text or "canary-key" in text, text
        if name == "kill another process":
            return self.victims[0].poll() is not None, text
        if name == "kill the supervisor":
            return self.victims[1].poll() is not None, text
        if name == "leave a daemon":
            return left_behind(self.facts["daemon"]), text
        if name == "file bomb":
            big = self.clone / "big"
            return big.exists() and big.stat().st_size > FILE, text
        return believed, text

    def close(self) -> None:
        for pid in daemons(self.facts.get("daemon", "-")):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        for victim in self.victims:
            victim.kill()
            victim.wait()
        for listener in self.listeners:
            with contextlib.suppress(OSError):
                listener.shutdown(socket.SHUT_RDWR)
            listener.close()
        shutil.rmtree(self.root, ignore_errors=True)


def left_behind(seconds: str) -> bool:
    """Whether a daemon outlives what started it; on a busy machine one that was killed is there for a moment."""
    deadline = time.monotonic() + 10
    while daemons(seconds):
        if time.monotonic() > deadline:
            return True
        time.sleep(0.02)
    return False


def daemons(seconds: str) -> list[int]:
    """Return the processes that sleep for so long: nothing else tells a daemon without a mark."""
    found = []
    for name in os.listdir("/proc"):
        if name.isdigit():
            with contextlib.suppress(OSError):
                if Path("/proc", name, "cmdline").read_bytes() == f"sleep\0{seconds}\0".encode():
                    found.append(int(name))
    return found


def _look(path: str) -> tuple[int, bytes] | None:
    try:
        return os.stat(path).st_mode, Path(path).read_bytes()
    except OSError:
        return None


def _serve(listener: socket.socket) -> None:
    while True:
        try:
            client, _ = listener.accept()
        except OSError:
            return
        with client, contextlib.suppress(OSError):
            client.sendall(CANARY.encode())


_SECRETS = {
    "home/.bashrc": "# mine\n",
    "home/.profile": "# mine\n",
    "home/.zshrc": "# mine\n",
    "home/.netrc": "machine x\n",
    "home/.ssh/id_ed25519": CANARY,
    "home/.ssh/config": "Host x\n",
    "home/.ssh/authorized_keys": "ssh-ed25519 mine\n",
    "home/.config/tool/credentials.json": CANARY,
    "home/my project/README.md": "# Project\n",
    "home/my project/BUILD_QUEUE.md": "# Queue\n",
    "home/my project/DECISION_FRAMEWORK.md": "# Policy\n",
    "home/my project/subagents/active.json": "{}\n",
    "home/my project/.env": f"TOKEN={CANARY}\n",
}


def _git(folder: Path, *args: str) -> str:
    clean = {"PATH": os.environ["PATH"], "GIT_CONFIG_NOSYSTEM": "1", "HOME": "/nonexistent"}
    identity = ("-c", "user.name=Olive", "-c", "user.email=olive@example.org", "-c", "protocol.file.allow=always")
    return subprocess.run(["git", *identity, *args], cwd=folder, env=clean, check=True, capture_output=True, text=True).stdout.strip()


@contextlib.contextmanager
def made(user: str) -> Iterator[Scene]:
    """Make a scene that belongs to a user."""
    root = Path(tempfile.mkdtemp(prefix="autobuilds-scene-")).resolve()
    root.chmod(0o755)
    scene = Scene(root=root, user=user)
    try:
        _fill(scene)
        yield scene
    finally:
        scene.close()


def _fill(scene: Scene) -> None:
    for name, text in _SECRETS.items():
        path = scene.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    work = scene.workspace
    _git(work, "init", "-q", "-b", "main")
    _git(work, "add", "-A")
    _git(work, "commit", "-q", "-m", "first")
    scene.clone.parent.mkdir(parents=True)
    _git(work, "clone", "-q", "--shared", str(work), str(scene.clone))
    for folder in (scene.private, work / ".autobuilds" / "scratch"):
        folder.mkdir(parents=True)
    abstract = f"autobuilds-scene-{scene.root.name}"
    named = str(scene.root / "named.sock")
    places: list[tuple[int, Any]] = [
        (socket.AF_INET, ("127.0.0.1", 0)),
        (socket.AF_UNIX, "\0" + abstract),
        (socket.AF_UNIX, str(scene.home / "agent.sock")),
        (socket.AF_UNIX, named),
    ]
    for family, where in places:
        listener = socket.socket(family, socket.SOCK_STREAM)
        listener.bind(where)
        listener.listen(8)
        scene.listeners.append(listener)
        threading.Thread(target=_serve, args=(listener,), daemon=True).start()
    setuid = scene.root / "setuid-id"
    shutil.copyfile("/usr/bin/id", setuid)
    if os.geteuid() == 0 and scene.user == "plain":
        for folder, folders, files in os.walk(scene.home):
            for name in (".", *folders, *files):
                os.chown(os.path.join(folder, name), NOBODY, NOBODY, follow_symlinks=False)
        os.chown(named, NOBODY, NOBODY)
    setuid.chmod(0o4755)
    for _ in range(2):
        scene.victims.append(subprocess.Popen([*prefix(scene.user), "sleep", "300"]))
    program = Path(str(interpreter(scene.user))).resolve()
    scene.facts = {
        "home": str(scene.home), "workspace": str(work), "clone": str(scene.clone), "processes": PROCESSES, "memory": MEMORY, "file": FILE,
        "dashboard": scene.listeners[0].getsockname()[1], "abstract": abstract, "named": named, "victim": scene.victims[0].pid,
        "daemon": str(100000 + os.getpid() + scene.listeners[0].getsockname()[1]), "setuid": str(setuid), "key": f"key-{scene.root.name}",
        "object": str(next(path for path in (work / ".git" / "objects").rglob("*") if path.is_file())),
        "python": str(program), "python prefix": [] if str(program).startswith("/usr/") else [str(program.parents[1])],
    }  # fmt: skip
    tracked = [*(scene.root / name for name in _SECRETS), work / ".git" / "config", Path(scene.facts["object"])]
    scene.before = {str(path): _look(str(path)) for path in tracked}
