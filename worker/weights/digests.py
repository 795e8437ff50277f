"""Tells whether the files of a model are those that were meant, by their digests.

What is meant stands, in this order, in the catalogue (``sha256``), in the ledger (what
was seen at the first use), or, at that first use, in the hub's list of the pinned
revision. The ledger lies in the data folder, away from the hub's cache.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from filelock import FileLock

from chatsite.durable_file import sync, write_durably

CHUNK_BYTES = 1 << 20


class DigestDiffers(RuntimeError):
    """A file is not the one that was meant. The message is for the operator."""


@dataclass(frozen=True, slots=True)
class Expected:
    """The digests that files must have, and who says so."""

    by: str
    sha256: Mapping[str, str] = field(default_factory=dict)
    #: What git calls the files, which is what a pinned revision stands for.
    git: Mapping[str, str] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self.sha256 or self.git)

    def or_else(self, other: Expected) -> Expected:
        """With what the other expects of files that this one knows nothing of."""
        if not self:
            return other
        return Expected(self.by, {**other.sha256, **self.sha256}, other.git)


class Ledger:
    """What was verified, so that it need not be read again, and what was first seen."""

    def __init__(self, data_dir: Path) -> None:
        self._path = data_dir / "models" / "verified.json"

    def knows(self, model: str) -> bool:
        """Whether files of that model were verified here before."""
        return model in self._read()["models"]

    def verify(
        self, model: str, files: Iterable[Path], *expectations: Expected
    ) -> None:
        """Raise ``DigestDiffers`` unless all files are what is expected of the model.

        The first expectation that is not empty counts. A file that did not change since
        its digest was taken is not read again. From then on ``seen`` tells the digests.
        """
        known = self._read()
        digests = {path: _known_digest(known, path) for path in files}
        if expected := next(filter(None, expectations), None):
            for path, digest in digests.items():
                _compare(path, digest, expected)
        marks = {str(path): [*_mark(path), digests[path]] for path in digests}
        seen = {path.name: digest for path, digest in digests.items()}
        self._add(known, {"files": marks, "models": {model: seen}})

    def seen(self, model: str) -> Expected:
        """The digests of the first use, or of the last conversion made here."""
        return Expected(
            "what was here at its first use", self._read()["models"].get(model, {})
        )

    def _read(self) -> dict[str, dict[str, Any]]:
        try:
            known = dict(json.loads(self._path.read_text(encoding="utf-8")))
        except FileNotFoundError:
            known = {}
        except (OSError, ValueError) as error:
            # Not taken for empty: spoiling it must be no way around what it says.
            raise DigestDiffers(
                f"{self._path} cannot be read ({error}). It says which model files "
                "were verified; delete it to verify them anew."
            ) from error
        return {"files": {}, "models": {}, **known}

    def _add(self, known: dict[str, Any], news: dict[str, dict[str, Any]]) -> None:
        if all(part.items() <= known[name].items() for name, part in news.items()):
            return
        # A full disk stops no model that was verified; the next start does it again.
        with suppress(OSError):
            self._path.parent.mkdir(parents=True, exist_ok=True)
            with FileLock(self._path.with_suffix(".lock")):
                # Another process may have added to it meanwhile.
                now = self._read()
                merged = {name: {**now[name], **part} for name, part in news.items()}
                write_durably(self._path, json.dumps(merged, indent=1))


def _compare(path: Path, digest: str, expected: Expected) -> None:
    if wanted := expected.sha256.get(path.name):
        found = {digest}
    elif wanted := expected.git.get(path.name):
        found = {git_digest(path), git_digest_of_pointer(path, digest)}
    else:
        raise DigestDiffers(
            f"{path} is no file of this model: {expected.by} has no digest of it. "
            "It is not loaded. Delete it, if you did not put it there."
        )
    if wanted not in found:
        raise DigestDiffers(
            f"{path.name} is not the file that was meant: its digest should be "
            f"{wanted} ({expected.by}) and is {' or '.join(sorted(found))}. "
            "It is not loaded. "
            f"Delete {path.resolve()} and start again to fetch it anew; if that gives "
            "the same, do not trust where it comes from."
        )


def _mark(path: Path) -> list[int]:
    """Changes whenever the file is written to or replaced; ``ctime`` cannot be set."""
    status = path.stat()
    return [status.st_size, status.st_ctime_ns, status.st_ino]


def _known_digest(known: dict[str, Any], path: Path) -> str:
    *mark, digest = known["files"].get(str(path), [""])
    if mark == _mark(path):
        return str(digest)
    # The ledger, which is synced, must not outlast this file in a power cut.
    with suppress(OSError):
        sync(path)
    return sha256(path)


def sha256(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(CHUNK_BYTES):
            digest.update(chunk)
    return digest.hexdigest()


def git_digest(path: Path) -> str:
    """What git calls a file: SHA-1 of a header and the content."""
    digest = hashlib.sha1(b"blob %d\0" % path.stat().st_size, usedforsecurity=False)
    with path.open("rb") as file:
        while chunk := file.read(CHUNK_BYTES):
            digest.update(chunk)
    return digest.hexdigest()


def git_digest_of_pointer(path: Path, digest: str) -> str:
    """What git calls a large file: it keeps a pointer with its SHA-256 and size.

    As the specification of Git LFS writes it.
    """
    pointer = (
        "version https://git-lfs.github.com/spec/v1\n"
        f"oid sha256:{digest}\nsize {path.stat().st_size}\n"
    ).encode()
    head = b"blob %d\0" % len(pointer)
    return hashlib.sha1(head + pointer, usedforsecurity=False).hexdigest()
