from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
import tifffile
from hypothesis import given, settings
from hypothesis import strategies as st

from sem_curate.ingest.vendor import VendorInfo, from_sidecar, from_tiff, merge, parse_sidecar

GREY = np.zeros((8, 8), np.uint8)

FEI = """[User]\r
Date=05/14/2021\r
UserText=\r
\r
[System]\r
Type=SEM\r
SystemType=Helios G4 CX\r
\r
[Beam]\r
HV=5000\r
Spot=\r
Beam=EBeam\r
Scan=EScan\r
\r
[EBeam]\r
HV=5000\r
HFW=4.14e-006\r
\r
[EScan]\r
PixelWidth=2.69792e-009\r
PixelHeight=2.69792e-009\r
\r
[Detectors]\r
Number=1\r
Name=TLD\r
"""

ZEISS = """1
0
0
1.11654e-009
AP_MAG
Mag =  50.00 K X
AP_ACTUALKV
EHT =  3.00 kV
AP_IMAGE_PIXEL_SIZE
Image Pixel Size = 2.233 nm
DP_DETECTOR_CHANNEL
Signal A = InLens
DP_SEM
Sem = SUPRA 55VP
"""

HITACHI = """[SemImageFile]\r
InstructName=SU8020\r
SerialNumber=8020-01\r
ImageName=P-1_1.tif\r
DataSize=1280x960\r
PixelSize=9.921875\r
SignalName=SE(U)\r
AcceleratingVoltage=5000 Volt\r
Magnification=10000\r
WorkingDistance=8400 um\r
"""

JEOL = """$CM_FORMAT 01 20
$CM_VERSION 03.00.00
$CM_INSTRUMENT JSM-7001F
$CM_ACCEL_VOLT 15.00
$CM_MAG 5000
$CM_SIGNAL SEI
$CM_FULL_SIZE 1280 1024
$$SM_MICRON_BAR 120
$$SM_MICRON_MARKER 1um
"""


def tiff_with(code: int, text: str | bytes) -> bytes:
    buffer = io.BytesIO()
    data = text if isinstance(text, bytes) else text.encode("latin-1")
    tifffile.imwrite(buffer, GREY, extratags=[(code, "s", len(data) + 1, data, True)])
    return buffer.getvalue()


@pytest.mark.parametrize("code", [34682, 34680])
def test_fei(code: int) -> None:
    info = from_tiff(tiff_with(code, FEI))
    assert info.pixel_size_nm == pytest.approx(2.69792)
    assert info.voltage_kv == pytest.approx(5.0)
    assert (info.detector, info.instrument) == ("TLD", "Helios G4 CX")


def test_fei_with_the_ion_beam_active() -> None:
    text = FEI.replace("Scan=EScan", "Scan=IScan") + "[IScan]\r\nPixelWidth=1e-8\r\n"
    assert from_tiff(tiff_with(34682, text)).pixel_size_nm == pytest.approx(10)


def test_zeiss() -> None:
    info = from_tiff(tiff_with(34118, ZEISS))
    assert info == VendorInfo(pytest.approx(2.233), pytest.approx(3.0), "InLens", pytest.approx(50_000), "SUPRA 55VP")


def test_zeiss_pixel_size_without_a_name() -> None:
    text = "\n".join(line for line in ZEISS.splitlines() if "IMAGE_PIXEL" not in line and "Pixel Size" not in line)
    assert from_tiff(tiff_with(34118, text)).pixel_size_nm == pytest.approx(1.11654)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp932"])
def test_hitachi_sidecar(tmp_path: Path, encoding: str) -> None:
    (tmp_path / "P-1_1.txt").write_bytes((HITACHI + "SampleName=粒子\r\n").encode(encoding))
    info = from_sidecar(tmp_path / "P-1_1.tif")
    assert info == VendorInfo(pytest.approx(9.921875), pytest.approx(5.0), "SE(U)", 10_000.0, "SU8020")


def test_jeol_sidecar_beside_the_full_name(tmp_path: Path) -> None:
    (tmp_path / "P-1_1.bmp.txt").write_text(JEOL)
    info = from_sidecar(tmp_path / "P-1_1.bmp")
    assert info == VendorInfo(pytest.approx(1000 / 120), 15.0, "SEI", 5000.0, "JSM-7001F")


@pytest.mark.parametrize("text", ["", "just a note", "PixelSize=3", "[SemImageFile]\nPixelSize=\nMagnification=none"])
def test_other_text_says_nothing(text: str) -> None:
    assert parse_sidecar(text.encode()) == VendorInfo()


def test_nonsense_values_are_left_out() -> None:
    text = FEI.replace("2.69792e-009", "-1").replace("HV=5000", "HV=inf").replace("Name=TLD", "Name=")
    assert from_tiff(tiff_with(34682, text)) == VendorInfo(instrument="Helios G4 CX")


def test_a_tiff_without_tags_or_a_broken_file() -> None:
    buffer = io.BytesIO()
    tifffile.imwrite(buffer, GREY)
    for data in (buffer.getvalue(), b"", b"II*\0\xff\xff\xff\xff", b"not a tiff"):
        assert from_tiff(data) == VendorInfo()


def test_a_very_large_sidecar_is_not_read(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_bytes(HITACHI.encode() + b" " * (1 << 20))
    assert from_sidecar(tmp_path / "a.tif") == VendorInfo()


def test_merge_keeps_the_first() -> None:
    merged = merge(VendorInfo(1.0, None, "SE"), VendorInfo(2.0, 5.0, "BSE", 100.0))
    assert merged == VendorInfo(1.0, 5.0, "SE", 100.0, None)


@settings(max_examples=60, deadline=None)
@given(st.sampled_from([34680, 34682, 34118]), st.binary(min_size=5, max_size=300))
def test_malformed_tags_never_raise(code: int, junk: bytes) -> None:
    assert isinstance(from_tiff(tiff_with(code, junk)), VendorInfo)


@settings(max_examples=60, deadline=None)
@given(st.sampled_from([HITACHI, JEOL]), st.binary(max_size=60), st.integers(0, 200))
def test_malformed_sidecars_never_raise(text: str, junk: bytes, at: int) -> None:
    data = text.encode()
    assert isinstance(parse_sidecar(data[:at] + junk + data[at:]), VendorInfo)


@pytest.mark.parametrize(
    ("text", "rows"),
    [
        ("[Image]\nResolutionY=7\n", 1),
        ("[Image]\nResolutionY=7\n[PrivateFei]\nDatabarHeight=1\n", 1),
        ("[Image]\nResolutionY=7\n[PrivateFei]\nDatabarHeight=3\n", None),  # contradiction
        ("[Image]\nResolutionY=8\n", None),  # no more rows than the scan
        ("[Image]\nResolutionY=1\n", None),  # more than any bar
        ("[Image]\nResolutionY=x\n", None),
    ],
)
def test_fei_rows_below_the_scan_are_the_info_bar(text: str, rows: int | None) -> None:
    assert from_tiff(tiff_with(34682, text)).info_bar_rows == rows
