"""The stages in order, on what changed. The command line, the operators and notebooks all start them here."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any

import fiftyone as fo

from sem_curate import messages, schema
from sem_curate.config import DecideConfig
from sem_curate.errors import InputError, did_you_mean
from sem_curate.progress import Progress, silent


def run_stages(
    ds: fo.Dataset,
    stages: Sequence[str] = schema.STAGES,
    *,
    encoders: Sequence[str] = (),
    decide: DecideConfig | None = None,
    progress: Progress = silent,
) -> dict[str, dict[str, Any]]:
    """Run stages on the particles that wait for them; what is done stays done when interrupted.

    Args:
        ds: the dataset.
        stages: some of :data:`schema.STAGES`; always run in their natural order.
        encoders: image encoder, then optionally a text encoder; empty keeps the ones in use.
        decide: proposal settings.
        progress: told about every stage in turn.

    Returns:
        ``{stage: summary}`` with at least ``in``, ``out`` and ``seconds``.

    Raises:
        InputError: for an unknown stage.
    """
    for stage in stages:
        if stage not in schema.STAGES:
            raise InputError(f"there is no stage '{stage}'.{did_you_mean(stage, schema.STAGES)} Known: {schema.STAGES}")
    work: dict[str, Callable[[Progress], dict[str, Any]]] = {
        schema.STAGE_QUALITY: lambda report: _quality(ds, report),
        schema.STAGE_EMBED: lambda report: _embed(ds, report, encoders),
        schema.STAGE_PROPOSE: lambda report: _propose(ds, report, decide),
    }
    return {stage: work[stage](_prefixed(progress, stage)) for stage in schema.STAGES if stage in stages}


def _quality(ds: fo.Dataset, progress: Progress) -> dict[str, Any]:
    from sem_curate.quality.run import run_quality

    return run_quality(ds, progress=progress)


def _embed(ds: fo.Dataset, progress: Progress, encoders: Sequence[str]) -> dict[str, Any]:
    from sem_curate.embed.run import embed_dataset

    started = time.perf_counter()
    summary = embed_dataset(ds, encoders or None, progress=progress)
    shifted = [found for found in summary.shifts if found["flagged"]]
    notice = messages.both("notice.shift")["en"].format(count=len(shifted), name=ds.name) if shifted else None
    return {
        "in": summary.views,
        "out": summary.views - len(summary.skipped),
        "computed": summary.computed,
        "skipped": len(summary.skipped),
        "skipped_examples": [f"{skipped.path}: {skipped.reason}" for skipped in summary.skipped[:5]],
        "encoders": list(summary.encoders),
        "shifts": list(summary.shifts),
        "notice": notice,
        "seconds": time.perf_counter() - started,
    }


def _propose(ds: fo.Dataset, progress: Progress, decide: DecideConfig | None) -> dict[str, Any]:
    from sem_curate.decide.run import propose
    from sem_curate.search.opinion_run import second_opinions

    opinions = second_opinions(ds)  # first: a contradiction is a reason to review
    summary = propose(ds, decide=decide, progress=progress)
    drift = summary["drift"]
    if drift and drift["suspended"]:
        # What was confirmed automatically under the certificate before is withdrawn.
        again = propose(ds, decide=decide, progress=progress)
        notice = messages.text("certificate.suspended_now", "en").format(name=ds.name)
        summary = {**again, "seconds": summary["seconds"] + again["seconds"], "notice": notice}
    return {**summary, "second_opinion": opinions, "drift": drift}


def _prefixed(progress: Progress, stage: str) -> Progress:
    def report(done: int, total: int | None, text: str = "") -> None:
        progress(done, total, f"{stage} {text}".strip())

    return report
