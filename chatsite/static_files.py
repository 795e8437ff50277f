"""Checks that the files that pages load are where they are served from."""

from __future__ import annotations

import os
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

from chatsite.server_url import shown

#: The stylesheet of all pages, made from the files in ``styles``.
STYLESHEET = "chat.css"
#: Other packages with files that pages load.
PACKAGES = ("django.contrib.admin", "django_htmx")


def refusal(root: Path | None, sources: list[Path]) -> str:
    """Return one line for the operator if ``root`` cannot be served.

    It must have every file that pages load, and all that it has must be readable. Empty
    if nothing is wrong, or if the sources themselves are served (no ``root``). Commands
    can run without the files, so only servers of pages call this.
    """
    if root is None:
        return ""
    for name in (Path(STYLESHEET), *_names([*sources, *package_folders()])):
        if not _is_readable_file(root / name):
            return (
                f"STATIC_ROOT must hold the files of the pages, but {name} is missing "
                f"or cannot be read in {str(root)[:300]}: run `python manage.py "
                "collectstatic` with this STATIC_ROOT, or leave STATIC_ROOT empty."
            )
    for path in _unreadable(root):
        return (
            "STATIC_ROOT must hold only files that can be read, but "
            f"{shown(str(path.relative_to(root)))!r} cannot be read in "
            f"{str(root)[:300]}: make it readable for this account, or remove it."
        )
    return ""


def package_folders() -> list[Path]:
    """List the folders of static files of other packages, without importing them."""
    specs = [find_spec(package) for package in PACKAGES]
    folders = [spec.submodule_search_locations for spec in specs if spec is not None]
    return [Path(folder) / "static" for found in folders for folder in found or ()]


def _names(sources: list[Path]) -> Iterator[Path]:
    for source in sources:
        for file in sorted(source.rglob("*")):
            if file.is_file() and not file.name.startswith("."):
                yield file.relative_to(source)


def _unreadable(root: Path) -> Iterator[Path]:
    """Find what is neither a readable file nor a readable folder, also behind links."""
    for folder, folders, files in os.walk(root, followlinks=True):
        for name in folders:
            if not os.access(path := Path(folder, name), os.R_OK | os.X_OK):
                yield path
        for name in files:
            if not _is_readable_file(path := Path(folder, name)):
                yield path


def _is_readable_file(path: Path) -> bool:
    return os.access(path, os.R_OK) and path.is_file()
