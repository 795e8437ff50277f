"""The environment of the tests, set before Django reads its settings (``pytest -p``).

Every test process has folders and a Redis of its own, so that they run in parallel.
They share one PostgreSQL server, in which each has a database of its own.
"""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile
from pathlib import Path

FOLDER = Path(tempfile.mkdtemp(prefix="chatsite-test-"))
SOCKET = FOLDER / "redis.sock"
#: `make soak`: the same tests at larger counts.
IS_SOAK = bool(os.environ.get("SOAK"))
#: The forward pass that computes the models of the tests; see CONTRIBUTING.md.
FORWARD = os.environ.get("TEST_FORWARD", "flat-fp32")

os.environ.update(
    DATA_DIR=str(FOLDER / "data"),
    REDIS_URL=f"unix://{SOCKET}",
    CHAT_MODEL="scripted",
    SECRET_KEY="only-for-tests-and-long-enough-for-a-start-0123456789",
    DJANGO_SETTINGS_MODULE="chatsite.settings",
    SWEEP_SECONDS="0.2",
    POLL_SECONDS="0.1",
    # Playwright keeps an event loop in its thread, where other tests may come later.
    DJANGO_ALLOW_ASYNC_UNSAFE="on",
)
if os.environ.get("TEST_DATABASE") != "postgres":
    os.environ.setdefault("DATABASE_URL", f"sqlite:///{FOLDER / 'chatsite.sqlite3'}")
# The workers of pytest-xdist inherit the URL from the process that starts them.
elif "PYTEST_XDIST_WORKER" not in os.environ:
    from tests.postgres import started

    os.environ["DATABASE_URL"] = started()
atexit.register(shutil.rmtree, FOLDER, ignore_errors=True)
