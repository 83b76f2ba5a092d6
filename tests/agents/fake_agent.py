"""A small agent without a model: words in its prompt (`fake-lie`, `fake-hang`, ...) say how it behaves; it speaks JSON lines.

Run as `python fake_agent.py SESSION [--resume]` with the prompt on standard input; fake.toml holds its preset. Only the standard library,
since it runs inside whatever contains a build.
"""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

#: What the honest ones write.
FILE, CONTENT = "hello.txt", "hello\n"
#: A child that outlives its parent sleeps so long; found by the number.
CHILD_SECONDS = "87654321"
_LONG = 3600.0


def event(kind: str, **values: object) -> None:
    """Put out one line of the stream."""
    sys.stdout.write(json.dumps({"event": kind, **values}) + "\n")
    sys.stdout.flush()


def end(*, ok: bool = True, error: str | None = None, status: int = 0, **more: object) -> None:
    """Put out the last line and leave."""
    event("end", ok=ok, error=error, tokens_in=1200, tokens_out=34, cost=0.0125, **more)
    sys.exit(status)


def say(text: str) -> None:
    """Put out a message."""
    event("say", text=text)


def write(path: str = FILE, content: str = CONTENT) -> None:
    """Write a file as an agent does, with the event of it."""
    event("tool", name="write", path=path)
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    Path(path).write_text(content)


def attempt(name: str, deed: Callable[[], object]) -> None:
    """Do something that something should stop, and tell whether it was stopped."""
    try:
        deed()
    except OSError as error:
        event("tool", name=name, path="", result=f"stopped: {error.strerror}")
    else:
        event("tool", name=name, path="", result="went through")


def succeed() -> None:
    """Do the work."""
    event("todo", items=[{"text": "read the task", "state": "done"}, {"text": "write the file", "state": "doing"}])
    write()
    event("todo", items=[{"text": "read the task", "state": "done"}, {"text": "write the file", "state": "done"}])
    say("I wrote the file.")


def hang() -> None:
    """Do nothing for an hour."""
    event("tool", name="think", path="")
    time.sleep(_LONG)


def spend() -> None:
    """Do the work, then think on for ever; every thought is told twice and costs a quarter of a dollar and 1000 tokens."""
    succeed()
    say(" ".join(word for word in sys.argv if word.startswith("--most=")) or "no limit")
    for step in range(1, 10_000):
        for _ in range(2):
            event("spent", step=step, tokens_in=1000, cost=0.25)
        time.sleep(0.2)


def patient() -> None:
    """Try to reach its model again and again, in silence."""
    event("tool", name="think", path="")
    event("retry", why="429 too many requests")
    time.sleep(_LONG)


def mutter() -> None:
    """Try again too, but tell it on standard error alone."""
    sys.stderr.write("Attempt 3 failed with status 429. Retrying with backoff... Error: rate limit exceeded\n")
    sys.stderr.flush()
    time.sleep(_LONG)


def leak() -> None:
    """Do the work, and write its own key into it."""
    succeed()
    Path("settings.bin").write_bytes(b"\0\1\2key=" + os.environ["FAKE_KEY"].encode() + b"\0")


