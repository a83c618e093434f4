"""The quality stage on a FiftyOne dataset: pending views in; measures, quality, tags and the recommended view out.

Order of writing, so that a crash at any point leaves work pending instead of half done: the views' values, then their
particles' recommended view, then the pending mark goes.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import fiftyone.core.brain as fob
import numpy as np

from sem_curate import dataset, paths, schema
from sem_curate.dataset import ViewRow
from sem_curate.errors import InputError, SemCurateError, did_you_mean
from sem_curate.ingest.readers import read_grey
from sem_curate.progress import Progress, silent
from sem_curate.quality import gate
from sem_curate.quality.measures import ViewMeasures, measure
from sem_curate.quality.recommend import ViewQuality, recommend_all
from sem_curate.quality.scales import EMPTY, Scales, build

BRAIN_KEY: Final = schema.BRAIN_KEYS[schema.STAGE_QUALITY]
FIELDS: Final = (schema.QUALITY, schema.QUALITY_TAGS, schema.USABLE, *schema.MEASURES)
BATCH: Final = 64  # views per write; a crash repeats at most so many
CONDITION: Final = (schema.VIEW, schema.INSTRUMENT, schema.MAGNIFICATION)  # what ranks are taken within
SETTLED: Final = 0.005  # a rank moves a little with every new view; smaller changes of quality are not written
REPROPOSE: Final = 0.05  # change of quality from which an old proposal may differ
_VERSION: Final = 1  # of measures and priors; saved with the run


class QualityConfig(fob.BrainMethodConfig):
    """Which version of measures and priors was used. FiftyOne stores this class by its dotted name: do not move it."""

    def __init__(self, version: int = _VERSION, min_group: int = gate.MIN_GROUP, **kwargs: Any) -> None:
        """Hold the settings.

        Raises:
            InputError: on any other argument; FiftyOne would store it silently.
        """
        if kwargs:
            name = next(iter(kwargs))
            hint = did_you_mean(name, ("version", "min_group"))
            raise InputError(
                f"{len(kwargs)} unknown quality settings (e.g. '{name}').{hint} Known are version and min_group"
            )
        super().__init__()
        self.version = version
        self.min_group = min_group

    @property
    def type(self) -> str:
        """FiftyOne's run type."""
        return "sem_quality"

    @property
    def method(self) -> str:
        """FiftyOne's run method."""
        return "priors-and-ranks"


class Quality(fob.BrainMethod):
    """Owns the per-view quality fields, and nothing that a person decided."""

    def ensure_requirements(self) -> None:
        """Need nothing beyond the package."""

    def get_fields(self, samples: Any, brain_key: str) -> list[str]:
        """Return the per-view fields that the stage writes, plus the recommended view."""
        return [*FIELDS, schema.RECOMMENDED_VIEW]

    def cleanup(self, samples: Any, brain_key: str) -> None:
        """Delete no field: every field is part of the dataset's schema. The stage becomes pending instead."""
        ds = getattr(samples, "_root_dataset", samples)
        if dataset.is_ours(ds):
            dataset.mark_pending(ds, (schema.STAGE_QUALITY,))


class QualityResults(fob.BrainResults):
    """Counts of the latest run; the values are on the samples."""

    def __init__(
        self, samples: Any, config: QualityConfig, brain_key: str, summary: dict[str, Any] | None = None,
        backend: Quality | None = None,
    ) -> None:  # fmt: skip
        """Hold the summary of the run."""
        super().__init__(samples, config, brain_key, backend=backend)
        self.summary = summary

    @classmethod
    def _from_dict(cls, d: dict[str, Any], samples: Any, config: QualityConfig, key: str) -> QualityResults:
        return cls(samples, config, key, summary=d.get("summary"))


@dataclass(frozen=True)
class _Measured:
    """One view after reading: ``measures`` None and a ``problem`` when the file could not be read."""

    row: ViewRow
    measures: ViewMeasures | None
    problem: str = ""


