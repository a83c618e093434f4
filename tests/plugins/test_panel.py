"""The panel's Python methods, called as the App calls them; the React half is tested in tests/e2e."""

from __future__ import annotations

import uuid
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.fiftyone


class Client:
    """Calls panel methods, and keeps panel state between calls like the App does."""

    def __init__(self, panel: Any, ds: Any) -> None:
        self.panel, self.ds, self.state, self.requests = panel, ds, {}, []

    def __call__(self, method: str, *, current_sample: str | None = None, **params: Any) -> Any:
        from fiftyone.operators.executor import ExecutionContext, Executor

        request = {
            "dataset_name": None if self.ds is None else self.ds.name,
            "current_sample": current_sample,
            "group_slice": "view5"
            if self.ds is not None and self.ds.media_type == "group"
            else None,  # as if somebody looked at it
            "params": {**params, "panel_id": "p", "panel_state": self.state, "__method__": method},
        }
        executor = Executor()
        result = self.panel.execute(ExecutionContext(request_params=request, executor=executor))
        self.requests = [(sent.operator_uri, sent.params) for sent in executor._requests]
        for uri, sent in self.requests:
            if uri == "patch_panel_state":
                self.state.update(sent["state"])
        return result

    def sent(self, uri: str) -> list[Any]:
        return [params for name, params in self.requests if name == uri]


@pytest.fixture
def panel(contexts: dict[str, Any]) -> Any:
    (instance,) = contexts["@sem-curate/panel"].instances
    return instance


@pytest.fixture
def client(panel: Any, ds: Any, reviewer: str) -> Client:
    return Client(panel, ds)


def decide(client: Client, card: dict[str, Any], action: str = "accept", **more: Any) -> Any:
    params = {"request_id": uuid.uuid4().hex, "seen_seq": card["seq"], **more}
    return client("decide", particle=card["particle_id"], action=action, **params)


def test_on_load_renders_the_react_component_with_every_method(client: Client) -> None:
    client("on_load")
    (shown,) = client.sent("show_panel_output")
    view = shown["output"]["view"]
    assert view["component"] == "SemCurate"
    for method in client.panel.METHODS:
        assert view[method] == f"@sem-curate/panel/sem_curate_panel#{method}"


def test_overview(client: Client) -> None:
    found = client("overview")
    assert (found["status"], found["masters"], found["reviewer"]) == ("ready", 6, "佐藤")
    assert found["counts"]["particles"] == 12
    assert {label["name_ja"] for label in found["labels"]} == {"針状", "球状", "多孔質"}


def test_overview_of_other_datasets(panel: Any, dataset_name: str) -> None:
    import fiftyone as fo

    assert Client(panel, None)("overview")["status"] == "no_dataset"
    assert Client(panel, fo.Dataset(dataset_name))("overview")["status"] == "foreign"


def test_overview_of_an_empty_dataset(panel: Any, dataset_name: str) -> None:
    from sem_curate import dataset

    assert Client(panel, dataset.create_dataset(dataset_name))("overview")["status"] == "empty"


def test_the_active_slice_does_not_matter(client: Client) -> None:
    # The client pretends that view5 is active; one particle lacks it, another has only a placeholder on view1.
    seen = set()
    for queue in ("review", "unknown", "auto"):
        card = client("go", queue=queue)["card"]
        while card and card["particle_id"] not in seen:
            seen.add(card["particle_id"])
            card = client("go", queue=queue, after=card["particle_id"])["card"]
    assert len(seen) == 6  # twelve without the masters


def test_a_card_has_six_views_in_order_and_says_which_are_missing(client: Client) -> None:
    card = client("go", particle="P-needle-2")["card"]
    assert [view["view"] for view in card["views"]] == [f"view{number}" for number in range(1, 7)]
    assert sum(view["present"] for view in card["views"]) == 5
    first_missing = client("go", particle="P-porous-3")["card"]["views"][0]
    assert (first_missing["present"], first_missing["filepath"]) == (False, None)


