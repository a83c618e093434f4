"""``sem-curate plugins``: put our FiftyOne plugins where FiftyOne finds them."""

from __future__ import annotations

from dataclasses import asdict

import click

from sem_curate.app import plugins
from sem_curate.cli import output


@click.group(name="plugins")
def command() -> None:
    """Install, remove or show the FiftyOne plugins (operators and the SEM Curate panel)."""


@command.command()
@click.option("--copy", is_flag=True, help="Copy the folders instead of linking them.")
@output.json_option
def install(copy: bool, as_json: bool) -> int:
    """Link the plugins into FiftyOne's plugins folder. Running it again repairs and updates them."""
    _show(plugins.install(copy=copy), as_json)
    return output.OK


@command.command()
@output.json_option
def uninstall(as_json: bool) -> int:
    """Remove the plugins from FiftyOne's plugins folder; other plugins stay."""
    removed = plugins.uninstall()
    result = {"removed": list(removed)}
    output.emit(result, as_json=as_json, text=lambda: f"removed: {', '.join(removed) or 'nothing was installed'}")
    return output.OK


@command.command()
@output.json_option
def status(as_json: bool) -> int:
    """Show where each plugin stands. Exit code 1 unless all are usable."""
    found = plugins.status()
    _show(found, as_json)
    return output.OK if all(item.usable for item in found) else output.FAILED


def _show(found: tuple[plugins.PluginStatus, ...], as_json: bool) -> None:
    rows = [(item.name, item.state, item.installed_at) for item in found]
    result = {"plugins": [{**asdict(item), "usable": item.usable} for item in found]}
    output.emit(result, as_json=as_json, text=lambda: output.table(("plugin", "state", "folder"), rows))
