"""The committed JavaScript is what its sources make."""

from __future__ import annotations

import hashlib
import json
import re
from pathlib import Path

JS = Path(__file__).parents[2] / "plugins" / "panel" / "js"
BUNDLE = JS / "dist" / "index.umd.js"


def source_hash() -> str:
    """The same as in vite.config.ts."""
    files = ["package-lock.json", "vite.config.ts", *(f"src/{path.name}" for path in sorted((JS / "src").iterdir()))]
    return hashlib.sha256(b"".join((JS / name).read_bytes() + b"\0" for name in files)).hexdigest()


def test_bundle_is_built_from_the_current_sources() -> None:
    built_from = re.match(r"/\* sem-curate panel, built from sources (\w{64}) \*/", BUNDLE.read_text(encoding="utf-8"))
    assert built_from is not None
    assert built_from.group(1) == source_hash(), "run: npm install && npm run build (in plugins/panel/js)"


def test_bundle_needs_no_global_that_the_app_does_not_offer() -> None:
    # React's automatic JSX runtime is not among the App's globals; a bundle that wants it fails to load.
    text = BUNDLE.read_text(encoding="utf-8")
    assert "jsx-runtime" not in text
    required = set(re.findall(r'require\("([^"]+)"\)', text[:2000]))
    assert required == {"react", "@fiftyone/plugins", "@fiftyone/operators", "@fiftyone/state"}


def test_lock_file_names_no_host() -> None:
    lock = json.loads((JS / "package-lock.json").read_text(encoding="utf-8"))
    assert not [name for name, package in lock["packages"].items() if "resolved" in package]


def test_every_text_has_both_languages() -> None:
    texts = (JS / "src" / "texts.ts").read_text(encoding="utf-8")
    table = texts[texts.index("const TEXTS") : texts.index("} satisfies")]
    entries = re.findall(r"^  (\w+): \[\s*\"([^\"]*)\",\s*\"([^\"]*)\",?\s*\]", table, flags=re.MULTILINE)
    assert len(entries) == len(re.findall(r"^  \w+: \[", table, flags=re.MULTILINE)) > 50
    for name, ja, en in entries:
        assert ja, name
        assert en, name
        # The same values fill both languages.
        assert set(re.findall(r"\{\w+\}", ja)) == set(re.findall(r"\{\w+\}", en)), name
