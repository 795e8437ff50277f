"""Counts recent attempts: wrong passwords, and first requests of API clients."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db import IntegrityError, models, transaction
from django.db.models import F
from django.utils import timezone


class AttemptCounterQuerySet(models.QuerySet["AttemptCounter"]):
    """Counts attempts under a digest, within a window of time."""

    def take(
        self, digest: str, now: datetime, limit: int, window: timedelta, *, slides: bool
    ) -> bool:
        """Count one attempt; False if ``limit`` is reached. Exact under concurrency.

        The counter is reset after ``window``, counted from the first attempt, or from
        the last one if it ``slides``.
        """
        ends = {"until": now + window}
        while True:
            ours = self.filter(digest=digest)
            if ours.filter(until__gt=now, count__lt=limit).update(
                count=F("count") + 1, **(ends if slides else {})
            ):
                return True
            if ours.filter(until__lte=now).update(count=1, **ends):
                return True
            if ours.filter(until__gt=now, count__gte=limit).exists():
                return False
            try:
                with transaction.atomic():
                    self.create(digest=digest, count=1, **ends)
            except IntegrityError:
                continue  # another process created or reset it
            self.filter(until__lte=now).delete()
            return True

    def note(self, digest: str, until: datetime) -> None:
        """Keep a digest until then; one query."""
        self.bulk_create(
            [self.model(digest=digest, count=1, until=until)],
            update_conflicts=True,
            unique_fields=("digest",),
            update_fields=("until",),
        )

    def purge(self) -> None:
        """Delete counters whose window is over."""
        self.filter(until__lte=timezone.now()).delete()

    def give_back(self, digest: str) -> None:
        """Count one attempt less."""
        self.filter(digest=digest, count__gt=0).update(count=F("count") - 1)

    def forget(self, digest: str) -> None:
        """Delete the counter."""
        self.filter(digest=digest).delete()

    def end_of_lock(self, digest: str, now: datetime, limit: int) -> datetime | None:
        """When the next attempt is allowed; None if it is allowed now."""
        reached = self.filter(digest=digest, until__gt=now, count__gte=limit)
        return reached.values_list("until", flat=True).first()


class AttemptCounter(models.Model):
    """Attempts under an HMAC of account and network.

    The table never has the raw name, which may be a mistyped password.
    """

    digest = models.CharField(max_length=64, primary_key=True)
    count = models.PositiveIntegerField()
    until = models.DateTimeField(db_index=True)

    objects = AttemptCounterQuerySet.as_manager()

    class Meta:
        db_table = "chat_attempts"  # its name before the model was renamed

    def __str__(self) -> str:
        return f"{self.count} attempts"
