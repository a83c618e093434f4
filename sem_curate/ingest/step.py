"""One batch of particles between reading and writing: what to write, and in which words to count it. Pure.

A *document* is a sample as the database holds it: a dictionary of field values, with the sample id as ``_id``.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from sem_curate import schema
from sem_curate.ingest import columns
from sem_curate.ingest.listing import ViewFile
from sem_curate.ingest.plan import Found, Held, Plan, Slot
from sem_curate.ingest.prepare import Prepared
from sem_curate.ingest.problems import NOTICE, Problem

LOOKED_AT: Final = (schema.PRESENT, schema.SOURCE_PATH, schema.SOURCE_STAT, schema.CONTENT_HASH)
CHANGES: Final = (
    "particles_new", "views_new", "views_changed", "views_moved", "placeholders", "metadata_updated"
)  # fmt: skip
_VIEW_STAGES: Final = (schema.STAGE_QUALITY, schema.STAGE_EMBED)
# Computed from pixels, so void once the pixels change.
_FROM_PIXELS: Final = (
    schema.QUALITY, schema.QUALITY_TAGS, schema.MEASURED_TAGS, schema.QUALITY_BASIS, schema.USABLE, schema.VIEW_WEIGHT,
    schema.PARTICLE_MASK, schema.SECOND_OPINION, schema.DISPUTED_TAGS, schema.PIXEL_SIZE_FROM,
    *schema.MEASURES,
)  # fmt: skip

Document = Mapping[str, Any]
Documents = Mapping[str, Mapping[str, Document]]  # particle id -> view -> document
Values = dict[str, Any]


@dataclass(frozen=True)
class Rules:
    """What is the same for all batches of an ingest.

    Attributes:
        names: view names; the first is the anchor.
        particle_fields: fields whose value all samples of a particle share.
        fields: manifest column -> (dataset field, kind of ``columns``).
    """

    names: tuple[str, ...]
    particle_fields: tuple[str, ...]
    fields: Mapping[str, tuple[str, str]]

    @property
    def anchor(self) -> str:
        """Return the view that every particle has, as a placeholder if need be."""
        return self.names[0]

    def metadata(self, file: ViewFile) -> Values:
        """Return a file's metadata as dataset values; what is empty is left out, so it never erases."""
        values = {
            self.fields[column][0]: columns.convert(cell, self.fields[column][1])
            for column, cell in file.metadata.items()
        }
        return {name: value for name, value in values.items() if value is not None}


