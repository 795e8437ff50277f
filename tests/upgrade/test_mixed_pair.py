"""A site and a worker of two releases, as there are while one is replaced."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from tempfile import mkdtemp
from uuid import UUID

import pytest

from tests.environment import FOLDER
from tests.processes import free_port
from tests.upgrade.earlier import Release, wait_for_page
from tests.upgrade.visitor import Visitor
from tests.valkey import Valkey

pytestmark = pytest.mark.timeout(300)
#: A setting of sampling that neither release knows.
UNKNOWN = "mirostat"


@dataclass
class Pair:
    """The web server of one release, and the worker of another that is to serve it."""

    site: Release
    worker: Release
    queue: Valkey

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.site.environment['PORT']}"

    @property
    def database(self) -> Path:
        return Path(self.site.environment["DATA_DIR"], "chatsite.sqlite3")


@pytest.fixture
def pair(request: pytest.FixtureRequest) -> Iterator[Pair]:
    """``request.param`` names the releases of the site and of the worker."""
    home = Path(mkdtemp(prefix="pair-", dir=FOLDER))
    queue = Valkey(home / "v.sock", home / "valkey")
    environment = {
        "DATA_DIR": str(home / "data"),
        "PORT": str(free_port()),
        "REDIS_URL": queue.url,
    }
    releases = {
        "earlier": Release.earlier(**environment),
        "current": Release.current(**environment),
    }
    site, worker = request.param
    queue.start()
    releases[site].migrate()
    yield Pair(releases[site], releases[worker], queue)
    queue.stop()


@pytest.mark.parametrize("pair", [("earlier", "current")], indirect=True)
def test_an_earlier_site_is_served_by_this_worker(pair: Pair) -> None:
    visitor = Visitor(pair.url)
    with pair.site.web() as web:
        wait_for_page(pair.url, web)
        waiting = visitor.send("with a setting that this worker does not know")["id"]
        _add_to_request(pair.queue, waiting)
        with pair.worker.worker(WORKER_SLOTS="2"):
            assert visitor.wait_for(waiting, seconds=60)["state"] == "done"
            _talk(visitor)


@pytest.mark.parametrize("pair", [("current", "earlier")], indirect=True)
def test_this_site_is_served_by_an_earlier_worker(pair: Pair) -> None:
    visitor = Visitor(pair.url)
    with pair.site.web() as web:
        wait_for_page(pair.url, web)
        first = visitor.send("first")
        second = visitor.send("with a retired setting", first["conversation"])["id"]
        _add_to_row(pair.database, second)
        with pair.worker.worker(WORKER_SLOTS="2"):
            for reply in (first["id"], second):
                assert visitor.wait_for(reply, seconds=60)["state"] == "done"
            _talk(visitor)


def _talk(visitor: Visitor) -> None:
    """A message is answered, one is stopped, and the one behind it goes on."""
    said = visitor.wait_for(visitor.send("how are you")["id"])
    assert (said["state"], said["error"]) == ("done", None)
    assert said["text"].startswith("You said: how are you")
    hanging = visitor.send("this hangs [hang]")
    visitor.wait_for(hanging["id"], "running")
    behind = visitor.send("and this", hanging["conversation"])["id"]
    visitor.call(f"replies/{hanging['id']}/stop", {})
    assert visitor.wait_for(hanging["id"])["state"] == "stopped"
    visitor.call(f"replies/{behind}/proceed", {})
    assert visitor.wait_for(behind)["state"] == "done"


def _add_to_request(queue: Valkey, reply: str) -> None:
    """Add a setting, and a key, to the request of a reply that waits in line."""
    key = f"mailbox:reply:{reply}"
    request = json.loads(str(queue.client.hget(key, "request")))
    request["settings"][UNKNOWN] = 2
    request["further"] = {}
    queue.client.hset(key, "request", json.dumps(request))


def _add_to_row(database: Path, reply: str) -> None:
    """Add a setting to the row of a reply that is held."""
    said = "UPDATE chat_reply SET settings = json_set(settings, ?, 2)"
    with closing(sqlite3.connect(database, timeout=20)) as link, link:
        changed = link.execute(
            f"{said} WHERE message_id = ? AND state = 'held'",
            [f"$.{UNKNOWN}", UUID(reply).hex],
        )
        assert changed.rowcount == 1
