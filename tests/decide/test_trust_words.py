"""What is said about a promise, in both languages."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

from sem_curate.decide import guarantee, trust_words
from sem_curate.decide.certificate import AUDITS_FAIL, CERTIFIED, SCORES_MOVED, SUSPENDED, Promise


@dataclass(frozen=True)
class Held:
    status: str = CERTIFIED
    alpha: float = 0.02
    delta: float = 0.05
    audited: int = 214
    why: Sequence[Mapping[str, Any]] = ()
    log: Sequence[Mapping[str, Any]] = ()


def foreseen(right: int) -> Any:
    audits = guarantee.Audits(
        tuple(map(str, range(right))), np.ones(right, np.float32), np.ones(right, bool), ("a",) * right
    )
    return guarantee.certify(audits, np.ones(50, np.float32), Promise(0.05, 0.1))


@pytest.mark.parametrize(
    ("more", "can_try", "right", "waiting", "left", "anything", "en"),
    [
        (45, False, 0, 0, 300, True, "suggestion: 45 more audits needed"),
        (45, False, 0, 3, 300, True, "suggestion: 45 more audits needed, 3 of them wait for your judgement"),
        (45, False, 0, 0, 30, True, "suggestion: 45 more audits needed, but only 30 particles are left to audit"),
        (0, True, 60, 0, 300, True, "suggestion: 60 audits are in; try to certify"),
        (None, False, 60, 0, 300, True, "suggestion: too many audits are wrong; more would not help"),
        (None, True, 0, 0, 300, True, "suggestion: too many audits are wrong"),  # a try would only spend risk
        (45, False, 0, 0, 0, False, "nothing has been proposed yet"),
    ],
)
def test_the_line_says_what_is_missing(
    more: int | None, can_try: bool, right: int, waiting: int, left: int, anything: bool, en: str
) -> None:
    shared = {"waiting": waiting, "left": left}
    said = trust_words.suggestion(more, can_try, foreseen(right), shared, anything)
    assert said["en"].startswith(en)
    assert said["ja"]
    assert "{" not in said["ja"] + said["en"]


def test_a_certificate_says_its_promise_and_a_suspended_one_why() -> None:
    assert trust_words.held(Held())["en"] == "certified: at most 2 % wrong, from 214 audits (confidence 95 %)"
    assert trust_words.held(Held())["ja"] == "保証あり: 誤り 2 % 以下（監査 214 件、信頼度 95 %）"
    why = [{"code": SCORES_MOVED, "names": ["margin", "knownness"]}, {"code": AUDITS_FAIL, "names": []}]
    suspended = Held(status=SUSPENDED, why=why)
    assert trust_words.held(suspended)["en"] == "certificate suspended"
    first, second = trust_words.reasons(suspended)
    assert "margin, known-ness" in first["en"]
    assert "既知らしさ" in first["ja"]
    assert second["code"] == AUDITS_FAIL


def test_what_a_person_suspended_names_her_and_her_reason() -> None:
    log = [{"by": "sato", "reason": "first"}, {"by": "tanaka", "reason": "wrong recipe"}]
    (said,) = trust_words.reasons(Held(status=SUSPENDED, log=log))
    assert said["en"] == "suspended by tanaka: wrong recipe"
    assert said["ja"] == "tanaka が停止しました: wrong recipe"
    assert trust_words.reasons(Held(log=log)) == []


def test_a_suspended_certificate_says_what_it_takes_to_certify_again() -> None:
    assert trust_words.suspended(31, False)["en"] == "certificate suspended: 31 more audits needed to certify again"
    assert "try to certify again" in trust_words.suspended(31, True)["en"]
    assert trust_words.suspended(None, False)["en"] == "certificate suspended"
