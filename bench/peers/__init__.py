"""Those who are compared: each in a process of its own, all on the same load."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import Protocol

from bench.load import Ask
from bench.measured import Measured


class Peer(Protocol):
    """Something that generates. It is loaded and warm before it is measured."""

    def run(self, asks: Sequence[Ask]) -> Measured:
        """Answer all of them, submitted at once."""
        ...


#: Where each is made: ``open_peer(folder, threads)`` of a module.
MODULES = {
    "ours": "bench.peers.ours",
    "one after another": "bench.peers.sequential",
    "static batch": "bench.peers.static",
    "transformers continuous": "bench.peers.continuous",
    "CTranslate2 fp32": "bench.peers.ctranslate_fp32",
    "CTranslate2 int8": "bench.peers.ctranslate_int8",
}


def open_peer(name: str, folder: Path, threads: int) -> Peer:
    """Load a peer. Raises ``ImportError`` where it is not installed."""
    peer: Peer = import_module(MODULES[name]).open_peer(folder, threads)
    return peer
