"""Family ``bundled:<name>``: the small encoders inside the package, trained by it on rendered particles."""

from __future__ import annotations

from pathlib import Path

from sem_curate.embed import trained
from sem_curate.embed.network import TorchEncoder
from sem_curate.errors import EncoderError, UnknownEncoderError, did_you_mean

FOLDER = Path(__file__).parent / "weights"
NAMES = ("sem-dino", "sem-clip")


def load(name: str, rest: str) -> TorchEncoder:
    """Load one bundled encoder; needs no network.

    Raises:
        UnknownEncoderError: no such bundled encoder.
        EncoderError: its files are missing from this installation.
    """
    if rest not in NAMES:
        raise UnknownEncoderError(
            f"no bundled encoder is called '{rest}'; there are {', '.join(NAMES)}.{did_you_mean(rest, NAMES)}"
        )
    if not (FOLDER / rest / "model.safetensors").is_file():
        raise EncoderError(f"the weights of '{name}' are missing from this installation ({FOLDER / rest}); reinstall")
    return trained.load(name, str(FOLDER / rest))
