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


OURS, SEQUENTIAL, STATIC = "ours", "one after another", "static batch"
#: Module and class of each, and what its class wants besides folder and threads.
PEERS = {
    OURS: ("ours", "Ours"),
    SEQUENTIAL: ("generate", "Sequential"),
    STATIC: ("generate", "Static"),
    "transformers continuous": ("continuous", "Continuous"),
    "CTranslate2 fp32": ("ctranslate", "CTranslate", "float32"),
    "CTranslate2 int8": ("ctranslate", "CTranslate", "int8"),
}


def open_peer(name: str, folder: Path, threads: int) -> Peer:
    """Load a peer. Raises ``ImportError`` where it is not installed."""
    module, kind, *options = PEERS[name]
    made = getattr(import_module(f"bench.peers.{module}"), kind)
    peer: Peer = made(folder, threads, *options)
    return peer
