"""The schedulers that can run heartbeats, each in its own module, in the order in which they are preferred."""

from __future__ import annotations

from autobuilds.adapters.timers.cron import CronTimer
from autobuilds.adapters.timers.launchd import LaunchdTimer
from autobuilds.adapters.timers.systemd import SystemdTimer
from autobuilds.ports import Timer

#: Every scheduler by its name.
TIMERS: dict[str, Timer] = {"launchd": LaunchdTimer(), "systemd": SystemdTimer(), "cron": CronTimer()}
