"""Queues of another shape, turned into new tasks with an account of everything that was found."""

from autobuilds.store.importers.imported import Imported, preview, without_known
from autobuilds.store.importers.recognise import SHAPES, import_text

__all__ = ["SHAPES", "Imported", "import_text", "preview", "without_known"]
