"""From drawing audits to a certificate, its suspension and its end, on a real dataset."""

from __future__ import annotations

import uuid
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from sem_curate import schema
from sem_curate.decide.certificate import AUDITS_FAIL, CERTIFIED, SCORES_MOVED, SUGGESTION, SUSPENDED, Promise
from sem_curate.errors import ConflictError, InputError, StateError

pytestmark = pytest.mark.fiftyone
LOOSE = Promise(0.2, 0.2)  # 9 audits without an error certify at the first look


@pytest.fixture
def ds(certified: ModuleType, dataset_name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setenv("SEM_CURATE_HOME", str(tmp_path / "home"))
    return certified.build(dataset_name, tmp_path, 90)


def identity(ds: Any) -> str:
    from sem_curate import dataset

    return dataset.dataset_id(ds)


def fields(ds: Any, particle_id: str, *names: str) -> list[Any]:
    from sem_curate import dataset

    row = dataset.find_particles(ds, {schema.PARTICLE_ID: particle_id}, names)[0]
    return [row.get(name) for name in names]


def draw(ds: Any, count: int = 12, *, seed: int = 1) -> tuple[str, ...]:
    from sem_curate.decide import auditing
    from sem_curate.registry import audits

    auditing.draw(ds, count, by="sato", seed=seed)
    return audits.draws(identity(ds))[-1].particle_ids


def test_masters_and_decided_particles_are_never_drawn_and_none_is_drawn_twice(ds: Any, certified: ModuleType) -> None:
    from sem_curate.decide import auditing
    from sem_curate.registry import masters

    kept = set(masters.current(identity(ds)).masters)
    decided = [key for key in map(certified.name, range(90)) if key not in kept][:5]
    certified.judge(ds, decided)
    first, second = draw(ds, 30, seed=1), draw(ds, 300, seed=2)
    assert len(first) == 30
    assert len(second) == 90 - len(kept) - 5 - 30  # all that is left
    assert not (kept | set(decided)) & {*first, *second}
    assert not set(first) & set(second)
    with pytest.raises(StateError, match="already were"):
        auditing.draw(ds, 1, by="sato")


def test_a_draw_is_the_same_for_the_same_request_and_seed(ds: Any) -> None:
    from sem_curate.decide import auditing
    from sem_curate.registry import audits

    made = auditing.draw(ds, 5, by="sato", seed=3, request_id="once")
    again = auditing.draw(ds, 5, by="sato", seed=3, request_id="once")
    assert (made["draw_id"], made["drawn"]) == (again["draw_id"], again["drawn"])
    assert len(audits.draws(identity(ds))) == 1


def test_an_audit_is_judged_blind_until_its_whole_draw_is(ds: Any, certified: ModuleType) -> None:
    from sem_curate.review import run as review

    shown_before = review.card(ds, certified.name(50))
    assert shown_before["proposal"]
    keys = draw(ds, 3)
    for key in keys:
        card = review.card(ds, key)
        assert card["proposal"] is None
        assert not card["candidates"]
        assert not card["masters"]
        assert card["state"] is None
        assert card["receipt_id"] is None
        assert [reason["code"] for reason in card["reasons"]] == ["audit"]
        assert "hidden" in card["notice"]["en"]
        assert fields(ds, key, schema.PROPOSAL, schema.AUDIT) == [None, schema.AUDIT_OPEN]
    queue = [review.next_id(ds, queue="audit")]
    queue.append(review.next_id(ds, queue="audit", after=queue[0]))
    assert queue == list(keys[:2])  # in the order of the draw, which says nothing about the proposals
    assert review.counts(ds)["audit"] == 3
    for other in ("review", "unknown", "auto"):
        assert review.next_id(ds, queue=other) not in keys
    with pytest.raises(InputError, match="is an audit"):
        review.decide(ds, keys[0], "accept", by="sato", request_id=uuid.uuid4().hex)

    certified.judge(ds, keys[:2])
    assert review.card(ds, keys[0])["proposal"] is None
    assert fields(ds, keys[0], schema.PROPOSAL, schema.AUDIT) == [None, schema.AUDIT_JUDGED]
    certified.judge(ds, keys[2:])
    for key in keys:
        proposal, mark = fields(ds, key, schema.PROPOSAL, schema.AUDIT)
        assert proposal["label"] == certified.true_label(key)
        assert mark == schema.AUDIT_CLOSED
        assert review.card(ds, key)["proposal"]["name_en"] == certified.true_label(key)


def test_an_audit_is_an_event_like_any_other_and_undoing_it_opens_it_again(ds: Any, certified: ModuleType) -> None:
    from sem_curate.decide import auditing
    from sem_curate.registry import history
    from sem_curate.review import run as review

    keys = draw(ds, 3)
    certified.judge(ds, keys[:1])
    events = history.of_particles(identity(ds), [keys[0]])[keys[0]]
    assert [(event.kind, event.decision, event.source) for event in events] == [
        ("decide", schema.CONFIRMED, "audit/app")
    ]
    assert auditing.standing(ds).judged == keys[:1]
    review.undo(ds, by="sato", request_id=uuid.uuid4().hex)
    assert auditing.standing(ds).waiting == keys
    assert fields(ds, keys[0], schema.AUDIT) == [schema.AUDIT_OPEN]


def test_enough_audits_without_an_error_certify_and_say_so(ds: Any, certified: ModuleType) -> None:
    from sem_curate.decide import certifying
    from sem_curate.registry import certificates

    before = certifying.status(ds)
    assert before["status"] == SUGGESTION
    assert before["en"] == f"suggestion: {before['more_audits']} more audits needed"
    assert certificates.active(identity(ds)) is None
    keys = draw(ds, 20)
    with pytest.raises(StateError, match="20 drawn particles wait"):
        certifying.try_to_certify(ds, LOOSE, by="sato")
    certified.judge(ds, keys)
    held = certifying.try_to_certify(ds, LOOSE, by="sato")
    assert held is not None
    assert (held.status, held.audited, held.errors, held.look) == (CERTIFIED, 20, 0, 1)
    assert held.content["delta"] < held.delta == LOOSE.delta
    active = certificates.active(identity(ds))
    assert active == held
    assert certificates.active(identity(ds), reference_id="another") is None
    shown = certifying.status(ds)
    assert shown["en"] == "certified: at most 20 % wrong, from 20 audits (confidence 80 %)"
    assert sum(row["audited"] for row in shown["labels"]) == 20


def test_the_same_question_is_no_second_look_and_another_promise_is(ds: Any, certified: ModuleType) -> None:
    from sem_curate.decide import certifying
    from sem_curate.registry import certificates

    certified.judge(ds, draw(ds, 20))
    looks = [
        getattr(certifying.try_to_certify(ds, promise, by="sato"), "look", None)
        for promise in (LOOSE, LOOSE, Promise(0.15, 0.2))
    ]
    assert looks == [1, 1, 2]
    assert len(certificates.attempts(identity(ds))) == 2


def test_unknowns_and_what_nobody_judged_count_as_wrong(ds: Any, certified: ModuleType) -> None:
    from sem_curate.decide import auditing, certifying

    keys = draw(ds, 20)
    certified.judge(ds, keys[:12])
    certified.judge(ds, keys[12:16], lambda _: "unknown")
    assert auditing.close(ds, by="sato")
    held = certifying.try_to_certify(ds, LOOSE, by="sato")
    assert held is not None
    assert held.audited == 20
    assert certifying.status(ds)["errors"] == 8
    assert held.status == SUGGESTION


def test_a_verdict_changed_after_the_proposals_were_shown_counts_as_wrong(ds: Any, certified: ModuleType) -> None:
    from sem_curate.decide import certifying

    keys = draw(ds, 10)
    certified.judge(ds, keys[:9])
    certified.judge(ds, keys[9:], lambda _: "unknown")
    certified.judge(ds, keys[9:])  # now agreeing, having seen the proposal
    certifying.try_to_certify(ds, LOOSE, by="sato")
    assert certifying.status(ds)["errors"] + _errors(ds) >= 1


def _errors(ds: Any) -> int:
    from sem_curate.registry import certificates

    return certificates.attempts(identity(ds))[-1].errors


def test_audits_of_a_draw_that_gave_a_master_no_longer_count(ds: Any, certified: ModuleType) -> None:
    from sem_curate import pipeline
    from sem_curate.decide import certifying
    from sem_curate.decide.run import register_masters

    keys = draw(ds, 20)
    certified.judge(ds, keys)
    register_masters(ds, {certified.true_label(keys[0]): [keys[0]]}, by="sato")
    pipeline.run_stages(ds, ("propose",))
    assert certifying.try_to_certify(ds, LOOSE, by="sato") is None
    shown = certifying.status(ds)
    assert shown["spent"] == 20
    assert shown["audited"] == 0
    assert "spent" in [reason["code"] for reason in shown["why"]]


def test_a_new_master_set_ends_what_a_certificate_says(ds: Any, certified: ModuleType) -> None:
    from sem_curate import pipeline
    from sem_curate.decide import certifying
    from sem_curate.decide.run import register_masters

    keys = draw(ds, 20)
    certified.judge(ds, keys)
    certifying.try_to_certify(ds, LOOSE, by="sato")
    outside = next(key for key in map(certified.name, range(25, 90)) if key not in keys)
    register_masters(ds, {certified.true_label(outside): [outside]}, by="sato")
    pipeline.run_stages(ds, ("propose",))
    shown = certifying.status(ds)
    assert shown["status"] == SUGGESTION
    assert "other_reference" in [reason["code"] for reason in shown["why"]]
    assert shown["can_try"]  # the audits still are a random sample: they may be looked at once more
    assert getattr(certifying.try_to_certify(ds, LOOSE, by="sato"), "look", None) == 2


def test_a_batch_that_looks_different_suspends_and_a_person_can_bring_it_back(
    ds: Any, certified: ModuleType, tmp_path: Path
) -> None:
    from sem_curate.decide import certifying
    from sem_curate.registry import certificates

    certified.judge(ds, draw(ds, 20))
    held = certifying.try_to_certify(ds, LOOSE, by="sato")
    assert held is not None
    assert (certifying.watch(ds) or {})["suspended"] is False
    certified.build(ds.name, tmp_path, 30, start=100, noise=3.0)
    certifying.watch(ds)
    shown = certifying.status(ds)
    assert shown["status"] == SUSPENDED
    assert SCORES_MOVED in [reason["code"] for reason in shown["why"]]
    assert "known-ness" in shown["why"][0]["en"]
    stored = certificates.active(identity(ds))
    assert stored is not None
    assert stored.status == SUSPENDED
    certifying.change(ds, certificates.ACTIVE, None, by="tanaka", reason="new magnification, checked by hand")
    assert certifying.status(ds)["status"] == CERTIFIED
    assert (certifying.watch(ds) or {})["suspended"] is False  # that batch was looked at
    log = [entry["status"] for entry in certificates.attempts(identity(ds))[-1].log]
    assert log == [certificates.ACTIVE, certificates.SUSPENDED, certificates.ACTIVE]


def test_audits_of_before_a_drift_do_not_certify_what_came_after(
    ds: Any, certified: ModuleType, tmp_path: Path
) -> None:
    from sem_curate.decide import auditing, certifying

    certified.judge(ds, draw(ds, 20))
    certifying.try_to_certify(ds, LOOSE, by="sato")
    certified.build(ds.name, tmp_path, 30, start=100, noise=3.0)
    shown = certifying.status(ds)
    assert shown["status"] == SUSPENDED
    assert shown["more_audits"] >= 9
    assert f"{shown['more_audits']} more audits needed to certify again" in shown["en"]
    assert (shown["audited"], shown["spent"]) == (0, 20)
    assert "outdated" in [reason["code"] for reason in shown["why"]]
    assert certifying.try_to_certify(ds, LOOSE, by="sato") is None  # nothing to look at
    certified.judge(ds, draw(ds, 3, seed=2))  # on top of twenty that were right
    held = certifying.try_to_certify(ds, LOOSE, by="sato")
    assert held is not None
    assert (held.status, held.audited, held.look) == (SUGGESTION, 3, 1)
    assert certifying.status(ds)["status"] == SUSPENDED
    certified.judge(ds, draw(ds, 17, seed=3))
    again = certifying.try_to_certify(ds, LOOSE, by="sato")
    assert again is not None
    assert again.audited == 20
    if again.status == CERTIFIED:
        assert certifying.status(ds)["status"] == CERTIFIED
    assert len(auditing.standing(ds).outdated) == 1  # for good: they are about what production was


def test_later_audits_with_too_many_wrong_suspend(ds: Any, certified: ModuleType) -> None:
    from sem_curate.decide import certifying

    certified.judge(ds, draw(ds, 20))
    certifying.try_to_certify(ds, LOOSE, by="sato")
    certified.judge(ds, draw(ds, 15, seed=2), lambda _: "unknown")
    found = certifying.watch(ds)
    assert found is not None
    assert found["why"] == [AUDITS_FAIL]
    shown = certifying.status(ds)
    assert shown["status"] == SUSPENDED
    assert (shown["audited"], shown["errors"]) == (15, 15)  # the wrong ones stay, or drawing again would be choosing


def test_a_person_who_suspends_is_named_with_her_reason(ds: Any, certified: ModuleType) -> None:
    from sem_curate.decide import certifying
    from sem_curate.registry import certificates

    certified.judge(ds, draw(ds, 20))
    certifying.try_to_certify(ds, LOOSE, by="sato")
    certifying.change(ds, certificates.SUSPENDED, None, by="tanaka", reason="wrong recipe")
    assert "suspended by tanaka: wrong recipe" in [reason["en"] for reason in certifying.status(ds)["why"]]


def test_revoking_leaves_nothing_in_force_and_is_told(ds: Any, certified: ModuleType) -> None:
    from sem_curate.decide import certifying
    from sem_curate.registry import certificates

    with pytest.raises(StateError, match="no certificate"):
        certifying.change(ds, certificates.REVOKED, None, by="sato", reason="")
    certified.judge(ds, draw(ds, 20))
    held = certifying.try_to_certify(ds, LOOSE, by="sato")
    assert held is not None
    certifying.change(ds, certificates.REVOKED, held.certificate_id, by="sato", reason="wrong recipe")
    assert certificates.active(identity(ds)) is None
    shown = certifying.status(ds)
    assert shown["status"] == SUGGESTION
    assert any("wrong recipe" in reason["en"] for reason in shown["why"])


def test_opting_in_is_kept_with_a_name_and_can_be_taken_back(ds: Any) -> None:
    from sem_curate.decide import certifying
    from sem_curate.registry import certificates

    assert not certificates.opted_in(identity(ds))
    certificates.opt_in(identity(ds), True, by="sato", reason="demo")
    assert certificates.opted_in(identity(ds))
    assert any("sato" in reason["en"] for reason in certifying.status(ds)["why"])
    certificates.opt_in(identity(ds), False, by="sato")
    assert not certificates.opted_in(identity(ds))


def test_a_draw_whose_process_died_before_the_fields_were_written_is_blind_all_the_same(ds: Any) -> None:
    from sem_curate import mirror
    from sem_curate.registry import audits
    from sem_curate.review import run as review

    keys = draw(ds, 2)
    audits.add(
        identity(ds), ["P-0060"], draw_id="d", seed=0, population=1, reference_id="", master_set_version=1, by="x"
    )
    assert "P-0060" not in keys
    assert review.card(ds, "P-0060")["proposal"] is None
    mirror.rebuild(ds)
    assert fields(ds, "P-0060", schema.PROPOSAL, schema.AUDIT) == [None, schema.AUDIT_OPEN]


def test_two_at_once_on_one_certificate_is_a_conflict(
    ds: Any, certified: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    from sem_curate.decide import certifying
    from sem_curate.registry import certificates
    from sem_curate.registry.documents import CertificateRecord

    certified.judge(ds, draw(ds, 20))
    held = certifying.try_to_certify(ds, LOOSE, by="sato")
    assert held is not None
    real = certificates.journaled

    def slow(document: Any) -> Any:
        CertificateRecord._get_collection().update_one({"dataset_id": identity(ds)}, {"$inc": {"rev": 1}})
        return real(document)

    monkeypatch.setattr(certificates, "journaled", slow)
    with pytest.raises(ConflictError):
        certifying.change(ds, certificates.REVOKED, None, by="sato", reason="")


def test_master_health_counts_what_each_drives_and_who_was_overruled(ds: Any, certified: ModuleType) -> None:
    from sem_curate.decide.health_run import masters_health

    others = [certified.name(number) for number in range(30, 50)]
    certified.judge(ds, others[:15])
    certified.judge(ds, others[15:], lambda _: "unknown")
    found = masters_health(ds)
    assert len(found["masters"]) == 20
    assert sum(row["drives"] for row in found["masters"]) == pytest.approx(1, abs=0.05)
    assert sum(row["decided"] for row in found["masters"]) == 20
    assert sum(row["reversals"] for row in found["masters"]) == 5
    for row in found["masters"]:
        mostly = row["reversals"] >= 3 and 2 * row["reversals"] > row["decided"]
        assert mostly <= (row["suggestion"]["code"] != "keep")
    assert {row["rival_en"] for row in found["masters"]} == {"needle", "sphere"}
    assert all(row["filepath"] and row["suggestion"]["ja"] for row in found["masters"])
    assert {row["masters"] for row in found["labels"]} == {10}
    assert all(row["recall"] == 1 for row in found["labels"])


def test_another_meaning_of_a_label_suspends_what_was_certified_and_a_new_name_does_not(
    ds: Any, certified: ModuleType
) -> None:
    from sem_curate.decide import certifying
    from sem_curate.registry import certificates, masters
    from sem_curate.review import relabel

    certified.judge(ds, draw(ds, 20))
    held = certifying.try_to_certify(ds, LOOSE, by="sato")
    assert held is not None
    assert held.status == CERTIFIED
    label = next(iter(masters.in_force(identity(ds)).masters.values()))
    relabel.apply(ds, "rename", label, {"name_en": "something else"}, by="sato")
    assert certificates.active(identity(ds)).status == CERTIFIED
    relabel.apply(ds, "redefine", label, {"definition_en": "longer than three times its width"}, by="sato")
    found = certificates.active(identity(ds))
    assert found.status == SUSPENDED
    assert [row["code"] for row in found.why] == ["label_redefined"]
    shown = certifying.status(ds)
    assert "means something else" in str(shown["why"])
