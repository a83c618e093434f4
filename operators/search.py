"""Finding particles in words; the grid then shows them, best first."""

from __future__ import annotations

from typing import Any

from fiftyone.operators import types

from sem_curate import dataset, schema

from ._base import SemOperator


class Search(SemOperator):
    """Shows the particles that fit a text, ordered by score, still as groups."""

    NAME = "search"
    LABEL = "SEM: 検索 / search"
    DESCRIPTION = "Find particles in words, Japanese or English (針状, porous sphere, ...)."
    BUTTON = "Search / 検索"
    OPTIONS = {"risk_level": "low"}  # noqa: RUF012 - the base class declares it as a ClassVar

    def form(self, ctx: Any, inputs: types.Object) -> None:
        inputs.str("text", required=True, allow_empty=False, label="検索語 / words")
        inputs.int("k", required=True, default=60, min=1, max=500, label="件数 / at most")

    def execute(self, ctx: Any) -> dict[str, Any]:
        from sem_curate.search import run as search

        found = search.search(ctx.dataset, ctx.params["text"], k=int(ctx.params["k"]))
        particles = [hit["particle_id"] for hit in found["hits"]]
        if particles:
            # The anchor is the one slice on which every particle has an image.
            ctx.ops.set_group_slice(dataset.anchor(ctx.dataset))
            # Not select_groups: the grid of FiftyOne 1.22 flattens the slices first, where that stage fails.
            ctx.ops.set_view(ctx.dataset.select_by(schema.PARTICLE_ID, particles, ordered=True))
        else:
            ctx.ops.notify("見つかりませんでした / nothing found", variant="warning")
        return {"found": len(particles), "encoder": found["encoder"]}
