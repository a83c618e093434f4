"""Run the operators that the App queued. FiftyOne only writes them down; without this nothing starts them."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from sem_curate.app import mongod, plugins
from sem_curate.app.launch import stop_signals, wait_for

OURS: Final = tuple(f"{plugin.name}/" for plugin in plugins.PLUGINS)
PAUSE_SECONDS: Final = 0.5  # FiftyOne's own launcher polls at this pace


@dataclass(frozen=True)
class Ran:
    """One finished operation: which operator, and the error's last line when it failed."""

    operator: str
    error: str = ""


def work(
    *, once: bool = False, stop: threading.Event | None = None, report: Callable[[Ran], None] = lambda _: None
) -> list[Ran]:
    """Run queued operators of ours, oldest first, until stopped. Other plugins' operators stay queued.

    The first Ctrl-C lets the running operator finish; a second one interrupts it and marks it as failed.

    Args:
        once: return when the queue is empty instead of waiting for more.
        stop: set it to end the call after the running operator.
        report: called after each operator.

    Returns:
        What ran.
    """
    mongod.ensure_database()
    plugins.install()
    from fiftyone.operators.delegated import DelegatedOperationService

    service = DelegatedOperationService()
    ran: list[Ran] = []
    with stop_signals(stop) as ended:
        while not ended.is_set():
            operation = _next(service)
            if operation is None:
                if once:
                    break
                wait_for(ended, PAUSE_SECONDS)
                continue
            done = _run(service, operation)
            ran.append(done)
            report(done)
    return ran


def _next(service: Any) -> Any | None:
    from fiftyone.operators.executor import ExecutionRunState

    queued = service.list_operations(run_state=ExecutionRunState.QUEUED)
    ours = [operation for operation in queued if operation.operator.startswith(OURS)]
    return min(ours, key=lambda operation: operation.queued_at, default=None)


def _run(service: Any, operation: Any) -> Ran:
    from fiftyone.operators.executor import ExecutionResult

    try:
        result = service.execute_operation(operation, log=False)
    except BaseException:  # Ctrl-C leaves it "running" for ever otherwise
        service.set_failed(doc_id=operation.id, result=ExecutionResult(error="interrupted"))
        raise
    if result is None:  # another worker was faster
        return Ran(operation.operator)
    lines = str(result.error or "").strip().splitlines()
    return Ran(operation.operator, lines[-1] if lines else "")
