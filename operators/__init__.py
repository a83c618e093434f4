"""FiftyOne plugin ``@sem-curate/operators``: one thin operator per stage and per reviewer action."""

from __future__ import annotations

from typing import Any

from .certify import Certify, ChangeCertificate, OptIn
from .change_labels import (
    DeprecateLabel,
    MergeLabels,
    PickExamples,
    RedefineLabel,
    RenameLabel,
    RestoreLabel,
    ReviewAgain,
    RollBackLabels,
    SplitLabel,
)
from .condition_report import ConditionReport
from .correct_tags import CorrectTags
from .decide import Decide
from .draw_audits import DrawAudits
from .embed import Embed
from .independent_reviewers import IndependentReviewers
from .ingest import Ingest
from .master_health import MasterHealth
from .propose import Propose
from .register_masters import RegisterMasters
from .repropose import Repropose
from .run_all import RunAll
from .run_quality import RunQuality
from .search import Search
from .undo import Undo

# In the order of fiftyone.yml, which is the order of the workflow.
OPERATORS = (
    Ingest, RunQuality, Embed, Propose, RunAll, RegisterMasters, Decide, CorrectTags, Undo,
    IndependentReviewers, Search, ConditionReport,
    Repropose, DrawAudits, Certify, ChangeCertificate, OptIn, MasterHealth,
    RenameLabel, RedefineLabel, MergeLabels, SplitLabel, DeprecateLabel, RestoreLabel, RollBackLabels, PickExamples,
    ReviewAgain,
)  # fmt: skip


def register(plugin: Any) -> None:
    """Register every operator; FiftyOne calls this."""
    for operator in OPERATORS:
        plugin.register(operator)
