"""Erases files and batches that are kept no longer."""

from __future__ import annotations

from datetime import timedelta

from django.conf import settings
from django.utils import timezone

from chat.models import Batch, BatchFile, BatchLine

#: Rows that one step erases: a batch may have many lines.
FILES_PER_STEP = 20
LINES_PER_STEP = 5000


def erase_old_batches() -> bool:
    """Erase some files and lines that are too old; False if there are none."""
    now = timezone.now()
    files = BatchFile.objects.expired(now).values_list("pk", flat=True)
    late = list(files[:FILES_PER_STEP])
    BatchFile.objects.filter(pk__in=late).delete()
    before = now - timedelta(days=settings.BATCH_KEEP_DAYS)
    old = Batch.objects.ended().filter(expires_at__lt=before)
    lines = BatchLine.objects.filter(batch__in=old).values_list("pk", flat=True)
    if found := list(lines[:LINES_PER_STEP]):
        BatchLine.objects.filter(pk__in=found).delete()
    else:
        old.delete()
    return bool(late or found)
