"""``sem-curate embed``: any images, any encoder, one npz file; no dataset."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import click

from sem_curate.cli import output
from sem_curate.progress import console

ENGINES = ("local", "ray")


@click.command()
@click.argument("paths", nargs=-1, required=True)
@click.option("--encoder", "name", default="bundled:sem-dino", show_default=True, help="Encoder name.")
@click.option("--out", type=click.Path(path_type=Path), required=True, help="The npz file to write.")
@click.option("--batch", default=None, type=click.IntRange(1, 4096), help="Images per network call (default: it fits).")
@click.option("--cache/--no-cache", default=True, help="Use and extend the vectors of this installation.")
@click.option("--overwrite", is_flag=True, help="Replace a file with vectors of another encoder.")
@click.option("--engine", type=click.Choice(ENGINES), default="local", show_default=True, help="Where to compute.")
@click.option("--workers", default=None, type=click.IntRange(1), help="Ray: how many workers, each with its encoder.")
@output.json_option
def command(
    paths: tuple[str, ...],
    name: str,
    out: Path,
    batch: int | None,
    cache: bool,
    overwrite: bool,
    engine: str,
    workers: int | None,
    as_json: bool,
) -> int:
    """Embed images into an npz with ``filepath`` and ``vectors``.

    PATHS are files, folders (with all below), quoted patterns like 'data/**/*.tif', or @list.txt with one path per
    line. PNG, TIFF, JPEG and BMP of 8 or 16 bits. Images of known content are not embedded again; interrupted, run it
    again and it goes on.
    """
    from sem_curate.embed import files

    with console("embed", enabled=not as_json) as report:
        result = files.embed(
            paths, out, encoder=name, cache=cache, overwrite=overwrite, engine=_engine(engine, batch, workers),
            progress=report,
        )  # fmt: skip
    found = files.as_dict(result)
    output.emit(found, as_json=as_json, text=lambda: _text(found))
    if not result.embedded:
        return output.FAILED
    return output.PARTIAL if result.skipped else output.OK


def _engine(engine: str, batch: int | None, workers: int | None) -> Any:
    from sem_curate.embed import files

    if engine == "local":
        return partial(files.local, batch=batch)
    from sem_curate.embed import distributed

    return partial(distributed.ray_stream, batch=batch, workers=workers)


def _text(found: dict[str, Any]) -> str:
    skipped = found["skipped"]
    lines = [
        f"{found['out']}: {found['embedded']} vectors of length {found['dim']} ({found['key']})",
        f"computed {found['computed']}, known before {found['known']}, skipped {len(skipped)}",
    ]
    shown = [f"  {item['filepath']}: {item['reason']}" for item in skipped[:10]]
    more = [f"  ... and {len(skipped) - 10} more; the npz lists all under 'skipped'"] if len(skipped) > 10 else []
    return "\n".join([*lines, *shown, *more])
