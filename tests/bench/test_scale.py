from __future__ import annotations

import pytest

pytestmark = pytest.mark.fiftyone


def test_a_small_run_prints_every_figure_and_adding_reproposes_only_what_is_new() -> None:
    import fiftyone as fo

    from sem_curate.bench import scale

    figures = {figure.name: figure for figure in scale.run(particles=300)}
    assert figures["views read by the same ingest again"].holds
    assert figures["particles proposed again because of them"].holds
    assert not [name for name in fo.list_datasets() if name.startswith("bench-scale")]
