"""Many picture files: found, prepared by several processes, read in full batches, kept in order."""

from .find import find_files
from .read import FilePage, read_files, share_of

__all__ = ["FilePage", "find_files", "read_files", "share_of"]
