"""Running pipeline stages from the App: at once with a moving bar, or delegated to a worker."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterator
from typing import Any, ClassVar

from fiftyone.operators import types

from sem_curate import dataset, outage
from sem_curate.errors import SemCurateError
from sem_curate.progress import Progress

from . import _forms, _scope
from ._base import SemOperator

Work = Callable[[Progress], dict[str, Any]]


class StageOperator(SemOperator):
    """Runs some stages on what is pending; chosen particles can be made pending again first."""

    STAGES: ClassVar[tuple[str, ...]]
    OPTIONS: ClassVar[dict[str, Any]] = {
        "execute_as_generator": True,
        "allow_immediate_execution": True,
        "allow_delegated_execution": True,
        "risk_level": "low",
    }

    def form(self, ctx: Any, inputs: types.Object) -> None:
        waiting = sum(dataset.count_pending(ctx.dataset)[stage] for stage in self.STAGES)
        sizes = {_scope.PENDING: waiting}
        sizes |= {scope: len(_scope.particles(ctx, scope)) for scope in (_scope.SELECTED, _scope.VIEW)}
        scope, size = _forms.ask_scope(ctx, inputs, sizes, default=_scope.PENDING)
        if scope == _scope.PENDING:
            return
        again = "計算し直します。ほかの未処理分も処理します / computed again, together with everything else pending"
        inputs.view("again", types.Notice(label=f"{again} ({waiting})"))
        _forms.ask_confirmation(ctx, inputs, size, "compute again")

    def execute(self, ctx: Any) -> Any:
        scope = ctx.params["scope"]
        if scope != _scope.PENDING:
            dataset.mark_pending(ctx.dataset, self.STAGES, _scope.particles(ctx, scope))

        def work(progress: Progress) -> dict[str, Any]:
            from sem_curate import pipeline

            return pipeline.run_stages(ctx.dataset, self.STAGES, progress=progress)

        return stream_work(ctx, work, sentence)

    def resolve_run_name(self, ctx: Any) -> str:
        return f"{self.LABEL} ({ctx.dataset_name})"


def stream_work(ctx: Any, work: Work, tell: Callable[[dict[str, Any]], str]) -> Any:
    """Run ``work``: delegated it returns the result, at once it yields progress and then says ``tell(result)``."""
    if not ctx.delegated:
        return _stream(ctx, work, tell)

    def report(done: int, total: int | None, text: str = "") -> None:
        ctx.set_progress(_fraction(done, total), _line(done, total, text))

    result = work(report)
    return {"result": tell(result)}


def _stream(ctx: Any, work: Work, tell: Callable[[dict[str, Any]], str]) -> Iterator[Any]:
    """Run ``work`` in a thread and yield its progress to the App; a deliberate error becomes a message there.

    Closing the form does not stop the work. Each batch is saved with its own mark, so nothing is lost either way.
    """
    news: queue.Queue[tuple[str, Any]] = queue.Queue()

    def body() -> None:
        try:
            news.put(("done", work(lambda done, total, text="": news.put(("progress", (done, total, text))))))
        except Exception as error:  # carried over to the generator, which raises or shows it
            news.put(("error", error))

    threading.Thread(target=body, name="sem-curate-work", daemon=True).start()
    kind, value = _latest(news)
    while kind == "progress":
        yield ctx.ops.set_progress(label=_line(*value), progress=_fraction(*value[:2]))
        kind, value = _latest(news)
    if kind == "error":
        value = outage.as_error(value) or value
        if not isinstance(value, SemCurateError):
            raise value
    yield ctx.ops.reload_dataset()
    if kind == "error":
        yield ctx.ops.notify(str(value), variant="error")
    else:
        yield ctx.ops.notify(tell(value), variant="success")


def sentence(result: dict[str, Any]) -> str:
    """Return ``"quality: 24 of 24, 0 skipped, 1.2 s · ..."``, one part per stage, with each stage's own notice."""
    parts = [
        f"{stage}: {counts['out']} of {counts['in']}, {counts.get('skipped', 0)} skipped, {counts['seconds']:.1f} s"
        + (f" — {counts['notice']}" if counts.get("notice") else "")
        for stage, counts in result.items()
    ]
    return " · ".join(parts)


def _latest(news: queue.Queue[tuple[str, Any]]) -> tuple[str, Any]:
    # The App need not draw every step: of the progress that has piled up only the newest matters.
    newest = news.get()
    while newest[0] == "progress" and not news.empty():
        newest = news.get()
    return newest


def _fraction(done: int, total: int | None) -> float:
    return min(1.0, done / total) if total else 0.0


def _line(done: int, total: int | None, text: str = "") -> str:
    return f"{text} {done} / {total}" if total else f"{text} {done}".strip()
