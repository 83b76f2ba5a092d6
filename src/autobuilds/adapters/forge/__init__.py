"""Forges: finished work is pushed, and offered through the forge's own command."""

from __future__ import annotations

from autobuilds.adapters.forge.remotes import COMMANDS
from autobuilds.adapters.forge.requests import CommandForge

__all__ = ["COMMANDS", "CommandForge"]
