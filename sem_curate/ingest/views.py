"""From what people write ("2", "V-2", "View_2") to the view names of the dataset."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence

from sem_curate.errors import did_you_mean

_NUMBERED = re.compile(r"(?:(?:view|v)[\s_-]*)?0*([1-9]\d*)", re.IGNORECASE)


def normalise(text: str, names: Sequence[str]) -> str | None:
    """Return the view name that ``text`` means, or None.

    Exact names win, then names that differ only in case or character width, then numbers: n, "v n" or "view n"
    is the nth view.

    >>> names = ("view1", "view2", "BSE")
    >>> [normalise(text, names) for text in ("view2", "BSE", "bse", "2", "V-2", "view_02", " v1 ", "3")]
    ['view2', 'BSE', 'BSE', 'view2', 'view2', 'view2', 'view1', 'BSE']
    >>> normalise("view9", names), normalise("0", names), normalise("", names)
    (None, None, None)
    """
    wanted = text.strip()
    if wanted in names:
        return wanted
    folded = _fold(wanted)
    for name in names:
        if _fold(name) == folded:
            return name
    numbered = _NUMBERED.fullmatch(folded)
    if numbered and len(numbered[1]) < 6 and int(numbered[1]) <= len(names):
        return names[int(numbered[1]) - 1]
    return None


def unknown_reason(text: str, names: Sequence[str]) -> str:
    """Say that a view name is unknown, which ones are known, and what to do.

    >>> unknown_reason("veiw2", ("view1", "view2"))  # doctest: +ELLIPSIS
    "unknown view 'veiw2'; this dataset has view1, view2. Did you mean 'view2'? Correct it, or ..."
    """
    return (
        f"unknown view '{text}'; this dataset has {', '.join(names)}.{did_you_mean(text, names)} "
        "Correct it, or ingest into a new dataset with --views"
    )


def _fold(text: str) -> str:
    return unicodedata.normalize("NFKC", text).strip().casefold()
