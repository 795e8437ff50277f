"""The folder for sockets outside a data folder with a long path."""

from __future__ import annotations

from pathlib import Path

import pytest

from launch import socket_folder


@pytest.fixture
def run_dir(tmp_path: Path) -> Path:
    folder = tmp_path / ("long" * 20) / "run"
    folder.mkdir(parents=True)
    return folder


def test_the_folder_that_is_noted_serves_again(run_dir: Path) -> None:
    folder = socket_folder.choose(run_dir)
    socket_folder.make(folder, run_dir)
    try:
        assert socket_folder.choose(run_dir) == folder
    finally:
        socket_folder.remove(folder, run_dir)
    assert not folder.exists()


@pytest.mark.parametrize("note", [b"", b".", bytes(40), b"\xff\xfe", b"{private}"])
def test_a_torn_note_names_no_other_folder(
    note: bytes, run_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """That folder would be removed with its content when the site stops."""
    private = tmp_path / "private"
    private.mkdir(mode=0o700)
    monkeypatch.chdir(private)
    note = note.replace(b"{private}", str(private).encode())
    (run_dir / socket_folder.NOTE).write_bytes(note)
    assert socket_folder.choose(run_dir).name.startswith("chatsite-")
