"""What would be proposed if the masters stood for other labels: reads only, writes nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from sem_curate import dataset, schema
from sem_curate.config import DecideConfig, IntegrateConfig
from sem_curate.decide import adopted, reference
from sem_curate.decide.batches import read_batch
from sem_curate.decide.impact import Flip, flips

BATCH: Final = 1024
SAMPLE: Final = 4096  # particles behind slot means and ranks, as for proposals
LIMIT: Final = 20_000  # particles looked at: a dry run is waited for
NONE: Final = "none"  # the state of a particle when there are no masters at all

Proposed = dict[str, tuple[str | None, str]]


@dataclass(frozen=True)
class Difference:
    """Which particles would get another proposal, of how many that were looked at, of how many there are."""

    looked_at: int
    of: int
    changed: tuple[Flip, ...]


def compare(
    ds: Any, before: Mapping[str, str], after: Mapping[str, str], reads_as: Mapping[str, str] | None = None
) -> Difference:
    """Compare the proposals under two sets of masters.

    Args:
        ds: an embedded dataset; one without vectors gives nothing to compare.
        before: ``{particle_id: label_id}`` of the masters now.
        after: the same, as it would be.
        reads_as: ids of ``before`` that are another label in ``after``, so that they do not count as a change.
    """
    total = dataset.count_particles(ds)
    key = dataset.encoder_keys(ds).get("dino")
    if not key or dict(before) == dict(after):
        return Difference(0, total, ())
    chosen = dataset.sample_particle_ids(ds, LIMIT)
    old, new = (proposals(ds, key, masters, chosen) for masters in (before, after))
    return Difference(len(chosen), total, flips(old, new, reads_as or {}))


def proposals(ds: Any, encoder_key: str, masters: Mapping[str, str], particle_ids: Sequence[str]) -> Proposed:
    """Return ``{particle_id: (label_id, state)}`` under these masters, with the settings of the last propose run."""
    integrate, decide = _settings(ds)
    known = read_batch(ds, encoder_key, sorted(masters))[0]
    if not known.present.any():
        return dict.fromkeys(particle_ids, (None, NONE))
    sample = read_batch(ds, encoder_key, dataset.sample_particle_ids(ds, SAMPLE))[0]
    learned = adopted.in_force(dataset.dataset_id(ds), encoder_key)[0]
    frozen = reference.build(known, masters, sample, integrate, decide, integrator=learned)
    if not frozen.master_ids:
        return dict.fromkeys(particle_ids, (None, NONE))
    found: Proposed = {}
    for part in dataset.chunks(list(particle_ids), BATCH):
        batch = read_batch(ds, encoder_key, part)[0]
        made = reference.propose_batch(batch, frozen).proposals
        names = [frozen.label_ids[label] if label >= 0 else None for label in made.label]
        found |= {one: (name, str(state)) for one, name, state in zip(part, names, made.state, strict=True)}
    return found


def _settings(ds: Any) -> tuple[IntegrateConfig, DecideConfig]:
    brain_key = schema.BRAIN_KEYS[schema.STAGE_PROPOSE]
    if not ds.has_brain_run(brain_key):
        return IntegrateConfig(), DecideConfig()
    config = ds.get_brain_info(brain_key).config
    return IntegrateConfig(**config.integrate), DecideConfig(**config.decide)