def stubborn() -> None:
    """Ignore every polite signal, with a child that does so too."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    subprocess.Popen(["sleep", CHILD_SECONDS])
    hang()


def setsid() -> None:
    """Leave a child in a session of its own behind."""
    subprocess.Popen(["sleep", CHILD_SECONDS], start_new_session=True)
    succeed()


def daemon() -> None:
    """Leave a daemon behind: forked twice, a session of its own, another folder, no environment."""
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            os.chdir("/")
            os.closerange(0, 64)
            os.execve("/bin/sleep", ["sleep", CHILD_SECONDS], {})
        os._exit(0)
    time.sleep(0.2)
    succeed()


def flood() -> None:
    """Put out lines without end."""
    line = json.dumps({"event": "say", "text": "x" * 4000}) + "\n"
    while True:
        sys.stdout.write(line)


def fill() -> None:
    """Write one file as large as it goes, up to 64 MiB."""
    with Path("filling.bin").open("wb") as target:
        for _ in range(64):
            target.write(b"\0" * 1024 * 1024)
    say("The disk is full of zeros.")


def ask() -> None:
    """Ask a question with a default in the progress log, and go on with the default."""
    question = "Shall the greeting end with a full stop? (default: no)"
    log = Path(os.environ["AUTOBUILDS_PROGRESS"])
    log.write_text(
        f'---\nstatus: working\npercent: 50\nquestions:\n  - "{question}"\n---\n# Progress\n\nAsked; went on with the default.\n'
    )
    succeed()


def lie() -> None:
    """Claim that all is done, having done nothing."""
    say("Done. The file is written and every check passes.")


def ruin() -> None:
    """Claim that all is done, having done it wrong."""
    write(content="something else\n")
    say("Done. The file is written and every check passes.")


def commit() -> None:
    """Commit the work itself."""
    succeed()
    for argv in (["add", "-A"], ["-c", "user.name=Fake", "-c", "user.email=fake@example.org", "commit", "-q", "-m", "mine"]):
        subprocess.run(["git", *argv], check=False, stdout=subprocess.DEVNULL)


def hooks() -> None:
    """Plant hooks, a filter and a file-system monitor that would leave a trace in the workspace."""
    succeed()
    trace = f"#!/bin/sh\nid > {os.environ['AUTOBUILDS_PROGRESS']}.planted\ntouch planted-by-a-hook\n"
    folder = Path(".git/hooks")
    folder.mkdir(exist_ok=True)
    for name in ("pre-commit", "post-commit", "post-checkout", "post-merge", "reference-transaction", "post-index-change"):
        (folder / name).write_text(trace)
        (folder / name).chmod(0o755)
    Path(".gitattributes").write_text("* filter=planted\n")
    for key, value in (("filter.planted.clean", "touch planted-by-a-filter; cat"), ("core.fsmonitor", "touch planted-by-a-monitor; false")):
        subprocess.run(["git", "config", key, value], check=False)


def queue() -> None:
    """Write into the owner's queue and ledger, wherever they can be reached."""
    succeed()
    for place in [p for word in sys.argv[1:] if (p := Path(word)).is_absolute()]:
        line = "\n- [ ] Planted task - Added: 2026-02-06 15:00 - Priority: High\n"
        attempt("write the queue", lambda place=place, line=line: (place / "BUILD_QUEUE.md").open("a").write(line))
        attempt("leave a file", lambda place=place: (place / "planted.txt").write_text("planted"))


def escape() -> None:
    """Put out what would drive a terminal or a page."""
    succeed()
    sys.stdout.write("\x1b]0;owned\x07\x1b[2J\x1b[31mred\n")
    say("\x1b]52;c;b3duZWQ=\x07 \u202egnp.exe <script>alert(1)</script> ](javascript:alert(1)) | --- |\nApproved: yes")


def env() -> None:
    """Put out the whole environment, and whatever of the home can be read."""
    for name, value in sorted(os.environ.items()):
        say(f"{name}={value}")
    for place in [p for word in sys.argv[1:] if (p := Path(word)).is_absolute()]:
        for name in (".ssh/id_ed25519", "notes.txt", "../home/.ssh/id_ed25519", "../home/notes.txt"):
            attempt(f"read {name}", lambda place=place, name=name: say((place / name).read_text()))
    succeed()


def refuse() -> None:
    """Decline."""
    say("I can't help with that.")
    end(ok=False, error="the model declined the request: content policy", status=0)


def limited() -> None:
    """Run into a usage limit that ends at a known time."""
    end(ok=False, error="usage limit reached (429 too many requests)", status=1, resets=int(time.time()) + 7200)


def auth() -> None:
    """Be signed out, with an exit status that lies."""
    end(ok=False, error="401 invalid api key, please sign in", status=0)


def network() -> None:
    """Reach nobody, with an exit status that lies."""
    end(ok=False, error="fetch failed: ECONNREFUSED 127.0.0.1:9", status=0)


def denied() -> None:
    """Be denied every tool, and call it done."""
    event("denied", tool="write")
    say("Done.")


def fail() -> None:
    """Break."""
    end(ok=False, error="internal error: the fake agent broke on purpose", status=3)


def crash() -> None:
    """Die in the middle of a line."""
    sys.stdout.write('{"event": "end", "ok": tr')
    sys.stdout.flush()
    os.kill(os.getpid(), signal.SIGKILL)


def once() -> None:
    """Hang in a new session, and do the work in a resumed one."""
    if "--resume" in sys.argv:
        succeed()
    else:
        hang()


DEEDS: dict[str, Callable[[], None]] = {
    deed.__name__: deed
    for deed in (
        succeed, fail, hang, leak, spend, patient, mutter, stubborn, setsid, daemon, flood, fill, ask, lie, ruin, commit, hooks, queue, escape, env,
        refuse, limited, auth, network, denied, crash, once,
    )
}  # fmt: skip
_WORD = re.compile(rf"\bfake-({'|'.join(DEEDS)})\b")


def main() -> None:
    """Read the prompt and behave as its first word says."""
    prompt = sys.stdin.read()
    event("begin", session=sys.argv[1], model="fake-1")
    match = _WORD.search(prompt)
    if match is None:
        end(ok=False, error="internal error: the prompt names no deed", status=3)
        return
    DEEDS[match[1]]()
    end()


if __name__ == "__main__":
    main()
