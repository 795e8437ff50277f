"""Files and folders."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from django.core.exceptions import ImproperlyConfigured

from chatsite.environment import CONTROL, raw_value
from chatsite.server_url import shown
from chatsite.setting_types.base import BadValue, Setting

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class FilePath(Setting[Path]):
    """A path. A relative one counts from the current directory."""

    values = "a path"

    def raw(self) -> str:
        """Return the value in the environment; white space is part of a path."""
        return raw_value(self.name)

    def parse(self, raw: str) -> Path:
        """Return the absolute path. Raises ``BadValue``."""
        return _path(raw)

    def spell(self, value: Path) -> str:
        """Return the path, relative to the checkout if it is inside."""
        return str(value.relative_to(ROOT) if value.is_relative_to(ROOT) else value)


@dataclass(frozen=True)
class Folder(FilePath):
    """A folder for private data."""

    def make(self) -> Path:
        """Read the path and make the folder, for its owner only.

        Raises ``ImproperlyConfigured``, also if the folder is not writable.
        """
        path = self.read()
        try:
            path.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise self._unusable(path, error.strerror) from None
        if not os.access(path, os.W_OK | os.X_OK):
            raise self._unusable(path, "Permission denied")
        return path

    def _unusable(self, path: Path, reason: str | None) -> ImproperlyConfigured:
        return ImproperlyConfigured(
            f"{self.name} must be a folder that can be written to, "
            f"not {shown(str(path))!r}: {reason}."
        )


@dataclass(frozen=True)
class OptionalPath(Setting[Path | None]):
    """A path, or None if the variable is unset or blank."""

    values = "a path"

    def raw(self) -> str:
        """Return the value in the environment; white space is part of a path."""
        raw = raw_value(self.name)
        return raw if raw.strip() else ""

    def parse(self, raw: str) -> Path | None:
        """Return the absolute path. Raises ``BadValue``."""
        return _path(raw)

    def spell(self, value: Path | None) -> str:
        """Return the path, or nothing for None."""
        return "" if value is None else str(value)


@dataclass(frozen=True)
class ReadableFile(OptionalPath):
    """A file that this process can read."""

    values = "a file that can be read"

    def parse(self, raw: str) -> Path | None:
        """Return the absolute path. Raises ``BadValue`` for an unreadable file."""
        path = _path(raw)
        try:
            with path.open("rb"):
                return path
        except OSError:
            raise BadValue.unlike(self.values, str(path)) from None


def _path(raw: str) -> Path:
    if not raw.strip() or CONTROL.search(raw):
        raise BadValue.unlike("a path", raw)
    try:
        # In the encoding of the file system, which may be another than UTF-8.
        return Path(os.fsdecode(raw.encode())).expanduser().absolute()
    except (RuntimeError, OSError):
        raise BadValue.unlike("a path", raw) from None
