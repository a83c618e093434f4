"""The verbs of the command line for notebooks and scripts; everything else is internal.

::

    from sem_curate import api as sem

    sem.ingest("images/", "my-particles")
    ds = sem.load_dataset("my-particles")
    sem.register_masters(ds, {"needle": ["P-1", "P-2"]}, by="sato")
    sem.run_stages(ds)
    card = sem.next_card(ds)
"""

from __future__ import annotations

from sem_curate.dataset import load_dataset
from sem_curate.decide.run import propose, register_masters, remove_masters, replay, replay_all
from sem_curate.embed.files import embed
from sem_curate.embed.run import shifts
from sem_curate.errors import SemCurateError
from sem_curate.ingest.run import ingest
from sem_curate.pipeline import run_stages
from sem_curate.quality.conditions import condition_report
from sem_curate.quality.measures import inspect
from sem_curate.rendering import render_particles, write_particles
from sem_curate.review.retakes import retake_list
from sem_curate.review.run import card, counts, decide, next_card, undo
from sem_curate.review.tags import correct_tags
from sem_curate.search.run import build_index, search

__all__ = [
    "SemCurateError",
    "build_index",
    "card",
    "condition_report",
    "correct_tags",
    "counts",
    "decide",
    "embed",
    "ingest",
    "inspect",
    "load_dataset",
    "next_card",
    "propose",
    "register_masters",
    "remove_masters",
    "render_particles",
    "replay",
    "replay_all",
    "retake_list",
    "run_stages",
    "search",
    "shifts",
    "undo",
    "write_particles",
]
