"""What may happen without a person, on made-up evidence."""

from __future__ import annotations

from typing import Any

import pytest

from sem_curate import schema
from sem_curate.decide import confirming
from sem_curate.decide.certificate import CERTIFIED, SUGGESTION, SUSPENDED
from sem_curate.decide.confirming import Nothing, Terms
from sem_curate.messages import MESSAGES


def content(state: str, score: float, *reasons: str, label: str | None = "lb_a") -> dict[str, Any]:
    return {
        "label_id": label, "state": state, "suggested_state": state, "score": score, "reasons": list(reasons),
        "set_aside": [],
    }  # fmt: skip


SURE = content(schema.AUTO, 0.9)
LESS = content(schema.AUTO, 0.2)
DOUBTED = content(schema.REVIEW, 0.8, "one_view", "views_disagree")
STRANGE = content(schema.UNKNOWN, 0.01, "unknown")
EMPTY = content(schema.REVIEW, 0.0, "no_usable_view", label=None)
ALL = [SURE, LESS, DOUBTED, STRANGE, EMPTY]


def states(terms: Terms) -> list[str]:
    return [settled["state"] for settled in confirming.settle(ALL, terms)]


def test_nobody_promised_anything() -> None:
    settled = confirming.settle(ALL, Terms())
    assert [one["state"] for one in settled] == ["review", "review", "review", "unknown", "review"]
    assert settled[0]["reasons"] == ["not_certified"]
    assert settled[0]["suggested_state"] == schema.AUTO
    assert settled[2:] == ALL[2:]


def test_somebody_knowingly_does_without() -> None:
    assert states(Terms(None, True)) == ["auto", "auto", "review", "unknown", "review"]
    assert states(Terms(Nothing("ct", SUGGESTION), True)) == ["auto", "auto", "review", "unknown", "review"]


def test_under_a_certificate_the_score_alone_counts() -> None:
    settled = confirming.settle(ALL, Terms(Nothing("ct", CERTIFIED, 0.5)))
    assert [one["state"] for one in settled] == ["auto", "review", "auto", "unknown", "review"]
    assert settled[1]["reasons"] == ["below_certificate"]
    assert (settled[2]["reasons"], settled[2]["set_aside"]) == ([], ["one_view", "views_disagree"])
    # Whatever the threshold: without a label there is nothing to confirm.
    assert states(Terms(Nothing("ct", CERTIFIED, 0.0)))[4] == schema.REVIEW


@pytest.mark.parametrize("opted", [False, True])
def test_a_suspended_certificate_confirms_nothing(opted: bool) -> None:
    settled = confirming.settle(ALL, Terms(Nothing("ct", SUSPENDED, 0.5), opted))
    assert schema.AUTO not in [one["state"] for one in settled]
    assert settled[0]["reasons"] == ["certificate_suspended"]


def test_terms_survive_a_receipt_and_every_reason_has_words() -> None:
    for terms in (Terms(), Terms(None, True), Terms(Nothing("ct", CERTIFIED, 0.25), True)):
        assert confirming.from_dict(terms.as_dict()) == terms
    keys = {Terms().key, Terms(None, True).key, Terms(Nothing("a", CERTIFIED, 0.5)).key,
            Terms(Nothing("a", SUSPENDED, 0.5)).key}  # fmt: skip
    assert len(keys) == 4
    for code in confirming.NOT_CERTIFIED, confirming.SUSPENDED, confirming.BELOW_CERTIFICATE:
        assert set(MESSAGES[f"reason.{code}"]) == {"ja", "en"}
