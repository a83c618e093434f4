"""The quality stage on a FiftyOne dataset: pending views in; measures, quality, tags and the recommended view out.

Order of writing, so that a crash at any point leaves work pending instead of half done: the views' values, then their
particles' recommended view, then the pending mark goes.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Final

import fiftyone.core.brain as fob

from sem_curate import dataset, schema
from sem_curate.dataset import ViewRow
from sem_curate.errors import InputError, SemCurateError, did_you_mean
from sem_curate.ingest.readers import read_grey
from sem_curate.parallel import available_cores
from sem_curate.progress import Progress, silent
from sem_curate.quality import drift, gate, judging, reader
from sem_curate.quality.judging import Judge
from sem_curate.quality.measures import Inspection, inspect
from sem_curate.registry import history

BRAIN_KEY: Final = schema.BRAIN_KEYS[schema.STAGE_QUALITY]
FIELDS: Final = (*judging.JUDGED, *schema.MEASURES, schema.PARTICLE_MASK)
BATCH: Final = 64  # views per write; a crash repeats at most so many
_HELD: Final = (*judging.CONDITION, schema.INFO_BAR_ROWS)
_VERSION: Final = 2  # of measures and priors; saved with the run


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
        return [*FIELDS, schema.RECOMMENDED_VIEW, schema.RECOMMENDED_WHY]

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
    """One view after reading: ``inspection`` None and a ``problem`` when the file could not be read."""

    row: ViewRow
    held: Mapping[str, Any]  # what the dataset knew of the view: condition, bar rows
    inspection: Inspection | None
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

    Raises:
        InputError: the weights of a network are missing or damaged; nothing was changed.
    """
    start = time.perf_counter()
    for weights in (reader.WEIGHTS, drift.WEIGHTS):
        reader.load_bytes(weights)  # damaged weights are one clear error here, not one per view
    total = dataset.count_pending(ds)[schema.STAGE_QUALITY]
    done, bad, example, judge = 0, 0, None, judging.judge_of(ds)
    with ThreadPoolExecutor(max_workers=workers or available_cores()) as pool:
        for rows in dataset.pending_views(ds, schema.STAGE_QUALITY, batch=BATCH):
            measured = list(pool.map(_measure_row, rows, _held(ds, rows)))
            _write_batch(ds, measured, judge)
            problems = [f"{item.row.source_path}: {item.problem}" for item in measured if item.inspection is None]
            example = example or next(iter(problems), None)
            done, bad = done + len(rows), bad + len(problems)
            progress(done, max(total, done), f"{bad} unreadable" if bad else "")
    basis = judging.renew_scales(ds) if done else {}
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


def _held(ds: Any, rows: Sequence[ViewRow]) -> list[Mapping[str, Any]]:
    found = dataset.read_views(ds, sorted({row.particle_id for row in rows}), _HELD)
    return [found[row.particle_id][row.view] for row in rows]


def _measure_row(row: ViewRow, held: Mapping[str, Any]) -> _Measured:
    try:
        image = read_grey(row.source_path or row.filepath)
    except (SemCurateError, OSError) as error:
        return _Measured(row, held, None, str(error))
    return _Measured(row, held, inspect(image, known_bar=held.get(schema.INFO_BAR_ROWS)))


def _write_batch(ds: Any, measured: Sequence[_Measured], judge: Judge) -> None:
    """Write values first, what follows from them next, and the end of the work last."""
    particle_ids = sorted({item.row.particle_id for item in measured})
    corrections = history.view_tags(dataset.dataset_id(ds), particle_ids)
    values = {
        item.row.sample_id: {
            **_measured_fields(item),
            **judge.values(
                item.inspection.measures if item.inspection else None,
                judging.condition(item.held),
                judging.about(corrections.get(item.row.particle_id, {}).get(item.row.view), item.row.content_hash),
            ),
        }
        for item in measured
    }
    dataset.write_views(ds, values)
    judging.write_recommended(ds, particle_ids, {})
    nothing: dict[str, Any] = {}
    dataset.write_views(ds, dict.fromkeys(values, nothing), clear_pending=(schema.STAGE_QUALITY,))


def _measured_fields(item: _Measured) -> dict[str, Any]:
    if item.inspection is None:
        return {**dict.fromkeys(schema.MEASURES), schema.PARTICLE_MASK: None}
    return {**item.inspection.measures.as_dict(), schema.PARTICLE_MASK: dataset.segmentation(item.inspection.mask)}


def _save_run(ds: Any, summary: dict[str, Any]) -> None:
    method = QualityConfig().build()
    method.register_run(ds, BRAIN_KEY, overwrite=True, cleanup=False)
    results = QualityResults(ds, method.config, BRAIN_KEY, summary=summary, backend=method)
    method.save_run_results(ds, BRAIN_KEY, results)
