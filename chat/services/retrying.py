"""Retrying: another reply to a prompt whose reply failed or was stopped."""

from __future__ import annotations

from django.db import transaction

from chat.models import Conversation, Message, Reply
from chat.services.admission import check_room
from chat.services.publishing import publish
from chat.services.sending import await_reply, claim_there
from chatsite import wire
from chatsite.choice import offered


def can_retry(reply: Reply) -> bool:
    return wire.State(reply.state) in (wire.State.FAILED, wire.State.STOPPED)


def retry(reply: Reply) -> Reply:
    """A new reply in the place of the old one: what came after that comes after it.

    Harmless to repeat: while another reply to the prompt is to come, that is it. A
    reply that went well stays, and is returned. Raises ``PromptRefused``.
    """
    if not can_retry(reply):
        return reply
    with transaction.atomic():
        conversation = claim_there(reply.message.conversation_id)
        prompt = reply.message.parent
        if prompt is None:
            return reply
        to_come = Reply.objects.unfinished().with_path().filter(message__parent=prompt)
        if found := to_come.first():
            return found
        owner = conversation.owner
        check_room(owner, None, offered(conversation.model).name)
        fresh = await_reply(prompt, is_held=conversation.has_unfinished(prompt.pk))
        _follow(reply.message, fresh.message, conversation)
        transaction.on_commit(lambda: publish(fresh), robust=True)
        return fresh


def _follow(old: Message, new: Message, conversation: Conversation) -> None:
    """The path leads through the new reply, with whatever was sent after the old."""
    if not Message.objects.filter(parent=old).update(parent=new):
        conversation.active_leaf = new
        conversation.save(update_fields=["active_leaf", "updated_at"])