def run_quality(ds: Any, *, progress: Progress = silent, workers: int | None = None) -> dict[str, Any]:
    """Measure every pending view and write quality, tags and the recommended view.

    A view whose file cannot be read gets quality 0, the tag ``unreadable``, and is counted; it does not stop the rest.
    Memory: one decoded image per worker.

    Args:
        ds: a dataset of ours.
        progress: called after each batch.
        workers: threads that decode and measure (both leave the interpreter lock); by default one per core.

    Returns:
        ``{"in", "out", "skipped", "seconds", "example", "basis"}``: views that waited, were measured, could not be
        read; one unreadable file with its reason or None; and, when the scales were taken anew, how many views of the
        dataset have quality from ``rank`` and from ``prior`` alone (conditions with fewer than 30 views).
    """
    start = time.perf_counter()
    total = dataset.count_pending(ds)[schema.STAGE_QUALITY]
    done, bad, example, scales = 0, 0, None, _load_scales(ds)
    with ThreadPoolExecutor(max_workers=workers or os.cpu_count() or 1) as pool:
        for rows in dataset.pending_views(ds, schema.STAGE_QUALITY, batch=BATCH):
            measured = list(pool.map(_measure_row, rows))
            _write_batch(ds, measured, scales)
            problems = [f"{item.row.source_path}: {item.problem}" for item in measured if item.measures is None]
            example = example or next(iter(problems), None)
            done, bad = done + len(rows), bad + len(problems)
            progress(done, max(total, done), f"{bad} unreadable" if bad else "")
    basis = _rescale(ds) if done else {}
    summary = {
        "in": done,
        "out": done - bad,
        "skipped": bad,
        "seconds": round(time.perf_counter() - start, 3),
        "example": example,
        "basis": basis,
    }
    if done:
        _save_run(ds, summary)
    return summary


def _measure_row(row: ViewRow) -> _Measured:
    try:
        return _Measured(row, measure(read_grey(row.source_path or row.filepath)))
    except (SemCurateError, OSError) as error:
        return _Measured(row, None, str(error))


def _write_batch(ds: Any, measured: Sequence[_Measured], scales: Scales) -> None:
    held = dataset.read_views(ds, sorted({item.row.particle_id for item in measured}), CONDITION)
    values = {
        item.row.sample_id: _values(item.measures, scales, _condition(held[item.row.particle_id][item.row.view]))
        for item in measured
    }
    dataset.write_views(ds, values)
    _write_recommended(ds, {item.row.particle_id for item in measured}, {})
    nothing: dict[str, Any] = {}
    dataset.write_views(ds, dict.fromkeys(values, nothing), clear_pending=(schema.STAGE_QUALITY,))


def _condition(view: Mapping[str, Any]) -> tuple[Any, ...]:
    return tuple(view.get(name) for name in CONDITION)


def _values(measures: ViewMeasures | None, scales: Scales, condition: tuple[Any, ...]) -> dict[str, Any]:
    verdict = gate.UNREADABLE if measures is None else gate.judge(measures, scales.ranks(condition, measures.as_dict()))
    numbers: Mapping[str, float | None] = dict.fromkeys(schema.MEASURES) if measures is None else measures.as_dict()
    return {
        **numbers,
        schema.QUALITY: verdict.quality,
        schema.QUALITY_TAGS: list(verdict.tags),
        schema.USABLE: verdict.usable,
    }


def _write_recommended(ds: Any, particle_ids: Iterable[str], newer: Mapping[str, float]) -> None:
    """Write the recommended view of some particles; ``newer`` holds qualities by sample id not written yet."""
    fields = (schema.PRESENT, schema.QUALITY, schema.USABLE, "contour_completeness")
    found = dataset.read_views(ds, sorted(particle_ids), fields)
    names = dataset.view_names(ds)
    particles = {
        particle_id: [_view_quality(name, views[name], newer) for name in names if name in views]
        for particle_id, views in found.items()
    }
    chosen = recommend_all(particles)
    updates = {
        particle_id: {schema.RECOMMENDED_VIEW: chosen[particle_id].view if particle_id in chosen else None}
        for particle_id in particles
    }
    dataset.write_particles(ds, updates)


