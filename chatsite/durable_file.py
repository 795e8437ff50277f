"""Small files that are on the disk before a program goes on, whole or not at all.

A power cut may leave a file that was not synced empty, or full of NUL bytes.
Standard library only: the launcher uses it before anything is installed.
"""

from __future__ import annotations

import fcntl
import os
import secrets
from contextlib import suppress
from pathlib import Path


def write_durably(path: Path, text: str) -> None:
    """Replace the file by one that holds ``text`` and that its owner alone can read."""
    draft = _draft(path, text)
    try:
        draft.replace(path)
    except OSError:
        draft.unlink(missing_ok=True)
        raise
    sync(path.parent)


def create_durably(path: Path, text: str) -> bool:
    """The same, unless the file is there by now: False, and that one stays."""
    draft = _draft(path, text)
    try:
        path.hardlink_to(draft)
    except FileExistsError:
        return False
    finally:
        draft.unlink(missing_ok=True)
    sync(path.parent)
    return True


def sync(path: Path) -> None:
    """Have a file, or the names in a folder, on the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        if full := getattr(
            fcntl, "F_FULLFSYNC", None
        ):  # macOS: fsync stops short of it
            with suppress(OSError):
                fcntl.fcntl(descriptor, full)
                return
        os.fsync(descriptor)
    except OSError:
        # Some file systems have no sync of folders.
        if not path.is_dir():
            raise
    finally:
        os.close(descriptor)


def _draft(path: Path, text: str) -> Path:
    """A file beside ``path`` that holds the text, on the disk."""
    draft = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    try:
        draft.touch(mode=0o600, exist_ok=False)
        draft.write_text(text, encoding="utf-8")
        sync(draft)
    except OSError:
        draft.unlink(missing_ok=True)
        raise
    return draft
