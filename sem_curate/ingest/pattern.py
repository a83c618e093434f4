"""File-name patterns such as ``{particle_id}_{view}.{ext}``."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from sem_curate import schema
from sem_curate.errors import InputError

DEFAULT: Final = "{particle_id}_{view}.{ext}"
_OWN: Final = frozenset({"particle_id", "view", "label"})
_PLACEHOLDER = re.compile(r"\{([A-Za-z_]\w*)\}")
_HINT: Final = f"write it like '{DEFAULT}' or '{{lot}}/{{particle_id}}/{{view}}.{{ext}}'"


@dataclass(frozen=True)
class FilePattern:
    """A compiled pattern. With a ``/`` in it, it is matched against the path below the source folder."""

    text: str
    regex: re.Pattern[str]

    def match(self, relative: str) -> Mapping[str, str] | None:
        """Return ``{"particle_id", "view", ...}`` for a path with forward slashes, or None when it does not fit."""
        subject = relative if "/" in self.text else relative.rsplit("/", 1)[-1]
        found = self.regex.fullmatch(subject)
        return found.groupdict() if found else None


def compile_pattern(text: str, names: Sequence[str]) -> FilePattern:
    """Compile a pattern. ``{label}`` is the claimed label; any other placeholder than these becomes metadata.

    Args:
        text: the pattern; ``{particle_id}`` and ``{view}`` must each stand in it once.
        names: view names; they may contain the separator of the pattern.

    Raises:
        InputError: when a placeholder is missing, repeated, or named like a field of ours.

    >>> compile_pattern(DEFAULT, ["view1"]).match("lot_7_view_1.tif")["particle_id"]
    'lot_7'
    """
    placeholders = _PLACEHOLDER.findall(text)
    for needed in ("particle_id", "view"):
        if placeholders.count(needed) != 1:
            raise InputError(f"pattern '{text}' must contain {{{needed}}} exactly once; {_HINT}")
    if len(set(placeholders)) != len(placeholders):
        raise InputError(f"pattern '{text}' repeats a placeholder; {_HINT}")
    taken = sorted(set(placeholders) & schema.RESERVED - _OWN)
    if taken:
        raise InputError(f"pattern '{text}' cannot use {{{taken[0]}}}, which is a field of its own; rename it")
    parts, at = [], 0
    for found in _PLACEHOLDER.finditer(text):
        literal = text[at : found.start()]
        parts += [re.escape(literal), _group(found[1], literal, names)]
        at = found.end()
    parts.append(re.escape(text[at:]))
    return FilePattern(text, re.compile("".join(parts)))


def _group(placeholder: str, before: str, names: Sequence[str]) -> str:
    if placeholder == "view":
        # A number or a known name may hold the separator ("view_1"); any other view name may not, or the
        # particle id could not be told from it.
        other = f"[^/{re.escape(before[-1:])}]+"
        known = "|".join(re.escape(name) for name in sorted(names, key=len, reverse=True))
        return rf"(?P<view>(?i:view|v)[\s_-]?\d+|\d+|(?i:{known})|{other})"
    if placeholder == "ext":
        return r"(?P<ext>[^./]+)"
    return rf"(?P<{placeholder}>[^/]*?)"
