"""A compact tokenizer that reads Japanese and English without any downloaded vocabulary.

The longest known piece wins, from left to right; a character in no piece falls into one of a few hashed buckets,
so no text is unreadable. Known pieces come with the model (words of the captions it was trained on).
"""

from __future__ import annotations

import random
import unicodedata
import zlib
from collections.abc import Sequence

import torch

PAD = 0
START = 1


def normalise(text: str) -> str:
    """Return NFKC, lower case, single spaces: full-width and half-width spellings become one.

    >>> normalise(" Ｎeedle－like  ")
    'needle-like'
    """
    return " ".join(unicodedata.normalize("NFKC", text).lower().split())


class Tokenizer:
    """Sentences -> (T, L) int64: start, pieces, end, padding. The end token has the highest id."""

    def __init__(self, vocabulary: Sequence[str], *, buckets: int, length: int) -> None:
        """Number the pieces.

        Args:
            vocabulary: distinct, normalised, non-empty pieces; their order is part of the model.
            buckets: ids shared by all characters in no piece.
            length: L, tokens per sentence; longer sentences are cut.
        """
        self.vocabulary = list(vocabulary)
        self.buckets, self.length = buckets, length
        self._ids = {piece: number for number, piece in enumerate(self.vocabulary, START + 1 + buckets)}
        self._longest = max(map(len, self.vocabulary), default=1)
        self.size = START + 1 + buckets + len(self.vocabulary) + 1
        self.end = self.size - 1

    def __call__(self, texts: Sequence[str], *, split: float = 0.0, rng: random.Random | None = None) -> torch.Tensor:
        """Tokenise.

        Args:
            texts: T sentences, in any spelling.
            split: share of pieces read as smaller ones instead, in [0, 1]; only for training, so that
                the small pieces of unseen words are learnt too (BPE-dropout, doi:10.18653/v1/2020.acl-main.170).
            rng: source of that chance.

        Returns:
            (T, L) int64 on the CPU.
        """
        rows = torch.zeros((len(texts), self.length), dtype=torch.int64)
        for row, text in enumerate(texts):
            ids = self.pieces(text, split=split, rng=rng)[: self.length - 2]
            rows[row, : len(ids) + 2] = torch.tensor([START, *ids, self.end])
        return rows

    def pieces(self, text: str, *, split: float = 0.0, rng: random.Random | None = None) -> list[int]:
        """Return the ids of one sentence, without start and end."""
        line, at, ids = normalise(text), 0, list[int]()
        while at < len(line):
            if not line[at].isalnum():  # spaces, commas and hyphens carry no shape
                at += 1
                continue
            known, width = self._match(line, at, shorter=rng is not None and rng.random() < split)
            ids.append(known)
            at += width
        return ids

    def _match(self, line: str, at: int, *, shorter: bool) -> tuple[int, int]:
        widest = min(self._longest, len(line) - at)
        found = [width for width in range(widest, 0, -1) if line[at : at + width] in self._ids]
        if not found:
            return START + 1 + zlib.crc32(line[at].encode()) % self.buckets, 1
        width = found[min(1, len(found) - 1)] if shorter else found[0]
        return self._ids[line[at : at + width]], width
