from __future__ import annotations

import itertools

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sem_curate.errors import InputError
from sem_curate.rendering import (
    CONDITIONS,
    DEFECTS,
    FAMILIES,
    SPOILERS,
    render_particle,
    render_particles,
    render_views,
)
from sem_curate.rendering import view as room
from sem_curate.schema import DEFAULT_VIEWS


def _bytes(particle):
    return {name: None if view is None else view.image.tobytes() for name, view in particle.views.items()}


def test_there_are_fourteen_families_or_more_and_six_conditions_in_slot_order():
    assert len(set(FAMILIES)) == len(FAMILIES) >= 14
    assert tuple(CONDITIONS) == DEFAULT_VIEWS
    assert all(c.name_en and c.name_ja for c in CONDITIONS.values())


def test_the_same_seed_gives_the_same_bytes_and_truth():
    first, again = (render_particle(11, size=64, spoiled=2, missing=1) for _ in range(2))
    assert _bytes(first) == _bytes(again)
    assert first.record() == again.record()


def test_another_seed_gives_another_particle():
    assert _bytes(render_particle(1, size=48, family="cube")) != _bytes(render_particle(2, size=48, family="cube"))


def test_particles_do_not_depend_on_how_many_are_rendered():
    few = [_bytes(p) for p in render_particles(2, seed=5, size=40)]
    many = [_bytes(p) for p in itertools.islice(render_particles(50, seed=5, size=40), 2)]
    assert few == many


def test_render_particles_is_lazy_balanced_and_names_particles():
    stream = render_particles(10**9, seed=0, size=32, families=["cube", "rod"], spoiled=0, missing=0)
    got = list(itertools.islice(stream, 3))
    assert [p.family for p in got] == ["cube", "rod", "cube"]
    assert [p.particle_id for p in got] == ["sim-0-00000", "sim-0-00001", "sim-0-00002"]


def test_render_views_gives_the_same_bytes_as_the_whole_particle():
    whole = render_particle(3, size=48, spoiled=2, mask=True)
    some = render_views(3, ["view5", "view2"], size=48, spoiled=2)
    assert [n for n, v in some.views.items() if v is not None] == ["view2", "view5"]
    for name in ("view2", "view5"):
        assert some.views[name].image.tobytes() == whole.views[name].image.tobytes()
        assert some.views[name].truth == whole.views[name].truth


def test_missing_views_are_none_and_never_spoiled_ones():
    for seed in range(12):
        particle = render_particle(seed, size=32, spoiled=2, missing=3)
        assert tuple(particle.views) == DEFAULT_VIEWS
        assert sum(view is None for view in particle.views.values()) == 3
        assert all((particle.truth.views[n] is None) == (v is None) for n, v in particle.views.items())
        plain = render_particle(seed, size=32, missing=3)
        same = [v is None or v.image.tobytes() == plain.views[n].image.tobytes() for n, v in particle.views.items()]
        assert same.count(False) == 2


@pytest.mark.parametrize("size", [32, 128])
@pytest.mark.parametrize("family", FAMILIES)
def test_every_family_renders_in_every_condition(family, size):
    particle = render_particle(7, family=family, size=size, mask=True)
    assert particle.family == family
    for view in particle.views.values():
        assert view.image.shape == (size, size)
        assert view.image.dtype == np.uint8
        assert view.image.std() > 4
        assert view.mask.dtype == bool
        assert view.mask.mean() == pytest.approx(view.truth.area_share * view_height_share(view), abs=1e-9)
        assert view.mask.any()


def view_height_share(view):
    return 1 - view.truth.info_bar_px / view.image.shape[0]


def test_a_1024_pixel_view_renders_and_shows_the_same_scene():
    large = render_views(4, ["view1"], size=1024, family="raspberry", mask=True).views["view1"]
    small = render_views(4, ["view1"], size=128, family="raspberry", mask=True).views["view1"]
    assert large.image.shape == (1024, 1024)
    shrunk = cv2.resize(large.mask.astype(np.float32), (128, 128), interpolation=cv2.INTER_AREA) > 0.5
    assert (shrunk == small.mask).mean() > 0.97
    assert large.truth.pixel_size_nm == pytest.approx(small.truth.pixel_size_nm / 8)


