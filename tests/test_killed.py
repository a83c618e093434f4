"""`kill -9` in the middle of a stage, then the same stage again: as if nothing had happened."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sem_curate import schema

pytestmark = pytest.mark.fiftyone

FAMILIES = ("sphere", "needle", "cube")
COMPARED = (
    schema.QUALITY, schema.QUALITY_TAGS, schema.VIEW_WEIGHT, schema.PROPOSAL_STATE, schema.REVIEW_REASONS,
    schema.VIEW_CONTRIBUTION, schema.VIEW_REMOVAL, schema.AGREEMENT, schema.ENTROPY, schema.ONE_VIEW, schema.STALE,
    schema.DECISION, schema.RECOMMENDED_VIEW, schema.PENDING, schema.CONTENT_HASH,
)  # fmt: skip

# The moment is "module:function:n": die before the n-th call of that function.
SCRIPT = """
    import importlib, os, signal, sys
    from sem_curate import dataset, pipeline
    from sem_curate.config import DecideConfig

    module, name, nth = sys.argv[3].split(":")
    owner = importlib.import_module(module)
    *path, name = name.split(".")
    for part in path:
        owner = getattr(owner, part)
    real, calls = getattr(owner, name), []

    def counted(*args, **kwargs):
        calls.append(1)
        if len(calls) == int(nth):
            os.kill(os.getpid(), signal.SIGKILL)
        return real(*args, **kwargs)

    setattr(owner, name, counted)
    pipeline.run_stages(dataset.load_dataset(sys.argv[1]), (sys.argv[2],), decide=DecideConfig(auto_confirm=True))
"""


def build(name: str, folder: Path) -> Any:
    from sem_curate import dataset
    from sem_curate.ingest.run import ingest
    from sem_curate.registry import choices
    from sem_curate.rendering import render_particles, write_particles

    manifest = write_particles(render_particles(24, seed=5, size=48, families=FAMILIES), folder)
    ingest(manifest, name)
    ds = dataset.load_dataset(name)
    # So that automatic decisions are made, and killing has something to interrupt.
    choices.choose(dataset.dataset_id(ds), choices.WITHOUT_CERTIFICATE, {"on": True}, by="sato")
    return ds


def finish(ds: Any) -> None:
    """Do what is left of every stage, with two masters per family."""
    from sem_curate import dataset, pipeline
    from sem_curate.config import DecideConfig
    from sem_curate.decide.run import register_masters

    ids = sorted(row["particle_id"] for row in dataset.find_particles(ds, {}))
    register_masters(ds, {family: [ids[at], ids[at + 3]] for at, family in enumerate(FAMILIES)}, by="sato")
    pipeline.run_stages(ds, decide=DecideConfig(auto_confirm=True))


def rounded(value: Any) -> Any:
    """Round every float: two datasets add up the same vectors in another order."""
    if isinstance(value, dict):
        return {key: rounded(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [rounded(inner) for inner in value]
    return round(value, 3) if isinstance(value, float) else value


def content(ds: Any) -> dict[str, Any]:
    from sem_curate import dataset
    from sem_curate.registry import history, labels

    ids = sorted(row["particle_id"] for row in dataset.find_particles(ds, {}))
    views = dataset.read_views(ds, ids, (*COMPARED, schema.RECEIPT_ID))
    found: dict[str, Any] = {}
    for key in ids:
        found[key] = {name: {f: row.get(f) for f in COMPARED} for name, row in views[key].items()}
        (receipt_id,) = {row[schema.RECEIPT_ID] for row in views[key].values()}
        found[key]["receipt"] = history.get_receipt(receipt_id)
    # The same names have other ids in every catalogue.
    text = json.dumps(rounded(found), default=str)
    for label in labels.in_catalogue(dataset.record(ds).catalogue):
        text = text.replace(label.label_id, label.name())
    return dict(json.loads(text))


@pytest.mark.parametrize(
    ("stage", "moment"),
    [
        ("quality", "sem_curate.dataset:write_views:1"),
        ("quality", "sem_curate.dataset:write_particles:1"),
        ("quality", "sem_curate.dataset:write_views:4"),
        ("embed", "sem_curate.embed.store:VectorStore.append:2"),
        ("embed", "sem_curate.dataset:write_views:1"),
        ("propose", "sem_curate.registry.history:save_receipts:1"),
        ("propose", "sem_curate.registry.history:append_many:1"),
        ("propose", "sem_curate.mirror:refresh:1"),
        ("propose", "sem_curate.dataset:write_views:1"),
        ("propose", "sem_curate.dataset:write_particles:2"),
    ],
)
def test_killed_and_run_again_equals_uninterrupted(
    stage: str, moment: str, dataset_name: str, tmp_path: Path, twin: dict[str, Any]
) -> None:
    from sem_curate import dataset, mirror, pipeline
    from sem_curate.embed import store
    from sem_curate.embed.run import particle_vectors
    from sem_curate.registry import history

    expected, twin_keys = twin["content"], twin["keys"]
    ds = build(dataset_name, tmp_path / "images")
    if stage == "embed":  # or the twin's vectors would be found by content, and nothing be left to interrupt
        for key in twin_keys.values():
            shutil.rmtree(store.store_folder(key))
    if stage == "propose":
        pipeline.run_stages(ds, ("quality", "embed"))
        from sem_curate.decide.run import register_masters

        ids = sorted(row["particle_id"] for row in dataset.find_particles(ds, {}))
        register_masters(ds, {family: [ids[at], ids[at + 3]] for at, family in enumerate(FAMILIES)}, by="sato")
    command = [sys.executable, "-c", textwrap.dedent(SCRIPT), ds.name, stage, moment]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == -signal.SIGKILL, done.stderr
    finish(ds)
    assert content(ds) == expected
    vectors, present = particle_vectors(ds, dataset.encoder_keys(ds)["dino"], sorted(expected))
    np.testing.assert_allclose(np.linalg.norm(vectors[present], axis=1), 1.0, atol=1e-4)
    events = history.of_particles(dataset.dataset_id(ds), list(expected))
    assert all([event.seq for event in found] == list(range(1, len(found) + 1)) for found in events.values())
    assert all(len(found) == 1 for found in events.values())  # no decision twice
    assert mirror.rebuild(ds)["corrected"] == 0


@pytest.fixture(scope="module")
def twin(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """The uninterrupted run."""
    import fiftyone as fo

    from sem_curate import dataset
    from sem_curate.registry import datasets

    ds = build("twin-uninterrupted", tmp_path_factory.mktemp("twin"))
    finish(ds)
    yield {"content": content(ds), "keys": dataset.encoder_keys(ds)}
    datasets.forget(dataset.dataset_id(ds))
    fo.delete_dataset(ds.name)
