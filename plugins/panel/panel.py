"""The Python half of the panel: each method asks one question of sem_curate and answers with plain data.

The React half calls these methods and gets what they return; nothing is kept here but the reviewer's name. The
dataset's active slice is never consulted, because another browser tab may be changing it.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from fiftyone.operators import types
from fiftyone.operators.panel import Panel, PanelConfig

from sem_curate import dataset, outage, schema
from sem_curate.errors import InputError, SemCurateError

from . import labels_tab

LONGEST_NAME = 100  # of a reviewer
TAG_KEYS = "1234567890qwertyuiop"  # the two upper rows of a keyboard, in order; "c" confirms

Answer = dict[str, Any]


def answers(method: Callable[[Any, Any], Answer]) -> Callable[[Any, Any], Answer]:
    """Turn a deliberate error into ``{"failure": {"kind", "message"}}``; anything else stays an error of the App."""

    @functools.wraps(method)
    def answered(self: Any, ctx: Any) -> Answer:
        try:
            with outage.told():
                return method(self, ctx)
        except SemCurateError as error:
            standing = getattr(error, "standing", None)
            shown = {"standing": dict(standing)} if standing else {}
            return {"failure": {"kind": type(error).__name__, "message": str(error), **shown}}

    return answered


class SemCuratePanel(Panel):
    """Review and search, in the grid and in the sample modal."""

    METHODS = (
        "overview", "go", "decide", "correct_tags", "undo", "search", "show_in_grid", "condition_report",
        "show_condition", "retake", "set_reviewer", "trust", "draw_audits", "close_audits", "certify", "opt_in",
        "reinstate", "repropose", "health", "labels_tab", "label_card", "label_timeline", "label_dry_run",
        "label_apply", "label_bundles",
    )  # fmt: skip

    @property
    def config(self) -> PanelConfig:
        return PanelConfig(
            name="sem_curate_panel",
            label="SEM Curate",
            icon="fact_check",
            surfaces="grid modal",
            help_markdown="Review particles with the keyboard (press ? for the keys) and find them in words.",
        )

    def render(self, ctx: Any) -> types.Property:
        methods = {name: getattr(self, name) for name in self.METHODS}
        view = types.View(component="SemCurate", composite_view=True, **methods)
        return types.Property(types.Object(), view=view)

    # -- events of the App -------------------------------------------------------------------------------------

    def on_load(self, ctx: Any) -> None:
        self.on_change_dataset(ctx)
        self.on_change_current_sample(ctx)

    def on_change_dataset(self, ctx: Any) -> None:
        """Tell React which dataset is open, so that it asks for the overview again."""
        ctx.panel.set_data("dataset", ctx.dataset_name)

    def on_change_current_sample(self, ctx: Any) -> None:
        """Tell React which particle the sample modal shows; samples of any slice lead to it."""
        sample = ctx.current_sample
        found = dataset.particle_ids_of(ctx.dataset, [sample]) if sample and _is_ours(ctx.dataset) else []
        ctx.panel.set_data("current", found[0] if found else None)

    # -- questions of the React half -----------------------------------------------------------------------------

    @answers
    def overview(self, ctx: Any) -> Answer:
        """Return what there is: dataset, counts, labels, quality tags, number of masters and of retakes, reviewer."""
        from sem_curate.quality import gate
        from sem_curate.review import run as review

        ds = ctx.dataset
        shared = {
            "dataset": ctx.dataset_name, "counts": {}, "labels": [], "masters": 0, "reviewer": _reviewer(ctx),
            "tags": _tags(), "ranked": list(gate.RANKED), "retake": 0, "certificate": None, "stale": 0,
        }  # fmt: skip
        if ds is None:
            return {**shared, "status": "no_dataset"}
        if not _is_ours(ds):
            return {**shared, "status": "foreign"}
        counts = review.counts(ds)
        masters = dataset.count_particles(ds, {schema.MASTER_OF: {"$ne": None}})
        status = "ready" if counts["particles"] else "empty"
        found = {"counts": counts, "labels": review.labels(ds), "masters": masters, "retake": _count_retakes(ds)}
        return {**shared, "status": status, **found, **_trust(ds)}

    @answers
    def go(self, ctx: Any) -> Answer:
        """Return the card of one particle, or the next of a queue, and the counts."""
        from sem_curate.review import run as review
        from sem_curate.review import sharing

        particle = ctx.params.get("particle")
        if particle is None:
            queue = ctx.params.get("queue") or "review"
            card = review.next_card(ctx.dataset, queue=queue, after=ctx.params.get("after"), by=_reviewer(ctx))
        else:
            card = review.card(ctx.dataset, particle, blind=sharing.asks(ctx.dataset, particle, _reviewer(ctx)))
        return {"card": card, "counts": review.counts(ctx.dataset)}

    @answers
    def decide(self, ctx: Any) -> Answer:
        """Record a decision; the same ``request_id`` again changes nothing."""
        from sem_curate.review import run as review

        decided = review.decide(
            ctx.dataset,
            ctx.params["particle"],
            ctx.params["action"],
            label_id=ctx.params.get("label_id"),
            by=_reviewer(ctx),
            request_id=ctx.params["request_id"],
            seen_seq=ctx.params.get("seen_seq"),
            seconds=ctx.params.get("seconds"),
        )
        return {"event_id": decided["event_id"], "card": decided["card"], "counts": review.counts(ctx.dataset)}

    @answers
    def correct_tags(self, ctx: Any) -> Answer:
        """Record which quality tags are right for a view; the same ``request_id`` again changes nothing."""
        from sem_curate.review import tags

        return tags.correct_tags(
            ctx.dataset,
            ctx.params["particle"],
            ctx.params["view"],
            ctx.params["tags"],
            by=_reviewer(ctx),
            request_id=ctx.params["request_id"],
            seen_seq=ctx.params.get("seen_seq"),
        )

    @answers
    def undo(self, ctx: Any) -> Answer:
        """Take back this reviewer's latest decision, tag correction or bulk of them; ``undone`` None: there is none."""
        from sem_curate.review import run as review

        undone = review.undo(ctx.dataset, by=_reviewer(ctx), request_id=ctx.params["request_id"])
        return {"undone": undone, "counts": review.counts(ctx.dataset)}

    @answers
    def search(self, ctx: Any) -> Answer:
        """Return the particles that fit a text, best first."""
        from sem_curate.search import run as search

        return dict(search.search(ctx.dataset, ctx.params["text"]))

    @answers
    def show_in_grid(self, ctx: Any) -> Answer:
        """Show the given particles in the grid, in the given order, still as groups."""
        # The anchor is the one slice on which every particle has an image.
        return _show(ctx, ctx.params["particles"], dataset.anchor(ctx.dataset))

    @answers
    def condition_report(self, ctx: Any) -> Answer:
        """Return how often each imaging condition fails, also grouped by a field if one is named."""
        from sem_curate.quality import conditions

        return conditions.condition_report(ctx.dataset, ctx.params.get("by"))

    @answers
    def show_condition(self, ctx: Any) -> Answer:
        """Show the particles behind one cell of the condition report in the grid, on the view that is at fault."""
        from sem_curate.quality import conditions

        view, what = ctx.params["view"], ctx.params["what"]
        by, group = ctx.params.get("by"), ctx.params.get("group")
        particles = conditions.condition_particles(ctx.dataset, view, what, by=by, group=group)
        return _show(ctx, particles, dataset.anchor(ctx.dataset) if what == conditions.MISSING else view)

    @answers
    def retake(self, ctx: Any) -> Answer:
        """Show the particles for which another photograph is advised, in the order of the review queue."""
        return _show(ctx, _retakes(ctx.dataset), dataset.anchor(ctx.dataset))

    @answers
    def trust(self, ctx: Any) -> Answer:
        """Return what is certified or missing, how many proposals are stale, and the counts."""
        from sem_curate.review import run as review

        return {**_trust(ctx.dataset), "counts": review.counts(ctx.dataset)}

    @answers
    def draw_audits(self, ctx: Any) -> Answer:
        """Draw particles at random for audit; without a count, as many as are needed."""
        from sem_curate.decide import certifying

        count = ctx.params.get("count")
        made = certifying.draw(ctx.dataset, None if count is None else int(count), by=_reviewer(ctx))
        return {**self.trust(ctx), "drawn": made["drawn"]}

    @answers
    def close_audits(self, ctx: Any) -> Answer:
        """Close open draws; what nobody judged counts as wrong."""
        from sem_curate.decide import auditing

        auditing.close(ctx.dataset, by=_reviewer(ctx))
        return self.trust(ctx)

    @answers
    def certify(self, ctx: Any) -> Answer:
        """Test the audits against a promise."""
        from sem_curate.decide import certifying

        promise = certifying.asked(ctx.dataset, ctx.params.get("alpha"), ctx.params.get("delta"))
        certifying.try_to_certify(ctx.dataset, promise, by=_reviewer(ctx))
        return self.trust(ctx)

    @answers
    def opt_in(self, ctx: Any) -> Answer:
        """Switch auto-confirmation without a certificate on or off."""
        from sem_curate.registry import certificates

        on = ctx.params["on"] is True
        certificates.opt_in(dataset.dataset_id(ctx.dataset), on, by=_reviewer(ctx), reason="in the panel")
        return self.trust(ctx)

    @answers
    def reinstate(self, ctx: Any) -> Answer:
        """Put a suspended certificate back in force, on a person's word."""
        from sem_curate.decide import certifying
        from sem_curate.registry import certificates

        reason = str(ctx.params["reason"]).strip()
        if not reason:
            raise InputError("say why the certificate holds again; the reason is kept with it")
        certifying.change(ctx.dataset, certificates.ACTIVE, None, by=_reviewer(ctx), reason=reason)
        return self.trust(ctx)

    @answers
    def repropose(self, ctx: Any) -> Answer:
        """Propose again for what is stale; what people decided stays."""
        from sem_curate import pipeline

        summary = pipeline.run_stages(ctx.dataset, [schema.STAGE_PROPOSE])[schema.STAGE_PROPOSE]
        return {**self.trust(ctx), "proposed": summary["out"]}

    @answers
    def health(self, ctx: Any) -> Answer:
        """Return how well each master serves."""
        from sem_curate.decide.health_run import masters_health

        return masters_health(ctx.dataset)

    @answers
    def labels_tab(self, ctx: Any) -> Answer:
        """Return all labels with their counts."""
        return labels_tab.tab(ctx)

    @answers
    def label_card(self, ctx: Any) -> Answer:
        """Return words, pictures and history of one label."""
        return labels_tab.card(ctx)

    @answers
    def label_timeline(self, ctx: Any) -> Answer:
        """Return the drift ledger of one label; it looks at every decision, so it is asked for after the card."""
        return labels_tab.timeline(ctx)

    @answers
    def label_dry_run(self, ctx: Any) -> Answer:
        """Say what a change of a label would touch."""
        return labels_tab.dry_run(ctx)

    @answers
    def label_apply(self, ctx: Any) -> Answer:
        """Make a change of a label: one event, and the names on every slice follow."""
        return labels_tab.apply(ctx, _reviewer(ctx))

    @answers
    def label_bundles(self, ctx: Any) -> Answer:
        """Return what to review again after a split or another meaning."""
        return labels_tab.bundles(ctx)

    @answers
    def set_reviewer(self, ctx: Any) -> Answer:
        """Keep the reviewer's name for as long as the panel is open."""
        name = str(ctx.params["name"]).strip()
        if not name or len(name) > LONGEST_NAME:
            raise InputError(f"a reviewer's name has 1 to {LONGEST_NAME} characters; got {len(name)}")
        ctx.panel.state.reviewer = name
        return {"reviewer": name}


