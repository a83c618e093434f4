from __future__ import annotations

import subprocess
import sys

import pytest

from sem_curate.cli import COMMANDS


def test_importing_the_package_and_the_command_line_is_cheap() -> None:
    code = "import sys, sem_curate, sem_curate.cli; print({'fiftyone', 'torch', 'cv2', 'numpy'} & set(sys.modules))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout.strip() == "set()"


def test_the_api_is_small_and_documented() -> None:
    from sem_curate import api

    assert len(api.__all__) <= 24
    assert all(getattr(api, name).__doc__ for name in api.__all__)


@pytest.mark.parametrize("verb", list(COMMANDS))
def test_every_verb_has_help(verb: str) -> None:
    from click.testing import CliRunner

    from sem_curate.cli import cli

    result = CliRunner().invoke(cli, [verb, "--help"])
    assert result.exit_code == 0, result.output
    assert "Usage" in result.output


def test_a_mistyped_verb_is_answered_with_a_suggestion() -> None:
    from click.testing import CliRunner

    from sem_curate.cli import cli

    assert "Did you mean 'ingest'?" in CliRunner().invoke(cli, ["ingst"]).output
