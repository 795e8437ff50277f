"""Empty databases on a PostgreSQL server that ends with this process."""

from __future__ import annotations

from urllib.parse import urlsplit

import psycopg


def postgresql_databases(count: int) -> list[str]:
    """Start a server with so many empty databases; return their URLs.

    Raises ``RuntimeError`` where the server of the tests is not installed.
    """
    from tests.postgres import started

    url = started()
    names = [f"bench{number}" for number in range(count)]
    with psycopg.connect(url, autocommit=True) as connection:
        for name in names:
            connection.execute(f"CREATE DATABASE {name}")
    return [urlsplit(url)._replace(path=f"/{name}").geturl() for name in names]
