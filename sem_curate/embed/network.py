"""What every torch encoder shares: identity, inference, and reading weights without unpickling code."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch

from sem_curate.arrays import Bools, Floats, Image, unit_rows
from sem_curate.embed import hardware
from sem_curate.embed.identity import encoder_key, provenance
from sem_curate.embed.prepare import CPU_BATCH, GPU_BATCH, preferred_batch, prepare
from sem_curate.embed.preprocess import Preprocessing
from sem_curate.errors import EncoderError

ToVectors = Callable[[torch.Tensor], torch.Tensor]
ToText = Callable[[Sequence[str]], torch.Tensor]


class TorchEncoder:
    """An `Encoder` around a torch module; families only say how it is built and called."""

    def __init__(
        self,
        name: str,
        model: torch.nn.Module,
        preprocessing: Preprocessing,
        *,
        images: ToVectors,
        texts: ToText | None = None,
        preprocess_note: str = "",
        takes_mask: bool = False,
    ) -> None:
        """Put the model in inference mode on the best device and derive its key.

        Args:
            name: the encoder's name as the user gave it.
            model: holds all weights.
            preprocessing: applied to each image.
            images: (B, C, H, W) tensor -> (B, D) tensor.
            texts: T strings -> (T, D) tensor in the same space, or None.
            preprocess_note: anything else that changes the vectors and belongs in the key.
            takes_mask: ``images`` wants the particle mask as one more channel.
        """
        hardware.tune_threads()
        self._device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        self._half = hardware.half_type(self._device)
        self._model = model.eval().requires_grad_(False).to(self._device)
        self._images, self._texts = images, texts
        self.preprocessing = preprocessing
        self.id = name
        weights = weights_hash(model)
        self.key = encoder_key(name, preprocessing, weights, preprocess_note)
        self.supports_text = texts is not None
        self.takes_mask = takes_mask
        self._shape = (len(preprocessing.mean) + takes_mask, preprocessing.height, preprocessing.width)
        self.batch = preferred_batch(self._shape, GPU_BATCH if self._device.type == "cuda" else CPU_BATCH)
        self._fits = self.batch  # images that the device has memory for; shrinks when it turns out otherwise
        self.dim = int(self.embed_images(np.zeros((1, *self._shape), np.float32)).shape[1])
        self.provenance: dict[str, Any] = {
            **provenance(name, self.key, preprocessing, weights, preprocess_note),
            "supports_text": self.supports_text,
            "precision": str(self._half or torch.float32).removeprefix("torch."),
        }

    def preprocess(self, image: Image, mask: Bools | None = None) -> Floats:
        """Prepare one (H, W) grey image: (C, h, w) float32. Safe to call from several threads.

        Args:
            image: grey levels of any numeric dtype.
            mask: where the particle is, any size, stretched over the image; used only with ``takes_mask``, and found
                in the image when it is not given.
        """
        return prepare(self.preprocessing, image, mask, takes_mask=self.takes_mask)

    def embed_images(self, batch: Floats) -> Floats:
        """Embed prepared images.

        Args:
            batch: (B, C, H, W) float32 from `preprocess`.

        Returns:
            (B, D) float32 unit rows.

        Raises:
            EncoderError: when the batch has another shape, or the network answers NaN.
        """
        if batch.ndim != 4 or batch.shape[1:] != self._shape:
            raise EncoderError(f"encoder '{self.id}' takes batches of shape (B, {self._shape}); got {batch.shape}")
        if not len(batch):
            return np.zeros((0, self.dim), np.float32)
        parts, at = list[Floats](), 0
        while at < len(batch):
            part = batch[at : at + self._fits]
            try:
                parts.append(self._run(partial(self._forward, part)))
            except torch.OutOfMemoryError as error:
                self._shrink(len(part), error)
                continue
            at += len(part)
        return np.concatenate(parts)

    def tower(self) -> torch.nn.Module:
        """Return the image side alone as a module, (B, C, H, W) -> (B, D), not normalised; what an export needs."""
        return _Tower(self._model, self._images)

    def to_device(self) -> None:
        """Put the network back where it runs, after somebody moved it."""
        self._model.to(self._device)

    @property
    def input_shape(self) -> tuple[int, int, int]:
        """(C, H, W) of one prepared image."""
        return self._shape

    def _forward(self, part: Floats) -> torch.Tensor:
        return self._images(torch.from_numpy(np.ascontiguousarray(part)).to(self._device))

    def _shrink(self, tried: int, error: Exception) -> None:
        """Halve the images per call after the device ran out of memory."""
        if tried <= 1:
            raise EncoderError(
                f"encoder '{self.id}' does not fit into the memory of '{self._device}' even with one image; "
                f"choose a smaller network, or hide the GPU with CUDA_VISIBLE_DEVICES="
            ) from error
        self._fits = tried // 2
        if self._device.type == "cuda":
            torch.cuda.empty_cache()

    def embed_texts(self, texts: Sequence[str]) -> Floats:
        """Embed sentences into the space of the images.

        Returns:
            (T, D) float32 unit rows.

        Raises:
            EncoderError: when this encoder has no text side.
        """
        to_text = self._texts
        if to_text is None:
            raise EncoderError(
                f"encoder '{self.id}' reads images only; search in words needs 'bundled:sem-clip' or 'open_clip:...'"
            )
        if not texts:
            return np.zeros((0, self.dim), np.float32)
        return self._run(lambda: to_text(list(texts)))

    def _run(self, forward: Callable[[], torch.Tensor]) -> Floats:
        kind, half = self._device.type, self._half
        with torch.inference_mode(), torch.autocast(kind, dtype=half or torch.bfloat16, enabled=half is not None):
            raw = forward().float().cpu().numpy()
        if raw.ndim != 2 or not np.isfinite(raw).all():
            raise EncoderError(f"encoder '{self.id}' answered shape {raw.shape} or non-finite numbers; weights broken?")
        return unit_rows(raw)


class _Tower(torch.nn.Module):
    """The image side of an encoder, with its network as a submodule so that an exporter finds the weights."""

    def __init__(self, network: torch.nn.Module, images: ToVectors) -> None:
        super().__init__()
        self.network = network
        self._images = images

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return self._images(images)


def weights_hash(model: torch.nn.Module) -> str:
    """Return a hex hash of all parameters and buffers, the same for any file format they came in."""
    digest = hashlib.blake2b(digest_size=16)
    for name, tensor in sorted(model.state_dict().items()):
        digest.update(f"{name}{tuple(tensor.shape)}{tensor.dtype}".encode())
        digest.update(tensor.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy().tobytes())
    return digest.hexdigest()


def read_state_dict(path: Path) -> dict[str, torch.Tensor]:
    """Read a flat state dict from safetensors, or from a torch file without running pickled code.

    Raises:
        EncoderError: when the file is missing, damaged, or not a state dict.
    """
    try:
        if path.suffix == ".safetensors":
            from safetensors.torch import load_file

            loaded = load_file(str(path))
        else:
            loaded = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:
        raise EncoderError(f"checkpoint '{path}' cannot be read safely ({_first_line(error)})") from error
    if not isinstance(loaded, dict) or not all(isinstance(value, torch.Tensor) for value in loaded.values()):
        raise EncoderError(f"checkpoint '{path}' holds no flat table of tensors")
    return loaded


def load_weights(model: torch.nn.Module, state: dict[str, torch.Tensor], source: str) -> None:
    """Load every tensor, refusing missing, unexpected and wrongly shaped ones.

    Raises:
        EncoderError: naming the source and the first mismatch.
    """
    try:
        model.load_state_dict({name: tensor.float() if tensor.is_floating_point() else tensor
                               for name, tensor in state.items()}, strict=True)  # fmt: skip
    except RuntimeError as error:
        raise EncoderError(f"weights in '{source}' do not fit the network: {_first_line(error)}") from error


def _first_line(error: Exception) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return " ".join(lines[:2])[:240] or type(error).__name__
