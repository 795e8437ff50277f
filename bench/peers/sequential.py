"""One ``generate`` after another: what the usual Celery tutorial does."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from bench.load import Ask
from bench.measured import Measured, joined
from bench.peers.generate import Generate


class Sequential(Generate):
    """Implements ``bench.peers.Peer``.

    Times are those of each request by itself; in a line, everybody waits besides for
    all who came before.
    """

    def run(self, asks: Sequence[Ask]) -> Measured:
        return joined([self.together([ask]) for ask in asks])


def open_peer(folder: Path, threads: int) -> Sequential:
    return Sequential(folder, threads)
