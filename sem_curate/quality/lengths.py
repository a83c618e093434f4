"""Read lengths such as "10 µm", "500nm" or "2.00um" out of the text beside a scale bar."""

from __future__ import annotations

import re
import unicodedata
from typing import Final

NM: Final = {"nm": 1.0, "um": 1e3, "mm": 1e6}
MAX_NM: Final = 1e8  # 10 cm: nothing in a microscope is longer
# Working distance and field widths are lengths, too, and stand in the same bar.
_NAMES: Final = r"(?:WD|HFW|VFW|HFOV|FOV|VIEW\s*FIELD|FIELD|PIXEL\s*SIZE)"
_OTHER: Final = re.compile(rf"{_NAMES}\s*[:=]?\s*\d+(?:[.,]\d+)?\s*[nuµm]?m", re.IGNORECASE)
_LENGTH: Final = re.compile(r"(?<![\d.,x*])(\d{1,6}(?:[.,]\d{1,4})?)\s*([num]m)(?![a-z0-9])", re.IGNORECASE)


def parse_lengths(text: str) -> list[float]:
    """Return the lengths of a text in nanometres, in the order written.

    Full-width characters, both code points of µ and a decimal comma are understood; labelled working distances and
    field widths are left out.

    >>> parse_lengths("x5.0k 10.0um"), parse_lengths("WD 8.5 mm  500nm"), parse_lengths("５ μm")
    ([10000.0], [500.0], [5000.0])
    """
    plain = unicodedata.normalize("NFKC", text).replace("μ", "u").replace("µ", "u")  # NFKC folds the micro sign
    found = (_value(number, unit) for number, unit in _LENGTH.findall(_OTHER.sub(" ", plain)))
    return [value for value in found if 0 < value <= MAX_NM]


def format_length(nanometres: float) -> str:
    """Return a length with the unit that a person would choose.

    >>> format_length(500), format_length(10_000), format_length(2.5e6)
    ('500 nm', '10 um', '2.5 mm')
    """
    unit = "mm" if nanometres >= 1e6 else "um" if nanometres >= 1e3 else "nm"
    return f"{nanometres / NM[unit]:.4g} {unit}"


def _value(number: str, unit: str) -> float:
    return float(number.replace(",", ".")) * NM[unit.lower()]
