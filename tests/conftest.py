"""What all tests share: a real Redis, and people who send."""

from __future__ import annotations

import gc
import os
import time
import uuid
from collections.abc import Callable, Generator, Iterator
from typing import Any

import pytest
from django.conf import settings
from django.db.models.signals import post_init, post_save
from django.test import Client

from chat.models import Message, User
from chatsite.mailbox import Mailbox, open_mailbox
from tests import log_leaks
from tests.distribution import ByFile, in_order
from tests.environment import FOLDER, SOCKET
from tests.migrated_database import (  # noqa: F401
    django_db_keepdb,
    django_db_modify_db_settings,
    django_db_setup,
    migrated,
    original,
)
from tests.processes import PATIENCE
from tests.valkey import Valkey

#: What `make quick` leaves out: it starts programs, loads real weights, or takes seconds.
SLOW = (
    "tests/chat/accounts/test_admin_command.py",
    "tests/bench/test_running_site.py",
    "tests/bench/test_web.py",
    "tests/chat/services/jobs/test_any_order.py",
    "tests/chatsite/test_database_file.py",
    "tests/chatsite/test_environment.py::test_a_bad_value_stops_the_start",
    "tests/chatsite/test_tiers.py",
    "tests/test_access.py",
    "tests/test_fuzzing.py",
    "tests/test_redis_failures.py",
    "tests/worker/engine/native/",
    "tests/worker/engine/test_batching.py",
    "tests/worker/engine/test_continuing.py",
    "tests/worker/engine/test_exactness.py",
    "tests/worker/engine/test_scripted.py",
    "tests/worker/test_hostile_model_folders.py",
    "tests/worker/weights/",
)
#: Fixtures of the tests that run again on PostgreSQL.
DATABASE_FIXTURES = {"db", "transactional_db", "database_url"}
#: Fixtures that start programs or load real weights.
SLOW_FIXTURES = {"live_server", "site", "smollm2", "smollm2_folder"}


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """All that is collected stays: there is no garbage to look for in it, neither now
    nor while the tests run."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.enable()


@pytest.hookimpl(tryfirst=True)
def pytest_itemcollected(item: pytest.Item) -> None:
    names = {*getattr(item, "fixturenames", ())}
    if isinstance(item, pytest.Function) and hasattr(item, "callspec"):
        # Fixtures whose names are parameters, which the test asks for itself.
        names |= {one for one in item.callspec.params.values() if isinstance(one, str)}
    if SLOW_FIXTURES & names or item.nodeid.startswith(SLOW):
        item.add_marker(pytest.mark.slow)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(
    config: pytest.Config, items: list[pytest.Item]
) -> None:
    """Leave out what has no database when the database is what is tested again."""
    if os.environ.get("TEST_DATABASE") == "postgres":
        without = [item for item in items if not _uses_database(item)]
        config.hook.pytest_deselected(items=without)
        items[:] = [item for item in items if _uses_database(item)]
    items[:] = in_order(items)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> ByFile:
    return ByFile(config, log)


def _uses_database(item: pytest.Item) -> bool:
    fixtures = DATABASE_FIXTURES & {*getattr(item, "fixturenames", ())}
    return bool(fixtures) or item.get_closest_marker("django_db") is not None


@pytest.fixture(autouse=True)
def _no_text_in_logs(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    log_leaks.forget_texts()

    def note(instance: Message, **_: object) -> None:
        # Not the attribute, which is read from the database where it is deferred.
        log_leaks.remember_text(instance.__dict__.get("text", ""))

    # What is saved without signals was made before.
    for signal in (post_init, post_save):
        signal.connect(note, sender=Message)
    yield
    for signal in (post_init, post_save):
        signal.disconnect(note, sender=Message)
    for when in ("setup", "call"):
        for record in caplog.get_records(when):  # type: ignore[arg-type]
            log_leaks.assert_no_leak(f"{record.getMessage()} {record.exc_text or ''}")


@pytest.fixture(scope="session")
def valkey_server() -> Iterator[Valkey]:
    server = Valkey(SOCKET, FOLDER / "valkey")
    server.start()
    yield server
    server.stop()


@pytest.fixture
def valkey(valkey_server: Valkey) -> Valkey:
    """An empty Redis, the one that the settings name."""
    valkey_server.client.flushall()
    open_mailbox().connection.forgive()
    return valkey_server


@pytest.fixture
def box(valkey: Valkey) -> Mailbox:
    return open_mailbox()


@pytest.fixture(scope="session")
def postgres_server() -> str:
    """The URL of a PostgreSQL server, on which tests make databases of their own."""
    if os.environ.get("TEST_DATABASE") == "postgres":
        return os.environ["DATABASE_URL"]
    from tests.postgres import started

    return started()


@pytest.fixture(scope="session", autouse=True)
def _static_files_are_looked_up_on_demand(django_test_environment: None) -> None:
    """Otherwise each test client lists all of them first, half the time of a test."""
    settings.WHITENOISE_AUTOREFRESH = True


@pytest.fixture
def owner(db: None) -> User:
    return User.objects.guest(uuid.uuid4())


@pytest.fixture
def client_of() -> Callable[[User], Client]:
    """A browser in which a person is signed in."""

    def sign_in(user: User) -> Client:
        client = Client()
        client.force_login(user)
        return client

    return sign_in


@pytest.fixture
def until() -> Callable[..., None]:
    """Wait for a condition; fails with what it was waiting for."""

    def wait(condition: Callable[[], object], seconds: float = 20) -> None:
        deadline = time.monotonic() + PATIENCE * seconds
        while not condition():
            assert time.monotonic() < deadline, "waited in vain"
            time.sleep(0.02)

    return wait
