"""``sem-curate pixel-size``: offer pixel sizes from scale bars where the files tell none."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import click

from sem_curate.cli import output
from sem_curate.cli.common import dataset_option, open_dataset
from sem_curate.errors import InputError
from sem_curate.progress import console


@click.command("pixel-size")
@dataset_option
@click.option("--apply", is_flag=True, help="Write the offers to views without a pixel size.")
@click.option("--length", "label", default=None, metavar="TEXT", help='What the scale bar says, e.g. "10 um"; no OCR.')
@click.option("--view", "views", multiple=True, metavar="VIEW", help="Only this view; can be repeated.")
@click.option("--clear", "clearing", is_flag=True, help="Empty the pixel sizes that --apply wrote.")
@output.json_option
def command(
    dataset_name: str, apply: bool, label: str | None, views: tuple[str, ...], clearing: bool, as_json: bool
) -> None:
    """Offer pixel sizes from scale bars, by view, instrument and magnification. Nothing is written without --apply."""
    if clearing and (apply or label or views):
        raise InputError("--clear goes alone: it empties what --apply wrote")
    length_nm = None if label is None else _length(label)
    ds = open_dataset(dataset_name)
    from sem_curate.quality import offers

    if clearing:
        cleared = offers.clear(ds)
        output.emit({"cleared": cleared}, as_json=as_json, text=lambda: f"{cleared} pixel sizes emptied again")
        return
    with console("read scale bars", enabled=not as_json and label is None) as progress:
        result = offers.offers(ds, length_nm=length_nm, views=views, apply=apply, progress=progress)
    output.emit(result, as_json=as_json, text=lambda: _text(result))


def _length(label: str) -> float:
    from sem_curate.quality.lengths import parse_lengths

    found = parse_lengths(label)
    if len(found) != 1:
        raise InputError(f"'{label}' is not one length; write a number and nm, um or mm, e.g. \"10 um\"")
    return found[0]


def _text(result: Mapping[str, Any]) -> str:
    if not result["groups"]:
        return "every view with a scale bar has a pixel size already"
    lines = [_line(group) for group in result["groups"]]
    if result["written"]:
        return "\n".join([*lines, f"{result['written']} views written; undo with --clear"])
    if not result["offered"]:
        return "\n".join([*lines, "nothing to write; if you can read the labels, state them by view: --view, --length"])
    return "\n".join([*lines, f"{result['offered']} views could get a pixel size; write it with --apply"])


def _line(group: Mapping[str, Any]) -> str:
    magnification = None if group["magnification"] is None else f"{group['magnification']:g}x"
    where = " · ".join(str(part) for part in (group["view"], group["instrument"], magnification) if part)
    bar = f"{where} · scale bar {group['bar_px']:g} px"
    if group["length"] is None:
        return f"{bar} -> label not read ({group['views']} views)"
    agree = f"({group['agreeing']} of {group['read']} agree)"
    if group["pixel_size_nm"] is None:
        return f"{bar} = {group['length']} -> no offer: views contradict each other {agree}"
    return f"{bar} = {group['length']} -> {group['pixel_size_nm']:.4g} nm/px {agree}"
