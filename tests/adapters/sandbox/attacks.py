"""Attacks from inside a build: a program that tries those it is told to and says, a line of JSON each, what it got.

Run as `python attacks.py FACTS NAME...`, FACTS being a JSON object: where things are. What it says is one half of the verdict; the
other half is looked at from outside (`scene.Scene.harmed`).
"""

from __future__ import annotations

import ctypes
import json
import mmap
import os
import resource
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

Facts = dict[str, Any]
LIBC = ctypes.CDLL(None, use_errno=True)


def append(path: str) -> str:
    with open(path, "a") as file:
        file.write("planted\n")
    return "written"


def read(path: str) -> str:
    return Path(path).read_text()


def plant(path: str) -> str:
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    Path(path).write_text("planted\n")
    return "written"


def environ(facts: Facts) -> str:
    return Path(f"/proc/{facts['supervisor']}/environ").read_bytes().decode(errors="replace")


def trace(facts: Facts) -> str:
    seize = 0x4206
    if LIBC.ptrace(seize, facts["supervisor"], None, None) != 0:
        raise OSError(ctypes.get_errno(), "ptrace")
    return "traced"


def kill(pid: int) -> str:
    os.kill(pid, signal.SIGKILL)
    return "killed"


def kill_threads(facts: Facts) -> str:
    """Signal every thread of the supervisor, the one that started this program among them; a signal that it ignores."""
    for thread in os.listdir(f"/proc/{facts['supervisor']}/task"):
        if ctypes.CDLL(None).tgkill(facts["supervisor"], int(thread), signal.SIGCONT) == 0:
            return "signalled"
    raise PermissionError("no thread")


def connect(family: int, where: Any, protocol: int = 0) -> str:
    with socket.socket(family, socket.SOCK_STREAM, protocol) as client:
        client.settimeout(2)
        client.connect(where)
        return client.recv(64).decode()


def symlink(facts: Facts) -> str:
    link = Path(facts["clone"], "link")
    link.symlink_to(facts["home"] + "/.profile")
    return append(str(link))


def hard_link(facts: Facts) -> str:
    os.link(facts["home"] + "/.ssh/id_ed25519", facts["clone"] + "/key")
    return read(facts["clone"] + "/key")


def forks(facts: Facts) -> str:
    """Start as many processes as can be; more than half as many again as are allowed is a success."""
    children: list[int] = []
    try:
        for _ in range(facts["processes"] * 3):
            child = os.fork()
            if child == 0:
                time.sleep(30)
                os._exit(0)
            children.append(child)
    except OSError:
        pass
    finally:
        for child in children:
            os.kill(child, signal.SIGKILL)
        for child in children:
            os.waitpid(child, 0)
    if len(children) <= facts["processes"] * 1.5:
        raise PermissionError(f"{len(children)} processes")
    return f"{len(children)} processes"


