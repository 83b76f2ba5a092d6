"""Starting contained programs quickly: what takes long is done early, in a thread that restricts itself and starts them."""

from __future__ import annotations

import itertools
import os
import subprocess
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from queue import SimpleQueue
from threading import Thread
from types import TracebackType
from typing import Any, Generic, Self, TypeVar

from autobuilds.adapters.sandbox.launcher import landlock, limits, sockets
from autobuilds.adapters.sandbox.launcher.landlock import Rules, Uncontained
from autobuilds.adapters.sandbox.wrapping import cut_off, enclosed, program, temporary, wrap, written
from autobuilds.domain.sandbox import Confinement, Quota, Tier
from autobuilds.errors import Refused

_T = TypeVar("_T")
_OPTION = {"RLIMIT_CORE": "--core", "RLIMIT_FSIZE": "--fsize", "RLIMIT_DATA": "--data", "RLIMIT_NPROC": "--nproc"}
#: Joins the control group that its first argument names and becomes the rest.
_JOIN = 'echo 0 >> "$0" && exec "$@"'


class _Answer(Generic[_T]):
    """What a piece of work came to, waited for by whoever asked."""

    def __init__(self, work: Callable[[], _T]) -> None:
        self._work = work
        self._done: SimpleQueue[tuple[_T | None, BaseException | None]] = SimpleQueue()

    def run(self) -> None:
        try:
            self._done.put((self._work(), None))
        except BaseException as error:
            self._done.put((None, error))

    def wait(self) -> _T:
        value, error = self._done.get()
        if error is not None:
            raise error
        return value  # type: ignore[return-value]


class Restrained:
    """A thread that has restricted itself by Landlock, with all that it starts, while the rest of this process stays free."""

    def __init__(self, rules: Callable[[], Rules] | None, *, powerless: bool = False) -> None:
        """Begin to restrict a new thread by the rules that a function makes in it; None restricts nothing.

        `powerless` gives up the capabilities of root as well.
        """
        self._tasks: SimpleQueue[_Answer[Any] | None] = SimpleQueue()
        self._ready = _Answer(lambda: self._restrict(rules, powerless=powerless))
        self._failure: BaseException | None = None
        self._waited = False
        self._thread = Thread(target=self._serve, name="autobuilds-sandbox", daemon=True)
        self._thread.start()

    @staticmethod
    def _restrict(rules: Callable[[], Rules] | None, *, powerless: bool) -> None:
        limits.leave_keyring()
        if powerless and os.geteuid() == 0:
            limits.drop_capabilities()
        if rules is not None:
            made = rules()
            limits.no_new_privileges()
            made.enforce()
            if made.network:
                sockets.restrict()

    def _serve(self) -> None:
        self._ready.run()
        while (task := self._tasks.get()) is not None:
            task.run()

    def wait(self) -> None:
        """Return when the rules are in force; raises Uncontained."""
        if not self._waited:
            self._waited = True
            try:
                self._ready.wait()
            except (OSError, Uncontained) as error:
                self._failure = error
        if self._failure is not None:
            raise Uncontained(str(self._failure))

    def call(self, work: Callable[[], _T]) -> _T:
        """Do a piece of work in the thread and return what it returns; raises what it raises, or Uncontained."""
        self.wait()
        answer = _Answer(work)
        self._tasks.put(answer)
        return answer.wait()

    def close(self) -> None:
        """End the thread."""
        self._tasks.put(None)
        self._thread.join()


class PortRules:
    """Rules about ports, kept for the next who asks for the very same ones: to write those of an open network takes the kernel long."""

    def __init__(self) -> None:
        self._known: tuple[int, bool, set[int]] | None = None
        self._kept = Rules(0)

    def made(self, abi: int, ports: set[int], *, network: bool) -> Rules:
        """Return rules that allow connections to these ports alone, to be enforced once. Raises Uncontained."""
        asked = (abi, network, ports)
        if self._known != asked:
            rules = Rules(abi, network=network)
            rules.allow_ports(ports)
            self._kept.close()
            self._known, self._kept = asked, rules
        return self._kept.again()

    def close(self) -> None:
        """Forget them."""
        self._kept.close()
        self._known = None


