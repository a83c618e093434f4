"""Who made a vector: names and hashes that change whenever the vectors would."""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

from sem_curate.embed.preprocess import Preprocessing

_FILES: Final = ("trained", "onnx")  # families named by a path alone


def encoder_key(name: str, preprocessing: Preprocessing, weights: str, note: str = "") -> str:
    """Return a folder-safe name that changes whenever the vectors would.

    >>> encoder_key("timm:resnet10t@/a/b.pth", Preprocessing(96, 96, (0.5,), (0.25,)), "00")[:15]
    'timm-resnet10t-'
    """
    # A checkpoint's folder is no part of the identity: its content is, through the weights hash.
    family, _, rest = name.partition(":")
    short = re.split(r"[@/\\#]", rest.strip("/"))[0] if family not in _FILES else Path(rest).name
    slug = re.sub(r"[^a-z0-9]+", "-", f"{family}-{short}".lower()).strip("-")[:60]
    identity = json.dumps([slug, asdict(preprocessing), weights, note], sort_keys=True)
    return f"{slug}-{hashlib.blake2b(identity.encode(), digest_size=5).hexdigest()}"


def provenance(name: str, key: str, preprocessing: Preprocessing, weights: str, note: str = "") -> dict[str, Any]:
    """Return what is stored with every vector file: who made the vectors, from what, with what.

    Returns:
        JSON values: ``id``, ``key``, ``weights`` and ``preprocessing_hash`` (hex), ``preprocessing``.
    """
    settings = asdict(preprocessing)
    identity = json.dumps([settings, note], sort_keys=True, ensure_ascii=False).encode()
    hashed = hashlib.blake2b(identity, digest_size=16).hexdigest()
    return {"id": name, "key": key, "weights": weights, "preprocessing_hash": hashed, "preprocessing": settings}
