"""Housekeeping on this machine: readings of disk, logs, databases, repositories and leavings, and their fixes."""
