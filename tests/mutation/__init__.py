"""Mutation testing: small faults put into the source, each of which some test must notice.

`python3 tasks.py mutate` runs it; docs/decisions/0303-own-mutation-runner.md says why it is our own.
"""
