"""The promise "at most alpha wrong among auto-confirmed, with confidence 1 - delta", as data. Pure."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any, Final

CERTIFIED: Final = "certified"
SUGGESTION: Final = "suggestion"  # too few audits, or too many of them wrong: nothing is promised
SUSPENDED: Final = "suspended"  # was certified; production no longer looks like what was audited
STATUSES: Final = (CERTIFIED, SUGGESTION, SUSPENDED)

# Why a result is what it is; texts in messages.py under "certificate.".
TOO_FEW_AUDITS: Final = "too_few_audits"
TOO_MANY_WRONG: Final = "too_many_wrong"  # audits as wrong as these would never do: better masters, or another alpha
SCORES_MOVED: Final = "scores_moved"
AUDITS_FAIL: Final = "audits_fail"
LABEL_REDEFINED: Final = "label_redefined"  # the audits were judged by what it meant before


@dataclass(frozen=True)
class Promise:
    """What the user asks for: at most ``alpha`` wrong among auto-confirmed, at a risk of at most ``delta``."""

    alpha: float = 0.05
    delta: float = 0.10

    def __post_init__(self) -> None:
        """Refuse values outside their ranges."""
        for name, value in (("alpha", self.alpha), ("delta", self.delta)):
            if not 0 < value < 1:
                raise ValueError(f"{name} must lie between 0 and 1; got {value}")


@dataclass(frozen=True)
class Step:
    """One tested threshold: audits at or above it, how many of them were wrong, and the p-value."""

    threshold: float
    accepted: int
    errors: int
    p: float


@dataclass(frozen=True)
class Evidence:
    """What the audits say about one proposed label: audited, of these at or above the threshold, of these wrong."""

    label_id: str
    audited: int
    accepted: int
    errors: int


@dataclass(frozen=True)
class Certificate:
    """Result of testing thresholds on audits; ``certificate_id`` is the hash of all the rest.

    Attributes:
        status: one of :data:`STATUSES`.
        alpha: promised largest share of errors.
        delta: risk that the promise fails, over draws of the audits.
        threshold: decision score from which proposals may be auto-confirmed; None unless something was certified.
        audited: audits used, unknowns included.
        accepted: of these at or above the threshold.
        errors: of these wrong; an unknown that got a label is wrong.
        automation: share of production at or above the threshold, in [0, 1].
        more_audits: expected number of further audits until something can be certified, if they turn out like the
            former; 0 when certified, None when more of the same would not help.
        why: codes for everything that is not certified.
        steps: the thresholds in the order in which they were tested.
        labels: evidence per proposed label; the promise is about all together, not about each.
        reference_id: what the scores were made with.
        audits_id: hash of the audited particles and their outcomes.
    """

    status: str
    alpha: float
    delta: float
    threshold: float | None
    audited: int
    accepted: int
    errors: int
    automation: float
    more_audits: int | None
    why: tuple[str, ...] = ()
    steps: tuple[Step, ...] = ()
    labels: tuple[Evidence, ...] = ()
    reference_id: str = ""
    audits_id: str = ""

    @property
    def certificate_id(self) -> str:
        """Content id."""
        return f"ct_{hashlib.sha256(self._text().encode()).hexdigest()[:24]}"

    @property
    def without_evidence(self) -> tuple[str, ...]:
        """Labels of which no audited particle reached the threshold: the promise says nothing about them alone."""
        return tuple(item.label_id for item in self.labels if item.accepted == 0)

    def as_dict(self) -> dict[str, Any]:
        """Return JSON values, the id included."""
        return {"certificate_id": self.certificate_id, **json.loads(self._text())}

    def _text(self) -> str:
        return json.dumps(asdict(self), sort_keys=True, ensure_ascii=False, allow_nan=False)


def from_dict(stored: Mapping[str, Any]) -> Certificate:
    """Read what :meth:`Certificate.as_dict` gave.

    Raises:
        ValueError: when the content does not give the id that stands beside it.
    """
    values = {key: value for key, value in stored.items() if key != "certificate_id"}
    values["why"] = tuple(values["why"])
    values["steps"] = tuple(Step(**step) for step in values["steps"])
    values["labels"] = tuple(Evidence(**item) for item in values["labels"])
    found = Certificate(**values)
    if stored.get("certificate_id", found.certificate_id) != found.certificate_id:
        raise ValueError(
            f"certificate {stored['certificate_id']} was changed after it was issued; certify again from the audits"
        )
    return found


def suspended(certificate: Certificate, why: tuple[str, ...]) -> Certificate:
    """Return the certificate as no longer in force, and why. Only what was certified can be suspended."""
    if certificate.status != CERTIFIED or not why:
        return certificate
    return replace(certificate, status=SUSPENDED, why=(*certificate.why, *why))
