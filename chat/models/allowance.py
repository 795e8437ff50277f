"""How much was taken of one limit, by a person or by the guests of a network."""

from __future__ import annotations

from datetime import datetime

from django.conf import settings
from django.db import models

BATCH = 500


class AllowanceQuerySet(models.QuerySet["Allowance"]):
    def purge(self, before: datetime) -> None:
        """Delete some of those that were full again by then."""
        late = self.filter(full_at__lt=before).order_by("full_at")
        if pks := list(late.values_list("pk", flat=True)[:BATCH]):
            # One that was taken from meanwhile stays.
            self.filter(pk__in=pks, full_at__lt=before).delete()


class Allowance(models.Model):
    """A row for each subject and kind; none where nothing was taken."""

    #: ``user:<id>`` or ``network:<digest>``.
    subject = models.CharField(max_length=80)
    kind = models.CharField(max_length=20)
    #: When all that was taken will have come back; see ``services/buckets.py``.
    full_at = models.DateTimeField(db_index=True)
    #: Whose it is, where it is a person's: it goes with them.
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.CASCADE,
        null=True,
        related_name="allowances",
    )

    objects = AllowanceQuerySet.as_manager()

    class Meta:
        constraints = (
            models.UniqueConstraint(
                fields=("subject", "kind"), name="one_allowance_per_kind"
            ),
        )

    def __str__(self) -> str:
        return f"{self.kind} of {self.subject}"
