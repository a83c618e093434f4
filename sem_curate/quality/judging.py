"""From stored measures to the fields that people see: quality, tags and the recommended view of a FiftyOne dataset.

Pixels are not needed here. Whatever changes what measures mean (a reviewer's correction, an adopted model, scales that
are renewed) ends in :func:`rejudge`, which costs a few reads and writes per particle.
"""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np

from sem_curate import dataset, paths, schema
from sem_curate.progress import Progress, silent
from sem_curate.quality import gate
from sem_curate.quality.learned import TagModel
from sem_curate.quality.measures import ViewMeasures
from sem_curate.quality.recommend import ViewQuality, recommend_all
from sem_curate.quality.scales import EMPTY, Scales, build
from sem_curate.registry import history, quality_models
from sem_curate.registry.fold import TagState

CONDITION: Final = (schema.VIEW, schema.INSTRUMENT, schema.MAGNIFICATION)  # what is usual is judged within these
OCTAVE: Final = 2  # magnifications within half an octave are one condition
SETTLED: Final = 0.005  # a rank moves a little with every new view; smaller changes of quality are not written
REPROPOSE: Final = 0.05  # change of quality from which an old proposal may differ
JUDGED: Final = (
    schema.QUALITY, schema.QUALITY_TAGS, schema.MEASURED_TAGS, schema.TAGS_BY, schema.QUALITY_BASIS, schema.USABLE,
)  # fmt: skip
_READ: Final = (schema.PRESENT, schema.CONTENT_HASH, *JUDGED, *schema.MEASURES, *CONDITION)

Values = dict[str, Any]
Corrections = Mapping[str, Mapping[str, TagState]]


@dataclass(frozen=True)
class Judge:
    """What all views are judged by: frozen scales of the imaging conditions, and the adopted model if there is one."""

    scales: Scales = EMPTY
    model: TagModel | None = None

    def values(
        self, measures: ViewMeasures | None, condition: tuple[Any, ...], correction: TagState | None = None
    ) -> Values:
        """Return the judged fields of one view; ``measures`` None means that its file could not be read."""
        if measures is None:
            verdict = gate.UNREADABLE
        else:
            numbers = measures.as_dict()
            verdict = gate.judge(
                measures,
                self.scales.places(condition, numbers),
                learned=self.model.predict(numbers) if self.model else None,
                corrected=correction.tags if correction else None,
            )
        corrected = correction is not None and measures is not None
        return {
            schema.QUALITY: verdict.quality,
            schema.QUALITY_TAGS: list(verdict.tags),
            schema.MEASURED_TAGS: list(verdict.measured),
            schema.TAGS_BY: correction.by if corrected and correction else None,
            schema.QUALITY_BASIS: verdict.basis,
            schema.USABLE: verdict.usable,
        }


def judge_of(ds: Any) -> Judge:
    """Return what the dataset's views are judged by now."""
    return Judge(load_scales(ds), model_of(ds))


def model_of(ds: Any) -> TagModel | None:
    """Return the model that was adopted for the dataset, or None."""
    content = quality_models.active(dataset.dataset_id(ds))
    return TagModel.from_json(content) if content else None


def condition(view: Mapping[str, Any]) -> tuple[Any, ...]:
    """Return the imaging condition of a view's raw fields."""
    magnification = view.get(schema.MAGNIFICATION)
    step = round(OCTAVE * float(np.log2(magnification))) if magnification and magnification > 0 else None
    return view.get(schema.VIEW), view.get(schema.INSTRUMENT), step


def about(correction: TagState | None, content_hash: str | None) -> TagState | None:
    """Return the correction if it is about these pixels; a replaced image starts with its measured tags."""
    return correction if correction is not None and correction.holds_for(content_hash) else None


def stored_measures(view: Mapping[str, Any]) -> ViewMeasures | None:
    """Return the measures that a view's raw fields hold; None when some are missing (not measured, or unreadable)."""
    numbers = {name: view.get(name) for name in schema.MEASURES}
    if any(value is None for value in numbers.values()):
        return None
    return ViewMeasures(**numbers)  # type: ignore[arg-type]


# -- rejudging -----------------------------------------------------------------------------------------------------


@dataclass
class Rejudged:
    """What a rejudging changed."""

    views: int = 0
    changed: int = 0
    particles_to_propose: int = 0
    basis: Counter[str] = field(default_factory=Counter)


def rejudge(
    ds: Any, particle_ids: Iterable[str] | None = None, *, judge: Judge | None = None, progress: Progress = silent
) -> Rejudged:
    """Judge measured views again from their stored measures, corrections and model; no image is read.

    Particles whose view quality moved by more than 0.05 are proposed again by the next run. Interrupted at any time,
    a repetition finishes the work: what is pending is written before what would hide the difference.

    Args:
        ds: a dataset of ours.
        particle_ids: which particles; None means all.
        judge: what to judge by; None means what is in force.
        progress: called after each thousand particles.
    """
    by = judge or judge_of(ds)
    outcome = Rejudged()
    total = dataset.count_particles(ds) if particle_ids is None else None
    seen = 0
    for chunk in _chunks(ds, particle_ids):
        _rejudge_chunk(ds, chunk, by, outcome)
        seen += len(chunk)
        progress(seen, total, "quality judged again")
    return outcome


