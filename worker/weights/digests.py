"""Verifies the files of a model by their digests.

The expected digests come from the first of these that has any: the catalogue
(``sha256``), the ledger (recorded at the first use), or, at that first use, the hub's
list of the pinned revision. The ledger is in the data folder, apart from the hub's
cache.
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


class DigestMismatch(RuntimeError):
    """A file has an unexpected digest. The message is for the operator."""


@dataclass(frozen=True, slots=True)
class ExpectedDigests:
    """The digests that files must have, by file name."""

    #: Where they come from, for messages.
    by: str
    sha256: Mapping[str, str] = field(default_factory=dict)
    #: Git object ids, which a pinned revision determines.
    git: Mapping[str, str] = field(default_factory=dict)

    def __bool__(self) -> bool:
        """Return whether any digest is expected."""
        return bool(self.sha256 or self.git)

    def or_else(self, other: ExpectedDigests) -> ExpectedDigests:
        """Return these, with the other's for files that these do not name."""
        if not self:
            return other
        return ExpectedDigests(self.by, {**other.sha256, **self.sha256}, other.git)


class DigestLedger:
    """Records the digests of the first use, and which files are verified already."""

    def __init__(self, data_dir: Path) -> None:
        """``data_dir``: the data folder, in which the ledger is a file."""
        self._path = data_dir / "models" / "verified.json"

    def has(self, model: str) -> bool:
        """Return whether files of that model were verified here before."""
        return model in self._read()["models"]

    def verify(
        self, model: str, files: Iterable[Path], *expectations: ExpectedDigests
    ) -> None:
        """Raise ``DigestMismatch`` unless all files have the expected digests.

        The first expectation that is not empty counts. A file that did not change since
        its digest was computed is not read again. Afterwards ``recorded`` returns the
        digests.
        """
        known = self._read()
        digests = {path: _digest_of(known, path) for path in files}
        if expected := next(filter(None, expectations), None):
            for path, digest in digests.items():
                _compare(path, digest, expected)
        marks = {str(path): [*_mark(path), digests[path]] for path in digests}
        recorded = {path.name: digest for path, digest in digests.items()}
        self._add(known, {"files": marks, "models": {model: recorded}})

    def recorded(self, model: str) -> ExpectedDigests:
        """Return the digests of the first use, or of the last conversion here."""
        return ExpectedDigests(
            "what was here at its first use", self._read()["models"].get(model, {})
        )

    def _read(self) -> dict[str, dict[str, Any]]:
        try:
            known = dict(json.loads(self._path.read_text(encoding="utf-8")))
        except FileNotFoundError:
            known = {}
        except (OSError, ValueError) as error:
            # Not treated as empty: damaging the ledger must not bypass it.
            raise DigestMismatch(
                f"{self._path} cannot be read ({error}). It says which model files "
                "were verified; delete it to verify them anew."
            ) from error
        return {"files": {}, "models": {}, **known}

    def _add(self, known: dict[str, Any], added: dict[str, dict[str, Any]]) -> None:
        if all(part.items() <= known[name].items() for name, part in added.items()):
            return
        # A full disk does not stop a verified model; the next start tries again.
        with suppress(OSError):
            self._path.parent.mkdir(parents=True, exist_ok=True)
            with FileLock(self._path.with_suffix(".lock")):
                # Another process may have written it meanwhile.
                now = self._read()
                merged = {name: {**now[name], **part} for name, part in added.items()}
                write_durably(self._path, json.dumps(merged, indent=1))


def _compare(path: Path, digest: str, expected: ExpectedDigests) -> None:
    if wanted := expected.sha256.get(path.name):
        found = {digest}
    elif wanted := expected.git.get(path.name):
        found = {git_blob_id(path), git_lfs_pointer_id(path, digest)}
    else:
        raise DigestMismatch(
            f"{path} is no file of this model: {expected.by} has no digest of it. "
            "It is not loaded. Delete it, if you did not put it there."
        )
    if wanted not in found:
        raise DigestMismatch(
            f"{path.name} is not the file that was meant: its digest should be "
            f"{wanted} ({expected.by}) and is {' or '.join(sorted(found))}. "
            "It is not loaded. "
            f"Delete {path.resolve()} and start again to fetch it anew; if that gives "
            "the same, do not trust where it comes from."
        )


def _mark(path: Path) -> list[int]:
    """Return numbers that change whenever the file is written to or replaced.

    ``ctime`` cannot be set by a program.
    """
    status = path.stat()
    return [status.st_size, status.st_ctime_ns, status.st_ino]


def _digest_of(known: dict[str, Any], path: Path) -> str:
    *mark, digest = known["files"].get(str(path), [""])
    if mark == _mark(path):
        return str(digest)
    # The ledger is synced; after a power cut it must not outlive this file.
    with suppress(OSError):
        sync(path)
    return sha256(path)


def sha256(path: Path) -> str:
    """Return the SHA-256 of a file, in hexadecimal."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(CHUNK_BYTES):
            digest.update(chunk)
    return digest.hexdigest()


def git_blob_id(path: Path) -> str:
    """Return the git object id of a file: SHA-1 of a header and the content."""
    digest = hashlib.sha1(b"blob %d\0" % path.stat().st_size, usedforsecurity=False)
    with path.open("rb") as file:
        while chunk := file.read(CHUNK_BYTES):
            digest.update(chunk)
    return digest.hexdigest()


def git_lfs_pointer_id(path: Path, digest: str) -> str:
    """Return the git object id of a large file, of which git stores only a pointer.

    The pointer holds the SHA-256 and the size. Source: the specification of Git LFS,
    https://git-lfs.com.
    """
    pointer = (
        "version https://git-lfs.github.com/spec/v1\n"
        f"oid sha256:{digest}\nsize {path.stat().st_size}\n"
    ).encode()
    head = b"blob %d\0" % len(pointer)
    return hashlib.sha1(head + pointer, usedforsecurity=False).hexdigest()
