from __future__ import annotations

import csv
import io
import json
from pathlib import Path

from sem_curate.ingest.problems import NOTICE, Problem, as_csv, as_rows, ordered, refused, table_rows, write_csv

BAD = Problem("/粒子/a, b.png", "P-1", "view2", "truncated", 'the "PNG" ends too early')
NOTE = Problem("/b.tif", "", "", "multi_page", "holds 2 images", NOTICE)


def test_refusals_come_first() -> None:
    assert ordered([NOTE, BAD, NOTE]) == [BAD, NOTE, NOTE]
    assert refused([NOTE, BAD]) == [BAD]


def test_csv_round_trip(tmp_path: Path) -> None:
    write_csv([BAD, NOTE], tmp_path / "p.csv")
    rows = list(csv.DictReader(io.StringIO((tmp_path / "p.csv").read_text("utf-8-sig"))))
    assert rows == as_rows([BAD, NOTE])


def test_csv_cells_are_never_formulas() -> None:
    text = as_csv([Problem("=cmd()", "@x", "+1", "code", "reason")])
    assert text.splitlines()[1] == "'=cmd(),'@x,'+1,code,reason,refused"


def test_json() -> None:
    assert json.loads(json.dumps(as_rows([BAD])))[0]["severity"] == "refused"


def test_table_rows_are_limited() -> None:
    assert table_rows([NOTE, BAD], 1) == [("refused", "/粒子/a, b.png", "P-1 / view2", 'the "PNG" ends too early')]
