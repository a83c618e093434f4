"""Serve the FiftyOne App for the browser tests, in a process of its own, obeying one-word commands on stdin.

``reset`` closes the modal, clears the view and opens the panel beside the grid; the end of stdin ends the process.
Each command is answered with one line. The environment (database, plugins folder, homes) comes from the tests.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable

import fiftyone as fo

PANEL = "sem_curate_panel"
RETRIES = 40


def workspace() -> fo.Space:
    """The grid on the left, the panel on the right. Without active_child both halves would stay blank."""
    grid, panel = fo.Panel(type="Samples", pinned=True), fo.Panel(type=PANEL)
    halves = [fo.Space(children=[half], active_child=half.component_id) for half in (grid, panel)]
    return fo.Space(orientation="horizontal", children=halves)


def reset(session: fo.Session, dataset: str) -> None:
    """The server keeps one session for all browsers: dataset, view, modal and panels of the last test."""
    session.dataset = fo.load_dataset(dataset)
    session.sample_id = None
    session.group_id = None
    session.clear_view()
    session.spaces = workspace()


def patiently(work: Callable[[], None]) -> None:
    """Repeat while FiftyOne's own client is reconnecting to its server, as it does on a busy machine."""
    for left in range(RETRIES, -1, -1):
        try:
            return work()
        except RuntimeError as error:
            if "not connected" not in str(error) or not left:
                raise
            time.sleep(1)
    return None


def main() -> None:
    name, port = sys.argv[1], int(sys.argv[2])
    session = fo.launch_app(fo.load_dataset(name), remote=True, address="127.0.0.1", port=port, auto=False)
    patiently(lambda: reset(session, name))
    print("READY", flush=True)
    for line in sys.stdin:
        command, _, argument = line.strip().partition(" ")
        if command == "reset":
            patiently(lambda dataset=argument: reset(session, dataset))
        print("DONE", flush=True)
    session.close()


if __name__ == "__main__":
    main()
