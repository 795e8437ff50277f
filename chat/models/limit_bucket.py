"""How much of one limit a user, the guests of a network or an API key have used."""

from __future__ import annotations

from datetime import datetime

from django.conf import settings
from django.db import models

BATCH = 500


class LimitBucketQuerySet(models.QuerySet["LimitBucket"]):
    """Sets of buckets."""

    def purge(self, before: datetime) -> None:
        """Delete a batch of buckets that were full before this time."""
        late = self.filter(full_at__lt=before).order_by("full_at")
        if pks := list(late.values_list("pk", flat=True)[:BATCH]):
            # The condition again: one may have been used in the meantime.
            self.filter(pk__in=pks, full_at__lt=before).delete()


class LimitBucket(models.Model):
    """The token bucket of a subject and a kind of limit; no row means full."""

    #: ``user:<id>``, ``network:<digest>`` or ``key:<id>``.
    subject = models.CharField(max_length=80)
    kind = models.CharField(max_length=20)
    #: When the bucket is full again; see ``chat.services.limits.token_bucket``.
    full_at = models.DateTimeField(db_index=True)
    #: The user, if it is not a network's bucket; it is deleted with the user.
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.CASCADE,
        null=True,
        related_name="limit_buckets",
    )

    objects = LimitBucketQuerySet.as_manager()

    class Meta:
        db_table = "chat_allowance"  # its name before the model was renamed
        constraints = (
            models.UniqueConstraint(
                fields=("subject", "kind"), name="one_allowance_per_kind"
            ),
        )

    def __str__(self) -> str:
        return f"{self.kind} of {self.subject}"
