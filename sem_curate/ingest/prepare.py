"""Everything that must be learned from one image file, in one reading: pixels are decoded, judged and let go."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from sem_curate.errors import ImageReadError
from sem_curate.ingest import display, fingerprint, headers, readers, vendor
from sem_curate.ingest.plan import Found
from sem_curate.ingest.problems import NOTICE, Problem
from sem_curate.ingest.readers import ImageInfo
from sem_curate.parallel import available_cores

# Decoding releases the interpreter lock; four readers keep a disk busy without filling the memory.
_WORKERS: Final = 4
_LARGE: Final = 64 * 2**20  # bytes; images larger than this are decoded one at a time
_one_large = threading.Lock()


@dataclass(frozen=True)
class Prepared:
    """What the dataset keeps of one readable image.

    Attributes:
        found: the file and its stat, taken before reading; a file that changes meanwhile is read again next time.
        filepath: what the App shows: the file itself or its display copy.
        content_hash: of the file's bytes.
        size_bytes: of the file.
        info: format, size and bit depth.
        mapping: how grey levels became the display copy, as JSON; None when the file is shown itself.
        vendor: instrument values.
        notices: what people may want to know about the file.
    """

    found: Found
    filepath: Path
    content_hash: str
    size_bytes: int
    info: ImageInfo
    mapping: str | None
    vendor: vendor.VendorInfo
    notices: tuple[Problem, ...]


def prepare_all(found: Iterable[Found]) -> Iterator[Prepared | Problem]:
    """Prepare files in a small pool of threads, in the given order."""
    pool = ThreadPoolExecutor(min(_WORKERS, available_cores()), thread_name_prefix="ingest")
    try:
        yield from pool.map(prepare, found)
    finally:
        pool.shutdown(cancel_futures=True)


def prepare(found: Found) -> Prepared | Problem:
    """Read one file; a file that cannot be used becomes a problem.

    Raises:
        SetupError: when the display copy cannot be written; that is no fault of the file.
    """
    path = found.file.path
    try:
        data = readers.read_bytes(path)
        info = readers.inspect(data)
        content_hash = fingerprint.content_hash(data)
        shown, mapping = _look_at(data, path, info, content_hash)
    except ImageReadError as error:
        return Problem(str(path), *found.slot, error.code, str(error))
    return Prepared(
        found=found,
        filepath=shown,
        content_hash=content_hash,
        size_bytes=len(data),
        info=info,
        mapping=mapping,
        vendor=_vendor(data, path, info),
        notices=tuple(_notices(found, info)),
    )


def _look_at(data: bytes, path: Path, info: ImageInfo, content_hash: str) -> tuple[Path, str | None]:
    if len(data) > _LARGE or info.height * info.width > _LARGE:
        with _one_large:
            return _decode_and_copy(data, path, info, content_hash)
    return _decode_and_copy(data, path, info, content_hash)


def _decode_and_copy(data: bytes, path: Path, info: ImageInfo, content_hash: str) -> tuple[Path, str | None]:
    grey = readers.decode(data)  # also when no copy is needed: only decoding shows that a file is whole
    if not display.needs_copy(path, info):
        return path, None
    copy = display.make_copy(grey, content_hash)
    return copy.path, copy.mapping


def _vendor(data: bytes, path: Path, info: ImageInfo) -> vendor.VendorInfo:
    beside = vendor.from_sidecar(path)
    return vendor.merge(vendor.from_tiff(data), beside) if info.kind == headers.TIFF else beside


def _notices(found: Found, info: ImageInfo) -> Iterator[Problem]:
    path, suffix = found.file.path, found.file.path.suffix.lower()
    if headers.EXTENSIONS.get(suffix) != info.kind:
        reason = f"is a {info.kind} image under the name '{suffix}'; it was read as {info.kind}"
        yield Problem(str(path), *found.slot, "wrong_extension", reason, NOTICE)
    if info.pages > 1:
        reason = f"holds {info.pages} images; only the first is used"
        yield Problem(str(path), *found.slot, "multi_page", reason, NOTICE)
