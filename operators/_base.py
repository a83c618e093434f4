"""What every operator of ours shares: its names, and the refusal of datasets that are not ours."""

from __future__ import annotations

from typing import Any, ClassVar

import fiftyone.operators as foo
from fiftyone.operators import types

from . import _forms, _outage


class SemOperator(foo.Operator):
    """An operator that reads a form, makes one call, and shows the result.

    A subclass names itself in the class attributes, adds its questions in :meth:`form`, and works in ``execute``.
    """

    NAME: ClassVar[str]
    LABEL: ClassVar[str]
    DESCRIPTION: ClassVar[str]
    BUTTON: ClassVar[str] = "Run / 実行"
    OPTIONS: ClassVar[dict[str, Any]] = {}

    def __init_subclass__(cls, **kwargs: Any) -> None:
        """Let every form and every run tell in words that the database went away."""
        super().__init_subclass__(**kwargs)
        for name, told in (("resolve_input", _outage.told_in_form), ("execute", _outage.told_at_work)):
            if name in cls.__dict__:
                setattr(cls, name, told(cls.__dict__[name]))

    @property
    def config(self) -> foo.OperatorConfig:
        return foo.OperatorConfig(
            name=self.NAME,
            label=self.LABEL,
            description=self.DESCRIPTION,
            dynamic=True,
            view_target=False,  # FiftyOne's own scope question counts samples; ours counts particles
            **{"risk_level": "medium", **self.OPTIONS},
        )

    @_outage.told_in_form
    def resolve_input(self, ctx: Any) -> types.Property:
        inputs = types.Object()
        if _forms.dataset_is_ours(ctx, inputs):
            self.form(ctx, inputs)
        view = types.PromptView(label=self.LABEL, submit_button_label=self.BUTTON, description=self.DESCRIPTION)
        return types.Property(inputs, view=view)

    def form(self, ctx: Any, inputs: types.Object) -> None:
        """Add this operator's questions."""
        raise NotImplementedError

    def resolve_output(self, ctx: Any) -> types.Property:
        outputs = types.Object()
        for key, value in (ctx.results or {}).items():
            outputs.str(key, label=key.replace("_", " "), default=str(value), view=types.ReadOnlyView(read_only=True))
        return types.Property(outputs, view=types.View(label=self.LABEL))