def memory(facts: Facts) -> str:
    taken = mmap.mmap(-1, facts["memory"] * 2, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    taken[0] = 1
    return "taken"


def big_file(facts: Facts) -> str:
    with open(facts["clone"] + "/big", "wb") as file:
        file.truncate(facts["file"] * 2)
    return "written"


def core_file(_: Facts) -> str:
    if resource.getrlimit(resource.RLIMIT_CORE)[1] == 0:
        raise PermissionError("no core files")
    return "allowed"


def daemon(facts: Facts) -> str:
    """Leave a process in a session of its own, without a mark in its environment, that outlives this program."""
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            os.closerange(0, 256)
            os.execve("/bin/sleep", ["sleep", facts["daemon"]], {})
        os._exit(0)
    os.wait()
    return "left"


def device(_: Facts) -> str:
    disks = [name for name in os.listdir("/sys/class/block") if os.path.exists(f"/sys/class/block/{name}/dev")]
    for name in disks:
        major, minor = map(int, Path(f"/sys/class/block/{name}/dev").read_text().split(":"))
        for path in (f"/dev/{name}", f"node-{name}"):
            try:
                if path.startswith("node"):
                    os.mknod(path, 0o60600, os.makedev(major, minor))
                with open(path, "rb") as file:
                    file.read(1)
                return path
            except OSError:
                continue
    raise PermissionError("no device")


def setuid(facts: Facts) -> str:
    said = subprocess.run([facts["setuid"], "-u"], capture_output=True, text=True, check=True).stdout.strip()
    if said != "0":
        raise PermissionError(said)
    return "root"


def become_root(_: Facts) -> str:
    """Use the capabilities of root: give a file away, which none but root may."""
    Path("given").touch()
    os.chown("given", 12345, 12345)
    return "given away"


def mount(facts: Facts) -> str:
    if LIBC.mount(b"tmpfs", os.fsencode(facts["clone"]), b"tmpfs", 0, None) != 0:
        raise OSError(ctypes.get_errno(), "mount")
    return "mounted"


def keyring(facts: Facts) -> str:
    libkey = {"x86_64": (250, 10, 11), "aarch64": (219, 10, 11)}[os.uname().machine]
    serial = LIBC.syscall(libkey[0], 10, -3, b"user", facts["key"].encode(), 0)
    if serial < 0:
        raise OSError(ctypes.get_errno(), "keyctl")
    space = ctypes.create_string_buffer(64)
    if LIBC.syscall(libkey[0], 11, serial, space, 64, 0) < 0:
        raise OSError(ctypes.get_errno(), "keyctl")
    return space.value.decode()


def kernel(_: Facts) -> str:
    os.close(os.open("/proc/sys/kernel/core_pattern", os.O_WRONLY))
    return "open"


def type_keys(_: Facts) -> str:
    """Type into the terminal of whoever started this."""
    import fcntl
    import termios

    with open("/dev/tty", "wb") as terminal:
        fcntl.ioctl(terminal, termios.TIOCSTI, b"x")
    return "typed"


def see(facts: Facts) -> str:
    return Path(f"/proc/{facts['victim']}/cmdline").read_bytes().decode()


ATTACKS: dict[str, Callable[[Facts], str]] = {
    "write the queue": lambda f: append(f["workspace"] + "/BUILD_QUEUE.md"),
    "plant a hook": lambda f: plant(f["workspace"] + "/.git/hooks/pre-commit"),
    "change Git's configuration": lambda f: append(f["workspace"] + "/.git/config"),
    "write ~/.bashrc": lambda f: append(f["home"] + "/.bashrc"),
    "write ~/.ssh": lambda f: append(f["home"] + "/.ssh/authorized_keys"),
    "read an SSH key": lambda f: read(f["home"] + "/.ssh/id_ed25519"),
    "read another tool's key": lambda f: read(f["home"] + "/.config/tool/credentials.json"),
    "read the workspace's .env": lambda f: read(f["workspace"] + "/.env"),
    "read the supervisor's environment": environ,
    "trace the supervisor": trace,
    "kill the supervisor": lambda f: kill(f["parent"]),
    "kill another process": lambda f: kill(f["victim"]),
    "reach the dashboard": lambda f: connect(socket.AF_INET, ("127.0.0.1", f["dashboard"])),
    "reach an abstract socket": lambda f: connect(socket.AF_UNIX, "\0" + f["abstract"]),
    "reach a socket that is a file": lambda f: connect(socket.AF_UNIX, f["home"] + "/agent.sock"),
    "write the policy": lambda f: append(f["workspace"] + "/DECISION_FRAMEWORK.md"),
    "write the ledger": lambda f: append(f["workspace"] + "/subagents/active.json"),
    "plant a unit of the timer": lambda f: plant(f["home"] + "/.config/systemd/user/evil.service"),
    "fork bomb": forks,
    "memory bomb": memory,
    "file bomb": big_file,
    "leave a daemon": daemon,
    "change permissions outside": lambda f: os.chmod(f["home"] + "/.ssh/config", 0o666) or "changed",
    "escape by a symbolic link": symlink,
    "escape by a hard link": hard_link,
}
#: Beyond the twenty-five that the tiers are counted by.
MORE: dict[str, Callable[[Facts], str]] = {
    "open a device": device,
    "gain rights by setuid": setuid,
    "use capabilities": become_root,
    "mount over": mount,
    "read a key of the session": keyring,
    "change the kernel's settings": kernel,
    "type into the terminal": type_keys,
    "see another process": see,
    "reach the dashboard by MPTCP": lambda f: connect(socket.AF_INET, ("127.0.0.1", f["dashboard"]), 262),
    "signal a thread of the supervisor": kill_threads,
    "truncate outside": lambda f: os.truncate(f["home"] + "/.netrc", 0) or "truncated",
    "delete outside": lambda f: os.unlink(f["home"] + "/.zshrc") or "deleted",
    "rename outside": lambda f: os.rename(f["workspace"] + "/README.md", f["clone"] + "/taken") or "renamed",
    "delete a borrowed object": lambda f: os.unlink(f["object"]) or "deleted",
    "leave a core file": core_file,
    "reach a socket named in the environment": lambda f: connect(socket.AF_UNIX, f["named"]),
}


def attempt(name: str, facts: Facts) -> tuple[bool, str]:
    """Try one attack in a process of its own, and return whether it thinks that it succeeded, with what it got."""
    entrance, exit_ = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            got = (True, {**ATTACKS, **MORE}[name](facts))
        except BaseException as error:
            got = (False, f"{type(error).__name__}: {error}")
        os.write(exit_, json.dumps(got).encode()[:4000])
        os._exit(0)
    os.close(exit_)
    said = b""
    while piece := os.read(entrance, 65536):
        said += piece
    os.close(entrance)
    os.waitpid(child, 0)
    return tuple(json.loads(said)) if said else (False, "killed")  # type: ignore[return-value]


if __name__ == "__main__":
    os.chdir(json.loads(sys.argv[1])["clone"])
    for wanted in sys.argv[2:]:
        sys.stdout.write(json.dumps([wanted, *attempt(wanted, json.loads(sys.argv[1]))]) + "\n")
        sys.stdout.flush()
