"""The small process that runs one attempt, watches it and records how it ended: `python -m autobuilds.adapters.supervisor RUN_DIR`."""
