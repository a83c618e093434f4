from __future__ import annotations

import json

import pytest

from sem_curate.cli import output


def test_tables_align_japanese() -> None:
    lines = output.table(("label", "n"), [("針状", 1), ("rod", None)]).splitlines()
    assert lines == ["label  n", "-----  -", "針状   1", "rod"]


def test_json_keeps_japanese_readable(capsys: pytest.CaptureFixture[str]) -> None:
    output.emit({"label": "針状"}, as_json=True)
    shown = capsys.readouterr().out
    assert "針状" in shown
    assert json.loads(shown) == {"label": "針状"}
