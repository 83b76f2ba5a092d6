"""Hostile and bad input, through the command line in real workspaces."""
