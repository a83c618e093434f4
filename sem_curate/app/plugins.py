"""Put our two plugin folders where FiftyOne looks for plugins, and take them away again.

FiftyOne reads exactly one plugins folder and has no registration call for installed packages. So we link our folders
into the user's own one; setting ``FIFTYONE_PLUGINS_DIR`` for them would hide their other plugins.
"""

from __future__ import annotations

import filecmp
import os
import re
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from sem_curate.errors import SetupError

METADATA_FILES: Final = ("fiftyone.yml", "fiftyone.yaml")
PANEL: Final = "sem_curate_panel"  # the panel's name in FiftyOne, for workspaces
IGNORED: Final = ("node_modules", "__pycache__", "src")


@dataclass(frozen=True)
class Plugin:
    """One plugin of ours: its name in FiftyOne and the folder name it gets among the user's plugins."""

    name: str
    folder: str
    in_checkout: str
    in_wheel: str


PLUGINS: Final = (
    Plugin("@sem-curate/operators", "sem-curate-operators", "operators", "operators"),
    Plugin("@sem-curate/panel", "sem-curate-panel", "plugins/panel", "panel"),
)


@dataclass(frozen=True)
class PluginStatus:
    """Where one plugin stands: ``linked``, ``copied``, ``outdated`` (a copy that differs), ``missing``, ``foreign``."""

    name: str
    state: str
    installed_at: str
    source: str

    @property
    def usable(self) -> bool:
        """Tell whether FiftyOne will find this version of the plugin."""
        return self.state in ("linked", "copied")


def plugins_dir() -> Path:
    """Return the folder in which FiftyOne looks for plugins; imports FiftyOne only when the environment is silent."""
    given = os.environ.get("FIFTYONE_PLUGINS_DIR")
    if given:
        return Path(given).expanduser().absolute()
    import fiftyone as fo

    return Path(fo.config.plugins_dir)


def source(plugin: Plugin) -> Path:
    """Return our own folder of a plugin, in a checkout or in an installed wheel.

    Raises:
        SetupError: when the installation lacks it.
    """
    package = Path(__file__).resolve().parents[1]
    for candidate in (package / "_plugins" / plugin.in_wheel, package.parent / plugin.in_checkout):
        if metadata_file(candidate) is not None:
            return candidate
    raise SetupError(f"this installation lacks the plugin {plugin.name}; reinstall sem-curate")


def metadata_file(folder: Path) -> Path | None:
    """Return the file that makes a folder a FiftyOne plugin, or None."""
    return next((folder / name for name in METADATA_FILES if (folder / name).is_file()), None)


def status(target: Path | None = None) -> tuple[PluginStatus, ...]:
    """Return the state of each of our plugins in ``target`` (default: FiftyOne's plugins folder)."""
    chosen = plugins_dir() if target is None else target
    return tuple(_status(plugin, chosen / plugin.folder) for plugin in PLUGINS)


def install(target: Path | None = None, *, copy: bool = False) -> tuple[PluginStatus, ...]:
    """Link (or copy) our plugins into FiftyOne's plugins folder. Running it again repairs and updates.

    Args:
        target: another plugins folder.
        copy: copy even where links work.

    Returns:
        The state of each plugin afterwards.

    Raises:
        SetupError: when something that is not ours stands in the way, or the folder cannot be written.
    """
    chosen = plugins_dir() if target is None else target
    before = status(chosen)
    _refuse_foreign(before)
    wanted = "copied" if copy else "linked"
    try:
        chosen.mkdir(parents=True, exist_ok=True)
        for plugin, now in zip(PLUGINS, before, strict=True):
            if now.state != wanted:
                _remove(Path(now.installed_at))
                _place(source(plugin), Path(now.installed_at), copy=copy)
    except OSError as error:
        raise SetupError(f"cannot write plugins into '{chosen}' ({error}); make it writable and try again") from error
    return status(chosen)


def uninstall(target: Path | None = None) -> tuple[str, ...]:
    """Remove our plugins; returns the names removed. Foreign folders stay, and so do our sources."""
    removed = []
    for now in status(target):
        if now.state not in ("missing", "foreign"):
            _remove(Path(now.installed_at))
            removed.append(now.name)
    return tuple(removed)


def _status(plugin: Plugin, place: Path) -> PluginStatus:
    ours = source(plugin)
    return PluginStatus(plugin.name, _state(plugin, place, ours), str(place), str(ours))


def _state(plugin: Plugin, place: Path, ours: Path) -> str:
    if place.is_symlink():
        if not place.exists():
            return "outdated"  # a checkout that moved away leaves a dead link under our folder name
        if place.resolve() == ours.resolve():
            return "linked"
    if not place.exists():
        return "missing"
    if _plugin_name(place) != plugin.name:
        return "foreign"
    return "copied" if not place.is_symlink() and _same(ours, place) else "outdated"


def _plugin_name(folder: Path) -> str | None:
    described = metadata_file(folder) if folder.is_dir() else None
    if described is None:
        return None
    found = re.search(r"""^name:\s*["']?([^"'\s#]+)""", described.read_text(encoding="utf-8"), flags=re.MULTILINE)
    return found.group(1) if found else None


def _refuse_foreign(found: tuple[PluginStatus, ...]) -> None:
    foreign = [item for item in found if item.state == "foreign"]
    if foreign:
        raise SetupError(
            f"{len(foreign)} folders are in the way and are not ours (e.g. '{foreign[0].installed_at}'); "
            "move or rename them, then run: sem-curate plugins install"
        )


def _place(ours: Path, place: Path, *, copy: bool) -> None:
    if not copy:
        try:
            place.symlink_to(ours, target_is_directory=True)
            return
        except OSError:  # Windows without developer mode, some network drives
            pass
    shutil.copytree(ours, place, ignore=shutil.ignore_patterns(*IGNORED))


def _remove(place: Path) -> None:
    if place.is_symlink():
        place.unlink()
    elif place.is_dir():
        shutil.rmtree(place)


def _same(ours: Path, copied: Path) -> bool:
    expected, found = _files(ours), _files(copied)
    return expected.keys() == found.keys() and all(
        filecmp.cmp(path, found[name], shallow=False) for name, path in expected.items()
    )


def _files(folder: Path) -> Mapping[str, Path]:
    listed = (path for path in folder.rglob("*") if path.is_file())
    relative = {path.relative_to(folder).as_posix(): path for path in listed}
    return {name: path for name, path in relative.items() if not set(name.split("/")) & set(IGNORED)}
