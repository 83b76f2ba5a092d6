"""What contains a build on this machine: the command line that does it, a quick way to start, and the proof that it works here."""

from autobuilds.adapters.sandbox.prepared import PortRules, Prepared, prepare
from autobuilds.adapters.sandbox.probing import MachineSandbox
from autobuilds.adapters.sandbox.wrapping import wrap

__all__ = ["MachineSandbox", "PortRules", "Prepared", "prepare", "wrap"]
