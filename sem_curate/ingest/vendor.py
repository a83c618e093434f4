"""What the microscope wrote beside the pixels: pixel size, voltage, detector, magnification, instrument.

Sources: FEI / Thermo Fisher TIFF tags 34680 and 34682 (INI text), Zeiss SmartSEM TIFF tag 34118, Hitachi ``.txt``
and JEOL ``.txt`` sidecars. Everything is optional; what cannot be understood is left out and never raises.
"""

from __future__ import annotations

import contextlib
import io
import math
import re
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

import tifffile

_FEI_TAGS: Final = (34682, 34680)
_ZEISS_TAG: Final = 34118
_MAX_BAR: Final = 0.25  # of the rows
_MAX_SIDECAR: Final = 1 << 20  # a sidecar is a page of text
_NM: Final = {"pm": 1e-3, "nm": 1.0, "um": 1e3, "µm": 1e3, "μm": 1e3, "mm": 1e6, "m": 1e9}
_NUMBER = re.compile(r"\s*([-+]?\d+(?:[.,]\d+)?(?:[eE][-+]?\d+)?)\s*([^\d\s]*)")


@dataclass(frozen=True)
class VendorInfo:
    """Instrument values of one view; None when unknown. The info bar counts rows at the bottom of the file."""

    pixel_size_nm: float | None = None
    voltage_kv: float | None = None
    detector: str | None = None
    magnification: float | None = None
    instrument: str | None = None
    info_bar_rows: int | None = None

    def known(self) -> dict[str, float | str]:
        """Return only what is known."""
        return {name: value for name, value in asdict(self).items() if value is not None}


def from_tiff(data: bytes) -> VendorInfo:
    """Read FEI or Zeiss tags of a TIFF held in memory; empty when there are none."""
    try:
        with tifffile.TiffFile(io.BytesIO(data)) as file:
            tags = file.pages[0].tags
            values = {code: tags[code].value for code in (*_FEI_TAGS, _ZEISS_TAG) if code in tags}
            rows = int(file.pages[0].imagelength)
    except Exception:  # a damaged tag must not cost the image
        return VendorInfo()
    for code, value in values.items():
        with contextlib.suppress(Exception):
            return _zeiss(value) if code == _ZEISS_TAG else _fei(value, rows)
    return VendorInfo()


def from_sidecar(image: str | Path) -> VendorInfo:
    """Read ``<image>.txt`` or ``<stem>.txt`` beside an image when it is a Hitachi or JEOL one."""
    path = Path(image)
    for candidate in (path.with_suffix(".txt"), path.with_name(path.name + ".txt")):
        with contextlib.suppress(Exception):
            if candidate.stat().st_size <= _MAX_SIDECAR:
                return parse_sidecar(candidate.read_bytes())
    return VendorInfo()


def parse_sidecar(data: bytes) -> VendorInfo:
    """Understand the text of a Hitachi (``[SemImageFile]``) or JEOL (``$CM_...``) sidecar; else empty."""
    text = _decode(data)
    if "$CM_" in text:
        return _jeol(_pairs(text, r"\${1,2}(\w+)\s+(.*)"))
    if "[SemImageFile]" in text:
        return _hitachi(_pairs(text, r"(\w+)\s*=\s*(.*)"))
    return VendorInfo()


def merge(first: VendorInfo, second: VendorInfo) -> VendorInfo:
    """Return ``first`` with its gaps filled from ``second``."""
    return VendorInfo(**{**second.known(), **first.known()})  # type: ignore[arg-type]


def _fei(value: Any, rows: int) -> VendorInfo:
    sections = value if isinstance(value, Mapping) else _ini(_as_text(value))
    beam = _section(sections, "Beam", "Beam", default="EBeam")
    scan = _section(sections, "Beam", "Scan", default="EScan")
    volts = _first(beam.get("HV"), sections.get("EBeam", {}).get("HV"))
    metres = _first(scan.get("PixelWidth"), sections.get("Scan", {}).get("PixelWidth"))
    system = sections.get("System", {})
    return VendorInfo(
        pixel_size_nm=_positive(metres, 1e9),
        voltage_kv=_positive(volts, 1e-3),
        detector=_word(sections.get("Detectors", {}).get("Name")),
        magnification=_positive(sections.get("Image", {}).get("Magnification")),
        instrument=_word(_first(system.get("SystemType"), system.get("Type"))),
        info_bar_rows=_fei_bar(sections, rows),
    )


def _fei_bar(sections: Mapping[str, Any], rows: int) -> int | None:
    """Rows that the file has below the scanned image.

    ``[Image] ResolutionY`` counts the scanned rows, the file's own rows include the data bar written below them. Where
    ``[PrivateFei] DatabarHeight`` is given, too, it must agree. None when the file has no more rows than the scan:
    it may have been cropped, or carry the bar over the image, which only the pixels can tell.
    """
    scanned = _positive(sections.get("Image", {}).get("ResolutionY"))
    stated = _positive(sections.get("PrivateFei", {}).get("DatabarHeight"))
    extra = rows - int(scanned) if scanned else 0
    plausible = 0 < extra <= _MAX_BAR * rows and (stated is None or abs(int(stated) - extra) <= 1)
    return extra if plausible else None


def _section(sections: Mapping[str, Any], where: str, key: str, *, default: str) -> Mapping[str, Any]:
    """FEI names the active column in [Beam]: ``Beam=EBeam``, ``Scan=EScan``; the values stand in that section."""
    name = str(sections.get(where, {}).get(key, default))
    section: Mapping[str, Any] = sections.get(name) or sections.get(default, {})
    return section


