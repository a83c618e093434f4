"""``sem-curate export``: what other programs can read."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from sem_curate.cli import output
from sem_curate.errors import InputError

SHOWN = 48  # images that the loss is measured on; more are not read


@click.group("export")
def command() -> None:
    """Write things for other programs."""


@command.command("onnx")
@click.option("--encoder", "name", default="bundled:sem-dino", show_default=True, help="Encoder name.")
@click.option("--out", type=click.Path(path_type=Path), required=True, help="The onnx file to write.")
@click.option("--int8", is_flag=True, help="Store and multiply weights in 8 bits: a quarter of the size, some loss.")
@click.option("--check", default=None, type=click.Path(exists=True), help="Images to measure the loss on.")
@output.json_option
def onnx(name: str, out: Path, int8: bool, check: str | None, as_json: bool) -> int:
    """Write the image side of an encoder as ONNX, and measure how far its vectors are from the original's.

    Use it as --encoder onnx:FILE. Without --check the loss is measured on simulated particles. Exit code 1 when a
    full-precision export is not the same network (cosine below 0.9999).
    """
    from sem_curate.embed import encoders, onnx_export

    encoder = encoders.get_encoder(name)
    written = onnx_export.export(encoder, out, int8=int8)
    loss = onnx_export.compare(encoder, encoders.get_encoder(f"onnx:{written}"), _images(check))
    found: dict[str, Any] = {
        "out": str(written),
        "encoder": f"onnx:{written}",
        "from": encoder.id,
        "precision": "int8" if int8 else "float32",
        "megabytes": round(onnx_export.megabytes(written), 2),
        "loss": onnx_export.as_dict(loss),
        "measured_on": check or "simulated particles",
    }
    output.emit(found, as_json=as_json, text=lambda: _text(found))
    return output.OK if int8 or loss.cosine_min >= onnx_export.COSINE else output.FAILED


def _images(check: str | None) -> list[Any]:
    if check is None:
        from sem_curate.rendering import render_particles

        views = (view for particle in render_particles(SHOWN // 6, seed=0) for view in particle.views.values())
        return [view.image for view in views if view is not None]
    from sem_curate.embed.listing import image_files
    from sem_curate.ingest.readers import read_grey

    files = [path for path, _ in zip(image_files([check]), range(SHOWN), strict=False)]
    if not files:
        raise InputError(f"no images at '{check}' to measure the loss on; leave --check out for simulated ones")
    return [read_grey(path) for path in files]


def _text(found: dict[str, Any]) -> str:
    loss = found["loss"]
    return "\n".join(
        [
            f"{found['out']}: {found['precision']}, {found['megabytes']} MB; use it as --encoder {found['encoder']}",
            f"against {found['from']} on {loss['images']} images ({found['measured_on']}): "
            f"cosine mean {loss['cosine_mean']:.6f}, worst {loss['cosine_min']:.6f}; "
            f"same nearest images {loss['same_nearest']:.1%}",
        ]
    )
