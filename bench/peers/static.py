"""All requests in one ``generate``: nobody's text comes before the longest is done."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from bench.load import Ask
from bench.measured import Measured
from bench.peers.generate import Generate


class Static(Generate):
    """Implements ``bench.peers.Peer``."""

    def run(self, asks: Sequence[Ask]) -> Measured:
        return self.together(asks)


def open_peer(folder: Path, threads: int) -> Static:
    return Static(folder, threads)
