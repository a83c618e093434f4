"""When is a file still the file that was read? By its stat first, by its content when the stat changed."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import Final

_DIGEST_BYTES: Final = 20  # 160 bits: no two of any number of images will meet


def stat_key(path: str | Path) -> str:
    """Return ``"size:mtime_ns"`` of a file.

    Raises:
        OSError: when the file is not there.
    """
    status = os.stat(path)
    return f"{status.st_size}:{status.st_mtime_ns}"


def content_hash(data: bytes) -> str:
    """Return the BLAKE2b hash of file content, 40 hexadecimal digits.

    >>> content_hash(b"abc")[:8]
    '384264f6'
    """
    return hashlib.blake2b(data, digest_size=_DIGEST_BYTES).hexdigest()
