from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sem_curate import messages
from sem_curate.arrays import Bools, Floats, unit_rows
from sem_curate.embed.encoders import get_encoder
from sem_curate.quality import gate
from sem_curate.rendering.render import render_views
from sem_curate.search.opinion import DISPUTES, MOST_DISPUTED, PROMPTS, SEEN, TAGS, Frozen, directions, freeze

DIM = 16
FAULT = {phrase: tag for tag, prompts in PROMPTS.items() for phrase in prompts.fault}


class Words:
    """Puts the phrases of a fault on its own axis and everything else on the last one."""

    def embed_texts(self, texts: Sequence[str]) -> Floats:
        axes = [TAGS.index(FAULT[text]) if text in FAULT else DIM - 1 for text in texts]
        return np.eye(DIM, dtype=np.float32)[axes]


ALONG = directions(Words())


def views(n: int, seed: int = 0, *, slots: int = 2) -> Floats:
    """Ordinary views; slot 1 leans to noise as a whole, as a fast scan does."""
    vectors = np.random.default_rng(seed).normal(size=(n, slots, DIM)).astype(np.float32) * 0.1
    vectors[:, :, -1] += 1
    vectors[:, 1, TAGS.index("noise")] += 0.5
    return unit_rows(vectors)


def frozen_of(sample: Floats, present: Bools | None = None) -> Frozen:
    shape = (*sample.shape[:2], len(TAGS))
    present = np.ones(shape[:2], bool) if present is None else present
    return freeze(ALONG, sample, present, np.zeros(shape, bool), 0)


def test_every_judged_tag_is_a_tag_with_a_text_and_phrases_of_both_languages() -> None:
    assert set(TAGS) <= set(gate.TAGS)
    assert set(DISPUTES) <= set(TAGS)
    for tag, prompts in PROMPTS.items():
        assert f"tag.{tag}" in messages.MESSAGES
        for phrases in (prompts.fault, prompts.sound):
            assert sum(phrase.isascii() for phrase in phrases) >= 2
            assert sum(not phrase.isascii() for phrase in phrases) >= 2


def test_a_direction_points_from_sound_to_faulty() -> None:
    for row, tag in enumerate(TAGS):
        assert ALONG[row].argmax() == row, tag
        assert ALONG[row, DIM - 1] < 0


def test_what_is_usual_in_a_condition_is_no_fault_there() -> None:
    sample = views(200)
    frozen = frozen_of(sample)
    surprise = frozen.surprise(views(200, seed=1))
    noise = surprise[:, :, TAGS.index("noise")]
    assert abs(np.median(noise[:, 0])) < 0.2
    assert abs(np.median(noise[:, 1])) < 0.2  # though slot 1 is noisier in absolute terms
    odd = views(1, seed=2)
    odd[0, 0, TAGS.index("noise")] += 1.0
    assert frozen.surprise(unit_rows(odd))[0, 0, TAGS.index("noise")] > SEEN


def test_a_few_views_of_a_condition_give_no_opinion() -> None:
    sample = views(gate.MIN_GROUP)
    present = np.ones(sample.shape[:2], bool)
    present[0, 1] = False
    frozen = frozen_of(sample, present)
    surprise = frozen.surprise(sample)
    assert np.isfinite(surprise).all()
    assert surprise[:, 0].any()
    assert not surprise[:, 1].any()


def test_identical_views_are_no_surprise() -> None:
    sample = np.repeat(views(1), 40, axis=0)
    assert not frozen_of(sample).surprise(sample).any()


def z(**given: float) -> Floats:
    return np.array([given.get(tag, 0.0) for tag in TAGS], np.float32)


FROZEN = frozen_of(views(300))


def test_disputes_go_both_ways_and_only_where_the_model_is_a_judge() -> None:
    seen = FROZEN.opinion(0, z(charging=8.0, saturation=8.0), [])
    assert (seen.seen, seen.disputed) == (("charging", "saturation"), ("charging",))
    assert FROZEN.opinion(0, z(charging=8.0), ["charging"]).disputed == ()
    assert FROZEN.opinion(0, z(noise=-8.0, saturation=-8.0), ["noise", "saturation"]).disputed == ("noise",)
    assert FROZEN.opinion(0, z(blur=8.0), []).disputed == ("blur",)
    assert FROZEN.opinion(0, z(noise=-8.0), []).disputed == ()
    assert FROZEN.opinion(0, z(), ["noise", "charging"]).disputed == ()


@pytest.mark.parametrize("share", [0.0, 0.2, 1.0])
def test_disputes_are_rare_whatever_the_tags(share: float) -> None:
    sample, rng = views(400), np.random.default_rng(1)
    tagged = rng.random((*sample.shape[:2], len(TAGS))) < share
    frozen = freeze(ALONG, sample, np.ones(sample.shape[:2], bool), tagged, 0)
    surprise = frozen.surprise(sample)
    formed = [
        frozen.opinion(
            slot, surprise[row, slot], [tag for tag, has in zip(TAGS, tagged[row, slot], strict=True) if has]
        )
        for row in range(400)
        for slot in range(2)
    ]
    for tag in DISPUTES:
        assert sum(tag in one.disputed for one in formed) <= 2 * 2 * MOST_DISPUTED * 400


@given(st.lists(st.floats(-20, 20), min_size=len(TAGS), max_size=len(TAGS)), st.sets(st.sampled_from(gate.TAGS)))
def test_a_dispute_always_contradicts_the_tags_in_force(values: list[float], in_force: set[str]) -> None:
    surprise = np.array(values, np.float32)
    formed = FROZEN.opinion(1, surprise, in_force)
    for tag in formed.disputed:
        above = surprise[TAGS.index(tag)] > 0
        assert above != (tag in in_force)
    assert set(formed.seen) == {tag for tag, value in zip(TAGS, surprise, strict=True) if value >= SEEN}


def test_the_bundled_model_disputes_tags_that_are_grossly_wrong_and_leaves_right_ones_alone() -> None:
    encoder = get_encoder("bundled:sem-clip")
    rendered = [render_views(1_600_000 + number, ["view1"], size=96).views["view1"] for number in range(40)]
    sharp = [view.image for view in rendered if view is not None]

    def embedded(images: list[Any]) -> Floats:
        return unit_rows(encoder.embed_images(np.stack([encoder.preprocess(image) for image in images])))[:, None]

    vectors, nothing = embedded(sharp), np.zeros((len(sharp), 1, len(TAGS)), bool)
    frozen = freeze(directions(encoder), vectors, np.ones((len(sharp), 1), bool), nothing, 0)
    blurred = embedded([cv2.GaussianBlur(image, (0, 0), 5) for image in sharp[:10]])
    untagged = [frozen.opinion(0, z[0], []).disputed for z in frozen.surprise(blurred)]
    assert sum("blur" in disputed for disputed in untagged) >= 9
    assert not any(frozen.opinion(0, z[0], ["blur"]).disputed for z in frozen.surprise(blurred))
    right = [frozen.opinion(0, z[0], []).disputed for z in frozen.surprise(vectors)]
    assert sum("blur" in disputed for disputed in right) == 0
    wrongly_tagged = [frozen.opinion(0, z[0], ["blur"]).disputed for z in frozen.surprise(vectors)]
    assert any("blur" in disputed for disputed in wrongly_tagged)
