"""Why a tier does not work on this machine, and the one command that mends it."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

from autobuilds.adapters.sandbox.launcher import landlock

#: The command that installs bubblewrap, by the program of the package manager.
_INSTALL = {
    "apt-get": "sudo apt-get install -y bubblewrap",
    "dnf": "sudo dnf install -y bubblewrap",
    "yum": "sudo yum install -y bubblewrap",
    "pacman": "sudo pacman -S --needed bubblewrap",
    "zypper": "sudo zypper install bubblewrap",
    "apk": "sudo apk add bubblewrap",
    "emerge": "sudo emerge sys-apps/bubblewrap",
    "xbps-install": "sudo xbps-install bubblewrap",
    "nix-env": "nix-env -iA nixpkgs.bubblewrap",
    "brew": "brew install bubblewrap",
}
#: What lets bubblewrap alone create user namespaces under AppArmor (Ubuntu 23.10 and later), without opening them to all programs.
_APPARMOR = (
    "printf 'abi <abi/4.0>,\\ninclude <tunables/global>\\nprofile bwrap /usr/bin/bwrap flags=(unconfined) {\\n  userns,\\n}\\n'"
    " | sudo tee /etc/apparmor.d/bwrap && sudo apparmor_parser -r /etc/apparmor.d/bwrap"
)
_CONTAINER = (
    "docker run --security-opt seccomp=unconfined --security-opt apparmor=unconfined --security-opt systempaths=unconfined ... "
    "(give the container these options)"
)
#: Settings of the kernel that forbid user namespaces: the file, the value that does, what is said, what mends it.
_SETTINGS = (
    (
        "kernel/apparmor_restrict_unprivileged_userns",
        "1",
        "bubblewrap can't create a user namespace: AppArmor restricts it",
        _APPARMOR,
    ),
    (
        "kernel/unprivileged_userns_clone",
        "0",
        "bubblewrap can't create a user namespace: the kernel forbids it to plain users",
        "sudo sysctl -w kernel.unprivileged_userns_clone=1",
    ),
    (
        "user/max_user_namespaces",
        "0",
        "bubblewrap can't create a user namespace: the machine allows none",
        "sudo sysctl -w user.max_user_namespaces=15000",
    ),
)
_MAC = (
    "no sandbox is built for macOS (sandbox-exec is not used)",
    "run autobuilds in a Linux virtual machine, for example: limactl start",
)
_MOST_SAID = 200


_SYSTEM: str = sys.platform


def elsewhere() -> tuple[str, str] | None:
    """Return why there is no sandbox on a system that is not Linux, and what to do; None on Linux."""
    if _SYSTEM.startswith("linux"):
        return None
    if _SYSTEM == "darwin":
        return _MAC
    return f"no sandbox is built for this system ({_SYSTEM})", "run autobuilds on Linux"


def no_bubblewrap() -> tuple[str, str]:
    """Say that bubblewrap is missing, and how this system installs it."""
    command = next((said for program, said in _INSTALL.items() if shutil.which(program)), "install bubblewrap (the program bwrap)")
    return "bubblewrap is not installed (no program bwrap in PATH)", command


def no_namespace(said: str, *, proc: Path = Path("/proc")) -> tuple[str, str]:
    """Say why bubblewrap failed, from what the system's settings are and what it said itself."""
    for name, value, why, fix in _SETTINGS:
        if _reads(proc / "sys" / name) == value:
            return why, fix
    line = first_line(said)
    what = "bubblewrap can't create a user namespace" if "namespace" in line else "bubblewrap fails"
    if in_container():
        return f"{what} in this container ({line})", _CONTAINER
    return f"{what} ({line})", "bwrap --ro-bind / / --unshare-user --unshare-pid true"


def first_line(said: str) -> str:
    """Return the first line of what a program said, bounded and printable."""
    line = next((line.strip() for line in said.split("\n") if line.strip()), "it said nothing")
    return "".join(letter for letter in line if letter.isprintable())[:_MOST_SAID]


def no_landlock(version: int, needed: int) -> tuple[str, str]:
    """Say that the kernel's Landlock is missing or older than needed, and what mends it."""
    if version == 0 and "landlock" not in (_reads(Path("/sys/kernel/security/lsm")) or "landlock"):
        return "Landlock is switched off in this kernel", "add landlock to the kernel's boot parameter lsm=, then restart"
    kernel = {landlock.TRUNCATES: "6.2", landlock.CONNECTS: "6.7", landlock.SCOPES: "6.12"}[needed]
    have = f"version {version} of Landlock" if version else "no Landlock"
    return f"this kernel has {have}; Linux {kernel} or later is needed", _upgrade()


def _upgrade() -> str:
    if shutil.which("apt-get"):
        return "sudo apt-get full-upgrade"
    if shutil.which("dnf"):
        return "sudo dnf upgrade kernel"
    return "install a newer Linux kernel"


def in_container() -> bool:
    """Whether this process runs in a container, as far as its usual marks tell."""
    return Path("/.dockerenv").exists() or Path("/run/.containerenv").exists()


def _reads(path: Path) -> str | None:
    try:
        return path.read_text(encoding="ascii", errors="replace").strip()
    except OSError:
        return None
