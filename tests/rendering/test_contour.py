from __future__ import annotations

import numpy as np
import pytest

from sem_curate.rendering import FAMILIES, render_particle
from sem_curate.rendering.contour import frame_contact


def _disc(size, centre, radius):
    y, x = np.mgrid[:size, :size]
    return (x - centre[0]) ** 2 + (y - centre[1]) ** 2 <= radius**2


def test_a_disc_inside_the_frame_is_whole():
    assert frame_contact(_disc(64, (32, 32), 20)) == (1.0, 0.0)


def test_a_full_frame_has_no_contour():
    assert frame_contact(np.ones((64, 64), bool)) == (0.0, 1.0)


def test_an_empty_mask_has_no_contour_and_no_cut():
    assert frame_contact(np.zeros((64, 64), bool)) == (0.0, 0.0)


def test_half_a_disc_at_the_edge_shows_half_its_contour():
    share, cut = frame_contact(_disc(101, (0, 50), 30))
    # From the centroid at 4 r / 3 pi the cut diameter spans 2 atan(3 pi / 4) = 134 degrees of 360.
    assert share == pytest.approx(1 - 134 / 360, abs=0.04)
    # Diameter over diameter plus half circle; digital arcs hold about 0.9 pixels per unit length.
    assert cut == pytest.approx(2 / (2 + np.pi), abs=0.05)


def test_less_frame_means_less_contour():
    shares = [frame_contact(_disc(64, (32, 32), r))[0] for r in (20, 33, 36, 40, 50)]
    assert shares == sorted(shares, reverse=True)
    assert shares[0] == 1.0
    assert shares[-1] == 0.0


def test_truth_agrees_with_whether_the_true_mask_touches_the_frame():
    for seed, family in enumerate(FAMILIES):
        particle = render_particle(seed, size=64, family=family, spoiled=3, mask=True)
        for view in particle.views.values():
            mask = view.mask[: 64 - view.truth.info_bar_px]
            touches = bool(mask[0].any() or mask[-1].any() or mask[:, 0].any() or mask[:, -1].any())
            assert touches == (view.truth.frame_cut > 0)
            if not touches:
                assert view.truth.contour_share == 1.0
            if view.truth.contour_share < 1:
                assert touches
