"""autobuilds: a Git repository of Markdown files as an autonomous build system for coding agents."""

__version__ = "0.1.0"
