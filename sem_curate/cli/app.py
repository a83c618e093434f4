"""``sem-curate app``: serve the FiftyOne App with the SEM Curate panel."""

from __future__ import annotations

import sys
from typing import Any

import click

from sem_curate.app import launch
from sem_curate.cli import output


@click.command(name="app")
@click.option("--dataset", metavar="NAME", help="The dataset to open; without it the App lists all.")
@click.option("--port", default=launch.DEFAULT_PORT, show_default=True, help="Where to serve.")
@click.option("--address", default="127.0.0.1", show_default=True, help="Serve on this address.")
@click.option("--i-know-there-is-no-login", "no_login", is_flag=True, help="Allow an address other machines can reach.")
@click.option("--no-browser", is_flag=True, help="Print the address only.")
@click.option("--remote-hint", is_flag=True, help="Also print how to reach the App through an SSH tunnel.")
@output.json_option
def command(
    dataset: str | None, port: int, address: str, no_login: bool, no_browser: bool, remote_hint: bool, as_json: bool
) -> int:
    """Open the FiftyOne App with the SEM Curate panel, until Ctrl-C.

    Served on this machine only: FiftyOne has no login.
    """
    launch.check_address(address, no_login_understood=no_login)
    launch.check_port(port, address)
    hint = f"\n{launch.tunnel_hint(port)}" if remote_hint else ""
    serve(
        dataset, port, as_json=as_json, hint=hint,
        address=address, no_login_understood=no_login, open_browser=not no_browser,
    )  # fmt: skip
    return output.OK


def serve(dataset: str | None, port: int, *, as_json: bool = False, hint: str = "", **options: Any) -> None:
    """Serve the App until Ctrl-C, and say where it is and how to stop it.

    Args:
        dataset: what to show.
        port: where.
        as_json: announce as JSON.
        hint: a further line of the announcement.
        options: passed on to ``launch.serve``.
    """

    def ready(server: launch.Server) -> None:
        result = {"url": server.url, "dataset": dataset, "port": port}
        output.emit(result, as_json=as_json, text=lambda: f"App: {server.url}\nCtrl-C stops it.{hint}")
        sys.stdout.flush()  # a log file or a pipe should learn the address now, not at the end

    click.echo("Starting the App (about 20 seconds) ...", err=True)
    launch.serve(dataset, port, on_ready=ready, **options)
    click.echo("Stopped.", err=True)
