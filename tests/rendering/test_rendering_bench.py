from __future__ import annotations

from sem_curate.bench import rendering


def test_the_benchmark_reports_value_and_baseline_of_one_run():
    (figure,) = rendering.run(size=32, particles=2, repeats=1)
    assert set(figure) == {"name", "value", "baseline", "target", "direction", "holds"}
    assert figure["direction"] == "higher"
    assert figure["holds"] == (figure["value"] >= figure["target"])
    assert figure["baseline"] > figure["value"] > 0
