from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SCRIPTS = sorted([*(ROOT / ".ci").glob("*.sh"), ROOT / ".ci" / "run"])


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.name)
def test_scripts_parse_are_executable_and_stop_on_errors(script: Path) -> None:
    subprocess.run(["bash", "-n", str(script)], check=True)
    assert script.stat().st_mode & 0o111
    assert "set -euo pipefail" in script.read_text(encoding="utf-8")


def test_ci_runs_the_readmes_test_command() -> None:
    assert re.search(r"^make test$", (ROOT / ".ci" / "run").read_text(encoding="utf-8"), flags=re.MULTILINE)


def test_constraints_are_plain_pins_that_fit_our_requirements() -> None:
    from importlib.metadata import requires

    from packaging.requirements import Requirement
    from packaging.utils import canonicalize_name

    lines = (ROOT / ".ci" / "constraints.txt").read_text(encoding="utf-8").splitlines()
    pins = [Requirement(line) for line in lines if line and not line.startswith("#")]
    assert all(pin.url is None and re.fullmatch(r"==[\w.]+", str(pin.specifier)) for pin in pins)
    pinned = {canonicalize_name(pin.name): str(pin.specifier)[2:] for pin in pins}
    for line in requires("sem-curate") or []:
        wanted = Requirement(line)
        if canonicalize_name(wanted.name) == "sem-curate":
            continue
        assert wanted.specifier.contains(pinned[canonicalize_name(wanted.name)]), line


def test_the_wheel_carries_the_whole_panel_but_no_node_modules() -> None:
    listed = re.findall(
        r'^"(plugins/panel[^"]*)" = ', (ROOT / "pyproject.toml").read_text(encoding="utf-8"), re.MULTILINE
    )
    panel = ROOT / "plugins" / "panel"
    needed = {path.relative_to(ROOT).as_posix() for path in panel.iterdir() if path.suffix in (".py", ".yml")}
    assert set(listed) == needed | {"plugins/panel/js/dist"}
