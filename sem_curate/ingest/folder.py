"""A folder tree of images: ``{particle_id}_{view}.{ext}`` anywhere in it, or one folder per particle."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from sem_curate import paths
from sem_curate.errors import InputError
from sem_curate.ingest import headers, views
from sem_curate.ingest.listing import SourceListing, ViewFile
from sem_curate.ingest.pattern import DEFAULT, FilePattern, compile_pattern
from sem_curate.ingest.problems import NOTICE, Problem

# Images of formats that we do not read: refused by name, so that none is lost silently.
_OTHER_IMAGES: Final = frozenset(
    {".gif", ".webp", ".jp2", ".jpx", ".heic", ".avif", ".dm3", ".dm4", ".ser", ".emd", ".psd", ".svg"}
)

_NO_METADATA: Final = frozenset({"particle_id", "view", "label", "ext"})


def scan(
    folder: Path, names: Sequence[str], *, roots: Sequence[Path] = (), pattern: str | None = None
) -> SourceListing:
    """List the images below a folder, in path order.

    Hidden files and files that are no images (sidecars, tables, ``Thumbs.db``) are only counted. Symbolic links are
    followed while they stay in the allowed folders; a folder is read once, whatever links lead to it.

    Args:
        folder: the source folder; itself an allowed root.
        names: view names of the dataset.
        roots: further allowed folders.
        pattern: see ``pattern.compile_pattern``; None recognises the default pattern and one folder per particle.

    Raises:
        InputError: when the pattern is wrong or the folder cannot be listed.
    """
    top = Path(os.path.abspath(folder))
    walk = _Walk((top.resolve(), *(Path(root).expanduser().resolve() for root in roots)))
    matcher = _Matcher(names, compile_pattern(pattern or DEFAULT, names), automatic=pattern is None)
    if not os.access(top, os.R_OK | os.X_OK):
        raise InputError(f"folder '{folder}' may not be read by this user; change its permissions")
    files: list[ViewFile] = []
    for path in walk.files(top):
        found = matcher.match(path, path.relative_to(top).as_posix())
        if isinstance(found, ViewFile):
            files.append(found)
        elif isinstance(found, Problem):
            walk.problems.append(found)
        else:
            walk.ignored += 1
    return SourceListing(tuple(files), tuple(walk.problems), walk.ignored, _columns(files))


@dataclass
class _Walk:
    """A depth-first walk in name order that never leaves the roots and enters no real folder twice."""

    roots: Sequence[Path]
    problems: list[Problem] = field(default_factory=list)
    ignored: int = 0
    entered: dict[str, str] = field(default_factory=dict)

    def files(self, folder: Path) -> Iterator[Path]:
        real = os.path.realpath(folder)
        if real in self.entered:
            self._tell(folder, "symlink_loop", f"leads to '{self.entered[real]}', which is read anyway", notice=True)
            return
        self.entered[real] = str(folder)
        try:
            with os.scandir(folder) as listing:
                # Real folders first: a file is then named by its own path, not by a link's.
                entries = sorted(listing, key=lambda entry: (entry.is_symlink(), entry.name))
        except OSError as error:
            words = error.strerror or str(error)
            self._tell(folder, "permission", f"the folder cannot be listed ({words}); change its permissions")
            return
        for entry in entries:
            yield from self._entry(Path(entry.path), entry)

    def _entry(self, path: Path, entry: os.DirEntry[str]) -> Iterator[Path]:
        is_folder = _is_folder(entry)
        if entry.name.startswith(".") or (is_folder and path.resolve() == paths.home()):
            self.ignored += 1
        elif entry.is_symlink() and not paths.is_within(path, self.roots):
            where = os.path.realpath(path)
            self._tell(path, "outside_roots", f"leads to '{where}', outside the allowed folders; add --root")
        elif is_folder:
            yield from self.files(path)
        else:
            yield path

    def _tell(self, path: Path, code: str, reason: str, *, notice: bool = False) -> None:
        self.problems.append(Problem(printable(path), "", "", code, reason, NOTICE if notice else "refused"))


@dataclass(frozen=True)
class _Matcher:
    """Decides which particle and view a file shows, from its path alone."""

    names: Sequence[str]
    pattern: FilePattern
    automatic: bool

    def match(self, path: Path, relative: str) -> ViewFile | Problem | None:
        """Return the view file, a problem, or None for a file that is not meant as an image."""
        extension = path.suffix.lower()
        literal = Path(self.pattern.text).suffix.lower()
        if extension in _OTHER_IMAGES and extension != literal:
            return self._refuse(path, "unsupported", f"{extension} is not read; save it as PNG or TIFF")
        if extension not in headers.EXTENSIONS and extension != literal:
            return None
        if printable(path) != str(path):
            return self._refuse(path, "bad_name", "the file name is not valid text; rename the file")
        return self._interpret(path, self._parts(path, relative))

    def _parts(self, path: Path, relative: str) -> Mapping[str, str] | None:
        in_subfolder = "/" in relative
        if self.automatic and in_subfolder and views.normalise(path.stem, self.names):
            return {"particle_id": path.parent.name, "view": path.stem}
        found = self.pattern.match(relative)
        if found is None and self.automatic and in_subfolder:
            return {"particle_id": path.parent.name, "view": path.stem}
        return found

    def _interpret(self, path: Path, parts: Mapping[str, str] | None) -> ViewFile | Problem:
        if parts is None:
            reason = f"the name does not fit '{self.pattern.text}'; rename the file or give --pattern"
            return self._refuse(path, "no_match", reason)
        particle_id, view = parts["particle_id"].strip(), parts["view"].strip()
        if not particle_id:
            return self._refuse(path, "empty_particle_id", "the name holds no particle id; rename the file", view=view)
        known = views.normalise(view, self.names)
        if known is None:
            reason = views.unknown_reason(view, self.names)
            return self._refuse(path, "unknown_view", reason, particle_id, view)
        extra = {key: value for key, value in parts.items() if key not in _NO_METADATA and value}
        return ViewFile(path, particle_id, known, extra, parts.get("label") or None)

    def _refuse(self, path: Path, code: str, reason: str, particle_id: str = "", view: str = "") -> Problem:
        return Problem(printable(path), particle_id, view, code, reason)


def printable(path: str | Path) -> str:
    """Return a path as text that can be stored; bytes that are not UTF-8 become escapes."""
    return os.fsencode(path).decode("utf-8", errors="backslashreplace")


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a link that leads to itself; reading it as a file gives the reason
        return False


def _columns(files: Sequence[ViewFile]) -> dict[str, str]:
    return {name: "string" for file in files for name in file.metadata}