def _reviewer(ctx: Any) -> str:
    from sem_curate.review.run import default_reviewer

    kept: str | None = ctx.panel.state.reviewer
    return kept or default_reviewer()


def _trust(ds: Any) -> Answer:
    from sem_curate.decide import certifying

    return {"certificate": certifying.status(ds), "stale": certifying.count_stale(ds)}


def _tags() -> list[dict[str, str | None]]:
    """Return the tags a reviewer can set, each with its texts and a key."""
    from sem_curate import messages
    from sem_curate.review.actions import CHOOSABLE

    keys = [*TAG_KEYS, *([None] * len(CHOOSABLE))]
    return [{**messages.coded("tag", code), "hotkey": key} for code, key in zip(CHOOSABLE, keys, strict=False)]


def _retakes(ds: Any) -> list[str]:
    from sem_curate.review.retakes import retake_list

    return [row["particle_id"] for row in retake_list(ds)]


def _count_retakes(ds: Any) -> int:
    from sem_curate.review.retakes import count_retakes

    return count_retakes(ds)


def _show(ctx: Any, particles: list[str], group_slice: str) -> Answer:
    """Show particles in the grid, in the given order, still as groups."""
    ctx.ops.set_group_slice(group_slice)
    # Not select_groups: the grid of FiftyOne 1.22 flattens the slices first, where that stage fails.
    ctx.ops.set_view(ctx.dataset.select_by(schema.PARTICLE_ID, particles, ordered=True))
    return {"shown": len(particles)}


def _is_ours(ds: Any) -> bool:
    return ds is not None and dataset.is_ours(ds)
