"""``sem-curate embed``: any images, any encoder, one npz file; no dataset."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click
import numpy as np

from sem_curate.cli import output
from sem_curate.errors import InputError
from sem_curate.progress import console

SUFFIXES = (".png", ".tif", ".tiff", ".jpg", ".jpeg", ".bmp")


@click.command()
@click.argument("paths", nargs=-1, required=True, type=click.Path(exists=True, path_type=Path))
@click.option("--encoder", "name", default="bundled:sem-dino", show_default=True, help="Encoder name.")
@click.option("--out", type=click.Path(path_type=Path), required=True, help="The npz file to write.")
@click.option("--batch", default=32, show_default=True, type=click.IntRange(1, 4096), help="Images per network call.")
@output.json_option
def command(paths: Sequence[Path], name: str, out: Path, batch: int, as_json: bool) -> int:
    """Embed image files, or all images below folders, into an npz with ``filepath`` and ``vectors``."""
    from sem_curate.embed import encoders, pipeline
    from sem_curate.ingest.readers import read_grey

    files = find_images(paths)
    encoder = encoders.get_encoder(name)
    kept: list[str] = []
    blocks = [np.zeros((0, encoder.dim), np.float32)]
    skipped: list[pipeline.Skipped] = []
    with console("embed", enabled=not as_json) as report:
        for done, vectors, refused in pipeline.embed_images(files, encoder, read=read_grey, batch=batch):
            kept.extend(done)
            blocks.append(vectors)
            skipped.extend(refused)
            report(len(kept) + len(skipped), len(files))
    target = save_npz(out, kept, np.concatenate(blocks), encoder.id, encoder.key)
    output.emit(_result(target, encoder, kept, skipped), as_json=as_json)
    if not kept:
        return output.FAILED
    return output.PARTIAL if skipped else output.OK


def find_images(paths: Sequence[Path]) -> list[str]:
    """Return the given files, and all image files below the given folders, sorted, each once.

    Raises:
        InputError: when there is none.
    """
    found: dict[str, None] = {}
    for path in paths:
        below = (
            [path] if path.is_file() else [p for p in path.rglob("*") if p.suffix.lower() in SUFFIXES and p.is_file()]
        )
        found.update(dict.fromkeys(sorted(str(item) for item in below)))
    if not found:
        raise InputError(f"no images at {len(paths)} paths (e.g. '{paths[0]}'); known types: {', '.join(SUFFIXES)}")
    return list(found)


def save_npz(out: Path, files: Sequence[str], vectors: Any, encoder_id: str, encoder_key: str) -> Path:
    """Write the npz beside its final name, then move it there; returns the path written."""
    target = out if out.suffix == ".npz" else out.with_name(out.name + ".npz")
    target.parent.mkdir(parents=True, exist_ok=True)
    temporary = target.with_name(f".{target.stem}.part.npz")
    np.savez(
        temporary, filepath=np.array(files, dtype=np.str_), vectors=vectors,
        encoder=np.array(encoder_id), key=np.array(encoder_key),
    )  # fmt: skip
    temporary.replace(target)
    return target


def _result(target: Path, encoder: Any, kept: Sequence[str], skipped: Sequence[Any]) -> dict[str, Any]:
    return {
        "out": str(target),
        "encoder": encoder.id,
        "key": encoder.key,
        "dim": encoder.dim,
        "embedded": len(kept),
        "skipped": [{"filepath": item.path, "reason": item.reason} for item in skipped],
    }
