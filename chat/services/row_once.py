"""Rows of calls with an idempotency key: a call that is repeated makes no other.

The id of what a call makes comes from its key, so the key is kept as long as that.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import TypeVar
from uuid import UUID

from django.db import transaction
from django.db.models import Model

from chat.models import User
from chat.services.advisory_lock import advisory_lock
from chat.services.idempotency import key_reused

M = TypeVar("M", bound=Model)


@transaction.atomic
def row_once(
    model: type[M],
    owner: User,
    key: str | None,
    make: Callable[[UUID], M],
    is_same: Callable[[M], bool],
) -> M:
    """Return what ``make`` makes with an id, or what a call with this key has made.

    ``is_same`` says whether that call asked for the same. Raises ``MessageRefused``
    with the code key_reused if it did not, and what ``make`` raises.
    """
    if key is None:
        return make(uuid.uuid4())
    advisory_lock([f"once:{owner.pk}"])
    pk = uuid.uuid5(owner.pk, f"{model.__name__} {key}")
    earlier = model._default_manager.filter(owner=owner, pk=pk).first()
    if earlier is None:
        return make(pk)
    if not is_same(earlier):
        raise key_reused()
    return earlier