def _view_quality(name: str, view: Mapping[str, Any], newer: Mapping[str, float]) -> ViewQuality:
    return ViewQuality(
        name,
        bool(view.get(schema.PRESENT)),
        newer.get(view["_id"], view.get(schema.QUALITY)),
        bool(view.get(schema.USABLE)),
        view.get("contour_completeness"),
    )


# -- scales --------------------------------------------------------------------------------------------------------


def _scales_path(ds: Any) -> Path:
    return paths.home() / "references" / dataset.dataset_id(ds) / "quality.json"


def _load_scales(ds: Any) -> Scales:
    path = _scales_path(ds)
    return Scales.from_json(json.loads(path.read_text(encoding="utf-8"))) if path.exists() else EMPTY


def _save_scales(ds: Any, scales: Scales) -> None:
    path = _scales_path(ds)
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_suffix(f".{os.getpid()}.tmp")
    temporary.write_text(json.dumps(scales.as_json()), encoding="utf-8")
    os.replace(temporary, path)


def _rescale(ds: Any) -> dict[str, int]:
    """Take the scales anew when the dataset has doubled, and bring every view's quality up to date with them.

    All these passes together cost like two over the final dataset. An interrupted one is repeated by the next run,
    because the new scales are saved last.

    Returns:
        How many views have quality by basis; empty when the scales still stand.
    """
    generation = int(np.log2(max(dataset.count_particles(ds), 1)))
    if generation == _load_scales(ds).generation:
        return {}
    fields = ("id", schema.PARTICLE_ID, schema.QUALITY, *CONDITION, *schema.MEASURES)
    columns = dict(zip(fields, dataset.flat(ds).values(list(fields)), strict=True))
    rows = [i for i, value in enumerate(columns["sharpness"]) if value is not None]
    groups = [tuple(columns[name][i] for name in CONDITION) for i in rows]
    scales = build({name: [columns[name][i] for i in rows] for name in gate.RANKED}, groups, generation)
    basis = {gate.PRIOR: 0, gate.RANK: 0}
    changed: dict[str, float] = {}
    moved: dict[str, float] = {}  # particle -> largest change of quality
    for group, i in zip(groups, rows, strict=True):
        measures = ViewMeasures(**{name: columns[name][i] for name in schema.MEASURES})
        verdict = gate.judge(measures, scales.ranks(group, measures.as_dict()))
        basis[verdict.basis] += 1
        change = abs(verdict.quality - (columns[schema.QUALITY][i] or 0.0))
        if change > SETTLED:
            changed[columns["id"][i]] = verdict.quality
            particle_id = columns[schema.PARTICLE_ID][i]
            moved[particle_id] = max(change, moved.get(particle_id, 0.0))
    _write_changed(ds, changed, moved)
    _save_scales(ds, scales)
    return basis


def _write_changed(ds: Any, changed: Mapping[str, float], moved: Mapping[str, float]) -> None:
    """Write new qualities last: until then the next run finds the same differences and repeats all of this."""
    for chunk in dataset.chunks(list(moved), 1000):
        _write_recommended(ds, chunk, changed)
    affected = [particle_id for particle_id, change in moved.items() if change > REPROPOSE]
    if affected:
        dataset.mark_pending(ds, (schema.STAGE_PROPOSE,), affected)
    for chunk in dataset.chunks(list(changed), 1000):
        dataset.write_views(ds, {sample_id: {schema.QUALITY: changed[sample_id]} for sample_id in chunk})


def _save_run(ds: Any, summary: dict[str, Any]) -> None:
    method = QualityConfig().build()
    method.register_run(ds, BRAIN_KEY, overwrite=True, cleanup=False)
    results = QualityResults(ds, method.config, BRAIN_KEY, summary=summary, backend=method)
    method.save_run_results(ds, BRAIN_KEY, results)
