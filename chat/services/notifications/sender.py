"""The keeper's threads that send notices."""

from __future__ import annotations

from datetime import datetime

from django.conf import settings
from django.db.models import QuerySet

from chat.models import Notice
from chat.services.notifications.deliver import deliver
from chat.services.outgoing.delivery_threads import DeliverySender


class NoticeSender(DeliverySender[Notice]):
    """Sends notices, several at a time."""

    name = "notices"
    owner_path = "reply__message__owner_id"
    address_path = "subscription_id"

    def __init__(self) -> None:
        super().__init__(settings.NOTICE_SENDERS, settings.PUSH_SECONDS)

    def is_wanted(self) -> bool:
        """Whether the site has a way to send any."""
        return bool(settings.HAS_PUSH or settings.HAS_READY_MAIL)

    def due(self, now: datetime) -> QuerySet[Notice] | None:
        """Notices whose time has come."""
        if not Notice.objects.may_be_due(now):
            return None
        return Notice.objects.due(now).with_all()

    def deliver(self, row: Notice) -> None:
        """Send the notice once."""
        deliver(row)
