"""Fake schedulers: small programs on a PATH of their own that record what they are asked and act as the real ones do."""

from __future__ import annotations

import sys
from pathlib import Path

CRONTAB = r"""
import os, re, subprocess, sys
home = os.environ["HOME"]
table = os.path.join(home, "spool")
open(os.path.join(home, "crontab.calls"), "a").write(" ".join(sys.argv[1:]) + "\n")
if os.path.exists(os.path.join(home, "crontab.denied")):
    sys.exit("You (olive) are not allowed to use this program (crontab)")
if sys.argv[1:] == ["-l"]:
    if not os.path.exists(table):
        sys.exit("no crontab for olive")
    sys.stdout.buffer.write(open(table, "rb").read())
elif sys.argv[1:] == ["-r"]:
    os.unlink(table)
elif sys.argv[1:] == ["-"]:
    data = sys.stdin.buffer.read()
    if data and not data.endswith(b"\n"):
        sys.exit("new crontab file is missing newline before EOF, can't install.")
    open(table, "wb").write(data)
    if os.path.exists(os.path.join(home, "cron.runs")):
        for line in data.decode().split("\n"):
            if line.startswith("* * * * * "):
                # As cron does it: an unescaped % ends the command, \% is a %.
                command = re.split(r"(?<!\\)%", line[10:])[0].replace("\\%", "%")
                subprocess.Popen(["/bin/sh", "-c", command], env={"PATH": "/usr/bin:/bin", "HOME": home})
else:
    sys.exit("usage")
"""

SYSTEMCTL = r"""
import os, re, subprocess, sys
home = os.environ["HOME"]
args = sys.argv[1:]
open(os.path.join(home, "systemctl.calls"), "a").write(" ".join(args) + "\n")
if os.path.exists(os.path.join(home, "systemd.absent")) or args[:1] != ["--user"]:
    sys.exit("Failed to connect to bus: No medium found")
args = args[1:]
units = os.path.join(home, ".config/systemd/user")
wants = os.path.join(units, "timers.target.wants")
name = args[-1]
link = os.path.join(wants, name)

def words(text):
    found = re.findall(r'"((?:[^"\\]|\\.)*)"', text)
    return [re.sub(r"\\(.)", r"\1", w).replace("%%", "%").replace("$$", "$") for w in found]

if args[0] in ("show-environment", "daemon-reload", "restart", "clean"):
    sys.exit(0)
if args[0] == "enable":
    if os.path.exists(os.path.join(home, "systemd.refuses")):
        sys.exit("Failed to enable unit: it does not please me")
    assert os.path.exists(os.path.join(units, name)), name
    os.makedirs(wants, exist_ok=True)
    if not os.path.islink(link):
        os.symlink(os.path.join(units, name), link)
    stamps = os.path.join(home, ".local/share/systemd/timers")
    os.makedirs(stamps, exist_ok=True)
    open(os.path.join(stamps, "stamp-" + name), "w").close()
elif args[0] == "disable":
    os.unlink(link)
elif args[0] == "is-active":
    print("active" if os.path.islink(link) else "inactive")
elif args[0] == "show":
    print("@1770000000")
elif args[0] == "start":
    text = open(os.path.join(units, name)).read()
    command = words(re.search(r"(?m)^ExecStart=(.*)$", text)[1])
    path = re.search(r'(?m)^Environment="PATH=(.*)"$', text)[1].replace("%%", "%")
    sys.exit(subprocess.run(command, env={"PATH": path, "HOME": home}).returncode)
else:
    sys.exit("unknown verb " + args[0])
"""

LAUNCHCTL = r"""
import os, plistlib, subprocess, sys
home = os.environ["HOME"]
args = sys.argv[1:]
open(os.path.join(home, "launchctl.calls"), "a").write(" ".join(args) + "\n")
loaded = os.path.join(home, "loaded")
os.makedirs(loaded, exist_ok=True)
if args[0] == "bootstrap":
    job = plistlib.load(open(args[2], "rb"))
    open(os.path.join(loaded, job["Label"]), "x").close()
    if job.get("RunAtLoad"):
        subprocess.Popen(job["ProgramArguments"], env={**job["EnvironmentVariables"], "HOME": home}, cwd=job["WorkingDirectory"])
elif args[0] == "bootout":
    os.unlink(os.path.join(loaded, args[1].rpartition("/")[2]))
elif args[0] == "print":
    sys.exit(0 if os.path.exists(os.path.join(loaded, args[1].rpartition("/")[2])) else 113)
"""

PROGRAMS = {"crontab": CRONTAB, "systemctl": SYSTEMCTL, "launchctl": LAUNCHCTL}


def put(folder: Path, *names: str) -> None:
    """Make the named fake programs in a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in names:
        program = folder / name
        program.write_text(f"#!{sys.executable} -S\n{PROGRAMS[name]}")
        program.chmod(0o755)


def snapshot(home: Path) -> dict[str, bytes]:
    """Return every file and link below a folder, but the fakes' own records."""
    return {
        path.relative_to(home).as_posix(): path.read_bytes() if path.is_file() else b""
        for path in sorted(home.rglob("*"))
        if (path.is_file() or path.is_symlink()) and path.suffix != ".calls"
    }
