"""Merges a guest into an account, also while the guest's replies are being written.

The rows move in one transaction, and the entries of the mailbox follow. If the process
dies in between, the next poll or the keeper moves the entries, and the keeper erases
the rest of the guest.
"""

from __future__ import annotations

import logging
from uuid import UUID

from django.db import transaction

from chat.accounts.session_end import end_all_sessions
from chat.models import (
    Conversation,
    IdempotencyKey,
    Message,
    Passage,
    Reply,
    SharedLink,
    User,
)
from chat.services.advisory_lock import advisory_lock
from chat.services.jobs.publish import hand_over
from chat.services.notify import notify_pages
from chat.services.preset_changes import move_presets
from chatsite.mailbox import MailboxAway

log = logging.getLogger(__name__)


def merge_guest(guest: UUID, account: User) -> int:
    """Move a guest's conversations to an account and close the guest; return the count.

    Harmless to repeat. The account keeps its own settings, and gets the presets.
    """
    with transaction.atomic():
        _wait_for_senders(guest)
        # ``no_key``: requests that insert rows which refer to these users do not wait.
        people = User.objects.select_for_update(no_key=True).order_by("pk")
        found = {user.pk: user for user in people.filter(pk__in=(guest, account.pk))}
        guest_row = found.get(guest)
        if guest_row is None or not guest_row.is_guest or account.pk not in found:
            return 0
        coming = Reply.objects.unfinished().filter(message__owner=guest)
        replies = list(coming.values_list("pk", flat=True))
        count = _move_rows(guest, account.pk)
        guest_row.close()
    end_all_sessions(guest_row)
    try:
        hand_over(account.pk, replies)
    except MailboxAway:
        log.warning("%d replies change owner once the queue is back", len(replies))
    notify_pages(account.pk)
    return count


def _wait_for_senders(guest: UUID) -> None:
    """Let requests of the guest that are in progress finish, and take their locks.

    What they saved moves along. Later requests are refused, and the page keeps their
    text. The locks are taken in the order of requests that send.
    """
    conversations = Conversation.objects.select_for_update().filter(owner=guest)
    list(conversations.order_by("pk").values_list("pk", flat=True))
    advisory_lock([f"user:{guest}"])


def _move_rows(guest: UUID, account: UUID) -> int:
    """Move the conversations and their rows, including deleted ones that can return."""
    _move_keys(guest, account)
    Message.objects.filter(owner=guest).update(owner=account)
    Passage.objects.filter(owner=guest).update(owner=account)
    SharedLink.objects.filter(owner=guest).update(owner=account)
    move_presets(guest, account)
    return Conversation.objects.filter(owner=guest).update(owner=account)


def _move_keys(guest: UUID, account: UUID) -> None:
    """Move idempotency keys; if both used the same key, the account's stays."""
    used = IdempotencyKey.objects.filter(owner=account).values("key")
    keys = IdempotencyKey.objects.filter(owner=guest)
    keys.filter(key__in=used).delete()
    keys.update(owner=account)
