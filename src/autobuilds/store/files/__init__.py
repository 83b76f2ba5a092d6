"""Files that survive crashes, other writers and people with editors: the one place where the store writes."""

from autobuilds.store.files.exchange import exchange_supported
from autobuilds.store.files.lock import Lock
from autobuilds.store.files.reading import read_stable, read_untrusted
from autobuilds.store.files.rescue import Rescued, repay, rescue_displaced, rescue_late_saves, unite_stale
from autobuilds.store.files.shared import replace_guarded
from autobuilds.store.files.stale import Clues
from autobuilds.store.files.writing import append_line, make_folder, private_folder, storage_failure, sync_folder, write_atomic

__all__ = [
    "Clues",
    "Lock",
    "Rescued",
    "append_line",
    "exchange_supported",
    "make_folder",
    "private_folder",
    "read_stable",
    "read_untrusted",
    "repay",
    "replace_guarded",
    "rescue_displaced",
    "rescue_late_saves",
    "storage_failure",
    "sync_folder",
    "unite_stale",
    "write_atomic",
]
