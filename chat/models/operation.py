"""What operators set, and what the keeper notes of the site once a minute."""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar

from django.db import models
from django.db.models import Q
from django.utils import timezone

NOTICE_MAX_CHARACTERS = 300


class PausedModel(models.Model):
    """A model whose line stands still. The row decides; the mailbox has a copy."""

    name = models.CharField(max_length=100, primary_key=True)
    since = models.DateTimeField(default=timezone.now)

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return self.name


class SiteNoticeQuerySet(models.QuerySet["SiteNotice"]):
    """The one notice, if there is any."""

    def current(self, now: datetime) -> SiteNotice | None:
        """Return the notice that is shown now."""
        return self.filter(Q(until=None) | Q(until__gt=now)).first()


class SiteNotice(models.Model):
    """A sentence that every page shows. There is at most one, with this id."""

    ONLY_ID: ClassVar[int] = 1

    id = models.SmallIntegerField(primary_key=True, default=ONLY_ID)
    text = models.CharField(max_length=NOTICE_MAX_CHARACTERS)
    #: When it is shown no more; None for a notice without an end.
    until = models.DateTimeField(null=True, blank=True)

    objects = SiteNoticeQuerySet.as_manager()

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return self.text


class Sample(models.Model):
    """One minute of one model: what waited and ran at its end, and what ended in it."""

    at = models.DateTimeField()
    model = models.CharField(max_length=100)
    waiting = models.PositiveIntegerField(default=0)
    running = models.PositiveIntegerField(default=0)
    slots = models.PositiveIntegerField(default=0)
    tokens = models.PositiveBigIntegerField(default=0)
    done = models.PositiveIntegerField(default=0)
    stopped = models.PositiveIntegerField(default=0)
    failed = models.PositiveIntegerField(default=0)
    #: How many people got a reply.
    people = models.PositiveIntegerField(default=0)
    #: Seconds from joining the line to the start, of replies that ended; a few of
    #: them, evenly spread from the shortest to the longest, if there were many.
    waits = models.JSONField(default=list)

    class Meta:
        default_permissions = ()
        permissions = (("operate_site", "Can operate the site"),)
        constraints = (
            models.UniqueConstraint(
                fields=("at", "model"), name="one_sample_per_minute"
            ),
        )

    def __str__(self) -> str:
        return f"{self.model} at {self.at}"
