"""Batches of an owner: begun, cancelled and deleted."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

from django.conf import settings
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from chat.models import ApiKey, Batch, BatchFile, BatchStatus, User
from chat.services.advisory_lock import advisory_lock
from chat.services.errors import MessageRefused
from chat.services.limits.wording import number

#: What a line may ask for.
CHAT, COMPLETIONS = "/v1/chat/completions", "/v1/completions"
ENDPOINTS = (CHAT, COMPLETIONS)
DEFAULT_WINDOW = "24h"
WINDOW = re.compile(r"([1-9][0-9]{0,3})([hd])")


@dataclass(frozen=True, slots=True)
class BatchRequest:
    """What a batch is made of."""

    file: BatchFile
    endpoint: str = CHAT
    completion_window: str = DEFAULT_WINDOW
    metadata: dict[str, Any] | None = None
    #: The key that asks, if it is no page.
    key: ApiKey | None = None
    pk: UUID = field(default_factory=uuid4)


def window_hours(window: Any) -> int | None:
    """The hours that ``24h`` or ``7d`` name; None if they are no valid window."""
    found = WINDOW.fullmatch(window) if isinstance(window, str) else None
    if found is None:
        return None
    hours = int(found[1]) * (24 if found[2] == "d" else 1)
    return hours if hours <= settings.BATCH_WINDOW_HOURS_MAX else None


@transaction.atomic
def begin_batch(owner: User, asked: BatchRequest) -> Batch:
    """Save a batch, whose file the keeper reads. Raises ``MessageRefused``."""
    advisory_lock([f"batches:{owner.pk}"])
    if owner.batches.unfinished().count() >= settings.BATCHES_MAX:
        most = number(settings.BATCHES_MAX)
        said = _("You have %(most)s unfinished batches, the maximum. Wait for one.")
        raise MessageRefused("too_many_batches", said % {"most": most})
    hours = window_hours(asked.completion_window) or 24
    return Batch.objects.create(
        pk=asked.pk,
        owner=owner,
        key=asked.key,
        endpoint=asked.endpoint,
        completion_window=asked.completion_window,
        metadata=asked.metadata,
        input_id=asked.file.pk,
        input_file=asked.file,
        expires_at=timezone.now() + timedelta(hours=hours),
    )


def cancel_batch(batch: Batch) -> bool:
    """Ask that a batch ends, with the results so far; False if it ends already."""
    return batch.move(BatchStatus.IN_PROGRESS, BatchStatus.CANCELLING) or batch.move(
        BatchStatus.VALIDATING, BatchStatus.CANCELLING
    )


@transaction.atomic
def delete_batch(batch: Batch) -> None:
    """Delete a batch that is over, with its files. Raises ``MessageRefused``."""
    if not batch.is_over:
        said = _("The batch is not over. Cancel it first.")
        raise MessageRefused("batch_unfinished", said)
    pks = [batch.input_file_id, batch.output_file_id, batch.error_file_id]
    batch.delete()
    used = Batch.objects.filter(input_file__in=[pk for pk in pks if pk])
    files = BatchFile.objects.filter(pk__in=[pk for pk in pks if pk])
    files.exclude(pk__in=used.values("input_file")).delete()
