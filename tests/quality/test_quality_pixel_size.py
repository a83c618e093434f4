from __future__ import annotations

import numpy as np
import pytest
from quality_images import disc

from sem_curate.bench.quality import vendor_bars
from sem_curate.errors import InputError
from sem_curate.quality import label_reader
from sem_curate.quality.info_bar import InfoBar
from sem_curate.quality.label_reader import load_reader, read_length
from sem_curate.quality.lengths import parse_lengths
from sem_curate.quality.pixel_size import fits, offer
from sem_curate.quality.scale_bar import find_scale_bar


def test_views_that_agree_make_an_offer() -> None:
    made = offer([212, 213, 211], [10_000, 10_000, None])
    assert made.pixel_size_nm == pytest.approx(10_000 / 212.5, rel=1e-3)
    assert (made.read, made.agreeing, made.length_nm, made.bar_px) == (2, 2, 10_000, 212)
    assert fits(214, made)
    assert not fits(150, made)
    assert not fits(None, made)


def test_a_contradiction_makes_none() -> None:
    made = offer([212, 212, 212], [10_000, 1000, 10_000])
    assert (made.pixel_size_nm, made.read, made.agreeing) == (None, 3, 2)


def test_nothing_read_makes_none() -> None:
    assert offer([212.0], [None]).pixel_size_nm is None


def test_the_word_nearest_to_the_bar_counts_and_named_distances_do_not() -> None:
    image = np.zeros((300, 400), np.uint8)
    image[290:293, 300:380] = 255
    bar = InfoBar(bottom=40)
    found = find_scale_bar(image, bar)
    assert found is not None
    words = [("WD", 10.0, 20.0), ("8.5 mm", 40.0, 20.0), ("5 um", 200.0, 20.0), ("10 um", 700.0, 20.0)]
    assert read_length(lambda picture: words, image, bar, found) == 10_000
    assert read_length(lambda picture: words[:2], image, bar, found) is None


def test_without_the_package_the_message_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "rapidocr", None)
    with pytest.raises(InputError, match=r"sem-curate\[ocr\].*--length"):
        load_reader()
    assert "--length" in label_reader.REMEDY


def test_ocr_reads_labels_of_vendors_bars() -> None:
    pytest.importorskip("rapidocr", reason="optional extra 'ocr'")
    reader = load_reader()
    right = 0
    for seed in range(6):
        barred = vendor_bars.add_bar(np.random.default_rng(seed), disc(side=768), style="jeol", jpeg=False)
        bar = InfoBar(barred.top, barred.bottom)
        found = find_scale_bar(barred.image, bar)
        right += found is not None and [read_length(reader, barred.image, bar, found)] == parse_lengths(barred.label)
    assert right >= 4
