"""Files that request bodies name: found from the working directory, and kept inside it where the user wants that."""

from __future__ import annotations

import errno
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class BodyFiles:
    """Reads the files of form-data and binary bodies. `outside` allows paths that leave the working directory."""

    working_dir: Path
    outside: bool = True

    def read(self, name: str) -> bytes:
        """The bytes of a file.

        Raises:
            OSError: it cannot be read; PermissionError with Newman's words when it lies outside and may not.
        """
        try:
            path = (self.working_dir / name).resolve()
        except (ValueError, RuntimeError) as error:  # a NUL, half a surrogate pair; links in a circle
            raise FileNotFoundError(errno.ENOENT, str(error), name) from error
        if not self.outside and not path.is_relative_to(self.working_dir.resolve()):
            raise PermissionError(f"PPERM: insecure file access outside working directory: {name}")
        return path.read_bytes()
