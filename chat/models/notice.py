"""A notice: a person is to be told elsewhere that a reply is ready."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from django.db import models

from chat.models.claimed_row import ClaimedRow
from chat.models.sql_rows import rows

ANY_DUE = "SELECT 1 FROM chat_notice WHERE next_at <= %s LIMIT 1"


class Channel(StrEnum):
    """The way on which a notice goes."""

    PUSH = "push"
    MAIL = "mail"


class NoticeQuerySet(models.QuerySet["Notice"]):
    """Sets of notices."""

    def with_all(self) -> NoticeQuerySet:
        """With the rows that decide whether a notice is sent, and where."""
        return self.select_related(
            "subscription", "reply__message__conversation__owner"
        )

    def due(self, now: datetime) -> NoticeQuerySet:
        """Notices to send now, the longest due first."""
        return self.filter(next_at__lte=now).order_by("next_at")

    def may_be_due(self, now: datetime) -> bool:
        """Whether any is due; much cheaper than ``due``."""
        return bool(rows(ANY_DUE, (now,)))


class Notice(ClaimedRow):
    """One notice on one way; the row goes when it was delivered, or is needless.

    It is written in the transaction that ends the reply, so none is lost and none is
    doubled. It holds no text.
    """

    reply = models.ForeignKey(
        "chat.Reply", on_delete=models.CASCADE, related_name="notices"
    )
    channel = models.CharField(max_length=10)
    #: Where it goes; None on ways that lead to the owner.
    subscription = models.ForeignKey(
        "chat.PushSubscription",
        on_delete=models.CASCADE,
        null=True,
        related_name="notices",
    )
    created_at = models.DateTimeField(auto_now_add=True)

    objects = NoticeQuerySet.as_manager()

    class Meta:
        constraints = (
            models.UniqueConstraint(
                fields=("reply", "channel", "subscription"), name="one_notice_per_way"
            ),
        )
        indexes = (models.Index(fields=("next_at",), name="notice_due"),)

    def __str__(self) -> str:
        return f"notice {self.pk}"
