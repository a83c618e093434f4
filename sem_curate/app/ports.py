"""TCP ports on this machine."""

from __future__ import annotations

import socket

LOOPBACK = "127.0.0.1"
SEARCHED = 200  # ports tried above a taken one; more would only hide a mistake


def is_free(port: int, address: str = LOOPBACK) -> bool:
    """Tell whether a server could listen on ``port`` now."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        # Servers set this too: a port in TIME_WAIT after a restart is free.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((address, port))
        except OSError:
            return False
        return True


def listens(port: int, address: str = LOOPBACK) -> bool:
    """Tell whether a server accepts connections on ``port`` now."""
    try:
        with socket.create_connection((address, port), timeout=1):
            return True
    except OSError:
        return False


def free_port(address: str = LOOPBACK) -> int:
    """Return a port that nobody listens on, chosen by the system."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.bind((address, 0))
        return int(probe.getsockname()[1])


def next_free(port: int, address: str = LOOPBACK) -> int | None:
    """Return the first free port above ``port``, or None when the next ones are all taken."""
    above = range(port + 1, min(port + 1 + SEARCHED, 65536))
    return next((candidate for candidate in above if is_free(candidate, address)), None)
