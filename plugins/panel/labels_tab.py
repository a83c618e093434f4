"""The Python half of the Labels tab."""

from __future__ import annotations

from typing import Any

Answer = dict[str, Any]


def tab(ctx: Any) -> Answer:
    """Return all labels with their counts, and what the form of a change needs."""
    from sem_curate.review import label_cards

    return label_cards.tab(ctx.dataset, search=str(ctx.params.get("search") or ""))


def card(ctx: Any) -> Answer:
    """Return the card of one label, without what looks at every decision."""
    from sem_curate.review import label_cards

    return label_cards.card(ctx.dataset, ctx.params["label_id"], timeline=False)


def timeline(ctx: Any) -> Answer:
    """Return the drift ledger of one label."""
    from sem_curate.review import relabel_bundles

    return relabel_bundles.timeline(ctx.dataset, ctx.params["label_id"])


def dry_run(ctx: Any) -> Answer:
    """Say what a change would touch, without making it."""
    from sem_curate.review import relabel

    return relabel.dry_run(ctx.dataset, ctx.params["kind"], ctx.params["label_id"], ctx.params.get("wanted") or {})


def apply(ctx: Any, by: str) -> Answer:
    """Make a change; the same ``request_id`` again changes nothing."""
    from sem_curate.review import relabel

    return relabel.apply(
        ctx.dataset,
        ctx.params["kind"],
        ctx.params["label_id"],
        ctx.params.get("wanted") or {},
        by=by,
        reason=str(ctx.params.get("reason") or ""),
        request_id=ctx.params["request_id"],
    )


def bundles(ctx: Any) -> Answer:
    """Return what to review again after a split or another meaning."""
    from sem_curate.review import relabel_bundles

    found = relabel_bundles.bundles(ctx.dataset, ctx.params["label_id"], why=ctx.params["why"])
    return {"bundles": found}
