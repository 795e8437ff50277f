"""Deletes conversations and users from the database, the search index and the mailbox.

Closing hides everything at once. The rows are then erased in batches: the request that
asked for it erases the first few, and the keeper erases the rest.
"""

from __future__ import annotations

import logging
from datetime import timedelta

from django.conf import settings
from django.contrib.admin.models import LogEntry
from django.db import transaction
from django.db.models import Exists, OuterRef, Q
from django.utils import timezone

from chat.accounts.session_end import end_all_sessions
from chat.models import BatchLine, Conversation, Invitation, LineState, Reply, User
from chat.models.conversation import UNFINISHED, ConversationQuerySet
from chat.services.conversation_deletion import remove_messages
from chatsite import wire
from chatsite.mailbox import MailboxAway, open_mailbox

log = logging.getLogger(__name__)

#: Conversations erased in one transaction.
CONVERSATIONS_PER_BATCH = 10
#: The same for conversations of calls that are not kept, which have few messages.
CALLS_PER_BATCH = 200
#: Mailbox entries that one script deletes.
ENTRIES_PER_CALL = 500
#: Guests that one batch closes, and users whose rows one batch removes.
GUESTS_PER_BATCH = USERS_PER_BATCH = 50
#: Replaces the names of erased users in the history of the admin.
ERASED_NAME = "a deleted user"
#: Batches that the user's own request erases; the keeper erases the rest.
BATCHES_IN_REQUEST = 5


def close_account(user: User) -> None:
    """Hide an account and everything in it; harmless to repeat."""
    with transaction.atomic():
        # In the order of requests that send: the conversation first, then its owner.
        conversations = Conversation.objects.not_deleted().filter(owner=user)
        conversations.update(deleted_at=timezone.now())
        user.close()
        user.webhooks.all().delete()
        user.presets.all().delete()
    end_all_sessions(user)


def erase_account(user: User) -> None:
    """Close an account and erase what its user wrote; the keeper erases the rest."""
    close_account(user)
    try:
        for _ in range(BATCHES_IN_REQUEST):
            if not erase_batch(Conversation.objects.filter(owner=user)):
                break
    except MailboxAway:
        log.warning("%s is erased once the queue is back", user.pk)


def erase_batch(conversations: ConversationQuerySet, size: int | None = None) -> int:
    """Erase one batch of these conversations with their contents; return its size.

    The mailbox comes first, so that it never has an entry without a row.
    Raises ``MailboxAway``.
    """
    pks = list(
        conversations.values_list("pk", flat=True)[: size or CONVERSATIONS_PER_BATCH]
    )
    replies = Reply.objects.filter(message__conversation__in=pks)
    # A process that is about to publish one of them finds that it has ended.
    stopped = {"state": wire.State.STOPPED, "finished_at": timezone.now()}
    replies.unfinished().update(**stopped)
    entries = [str(pk) for pk in replies.values_list("pk", flat=True)]
    for start in range(0, len(entries), ENTRIES_PER_CALL):
        open_mailbox().erase(entries[start : start + ENTRIES_PER_CALL])
    remove_messages(pks)
    with transaction.atomic():
        Conversation.objects.filter(pk__in=pks).delete()
    return len(pks)


def erase_closed_accounts() -> bool:
    """Erase one batch of closed accounts; False if there are none.

    Raises ``MailboxAway``.
    """
    closed = User.objects.exclude(closed_at=None).order_by("closed_at")[
        :USERS_PER_BATCH
    ]
    for user in (people := list(closed)):
        if (
            erase_batch(Conversation.objects.filter(owner=user))
            == CONVERSATIONS_PER_BATCH
        ):
            break  # this user has more conversations
        end_all_sessions(user)
        open_mailbox().erase_owner(str(user.pk))
        pk = user.pk
        _delete_user(user)
        log.info("erased %s", pk)
    return bool(people)


