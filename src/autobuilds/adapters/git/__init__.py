"""Git: commits by plumbing that leave the owner's index and work alone, private clones, checked merges, history."""

from autobuilds.adapters.git.repo import GitRepo as GitRepo
