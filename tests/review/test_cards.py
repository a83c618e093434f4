from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sem_curate import schema
from sem_curate.registry.fold import State
from sem_curate.review import cards


@dataclass(frozen=True)
class Named:
    ja: str
    en: str

    def name(self, language: str) -> str:
        return self.ja if language == "ja" else self.en


NAMES = {"lbl_a": Named("球状", "spherical"), "lbl_b": Named("針状", "needle-like")}


def built(receipt: dict[str, Any] | None = None, **fields: Any) -> dict[str, Any]:
    view = {"_id": "s1", "filepath": "/a.png", schema.PRESENT: True, **fields}
    return cards.build(
        "P-1", {"view1": view}, receipt or {}, State(), view_names=("view1", "view2"), names=NAMES, master_images={}
    )


def codes(tags: list[dict[str, str]]) -> list[str]:
    return [tag["code"] for tag in tags]


def test_tags_with_who_says_so() -> None:
    fields: dict[str, Any] = {
        schema.QUALITY_TAGS: ["blur"], schema.MEASURED_TAGS: ["noise"], schema.QUALITY_BASIS: "prior",
        schema.SECOND_OPINION: ["charging"], schema.DISPUTED_TAGS: ["charging"], "sharpness": 1.5,
    }  # fmt: skip
    view = built(**fields)["views"][0]
    assert (codes(view["tags"]), codes(view["measured_tags"])) == (["blur"], ["noise"])
    assert (codes(view["second_opinion"]), codes(view["disputed"])) == (["charging"], ["charging"])
    assert (view["tags_by"], view["basis"]) == (None, "prior")
    assert view["basis_text"]["ja"] == "絶対値による判定（同条件のビューが30枚未満）"
    assert (view["measures"]["sharpness"], view["measures"]["snr"]) == (1.5, None)
    corrected = built(**fields, **{schema.TAGS_BY: "sato"})["views"][0]
    assert (corrected["tags_by"], corrected["disputed"]) == ("sato", [])  # a person has looked since
    assert codes(corrected["second_opinion"]) == ["charging"]


def test_a_missing_view_has_every_key_and_no_content() -> None:
    shown, missing = built()["views"]
    assert set(missing) == set(shown)
    assert missing["present"] is False
    assert not any(missing[key] for key in ("tags", "measured_tags", "tags_by", "basis", "measures", "disputed"))


def test_the_recommended_view_says_why() -> None:
    card = built(**{schema.RECOMMENDED_VIEW: "view1", schema.RECOMMENDED_WHY: "best_quality"})
    assert card["recommended"] == {
        "view": "view1", "reason": {"code": "best_quality", "ja": "画質が最良", "en": "best quality"},
    }  # fmt: skip
    assert built()["recommended"] is None
    assert built(**{schema.RECOMMENDED_VIEW: "view1"})["recommended"]["reason"]["en"] == ""  # written before reasons


def test_retake_advice_is_a_sentence_in_both_languages() -> None:
    advice = {
        "view": "view2", "missing": False, "labels": ["lbl_a", "lbl_b"], "separation": 0.95, "best_present": 0.708,
    }  # fmt: skip
    found = built({"retake": advice})["retake"]
    assert found["ja"] == (
        "view2 を再撮影すると「球状」と「針状」を見分けやすくなります（マスターでの分離 0.95、今の最良 0.71）"
    )
    assert "“spherical” from “needle-like”" in found["en"]
    assert (found["view"], found["separation"], found["best_present"]) == ("view2", 0.95, 0.708)
    assert "を撮影すると" in built({"retake": {**advice, "missing": True}})["retake"]["ja"]
    assert built()["retake"] is None
