from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from sem_curate.embed.store import VectorStore, gather, open_store, store_folder
from sem_curate.errors import StateError

DIM = 4


def vectors_of(names: list[str]) -> np.ndarray:
    """A vector that can be recognised from its name alone."""
    return np.array([[hash(name) % 97, len(name), ord(name[0]), 1.0] for name in names], np.float32)


@pytest.fixture
def store(tmp_path: Path) -> VectorStore:
    return VectorStore(tmp_path / "store", dim=DIM, meta={"id": "test:encoder"})


def test_append_then_get_in_any_order(store: VectorStore) -> None:
    assert store.append(["a", "b", "c"], vectors_of(["a", "b", "c"])) == 3
    found, mask = store.get(["c", "x", "a", "c"])
    assert mask.tolist() == [True, False, True, True]
    np.testing.assert_array_equal(found[[0, 2, 3]], vectors_of(["c", "a", "c"]))
    assert not found[1].any()


def test_missing_keeps_order_and_drops_repeats(store: VectorStore) -> None:
    store.append(["b"], vectors_of(["b"]))
    assert store.missing(["c", "b", "a", "c"]) == ["c", "a"]


def test_a_stored_hash_keeps_its_first_vector(store: VectorStore) -> None:
    store.append(["a"], vectors_of(["a"]))
    assert store.append(["a", "d", "d"], np.stack([np.zeros(4), np.ones(4), np.full(4, 2)]).astype(np.float32)) == 1
    np.testing.assert_array_equal(store.get(["a", "d"])[0], [vectors_of(["a"])[0], np.ones(4)])


def test_reopening_finds_everything(store: VectorStore) -> None:
    names = [f"{number:05d}" for number in range(2500)]  # more than one SQL chunk
    store.append(names, vectors_of(names))
    again = VectorStore(store.folder)
    assert (len(again), again.dim, again.meta["id"]) == (2500, DIM, "test:encoder")
    np.testing.assert_array_equal(again.get(names)[0], vectors_of(names))


def test_two_handles_append_to_one_store(store: VectorStore) -> None:
    other = VectorStore(store.folder)
    store.append(["a"], vectors_of(["a"]))
    other.append(["b"], vectors_of(["b"]))
    store.append(["c", "b"], vectors_of(["c", "b"]))
    np.testing.assert_array_equal(other.get(["a", "b", "c"])[0], vectors_of(["a", "b", "c"]))


@pytest.mark.parametrize("tail", [b"\0" * 4 * DIM * 3, b"\0\1\2"])
def test_orphan_bytes_are_cut_off_at_open(store: VectorStore, tail: bytes) -> None:
    store.append(["a", "b"], vectors_of(["a", "b"]))
    with (store.folder / "vectors.f32").open("ab") as file:
        file.write(tail)
    again = VectorStore(store.folder)
    assert (again.folder / "vectors.f32").stat().st_size == 2 * 4 * DIM
    again.append(["c"], vectors_of(["c"]))
    np.testing.assert_array_equal(again.get(["a", "b", "c"])[0], vectors_of(["a", "b", "c"]))


def test_rows_lost_from_the_file_become_missing_again(store: VectorStore) -> None:
    store.append(["a", "b", "c"], vectors_of(["a", "b", "c"]))
    os.truncate(store.folder / "vectors.f32", 4 * DIM + 3)
    again = VectorStore(store.folder)
    assert again.missing(["a", "b", "c"]) == ["b", "c"]
    again.append(["c"], vectors_of(["c"]))
    np.testing.assert_array_equal(again.get(["a", "c"])[0], vectors_of(["a", "c"]))


KILLED_WRITER = """
import sys, numpy as np
from pathlib import Path
from sem_curate.embed import store as module
store = module.VectorStore(Path(sys.argv[1]), dim=4)
for batch in range(100000):
    names = [f"{batch}-{i}" for i in range(50)]
    store.append(names, np.array([[batch, i, 0.5, 1.0] for i in range(50)], np.float32))
    print(batch, flush=True)
"""


