"""The shape families: how each comes to rest on the stage, and the surface it gets."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
from scipy.spatial.transform import Rotation

from sem_curate.errors import InputError, did_you_mean
from sem_curate.rendering import shapes
from sem_curate.rendering.shapes import Attributes, Built, Rng
from sem_curate.rendering.solids import Layer, Matrix, Solid

_Lay = tuple[str, float]  # how it comes to rest, and by how many degrees it may lean from that
_BUILDERS: dict[str, tuple[Callable[[Rng], Built], _Lay]] = {
    "sphere": (shapes.sphere, ("any", 180)),
    "rough_sphere": (shapes.rough_sphere, ("any", 180)),
    "needle": (shapes.needle, ("long", 14)),
    "rod": (shapes.rod, ("long", 22)),
    "plate": (shapes.plate, ("up", 32)),
    "flake": (shapes.flake, ("up", 28)),
    "cube": (shapes.cube, ("up", 42)),
    "polyhedron": (shapes.polyhedron, ("any", 180)),
    "fragment": (shapes.fragment, ("up", 35)),
    "agglomerate": (shapes.agglomerate, ("any", 180)),
    "raspberry": (shapes.raspberry, ("any", 180)),
    "porous": (shapes.porous, ("any", 180)),
    "hollow": (shapes.hollow, ("up", 20)),
    "cracked": (shapes.cracked, ("any", 180)),
    "fibre": (shapes.fibre, ("up", 14)),
    "dendrite": (shapes.dendrite, ("up", 25)),
}

FAMILIES: tuple[str, ...] = tuple(_BUILDERS)


def _rest(rng: Rng, lay: _Lay) -> tuple[Matrix, float, float]:
    """Return the rotation of a particle at rest, with its in-plane turn and lean in degrees."""
    how, limit = lay
    spin, azimuth = rng.uniform(0, 360, 2)
    lean = float(abs(rng.normal(0, limit / 2)) % limit)
    if how == "any":
        return Rotation.random(random_state=rng).as_matrix(), float(spin), lean
    base = Rotation.from_euler("y", 90, degrees=True) if how == "long" else Rotation.identity()
    if how == "long":
        base = Rotation.from_euler("x", rng.uniform(0, 360), degrees=True) * base
        leaning = Rotation.from_euler("y", lean, degrees=True)
    else:
        axis = np.array([np.cos(np.radians(azimuth)), np.sin(np.radians(azimuth)), 0])
        leaning = Rotation.from_rotvec(axis * np.radians(lean))
    turned = Rotation.from_euler("z", spin, degrees=True) * leaning * base
    return turned.as_matrix(), float(spin), lean


def _surface(rng: Rng) -> tuple[tuple[Layer, ...], str, float]:
    """Return the grain of the surface: its layers, its name, and its roughness."""
    style = str(rng.choice(["smooth", "grained", "striped", "rough"], p=[0.3, 0.35, 0.1, 0.25]))
    fine = rng.uniform(0.004, 0.007)
    if style == "grained":
        height = rng.uniform(0.008, 0.018)
        return (Layer("cells", rng.uniform(0.5, 1.1), height), Layer("fbm", 0.5, fine)), style, height
    if style == "rough":
        height = rng.uniform(0.012, 0.026)
        return (Layer("fbm", rng.uniform(0.4, 0.9), height),), style, height
    if style == "striped":
        return (
            (Layer("stripes", rng.uniform(0.5, 0.9), rng.uniform(0.005, 0.01)), Layer("fbm", 0.5, fine)),
            style,
            0.007,
        )
    return (Layer("fbm", rng.uniform(0.4, 0.7), fine * 0.7),), style, fine * 0.7


def check_family(family: str) -> None:
    """Refuse an unknown family.

    Raises:
        InputError: naming the known families.
    """
    if family not in _BUILDERS:
        raise InputError(
            f"unknown shape family '{family}'; known: {', '.join(FAMILIES)}.{did_you_mean(family, FAMILIES)}"
        )


def build(family: str, rng: Rng) -> tuple[Solid, Attributes, str]:
    """Make one particle of a family, at rest on the stage (x, y in the stage plane, z up).

    Returns:
        The solid with its longest half-extent seen from above 1 and its bounding box centred, its numeric
        attributes, and the name of its surface: ``smooth``, ``grained``, ``striped`` or ``rough``.

    Raises:
        InputError: when the family is unknown.
    """
    check_family(family)
    builder, lay = _BUILDERS[family]
    solid, attributes = builder(rng)
    turn, spin, lean = _rest(rng, lay)
    solid = solid.moved(turn)
    low, high = solid.bounds()
    solid = solid.shifted(-(low + high) / 2)
    scale = 2 / float((high - low)[:2].max())
    solid = solid.moved(np.eye(3), scale)
    layers, style, roughness = _surface(rng)
    thin = min(1.0, float((high - low)[:2].min()) * scale)
    finish = tuple(
        replace(layer, height=layer.height * thin, period=layer.period * max(thin, 0.45)) for layer in layers
    )
    own = tuple(replace(layer, height=layer.height * scale, period=layer.period * scale) for layer in solid.layers)
    solid = replace(
        solid,
        layers=own + finish,
        bevel=solid.bevel * scale,
        warp=solid.warp * scale,
        warp_period=solid.warp_period * scale,
        cracks=None if solid.cracks is None else tuple(v * scale for v in solid.cracks),  # type: ignore[arg-type]
        phase=float(rng.uniform(0, 0.3)),
        texture_turn=Rotation.random(random_state=rng).as_matrix(),
        texture_offset=rng.uniform(0, 64, 3),
    )
    full: Attributes = {"roughness": roughness, **attributes, "rotation_deg": spin, "tilt_deg": lean}
    return solid, full, style