def test_decide_and_undo(client: Client) -> None:
    card = client("go", queue="review")["card"]
    before = client("overview")["counts"]
    answer = decide(client, card)
    assert answer["card"]["decision"] == "confirmed"
    assert answer["card"]["decided_by"] == "佐藤"
    assert answer["counts"]["left"] == before["left"] - 1
    undone = client("undo", request_id=uuid.uuid4().hex)
    assert undone["undone"]["particle_id"] == card["particle_id"]
    assert undone["counts"] == before
    assert client("undo", request_id=uuid.uuid4().hex)["undone"] is None


def test_a_double_click_decides_once(client: Client) -> None:
    from sem_curate import dataset
    from sem_curate.registry import history

    card = client("go", queue="review")["card"]
    first = decide(client, card, request_id="one-intention")
    second = decide(client, card, request_id="one-intention")
    assert first["event_id"] == second["event_id"]
    assert len(history.of_particles(dataset.dataset_id(client.ds), [card["particle_id"]])[card["particle_id"]]) == 1


def test_a_conflict_is_an_answer_not_a_crash(client: Client) -> None:
    card = client("go", queue="review")["card"]
    decide(client, card, "unknown")
    late = decide(client, card)
    assert late["failure"]["kind"] == "ConflictError"
    assert card["particle_id"] in late["failure"]["message"]
    assert client("go", particle=card["particle_id"])["card"]["decision"] == "unknown"


def test_user_errors_are_answers(client: Client) -> None:
    assert client("go", particle="nobody")["failure"]["kind"] == "InputError"
    assert client("go", queue="nonsense")["failure"]["kind"] == "InputError"
    assert client("set_reviewer", name="  ")["failure"]["kind"] == "InputError"
    assert "failure" in client("set_reviewer", name="x" * 101)


def test_bugs_are_not_hidden(client: Client) -> None:
    with pytest.raises(KeyError):
        client("decide", particle="P-needle-2")


def test_the_reviewer_is_kept_in_panel_state(client: Client) -> None:
    assert client("set_reviewer", name=" 田中 ") == {"reviewer": "田中"}
    assert client.state == {"reviewer": "田中"}
    card = client("go", queue="review")["card"]
    assert decide(client, card)["card"]["decided_by"] == "田中"
    assert client("overview")["reviewer"] == "田中"


def test_show_in_grid_keeps_order_and_groups(client: Client) -> None:
    import fiftyone as fo

    wanted = ["P-porous-2", "P-needle-3", "P-sphere-1"]
    assert client("show_in_grid", particles=wanted) == {"shown": 3}
    (sent,) = client.sent("set_view")
    client.ds.group_slice = client.sent("set_group_slice")[0]["slice"]
    view = fo.DatasetView._build(client.ds, sent["view"])
    assert view.media_type == "group"
    assert view.values("particle_id") == wanted


def test_the_grid_can_draw_what_show_in_grid_sets(client: Client) -> None:
    # FiftyOne's grid asks with a slice filter, which flattens the groups before it applies our stage.
    import fiftyone.server.view as server_view
    from fiftyone.server.filters import GroupElementFilter, SampleFilter

    client("show_in_grid", particles=["P-porous-2", "P-needle-3"])
    (sent,) = client.sent("set_view")
    asked = SampleFilter(group=GroupElementFilter(slice="view2", slices=["view2"]))
    drawn = server_view.get_view(client.ds.name, stages=sent["view"], sample_filter=asked)
    assert drawn.values("particle_id") == ["P-porous-2", "P-needle-3"]


@pytest.mark.parametrize("view", ["view2", "view5"])
def test_the_modal_sample_leads_to_its_particle(client: Client, view: str) -> None:
    from sem_curate import dataset

    sample = dataset.read_views(client.ds, ["P-sphere-1"], ())["P-sphere-1"][view]["_id"]
    client("on_change_current_sample", current_sample=sample)
    assert {"current": "P-sphere-1"} in [sent["data"] for sent in client.sent("patch_panel_data")]
    client("on_change_current_sample")
    assert {"current": None} in [sent["data"] for sent in client.sent("patch_panel_data")]


