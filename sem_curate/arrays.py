"""Array types and the checks made once at the door of every pure function.

Letters: N particles, V views per particle (6 by default), D vector length, L labels, M masters.
Vectors are float32; masks are bool with True where a view is present.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Bools = NDArray[np.bool_]
Ints = NDArray[np.int64]
Image = NDArray[np.generic]

# Below this length a vector has no direction worth comparing.
TINY = 1e-12


def unit_rows(vectors: NDArray[np.floating]) -> Floats:
    """Scale the last axis to unit length; a zero vector stays zero instead of becoming NaN.

    Args:
        vectors: (..., D) floats.

    Returns:
        (..., D) float32, each row of L2 norm 1 or 0.

    >>> unit_rows(np.array([[3.0, 4.0], [0.0, 0.0]])).tolist()
    [[0.6000000238418579, 0.800000011920929], [0.0, 0.0]]
    """
    floats = np.asarray(vectors, dtype=np.float32)
    norms = np.linalg.norm(floats, axis=-1, keepdims=True)
    scaled: Floats = np.divide(floats, norms, out=np.zeros_like(floats), where=norms > TINY)
    return scaled


def finite_rows(vectors: NDArray[np.floating]) -> Bools:
    """Tell which rows hold neither NaN nor infinity: (..., D) floats -> (...) bool.

    >>> finite_rows(np.array([[1.0, 2.0], [np.nan, 0.0], [1e200, 1e200]])).tolist()
    [True, False, True]
    """
    with np.errstate(over="ignore", invalid="ignore"):
        # One pass of sums instead of a mask of every number; a sum that is not finite is looked at again.
        finite = np.asarray(np.isfinite(np.einsum("...d,...d->...", vectors, vectors)))
    if not finite.all():
        finite[~finite] = np.isfinite(vectors[~finite]).all(axis=-1)
    return finite


def check_views(vectors: Floats, present: Bools) -> None:
    """Check that ``vectors`` is (N, V, D), ``present`` is (N, V), and present rows are finite.

    Raises:
        ValueError: with the expected and the given shape, or the number of non-finite rows and one example.
    """
    if vectors.ndim != 3:
        raise ValueError(f"vectors must have shape (N, V, D); got {vectors.shape}")
    if present.shape != vectors.shape[:2]:
        raise ValueError(f"present must have shape {vectors.shape[:2]}; got {present.shape}")
    broken = present & ~finite_rows(vectors)
    if broken.any():
        row, view = (int(i) for i in np.argwhere(broken)[0])
        raise ValueError(
            f"{int(broken.sum())} of {int(present.sum())} present views hold NaN or infinity "
            f"(e.g. particle row {row}, view {view}); mark them as missing or embed them again"
        )
