"""A second opinion on image quality: what a text-image model sees in a view, beside what was measured. Pure.

Zero-shot quality prompts in pairs of opposites (Wang et al. 2023, CLIP-IQA, doi:10.1609/aaai.v37i2.25353), taken
relative to what is usual for the same imaging condition. The opinion is shown and may ask a person to look; it changes
no quality, no tag and no label. Letters: N particles, V views, T judged tags, D vector length.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np

from sem_curate.arrays import Bools, Floats
from sem_curate.quality.gate import MIN_GROUP
from sem_curate.search.text import NEUTRAL, TextEncoder

VERSION: Final = 3  # of prompts and scoring; part of what is frozen


@dataclass(frozen=True)
class Prompts:
    """Phrases of a view that has the fault, and of one that has not."""

    fault: tuple[str, ...]
    sound: tuple[str, ...]


# Drift, an incomplete outline and an overlaid scale bar are not asked: of drift the bundled model sees nothing, and an
# outline or a scale bar is found by measure. Of the tags below, within one imaging condition, on 3,501 rendered views
# that are of no training set, area under the ROC curve: blur, noise, charging and saturation 1.00, small 0.99, low
# contrast 0.98, several 0.94. Of the faults it "sees", these shares are there: several 97 %, small 95 %, low contrast
# 89 %, charging and saturation 82 %, blur 66 %, noise 61 %.
PROMPTS: Final[Mapping[str, Prompts]] = {
    "blur": Prompts(
        ("blurred", "out of focus image", "defocused particle", "ピンボケ", "ボケた画像", "焦点が合っていない粒子"),
        ("sharp", "in focus image", "crisp edges", "ピントが合っている", "鮮明な画像", "くっきりした粒子"),
    ),
    "noise": Prompts(
        ("noisy", "image with heavy noise", "grainy noisy image", "ノイズが多い", "ざらついた画像",
         "ノイズだらけの粒子"),
        ("clean image", "noise-free image", "even background", "ノイズが少ない", "きれいな画像", "ノイズのない粒子"),
    ),
    "low_contrast": Prompts(
        ("low contrast", "washed out image", "flat contrast", "コントラスト不足", "眠い画像", "低コントラストの粒子"),
        ("high contrast", "strong contrast image", "clear contrast", "コントラストが高い", "明暗のはっきりした画像",
         "高コントラストの粒子"),
    ),
    "charging": Prompts(
        ("charging", "charging streaks", "charge-up visible", "チャージアップ", "帯電している粒子", "帯電の筋"),
        ("no artefacts", "image without charging", "clean image", "帯電なし", "きれいな画像",
         "チャージアップのない粒子"),
    ),
    "saturation": Prompts(
        ("overexposed", "clipped highlights", "saturated image", "白飛び", "飽和した画像", "黒つぶれ"),
        ("well exposed", "full range of greys", "balanced brightness", "適正露出", "階調が豊かな画像",
         "明るさが適切な粒子"),
    ),
    "several_particles": Prompts(
        ("several particles", "neighbouring particles in view", "neighbours touching", "複数粒子",
         "隣の粒子が写っている", "粒子がいくつも写っている"),
        ("single particle", "one isolated particle", "a lone particle", "単独の粒子", "一つだけの粒子", "孤立した粒子"),
    ),
    "small_particle": Prompts(
        ("small in the frame", "far away particle", "tiny particle", "小さく写っている", "遠景", "小さな粒子"),
        ("fills the frame", "large in the frame", "close-up", "大きく写っている", "画面いっぱい", "アップ"),
    ),
}  # fmt: skip
TAGS: Final = tuple(PROMPTS)

SEEN: Final = 3.0  # robust standard deviations above the usual from which the model "sees" a fault


@dataclass(frozen=True)
class Dispute:
    """When an opinion contradicts the tags in force: robust standard deviations; None where the model is no judge."""

    sees: float | None  # from here on the fault is there, though no tag says so
    denies: float | None  # from here down the fault is not there, though a tag says so


# A net for tags that are grossly wrong, as after a change of instrument. Chosen on the views above: of right tags at
# most 1 in 1,500 is disputed; of faults whose tag was taken away, charging 96 %, blur 91 %, noise 87 % are; of tags
# added to sound views 41 %. Stricter than these figures ask for, because real instruments differ more than simulated
# ones. Elsewhere the rules measure what the model only guesses, and it has no say.
DISPUTES: Final[Mapping[str, Dispute]] = {
    "blur": Dispute(sees=5.0, denies=-0.25),
    "charging": Dispute(sees=4.0, denies=-0.25),
    "noise": Dispute(sees=5.0, denies=-0.25),
}


# Per tag, direction and view slot, of a sample of the dataset: beyond that a "contradiction" says more about the model
# and this kind of image than about a view.
MOST_DISPUTED: Final = 0.01


@dataclass(frozen=True)
class Opinion:
    """Tags that the model sees in a view, and those on which it contradicts the tags in force, in order of ``TAGS``."""

    seen: tuple[str, ...]
    disputed: tuple[str, ...]


@dataclass(frozen=True)
class Frozen:
    """What opinions are formed with: directions of the tags, and what is usual in each view slot.

    Attributes:
        directions: (T, D) float32; score = vector . direction.
        centre: (V, T) median score of each slot.
        spread: (V, T) 1.4826 * median absolute deviation; 0 where fewer than 30 views are known: no opinion there.
        sees: (V, T) robust z from which the model contradicts a missing tag; infinite where it has no say.
        denies: (V, T) robust z down from which it contradicts a tag; minus infinite where it has no say.
        generation: how often the dataset had doubled when this was taken.
    """

    directions: Floats
    centre: Floats
    spread: Floats
    sees: Floats
    denies: Floats
    generation: int = -1

    def surprise(self, vectors: Floats) -> Floats:
        """Return how far each view stands out, (N, V, D) unit vectors -> (N, V, T) robust z; 0 = as usual."""
        scores = vectors @ self.directions.T
        known = np.broadcast_to(self.spread[None] > 0, scores.shape)
        out: Floats = np.zeros_like(scores)
        np.divide(scores - self.centre[None], self.spread[None], out=out, where=known)
        return out

    def opinion(self, slot: int, surprise: Floats, in_force: Collection[str]) -> Opinion:
        """Form the opinion on one view.

        Args:
            slot: index of the view.
            surprise: (T,) from :meth:`surprise`.
            in_force: the quality tags of the view.
        """
        tagged = np.array([tag in in_force for tag in TAGS], dtype=np.bool_)
        disputed = np.where(tagged, surprise <= self.denies[slot], surprise >= self.sees[slot])
        return Opinion(_named(surprise >= SEEN), _named(disputed))


def directions(encoder: TextEncoder) -> Floats:
    """Embed the prompts: mean of the faulty minus mean of sound and neutral phrases, (T, D) float32.

    Neutral phrases stand with the sound ones because the captions of most models never say that an image is in focus.
    """
    neutral = encoder.embed_texts([*NEUTRAL["en"], *NEUTRAL["ja"]]).mean(axis=0)
    rows = [
        encoder.embed_texts(prompts.fault).mean(axis=0)
        - (encoder.embed_texts(prompts.sound).mean(axis=0) + neutral) / 2
        for prompts in PROMPTS.values()
    ]
    return np.stack(rows).astype(np.float32)


def freeze(along: Floats, vectors: Floats, present: Bools, tagged: Bools, generation: int) -> Frozen:
    """Take what is usual from a sample of the dataset.

    Args:
        along: (T, D) from :func:`directions`.
        vectors: (N, V, D) unit view vectors.
        present: (N, V) True where a view exists.
        tagged: (N, V, T) True where a tag is in force.
        generation: how often the dataset had doubled.
    """
    scores = vectors @ along.T
    centre = np.zeros((present.shape[1], len(along)), np.float32)
    spread = np.zeros_like(centre)
    for slot in range(present.shape[1]):
        seen = scores[present[:, slot], slot]
        if len(seen) >= MIN_GROUP:
            centre[slot] = np.median(seen, axis=0)
            spread[slot] = 1.4826 * np.median(np.abs(seen - centre[slot]), axis=0)
    sees, denies = np.full_like(centre, np.inf), np.full_like(centre, -np.inf)
    usual = Frozen(along, centre, spread, sees, denies, generation)
    surprise = usual.surprise(vectors)
    for tag, rule in DISPUTES.items():
        at = TAGS.index(tag)
        for slot in range(present.shape[1]):
            here, has = surprise[present[:, slot], slot, at], tagged[present[:, slot], slot, at]
            if rule.sees is not None:
                sees[slot, at] = _at_most(here[~has], len(here), rule.sees)
            if rule.denies is not None:
                denies[slot, at] = -_at_most(-here[has], len(here), -rule.denies)
    return usual


def _at_most(values: Floats, views: int, least: float) -> float:
    """Return the smallest threshold >= ``least`` that at most ``MOST_DISPUTED`` of the views reach."""
    allowed = int(np.ceil(MOST_DISPUTED * views))
    if int((values >= least).sum()) <= allowed:
        return least
    return float(np.nextafter(np.sort(values)[-allowed - 1], np.float32(np.inf)))


def _named(flags: Bools) -> tuple[str, ...]:
    return tuple(tag for tag, flag in zip(TAGS, flags.tolist(), strict=True) if flag)
