"""Web servers and workers of two neighbouring commits answer each other's messages."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from tempfile import mkdtemp

import pytest

from tests.environment import FOLDER
from tests.processes import free_port
from tests.upgrade.commit_before import NoCommitBefore, commit_before
from tests.upgrade.earlier import Release, wait_for_page
from tests.upgrade.visitor import Visitor
from tests.valkey import Valkey

pytestmark = pytest.mark.timeout(180)


@pytest.fixture
def before() -> Path:
    try:
        return commit_before()
    except NoCommitBefore as error:
        pytest.skip(f"the commit before this one cannot be had here: {error}")


@pytest.fixture
def queue() -> Iterator[Valkey]:
    home = Path(mkdtemp(prefix="two-commits-", dir=FOLDER))
    queue = Valkey(home / "v.sock", home / "valkey")
    queue.start()
    yield queue
    queue.stop()


def test_a_worker_of_either_commit_answers_a_message_of_the_other_site(
    before: Path, queue: Valkey, migrated: Callable[[Path], str], tmp_path: Path
) -> None:
    """The database is migrated, as an update does first, and serves both sites."""
    shared = {
        "DATABASE_URL": migrated(tmp_path / "chat.sqlite3"),
        "DATA_DIR": str(tmp_path / "data"),
        "REDIS_URL": queue.url,
        "SECRET_KEY": "of both commits, and long enough",
    }
    ports = free_port(), free_port()
    old = Release(before, **shared, PORT=str(ports[0]))
    new = Release.current(**shared, PORT=str(ports[1]))
    with ExitStack() as running:
        webs = [running.enter_context(site.web()) for site in (old, new)]
        worker = running.enter_context(old.worker())
        visitors = [Visitor(f"http://127.0.0.1:{port}") for port in ports]
        for visitor, web in zip(visitors, webs, strict=True):
            wait_for_page(visitor.url, web)
        _answered(visitors[1], "from the old worker")
        worker.terminate()
        running.enter_context(new.worker())
        _answered(visitors[0], "from the new worker")


def _answered(visitor: Visitor, text: str) -> None:
    said = visitor.wait_for(visitor.send(text)["id"], seconds=60)
    assert (said["state"], said["error"]) == ("done", None)
    assert said["text"].startswith(f"You said: {text}")
