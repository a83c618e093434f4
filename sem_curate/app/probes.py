"""The doctor's examinations: look at this machine, start what has to be started, hand plain values to `checks`."""

from __future__ import annotations

import importlib.metadata
import os
import shutil
import tempfile
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import numpy as np

from sem_curate import paths
from sem_curate.app import browser, checks, mongod, plugins, ports
from sem_curate.app.checks import Check

SHOWN = ("numpy", "torch", "fiftyone")


def examinations(port: int) -> dict[str, Callable[[], Check]]:
    """Return every check by name, in the order of the report."""
    return {
        "python": checks.python_version,
        "packages": packages,
        "opencv": lambda: checks.opencv(installed_names()),
        "mongod": database,
        "torch": torch_works,
        "encoders": encoders,
        "folder": data_folder,
        "plugins": plugin_discovery,
        "port": partial(app_port, port),
        "browser": lambda: checks.browser(browser.find_browser()),
        "fonts": lambda: checks.fonts(browser.japanese_fonts()),
    }


def installed_names() -> frozenset[str]:
    """Return the normalised names of all installed packages."""
    names = (found.metadata["Name"] for found in importlib.metadata.distributions())
    return frozenset(name.lower().replace("_", "-") for name in names if name)


def packages() -> Check:
    """Compare our declared requirements with what is installed."""
    from packaging.requirements import Requirement

    installed: dict[str, str | None] = {}
    problems = []
    for line in importlib.metadata.requires("sem-curate") or []:
        wanted = Requirement(line)
        if wanted.marker is not None and not wanted.marker.evaluate({"extra": ""}):
            continue
        version = _version(wanted.name)
        installed[wanted.name] = version
        if version is None:
            problems.append(f"{wanted.name} is missing")
        elif not wanted.specifier.contains(version, prereleases=True):
            problems.append(f"{wanted.name} {version} is not {wanted.specifier}")
    return checks.packages(installed, problems, SHOWN)


def database() -> Check:
    """Really start (or ping) the database."""
    answer = mongod.answers()
    if answer.ok:
        return Check("mongod", checks.OK, f"MongoDB {answer.version} answers ({answer.where})")
    return Check("mongod", checks.FAIL, f"{answer.where}: {answer.problem}", answer.remedy)


def torch_works() -> Check:
    """Multiply two small matrices where the encoders will run."""
    import torch

    device = "cuda" if torch.cuda.is_available() else "cpu"
    square = torch.eye(64, device=device) * 2.0
    if float((square @ square).trace()) != 256.0:
        return Check(
            "torch", checks.FAIL, f"a matrix product on {device} is wrong", "reinstall torch: make clean setup"
        )
    where = torch.cuda.get_device_name(0) if device == "cuda" else f"CPU, {torch.get_num_threads()} threads"
    return Check("torch", checks.OK, f"torch {torch.__version__} works on {where}")


def encoders() -> Check:
    """Load each bundled encoder and embed one image (and one sentence where it can)."""
    from sem_curate.embed.encoders import DEFAULTS, get_encoder

    image = np.linspace(0, 255, 96 * 96).reshape(96, 96).astype(np.uint8)
    seen = []
    for name in DEFAULTS:
        encoder = get_encoder(name)
        vector = encoder.embed_images(encoder.preprocess(image)[None])
        text = encoder.embed_texts(["粒子"]) if encoder.supports_text else vector
        if vector.shape != (1, encoder.dim) or not (np.isfinite(vector).all() and np.isfinite(text).all()):
            return Check("encoders", checks.FAIL, f"{name} returns no usable vector", "reinstall sem-curate")
        seen.append(f"{name} ({encoder.dim})")
    return Check("encoders", checks.OK, f"{', '.join(seen)} load and embed")


def data_folder() -> Check:
    """Write and delete a file in the data folder, or in the nearest folder above it that exists."""
    home = paths.home()
    place = next(folder for folder in (home, *home.parents) if folder.exists())
    free_gb = shutil.disk_usage(place).free / 1e9
    try:
        with tempfile.NamedTemporaryFile(dir=place, prefix=".sem-curate-"):
            writable = True
    except OSError:
        writable = False
    return checks.data_folder(home, writable, free_gb)


def plugin_discovery() -> Check:
    """Ask FiftyOne what it registers from our folders, and compare with what they declare."""
    states = {item.name: item.state for item in plugins.status()}
    if not all(state in ("linked", "copied") for state in states.values()):
        return checks.plugins(states, [], 0)
    registered, problems = registered_names()
    return checks.plugins(states, problems, sum(len(names) for names in registered.values()))


def registered_names() -> tuple[Mapping[str, frozenset[str]], list[str]]:
    """Return ``{plugin: names FiftyOne registered}`` and everything that differs from the plugins' own lists."""
    from fiftyone.plugins.context import build_plugin_contexts

    contexts: dict[str, Any] = {context.name: context for context in build_plugin_contexts()}
    registered: dict[str, frozenset[str]] = {}
    problems = []
    for plugin in plugins.PLUGINS:
        context = contexts.get(plugin.name)
        if context is None:
            problems.append(f"FiftyOne does not list {plugin.name} (disabled, or shadowed by a folder of that name)")
            continue
        registered[plugin.name] = frozenset(item.name for item in context.instances)
        problems += _differences(plugin.name, context, registered[plugin.name])
    return registered, problems


def app_port(number: int) -> Check:
    """Try to bind the App's port."""
    free = ports.is_free(number)
    return checks.port(number, free, None if free else ports.next_free(number))


def run(names: tuple[str, ...], port: int) -> list[Check]:
    """Run the named checks (all when none is named), in order; a crash becomes a FAIL line."""
    chosen = examinations(port)
    return [checks.guarded(name, check) for name, check in chosen.items() if not names or name in names]


def _version(name: str) -> str | None:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return None


def _differences(name: str, context: Any, registered: frozenset[str]) -> list[str]:
    problems = [f"{name}: {_last_line(error)}" for error in context.errors]
    differ = set(context.plugin_definition.operators) ^ registered  # FiftyOne lists panels among the operators
    if differ:
        problems.append(f"{name}: {len(differ)} declared but not registered, or the reverse (e.g. '{min(differ)}')")
    bundle = context.plugin_definition.js_bundle_path
    if "js_bundle" in context.plugin_definition._metadata and not os.path.isfile(bundle):
        problems.append(f"{name}: its JavaScript bundle is missing")
    return problems


def _last_line(error: object) -> str:
    lines = str(error).strip().splitlines()
    return lines[-1] if lines else "unknown error"
