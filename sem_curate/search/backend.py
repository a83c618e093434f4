"""A FAISS backend for FiftyOne's similarity API: exact cosine search over one vector per particle.

Each vector is keyed by the particle's anchor sample. An index over all six views would answer a query with k samples
of which the App then drops all but the active slice. The prompt model is an encoder *name*, so that a saved index can
load its model in any process that has this package, the App's server included.

FiftyOne stores these classes by their dotted names and finds ``FaissSimilarity`` by cutting "Config" off: do not move
or rename them.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import faiss
import fiftyone.brain as fb
import fiftyone.core.models as fom
import numpy as np
from fiftyone.brain.similarity import Similarity, SimilarityConfig, SimilarityIndex

from sem_curate.arrays import Floats, unit_rows
from sem_curate.embed.encoders import get_encoder
from sem_curate.errors import InputError
from sem_curate.search import text
from sem_curate.search.vocabulary import Vocabulary
from sem_curate.search.words import vocabulary_of

NAME = "faiss"


class FaissSimilarityConfig(SimilarityConfig):
    """Where the index is and which encoder reads prompts."""

    def __init__(
        self, index_path: str | None = None, prompt_model: str | None = None, encoder_key: str | None = None,
        **kwargs: Any,
    ) -> None:  # fmt: skip
        """Hold the index file, the prompt encoder's name, and the key of the vectors."""
        super().__init__(**kwargs)
        self.index_path, self.prompt_model, self.encoder_key = index_path, prompt_model, encoder_key
        if prompt_model:
            self.supports_prompts = True  # the App reads this flag of the config, not the property of the index

    @property
    def method(self) -> str:
        """FiftyOne's backend name."""
        return NAME

    @property
    def max_k(self) -> None:
        """No limit on k."""
        return

    @property
    def supports_least_similarity(self) -> bool:
        """Whether "least similar" works."""
        return True

    @property
    def supported_aggregations(self) -> tuple[str, ...]:
        """How several query vectors may be combined."""
        return ("mean",)


class FaissSimilarity(Similarity):
    """Opens the index and removes its file with the run."""

    def ensure_requirements(self) -> None:
        """Need nothing: faiss is a dependency of the package."""

    def initialize(self, samples: Any, brain_key: str) -> FaissSimilarityIndex:
        """Open the index of a run."""
        return FaissSimilarityIndex(samples, self.config, brain_key, backend=self)

    def cleanup(self, samples: Any, brain_key: str) -> None:
        """Remove the file; ``delete_brain_run`` calls this and not ``FaissSimilarityIndex.cleanup``."""
        if self.config.index_path:
            Path(self.config.index_path).unlink(missing_ok=True)