@dataclass
class Step:
    """One batch. ``prepared`` is filled as files are read; refused files never appear in it."""

    rules: Rules
    files: Mapping[str, Sequence[ViewFile]]  # particle id -> its files
    held: Documents
    plan: Plan
    prepared: dict[Slot, Prepared] = field(default_factory=dict)

    # -- what to write -----------------------------------------------------------------------------------------

    def updates(self) -> dict[str, Values]:
        """Return ``{sample id: values}`` for samples that exist: new content, moved files, corrected metadata."""
        updates: dict[str, Values] = {}
        for found in self.read():
            document = self._document(found)
            if document is not None:
                prepared = self.prepared[found.slot]
                values = content(prepared, self.rules) if self.is_new_content(found) else place(prepared)
                updates[document["_id"]] = {**values, **self.rules.metadata(found.file)}
        return {**updates, **self.corrections()}

    def corrections(self) -> dict[str, Values]:
        """Return metadata to write on samples whose image is unchanged."""
        corrections: dict[str, Values] = {}
        for found in self.plan.unchanged:
            document = self.held[found.slot[0]][found.slot[1]]
            wanted = self.rules.metadata(found.file)
            differing = {name: value for name, value in wanted.items() if document.get(name) != value}
            if differing:
                corrections[document["_id"]] = differing
        return corrections

    def additions(self) -> Iterator[Values]:
        """Yield the values of samples to add: new views, and no other than these."""
        for found in self.plan.new:
            if found.slot in self.prepared:
                particle_id, view = found.slot
                yield {
                    **self.shared(particle_id),
                    **content(self.prepared[found.slot], self.rules),
                    **self.rules.metadata(found.file),  # what the manifest says wins over the vendor's tags
                    schema.PARTICLE_ID: particle_id,
                    schema.VIEW: view,
                }

    def placeholders(self) -> Iterator[Values]:
        """Yield the values of anchor samples, but for their picture, of particles that would have none."""
        for particle_id, files in self.files.items():
            views = self._readable(particle_id) | set(self.held.get(particle_id, {}))
            if views and self.rules.anchor not in views:
                yield {
                    **self.shared(particle_id),
                    **self.rules.metadata(files[0]),  # so that a filter on a lot also finds these particles
                    schema.PRESENT: False,
                    schema.PENDING: [schema.STAGE_PROPOSE],
                    schema.PARTICLE_ID: particle_id,
                    schema.VIEW: self.rules.anchor,
                }

    def repairs(self) -> dict[str, Values]:
        """Return ``{particle id: values}`` that the samples already there have to take over."""
        repairs: dict[str, Values] = {}
        for particle_id, documents in self.held.items():
            wanted = {**self._manifest_label(particle_id), schema.N_VIEWS: self.n_views(particle_id)}
            differing = {
                name: value
                for name, value in wanted.items()
                if any(document.get(name) != value for document in documents.values())
            }
            if differing:
                repairs[particle_id] = differing
        return repairs

    def needs_proposal(self) -> list[str]:
        """Return known particles whose images or number of images change."""
        recounted = {particle_id for particle_id, values in self.repairs().items() if schema.N_VIEWS in values}
        repictured = {found.slot[0] for found in self.read() if self.is_new_content(found)}
        return sorted((recounted | repictured) & set(self.held))

    # -- values ------------------------------------------------------------------------------------------------

    def shared(self, particle_id: str) -> Values:
        """Return the particle values of a new sample: those of its siblings when there are any."""
        siblings = self.held.get(particle_id, {})
        undecided: Document = {schema.DECISION: schema.UNDECIDED}
        model = siblings.get(self.rules.anchor) or next(iter(siblings.values()), undecided)
        inherited = {name: model[name] for name in self.rules.particle_fields if model.get(name) is not None}
        return {**inherited, **self._manifest_label(particle_id), schema.N_VIEWS: self.n_views(particle_id)}

    def n_views(self, particle_id: str) -> int:
        """Return how many real images the particle has once this step is written."""
        known = {view for view, found in self.held.get(particle_id, {}).items() if found.get(schema.PRESENT)}
        return len(known | self._readable(particle_id))

    def read(self) -> list[Found]:
        """Return the files that were read and are usable."""
        return [found for found in self.plan.to_read if found.slot in self.prepared]

    def is_new_content(self, found: Found) -> bool:
        """Tell whether the pixels differ from what the dataset holds; true for a view that it lacks."""
        document = self._document(found) or {}
        same = document.get(schema.CONTENT_HASH) == self.prepared[found.slot].content_hash
        return not (same and document.get(schema.PRESENT))

    def _readable(self, particle_id: str) -> set[str]:
        return {file.view for file in self.files[particle_id] if (particle_id, file.view) in self.prepared}

    def _document(self, found: Found) -> Document | None:
        return self.held.get(found.slot[0], {}).get(found.slot[1])

    def _manifest_label(self, particle_id: str) -> Values:
        label = next((file.label for file in self.files[particle_id] if file.label), None)
        return {} if label is None else {schema.MANIFEST_LABEL: label}

    # -- counting ----------------------------------------------------------------------------------------------

    def tally(self) -> Counter[str]:
        """Return counts under the names of ``IngestReport``."""
        with_image = [particle_id for particle_id in self.files if self.n_views(particle_id)]
        changed = [found for found in self.plan.changed if found.slot in self.prepared]
        differing = sum(self.is_new_content(found) for found in changed)
        return Counter(
            particles=len(with_image),
            particles_new=sum(particle_id not in self.held for particle_id in with_image),
            views_new=len(self.read()) - len(changed),
            views_changed=differing,
            views_moved=len(changed) - differing,
            views_unchanged=len(self.plan.unchanged),
            placeholders=sum(1 for _ in self.placeholders()),
            metadata_updated=len(self.corrections()),
            views_vanished=sum(1 for _ in self._vanished()),
        )

    def changes(self) -> Counter[str]:
        """Return what writing this batch changes, for the history; all zero when everything is as before."""
        tally = self.tally()
        labels = sum(schema.MANIFEST_LABEL in values for values in self.repairs().values())
        return Counter({name: tally[name] for name in CHANGES}) + Counter(labels_updated=labels)

    def notices(self) -> Iterator[Problem]:
        """Yield what people may want to know about this batch, apart from single files."""
        for found in self.plan.changed:
            if found.slot in self.prepared and self.is_new_content(found):
                before = self.held[found.slot[0]][found.slot[1]][schema.SOURCE_PATH]
                if before != str(found.file.path):
                    reason = f"replaces '{before}', which was this view before"
                    yield Problem(str(found.file.path), *found.slot, "replaced", reason, NOTICE)
        for particle_id, files in self.files.items():
            labels = list(dict.fromkeys(file.label for file in files if file.label))
            if len(labels) > 1:
                reason = f"its rows carry {len(labels)} labels; '{labels[0]}' is kept (other: '{labels[1]}')"
                yield Problem(str(files[0].path), particle_id, "", "labels_differ", reason, NOTICE)

    def _vanished(self) -> Iterator[str]:
        for particle_id, documents in self.held.items():
            listed = {file.view for file in self.files[particle_id]}
            for view, document in documents.items():
                path = document.get(schema.SOURCE_PATH)
                if view not in listed and path and not os.path.exists(path):
                    yield str(path)


