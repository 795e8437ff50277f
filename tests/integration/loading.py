"""A worker whose model takes a minute to load."""

from __future__ import annotations

import time
from typing import Any

from chatsite.celery import app
from worker import served_model

whole = served_model.open_engine


def open_slowly(*arguments: Any, **more: Any) -> Any:
    time.sleep(60)
    return whole(*arguments, **more)


served_model.open_engine = open_slowly

if __name__ == "__main__":
    app.worker_main(
        ["worker", "--loglevel", "info", "--without-gossip", "--without-mingle"]
    )
