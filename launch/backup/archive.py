"""The file of a backup: a gzipped tar whose first member says what the others are."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import os
import tarfile
import zlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime
from pathlib import Path
from typing import IO

from chatsite.durable_file import sync
from launch.errors import LaunchError

FORMAT = 1
MANIFEST = "manifest.json"
MANIFEST_BYTES_MAX = 1_000_000
#: Three times as fast as gzip's usual level, for a file that is a tenth larger.
COMPRESSION = 1
CHUNK_BYTES = 1 << 20
#: What damage to the file may raise.
UNREADABLE = (
    *(tarfile.TarError, gzip.BadGzipFile, zlib.error, EOFError),
    *(ValueError, TypeError, RecursionError),
)


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a backup holds, from when, and which program can read it."""

    #: Everything that was acknowledged before this time is in the backup.
    taken_at: str
    #: ``sqlite`` or ``postgresql``.
    database: str
    #: The migrations of the database, of which the restoring program must have all.
    migrations: list[str]
    #: By name, the SHA-256 of each other member.
    digests: dict[str, str] = field(default_factory=dict)
    format: int = FORMAT


def write(path: Path, manifest: Manifest, members: Mapping[str, Path]) -> None:
    """Write the archive to a new file, for its owner only. Raises ``OSError``."""
    digests = {name: digest_of(member) for name, member in members.items()}
    said = json.dumps(asdict(manifest) | {"digests": digests}, indent=1).encode()
    path.touch(mode=0o600, exist_ok=False)
    with tarfile.open(path, "w:gz", compresslevel=COMPRESSION) as archive:
        _add(archive, MANIFEST, io.BytesIO(said), len(said))
        for name, member in members.items():
            with member.open("rb") as file:
                _add(archive, name, file, member.stat().st_size)
    sync(path)


def unpack(path: Path, into: Path) -> Manifest:
    """Unpack the members into a folder.

    Raises ``LaunchError`` if one is damaged, and ``OSError``.
    """
    try:
        with tarfile.open(path, "r:gz") as archive:
            manifest = _manifest_in(archive)
            found = {}
            while (member := archive.next()) is not None:
                if member.name not in manifest.digests or not member.isreg():
                    raise LaunchError(
                        f"{path} holds {member.name!r}, which is no part."
                    )
                file = archive.extractfile(member)
                assert file is not None  # noqa: S101 - regular, as was just checked
                found[member.name] = _copy(file, into / member.name)
    except UNREADABLE as error:
        raise LaunchError(
            f"{path} is no backup of chatsite, or it is damaged: {error}."
        ) from None
    bad = [name for name, is_ in manifest.digests.items() if found.get(name) != is_]
    if bad:
        raise LaunchError(f"{path} is damaged: {bad[0]} is not what was saved.")
    return manifest


def digest_of(path: Path) -> str:
    """Return the SHA-256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _add(archive: tarfile.TarFile, name: str, file: IO[bytes], size: int) -> None:
    member = tarfile.TarInfo(name)
    member.size, member.mode = size, 0o600
    archive.addfile(member, file)


def _manifest_in(archive: tarfile.TarFile) -> Manifest:
    """Read the first member. Raises ``LaunchError`` for another format."""
    first = archive.next()
    if first is None or first.name != MANIFEST or not first.isreg():
        raise ValueError("it has no manifest")
    file = archive.extractfile(first)
    if file is None or first.size > MANIFEST_BYTES_MAX:
        raise ValueError("its manifest is too long")
    read = json.loads(file.read())
    if not isinstance(read, dict):
        raise TypeError("its manifest is no object")
    if read.get("format") != FORMAT:
        raise LaunchError(
            f"The backup has the format {read.get('format')!r}, and this program reads "
            f"{FORMAT}: restore it with the version that took it, or a newer one."
        )
    manifest = Manifest(**read)
    _check(manifest)
    return manifest


def _check(manifest: Manifest) -> None:
    """Raise ``ValueError`` or ``TypeError`` unless each value is of its kind."""
    datetime.fromisoformat(manifest.taken_at)
    digests = manifest.digests
    if not isinstance(manifest.migrations, list) or not isinstance(digests, dict):
        raise TypeError("its manifest has no migrations or no digests")
    texts = (manifest.database, *manifest.migrations, *digests, *digests.values())
    if not all(isinstance(one, str) and one.isprintable() for one in texts):
        raise TypeError("its manifest has a value that is no text")
    if any("/" in name or name in ("", ".", "..") for name in digests):
        raise ValueError("its manifest names a path")


def _copy(source: IO[bytes], target: Path) -> str:
    """Write a file to the disk, and return its digest."""
    digest = hashlib.sha256()
    descriptor = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        while chunk := source.read(CHUNK_BYTES):
            digest.update(chunk)
            file.write(chunk)
    sync(target)
    return digest.hexdigest()
