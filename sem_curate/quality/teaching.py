"""Learning quality tags from the corrections of a FiftyOne dataset, and going back."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np

from sem_curate import dataset, schema
from sem_curate.progress import Progress, silent
from sem_curate.quality import judging, learned
from sem_curate.quality.judging import Judge
from sem_curate.registry import history, quality_models

_FIELDS: Final = (schema.PRESENT, schema.CONTENT_HASH, *schema.MEASURES, *judging.CONDITION)


@dataclass
class Examples:
    """Corrected views, one entry each: measures, what reviewers and rules say, and whose views they are."""

    measures: list[list[float]] = field(default_factory=list)
    said: list[frozenset[str]] = field(default_factory=list)
    ruled: list[frozenset[str]] = field(default_factory=list)
    particles: list[str] = field(default_factory=list)
    passed_over: int = 0  # not measured, no particle found, or the image was replaced since

    def fit(self) -> learned.Fit:
        """Fit the tags that have enough corrections."""
        measures = np.array(self.measures, np.float64).reshape(len(self.particles), len(schema.MEASURES))
        return learned.fit(measures, _table(self.said), _table(self.ruled), self.particles)


def train(ds: Any, *, by: str, reason: str = "", progress: Progress = silent) -> dict[str, Any]:
    """Fit a small model on the corrections in force; where it beats the rules it is stored, put in force and applied.

    When no tag can be adopted, nothing changes: an earlier model stays in force until :func:`use` changes that.

    Args:
        ds: the dataset.
        by: who trains.
        reason: why.
        progress: told while views are judged again.

    Returns:
        ``{"views", "particles", "passed_over", "adopted", "version", "tags", "rejudged", "changed"}``: corrected views
        used and passed over, adopted tags, the version now in force (None: the rules), the figures of each tag, and how
        many views were judged again and changed.
    """
    identity = dataset.dataset_id(ds)
    examples = gather(ds)
    found = examples.fit()
    figures = {tag: values.as_dict() for tag, values in found.figures.items()}
    adopted = [tag for tag, values in found.figures.items() if values.adopted]
    outcome = judging.Rejudged()
    if found.model is not None:
        made = quality_models.add(
            identity, found.model.as_json(), figures=figures, adopted=adopted, by=by, reason=reason
        )
        quality_models.activate(identity, made.version, by=by, reason=reason or "trained")
        outcome = judging.rejudge(ds, progress=progress)
    return {
        "views": len(examples.particles),
        "particles": len(set(examples.particles)),
        "passed_over": examples.passed_over,
        "adopted": adopted,
        "version": quality_models.active_version(identity),
        "tags": figures,
        "rejudged": outcome.views,
        "changed": outcome.changed,
    }


def use(ds: Any, version: int | None, *, by: str, reason: str = "", progress: Progress = silent) -> dict[str, Any]:
    """Put an earlier model in force, or the rules alone with None, and judge every view again.

    Returns:
        ``{"version", "rejudged", "changed"}``.

    Raises:
        InputError: there is no such version.
    """
    quality_models.activate(dataset.dataset_id(ds), version, by=by, reason=reason)
    outcome = judging.rejudge(ds, progress=progress)
    return {"version": version, "rejudged": outcome.views, "changed": outcome.changed}


def gather(ds: Any) -> Examples:
    """Collect the corrections in force whose views are measured and have a particle.

    Views without a particle are left out: the other measures mean nothing there, and no model is asked about them.
    """
    rules, examples = Judge(judging.load_scales(ds)), Examples()
    for particle_id, view, said in _corrected(ds):
        measures = judging.stored_measures(view) if view else None
        if measures is None or measures.particle_area <= 0 or said is None:
            examples.passed_over += 1
            continue
        numbers = measures.as_dict()
        ruled = rules.values(measures, judging.condition(view))[schema.MEASURED_TAGS]
        examples.measures.append([numbers[name] for name in schema.MEASURES])
        examples.said.append(frozenset(said))
        examples.ruled.append(frozenset(ruled))
        examples.particles.append(particle_id)
    return examples


def _corrected(ds: Any) -> Iterator[tuple[str, Mapping[str, Any], tuple[str, ...] | None]]:
    """Yield particle, raw view and tags of every correction; None for the tags when it is about other pixels."""
    corrections = history.view_tags(dataset.dataset_id(ds))
    for chunk in dataset.chunks(sorted(corrections), 1000):
        found = dataset.read_views(ds, chunk, _FIELDS)
        for particle_id in chunk:
            for name, correction in sorted(corrections[particle_id].items()):
                view = found.get(particle_id, {}).get(name, {})
                holds = judging.about(correction, dataset.content_hash(view))
                yield particle_id, view, holds.tags if holds else None


def _table(rows: Sequence[frozenset[str]]) -> Any:
    return np.array([[tag in row for tag in learned.LEARNABLE] for row in rows], np.bool_).reshape(
        len(rows), len(learned.LEARNABLE)
    )
