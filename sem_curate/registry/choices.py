"""What a dataset uses where there is a choice: a value in its settings, and who chose it when and why.

Such a choice can always be taken back: the log keeps every value, and what it names (a numbered model, a rule) is never
changed or deleted.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from sem_curate.registry.connection import connect
from sem_curate.registry.documents import DatasetRecord, now

# Keys in the settings of a dataset's record; the log of each stands under the key with "_log" behind it.
RULE: Final = "proposal_rule"  # {"name"}: a proposal rule, see decide/rules.py
WITHOUT_CERTIFICATE: Final = "auto_without_certificate"  # {"on"}: somebody knowingly does without a guarantee


def chosen(dataset_id: str, key: str) -> dict[str, Any]:
    """Return the value in force with ``by``, ``at`` and ``reason``; empty when nobody chose."""
    connect()
    record = DatasetRecord.objects(dataset_id=dataset_id).first()
    return dict((record.settings or {}).get(key) or {}) if record else {}


def choose(dataset_id: str, key: str, value: Mapping[str, Any], *, by: str, reason: str = "") -> None:
    """Put a value in force; who, when and why is kept."""
    connect()
    entry = {**value, "by": by, "at": now(), "reason": reason}
    # One update: the value in force and its line in the log cannot disagree.
    DatasetRecord._get_collection().update_one(
        {"_id": dataset_id}, {"$set": {f"settings.{key}": entry}, "$push": {f"settings.{key}_log": entry}}
    )


def log(dataset_id: str, key: str) -> list[dict[str, Any]]:
    """Return every value that was in force, oldest first."""
    connect()
    record = DatasetRecord.objects(dataset_id=dataset_id).first()
    return [dict(entry) for entry in (record.settings or {}).get(f"{key}_log", [])] if record else []
