"""A hash over parts, each with its length: no two lists of parts give the same bytes."""

import hashlib
from collections.abc import Iterable
from pathlib import Path


class InputDigest:
    """Hashes what something is made from, and so names what is made."""

    def __init__(self) -> None:
        """Start with nothing."""
        self._digest = hashlib.sha256()

    def add(self, *parts: str | bytes) -> None:
        """Add texts and bytes."""
        for part in parts:
            data = part.encode() if isinstance(part, str) else part
            self._digest.update(len(data).to_bytes(8, "big") + data)

    def add_files(self, folder: Path, files: Iterable[Path]) -> None:
        """Add files by their path in a folder, whether they can be executed, and their content."""
        for file in files:
            executable = "x" if (folder / file).stat().st_mode & 0o100 else "-"
            self.add(file.as_posix(), executable, (folder / file).read_bytes())

    def hexdigest(self) -> str:
        """The hash of all that was added."""
        return self._digest.hexdigest()
