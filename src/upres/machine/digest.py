"""What a file holds, as a short text that is equal for equal content."""

import hashlib
from pathlib import Path


def digest(path: Path, *, start: int = 0) -> str:
    """SHA-256 of a file's bytes from ``start`` on, in hexadecimal.

    Raises:
        OSError: If the file cannot be read.
    """
    with path.open("rb") as file:
        file.seek(start)
        return hashlib.file_digest(file, "sha256").hexdigest()
