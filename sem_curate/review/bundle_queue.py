"""The queue of what is to be reviewed again, bundle by bundle, after a label was split or got another meaning."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any, Final

from sem_curate import dataset, messages, schema
from sem_curate.registry import bundles, label_log, label_model, labels
from sem_curate.registry.label_model import LabelView
from sem_curate.review import relabel_bundles

BUNDLES: Final = "bundles"
# In the words of the partial index.
WHERE: Final[Mapping[str, Any]] = {schema.BUNDLE: {"$type": "string"}, schema.BUNDLE_ORDER: {"$gte": 0}}
MINUTE: Final = 60.0
_LOOKED: dict[tuple[str, str, int], float] = {}  # when a redefined label was last looked at


def prepare(ds: Any) -> None:
    """Make the bundles that are still missing: of split labels, and of those with decisions under an older meaning.

    Whether an older decision is doubtful can be said only once some were made under the new meaning, so redefined
    labels are looked at again, at most once a minute.
    """
    record = dataset.record(ds)
    for label in label_log.catalogue(record.catalogue).values():
        if label.status == label_model.SPLIT:
            if bundles.occasion(record.dataset_id, label, relabel_bundles.SPLIT) is None:
                relabel_bundles.bundles(ds, label.label_id, why=relabel_bundles.SPLIT)
        elif label.version > 1 and _due(record.dataset_id, label) and _redefined(label):
            relabel_bundles.bundles(ds, label.label_id, why=relabel_bundles.DRIFT)


def count(ds: Any) -> int:
    """Return how many particles wait, those of a split that has no bundles yet included."""
    record = dataset.record(ds)
    known = label_log.catalogue(record.catalogue)
    found = dataset.count_particles(ds, WHERE) if bundles.any_of(record.dataset_id) else 0
    for label in known.values():
        if label.status == label_model.SPLIT and not bundles.occasion(
            record.dataset_id, label, relabel_bundles.SPLIT
        ):  # fmt: skip
            ids = label_model.aliases(known, label.label_id)
            found += dataset.count_particles(ds, {f"{schema.LABEL}.label_id": {"$in": ids}})
    return found


def reason(bundle_id: str | None) -> dict[str, str] | None:
    """Return why a particle is looked at again, as a review reason, or None."""
    found = bundles.get(bundle_id) if bundle_id else None
    if found is None:
        return None
    named = labels.by_ids([one for one in (found["label_id"], found["suggested"]) if one])
    # The label by its own id: a split one is read as nothing else.
    label, suggested = named.get(found["label_id"]), named.get(found["suggested"] or "")
    code = f"again.{found['why']}" + ("_as" if suggested else "")
    words = {
        language: messages.text(code, language).format(
            label=label.name(language) if label else "?", suggested=suggested.name(language) if suggested else ""
        )
        for language in ("ja", "en")
    }
    return {"code": f"again_{found['why']}", **words}


def _redefined(label: LabelView) -> bool:
    return any(not label_model.same_meaning(view, label) for view in label_log.versions(label.label_id))


def _due(dataset_id: str, label: LabelView) -> bool:
    key, now = (dataset_id, label.label_id, label.version), time.monotonic()
    if now - _LOOKED.get(key, -MINUTE) < MINUTE:
        return False
    _LOOKED[key] = now
    return True
