"""Benchmark of the decision lane: reference worlds, the guarantee, speed, rendered particles, real images."""

from __future__ import annotations

import importlib
from pathlib import Path

from sem_curate.bench.decide.setting import Setting
from sem_curate.bench.figures import Figure
from sem_curate.errors import InputError, did_you_mean

# In the order of the report; each module has ``figures(setting) -> list[Figure]``.
PARTS = ("reference", "guarantee", "speed", "rendered", "real")


def run(
    *,
    particles: int = 480,
    draws: int = 500,
    seed: int = 0,
    data: Path | None = None,
    weights: Path | None = None,
    parts: tuple[str, ...] = PARTS,
) -> list[Figure]:
    """Measure the decision lane.

    Args:
        particles: rendered ones.
        draws: of audits, for the guarantee.
        seed: of the first rendered particle.
        data: folder with ``manifest.csv`` of real images; without it the part ``real`` is left out.
        weights: checkpoint of DeiT-Tiny for the part ``real``; without it only the bundled encoder is measured.
        parts: which of :data:`PARTS`.

    Returns:
        Figures, each with the baseline of the same run.

    Raises:
        InputError: for an unknown part, or ``real`` asked for without data.
    """
    for part in parts:
        if part not in PARTS:
            raise InputError(f"bench decide has no part '{part}'.{did_you_mean(part, PARTS)} Known: {', '.join(PARTS)}")
    if data is None and "real" in parts:
        if parts == ("real",):
            raise InputError("bench decide --part real needs --data FOLDER with a manifest.csv")
        parts = tuple(part for part in parts if part != "real")
    setting = Setting(particles, draws, seed, data, weights)
    return [
        figure
        for part in parts
        for figure in importlib.import_module(f"sem_curate.bench.decide.{part}").figures(setting)
    ]
