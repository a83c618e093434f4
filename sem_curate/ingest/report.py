"""What an ingest did: counts and problems."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sem_curate.ingest import problems as problems_
from sem_curate.ingest.problems import Problem


@dataclass(frozen=True)
class IngestReport:
    """Counts of one ingest; a view is one image.

    Attributes:
        dataset: its name.
        particles: in the source with at least one readable view.
        particles_new: of these, not in the dataset before.
        views_new: images added, late views and views that replace a placeholder among them.
        views_changed: images whose content differs from what the dataset held.
        views_moved: images with the same content under another path or time stamp; nothing is computed again.
        views_unchanged: images that were not read, because path, size and time stamp are as before.
        views_refused: files that did not get in; each one is a problem of severity "refused".
        placeholders: particles without their first view, for which a placeholder was added.
        metadata_updated: views whose manifest columns were written again without reading the image.
        files_ignored: files in the folder that are no images.
        views_vanished: views of these particles whose file is gone; they stay in the dataset.
        problems: refusals and notices.
        seconds: wall-clock time.
    """

    dataset: str
    particles: int = 0
    particles_new: int = 0
    views_new: int = 0
    views_changed: int = 0
    views_moved: int = 0
    views_unchanged: int = 0
    views_refused: int = 0
    placeholders: int = 0
    metadata_updated: int = 0
    files_ignored: int = 0
    views_vanished: int = 0
    problems: tuple[Problem, ...] = ()
    seconds: float = 0.0

    @property
    def complete(self) -> bool:
        """Tell whether every file got in."""
        return self.views_refused == 0

    def as_dict(self) -> dict[str, Any]:
        """Return the report as plain values, ready for JSON."""
        counts = {name: value for name, value in vars(self).items() if name != "problems"}
        return {**counts, "problems": problems_.as_rows(self.problems)}


def build_report(dataset_name: str, tally: Mapping[str, int], found: Sequence[Problem], seconds: float) -> IngestReport:
    """Put counts and problems together, refusals first."""
    problems = list(found)
    if tally.get("views_vanished"):
        reason = f"{tally['views_vanished']} known views have no file any more; they stay in the dataset"
        problems.append(Problem("", "", "", "vanished", reason, problems_.NOTICE))
    counts: dict[str, Any] = {**tally, "views_refused": len(problems_.refused(problems))}
    ordered = tuple(problems_.ordered(problems))
    return IngestReport(dataset_name, problems=ordered, seconds=round(seconds, 3), **counts)
