from __future__ import annotations

import os
import uuid
from collections.abc import Iterator

import psycopg
import pytest

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
    server = os.environ["DATABASE_URL"]
    name = f"upgrade_{uuid.uuid4().hex}"
    with psycopg.connect(server, autocommit=True) as link:
        link.execute(f'CREATE DATABASE "{name}"')
    return f"{server.rpartition('/')[0]}/{name}"
