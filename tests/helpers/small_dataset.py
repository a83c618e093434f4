"""A small real dataset for tests of operators and panel: rendered particles, ingested, with masters and proposals.

The vectors are made from the known family, so that proposals do not depend on how good an encoder is.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

FAMILIES = ("needle", "sphere", "porous")
NAMES = {"needle": ("針状", "needle-like"), "sphere": ("球状", "spherical"), "porous": ("多孔質", "porous")}
ENCODER_KEY = "test-vectors"
DIM = 8
# Three hundred characters, with what HTML would read as a tag: names are text, and must not break the layout.
LONG_ID = "P-<b>長い名前</b>-" + "試料ロットの非常に長い識別名" * 20
# By position in the set: how far a particle leans to the next family, and how unlike every family it is.
LEANING = (0.0, 0.1, 1.0, 0.3, 0.0, 1.0)
STRANGE = (0.0, 0.0, 0.0, 0.0, 2.5, 0.0, 0.0)
WITHOUT_FIRST_VIEW = ("P-porous-3", "view1")


def particle_name(family: str, index: int) -> str:
    return f"P-{family}-{index}"


def family_of(particle_id: str) -> str:
    """Return the true family, which the name of a particle tells."""
    return "sphere" if particle_id == LONG_ID else particle_id.split("-")[1]


def render(folder: Path, *, per_family: int, size: int = 96, start: int = 0) -> dict[str, str]:
    """Write images and ``manifest.csv``; some particles lack a view, one of them its first, one has a long name."""
    from sem_curate.rendering.render import render_particle

    folder.mkdir(parents=True, exist_ok=True)
    families, rows = {}, ["filepath,particle_id,view"]
    for number, family in enumerate(FAMILIES):
        for index in range(start, start + per_family):
            seed = 100 * number + index
            name = LONG_ID if (family, index) == ("sphere", 3) else particle_name(family, index)
            families[name] = family
            rendered = render_particle(seed, size=size, family=family, missing=int(index % 4 == 2), spoiled=index % 3)
            for view, shot in rendered.views.items():
                if shot is not None and (name, view) != WITHOUT_FIRST_VIEW:
                    file = folder / f"{seed}_{view}.png"
                    Image.fromarray(shot.image).save(file)
                    rows.append(f"{file},{name},{view}")
    (folder / "manifest.csv").write_text("\n".join(rows), encoding="utf-8")
    return families


def build(
    name: str,
    folder: Path,
    *,
    per_family: int = 4,
    masters: int = 2,
    vectors: bool = True,
    text: bool = False,
    size: int = 96,
) -> Any:
    """Ingest rendered particles, give them vectors, register masters and propose; returns the dataset.

    Args:
        name: of the new dataset.
        folder: where images are written.
        per_family: particles of each family.
        masters: of each family; 0 leaves the dataset without masters and proposals.
        vectors: False leaves it not embedded.
        text: embed with the bundled encoders as well, so that text search works.
        size: of the images; the same ones in another dataset would share its vectors.
    """
    from sem_curate import dataset, pipeline
    from sem_curate.ingest.run import ingest
    from sem_curate.registry import choices

    families = render(folder, per_family=per_family, size=size)
    ingest(folder / "manifest.csv", name)
    ds = dataset.load_dataset(name)
    # Reviewers should also meet automatic proposals, which nobody audited here.
    choices.choose(dataset.dataset_id(ds), choices.WITHOUT_CERTIFICATE, {"on": True}, by="test")
    pipeline.run_stages(ds, ("quality", "embed") if text else ("quality",))
    if vectors:
        add_vectors(ds, families)
    if masters:
        register(ds, masters)
        pipeline.run_stages(ds, ("propose",))
    return ds


def register(ds: Any, masters: int) -> None:
    from sem_curate import dataset
    from sem_curate.decide import run as decide
    from sem_curate.registry import labels

    catalogue = dataset.record(ds).catalogue
    chosen = {}
    for family, (ja, en) in NAMES.items():
        label = labels.create(catalogue, name_ja=ja, name_en=en, by="test")
        chosen[label.label_id] = [particle_name(family, index) for index in range(masters)]
    decide.register_masters(ds, chosen, by="test")


def more(ds: Any, folder: Path, *, start: int, per_family: int, noise: float = 0.15, size: int = 96) -> dict[str, str]:
    """Ingest further particles; with much noise a batch that looks unlike what was there."""
    from sem_curate import pipeline
    from sem_curate.ingest.run import ingest

    families = render(folder, per_family=per_family, start=start, size=size)
    ingest(folder / "manifest.csv", ds.name)
    pipeline.run_stages(ds, ("quality",))
    add_vectors(ds, families, noise=noise)
    pipeline.run_stages(ds, ("propose",))
    return families


def add_vectors(ds: Any, families: dict[str, str], *, noise: float = 0.15) -> None:
    """Store a unit vector per view: its family's direction plus noise; odd particles lean to another family."""
    from sem_curate import dataset, schema
    from sem_curate.embed import store

    vectors = store.open_store(ENCODER_KEY, dim=DIM, meta={"made": "in a test"})
    rng = np.random.default_rng(0)
    found = dataset.read_views(ds, list(families), (schema.CONTENT_HASH, schema.PRESENT))
    made, done = {}, {}
    for index, (name, family) in enumerate(families.items()):
        direction = np.zeros(DIM)
        direction[FAMILIES.index(family)] = 1.0
        direction[(FAMILIES.index(family) + 1) % len(FAMILIES)] = LEANING[index % len(LEANING)]
        direction[-1] = STRANGE[index % len(STRANGE)]
        for view in found[name].values():
            if view[schema.PRESENT]:
                vector = direction + rng.normal(0, noise, DIM)
                made[view[schema.CONTENT_HASH]] = vector / np.linalg.norm(vector)
                done[view["_id"]] = {}
    new = vectors.missing(list(made))
    vectors.append(new, np.array([made[key] for key in new], dtype=np.float32).reshape(-1, DIM))
    dataset.write_views(ds, done, clear_pending=(schema.STAGE_EMBED,))
    dataset.set_encoder_keys(ds, {**dataset.encoder_keys(ds), "dino": ENCODER_KEY})
