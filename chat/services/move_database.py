"""Copies all rows from the site's database into an empty one on PostgreSQL.

One transaction on either side: the source is locked for writers and left as it is, and
the target gets everything or nothing. Rows pass through in chunks, by COPY.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from django.apps import apps
from django.core.management import call_command
from django.core.management.color import no_style
from django.db import DEFAULT_DB_ALIAS, DatabaseError, connections, models, transaction
from django.db.migrations.executor import MigrationExecutor

CHUNK_ROWS = 200
#: Tables of SQLite that are no models: PostgreSQL has columns and sequences instead,
#: and each database notes its own migrations.
MIGRATIONS = "django_migrations"
NOT_COPIED = ("chat_passage_index", "sqlite_", MIGRATIONS)
#: Rows that the migrations of the target make; those of the source replace them.
MADE_BY_MIGRATIONS = ("django_content_type", "auth_permission")
#: Tables of the target alone: the names of migrations, and letters for the search.
OF_TARGET = (MIGRATIONS, "chat_fold")
#: A lock of PostgreSQL, by a number that no other use of this program has.
MAKING_TABLES = 7_170_001

Report = Callable[[str, int], None]


class CannotMove(Exception):
    """Why nothing was moved, and what to do about it."""


def copied_models() -> list[type[models.Model]]:
    """Return every model that has a table, those of many-to-many fields included."""
    found = apps.get_models(include_auto_created=True)
    return [one for one in found if one._meta.managed and not one._meta.proxy]


def check_source() -> None:
    """Raise ``CannotMove`` if the source lacks migrations, or has tables of others."""
    connection = connections[DEFAULT_DB_ALIAS]
    executor = MigrationExecutor(connection)
    if executor.migration_plan(executor.loader.graph.leaf_nodes()):
        raise CannotMove(
            "The database is of an earlier version: start the site once, stop it, and "
            "try again."
        )
    known = {one._meta.db_table for one in copied_models()}
    for table in sorted(connection.introspection.table_names()):
        if table not in known and not table.startswith(NOT_COPIED):
            raise CannotMove(
                f"The database has a table {table!r} that is none of this program: "
                "move it elsewhere first."
            )


def check_target(target: str) -> None:
    """Raise ``CannotMove`` if the target has rows, or tables that are not ours.

    It may have some of our tables, which a move leaves that was interrupted.
    """
    known = {one._meta.db_table for one in copied_models()} | {*OF_TARGET}
    with connections[target].cursor() as cursor:
        for table in sorted(connections[target].introspection.table_names(cursor)):
            if table not in known:
                raise CannotMove(
                    f"The target has a table {table!r} of another program: make an "
                    "empty database."
                )
            cursor.execute(f'SELECT EXISTS (SELECT FROM "{table}")')
            is_filled = cursor.fetchone() == (True,)
            if is_filled and table not in (*MADE_BY_MIGRATIONS, *OF_TARGET):
                raise CannotMove(
                    f"The target has rows in {table}, and is not overwritten: make an "
                    "empty database."
                )


def make_tables() -> None:
    """Make the tables that the site's database lacks. Raises ``CannotMove``.

    The lock ends with the connection. Migrations cannot wait for it: an index that is
    built concurrently would wait for them.
    """
    with connections[DEFAULT_DB_ALIAS].cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s)", [MAKING_TABLES])
        if cursor.fetchone() != (True,):
            raise CannotMove(
                "a move that was interrupted is about to end: try again in a minute."
            )
    call_command("migrate", interactive=False, verbosity=0)


def move(target: str, report: Report) -> None:
    """Copy all rows into the tables of the target, which have none.

    ``report`` is told each table and its rows. Raises ``CannotMove`` if a row is
    refused or missing, and ``DatabaseError``; then the target is as before.
    """
    found = copied_models()
    with transaction.atomic(), transaction.atomic(using=target):
        with connections[target].cursor() as cursor:
            for model in found:
                # The passages are copied, so no trigger has to make them.
                cursor.execute(_alter(model, "DISABLE"))
                if model._meta.db_table in MADE_BY_MIGRATIONS:
                    cursor.execute(f'DELETE FROM "{model._meta.db_table}"')
        for model in found:
            report(model._meta.db_table, _copy_all(model, target))
        with connections[target].cursor() as cursor:
            # Checks every reference, and lets the tables be altered again.
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
            for model in found:
                cursor.execute(_alter(model, "ENABLE"))
            for statement in connections[target].ops.sequence_reset_sql(
                no_style(), found
            ):
                cursor.execute(statement)
        _compare(found, target)


def _alter(model: type[models.Model], change: str) -> str:
    return f'ALTER TABLE "{model._meta.db_table}" {change} TRIGGER USER'


def _copy_all(model: type[models.Model], target: str) -> int:
    """Copy as ``_copy`` does. Raises ``CannotMove``, without the values of a row."""
    try:
        with connections[target].wrap_database_errors:
            return _copy(model, target)
    except DatabaseError as error:
        reason = str(error).splitlines()[0]
        raise CannotMove(
            f"Nothing was moved: {model._meta.db_table}: {reason}"
        ) from None


def _copy(model: type[models.Model], target: str) -> int:
    """Copy the rows of one model; return how many there were."""
    fields = [one for one in model._meta.concrete_fields if not one.generated]
    columns = ", ".join(f'"{field.column}"' for field in fields)
    count = 0
    with (
        connections[target].cursor() as cursor,
        cursor.copy(f'COPY "{model._meta.db_table}" ({columns}) FROM STDIN') as copy,
    ):
        for row in _rows(model, fields):
            copy.write_row(
                [
                    _prepared(field, value, target)
                    for field, value in zip(fields, row, strict=True)
                ]
            )
            count += 1
    return count


def _rows(
    model: type[models.Model], fields: list[models.Field[Any, Any]]
) -> Iterator[tuple[Any, ...]]:
    """Return the rows of the source in the order of their keys, a chunk at a time."""
    names = [field.attname for field in fields]
    rows = model._base_manager.order_by("pk").values_list(*names)
    return rows.iterator(chunk_size=CHUNK_ROWS)


def _prepared(field: models.Field[Any, Any], value: Any, target: str) -> Any:
    """Return a value as the target stores it; PostgreSQL stores no NUL."""
    if isinstance(value, str):
        value = value.replace("\0", "")
    return field.get_db_prep_value(value, connections[target])


def _compare(found: list[type[models.Model]], target: str) -> None:
    """Raise ``CannotMove`` unless both have as many rows in every table."""
    for model in found:
        rows = model._base_manager
        if rows.using(target).count() != rows.using(DEFAULT_DB_ALIAS).count():
            raise CannotMove(f"{model._meta.db_table} was not copied completely.")
