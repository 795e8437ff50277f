"""The engine as it was before it had precisions, kept as ``v0`` to compare with.

``bench/v0.tar.xz`` holds its code, and the pages of that day, at commit 37330f6::

    git archive 37330f6 worker/__init__.py worker/engine worker/model_folder.py \
        chatsite docs/{accounts,architecture,operate,reliability,security}.md LICENSE \
        | xz -9e
"""

from __future__ import annotations

import hashlib
import sys
import tarfile
from pathlib import Path

from bench.cache import made_once
from bench.peers import Peer

ARCHIVE = Path(__file__).resolve().parent.parent / "v0.tar.xz"


def unpacked(cache: Path) -> Path:
    """Return the folder of the archive's content below ``cache``, unpacked once."""
    digest = hashlib.sha256(ARCHIVE.read_bytes()).hexdigest()[:8]
    return made_once(cache / f"v0-{digest}", _unpack)


def _unpack(folder: Path) -> None:
    with tarfile.open(ARCHIVE) as archive:
        archive.extractall(folder, filter="data")


def open_earlier(folder: Path, threads: int) -> Peer:
    """Load the earlier engine, in a process that has not loaded the current one."""
    if loaded := {"chatsite", "worker"} & sys.modules.keys():
        raise RuntimeError(f"{sorted(loaded)} of the current engine is loaded")
    sys.path.insert(0, str(unpacked(folder.parent)))
    from bench.peers.ours import Ours

    # Imported from the archive, although its name is that of the current module.
    return Ours(folder, threads)