class Prepared:
    """A confinement whose rules are being made while its caller does something else; `popen` starts programs in it.

    The thread that starts them is their parent to the kernel: bubblewrap's programs die when it ends, so `close` comes last.
    The services that a build must not reach are those that listened when this was made.
    """

    _numbers = itertools.count(1)

    def __init__(self, confinement: Confinement, *, environment: Mapping[str, str] | None = None, ports: PortRules | None = None) -> None:
        """Begin to prepare; takes no time itself. `environment` names sockets of the owner's (default: this process's).

        `ports` may be shared by those who prepare one after the other.
        """
        self._ports = ports
        self._confinement = confinement
        self._environment = environment
        self._entrance = group(confinement.quota, f"{os.getpid()}-{next(self._numbers)}")
        alone = confinement.tier is Tier.LANDLOCK
        self._restrained = Restrained(self._rules if confinement.tier is not Tier.BWRAP else None, powerless=alone)
        self._open = True

    def _rules(self) -> Rules:
        asked = self._confinement
        if asked.tier is Tier.NONE:
            return Rules(0)
        abi = landlock.version()
        if not abi:
            raise Uncontained("this kernel has no Landlock, or it is switched off")
        network, ports = not cut_off(asked), landlock.reachable(asked.network.value, asked.ports)
        if self._ports is not None and asked.tier is not Tier.LANDLOCK:
            return self._ports.made(abi, ports, network=network)
        rules = Rules(abi, files=asked.tier is Tier.LANDLOCK, network=network)
        rules.allow_ports(ports)
        if asked.tier is Tier.LANDLOCK:
            rules.allow_files(read=asked.readable, write=written(asked), hide=asked.hidden)
            if self._entrance is not None:
                rules.allow_path(self._entrance, landlock.WRITE_FILE)
        return rules

    def wait(self) -> None:
        """Return when the rules are made, so that a start takes no time for them; raises Refused."""
        try:
            self._restrained.wait()
        except Uncontained as error:
            raise Refused(f"nothing can be started: {error}; `autobuilds doctor` says what works here") from error

    def popen(self, argv: Sequence[str], **how: Any) -> subprocess.Popen[bytes]:
        """Start a program contained, with the arguments of `subprocess.Popen`; raises Refused, OSError.

        In the tier Landlock alone only the first start is quick: its thread ends with it, because a build could signal it.
        """
        quick = limited(self._confinement.quota, self._entrance)
        if quick is None or not self._open:
            return subprocess.Popen(wrap(self._confinement, argv, environment=self._environment), **how)
        line = (*quick, *enclosed(self._confinement, argv, environment=self._environment))
        alone = self._confinement.tier is Tier.LANDLOCK
        own = temporary(self._confinement)
        if own is not None:
            given = dict(how.get("env") or os.environ)
            how["env"] = {**given, "TMPDIR": limits.temporary_folder(given.get("TMPDIR"), own, list(written(self._confinement)))}
        try:
            return self._restrained.call(lambda: subprocess.Popen(line, **how))
        except Uncontained as error:
            raise Refused(f"nothing was started: {error}; `autobuilds doctor` says what works here") from error
        finally:
            if alone:
                self._end_thread()

    def close(self) -> None:
        """End the thread, and with it what it started in bubblewrap."""
        self._end_thread()
        if self._entrance is not None:
            # Still busy: a later preparation removes it.
            with suppress(OSError):
                Path(self._entrance).parent.rmdir()

    def _end_thread(self) -> None:
        if self._open:
            self._open = False
            self._restrained.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()


def prepare(confinement: Confinement, *, environment: Mapping[str, str] | None = None, ports: PortRules | None = None) -> Prepared:
    """Begin to prepare a confinement in the background and return at once."""
    return Prepared(confinement, environment=environment, ports=ports)


def limited(quota: Quota, entrance: str | None) -> tuple[str, ...] | None:
    """Return the beginning of a command line that puts limits in force at a tenth of the launcher's time; None where that can't be.

    `entrance` takes a process into the control group that counts the processes of root, whom nothing else binds.
    """
    limiter = program("prlimit")
    if limiter is None:
        return None
    found = limits.bounds(processes=quota.processes, memory=quota.memory_bytes, file=quota.file_bytes)
    said = (limiter, *(f"{_OPTION[limit]}={value}" for limit, value in found.items()), "--")
    return said if entrance is None else ("/bin/sh", "-c", _JOIN, entrance, *said)


def group(quota: Quota, name: str) -> str | None:
    """Make the control group of a build of root and return what takes processes in; None where there is none."""
    return None if quota.processes is None else limits.make_group(quota.processes, name)
