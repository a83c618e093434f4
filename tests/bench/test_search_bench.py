from __future__ import annotations

from sem_curate.bench import search


def test_words_find_their_family_far_above_chance() -> None:
    figures = search.run(particles=96)
    assert [figure.name.rsplit(" ", 1)[-1] for figure in figures[:2]] == ["English", "Japanese"]
    # Six of each family: at most 0.6 is possible among the first ten.
    assert all(float(figure.value) > 4 * float(figure.baseline or 1) for figure in figures[:2])
    words, code = figures[2:]
    assert float(words.value) > float(words.baseline) - 0.05
    assert float(code.value) > 2 * float(code.baseline)