def _zeiss(value: Any) -> VendorInfo:
    if not isinstance(value, Mapping):  # tifffile could not take the tag apart
        return VendorInfo()
    entries: Mapping[str, Any] = value
    unnamed = entries.get("", ())
    metres = unnamed[3] if len(unnamed) > 3 else None  # the fourth unnamed number is the pixel size in metres
    pixel = _first(_zeiss_length(entries, "ap_image_pixel_size"), _zeiss_length(entries, "ap_pixel_size"))
    return VendorInfo(
        pixel_size_nm=_first(pixel, _positive(metres, 1e9)),
        voltage_kv=_first(_zeiss_kv(entries, "ap_actualkv"), _zeiss_kv(entries, "ap_manualkv")),
        detector=_word(_zeiss_value(entries, "dp_detector_channel") or _zeiss_value(entries, "dp_detector_type")),
        magnification=_zeiss_magnification(entries.get("ap_mag")),
        instrument=_word(_zeiss_value(entries, "dp_sem") or _zeiss_value(entries, "sv_instrument")),
    )


def _zeiss_value(entries: Mapping[str, Any], key: str) -> Any:
    entry = entries.get(key)
    return entry[1] if isinstance(entry, tuple) and len(entry) > 1 else None


def _zeiss_length(entries: Mapping[str, Any], key: str) -> float | None:
    entry = entries.get(key)
    return _nanometres(" ".join(str(part) for part in entry[1:])) if isinstance(entry, tuple) else None


def _zeiss_kv(entries: Mapping[str, Any], key: str) -> float | None:
    entry = entries.get(key)
    return _kilovolts(" ".join(str(part) for part in entry[1:])) if isinstance(entry, tuple) else None


def _zeiss_magnification(entry: Any) -> float | None:
    if not isinstance(entry, tuple):
        return None
    text = " ".join(str(part) for part in entry[1:]).upper()
    return _positive(text, 1e3 if "K" in text else 1.0)  # "50.00 K X"


def _hitachi(found: Mapping[str, str]) -> VendorInfo:
    return VendorInfo(
        pixel_size_nm=_nanometres(found.get("PixelSize", ""), default="nm"),
        voltage_kv=_kilovolts(found.get("AcceleratingVoltage", ""), default="v"),
        detector=_word(found.get("SignalName")),
        magnification=_positive(found.get("Magnification")),
        instrument=_word(_first(found.get("InstructName"), found.get("InstrumentName"))),
    )


def _jeol(found: Mapping[str, str]) -> VendorInfo:
    bar_pixels = _positive(found.get("SM_MICRON_BAR"))
    bar_nm = _nanometres(found.get("SM_MICRON_MARKER", ""))
    return VendorInfo(
        pixel_size_nm=bar_nm / bar_pixels if bar_nm and bar_pixels else None,
        voltage_kv=_kilovolts(found.get("CM_ACCEL_VOLT", ""), default="kv"),
        detector=_word(_first(found.get("CM_SIGNAL"), found.get("CM_SIGNAL_NAME"))),
        magnification=_positive(found.get("CM_MAG")),
        instrument=_word(found.get("CM_INSTRUMENT")),
    )


def _ini(text: str) -> dict[str, dict[str, str]]:
    sections: dict[str, dict[str, str]] = {}
    current: dict[str, str] = {}
    for line in text.splitlines():
        line = line.strip()
        if line.startswith("[") and line.endswith("]"):
            current = sections.setdefault(line[1:-1], {})
        elif "=" in line:
            key, _, value = line.partition("=")
            current[key.strip()] = value.strip()
    return sections


def _pairs(text: str, pattern: str) -> dict[str, str]:
    found = (re.match(pattern, line.strip()) for line in text.splitlines())
    return {pair[1]: pair[2].strip() for pair in found if pair}


def _as_text(value: Any) -> str:
    return _decode(bytes(value)) if isinstance(value, bytes | bytearray) else str(value)


def _decode(data: bytes) -> str:
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return data.decode("utf-16", errors="replace")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return data.decode("cp932", errors="replace")


def _nanometres(text: str, default: str = "") -> float | None:
    return _scaled(text, lambda unit: _NM.get(unit or default))


def _kilovolts(text: str, default: str = "kv") -> float | None:
    units = {"v": 1e-3, "volt": 1e-3, "volts": 1e-3, "kv": 1.0}
    return _scaled(text, lambda unit: units.get(unit or default))


def _scaled(text: str, factor_of: Callable[[str], float | None]) -> float | None:
    found = _NUMBER.match(text)
    factor = factor_of(found[2].lower()) if found else None
    return _positive(found[1], factor) if found and factor else None


def _positive(value: Any, factor: float = 1.0) -> float | None:
    """Return a finite number above zero, or None."""
    if isinstance(value, bool) or value is None:
        return None
    if isinstance(value, str):
        found = _NUMBER.match(value)
        value = found[1].replace(",", ".") if found else ""
    try:
        number = float(value) * factor
    except (TypeError, ValueError, OverflowError):
        return None
    return number if math.isfinite(number) and number > 0 else None


def _word(value: Any) -> str | None:
    text = str(value).strip().strip("\x00") if value is not None else ""
    return text[:200] or None


def _first(*values: Any) -> Any:
    return next((value for value in values if value not in (None, "")), None)