class FaissSimilarityIndex(SimilarityIndex):
    """Unit vectors and sample ids in memory, mirrored in one npz file."""

    def __init__(self, samples: Any, config: FaissSimilarityConfig, brain_key: str, backend: Any = None) -> None:
        """Load the vectors; FiftyOne's constructor already asks for them, so this comes first."""
        self._model: Any = None
        self._ids, self._vectors = _load(config.index_path)
        self._refresh()
        super().__init__(samples, config, brain_key, backend=backend)

    @property
    def supports_prompts(self) -> bool:
        """Whether text queries work; FiftyOne's own flag is False until the run is loaded again."""
        return bool(self.config.prompt_model)

    @property
    def sample_ids(self) -> Any:
        """All sample ids of the index."""
        return self._ids

    @property
    def label_ids(self) -> None:
        """No labels are indexed."""
        return

    @property
    def total_index_size(self) -> int:
        """Number of vectors."""
        return len(self._ids)

    def add_to_index(
        self, embeddings: Any, sample_ids: Any, label_ids: Any = None, overwrite: bool = True,
        allow_existing: bool = True, warn_existing: bool = False, reload: bool = True,
    ) -> None:  # fmt: skip
        """Add or replace vectors and save the file."""
        vectors, ids = unit_rows(np.atleast_2d(np.asarray(embeddings))), np.asarray(sample_ids, dtype=str)
        known = np.array([sample_id in self._at for sample_id in ids], dtype=bool)
        if known.any() and not overwrite and not allow_existing:
            raise ValueError(f"{int(known.sum())} sample ids are already indexed (e.g. '{ids[known][0]}')")
        if len(self._ids) and vectors.shape[1] != self._vectors.shape[1]:
            raise ValueError(f"the index holds vectors of length {self._vectors.shape[1]}; got {vectors.shape[1]}")
        if overwrite and known.any():
            self._vectors[[self._at[sample_id] for sample_id in ids[known]]] = vectors[known]
        old = self._vectors if len(self._ids) else np.zeros((0, vectors.shape[1]), np.float32)
        self._vectors = np.concatenate([old, vectors[~known]])
        self._ids = np.concatenate([self._ids, ids[~known]])
        self._changed(reload)

    def remove_from_index(
        self, sample_ids: Any = None, label_ids: Any = None, allow_missing: bool = True,
        warn_missing: bool = False, reload: bool = True,
    ) -> None:  # fmt: skip
        """Remove vectors (all when no ids are given) and save the file."""
        gone = set(self._ids if sample_ids is None else [str(item) for item in _listed(sample_ids)])
        self._refuse_missing(gone, allow_missing)
        keep = np.array([sample_id not in gone for sample_id in self._ids], dtype=bool)
        self._ids, self._vectors = self._ids[keep], self._vectors[keep]
        self._changed(reload)

    def get_embeddings(
        self, sample_ids: Any = None, label_ids: Any = None, allow_missing: bool = True, warn_missing: bool = False
    ) -> tuple[Floats, Any, None]:
        """Return vectors and ids, of all samples or of those given that are indexed."""
        if sample_ids is None:
            return self._vectors.copy(), self._ids.copy(), None
        wanted = [str(item) for item in _listed(sample_ids)]
        self._refuse_missing(set(wanted), allow_missing)
        found = [sample_id for sample_id in wanted if sample_id in self._at]
        return self._vectors[[self._at[sample_id] for sample_id in found]], np.array(found, dtype=str), None

    def reload(self) -> None:
        """Apply the current view again."""
        self.use_view(self._curr_view)

    def cleanup(self) -> None:
        """Remove the file and all vectors."""
        self.backend.cleanup(self._samples, self.key)
        self._ids, self._vectors = _load(None)
        self._refresh()

    def get_model(self) -> Any:
        """Return the prompt model; the App's server calls this for a text query."""
        if self._model is None and self.config.prompt_model:
            self._model = PromptModel(self.config.prompt_model, lambda: vocabulary_of(self._samples._root_dataset))
        return super().get_model()

    def _kneighbors(
        self, query: Any = None, k: int | None = None, reverse: bool = False, aggregation: str | None = None,
        return_dists: bool = False,
    ) -> Any:  # fmt: skip
        """Search the current view; distances are 1 - cosine."""
        if aggregation not in (None, *self.config.supported_aggregations):
            raise ValueError(f"unsupported aggregation '{aggregation}'; use 'mean' or None")
        vectors, single = self._query_vectors(query)
        if aggregation == "mean":
            vectors, single = unit_rows(vectors.mean(axis=0, keepdims=True)), True
        rows, dists = self._search(vectors, k, reverse)
        if query is None:
            return (rows, dists) if return_dists else rows
        ids: Any = [list(self._ids[row]) for row in rows]
        found: Any = [list(map(float, row)) for row in dists]
        if single:
            ids, found = ids[0], found[0]
        return (ids, None, found) if return_dists else (ids, None)

    def _query_vectors(self, query: Any) -> tuple[Floats, bool]:
        """Turn FiftyOne's kinds of query (nothing, ids, vectors) into (Q, D) unit rows, and tell if it is one."""
        if query is None:
            inside = self._current_inds
            return (self._vectors if inside is None else self._vectors[inside]), False
        if isinstance(query, np.ndarray) and query.dtype.kind == "f":
            return unit_rows(np.atleast_2d(query)), query.ndim == 1
        wanted = [str(item) for item in _listed(query)]
        self._refuse_missing(set(wanted), allow_missing=False)
        return self._vectors[[self._at[item] for item in wanted]], isinstance(query, str)

    def _search(self, vectors: Floats, k: int | None, reverse: bool) -> tuple[list[Any], list[Any]]:
        inside = self._current_inds
        total = len(self._ids) if inside is None else len(inside)
        if not total:
            return [np.zeros(0, np.int64)] * len(vectors), [np.zeros(0, np.float32)] * len(vectors)
        selector = None
        if inside is not None:
            selector = faiss.SearchParameters(sel=faiss.IDSelectorBatch(np.asarray(inside, np.int64)))  # type: ignore[call-arg]
        asked = np.ascontiguousarray(-vectors if reverse else vectors)
        cosines, rows = self._index.search(asked, total if k is None else min(k, total), params=selector)
        sign = -1.0 if reverse else 1.0
        found = [row >= 0 for row in rows]
        return (
            [row[ok] for row, ok in zip(rows, found, strict=True)],
            [1 - sign * cosine[ok] for cosine, ok in zip(cosines, found, strict=True)],
        )

    def _refuse_missing(self, wanted: set[str], allow_missing: bool) -> None:
        missing = [item for item in wanted if item not in self._at]
        if missing and not allow_missing:
            raise InputError(
                f"{len(missing)} samples are not in the index (e.g. '{missing[0]}'); it holds one sample per "
                "particle, on the first view. Select that view, or build the index again"
            )

    def _changed(self, reload: bool) -> None:
        _save(self.config.index_path, self._ids, self._vectors)
        self._refresh()
        if reload:
            self.reload()

    def _refresh(self) -> None:
        self._at = {str(sample_id): row for row, sample_id in enumerate(self._ids)}
        self._index = faiss.IndexFlatIP(self._vectors.shape[1])
        self._index.add(np.ascontiguousarray(self._vectors))

    @classmethod
    def _from_dict(cls, d: dict[str, Any], samples: Any, config: Any, brain_key: str) -> FaissSimilarityIndex:
        return cls(samples, config, brain_key)


