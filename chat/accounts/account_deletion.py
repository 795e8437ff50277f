"""Erasing: conversations and people, out of the database, its index and the mailbox.

Closing takes everything out of sight at once. What was closed is then erased in
batches: as far as it can by the request that asked for it, by the keeper to the end.
"""

from __future__ import annotations

import logging
from datetime import timedelta

from django.conf import settings
from django.contrib.admin.models import LogEntry
from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from chat.accounts.session_end import end_all
from chat.models import Conversation, Invitation, Reply, User
from chat.models.conversation import ConversationQuerySet
from chatsite import wire
from chatsite.mailbox import MailboxAway, open_mailbox

log = logging.getLogger(__name__)

#: Conversations erased in one transaction: each may have thousands of messages.
CONVERSATIONS = 10
#: Entries of the mailbox dropped by one script.
ENTRIES = 500
#: Guests closed at once, and people whose rows are removed at once.
GUESTS = PEOPLE = 50
#: What the history of the admin says instead of whom something was done to.
ERASED = "somebody erased"
#: So many batches a person waits for; the keeper does the rest.
BATCHES_AT_ONCE = 5


def close(user: User) -> None:
    """Nobody finds this account or anything of it any more; harmless to repeat."""
    with transaction.atomic():
        # In the order of whoever sends: first the conversation, then its owner.
        there = Conversation.objects.not_deleted().filter(owner=user)
        there.update(deleted_at=timezone.now())
        user.close()
    end_all(user)


def erase(user: User) -> None:
    """Close somebody and erase what they wrote; the keeper removes the rest."""
    close(user)
    try:
        for _ in range(BATCHES_AT_ONCE):
            if not erase_some(Conversation.objects.filter(owner=user)):
                break
    except MailboxAway:
        log.warning("%s is erased once the queue is back", user.pk)


def erase_some(conversations: ConversationQuerySet) -> int:
    """Erase some of these for good, with all that hangs on them; how many.

    What the mailbox holds goes first, so that nothing is left of what no row tells of.
    Raises ``MailboxAway``.
    """
    pks = list(conversations.values_list("pk", flat=True)[:CONVERSATIONS])
    replies = Reply.objects.filter(message__conversation__in=pks)
    # Whoever publishes one meanwhile finds that nobody waits for it.
    stopped = {"state": wire.State.STOPPED, "finished_at": timezone.now()}
    replies.unfinished().update(**stopped)
    entries = [str(pk) for pk in replies.values_list("pk", flat=True)]
    for start in range(0, len(entries), ENTRIES):
        open_mailbox().erase(entries[start : start + ENTRIES])
    with transaction.atomic():
        Conversation.objects.filter(pk__in=pks).delete()
    return len(pks)


def erase_closed() -> bool:
    """One batch of what was closed; whether there was any. Raises ``MailboxAway``."""
    closed = User.objects.exclude(closed_at=None).order_by("closed_at")[:PEOPLE]
    for user in (people := list(closed)):
        if erase_some(Conversation.objects.filter(owner=user)) == CONVERSATIONS:
            break  # there are more of theirs
        end_all(user)
        open_mailbox().erase_owner(str(user.pk))
        pk = user.pk
        _forget(user)
        log.info("erased %s", pk)
    return bool(people)


def _forget(user: User) -> None:
    """The row, and what names the person elsewhere."""
    with transaction.atomic():
        # Whom it was meant for is the person's name, perhaps.
        Invitation.objects.filter(used_by=user).delete()
        about = LogEntry.objects.filter(object_id=str(user.pk))
        about.update(object_repr=ERASED, change_message="")
        user.delete()


def close_idle_guests() -> bool:
    """Close some guests who were not seen for long and wait for nothing."""
    before = timezone.now() - timedelta(days=settings.GUEST_IDLE_DAYS)
    never = Q(seen_at=None, joined_at__lt=before)
    guests = User.objects.filter(username=None, closed_at=None)
    idle = guests.filter(Q(seen_at__lt=before) | never)
    waiting = Reply.objects.unfinished().values("message__owner")
    found = list(idle.exclude(pk__in=waiting)[:GUESTS])
    for guest in found:
        # Who comes back or signs up at this moment is first, or is somebody new.
        if idle.filter(pk=guest.pk).update(is_active=False):
            close(guest)
    return bool(found)


def erase_untouched() -> bool:
    """One batch of the conversations that nobody touched for ``RETENTION_DAYS``."""
    if not settings.RETENTION_DAYS:
        return False
    before = timezone.now() - timedelta(days=settings.RETENTION_DAYS)
    coming = Reply.objects.unfinished().values("message__conversation")
    old = Conversation.objects.filter(updated_at__lt=before).exclude(pk__in=coming)
    pks = list(old.values_list("pk", flat=True)[:CONVERSATIONS])
    # Who sends to one at this moment is first, or is told that it was deleted.
    now = timezone.now()
    old.filter(pk__in=pks).update(deleted_at=now)
    return bool(erase_some(Conversation.objects.filter(pk__in=pks, deleted_at=now)))
