from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from tests.postgres import empty_database
from tests.upgrade.mail_server import MailServer


@pytest.fixture
def mails() -> Iterator[MailServer]:
    with MailServer() as server:
        yield server


@pytest.fixture
def database_url() -> str:
    """``DATABASE_URL`` of a site to be: empty for a file in its data folder, else an
    empty database on the PostgreSQL server of these tests."""
    if os.environ.get("TEST_DATABASE") != "postgres":
        return ""
    return empty_database(os.environ["DATABASE_URL"])
