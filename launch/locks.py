"""File locks that the kernel frees when their holder dies, however it dies.

They are flock(2) locks: they belong to an open file, so a child that inherits the open file holds the lock too.
"""

from __future__ import annotations

import fcntl
import os
from pathlib import Path


class FileLock:
    """A lock on one file, which stays behind empty. Shared by many or exclusive to one; not thread-safe."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._descriptor: int | None = None

    @property
    def descriptor(self) -> int:
        """The open file, to be handed to a child that shall hold the lock as well."""
        if self._descriptor is None:
            raise ValueError(f"{self.path.name} is not held")
        return self._descriptor

    def take(self, *, shared: bool = False) -> bool:
        """Take the lock, or change its kind, without waiting; False if others hold one that excludes it."""
        held = self._descriptor
        descriptor = held if held is not None else os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
        except BlockingIOError:
            if held is None:
                os.close(descriptor)
            return False
        self._descriptor = descriptor
        return True

    def close(self) -> None:
        """Let go of the lock here. A child that inherited it keeps holding it."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None
