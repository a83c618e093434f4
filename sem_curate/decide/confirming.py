"""What may happen without a person: under a certificate, for a user who knowingly does without, or nothing. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from sem_curate import schema
from sem_curate.decide.certificate import CERTIFIED, SUGGESTION
from sem_curate.decide.guarantee import confirmed
from sem_curate.decide.propose import BELOW_CERTIFICATE, NOT_CERTIFIED, SUSPENDED


class Held(Protocol):
    """What has to be known of a certificate; ``certificate.Certificate`` and a stored one will do."""

    @property
    def certificate_id(self) -> str:
        """Content id."""

    @property
    def status(self) -> str:
        """One of ``certificate.STATUSES``."""

    @property
    def threshold(self) -> float | None:
        """Decision score from which proposals may be confirmed."""


@dataclass(frozen=True)
class Nothing:
    """No certificate."""

    certificate_id: str = ""
    status: str = SUGGESTION
    threshold: float | None = None


@dataclass(frozen=True)
class Terms:
    """What allows proposals to be confirmed without a person.

    Attributes:
        certificate: the one for these proposals, certified or suspended; None without.
        without_certificate: somebody knowingly does without a guarantee; does not help while one is suspended.
    """

    certificate: Held | None = None
    without_certificate: bool = False

    @property
    def key(self) -> str:
        """Return a text that differs whenever proposals would come out differently."""
        held = self.certificate
        parts = (held.certificate_id, held.status, str(held.threshold)) if held else ("", "", "")
        return "|".join((*parts, str(self.without_certificate)))

    def as_dict(self) -> dict[str, Any]:
        """Return what receipts say about them."""
        held = self.certificate
        return {
            "certificate_id": held.certificate_id if held else None,
            "certificate": {"status": held.status, "threshold": held.threshold} if held else None,
            "auto_without_certificate": self.without_certificate,
        }


def from_dict(content: dict[str, Any]) -> Terms:
    """Return the terms that a receipt names."""
    held = content["certificate"]
    named = Nothing(content["certificate_id"], held["status"], held["threshold"]) if held else None
    return Terms(named, content["auto_without_certificate"])


def settle(contents: Sequence[dict[str, Any]], terms: Terms) -> list[dict[str, Any]]:
    """Return the contents of receipts with the states that the terms allow.

    Under a certificate the decision score alone counts, because that is what was tested: what spoke against a
    confirmed proposal stands in ``set_aside``. Without one, and unless somebody knowingly does without, what the
    evidence suggests as auto is left to people.
    """
    held: Held = terms.certificate or Nothing()
    # In single precision, as scores are stored: a threshold is one of them.
    score = np.array([content["score"] for content in contents], np.float32)
    auto = np.array([content["suggested_state"] == schema.AUTO for content in contents], np.bool_)
    named = np.array([content["label_id"] is not None for content in contents], np.bool_)
    allowed = confirmed(held, score, auto, opted_in=terms.without_certificate) & named
    reason = (
        NOT_CERTIFIED if held.status == SUGGESTION else BELOW_CERTIFICATE if held.status == CERTIFIED else SUSPENDED
    )
    settled = []
    for content, free, suggested in zip(contents, allowed.tolist(), auto.tolist(), strict=True):
        if free:
            change = {"state": schema.AUTO, "reasons": [], "set_aside": content["reasons"]}
        elif suggested:
            change = {"state": schema.REVIEW, "reasons": [reason]}
        else:
            change = {}
        settled.append({**content, **change})
    return settled