def test_killed_writer_loses_no_finished_batch(tmp_path: Path) -> None:
    folder = tmp_path / "killed"
    writer = subprocess.Popen([sys.executable, "-c", KILLED_WRITER, str(folder)], stdout=subprocess.PIPE, text=True)
    assert writer.stdout is not None
    finished = 0
    for line in writer.stdout:
        finished = int(line)
        if finished >= 5:
            break
    writer.send_signal(signal.SIGKILL)
    writer.wait()
    store = VectorStore(folder)
    names = [f"{batch}-{i}" for batch in range(finished + 1) for i in range(50)]
    found, mask = store.get(names)
    assert mask.all()
    np.testing.assert_array_equal(found[:, 0], np.repeat(np.arange(finished + 1), 50))
    np.testing.assert_array_equal(found[:, 1], np.tile(np.arange(50), finished + 1))
    assert (folder / "vectors.f32").stat().st_size == len(store) * 4 * DIM
    store.append(["after"], np.ones((1, DIM), np.float32))
    np.testing.assert_array_equal(store.get(["after"])[0], np.ones((1, DIM)))


def test_writer_killed_between_rows_and_index_leaves_orphans_only(store: VectorStore) -> None:
    store.append(["a"], vectors_of(["a"]))
    script = (
        "import sys, os, signal, numpy as np\nfrom pathlib import Path\n"
        "from sem_curate.embed.store import VectorStore\n"
        "class Dies(VectorStore):\n"
        "    def _write_rows(self, rows):\n"
        "        super()._write_rows(rows)\n"
        "        os.kill(os.getpid(), signal.SIGKILL)\n"
        "Dies(Path(sys.argv[1])).append(['b'], np.ones((1, 4), np.float32))\n"
    )
    done = subprocess.run([sys.executable, "-c", script, str(store.folder)], check=False)
    assert done.returncode == -signal.SIGKILL
    assert (store.folder / "vectors.f32").stat().st_size == 2 * 4 * DIM  # the orphan is there...
    again = VectorStore(store.folder)
    assert (again.folder / "vectors.f32").stat().st_size == 4 * DIM  # ...and goes
    assert again.missing(["a", "b"]) == ["b"]


@pytest.mark.parametrize(
    ("vectors", "message"),
    [
        (np.zeros((1, DIM + 1), np.float32), r"must have shape \(1, 4\); got \(1, 5\)"),
        (np.full((1, DIM), np.nan, np.float32), "NaN or infinity .*'a'.*nothing stored"),
    ],
)
def test_bad_vectors_are_refused_whole(store: VectorStore, vectors: np.ndarray, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        store.append(["a"], vectors)
    assert len(store) == 0


def test_other_length_is_refused(store: VectorStore) -> None:
    with pytest.raises(StateError, match="length 4; the encoder gives 5"):
        VectorStore(store.folder, dim=5)


def test_no_store_yet(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("SEM_CURATE_HOME", str(tmp_path))
    with pytest.raises(StateError, match="run the embed stage first"):
        open_store("nobody-000")
    assert not store_folder("nobody-000").exists()


def test_damaged_meta_is_named(store: VectorStore) -> None:
    (store.folder / "encoder.json").write_text("{", encoding="utf-8")
    with pytest.raises(StateError, match=r"encoder\.json' is damaged"):
        VectorStore(store.folder)


def test_meta_is_saved_once(store: VectorStore) -> None:
    VectorStore(store.folder, dim=DIM, meta={"id": "other"})
    assert json.loads((store.folder / "encoder.json").read_text())["id"] == "test:encoder"


def test_gather_fills_particles_and_masks_absent_views(store: VectorStore) -> None:
    store.append(["a", "b"], vectors_of(["a", "b"]))
    vectors, present = gather(store, [["a", None], ["not-embedded", "b"]])
    assert present.tolist() == [[True, False], [False, True]]
    np.testing.assert_array_equal(vectors[present], vectors_of(["a", "b"]))
    assert not vectors[~present].any()


def test_gather_of_nothing(store: VectorStore) -> None:
    vectors, present = gather(store, [])
    assert (vectors.shape, present.shape) == ((0, 0, DIM), (0, 0))


def test_gather_refuses_ragged_rows(store: VectorStore) -> None:
    with pytest.raises(ValueError, match="same number of view slots"):
        gather(store, [["a"], ["a", "b"]])
