"""Write simulated particles as a folder that ``ingest`` reads, with the truth in a file beside it."""

from __future__ import annotations

import csv
import io
import json
import os
from collections.abc import Iterable
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from sem_curate.errors import InputError
from sem_curate.rendering.truth import RenderedParticle

MANIFEST = "manifest.csv"
TRUTH = "truth.jsonl"
COLUMNS = ("filepath", "particle_id", "view", "lot", "equipment", "recipe")


def write_particles(particles: Iterable[RenderedParticle], folder: str | Path) -> Path:
    """Write images, ``manifest.csv`` and ``truth.jsonl``; writing the same again changes nothing.

    The manifest has no label column: what a particle is stands in ``truth.jsonl`` only. Lot, equipment and recipe
    are made up. Image files whose bytes are already right are not touched; the two tables are replaced whole,
    after all images are there.

    Args:
        particles: with distinct ids; may be a generator.
        folder: created when missing.

    Returns:
        The path of the manifest.

    Raises:
        InputError: on a repeated particle id, or an image that cannot be encoded.
    """
    root = Path(folder)
    root.mkdir(parents=True, exist_ok=True)
    rows: list[dict[str, str]] = []
    facts: list[str] = []
    seen: set[str] = set()
    for particle in particles:
        if particle.particle_id in seen:
            raise InputError(f"particle id '{particle.particle_id}' occurs twice; give each particle its own id")
        seen.add(particle.particle_id)
        rows += _write_views(particle, root)
        facts.append(json.dumps(particle.record(), ensure_ascii=False, sort_keys=True))
    table = io.StringIO()
    writer = csv.DictWriter(table, COLUMNS, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    _replace(root / TRUTH, "".join(line + "\n" for line in facts).encode())
    _replace(root / MANIFEST, table.getvalue().encode())
    return root / MANIFEST


def _write_views(particle: RenderedParticle, root: Path) -> list[dict[str, str]]:
    """Write one particle's images; return its manifest rows."""
    made_up = {
        "lot": f"LOT-{particle.seed % 5 + 1:02d}",
        "equipment": f"SEM-{'AB'[particle.seed // 5 % 2]}",
        "recipe": f"R{particle.seed // 10 % 3 + 1}",
    }
    rows = []
    for view, rendered in particle.views.items():
        if rendered is None:
            continue
        name = f"{particle.particle_id}_{view}.png"
        _replace(root / name, _png(rendered.image, name))
        rows.append({"filepath": name, "particle_id": particle.particle_id, "view": view, **made_up})
    return rows


def _png(image: NDArray[np.uint8], name: str) -> bytes:
    done, data = cv2.imencode(".png", image)
    if not done:
        raise InputError(f"image {name} of shape {image.shape} cannot be written as PNG")
    return bytes(data.tobytes())


def _replace(path: Path, data: bytes) -> None:
    """Write through a temporary name, unless the file already holds these bytes."""
    if path.is_file() and path.read_bytes() == data:
        return
    part = path.with_name(path.name + ".part")
    part.write_bytes(data)
    os.replace(part, path)