class PromptModel(fom.Model, fom.PromptMixin):
    """What FiftyOne needs of a model that reads prompts; images are embedded by the embed stage."""

    def __init__(self, encoder: str, vocabulary: Callable[[], Vocabulary] = Vocabulary) -> None:
        """Resolve the encoder by its name; the labels' words are asked for with each query, as they may change."""
        self._encoder = get_encoder(encoder)
        self._vocabulary = vocabulary

    @property
    def media_type(self) -> str:
        """FiftyOne's media type."""
        return "image"

    @property
    def can_embed_prompts(self) -> bool:
        """Whether prompts work."""
        return self._encoder.supports_text

    def embed_prompt(self, prompt: str) -> Floats:
        """Embed one query, read as everywhere in search: (D,) float32."""
        vocabulary = self._vocabulary()
        vectors = text.encode(text.understand(prompt, vocabulary)[0], self._encoder, vocabulary)
        # One vector cannot express z-scores; pointing away from the negatives is the nearest to it.
        positive = np.zeros(self._encoder.dim, np.float32) if vectors.positive is None else vectors.positive
        return unit_rows(positive - 0.5 * vectors.negatives.sum(axis=0))

    def embed_prompts(self, prompts: Sequence[str]) -> Floats:
        """Embed several queries: (P, D) float32."""
        return np.stack([self.embed_prompt(prompt) for prompt in prompts])

    def predict(self, arg: Any) -> Any:
        """Not what this model is for."""
        raise NotImplementedError("this model reads prompts only")


def register() -> None:
    """Let ``compute_similarity(backend="faiss")`` find this backend by name; a user's own setting stays."""
    entry = {"config_cls": f"{__name__}.FaissSimilarityConfig"}
    fb.brain_config.similarity_backends.setdefault(NAME, entry)


def _listed(items: Any) -> Sequence[Any]:
    return [items] if isinstance(items, str) else list(items)


def _load(path: str | None) -> tuple[Any, Floats]:
    if not path or not Path(path).is_file():
        return np.zeros(0, dtype=str), np.zeros((0, 1), np.float32)
    with np.load(path, allow_pickle=False) as saved:
        return saved["ids"], saved["vectors"]


def _save(path: str | None, ids: Any, vectors: Floats) -> None:
    """Write beside the final name, then move: a reader never sees half an index."""
    if not path:
        return
    target = Path(path)
    target.parent.mkdir(parents=True, exist_ok=True)
    temporary = target.with_name(f".{target.stem}.{os.getpid()}.npz")
    np.savez(temporary, ids=ids, vectors=vectors)
    temporary.replace(target)


register()
