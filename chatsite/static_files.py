"""Checks that the files that pages load are where they are served from."""

from __future__ import annotations

import os
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

#: Other packages with files that pages load.
PACKAGES = ("django.contrib.admin", "django_htmx")


def refusal(root: Path | None, sources: list[Path]) -> str:
    """Return one line for the operator if ``root`` lacks a file that pages load.

    Empty if nothing is missing, or if the sources themselves are served (no ``root``).
    Commands can run without the files, so only servers of pages call this.
    """
    if root is None:
        return ""
    for name in _names([*sources, *package_folders()]):
        if not _is_readable_file(root / name):
            return (
                f"STATIC_ROOT must hold the files of the pages, but {name} is missing "
                f"or cannot be read in {str(root)[:300]}: run `python manage.py "
                "collectstatic` with this STATIC_ROOT, or leave STATIC_ROOT empty."
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


def _is_readable_file(path: Path) -> bool:
    return os.access(path, os.R_OK) and path.is_file()
