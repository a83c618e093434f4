"""``sem-curate app``: serve the FiftyOne App with the SEM Curate panel."""

from __future__ import annotations

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

    def ready(server: launch.Server) -> None:
        hint = f"\n{launch.tunnel_hint(port)}" if remote_hint else ""
        result = {"url": server.url, "dataset": dataset, "port": port}
        output.emit(result, as_json=as_json, text=lambda: f"App: {server.url}\nCtrl-C stops it.{hint}")

    launch.check_address(address, no_login_understood=no_login)
    launch.check_port(port, address)
    click.echo("Starting the App (about 20 seconds) ...", err=True)
    launch.serve(
        dataset,
        port,
        address=address,
        no_login_understood=no_login,
        open_browser=not no_browser,
        on_ready=ready,
    )
    click.echo("Stopped.", err=True)
    return output.OK
