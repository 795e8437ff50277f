"""Small files that are written to the disk as a whole or not at all.

After a power cut, a file that was not synced may be empty or full of NUL bytes. This
module imports only the standard library: the launcher uses it before an installation.
"""

from __future__ import annotations

import fcntl
import os
import secrets
from contextlib import suppress
from pathlib import Path


def write_durably(path: Path, text: str) -> None:
    """Replace the file by one with ``text`` that only its owner can read."""
    draft = _draft(path, text)
    try:
        draft.replace(path)
    except OSError:
        draft.unlink(missing_ok=True)
        raise
    sync(path.parent)


def create_durably(path: Path, text: str) -> bool:
    """Create the file like ``write_durably``; False if it exists, and then it stays."""
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
    """Write a file, or the names in a folder, to the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        # On macOS fsync does not reach the disk itself.
        if full := getattr(fcntl, "F_FULLFSYNC", None):
            with suppress(OSError):
                fcntl.fcntl(descriptor, full)
                return
        os.fsync(descriptor)
    except OSError:
        # Some file systems cannot sync folders.
        if not path.is_dir():
            raise
    finally:
        os.close(descriptor)


def _draft(path: Path, text: str) -> Path:
    """Write the text to a new file beside ``path``, and sync it."""
    draft = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    try:
        draft.touch(mode=0o600, exist_ok=False)
        draft.write_text(text, encoding="utf-8")
        sync(draft)
    except OSError:
        draft.unlink(missing_ok=True)
        raise
    return draft
