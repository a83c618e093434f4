"""What the App says when the database goes away while an operator is at work: one sentence with the remedy."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Iterator
from typing import Any

from fiftyone.operators import types

from sem_curate import outage
from sem_curate.errors import DatabaseUnavailableError

from . import _forms

Method = Callable[[Any, Any], Any]


def told_in_form(resolve_input: Method) -> Method:
    """Let a form that cannot be drawn say why, instead of failing."""

    @functools.wraps(resolve_input)
    def told(self: Any, ctx: Any) -> Any:
        try:
            with outage.told():
                return resolve_input(self, ctx)
        except DatabaseUnavailableError as gone:
            inputs = types.Object()
            _forms.refuse(inputs, "database", str(gone))
            return types.Property(inputs, view=types.PromptView(label=self.LABEL))

    return told


def told_at_work(execute: Method) -> Method:
    """Let a run that lost the database say so; a delegated one fails with the same words, so that it is not "done"."""

    @functools.wraps(execute)
    def told(self: Any, ctx: Any) -> Any:
        try:
            with outage.told():
                made = execute(self, ctx)
        except DatabaseUnavailableError as gone:
            if ctx.delegated:
                raise gone from None
            ctx.ops.notify(str(gone), variant="error")
            return {"error": str(gone)}
        return _told_on_the_way(ctx, made) if inspect.isgenerator(made) else made

    return told


def _told_on_the_way(ctx: Any, steps: Iterator[Any]) -> Iterator[Any]:
    try:
        with outage.told():
            yield from steps
    except DatabaseUnavailableError as gone:
        yield ctx.ops.notify(str(gone), variant="error")
