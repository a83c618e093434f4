"""One view of one particle: nuisances, camera, signal chain and the truth of what came out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from sem_curate.arrays import Bools, Floats
from sem_curate.rendering import defects, families, optics, scene
from sem_curate.rendering.conditions import CONDITIONS, Condition
from sem_curate.rendering.contour import frame_contact, share_without_specks
from sem_curate.rendering.truth import SPECK, RenderedView, ViewTruth

# Blur and drift are stated for this image side and grow with it, so that a defect looks alike at every size.
REFERENCE = 128
# Operators keep the empty stage just above black, so that its noise is not clipped.
BLACK_LEVEL = np.float32(0.075)
MIN_DRIFT = 0.3  # 128ths of the side; less moves nothing

Rng = np.random.Generator


def stream(seed: int, *key: int) -> Rng:
    """Return the random numbers of one purpose; streams of different keys never affect each other."""
    return np.random.default_rng(np.random.SeedSequence(seed, spawn_key=key))


@dataclass(frozen=True)
class Particle:
    """What all views of one particle share."""

    seed: int
    family: str
    surface: str
    attributes: Mapping[str, float]
    scene: scene.Scene
    light_deg: float
    overlay: str
    half_extent_um: float
    stage_gain: float
    edge_gain: float


@dataclass(frozen=True)
class Shot:
    """The nuisances of one view; lengths in pixels of a 128-pixel image."""

    fill: float
    turn_deg: float
    offset: tuple[float, float]
    blur: float
    astigmatism: float
    astigmatism_deg: float
    noise: float
    charging: float
    drift: float
    gain: float
    level: float
    cut: bool = False
    unfocused: bool = False


def make_particle(seed: int, family: str | None) -> Particle:
    """Make the particle of a seed."""
    rng = stream(seed, 0)
    drawn = families.FAMILIES[int(rng.integers(len(families.FAMILIES)))]
    name = drawn if family is None else family
    solid, attributes, surface = families.build(name, stream(seed, 0, 0))
    tone = float(rng.uniform(0.7, 1.25))
    crowd, debris = bool(rng.random() < 0.3), int(rng.integers(0, 7))
    half_extent_um = float(np.exp(rng.normal(2.5, 0.7)))
    others = scene.neighbours(rng, solid, float(solid.bounds()[0][2]), crowd, debris)
    overlay = str(rng.choice(["none", "bar", "scale"], p=[0.5, 0.38, 0.12]))
    stage_gain = float(np.exp(rng.uniform(-0.5, 0.6)))
    edge_gain = float(np.exp(rng.uniform(-0.6, 0.4)))
    full = {
        **attributes,
        "stage_brightness": stage_gain,
        "edge_brightening": edge_gain,
        "brightness": tone,
        "diameter_um": 2 * half_extent_um,
        "neighbours": float(crowd),
        "debris": float(debris),
    }
    light = float(rng.uniform(-160, -20))
    at_rest = scene.at_rest(solid, others, tone)
    return Particle(
        seed, name, surface, full, at_rest, light, overlay, half_extent_um, stage_gain, edge_gain
    )  # fmt: skip


def _session(condition: Condition, particle: Particle) -> Condition:
    """Return the condition as this particle's session sets it up: mount, coating and detector bias vary."""
    return replace(
        condition,
        substrate=min(condition.substrate * particle.stage_gain, 0.6 * condition.body),
        edge=condition.edge * particle.edge_gain,
        topography=condition.topography * particle.edge_gain,
    )


def _shot(rng: Rng, condition: Condition) -> Shot:
    """Draw the ordinary nuisances of one view; always the same number of draws."""
    cut = condition.fill[0] > 1
    return Shot(
        fill=float(rng.uniform(*condition.fill)),
        turn_deg=float(rng.uniform(-8, 8)),
        offset=(float(rng.uniform(-1, 1)), float(rng.uniform(-1, 1))),
        blur=float(rng.uniform(*condition.blur)),
        astigmatism=float(1 + max(0.0, rng.normal(-0.25, 0.3))),
        astigmatism_deg=float(rng.uniform(0, 180)),
        noise=float(rng.uniform(*condition.noise)),
        charging=float(max(0.0, rng.normal(-0.05, 0.08))),
        drift=float(abs(rng.normal(0, 0.25))),
        gain=float(rng.uniform(0.8, 1.18)),
        level=float(rng.normal(0.01, 0.03)),
        cut=cut,
    )


