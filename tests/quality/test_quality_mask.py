from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from quality_images import disc

from sem_curate.quality import mask, outline
from sem_curate.quality.mask import FILLS_FRAME, FOUND, NONE, find_particle
from sem_curate.rendering import render_views


def unit(image: np.ndarray) -> np.ndarray:
    return image.astype(np.float32) / 255


def overlap(first: np.ndarray, second: np.ndarray) -> float:
    return float((first & second).sum() / max((first | second).sum(), 1))


def two_discs(gap: float) -> tuple[np.ndarray, np.ndarray]:
    """A large disc in the middle and a smaller one to its right, ``gap`` of the side between them."""
    image = unit(disc(radius=0.25, noise=0.0))
    beside = unit(disc(centre=(0.5 + 0.25 + gap + 0.15, 0.5), radius=0.15, level=0.55, noise=0.0, seed=1))
    rows, columns = np.mgrid[:256, :256] / 256
    main = np.hypot(columns - 0.5, rows - 0.5) < 0.25
    both = np.where(main, image, np.maximum(image, beside))
    noisy = both + np.random.default_rng(0).normal(0, 0.02, both.shape)
    return noisy.astype(np.float32), main


def test_a_touching_neighbour_is_not_the_particle() -> None:
    image, main = two_discs(0.0)
    particle = find_particle(image)
    assert overlap(particle.mask, main) > 0.9
    assert outline.other_particles(particle) == pytest.approx(np.pi * 0.15**2, rel=0.3)


def test_touching_neighbours_in_renders() -> None:
    found = []
    for seed in range(40):
        view = render_views(seed, ["view2"], size=256, mask=True).views["view2"]
        assert view is not None
        assert view.mask is not None
        if view.truth.others_share > 0.02 and view.truth.frame_cut == 0:
            body = slice(0, 256 - view.truth.info_bar_px)
            found.append(overlap(find_particle(unit(view.image[body])).mask, view.mask[body]))
    assert len(found) >= 5
    assert np.median(found) > 0.9


def test_parts_do_not_overlap() -> None:
    particle = find_particle(two_discs(0.02)[0])
    assert particle.state == FOUND
    assert not (particle.mask & particle.others).any()
    assert not (particle.mask & particle.background).any()
    assert not (particle.others & particle.background).any()


def test_an_unsure_network_leaves_it_to_the_threshold(monkeypatch: pytest.MonkeyPatch) -> None:
    blind = mask.reader.Reading(*(np.full((128, 128), 0.4, np.float32) for _ in range(2)), 0.0)
    monkeypatch.setattr(mask.reader, "read", lambda unit: blind)
    rows, columns = np.mgrid[:256, :256] / 256
    truth = np.hypot(columns - 0.5, rows - 0.5) < 0.28
    particle = find_particle(unit(disc()))
    assert overlap(particle.mask, truth) > 0.9
    assert particle.reading is not None
    assert np.allclose(particle.reading.particle, 0.4)
    assert not particle.others.any()


def test_a_contact_with_the_frame_must_be_sure(monkeypatch: pytest.MonkeyPatch) -> None:
    seen = np.zeros((128, 128), np.float32)
    seen[40:90, 40:90] = 1.0
    seen[60:64, 90:] = 0.7  # a shadow that leads to the right
    certainly = seen.copy()
    certainly[60:64, 90:] = 0.95
    for maps, cut in ((seen, False), (certainly, True)):
        reading = mask.reader.Reading(maps, np.zeros_like(maps), 0.0)
        monkeypatch.setattr(mask.reader, "read", lambda *_, reading=reading: reading)
        assert (outline.frame_cut(find_particle(unit(disc()))) > 0) == cut


def test_noise_is_nothing() -> None:
    noise = np.random.default_rng(0).normal(0.5, 0.1, (256, 256)).astype(np.float32)
    particle = find_particle(noise)
    assert particle.state == NONE
    assert particle.reading is None
    assert outline.other_particles(particle) == 0.0


@pytest.mark.parametrize("shape", [(1, 1), (1, 500), (500, 1), (8, 8), (15, 400)])
def test_tiny_images_hold_nothing(shape: tuple[int, int]) -> None:
    particle = find_particle(np.random.default_rng(0).random(shape, np.float32))
    assert particle.state == NONE
    assert not particle.mask.any()
    assert particle.background.all()


@settings(max_examples=25, deadline=None)
@given(arrays.arrays(np.float32, arrays.array_shapes(min_dims=2, max_dims=2, min_side=1, max_side=40),
                     elements=st.floats(0, 1, width=32)))  # fmt: skip
def test_any_image_gives_a_defined_particle(image: np.ndarray) -> None:
    particle = find_particle(image)
    assert particle.state in (FOUND, FILLS_FRAME, NONE)
    assert particle.mask.shape == particle.others.shape == particle.background.shape == particle.grey.shape
    assert particle.mask.any() == (particle.state != NONE)
    for share in (outline.other_particles, outline.contour_completeness, outline.frame_cut, outline.particle_area):
        assert 0 <= share(particle) <= 1
