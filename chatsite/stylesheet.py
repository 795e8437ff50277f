"""One stylesheet for a page, from many files.

Each file would cost a request. So ``styles/chat.css`` names the others by ``@import``,
and what is served and collected is one file in which each import is replaced by what
it names. It is made when a process lists its static files; with ``DEBUG``, whenever a
page asks for it.
"""

from __future__ import annotations

import fcntl
import os
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from django.conf import settings
from django.contrib.staticfiles.finders import BaseFinder
from django.core.files.storage import FileSystemStorage

from chatsite.durable_file import write_durably
from chatsite.static_files import STYLESHEET

_IMPORT = re.compile(r'^@import "(\w+\.css)";$', re.MULTILINE)


def bundle(entry: Path) -> str:
    """Return the text of a stylesheet with its imports, which lie beside it, put in.

    Raises ``OSError``.
    """
    text = entry.read_text("utf-8")
    return _IMPORT.sub(lambda found: bundle(entry.with_name(found[1])), text)


class StylesheetFinder(BaseFinder):
    """Finds the stylesheet, and makes it in ``DATA_DIR`` if its sources changed."""

    def check(self, **kwargs: Any) -> list[Any]:  # noqa: ARG002
        """Nothing can be configured wrongly."""
        return []

    def find(self, path: str, find_all: bool = False, **kwargs: Any) -> Any:  # noqa: ARG002
        """Return where the stylesheet is, if it is asked for; else an empty list."""
        if path != STYLESHEET:
            return []
        made = _made()
        return [str(made)] if find_all else str(made)

    def list(
        self,
        ignore_patterns: Iterable[str] | None,  # noqa: ARG002
    ) -> Iterator[tuple[str, FileSystemStorage]]:
        """Yield the stylesheet, and the storage that has it."""
        yield STYLESHEET, FileSystemStorage(location=_made().parent)


def _made() -> Path:
    """The bundle. It is written only if it changed: its time is part of its tag.

    Processes that start together wait for each other, so that none replaces what
    another one has just found.
    """
    text = bundle(settings.BASE_DIR / "styles" / STYLESHEET)
    path = Path(settings.DATA_DIR, "styles", STYLESHEET)
    path.parent.mkdir(parents=True, exist_ok=True)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        fcntl.flock(folder, fcntl.LOCK_EX)
        if not path.exists() or path.read_text("utf-8") != text:
            write_durably(path, text)
    finally:
        os.close(folder)  # and unlock it
    return path