def _spoil(rng: Rng, shot: Shot, defect: str) -> Shot:
    """Return the shot with one strong defect."""
    strong = float(rng.uniform(0, 1))
    changes: dict[str, dict[str, float | bool]] = {
        "blur": {"unfocused": True, "blur": 2.3 + 3.2 * strong, "astigmatism": 1 + float(rng.random() < 0.3) * 1.5},
        "noise": {"noise": 0.125 + 0.13 * strong},
        "low_contrast": {"gain": 0.13 + 0.14 * strong, "level": float(rng.uniform(-0.15, 0.2))},
        "charging": {"charging": 0.5 + 0.6 * strong},
        "drift": {"drift": 4.0 + 7.0 * strong},
        "contour_missing": {"fill": shot.fill if shot.cut else 1.7 + 0.9 * strong, "cut": True},
        "saturation": {"gain": 2.2 + 0.8 * strong, "level": float(rng.choice([-0.2, 0.2, 0.35]))},
    }
    return replace(shot, **changes[defect])  # type: ignore[arg-type]


def _camera(particle: Particle, condition: Condition, shot: Shot, size: int) -> scene.Camera:
    """Aim at the whole particle, or at some part of it when the view is cut."""
    camera = scene.aim(particle.scene, condition.tilt_deg, shot.turn_deg, shot.fill, size)
    span = camera.step * size
    if not shot.cut:
        bar = defects.BAR_SHARE if particle.overlay == "bar" else 0.0
        free = max(0.0, 1 - shot.fill - bar) / 2 * 0.7
        x, y = (c + o * free * span for c, o in zip(camera.centre, shot.offset, strict=True))
        return replace(camera, centre=(x, y + bar / 2 * span))
    parts = particle.scene.solid.moved(camera.matrix()).parts
    middle = parts[int((shot.offset[0] + 1) / 2 * 0.999 * len(parts))].bounds().mean(axis=0)
    if len(parts) == 1:
        low, high = parts[0].bounds()
        middle = middle + 0.25 * (high - low).min() * np.array([shot.offset[1], shot.offset[0], 0])
    return replace(camera, centre=(float(middle[0]), float(middle[1])))


def _expose(image: Floats, condition: Condition, shot: Shot) -> Floats:
    """Apply the operator's brightness and contrast about mid grey."""
    gain = np.float32(condition.contrast * shot.gain)
    middle = np.float32(0.42)
    raised = BLACK_LEVEL + (1 - BLACK_LEVEL) * image
    return np.asarray((raised - middle) * gain + middle + np.float32(shot.level), dtype=np.float32)


def render_view(particle: Particle, slot: int, size: int, defect: str | None, keep_mask: bool) -> RenderedView:
    """Render one view of a particle."""
    name = tuple(CONDITIONS)[slot]
    condition = _session(CONDITIONS[name], particle)
    rng = stream(particle.seed, 1, slot)
    shot = _shot(rng, condition)
    if defect is not None:
        shot = _spoil(rng, shot, defect)
    camera = _camera(particle, condition, shot, size)
    relief = scene.relief(particle.scene, camera)
    growth = size / REFERENCE
    signal = optics.signal(relief, condition, particle.light_deg)
    clean, grey, lines = develop(rng, signal, relief.mask | relief.others, condition, shot)
    mask, others = relief.mask, relief.others
    if lines is not None:
        mask, others = (defects.drift(part.astype(np.float32), lines) > 0.5 for part in (mask, others))
    sigma = _blur_px(shot, growth)
    low, high = float((grey == 0).mean()), float((grey == 255).mean())
    pixel_size_nm = camera.step * particle.half_extent_um * 1000
    text = f"{condition.detector} {condition.voltage_kv:g}kV"
    bar, scale_bar, covered = defects.burn(grey, defects.Overlay(particle.overlay, text), pixel_size_nm)
    share, cut = frame_contact(mask[: size - bar])
    truth = ViewTruth(
        condition=name,
        sharpness=1 / (1 + sigma / growth),
        blur_sigma_px=sigma,
        astigmatism=shot.astigmatism,
        noise_sigma=shot.noise,
        contrast=float(np.subtract(*np.percentile(np.clip(clean, 0, 1), [99.5, 0.5]))),
        saturation_low=low,
        saturation_high=high,
        contour_share=share,
        frame_cut=cut,
        charging=shot.charging,
        drift_px=shot.drift * growth,
        drift_visible_px=0.0 if lines is None else defects.visible_drift(lines[: size - bar]),
        info_bar_px=bar,
        scale_bar_px=scale_bar,
        area_share=float(mask[: size - bar].mean()),
        pixel_size_nm=pixel_size_nm,
        tilt_deg=condition.tilt_deg,
        neighbours=bool(relief.others.mean() > 0.004),
        others_share=share_without_specks(others[: size - bar], SPECK),
        defects=(),
    )
    overlaid = bool((covered & mask)[: size - bar].any())
    truth = replace(truth, defects=_tags(truth, growth, overlaid))
    shown = (_visible(mask, bar), _visible(others, bar)) if keep_mask else (None, None)
    return RenderedView(name, grey, truth, *shown)


