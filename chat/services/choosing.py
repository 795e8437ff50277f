"""Choosing which version of a message the conversation goes on from."""

from __future__ import annotations

from django.db import transaction

from chat.models import Message, tree
from chat.services.sending import claim_there
from chat.services.telling import tell


def choose(message: Message) -> None:
    """The path leads through ``message``, and from there on to the newest.

    Raises ``PromptRefused`` where the conversation was deleted.
    """
    with transaction.atomic():
        conversation = claim_there(message.conversation_id)
        if message.pk in conversation.path_ids():
            return
        conversation.active_leaf_id = tree.newest_leaf(message.pk)
        # Looking at another version makes a conversation no newer.
        conversation.save(update_fields=["active_leaf"])
    tell(conversation.owner_id)
