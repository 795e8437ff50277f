"""A row that names something to send, and that one keeper at a time takes."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Self

from django.db import models
from django.db.models import F


class ClaimedRow(models.Model):
    """Due at a time, and claimed by moving that time."""

    #: Counts claims, so one that died with its keeper counts as well.
    attempts = models.PositiveIntegerField(default=0)
    #: When to try next. While it is sent, the end of the lease of its keeper.
    next_at = models.DateTimeField()

    class Meta:
        abstract = True

    def claim(self, now: datetime, lease: timedelta) -> bool:
        """Take it for one try; False if another keeper did so before."""
        claimed = {"next_at": now + lease, "attempts": F("attempts") + 1}
        if not self.unless_taken().update(**claimed):
            return False
        self.next_at, self.attempts = now + lease, self.attempts + 1
        return True

    def unless_taken(self) -> models.QuerySet[Self]:
        """The row in the database, unless another keeper has claimed it since."""
        return type(self)._base_manager.filter(pk=self.pk, next_at=self.next_at)
