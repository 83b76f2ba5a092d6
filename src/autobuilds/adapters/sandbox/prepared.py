"""Starting contained programs quickly: what takes long is done early, in a thread that restricts itself and starts them."""

from __future__ import annotations

import itertools
import os
import shutil
import subprocess
from collections.abc import Callable, Mapping, Sequence
from queue import SimpleQueue
from threading import Thread
from types import TracebackType
from typing import Any, Generic, Self, TypeVar

from autobuilds.adapters.sandbox.launcher import landlock, limits
from autobuilds.adapters.sandbox.launcher.landlock import Rules, Uncontained
from autobuilds.adapters.sandbox.wrapping import cut_off, enclosed, launcher, options
from autobuilds.domain.sandbox import Confinement, Quota, Tier
from autobuilds.errors import Refused

_T = TypeVar("_T")
_OPTION = {"RLIMIT_CORE": "--core", "RLIMIT_FSIZE": "--fsize", "RLIMIT_DATA": "--data", "RLIMIT_NPROC": "--nproc"}
#: Joins the control group that its first argument names and becomes the rest.
_JOIN = 'echo 0 > "$0" && exec "$@"'


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

    def __init__(self, rules: Callable[[], Rules] | None) -> None:
        """Begin to restrict a new thread by the rules that a function makes in it; None restricts nothing."""
        self._tasks: SimpleQueue[_Answer[Any] | None] = SimpleQueue()
        self._ready = _Answer(lambda: self._restrict(rules))
        self._thread = Thread(target=self._serve, name="autobuilds-sandbox", daemon=True)
        self._thread.start()
        self._failure: BaseException | None = None
        self._waited = False

    @staticmethod
    def _restrict(rules: Callable[[], Rules] | None) -> None:
        if rules is not None:
            limits.no_new_privileges()
            limits.leave_keyring()
            rules().enforce()

    def _serve(self) -> None:
        self._ready.run()
        while (task := self._tasks.get()) is not None:
            task.run()

    def call(self, work: Callable[[], _T]) -> _T:
        """Do a piece of work in the thread and return what it returns; raises what it raises, or Uncontained."""
        if not self._waited:
            self._waited = True
            try:
                self._ready.wait()
            except (OSError, Uncontained) as error:
                self._failure = error
        if self._failure is not None:
            raise Uncontained(str(self._failure))
        answer = _Answer(work)
        self._tasks.put(answer)
        return answer.wait()

    def close(self) -> None:
        """End the thread."""
        self._tasks.put(None)
        self._thread.join()


class Prepared:
    """A confinement whose rules are being made while its caller does something else; `popen` starts programs in it.

    The thread that starts them is their parent to the kernel: bubblewrap's programs die when it ends, so `close` comes last.
    The services that a build must not reach are those that listened when it was made.
    """

    _numbers = itertools.count(1)

    def __init__(self, confinement: Confinement, *, environment: Mapping[str, str] | None = None) -> None:
        """Begin to prepare; takes no time itself. `environment` names sockets of the owner's (default: this process's)."""
        self._confinement = confinement
        self._environment = environment
        self._restrained = Restrained(self._rules if confinement.tier is not Tier.BWRAP else None)

    def _rules(self) -> Rules:
        if self._confinement.tier is Tier.NONE:
            return Rules(0)
        abi = landlock.version()
        if not abi:
            raise Uncontained("this kernel has no Landlock, or it is switched off")
        rules = Rules(abi, network=not cut_off(self._confinement))
        rules.allow_ports(landlock.reachable(self._confinement.network.value, self._confinement.ports))
        return rules

    def wrap(self, argv: Sequence[str]) -> tuple[str, ...]:
        """Return the command line that `popen` runs: without the rules that its thread has in force already."""
        inner = enclosed(self._confinement, argv, environment=self._environment)
        quick = limited(self._confinement.quota, f"{os.getpid()}-{next(self._numbers)}")
        # Landlock alone goes by the launcher: it adds rules of its own, without which a build could signal the thread that started it.
        if self._confinement.tier is not Tier.LANDLOCK and quick is not None:
            return (*quick, *inner)
        return (*launcher(), *options(self._confinement, network=False), "--", *inner)

    def popen(self, argv: Sequence[str], **how: Any) -> subprocess.Popen[bytes]:
        """Start a program contained, with the arguments of `subprocess.Popen`; raises Refused, OSError."""
        line = self.wrap(argv)
        try:
            return self._restrained.call(lambda: subprocess.Popen(line, **how))
        except Uncontained as error:
            raise Refused(f"nothing was started: {error}; `autobuilds doctor` says what works here") from error

    def close(self) -> None:
        """End the thread, and with it what it started in bubblewrap."""
        self._restrained.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()


def prepare(confinement: Confinement, *, environment: Mapping[str, str] | None = None) -> Prepared:
    """Begin to prepare a confinement in the background and return at once."""
    return Prepared(confinement, environment=environment)


def limited(quota: Quota, name: str) -> tuple[str, ...] | None:
    """Return the beginning of a command line that puts limits in force at a thirtieth of the launcher's time; None where that can't be.

    `name` is for the control group that counts the processes of root, who is bound by nothing else.
    """
    if shutil.which("prlimit") is None:
        return None
    found = limits.bounds(processes=quota.processes, memory=quota.memory_bytes, file=quota.file_bytes)
    said = ("prlimit", *(f"{_OPTION[limit]}={value}" for limit, value in found.items()), "--")
    entrance = None if quota.processes is None else limits.make_group(quota.processes, name)
    return said if entrance is None else ("/bin/sh", "-c", _JOIN, entrance, *said)
