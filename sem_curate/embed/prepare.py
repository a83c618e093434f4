"""One grey image, and where its particle is, to one network input: what every kind of encoder shares."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np

from sem_curate.arrays import Bools, Floats, Image
from sem_curate.embed.preprocess import Preprocessing, letterbox_mask
from sem_curate.quality.measures import inspect

# Prepared images of one batch stay below this many bytes: at 518 px that is 20 images, not 32.
BATCH_BYTES: Final = 64 * 2**20
# Images per network call. A CPU gains nothing beyond 32; a GPU has to be kept busy.
CPU_BATCH: Final = 32
GPU_BATCH: Final = 128


def prepare(preprocessing: Preprocessing, image: Image, mask: Bools | None, *, takes_mask: bool) -> Floats:
    """Prepare one image.

    Args:
        preprocessing: of the network.
        image: (H, W) grey levels of any numeric dtype.
        mask: where the particle is, any size, stretched over the image; found in the image when it is not given.
        takes_mask: whether the network wants the mask as one more channel.

    Returns:
        (C, h, w) float32, with ``takes_mask`` one channel more.
    """
    prepared = preprocessing(image)
    if not takes_mask:
        return prepared
    found = inspect(image).mask if mask is None else mask
    plane = letterbox_mask(found, (image.shape[0], image.shape[1]), *prepared.shape[1:])
    return np.concatenate([prepared, plane[None]])


def preferred_batch(shape: Sequence[int], most: int) -> int:
    """Return images per call: ``most``, fewer when prepared images of ``shape`` are large, at least 1.

    >>> preferred_batch((3, 224, 224), 32), preferred_batch((3, 518, 518), 32)
    (32, 20)
    """
    return max(1, min(most, BATCH_BYTES // (4 * int(np.prod(shape)))))
