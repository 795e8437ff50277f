"""The whole mailbox: the calls of pages, workers and keeper on one Redis server."""

from __future__ import annotations

from functools import cache

from django.conf import settings

from chatsite.mailbox.callers import CallerCalls
from chatsite.mailbox.keeper import KeeperCalls
from chatsite.mailbox.notice import NoticeCalls
from chatsite.mailbox.overview import OverviewCalls
from chatsite.mailbox.pages import PageCalls
from chatsite.mailbox.queue import LineCalls
from chatsite.mailbox.workers import WorkerCalls


class Mailbox(
    LineCalls,
    WorkerCalls,
    PageCalls,
    CallerCalls,
    KeeperCalls,
    OverviewCalls,
    NoticeCalls,
):
    """What web and workers share, on one Redis server.

    There is one method for each message between the tiers. Every method raises
    ``MailboxAway`` while Redis does not answer.
    """

    def ping(self) -> None:
        """Check that Redis answers."""
        self.connection.command("PING")


@cache
def _mailbox_at(url: str) -> Mailbox:
    return Mailbox(url)


def open_mailbox() -> Mailbox:
    """Return the mailbox of this process, at ``REDIS_URL``."""
    return _mailbox_at(settings.REDIS_URL)
