"""The demo: simulated particles through the whole loop, with known truth to compare with.

Everything here is simulated and says so: rendered images, and masters picked by the truth in place of a person.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import fiftyone as fo

from sem_curate import dataset, paths, pipeline, schema
from sem_curate.bench import evaluate
from sem_curate.config import DecideConfig
from sem_curate.decide.run import read_batch, register_masters
from sem_curate.errors import InputError, UnknownLabelError
from sem_curate.ingest.run import ingest
from sem_curate.progress import Progress, silent
from sem_curate.registry import choices, datasets, labels, masters
from sem_curate.registry.label_model import LabelView
from sem_curate.rendering import FAMILIES, render_particles, write_particles
from sem_curate.rendering.vocabulary import CONCEPTS, DEFINITIONS
from sem_curate.review import run as review

REVIEWER = "demo (simulated)"
# Families that get no masters, so that the demo also shows what "unknown" looks like.
WITHHELD = ("dendrite", "hollow")
WITHOUT_CERTIFICATE = (
    "the demo confirms auto proposals without a certificate; with your own data nothing is confirmed automatically "
    "until audits certify it, or you ask for it knowingly with: sem-curate run --without-certificate"
)


def run(
    name: str = "sem-demo",
    *,
    particles: int = 300,
    size: int = 128,
    seed: int = 7,
    masters_per_label: int = 5,
    reset: bool = False,
    progress: Progress = silent,
) -> dict[str, Any]:
    """Render, ingest, measure, embed, register masters, propose, and compare with the truth.

    Run again it only does what is missing; decisions made in the App stay.

    Args:
        name: dataset name.
        particles: how many to render, at least one per family and master.
        size: image side in pixels.
        seed: of the rendered set.
        masters_per_label: simulated masters per known family.
        reset: delete the demo dataset and its history first.
        progress: told about every stage.

    Returns:
        ``{"stages", "accuracy", "shares", ...}``; every figure is on simulated data.

    Raises:
        InputError: too few particles, or a dataset of that name that is not the demo's.
    """
    _check(name, particles, masters_per_label, reset)
    stages: dict[str, Any] = {}
    folder = paths.home() / "demo" / f"{seed}-{particles}-{size}"
    truth = _timed(stages, "render", lambda: _render(folder, particles, seed, size, progress))
    stages["render"].update({"in": particles, "out": len(truth)})
    report = _timed(stages, "ingest", lambda: ingest(folder / "manifest.csv", name, progress=progress))
    stages["ingest"].update({"in": len(truth), "out": report.particles, "problems": len(report.problems)})
    ds = dataset.load_dataset(name)
    stages.update(pipeline.run_stages(ds, (schema.STAGE_QUALITY, schema.STAGE_EMBED), progress=progress))
    enrolled = _timed(stages, "masters", lambda: _enroll(ds, truth, masters_per_label))
    stages["masters"].update({"in": len(truth), "out": enrolled["masters"]})
    # Doing without a certificate is fine here: everything is simulated, and the truth is known and shown beside it.
    if not choices.chosen(dataset.dataset_id(ds), choices.WITHOUT_CERTIFICATE):  # somebody may have taken it back
        choices.choose(
            dataset.dataset_id(ds), choices.WITHOUT_CERTIFICATE, {"on": True}, by=REVIEWER, reason=WITHOUT_CERTIFICATE
        )
    stages.update(pipeline.run_stages(ds, (schema.STAGE_PROPOSE,), decide=DecideConfig(auto_confirm=True)))
    if "vlm" in dataset.encoder_keys(ds):
        from sem_curate.search.run import build_index

        indexed = _timed(stages, "search index", lambda: build_index(ds))
        stages["search index"].update({"in": len(truth), "out": indexed["particles"]})
    return {
        "dataset": name,
        "simulated": True,
        "without_certificate": WITHOUT_CERTIFICATE,
        "folder": str(folder),
        "stages": stages,
        **measure(ds, truth),
    }


def measure(ds: fo.Dataset, truth: Mapping[str, str]) -> dict[str, Any]:
    """Compare the proposals with the rendered truth, beside two baselines with the same masters.

    Args:
        ds: the demo dataset.
        truth: ``{particle_id: family}``.
    """
    snapshot = masters.current(dataset.dataset_id(ds)).masters
    names = {key: label.name("en") for key, label in labels.by_ids(snapshot.values()).items()}
    master_labels = {key: names[label_id] for key, label_id in snapshot.items()}
    english = {key: family_names(family)[1] for key, family in truth.items()}
    known = set(master_labels.values())
    batch, _ = read_batch(ds, dataset.encoder_keys(ds)["dino"], sorted(truth))
    by_variant = evaluate.proposals_by_variant(batch, master_labels)
    asked = {key: family for key, family in english.items() if family in known}
    rows = dataset.find_particles(ds, {}, (schema.PROPOSAL_STATE, schema.PROPOSAL))
    made = [row for row in rows if row[schema.PARTICLE_ID] not in master_labels]
    return {
        "accuracy_on_known_families": {
            variant: evaluate.accuracy(proposed, asked) for variant, proposed in by_variant.items()
        },
        "auto_correct": _share([_right(row, english) for row in made if row[schema.PROPOSAL_STATE] == schema.AUTO]),
        "withheld_families_sent_to_people": _share(
            [row[schema.PROPOSAL_STATE] != schema.AUTO for row in made if english[row[schema.PARTICLE_ID]] not in known]
        ),
        "shares": {
            state: _share([row[schema.PROPOSAL_STATE] == state for row in made]) for state in schema.PROPOSAL_STATES
        },
        "counts": review.counts(ds),
    }


def _check(name: str, particles: int, masters_per_label: int, reset: bool) -> None:
    least = (masters_per_label + 1) * len(FAMILIES)
    if particles < least:
        raise InputError(
            f"{particles} particles are too few for {masters_per_label} masters and one more of each of "
            f"{len(FAMILIES)} families; ask for at least {least}"
        )
    if not fo.dataset_exists(name):
        return
    ds = fo.load_dataset(name)
    if not dataset.is_ours(ds) or not ds.info.get("simulated"):
        raise InputError(f"dataset '{name}' is not a demo; choose another name with --dataset")
    if reset:
        datasets.forget(dataset.dataset_id(ds))
        fo.delete_dataset(name)


def _render(folder: Path, count: int, seed: int, size: int, progress: Progress) -> dict[str, str]:
    truth_file = folder / "truth.jsonl"
    if not truth_file.exists():
        rendered = render_particles(count, seed=seed, size=size)

        def counted() -> Any:
            for done, particle in enumerate(rendered, start=1):
                progress(done, count, "render particles")
                yield particle

        write_particles(counted(), folder)
    lines = truth_file.read_text(encoding="utf-8").splitlines()
    return {row["particle_id"]: row["family"] for row in map(json.loads, lines)}


def family_names(family: str) -> tuple[str, str]:
    """Return the Japanese and English label names of a rendered family."""
    concept = CONCEPTS[family]
    return concept["ja"][0], concept["en"][0]


def _enroll(ds: fo.Dataset, truth: Mapping[str, str], per_label: int) -> dict[str, Any]:
    identity = dataset.record(ds)
    ds.info["simulated"] = True
    ds.save()
    present = masters.current(identity.dataset_id)
    if present.version:
        return {"version": present.version, "masters": len(present.masters)}
    chosen: dict[str, list[str]] = {}
    for family in FAMILIES:
        if family in WITHHELD:
            continue
        label = _label(identity.catalogue, family)
        chosen[label.label_id] = [key for key, value in sorted(truth.items()) if value == family][:per_label]
    return register_masters(ds, chosen, by=REVIEWER, reason="picked by the rendered truth")


def _label(catalogue: str, family: str) -> LabelView:
    name_ja, name_en = family_names(family)
    try:
        return labels.find(catalogue, name_en)
    except UnknownLabelError:
        definition_en, definition_ja = DEFINITIONS[family]
        return labels.create(
            catalogue, name_ja=name_ja, name_en=name_en, definition_ja=definition_ja, definition_en=definition_en,
            synonyms_ja=CONCEPTS[family]["ja"][1:], synonyms_en=CONCEPTS[family]["en"][1:],
            by=REVIEWER, reason="a rendered family",
        )  # fmt: skip


def _timed(stages: dict[str, Any], name: str, work: Callable[[], Any]) -> Any:
    started = time.perf_counter()
    result = work()
    stages[name] = {"in": None, "out": None, "seconds": time.perf_counter() - started}
    return result


def _right(row: Mapping[str, Any], english: Mapping[str, str]) -> bool:
    proposal = row.get(schema.PROPOSAL) or {}
    label = labels.by_ids([proposal["label_id"]])[proposal["label_id"]].name("en") if proposal else None
    return label == english[row[schema.PARTICLE_ID]]


def _share(flags: list[bool]) -> float | None:
    return sum(flags) / len(flags) if flags else None
