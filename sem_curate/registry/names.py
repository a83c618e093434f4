"""How label names are compared: two spellings that a reader cannot tell apart are one name."""

from __future__ import annotations

import re
import unicodedata

_JAPANESE = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff\uff66-\uff9f]")


def name_key(name: str) -> str:
    """Return the form under which names are compared: NFKC, case folded, white space, "_" and "-" as one space.

    >>> name_key("  Needle_like ") == name_key("ＮＥＥＤＬＥ－like")
    True
    """
    # Case folding may undo the normal form, and what has no width (but the joiner inside emoji) cannot be told apart.
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", name).casefold())
    folded = "".join(c for c in folded if c == "\u200d" or unicodedata.category(c) != "Cf")
    return re.sub(r"[\s_\-‐-―]+", " ", folded).strip()


def is_japanese(text: str) -> bool:
    """Tell whether a text holds kana or kanji.

    >>> is_japanese("針状"), is_japanese("needle")
    (True, False)
    """
    return bool(_JAPANESE.search(text))