def as_held(documents: Documents) -> dict[Slot, Held]:
    """Return documents in the words of ``plan``."""
    return {
        (particle_id, view): Held(
            sample_id=str(document["_id"]),
            source_path=document.get(schema.SOURCE_PATH) or "",
            source_stat=document.get(schema.SOURCE_STAT) or "",
            content_hash=document.get(schema.CONTENT_HASH) or "",
            present=bool(document.get(schema.PRESENT)),
            shown=_is_shown(document),
        )
        for particle_id, by_view in documents.items()
        for view, document in by_view.items()
    }


def _is_shown(document: Document) -> bool:
    """Tell whether the display copy is there; that a source file is gone shows when it is looked for."""
    shown = document.get("filepath")
    return shown == document.get(schema.SOURCE_PATH) or os.path.exists(str(shown))


def place(prepared: Prepared) -> Values:
    """Return where an image is."""
    return {
        "filepath": str(prepared.filepath),
        schema.SOURCE_PATH: str(prepared.found.file.path),
        schema.SOURCE_STAT: prepared.found.stat,
    }


def content(prepared: Prepared, rules: Rules) -> Values:
    """Return everything that follows from an image; results of earlier pixels are cleared."""
    info, vendor = prepared.info, prepared.vendor
    is_anchor = prepared.found.file.view == rules.anchor
    return {
        **dict.fromkeys(_FROM_PIXELS),
        **place(prepared),
        "metadata": {
            "width": info.width,
            "height": info.height,
            "size_bytes": prepared.size_bytes,
            "mime_type": f"image/{info.kind.lower()}",
        },
        schema.PRESENT: True,
        schema.PENDING: list(schema.STAGES if is_anchor else _VIEW_STAGES),
        schema.CONTENT_HASH: prepared.content_hash,
        schema.DISPLAY_MAPPING: prepared.mapping,
        schema.BIT_DEPTH: info.bit_depth,
        schema.PIXEL_SIZE_NM: vendor.pixel_size_nm,
        schema.VOLTAGE_KV: vendor.voltage_kv,
        schema.DETECTOR: vendor.detector,
        schema.MAGNIFICATION: vendor.magnification,
        schema.INSTRUMENT: vendor.instrument,
        schema.INFO_BAR_ROWS: vendor.info_bar_rows,
    }