def render_signal(seed: int, slot: int, size: int) -> tuple[Floats, Bools, Condition, Shot]:
    """Render what arrives at the detector, before anything goes wrong: for training on faults drawn afterwards.

    Returns:
        (H, W) float32 signal, (H, W) bool where there is a particle, the condition as set up, and the usual nuisances.
    """
    particle = make_particle(seed, None)
    condition = _session(tuple(CONDITIONS.values())[slot], particle)
    shot = _shot(stream(seed, 1, slot), condition)
    relief = scene.relief(particle.scene, _camera(particle, condition, shot, size))
    return optics.signal(relief, condition, particle.light_deg), relief.mask | relief.others, condition, shot


def develop(
    rng: Rng, signal: Floats, body: Bools, condition: Condition, shot: Shot
) -> tuple[Floats, NDArray[np.uint8], Floats | None]:
    """Send a signal through the microscope: charging, drift, focus, exposure and noise.

    Returns:
        (H, W) float32 without noise, (H, W) uint8 as filed, and (H,) displacement of the scan lines in pixels, None
        where there is none.
    """
    size = signal.shape[0]
    growth = size / REFERENCE
    image = defects.charge(rng, signal, body, shot.charging)
    lines = defects.drift_lines(rng, size, shot.drift * growth)
    moved = shot.drift > MIN_DRIFT
    if moved:
        image = defects.drift(image, lines)
    focused = defects.defocus(image, _blur_px(shot, growth), shot.astigmatism, shot.astigmatism_deg)
    clean = _expose(focused, condition, shot)
    final = clean + defects.grain(rng, clean, shot.noise, condition.line_noise)
    return clean, np.clip(np.rint(final * 255), 0, 255).astype(np.uint8), lines if moved else None


def _blur_px(shot: Shot, growth: float) -> float:
    """Return the blur in pixels: larger images are taken sharper per particle, unless focus is lost."""
    return max(0.4, shot.blur * (growth if shot.unfocused or growth < 1 else growth**0.5))


def _visible(mask: Bools, bar: int) -> Bools:
    """Return the mask without what the info bar hides."""
    shown = mask.copy()
    shown[mask.shape[0] - bar :] = False
    return shown


def _tags(truth: ViewTruth, growth: float, overlaid: bool) -> tuple[str, ...]:
    """Name the defects that a person would complain about."""
    found = {
        "blur": truth.blur_sigma_px / growth > 2.0,
        "noise": truth.noise_sigma > 0.11,
        "low_contrast": truth.contrast < 0.27,
        "charging": truth.charging > 0.3,
        "drift": truth.drift_px / growth > 2.5,
        "contour_missing": truth.contour_share < 0.75,
        "saturation": truth.saturation_low + truth.saturation_high > 0.06,
        "info_bar": truth.info_bar_px > 0,
        "neighbour": truth.neighbours,
        "scale_bar_over": overlaid,
    }
    return tuple(tag for tag, present in found.items() if present)