def test_the_particle_is_brighter_than_the_stage_in_the_overview():
    for family in FAMILIES:
        view = render_views(2, ["view1"], size=96, family=family, mask=True).views["view1"]
        clear = ~cv2.dilate(view.mask.astype(np.uint8), np.ones((9, 9))).astype(bool)
        clear[-10:] = False
        assert view.image[view.mask].mean() > np.median(view.image[clear]) + 20, family


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 2**63), size=st.sampled_from([32, 50, 64]), spoiled=st.integers(0, 6))
def test_truth_stays_in_its_ranges(seed, size, spoiled):
    particle = render_particle(seed, size=size, spoiled=spoiled)
    for truth in particle.truth.views.values():
        assert 0 < truth.sharpness <= 1
        assert truth.blur_sigma_px > 0
        assert truth.astigmatism >= 1
        assert 0 < truth.noise_sigma < 0.5
        for share in ("contrast", "saturation_low", "saturation_high", "contour_share", "frame_cut", "area_share"):
            assert 0 <= getattr(truth, share) <= 1, share
        assert truth.charging >= 0
        assert truth.drift_px >= 0
        assert 0 <= truth.info_bar_px < size / 4
        assert truth.pixel_size_nm > 0
        assert set(truth.defects) <= set(DEFECTS)


def test_the_magnified_view_has_smaller_pixels_and_leaves_the_frame():
    particle = render_particle(6, size=64, family="sphere")
    views = particle.truth.views
    assert views["view4"].pixel_size_nm < views["view1"].pixel_size_nm / 1.5
    assert views["view4"].contour_share < 0.5
    assert views["view1"].contour_share == 1.0
    assert views["view3"].tilt_deg == 40


@pytest.mark.parametrize("defect", SPOILERS)
def test_a_spoiled_view_carries_its_tag(defect):
    found = 0
    for seed in range(8):
        particle = room.make_particle(seed, "rough_sphere")
        truth = room.render_view(particle, 0, 64, defect, keep_mask=False).truth
        found += defect in truth.defects
    assert found >= 7


def test_an_ordinary_overview_is_mostly_clean():
    bad = 0
    for seed in range(20):
        truth = render_views(seed, ["view1"], size=64).truth.views["view1"]
        bad += bool(set(truth.defects) & set(SPOILERS))
    assert bad <= 4


def test_more_true_blur_means_less_gradient_energy():
    particle = room.make_particle(9, "agglomerate")
    energies, truths = [], []
    for blur in (0.5, 1.0, 2.0, 4.0):
        image, truth = _with(particle, blur=blur, noise=1e-4)
        gx, gy = np.gradient(image.astype(float))
        energies.append(float((gx**2 + gy**2).mean()))
        truths.append((truth.blur_sigma_px, truth.sharpness))
    assert energies == sorted(energies, reverse=True)
    assert [b for b, _ in truths] == sorted(b for b, _ in truths)
    assert [s for _, s in truths] == sorted((s for _, s in truths), reverse=True)


def test_true_noise_is_the_noise_in_the_image():
    particle = room.make_particle(9, "cube")
    clean, _ = _with(particle, noise=1e-4, level=0.1)
    noisy, truth = _with(particle, noise=0.06, level=0.1)
    assert truth.noise_sigma == 0.06
    assert np.std((noisy.astype(float) - clean) / 255) == pytest.approx(0.06, rel=0.2)


def _with(particle, **changes):
    """Render view1 of a particle with chosen nuisances."""
    from dataclasses import replace
    from unittest import mock

    ordinary = room._shot

    def shot(rng, condition):
        return replace(ordinary(rng, condition), astigmatism=1.0, charging=0.0, drift=0.0, **changes)

    with mock.patch.object(room, "_shot", shot):
        view = room.render_view(particle, 0, 128, None, keep_mask=False)
    return view.image, view.truth


def test_bad_arguments_name_the_remedy():
    with pytest.raises(InputError, match=r"size must be in \[32, 1024\] pixels; got 16"):
        render_particle(0, size=16)
    with pytest.raises(InputError, match=r"unknown shape family 'spher'.*Did you mean 'sphere'"):
        render_particle(0, family="spher")
    with pytest.raises(InputError, match=r"1 unknown view.*'view7'.*known: view1"):
        render_views(0, ["view7"])
    with pytest.raises(InputError, match="spoiled \\+ missing must be at most 6"):
        render_particle(0, spoiled=4, missing=3)
    with pytest.raises(InputError, match="at least one shape"):
        next(render_particles(1, seed=0, families=[]))
