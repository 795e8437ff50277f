"""Prints a model's digests for the catalogue: ``python -m worker.weights.pin NAME``.

It fetches the model as a worker does, so the files are those that the hub lists for the
pinned revision.
"""

from __future__ import annotations

import sys

from chatsite import startup
from chatsite.catalog import CatalogError
from worker import model_folder
from worker.model_folder import FetchError
from worker.weights.digests import sha256
from worker.weights.fetch import fetch


def main(arguments: list[str]) -> int:
    """Fetch the model that is named, and print its table ``sha256``."""
    startup.begin()
    from django.conf import settings

    from chatsite.model_choice import current_catalog

    if len(arguments) != 1:
        print("usage: python -m worker.weights.pin NAME", file=sys.stderr)
        return startup.REFUSED_STATUS
    try:
        entry = current_catalog().get(arguments[0])
        folder = fetch(entry, settings.DATA_DIR, lambda _share, note: _say(note))
    except (CatalogError, FetchError) as error:
        print(error, file=sys.stderr)
        return 1
    print(f"[models.{entry.name}.sha256]")
    for path in model_folder.loaded_files(folder):
        print(f'"{path.name}" = "{sha256(path)}"')
    return 0


def _say(note: str) -> None:
    print(note, file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
