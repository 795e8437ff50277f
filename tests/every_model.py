"""A row in every table, also of models that are yet to come; and all rows, to compare.

    manage.py shell -c "from tests import every_model; every_model.fill()"

Values are made by the type of a field. References lead to rows that exist.
"""

from __future__ import annotations

import json
import secrets
import sys
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from django.apps import apps
from django.core.serializers.json import DjangoJSONEncoder
from django.db import IntegrityError, models, transaction

WHEN = datetime(2026, 2, 28, 23, 59, 59, 123_457, tzinfo=UTC)
#: What databases have kept differently: letters, kinds of zero, empty against missing.
TEXT = "naïve 漢字 🐝 \\N \\. \t\n\r 'quoted' \"twice\" e\u0301"
JSON = {"zero": 0, "float": 0.1, "none": None, "list": [1, "ü", {}], "empty": ""}


def every_model() -> list[type[models.Model]]:
    found = apps.get_models(include_auto_created=True)
    return [one for one in found if one._meta.managed and not one._meta.proxy]


def fill() -> None:
    """Make a row of each model that has none."""
    missing = [one for one in every_model() if not one._base_manager.exists()]
    while missing:
        made = [one for one in missing if _make(one)]
        assert made, f"no row could be made of {missing}"
        missing = [one for one in missing if one not in made]


def dump() -> None:
    """Print every row of every model, in order, as JSON."""
    json.dump(
        {one._meta.db_table: list(_rows(one)) for one in every_model()},
        sys.stdout,
        cls=DjangoJSONEncoder,
    )


def _rows(model: type[models.Model]) -> Iterator[dict[str, Any]]:
    for row in model._base_manager.order_by("pk").values():
        yield {
            name: bytes(value).hex() if isinstance(value, bytes | memoryview) else value
            for name, value in row.items()
        }


def _make(model: type[models.Model]) -> bool:
    """With as many of its fields as its constraints allow."""
    for leave_out in (None, "null"):
        try:
            values = {
                field.attname: _value(field)
                for field in model._meta.concrete_fields
                if not isinstance(field, models.AutoField)
                and not field.generated
                and not (leave_out and field.null)
            }
            with transaction.atomic():
                model._base_manager.bulk_create([model(**values)])
        except (IntegrityError, LookupError):
            continue
        return True
    return False


def _value(field: Any) -> Any:
    if isinstance(field, models.ForeignKey):
        related = field.related_model._base_manager
        if isinstance(field, models.OneToOneField):
            taken = field.model._base_manager.exclude(**{field.name: None})
            related = related.exclude(pk__in=taken.values(field.attname))
        row = related.order_by("pk").first()
        if row is None and not field.null:
            raise LookupError(field)
        return row and row.pk
    if field.choices:
        return field.choices[0][0]
    made: dict[type, Any] = {
        models.UUIDField: uuid.uuid4(),
        models.JSONField: JSON,
        models.DateTimeField: WHEN,
        models.DateField: WHEN.date(),
        models.BinaryField: bytes(range(256)),
        models.BooleanField: True,
        models.FloatField: 0.1,
        models.BigIntegerField: 2**62,
        models.IntegerField: 7,
        models.TextField: TEXT,
        models.CharField: secrets.token_hex(32)[: field.max_length or None],
    }
    return next(is_ for kind, is_ in made.items() if isinstance(field, kind))
