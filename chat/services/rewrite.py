"""Rewrites a reply: the text that a person puts in place of a model's."""

from __future__ import annotations

from uuid import UUID

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from chat.models import Conversation, Message, Origin, Reply, tree
from chat.services.copied_messages import NewMessage, insert_messages
from chat.services.errors import MessageRefused
from chat.services.jobs.publish import release_next
from chat.services.message_text import clean_text
from chat.services.messages import claim_not_deleted
from chat.services.notify import notify_pages
from chatsite import wire

#: Fields of the reply that a rewritten one keeps: how its text came about.
KEPT_FIELDS = (
    *("model", "revision", "precision", "settings", "seed", "instructions", "call"),
)


def rewrite(reply: Reply, text: str) -> Reply:
    """Store another version of a reply, with a text of its owner.

    It becomes part of the path. The messages after the reply follow the new version,
    so what is sent next is answered with it. Returns the reply itself if the text is
    the same. It counts for nothing: no model wrote it. Raises ``MessageRefused`` with
    the code blank, too_long, unfinished or deleted.
    """
    text, old = clean_text(text), reply.message
    if not reply.is_terminal:
        said = _("This reply isn’t finished. Wait for its end, or stop it.")
        raise MessageRefused("unfinished", said)
    if text == old.text:
        return reply
    with transaction.atomic():
        conversation = claim_not_deleted(old.conversation_id)
        # The message before it may have been deleted a moment ago.
        if not Message.objects.filter(pk=old.pk).exists():
            raise MessageRefused("deleted", _("This reply was deleted."))
        new = NewMessage(text, timezone.now(), old.parent_id, _fields(reply))
        insert_messages(conversation, [new], Origin.EDITED)
        Message.objects.filter(parent=old).update(parent=new.pk)
        _show(new.pk, conversation)
    # What waited for a decision, because the old reply had failed, goes on.
    transaction.on_commit(lambda: release_next(conversation), robust=True)
    transaction.on_commit(lambda: notify_pages(conversation.owner_id), robust=True)
    return Reply.objects.with_path().get(pk=new.pk)


def _fields(reply: Reply) -> dict[str, object]:
    kept = {name: getattr(reply, name) for name in KEPT_FIELDS}
    return {**kept, "state": wire.State.DONE, "finished_at": timezone.now()}


def _show(new: UUID, conversation: Conversation) -> None:
    """Put the new version on the path; the conversation keeps its place in the list."""
    if new not in conversation.path_ids():
        conversation.active_leaf_id = tree.newest_leaf(new)
        conversation.save(update_fields=["active_leaf"])