def test_search_before_embedding_is_an_answer(panel: Any, dataset_name: str, small: Any, images: Path) -> None:
    from sem_curate import dataset
    from sem_curate.ingest.run import ingest

    small.render(images, per_family=1)
    ingest(images / "manifest.csv", dataset_name)
    client = Client(panel, dataset.load_dataset(dataset_name))
    assert client("search", text="針状")["failure"]["kind"] == "StateError"
    assert client("search", text="   ")["failure"]["kind"] == "InputError"


# -- quality tags and imaging conditions --------------------------------------------------------------------------


def view_of(card: dict[str, Any], name: str) -> dict[str, Any]:
    return next(view for view in card["views"] if view["view"] == name)


def codes(tags: list[dict[str, Any]]) -> list[str]:
    return [tag["code"] for tag in tags]


def correct(client: Client, card: dict[str, Any], view: str, tags: list[str], **more: Any) -> Any:
    params = {"request_id": uuid.uuid4().hex, "seen_seq": card["seq"], **more}
    return client("correct_tags", particle=card["particle_id"], view=view, tags=tags, **params)


def test_every_tag_has_texts_and_a_key_of_its_own(client: Client) -> None:
    tags = client("overview")["tags"]
    keys = [tag["hotkey"] for tag in tags]
    assert len(set(keys)) == len(keys) == len(tags) >= 13
    assert "c" not in keys  # it confirms
    assert all(tag["ja"] and tag["en"] for tag in tags)


def test_correcting_tags_and_taking_it_back(client: Client) -> None:
    card = client("go", particle="P-needle-2")["card"]
    before = view_of(card, "view2")
    answer = correct(client, card, "view2", ["charging"])
    after = view_of(answer["card"], "view2")
    assert (codes(after["tags"]), after["tags_by"]) == (["charging"], "佐藤")
    assert after["measured_tags"] == before["measured_tags"]
    undone = client("undo", request_id=uuid.uuid4().hex)["undone"]
    assert (undone["particle_id"], undone["view"]) == ("P-needle-2", "view2")
    back = view_of(undone["card"], "view2")
    assert (back["tags"], back["tags_by"], back["quality"]) == (before["tags"], None, before["quality"])


def test_wrong_tags_are_answers(client: Client) -> None:
    card = client("go", particle="P-needle-2")["card"]
    assert correct(client, card, "view2", ["blurry"])["failure"]["kind"] == "InputError"
    missing = next(view["view"] for view in card["views"] if not view["present"])
    assert correct(client, card, missing, ["blur"])["failure"]["kind"] == "InputError"
    correct(client, card, "view2", ["blur"])
    assert correct(client, card, "view2", [])["failure"]["kind"] == "ConflictError"  # seen before the first


def test_every_cell_of_the_report_leads_to_as_many_particles_as_it_counts(client: Client) -> None:
    report = client("condition_report", by=None)
    assert [row["view"] for row in report["groups"]] == [f"view{number}" for number in range(1, 7)]
    assert sum(row["missing"] for row in report["groups"]) == 4
    checked = 0
    for row in report["groups"]:
        counted = {"missing": row["missing"], "unusable": row["unusable"]}
        counted |= {tag: round(share * row["measured"]) for tag, share in row["tags"].items()}
        for what, number in counted.items():
            shown = client("show_condition", view=row["view"], what=what, by=None, group=None)
            assert shown == {"shown": number}, (row["view"], what)
            (sent,) = client.sent("set_group_slice")
            assert sent["slice"] == ("view1" if what == "missing" else row["view"])
            checked += number > 0
    assert checked > 3


