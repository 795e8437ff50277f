"""Rows of hand-written SQL, the same on SQLite and PostgreSQL.

For queries that the ORM cannot write, or takes ten times as long to write as the
database needs to answer them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from itertools import product
from typing import Any
from uuid import UUID

from django.db import connection, models

Parameter = UUID | datetime | str | int | None


def rows(query: str, parameters: Iterable[Parameter]) -> list[Any]:
    """The rows that a query returns."""
    with connection.cursor() as cursor:
        cursor.execute(query, [adapted(value) for value in parameters])
        return list(cursor.fetchall())


def execute(statement: str, parameters: Iterable[Parameter]) -> None:
    """Run a statement that returns no rows."""
    with connection.cursor() as cursor:
        cursor.execute(statement, [adapted(value) for value in parameters])


def insert(objects: Sequence[models.Model]) -> None:
    """Insert rows of one model, whose primary keys are set and new; one query.

    As ``bulk_create`` does, it saves every field and sends no signals. The rows that
    they refer to have to be there by the end of the transaction.
    """
    meta = objects[0]._meta
    fields = meta.concrete_fields
    columns = ", ".join(f'"{field.column}"' for field in fields)
    places = ", ".join([f"({', '.join(['%s'] * len(fields))})"] * len(objects))
    values = [
        field.get_db_prep_save(field.pre_save(row, add=True), connection)
        for row, field in product(objects, fields)
    ]
    with connection.cursor() as cursor:
        cursor.execute(
            f'INSERT INTO "{meta.db_table}" ({columns}) VALUES {places}', values
        )
    for row in objects:
        row._state.adding, row._state.db = False, connection.alias


def update_where(
    model: type[models.Model], where: Mapping[str, Any], /, **fields: Any
) -> int:
    """Set fields of the rows in which other fields have these values; one query.

    Returns how many rows it found, as ``QuerySet.update`` does.
    """
    conditions, wanted = _assignments(model, where)
    changes, values = _assignments(model, fields)
    with connection.cursor() as cursor:
        cursor.execute(
            f'UPDATE "{model._meta.db_table}" SET {", ".join(changes)}'
            f" WHERE {' AND '.join(conditions)}",
            values + wanted,
        )
        return int(cursor.rowcount)


def _assignments(
    model: type[models.Model], fields: Mapping[str, Any]
) -> tuple[list[str], list[Any]]:
    """Parts of the form ``column = %s``, and the values as the database stores them."""
    columns = {one.name: one for one in model._meta.concrete_fields}
    values = [
        columns[name].get_db_prep_save(value, connection)
        for name, value in fields.items()
    ]
    return [f'"{columns[name].column}" = %s' for name in fields], values


def uuid_of(value: object) -> UUID:
    """A UUID of a row: SQLite has them as hexadecimal digits."""
    return value if isinstance(value, UUID) else UUID(str(value))


def digits_of(value: object) -> object:
    """The hexadecimal digits of a UUID of a row, in less time than the UUID."""
    return value.hex if isinstance(value, UUID) else value


def time_of(value: datetime | str) -> datetime:
    """A time of a row: SQLite has no time zones, and text where a query is composed."""
    time = datetime.fromisoformat(value) if isinstance(value, str) else value
    return time if time.tzinfo else time.replace(tzinfo=UTC)


def adapted(value: Parameter) -> Any:
    """The value as the database stores it."""
    if isinstance(value, datetime):
        return connection.ops.adapt_datetimefield_value(value)
    if isinstance(value, UUID) and not connection.features.has_native_uuid_field:
        return value.hex
    return value
