"""What changed between two receipts, in words. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

# A difference below these is what a rerun after a new neighbour gives; it explains nothing.
LEAST_SCORE: Final = 0.01
LEAST_WEIGHT: Final = 0.02

_INPUTS: Final = (
    ("encoder_key", "other vectors"), ("master_set_version", "another master set"), ("method", "another proposal rule"),
)  # fmt: skip
_SCORES: Final = (
    ("confidence", "confidence (not calibrated)"), ("margin", "margin"), ("knownness", "known-ness"),
    ("agreement", "agreement of the views"),
)  # fmt: skip


def changes(old: Mapping[str, Any], new: Mapping[str, Any], name: Callable[[str], str] = str) -> list[str]:
    """Return sentences, the outcome first, then its inputs, then the numbers; empty when the contents are equal.

    Args:
        old: content of a receipt.
        new: content of another, of the same particle or not.
        name: turns a label id into what people read.
    """
    if old == new:
        return []
    found = [*_outcome(old, new, name), *_terms(old, new), *_inputs(old, new), *_settings(old, new)]
    found += [*_definitions(old, new, name), *_views(old, new), *_masters(old, new, name), *_scores(old, new)]
    found += _weights(old.get("weights", {}), new.get("weights", {}))
    found += _contributions(old.get("contributions", {}), new.get("contributions", {}))
    return found or ["only numbers changed, each by less than is worth telling"]


def _outcome(old: Mapping[str, Any], new: Mapping[str, Any], name: Callable[[str], str]) -> list[str]:
    found = []
    first, second = old.get("label_id"), new.get("label_id")
    if first != second:
        spoken = [name(label) if label else "no label" for label in (first, second)]
        found.append(f"the proposal changed from '{spoken[0]}' to '{spoken[1]}'")
    if old.get("state") != new.get("state"):
        found.append(f"the state changed from {old.get('state')} to {new.get('state')}")
    before, after = old.get("reasons", []), new.get("reasons", [])
    for words, codes in (
        ("new reasons to look", [code for code in after if code not in before]),
        ("no longer a reason to look", [code for code in before if code not in after]),
    ):
        if codes:
            found.append(f"{words}: {', '.join(codes)}")
    return found


def _terms(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[str]:
    """What may be confirmed without a person."""
    found = []
    first, second = old.get("certificate_id"), new.get("certificate_id")
    if first != second:
        found.append(f"certificate {first or 'none'}, now {second or 'none'}")
    elif old.get("certificate") != new.get("certificate"):
        states = [(receipt.get("certificate") or {}).get("status") for receipt in (old, new)]
        found.append(f"certificate {first} was {states[0]} and is {states[1]}")
    before, after = (bool(receipt.get("auto_without_certificate")) for receipt in (old, new))
    if before != after:
        found.append(
            "somebody knowingly does without a certificate now" if after else "nobody does without a certificate now"
        )
    return found


def _settings(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[str]:
    found = []
    for part in ("integrate", "decide"):
        first, second = ((receipt.get("settings") or {}).get(part, {}) for receipt in (old, new))
        found += [
            f"{key} was {first[key]} and is {second[key]}"
            for key in first
            if key in second and first[key] != second[key]
        ]
    return [f"settings changed: {'; '.join(found)}"] if found else []


def _definitions(old: Mapping[str, Any], new: Mapping[str, Any], name: Callable[[str], str]) -> list[str]:
    first, second = old.get("label_versions", {}), new.get("label_versions", {})
    return [
        f"the definition of '{name(label)}' changed: version {first[label]}, now {second[label]} "
        "(definitions do not shape a proposal)"
        for label in sorted({*first} & {*second})
        if first[label] != second[label]
    ]


def _views(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[str]:
    first, second = old.get("images", {}), new.get("images", {})
    found = []
    for view in sorted({*first} & {*second}):
        before, after = first[view], second[view]
        if before != after:
            happened = "is new" if before is None else "is gone" if after is None else "shows another image"
            found.append(f"{view} {happened}")
    return found


def _inputs(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[str]:
    found = [f"{words}: {old.get(key)}, now {new.get(key)}" for key, words in _INPUTS if old.get(key) != new.get(key)]
    first, second = (receipt.get("integrator") or {} for receipt in (old, new))
    if first and second and first["rung"] != second["rung"]:
        found.append(f"another way to integrate views: {first['rung']}, now {second['rung']}")
    elif first and second and first != second and old.get("reference_id") != new.get("reference_id"):
        found.append("slot means or the learned integrator are others")
    makers = [(receipt.get("encoder") or {}) for receipt in (old, new)]
    if old.get("encoder_key") == new.get("encoder_key") and makers[0] != makers[1]:
        found.append("the encoder's weights or preprocessing changed")
    moved = [
        f"{key} {old['thresholds'].get(key):.3f}, now {new['thresholds'].get(key):.3f}"
        for key in ("unknown", "auto")
        if "thresholds" in old and "thresholds" in new and old["thresholds"].get(key) != new["thresholds"].get(key)
    ]
    return [*found, *([f"thresholds of known-ness moved: {'; '.join(moved)}"] if moved else [])]


def _masters(old: Mapping[str, Any], new: Mapping[str, Any], name: Callable[[str], str]) -> list[str]:
    first, second = ((receipt.get("masters") or [None])[0] for receipt in (old, new))
    if first is None or second is None or first["particle_id"] == second["particle_id"]:
        return []
    spoken = [
        f"{item['particle_id']} ('{name(item['label_id'])}', {item['similarity']:.3f})" for item in (first, second)
    ]
    return [f"the nearest master was {spoken[0]} and is {spoken[1]}"]


def _scores(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[str]:
    return [
        f"{words} {'rose' if new[key] > old[key] else 'fell'} from {old[key]:.3f} to {new[key]:.3f}"
        for key, words in _SCORES
        if key in old and key in new and abs(new[key] - old[key]) >= LEAST_SCORE
    ]


def _weights(old: Mapping[str, float | None], new: Mapping[str, float | None]) -> list[str]:
    found = []
    for view in sorted({*old, *new}):
        before, after = old.get(view) or 0.0, new.get(view) or 0.0
        if before == 0 < after:
            found.append(f"{view} counts now ({after:.2f})")
        elif after == 0 < before:
            found.append(f"{view} counts no longer (was {before:.2f})")
        elif abs(after - before) >= LEAST_WEIGHT:
            found.append(f"{view} counts {'more' if after > before else 'less'}: {before:.2f}, now {after:.2f}")
    return found


def _contributions(old: Mapping[str, float | None], new: Mapping[str, float | None]) -> list[str]:
    found = []
    for view in sorted({*old} & {*new}):
        before, after = old[view], new[view]
        if before is not None and after is not None and abs(after - before) >= LEAST_WEIGHT:
            moved = "more" if after > before else "less"
            found.append(f"{view} speaks {moved} for the proposal: {before:+.3f}, now {after:+.3f}")
    return found
