"""Simulated SEM particles with known truth: for the demo, the tests and the training of the bundled encoders."""

from __future__ import annotations

from sem_curate.rendering.conditions import CONDITIONS, Condition
from sem_curate.rendering.families import FAMILIES
from sem_curate.rendering.render import particle_seed, render_particle, render_particles, render_views
from sem_curate.rendering.truth import DEFECTS, SPOILERS, ParticleTruth, RenderedParticle, RenderedView, ViewTruth
from sem_curate.rendering.writer import write_particles

__all__ = [
    "CONDITIONS",
    "DEFECTS",
    "FAMILIES",
    "SPOILERS",
    "Condition",
    "ParticleTruth",
    "RenderedParticle",
    "RenderedView",
    "ViewTruth",
    "particle_seed",
    "render_particle",
    "render_particles",
    "render_views",
    "write_particles",
]