def test_a_report_by_group_adds_up(client: Client) -> None:
    client.ds.set_values("detector", ["SE" if number % 2 else None for number in range(12)])
    fields = client("condition_report", by=None)["fields"]
    assert "detector" in fields
    whole = {row["view"]: row["views"] for row in client("condition_report", by=None)["groups"]}
    parts = client("condition_report", by="detector")["groups"]
    for view, views in whole.items():
        assert sum(row["views"] for row in parts if row["view"] == view) == views
    for row in parts:
        shown = client("show_condition", view=row["view"], what="missing", by="detector", group=row["group"])
        assert shown == {"shown": row["missing"]}
        for tag, share in row["tags"].items():
            shown = client("show_condition", view=row["view"], what=tag, by="detector", group=row["group"])
            assert shown == {"shown": round(share * row["measured"])}


def test_a_wrong_cell_is_an_answer(client: Client) -> None:
    for wrong in ({"view": "view9"}, {"what": "blurry"}, {"by": "particle_id"}):
        asked = {"view": "view1", "what": "blur", "by": None, "group": None, **wrong}
        assert client("show_condition", **asked)["failure"]["kind"] == "InputError"


def test_the_retake_list_is_shown_in_the_grid(client: Client) -> None:
    import fiftyone as fo

    from sem_curate.review.retakes import retake_list

    wanted = [row["particle_id"] for row in retake_list(client.ds)]
    assert client("overview")["retake"] == len(wanted)
    assert client("retake") == {"shown": len(wanted)}
    (sent,) = client.sent("set_view")
    client.ds.group_slice = "view1"
    assert fo.DatasetView._build(client.ds, sent["view"]).values("particle_id") == wanted


def test_a_report_of_nothing_measured_says_what_to_run(panel: Any, dataset_name: str, small: Any, images: Path) -> None:
    from sem_curate import dataset
    from sem_curate.ingest.run import ingest

    small.render(images, per_family=1)
    ingest(images / "manifest.csv", dataset_name)
    report = Client(panel, dataset.load_dataset(dataset_name))("condition_report")
    assert set(report["notice"]) == {"ja", "en"}


def test_what_a_split_left_is_a_queue_of_the_panel_and_the_ledger_comes_after_the_card(client: Client, ds: Any) -> None:
    from sem_curate.review import relabel

    label = next(one for one in client("overview")["labels"] if one["name_en"] == "needle-like")
    card = client("go", particle="P-needle-2")["card"]
    decide(client, card, "label", label_id=label["label_id"])
    shown = client("label_card", label_id=label["label_id"])
    assert "timeline" not in shown
    assert shown["masters"]
    assert client("label_timeline", label_id=label["label_id"])["looked_at"] >= 1
    assert client("overview")["counts"]["bundles"] == 0
    relabel.apply(ds, "split", label["label_id"], {"parts": [{"name_en": "thin"}, {"name_en": "thick"}]}, by="sato")
    answer = client("go", queue="bundles")
    assert answer["counts"]["bundles"] >= 1
    assert answer["card"]["reasons"][0]["code"] == "again_split"


def test_a_boundary_sample_opened_by_hand_is_blind_for_who_is_still_asked(client: Client, ds: Any) -> None:
    from sem_curate import dataset, schema
    from sem_curate.review import run as review
    from sem_curate.review import sharing

    everybody = next(dataset.each_particle(ds))
    close = {key: ["close_candidates"] if key == "P-needle-2" else [] for key in everybody}
    dataset.write_particles(ds, {key: {schema.REVIEW_REASONS: reasons} for key, reasons in close.items()})
    review.decide(ds, "P-needle-2", "unknown", by="ito", request_id=uuid.uuid4().hex)
    assert client("go", particle="P-needle-2")["card"]["decided_by"] == "ito"
    sharing.set_wanted(ds, 2)
    card = client("go", particle="P-needle-2")["card"]
    assert (card["decision"], card["decided_by"]) == ("undecided", None)
    assert client("go", queue="second")["card"]["particle_id"] == "P-needle-2"
    assert decide(client, card, "unknown")["counts"]["second"] == 0
