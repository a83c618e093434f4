"""Ingest: the user's files become a grouped dataset. Safe to repeat and to interrupt at any moment.

Every write of a batch is ordered so that a kill between two of them leaves something that the next run recognises
and completes: a missing sample, or an ``n_views`` that disagrees with the samples of its particle. Only the
particles of the source are ever looked up, through the index on (particle id, view).
"""

from __future__ import annotations

import getpass
import os
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import fiftyone as fo

from sem_curate import dataset, layout, schema
from sem_curate.errors import ConflictError, InputError
from sem_curate.ingest import columns, display, fingerprint, sources
from sem_curate.ingest.listing import ViewFile
from sem_curate.ingest.plan import Found, plan
from sem_curate.ingest.prepare import prepare_all
from sem_curate.ingest.problems import NOTICE, Problem
from sem_curate.ingest.report import IngestReport, build_report
from sem_curate.ingest.step import LOOKED_AT, Rules, Step, as_held
from sem_curate.progress import Progress, silent
from sem_curate.registry import imports

# A batch is what a kill can cost: about a hundred particles of six views are read again.
BATCH: Final = 100


def ingest(
    source: str | Path,
    dataset_name: str,
    *,
    roots: Sequence[str | Path] = (),
    pattern: str | None = None,
    views: Sequence[str] | None = None,
    catalogue: str | None = None,
    batch: int = BATCH,
    progress: Progress = silent,
    by: str | None = None,
    request_id: str | None = None,
) -> IngestReport:
    """Read a folder or a CSV manifest into a dataset, which is created when there is none.

    Files that are already in are recognised by path, size and time stamp and not read again; a file whose content
    changed updates its view; late views join their particle and take over its label and decision. Nothing is
    deleted. What changed is one event of the history.

    Args:
        source: a folder, or a ``.csv`` manifest (``filepath, particle_id, view``, optional ``label``, any others).
        dataset_name: the FiftyOne dataset.
        roots: folders that files may lie in besides the source's own.
        pattern: file-name pattern such as ``{particle_id}_{view}.{ext}``; for folders.
        views: view names in order, for a new dataset; the first one is the anchor.
        catalogue: label catalogue, for a new dataset.
        batch: particles per write.
        progress: told after each batch, in files.
        by: who, for the history; by default ``SEM_CURATE_REVIEWER``, else the machine's user.
        request_id: unique per intention: the same one again is the same event.

    Raises:
        InputError: when the source as a whole cannot be used, or contradicts the dataset.
        SetupError: when display copies cannot be written.
        ConflictError: when another ingest is writing the same particles.
    """
    started = time.monotonic()
    names = _view_names(dataset_name, views)
    listing = sources.read_source(source, names, roots=[Path(root) for root in roots], pattern=pattern)
    if not listing.files and not listing.problems:
        raise InputError(f"'{source}' holds no image; give a folder of PNG, JPEG, TIFF or BMP files, or a manifest")
    tally = Counter(files_ignored=listing.ignored)
    problems = list(listing.problems)
    if listing.files:
        ds = _open(dataset_name, names, catalogue)
        rules = Rules(names, layout.PARTICLE_FIELDS, _declare(ds, listing.columns, problems))
        who = by or os.environ.get("SEM_CURATE_REVIEWER") or getpass.getuser()
        journal = imports.begin(dataset.dataset_id(ds), _spelled(source), by=who, request_id=request_id)
        _Ingest(ds, rules, problems, tally, journal).run(listing.files, max(1, batch), progress)
        journal.close()
    return build_report(dataset_name, tally, problems, time.monotonic() - started)


@dataclass
class _Ingest:
    """One run: where it writes to, and what it finds on the way."""

    ds: fo.Dataset
    rules: Rules
    problems: list[Problem]
    tally: Counter[str]
    journal: imports.Journal

    def run(self, files: Sequence[ViewFile], batch: int, progress: Progress) -> None:
        by_particle: dict[str, list[ViewFile]] = {}
        for file in files:
            by_particle.setdefault(file.particle_id, []).append(file)
        done = 0
        for particle_ids in dataset.chunks(list(by_particle), batch):
            step = self._read({particle_id: by_particle[particle_id] for particle_id in particle_ids})
            self.journal.note(step.changes())
            self._write(step)
            self.tally.update(step.tally())
            self.problems += step.notices()
            done += sum(len(by_particle[particle_id]) for particle_id in particle_ids)
            progress(done, len(files), f"{self.tally['particles']} particles")

    def _read(self, files: Mapping[str, Sequence[ViewFile]]) -> Step:
        fields = [*LOOKED_AT, *self.rules.particle_fields, *(name for name, _ in self.rules.fields.values())]
        held = dataset.read_views(self.ds, list(files), fields)
        step = Step(self.rules, files, held, plan(self._stat(files), as_held(held)))
        self.problems += step.plan.duplicates
        for result in prepare_all(step.plan.to_read):
            if isinstance(result, Problem):
                self.problems.append(result)
            else:
                self.problems += result.notices
                step.prepared[result.found.slot] = result
        return step

    def _stat(self, files: Mapping[str, Sequence[ViewFile]]) -> Iterator[Found]:
        for file in (file for listed in files.values() for file in listed):
            try:
                yield Found(file, fingerprint.stat_key(file.path))
            except OSError as error:
                reason = f"cannot be found or opened ({error.strerror}); check the path"
                self.problems.append(Problem(str(file.path), file.particle_id, file.view, "missing", reason))

    def _write(self, step: Step) -> None:
        """Write a batch in the order that makes a kill harmless.

        The marks come first: were they last, a kill could lose that a particle with a changed image needs a new
        proposal. ``n_views`` of known samples comes last: until it is written, the next run sees the disagreement.
        """
        dataset.mark_pending(self.ds, [schema.STAGE_PROPOSE], step.needs_proposal())
        dataset.write_views(self.ds, {key: _as_stored(values) for key, values in step.updates().items()})
        picture = str(display.placeholder())  # drawn again should it have been deleted
        placeholders = [{**values, "filepath": picture} for values in step.placeholders()]
        # Last, so that the grid opens with pictures.
        self._add([*step.additions(), *placeholders])
        dataset.write_particles(self.ds, step.repairs())

    def _add(self, additions: list[dict[str, Any]]) -> None:
        if not additions:
            return
        identity = dataset.dataset_id(self.ds)
        samples = [_as_sample(values, identity) for values in additions]
        try:
            self.ds.add_samples(samples, expand_schema=False, progress=False)
        except ValueError as error:
            if "E11000" not in str(error):
                raise
            raise ConflictError(
                f"another ingest is writing some of the same {len(samples)} views (e.g. of particle "
                f"'{additions[0][schema.PARTICLE_ID]}'); let it finish, then run this one again"
            ) from error


