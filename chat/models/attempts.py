"""How often something was tried of late: a password, and a program's first call."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db import IntegrityError, models, transaction
from django.db.models import F


class AttemptsQuerySet(models.QuerySet["Attempts"]):
    def take(
        self, digest: str, now: datetime, limit: int, window: timedelta, *, slides: bool
    ) -> bool:
        """Count one more, unless ``limit`` is reached; exact however many try at once.

        All of it is forgotten when ``window`` is over: since the first attempt, or
        since the last one where it ``slides``.
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
                continue  # somebody else began it, or began it anew
            self.filter(until__lte=now).delete()
            return True

    def give_back(self, digest: str) -> None:
        """One of them was none of those that count."""
        self.filter(digest=digest, count__gt=0).update(count=F("count") - 1)

    def forget(self, digest: str) -> None:
        self.filter(digest=digest).delete()

    def end_of_lock(self, digest: str, now: datetime, limit: int) -> datetime | None:
        """When one may try again; None where one may now."""
        reached = self.filter(digest=digest, until__gt=now, count__gte=limit)
        return reached.values_list("until", flat=True).first()


class Attempts(models.Model):
    """Whose, and from where, a keyed digest says: what was typed may be a password."""

    digest = models.CharField(max_length=64, primary_key=True)
    count = models.PositiveIntegerField()
    until = models.DateTimeField(db_index=True)

    objects = AttemptsQuerySet.as_manager()

    def __str__(self) -> str:
        return f"{self.count} attempts"
