"""How a promise stands, in words: one line and further sentences, in Japanese and English. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from sem_curate import messages
from sem_curate.decide.certificate import CERTIFIED, SUSPENDED, Certificate

Words = dict[str, str]


class Held(Protocol):
    """What is said of a stored certificate."""

    @property
    def status(self) -> str:
        """One of ``certificate.STATUSES``."""

    @property
    def alpha(self) -> float:
        """Promised largest share of errors."""

    @property
    def delta(self) -> float:
        """Promised risk."""

    @property
    def audited(self) -> int:
        """Audits used."""

    @property
    def why(self) -> Sequence[Mapping[str, Any]]:
        """Codes and names of what suspended it; empty when a person did."""

    @property
    def log(self) -> Sequence[Mapping[str, Any]]:
        """Its changes, oldest first: who, when, why."""


def percent(share: float) -> str:
    """Return a share in words: 0.02 -> "2 %"."""
    return f"{100 * share:.3g} %"


def line(code: str, **values: object) -> Words:
    """Return the text of a code of certificates with its values."""
    return {
        language: messages.text(f"certificate.{code}", language).format(**values) for language in ("ja", "en")
    }  # fmt: skip


def reasons(held: Held) -> list[Words]:
    """Return why a certificate is suspended, ``{"code", "ja", "en"}`` each."""
    if held.status == SUSPENDED and not held.why:
        last = held.log[-1]
        return [{"code": "by_hand", **line("by_hand", who=last["by"], reason=last["reason"] or "–")}]
    return [{"code": row["code"], **_reason(row)} for row in held.why]


def suspended(more: int | None, can_try: bool) -> Words:
    """Return the line of a suspended certificate: what it takes to certify again."""
    if can_try:
        return line("suspended_try")
    return line("suspended_more", more=more) if more else line("suspended")


def suggestion(
    more: int | None, can_try: bool, foreseen: Certificate, shared: Mapping[str, Any], anything: bool
) -> Words:
    """Return the line while nothing is certified.

    Args:
        more: audits that are still needed; None when more of the same would not help.
        can_try: there are audits that were not looked at yet.
        foreseen: what looking at them now would give.
        shared: ``{"waiting", "left"}``, drawn particles nobody judged and particles that could be drawn.
        anything: something was proposed.
    """
    if not anything:
        return line("line_nothing")
    if can_try and foreseen.status == CERTIFIED:
        return line("line_try", audited=foreseen.audited)
    if more is None:
        return line("line_too_many_wrong")
    if shared["waiting"]:
        return line("line_waiting", more=more, waiting=shared["waiting"])
    if more > shared["left"]:
        return line("line_exhausted", more=more, left=shared["left"])
    return line("line_more", more=more)


def held(found: Held) -> Words:
    """Return the line of a certificate."""
    if found.status == SUSPENDED:
        return line("suspended")
    return line(
        "line", alpha=percent(found.alpha), audited=found.audited, confidence=percent(1 - found.delta)
    )  # fmt: skip


def _reason(row: Mapping[str, Any]) -> Words:
    found = {}
    for language, comma in (("ja", "、"), ("en", ", ")):
        names = comma.join(messages.text(f"score.{name}", language) for name in row.get("names", ()))
        found[language] = messages.text(f"certificate.{row['code']}", language).format(names=names, more="?")
    return found
