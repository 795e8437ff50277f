"""Prompts sent ahead: edited, removed, or let go although something went wrong.

They are held until the reply before them is done. Whatever is done to one claims it
first by a conditional update, so that it either happens before the prompt starts or not
at all.
"""

from __future__ import annotations

from django.db import transaction
from django.utils.translation import gettext as _

from chat.models import Message, Reply, tree
from chat.services.errors import MessageRefused
from chat.services.jobs.publish import publish, release_next
from chat.services.messages import clean_text
from chat.services.notify import notify_pages


class NotHeld(Exception):
    """The prompt is no longer held: its turn has come, or it was taken back."""


def edit(reply: Reply, text: str) -> None:
    """Put another text in place of a held prompt. Raises ``NotHeld`` or
    ``MessageRefused``, and then nothing is changed."""
    text, prompt = clean_text(text), reply.message.parent
    with transaction.atomic():
        if prompt is None or not reply.touch_held():
            raise NotHeld
        if _other_reply(reply):
            said = _(
                "This message has another reply already, so it stays as it is. Send"
                " yours as a new message."
            )
            raise MessageRefused("answered", said)
        Message.objects.filter(pk=prompt.pk).update(text=text)
    transaction.on_commit(lambda: notify_pages(reply.message.owner_id))


def remove(reply: Reply) -> None:
    """Remove a held prompt; those after it follow what it followed. One that has
    another reply already stays with that.

    Raises ``NotHeld``.
    """
    message, prompt = reply.message, reply.message.parent
    if prompt is None:
        raise NotHeld
    conversation = message.conversation
    with transaction.atomic():
        conversation.claim()
        if not reply.touch_held():
            raise NotHeld
        # What it follows may have been removed just before.
        prompt.refresh_from_db(fields=["parent"])
        other = _other_reply(reply)
        before = tree.newest_leaf(other.pk) if other else prompt.parent_id
        Message.objects.filter(parent=message).update(parent=before)
        type(conversation).objects.filter(
            pk=conversation.pk, active_leaf=message
        ).update(active_leaf=before)
        (message if other else prompt).delete()
    transaction.on_commit(lambda: release_next(conversation))
    transaction.on_commit(lambda: notify_pages(reply.message.owner_id))


def release(reply: Reply) -> None:
    """Send a held prompt although the reply before it failed or was stopped.

    Raises ``NotHeld`` where it is not waiting for that.
    """
    if not reply.is_paused or not reply.release():
        raise NotHeld
    transaction.on_commit(lambda: publish(reply))


def _other_reply(reply: Reply) -> Message | None:
    """The newest other reply to the same prompt, if it was answered before."""
    others = Message.objects.filter(parent=reply.message.parent_id).exclude(pk=reply.pk)
    return others.order_by("-created_at").first()