def _delete_user(user: User) -> None:
    """Delete the user's row, and what names the user in other tables."""
    with transaction.atomic():
        # The note of an invitation may name the person it was meant for.
        Invitation.objects.filter(used_by=user).delete()
        about = LogEntry.objects.filter(object_id=str(user.pk))
        about.update(object_repr=ERASED_NAME, change_message="")
        user.delete()


def close_idle_guests() -> bool:
    """Close some guests who were not seen for long and have no reply to come."""
    before = timezone.now() - timedelta(days=settings.GUEST_IDLE_DAYS)
    never = Q(seen_at=None, joined_at__lt=before)
    guests = User.objects.filter(username=None, closed_at=None)
    idle = guests.filter(Q(seen_at__lt=before) | never)
    waiting = Reply.objects.unfinished().values("message__owner")
    found = list(idle.exclude(pk__in=waiting)[:GUESTS_PER_BATCH])
    for guest in found:
        # Does nothing if the guest comes back or signs up at this moment.
        if idle.filter(pk=guest.pk).update(is_active=False):
            close_account(guest)
    return bool(found)


def erase_expired_conversations() -> bool:
    """Erase one batch of conversations without a change for ``RETENTION_DAYS`` days."""
    if not settings.RETENTION_DAYS:
        return False
    before = timezone.now() - timedelta(days=settings.RETENTION_DAYS)
    coming = Reply.objects.unfinished().values("message__conversation")
    old = Conversation.objects.filter(updated_at__lt=before).exclude(pk__in=coming)
    pks = list(old.values_list("pk", flat=True)[:CONVERSATIONS_PER_BATCH])
    # A message sent to one at this moment comes first, or finds it deleted.
    now = timezone.now()
    old.filter(pk__in=pks).update(deleted_at=now)
    return bool(erase_batch(Conversation.objects.filter(pk__in=pks, deleted_at=now)))


def erase_unkept_calls() -> bool:
    """Erase one batch of hidden conversations whose replies ended a while ago.

    False if there are none. Raises ``MailboxAway``.
    """
    before = timezone.now() - timedelta(minutes=settings.API_UNKEPT_MINUTES)
    replies = Reply.objects.filter(message__conversation=OuterRef("pk"))
    needed = Q(state__in=UNFINISHED) | Q(finished_at__gte=before)
    hidden = Conversation.objects.filter(
        is_hidden=True, temporary_until=None, updated_at__lt=before
    )
    # The keeper has yet to take over the results of these.
    sent = BatchLine.objects.filter(conversation=OuterRef("pk"), state=LineState.SENT)
    over = hidden.exclude(Exists(replies.filter(needed))).exclude(Exists(sent))
    pks = list(
        over.order_by("updated_at").values_list("pk", flat=True)[:CALLS_PER_BATCH]
    )
    # A call that goes on from one at this moment comes first, or finds it deleted.
    now = timezone.now()
    over.filter(pk__in=pks).update(deleted_at=now)
    mine = Conversation.objects.filter(pk__in=pks, deleted_at=now)
    return bool(erase_batch(mine, CALLS_PER_BATCH))


def erase_temporary_chats() -> bool:
    """Erase one batch of temporary chats whose last page was closed a while ago.

    One whose reply is being written, or has just ended, counts as open. False if there
    are none. Raises ``MailboxAway``.
    """
    now = timezone.now()
    before = now - timedelta(minutes=settings.TEMPORARY_MINUTES)
    replies = Reply.objects.filter(message__conversation=OuterRef("pk"))
    needed = Q(state__in=UNFINISHED) | Q(finished_at__gte=before)
    over = Conversation.objects.filter(is_hidden=True, temporary_until__lt=now).exclude(
        Exists(replies.filter(needed))
    )
    pks = list(over.values_list("pk", flat=True)[:CALLS_PER_BATCH])
    # A page that is opened at this moment comes first, or finds it deleted.
    over.filter(pk__in=pks).update(deleted_at=now)
    mine = Conversation.objects.filter(pk__in=pks, deleted_at=now)
    return bool(erase_batch(mine, CALLS_PER_BATCH))
