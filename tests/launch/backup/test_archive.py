"""The file of a backup: whole, private, and refused once it is damaged."""

from __future__ import annotations

import io
import json
import stat
import tarfile
from dataclasses import asdict
from pathlib import Path

import pytest

from launch.backup import archive
from launch.backup.archive import Manifest
from launch.errors import LaunchError

MANIFEST = Manifest("2026-11-30T10:00:00+00:00", "sqlite", ["0001_initial"])


@pytest.fixture
def backup(tmp_path: Path) -> Path:
    (tmp_path / "one").write_bytes(bytes(range(256)) * 4000)
    (tmp_path / "two").write_text("a secret")
    path = tmp_path / "backup.tar.gz"
    members = {name: tmp_path / name for name in ("one", "two")}
    archive.write(path, MANIFEST, members)
    return path


def into(folder: Path) -> Path:
    folder.mkdir()
    return folder


def test_what_was_saved_comes_back(backup: Path, tmp_path: Path) -> None:
    folder = into(tmp_path / "unpacked")
    manifest = archive.unpack(backup, folder)
    assert (manifest.taken_at, manifest.migrations) == (
        MANIFEST.taken_at,
        MANIFEST.migrations,
    )
    assert (folder / "one").read_bytes() == (tmp_path / "one").read_bytes()
    assert (folder / "two").read_text() == "a secret"


def test_only_its_owner_can_read_it(backup: Path) -> None:
    assert stat.S_IMODE(backup.stat().st_mode) == 0o600


def test_a_file_is_not_overwritten(backup: Path, tmp_path: Path) -> None:
    before = backup.read_bytes()
    with pytest.raises(FileExistsError):
        archive.write(backup, MANIFEST, {"two": tmp_path / "two"})
    assert backup.read_bytes() == before


@pytest.mark.parametrize("place", [0.0, 0.1, 0.5, 0.9])
def test_a_changed_byte_is_noticed(backup: Path, tmp_path: Path, place: float) -> None:
    raw = bytearray(backup.read_bytes())
    raw[int(place * len(raw))] ^= 0xFF
    backup.write_bytes(raw)
    with pytest.raises(LaunchError):
        archive.unpack(backup, into(tmp_path / "unpacked"))


def test_a_cut_file_is_noticed(backup: Path, tmp_path: Path) -> None:
    backup.write_bytes(backup.read_bytes()[:-2000])
    with pytest.raises(LaunchError):
        archive.unpack(backup, into(tmp_path / "unpacked"))


def test_no_name_leads_out_of_the_folder(tmp_path: Path) -> None:
    path = tmp_path / "backup.tar.gz"
    (tmp_path / "two").write_text("a secret")
    archive.write(path, MANIFEST, {"../two": tmp_path / "two"})
    with pytest.raises(LaunchError, match="names a path"):
        archive.unpack(path, into(tmp_path / "unpacked"))


@pytest.mark.parametrize(
    "manifest",
    [
        [],
        None,
        "text",
        {},
        {"digests": ["two"]},
        {"digests": {"two": 5}},
        {"migrations": 5},
        {"migrations": [[]]},
        {"taken_at": None},
        {"taken_at": "soon"},
        {"database": "sqlite\nand more"},
        {"more": 1},
    ],
    ids=repr,
)
def test_a_changed_manifest_is_refused_in_a_sentence(
    tmp_path: Path, manifest: object
) -> None:
    if isinstance(manifest, dict) and manifest:
        manifest = asdict(MANIFEST) | manifest
    said = json.dumps(manifest).encode()
    path = tmp_path / "backup.tar.gz"
    with tarfile.open(path, "w:gz") as changed:
        member = tarfile.TarInfo(archive.MANIFEST)
        member.size = len(said)
        changed.addfile(member, io.BytesIO(said))
    with pytest.raises(LaunchError, match=r"^[^\n]+\.$"):
        archive.unpack(path, into(tmp_path / "unpacked"))


def test_a_manifest_that_is_no_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "backup.tar.gz"
    with tarfile.open(path, "w:gz") as changed:
        member = tarfile.TarInfo(archive.MANIFEST)
        member.type, member.linkname = tarfile.SYMTYPE, "elsewhere"
        changed.addfile(member)
    with pytest.raises(LaunchError, match="no backup of chatsite"):
        archive.unpack(path, into(tmp_path / "unpacked"))


def test_a_newer_format_is_named(tmp_path: Path) -> None:
    path = tmp_path / "backup.tar.gz"
    archive.write(path, Manifest("", "sqlite", [], format=2), {})
    with pytest.raises(LaunchError, match="format 2"):
        archive.unpack(path, into(tmp_path / "unpacked"))
