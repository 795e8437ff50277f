"""The file of a backup: a gzipped tar whose first member says what the others are."""

from __future__ import annotations

import hashlib
import io
import json
import os
import secrets
import tarfile
import zlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
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
UNREADABLE = (tarfile.TarError, zlib.error, EOFError, OSError, ValueError, TypeError)


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
    """Write the archive as a whole or not at all, for its owner only.

    Raises ``FileExistsError`` rather than replace a file, and ``OSError``.
    """
    digests = {name: digest_of(member) for name, member in members.items()}
    said = json.dumps(asdict(manifest) | {"digests": digests}, indent=1).encode()
    draft = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    try:
        draft.touch(mode=0o600, exist_ok=False)
        with tarfile.open(draft, "w:gz", compresslevel=COMPRESSION) as archive:
            _add(archive, MANIFEST, io.BytesIO(said), len(said))
            for name, member in members.items():
                with member.open("rb") as file:
                    _add(archive, name, file, member.stat().st_size)
        sync(draft)
        path.hardlink_to(draft)
    finally:
        draft.unlink(missing_ok=True)
    sync(path.parent)


def unpack(path: Path, into: Path) -> Manifest:
    """Unpack the members into a folder. Raises ``LaunchError`` if one is damaged."""
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
        raise LaunchError(f"{path} cannot be read as a backup: {error}.") from None
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
    if first is None or first.name != MANIFEST or first.size > MANIFEST_BYTES_MAX:
        raise ValueError("it has no manifest")
    file = archive.extractfile(first)
    read = json.loads(file.read()) if file else {}
    if read.get("format") != FORMAT:
        raise LaunchError(
            f"The backup has the format {read.get('format')}, and this program reads "
            f"{FORMAT}: restore it with the version that took it, or a newer one."
        )
    manifest = Manifest(**read)
    if any("/" in name or name in (".", "..") for name in manifest.digests):
        raise ValueError("its manifest names a path")
    return manifest


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
