from __future__ import annotations

import pytest

from sem_curate import schema
from sem_curate.ingest.columns import convert, field_names, kind_of


def test_reserved_names_are_kept_under_another_name_and_reported() -> None:
    fields, notices = field_names(["lot", "quality", "_id", "a.b", "装置", "meta_quality"])
    assert fields == {
        "lot": "lot",
        "quality": "meta_quality",
        "_id": "meta_id",
        "a.b": "a_b",
        "装置": "装置",
        "meta_quality": "meta_meta_quality",
    }
    assert [notice.severity for notice in notices] == ["notice"] * 4
    assert "'meta_quality'" in notices[0].reason


@pytest.mark.parametrize("name", sorted(schema.RESERVED))
def test_no_reserved_name_gets_through(name: str) -> None:
    assert set(field_names([name])[0].values()).isdisjoint(schema.RESERVED)


def test_columns_never_meet_in_one_field() -> None:
    fields, _ = field_names(["a.b", "a b", "a_b", "a$b"])
    assert len(set(fields.values())) == 4


@pytest.mark.parametrize(
    ("cells", "kind"),
    [
        (["1", "-2.5", "1e5", ".5", "0", "0.0"], "float"),
        (["1", "", "NaN"], "float"),
        (["007", "8"], "string"),
        (["1", "two"], "string"),
        (["2024-01-02"], "string"),
        (["1,5"], "string"),
        (["inf"], "string"),
        (["NaN", ""], "string"),
        ([], "string"),
        (["1e999"], "string"),
        (["-"], "string"),
        (["."], "string"),
    ],
)
def test_kinds(cells: list[str], kind: str) -> None:
    assert kind_of(cells) == kind


def test_convert() -> None:
    assert [convert("1.5", "float"), convert("nan", "float"), convert("1.5", "string")] == [1.5, None, "1.5"]