def _spelled(source: str | Path) -> str:
    """Return the one spelling of a source: an import that was killed is recognised by it."""
    return str(Path(source).expanduser().resolve())


def _as_sample(values: Mapping[str, Any], identity: str) -> fo.Sample:
    group = fo.Group(id=dataset.group_id(identity, values[schema.PARTICLE_ID]))
    objects = {name: _as_object(value) for name, value in values.items() if value is not None}
    if "metadata" in values:
        objects["metadata"] = fo.ImageMetadata(**values["metadata"])
    return fo.Sample(**objects, **{schema.GROUP: group.element(values[schema.VIEW])})


def _as_object(value: Any) -> Any:
    is_label = isinstance(value, dict) and value.get("_cls") == "Classification"
    return fo.Classification.from_dict(value) if is_label else value


def _as_stored(values: Mapping[str, Any]) -> dict[str, Any]:
    stored = dict(values)
    if "metadata" in stored:
        stored["metadata"] = fo.ImageMetadata(**stored["metadata"]).to_dict()
    return stored


def _view_names(name: str, views: Sequence[str] | None) -> tuple[str, ...]:
    """Return the dataset's view names, or those that it will get."""
    if not fo.dataset_exists(name):
        return _checked(schema.DEFAULT_VIEWS if views is None else views)
    known = dataset.view_names(dataset.load_dataset(name))
    if views is not None and tuple(view.strip() for view in views) != known:
        raise InputError(
            f"dataset '{name}' has the views {', '.join(known)}; leave --views out, or choose another dataset"
        )
    return known


def _checked(views: Sequence[str]) -> tuple[str, ...]:
    cleaned = tuple(view.strip() for view in views)
    bad = [view for view in cleaned if not view or any(sign in view for sign in ".$/\0")]
    if bad:
        raise InputError(
            f"{len(bad)} of {len(cleaned)} view names cannot be used (e.g. '{bad[0]}'); "
            "give names that are not empty and hold no '.', '$' or '/'"
        )
    return cleaned


def _open(name: str, names: tuple[str, ...], catalogue: str | None) -> fo.Dataset:
    if not fo.dataset_exists(name):
        return dataset.create_dataset(name, views=names, catalogue=catalogue)
    ds = dataset.load_dataset(name)
    if catalogue is not None and dataset.record(ds).catalogue != catalogue:
        raise InputError(
            f"dataset '{name}' uses label catalogue '{dataset.record(ds).catalogue}', not '{catalogue}'; "
            "leave --catalogue out, or choose another dataset"
        )
    return ds


def _declare(ds: fo.Dataset, kinds: Mapping[str, str], problems: list[Problem]) -> dict[str, tuple[str, str]]:
    """Declare metadata columns as fields; return ``{column: (field, kind)}``."""
    types = {columns.STRING: fo.StringField, columns.FLOAT: fo.FloatField}
    declared: dict[str, tuple[str, str]] = {}
    for column, kind in kinds.items():
        existing = ds.get_field(column)
        if existing is None:
            ds.add_sample_field(column, types[kind])
            declared[column] = (column, kind)
        elif isinstance(existing, types[kind]):
            declared[column] = (column, kind)
        elif isinstance(existing, fo.StringField):
            declared[column] = (column, columns.STRING)
        else:
            declared[column] = _declare_as_text(ds, column, problems)
    return declared


def _declare_as_text(ds: fo.Dataset, column: str, problems: list[Problem]) -> tuple[str, str]:
    text = f"{column}_text"
    if ds.get_field(text) is None:
        ds.add_sample_field(text, fo.StringField)
    reason = f"column '{column}' does not hold the kind of values that the dataset has; it is kept as '{text}'"
    problems.append(Problem("", "", "", "column_type", reason, NOTICE))
    return text, columns.STRING
