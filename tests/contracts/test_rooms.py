"""A new file cannot escape the rules: whatever is not listed here as an edge must not know FiftyOne or MongoDB."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

import sem_curate

ROOT = Path(sem_curate.__file__).parent
# Files that may speak FiftyOne: one per room, and what launches or joins rooms.
EDGES = {
    "api.py", "demo.py", "layout.py", "mirror.py", "ontology.py", "pipeline.py",
    "dataset/finding.py", "dataset/opening.py", "dataset/reading.py", "dataset/writing.py",
    "decide/auditing.py", "decide/automatic.py", "decide/batches.py", "decide/brain.py", "decide/certifying.py",
    "decide/enroll.py", "decide/health_run.py", "decide/judged.py", "decide/promises.py", "decide/replaying.py",
    "decide/teach_integrator.py", "decide/trust.py", "decide/watching.py",
    "search/backend.py", "registry/connection.py",
    "bench/labels.py", "bench/loop.py", "bench/scale.py", "bench/encoders/throughput.py", "cli/status.py",
    *(f"{room}/run.py" for room in ("decide", "embed", "ingest", "quality", "review", "search")),
}  # fmt: skip
ROOMS_OF_EDGES = ("app",)
REGISTRY = "registry"


def imported(path: Path) -> set[str]:
    """Return the top-level packages a file imports anywhere, function bodies included."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names.add(node.module.split(".")[0])
    return names


# The only files outside the embedding room that may train a network.
LEARNED_RUNGS = {"integrate/learned.py", "integrate/models.py", "integrate/networks.py"}
FILES = sorted(path.relative_to(ROOT).as_posix() for path in ROOT.rglob("*.py") if "_plugins" not in path.parts)


@pytest.mark.parametrize("file", FILES)
def test_only_edges_know_fiftyone_and_only_the_registry_knows_mongoengine(file: str) -> None:
    found = imported(ROOT / file)
    room = file.split("/")[0]
    if file not in EDGES and room not in ROOMS_OF_EDGES:
        assert not found & {"fiftyone", "bson"}
    if room != REGISTRY:
        assert "mongoengine" not in found
    if room not in ("embed", "app") and file not in LEARNED_RUNGS:
        assert not found & {"torch", "timm", "open_clip"}


def test_every_listed_edge_exists() -> None:
    assert set(FILES) >= EDGES


@pytest.mark.parametrize("plugin", ["operators", "plugins"])
def test_operators_and_panels_hold_no_algorithm(plugin: str) -> None:
    heavy = {"torch", "timm", "open_clip", "umap", "hdbscan", "cleanlab", "cv2", "skimage", "mongoengine", "faiss"}
    for path in (ROOT.parent / plugin).rglob("*.py"):
        if "node_modules" not in path.parts:
            assert not imported(path) & heavy, path
