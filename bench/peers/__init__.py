"""The engines that are compared: ours and others."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import Protocol

from bench.measurement import Measurement
from bench.workload import BenchRequest


class Peer(Protocol):
    """An engine, loaded and warmed up before it is measured."""

    def run(self, requests: Sequence[BenchRequest]) -> Measurement:
        """Answer all requests, submitted at the same time."""
        ...


OURS, SEQUENTIAL, STATIC = "ours", "one after another", "static batch"
#: By name: module, class, and arguments of the class besides folder and threads.
PEERS = {
    OURS: ("ours", "Ours"),
    SEQUENTIAL: ("generate", "Sequential"),
    STATIC: ("generate", "Static"),
    "transformers continuous": ("continuous", "Continuous"),
    "CTranslate2 fp32": ("ctranslate", "CTranslate", "float32"),
    "CTranslate2 int8": ("ctranslate", "CTranslate", "int8"),
}


def open_peer(name: str, folder: Path, threads: int) -> Peer:
    """Load an engine. Raises ``ImportError`` if it is not installed."""
    module, kind, *options = PEERS[name]
    made = getattr(import_module(f"bench.peers.{module}"), kind)
    peer: Peer = made(folder, threads, *options)
    return peer
