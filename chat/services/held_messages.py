"""Edits, removes and releases held messages.

A message that is sent while a reply is unfinished is held until that reply is done.
Each action first claims the held row by a conditional update. So it either happens
before the message starts, or not at all.
"""

from __future__ import annotations

from hashlib import sha256

from django.db import transaction
from django.utils.translation import gettext as _

from chat.models import Message, Reply, tree
from chat.services.errors import MessageRefused
from chat.services.jobs.publish import publish, release_next
from chat.services.message_text import clean_text
from chat.services.notify import notify_pages


class NotHeld(Exception):
    """The message is no longer held: it started, or it was removed."""


class Changed(Exception):
    """The text is no longer the one that was to be edited: another tab changed it."""


def version_of(text: str) -> str:
    """What an editor is given with a text, to notice other changes of it."""
    return sha256(text.encode()).hexdigest()[:16]


def edit(reply: Reply, text: str, version: str = "") -> None:
    """Change the text of a held message.

    ``reply`` is the reply that the message waits for, ``version`` that of the text
    which was edited; empty overwrites any. Raises ``NotHeld``, ``Changed`` or
    ``MessageRefused``; then nothing changes.
    """
    text, message = clean_text(text), reply.message.parent
    with transaction.atomic():
        if message is None or not reply.touch_held():
            raise NotHeld
        if _other_reply(reply):
            said = _(
                "This message already has another reply, so it can’t be edited. Send"
                " yours as a new message."
            )
            raise MessageRefused("answered", said)
        message.refresh_from_db(fields=["text"])
        if version not in ("", version_of(message.text)) and text != message.text:
            raise Changed
        Message.objects.filter(pk=message.pk).update(text=text)
    transaction.on_commit(lambda: notify_pages(reply.message.owner_id))


def remove(reply: Reply) -> None:
    """Remove a held message; the messages after it move up.

    If the message has another reply already, only this reply is removed. Raises
    ``NotHeld``.
    """
    answer, message = reply.message, reply.message.parent
    if message is None:
        raise NotHeld
    conversation = answer.conversation
    with transaction.atomic():
        conversation.claim()
        if not reply.touch_held():
            raise NotHeld
        # The message before it may have been removed a moment ago.
        message.refresh_from_db(fields=["parent"])
        other = _other_reply(reply)
        before = tree.newest_leaf(other.pk) if other else message.parent_id
        Message.objects.filter(parent=answer).update(parent=before)
        type(conversation).objects.filter(
            pk=conversation.pk, active_leaf=answer
        ).update(active_leaf=before)
        (answer if other else message).delete()
    transaction.on_commit(lambda: release_next(conversation))
    transaction.on_commit(lambda: notify_pages(reply.message.owner_id))


def release(reply: Reply) -> None:
    """Send a held message although the reply before it failed or was stopped.

    Raises ``NotHeld`` if the message does not wait for this decision.
    """
    if not reply.is_paused or not reply.release():
        raise NotHeld
    transaction.on_commit(lambda: publish(reply))


def _other_reply(reply: Reply) -> Message | None:
    """The newest other reply to the same message, if there is one."""
    others = Message.objects.filter(parent=reply.message.parent_id).exclude(pk=reply.pk)
    return others.order_by("-created_at").first()