def _chunks(ds: Any, particle_ids: Iterable[str] | None) -> Iterator[Sequence[str]]:
    return dataset.each_particle(ds) if particle_ids is None else dataset.chunks(sorted(set(particle_ids)), 1000)


def _rejudge_chunk(ds: Any, particle_ids: Sequence[str], by: Judge, outcome: Rejudged) -> None:
    found = dataset.read_views(ds, particle_ids, _READ)
    corrections = history.view_tags(dataset.dataset_id(ds), particle_ids)
    changed: dict[str, Values] = {}
    moved: set[str] = set()
    for particle_id, views in found.items():
        for name, view in views.items():
            measures = stored_measures(view)
            if measures is None:
                continue
            correction = about(corrections.get(particle_id, {}).get(name), dataset.content_hash(view))
            values = by.values(measures, condition(view), correction)
            outcome.views += 1
            outcome.basis[values[schema.QUALITY_BASIS]] += 1
            if _differs(view, values):
                changed[view["_id"]] = values
                if abs(values[schema.QUALITY] - (view.get(schema.QUALITY) or 0.0)) > REPROPOSE:
                    moved.add(particle_id)
    if not changed:
        return
    # Qualities last: until then a repetition finds the same differences and repeats all of this.
    write_recommended(ds, particle_ids, changed)
    if moved:
        dataset.mark_pending(ds, (schema.STAGE_PROPOSE,), sorted(moved))
    dataset.write_views(ds, changed)
    outcome.changed += len(changed)
    outcome.particles_to_propose += len(moved)


def _differs(view: Mapping[str, Any], values: Values) -> bool:
    others = (name for name in JUDGED if name != schema.QUALITY)
    if any((view.get(name) or None) != (values[name] or None) for name in others):
        return True
    return bool(abs(values[schema.QUALITY] - (view.get(schema.QUALITY) or 0.0)) > SETTLED)


def write_recommended(ds: Any, particle_ids: Iterable[str], newer: Mapping[str, Values]) -> None:
    """Write the recommended view of some particles; ``newer`` holds judged fields by sample id, not written yet."""
    fields = (schema.PRESENT, schema.QUALITY, schema.USABLE, schema.QUALITY_TAGS, "contour_completeness")
    found = dataset.read_views(ds, sorted(particle_ids), fields)
    names = dataset.view_names(ds)
    particles = {
        particle_id: [_view_quality(name, views[name], newer) for name in names if name in views]
        for particle_id, views in found.items()
    }
    chosen = recommend_all(particles)
    updates: dict[str, Values] = {
        particle_id: {
            schema.RECOMMENDED_VIEW: chosen[particle_id].view if particle_id in chosen else None,
            schema.RECOMMENDED_WHY: chosen[particle_id].reason if particle_id in chosen else None,
        }
        for particle_id in particles
    }
    dataset.write_particles(ds, updates)


def _view_quality(name: str, view: Mapping[str, Any], newer: Mapping[str, Values]) -> ViewQuality:
    now = {**view, **newer.get(view["_id"], {})}
    return ViewQuality(
        name,
        bool(now.get(schema.PRESENT)),
        now.get(schema.QUALITY),
        bool(now.get(schema.USABLE)),
        now.get("contour_completeness"),
        now.get(schema.QUALITY_TAGS) or (),
    )


# -- scales --------------------------------------------------------------------------------------------------------


def scales_path(ds: Any) -> Path:
    """Return where the dataset's scales are kept."""
    return paths.home() / "references" / dataset.dataset_id(ds) / "quality.json"


def load_scales(ds: Any) -> Scales:
    """Return the scales in force; a file of an earlier version counts as none."""
    path = scales_path(ds)
    if not path.exists():
        return EMPTY
    try:
        return Scales.from_json(json.loads(path.read_text(encoding="utf-8")))
    except (KeyError, ValueError):
        return EMPTY


def save_scales(ds: Any, scales: Scales) -> None:
    """Write scales: to a temporary name first, so that they are complete or absent."""
    path = scales_path(ds)
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_suffix(f".{os.getpid()}.tmp")
    temporary.write_text(json.dumps(scales.as_json()), encoding="utf-8")
    os.replace(temporary, path)


def renew_scales(ds: Any, progress: Progress = silent) -> dict[str, int]:
    """Take the scales anew when the dataset has doubled, and judge every view by them.

    All these passes together cost like two over the final dataset. An interrupted one is repeated by the next run,
    because the new scales are saved last.

    Returns:
        How many views have quality by basis; empty when the scales still stand.
    """
    generation = int(np.log2(max(dataset.count_particles(ds), 1)))
    if generation == load_scales(ds).generation:
        return {}
    scales = _take_scales(ds, generation)
    outcome = rejudge(ds, judge=Judge(scales, model_of(ds)), progress=progress)
    save_scales(ds, scales)
    return {basis: outcome.basis[basis] for basis in (gate.PRIOR, gate.RANK)}


def _take_scales(ds: Any, generation: int) -> Scales:
    groups: list[tuple[Any, ...]] = []
    values: dict[str, list[float]] = {name: [] for name in gate.RANKED}
    for particle_ids in dataset.each_particle(ds):
        for views in dataset.read_views(ds, particle_ids, (*gate.RANKED, *CONDITION)).values():
            for view in views.values():
                if view.get("sharpness") is not None:
                    groups.append(condition(view))
                    for name in gate.RANKED:
                        values[name].append(float(view[name]))
    return build(values, groups, generation)
