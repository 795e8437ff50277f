"""CTranslate2 with fp32 weights."""

from __future__ import annotations

from pathlib import Path

from bench.peers.ctranslate import CTranslate


def open_peer(folder: Path, threads: int) -> CTranslate:
    return CTranslate(folder, threads, "float32")
