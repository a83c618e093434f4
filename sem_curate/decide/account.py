"""The whole account of a batch of proposals, as its receipts will say it; the same when proposed and replayed. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from sem_curate.config import as_dict
from sem_curate.decide import advice, confirming, receipts, reference
from sem_curate.decide.assess import Assessment
from sem_curate.decide.confirming import Terms
from sem_curate.decide.reference import Batch, Reference

# What a receipt says about its circumstances and a replay takes from it; everything else is worked out again.
GIVEN: Final = (
    "reference_id", "encoder_key", "encoder", "master_set_version", "certificate_id", "certificate",
    "auto_without_certificate",
)  # fmt: skip
IMAGE: Final = 16  # characters of an image's hash


def contents(
    batch: Batch,
    frozen: Reference,
    view_names: Sequence[str],
    terms: Terms,
    given: Mapping[str, Any],
    assessed: Assessment | None = None,
) -> list[dict[str, Any]]:
    """Return the content of one receipt per particle, the versions of its labels aside (:func:`with_versions`).

    Args:
        batch: particles.
        frozen: what they are compared with.
        view_names: V names.
        terms: what may be confirmed without a person.
        given: values of :data:`GIVEN`.
        assessed: what ``reference.propose_batch`` said, where that is known already.
    """
    found = reference.propose_batch(batch, frozen) if assessed is None else assessed
    shared = {
        **given,
        "integrator": frozen.integrator,
        "thresholds": as_dict(frozen.thresholds),
        "settings": reference.settings_parts(frozen.lane.default.config, frozen.lane.config),
    }
    evidence = receipts.evidence(
        found,
        receipts.Known(view_names, frozen.label_ids, frozen.master_ids, frozen.labels),
        disputed=reference.disputed_views(batch, found.weights),
        retakes=advice.retakes(batch, found, frozen, view_names),
    )
    settled = confirming.settle(evidence, terms)
    images = [_images(row, view_names) for row in batch.images] or [{} for _ in settled]
    return [
        {**shared, **content, "images": shown} for content, shown in zip(settled, images, strict=True)
    ]  # fmt: skip


def with_versions(content: Mapping[str, Any], versions: Mapping[str, int]) -> dict[str, Any]:
    """Add which version of its labels' names and definitions was in force; they do not shape a proposal."""
    named = {row["label_id"] for row in (*content["candidates"], *content["masters"])}
    return {**content, "label_versions": {label: versions[label] for label in sorted(named) if label in versions}}


def _images(row: Sequence[str | None], view_names: Sequence[str]) -> dict[str, str | None]:
    return {name: image[:IMAGE] if image else None for name, image in zip(view_names, row, strict=True)}
