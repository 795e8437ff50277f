"""Sends messages: one transaction saves them, and the queue gets them on commit."""

from __future__ import annotations

from typing import Any
from uuid import UUID, uuid4

from django.db import transaction
from django.utils.translation import gettext as _

from chat.models import Conversation, Message, Reply, User, tree
from chat.models.conversation import title_from
from chat.models.sql_rows import insert
from chat.services.effective_settings import effective_settings
from chat.services.errors import MessageRefused
from chat.services.idempotency import NewIds, reply_once
from chat.services.jobs.publish import publish
from chat.services.jobs.stop import stop_reply
from chat.services.limits.admission import admit, check_open
from chat.services.message_text import clean_text
from chat.services.new_replies import new_reply
from chat.services.presets import find_preset
from chat.services.temporary_chats import temporary_fields
from chat.services.used_key import call_field, conversation_fields
from chat.text_cleanup import as_line
from chatsite import wire


def send_message(
    owner: User,
    text: str,
    key: str | None,
    conversation: Conversation | UUID | None = None,
    *,
    instead_of: Message | None = None,
    preset: str = "",
    is_temporary: bool = False,
    when_idle: bool = False,
) -> Reply:
    """Save a message and its unfinished reply, and enqueue the reply on commit.

    ``key`` makes the request safe to repeat: the same key with the same text returns
    the first reply. Without ``conversation`` a new one is created. ``instead_of`` is a
    message of the conversation; the new one becomes another version of it, the
    conversation continues from there, and replies behind the old one stop. A new
    conversation that ``is_temporary`` is erased soon; one with a ``preset``, named by
    its key or name, begins with the settings of it. ``when_idle`` lets all other
    replies go first.

    Raises ``MessageRefused`` with the code blank or too_long, deleted (also for a
    conversation of another owner, or of none), no_preset, a code of ``idempotency``, or
    a code of ``admission`` and a retry time.
    """
    text, preset = clean_text(text), as_line(preset)
    into = conversation.pk if isinstance(conversation, Conversation) else conversation
    ids = NewIds(into or uuid4(), uuid4())

    def save() -> Reply:
        begun = None
        if into is None:
            begun = _begun(owner, ids, text, preset, is_temporary=is_temporary)
        return _save(owner, text, ids, instead_of, begun, when_idle=when_idle)

    asked = ("send", into.hex if into else "", *filter(None, [preset]), text)
    return reply_once(owner.pk, key, asked, save, new_ids=ids)


def _save(
    owner: User,
    text: str,
    ids: NewIds,
    instead_of: Message | None,
    begun: Conversation | None,
    *,
    when_idle: bool,
) -> Reply:
    """Save a message into the conversation that it begins, or into one that exists."""
    # The lock puts two messages that are sent at once one after the other.
    conversation = begun or _claim_of_owner(owner, ids.conversation)
    chosen = effective_settings(owner, conversation)
    load = admit(owner, None if begun else conversation, chosen.entry.name)
    parent = None
    # Foreign keys are checked at the end of the transaction.
    if begun:
        begun.active_leaf_id = ids.reply
        insert([begun])
    else:
        parent = _last(conversation) if instead_of is None else _parent_of(instead_of)
        conversation.continue_to(ids.reply)
    message = Message(
        conversation=conversation,
        owner=owner,
        parent_id=parent,
        role=wire.Role.USER,
        text=text,
    )
    is_held = load.of_conversation > 0 and conversation.has_unfinished(parent)
    call = call_field(owner, when_idle=when_idle)
    reply = new_reply(message, chosen, is_held=is_held, pk=ids.reply, call=call)
    insert([message, reply.message])
    insert([reply])
    superseded = _superseded(conversation, instead_of) if instead_of else []
    transaction.on_commit(lambda: _stop_and_publish(superseded, reply), robust=True)
    return reply


def _begun(
    owner: User, ids: NewIds, text: str, preset: str, *, is_temporary: bool
) -> Conversation:
    """A conversation that begins with a message; it is not saved yet."""
    return Conversation(
        id=ids.conversation,
        owner=owner,
        title=title_from(text),
        **_kind_of(owner, is_temporary=is_temporary),
        **(find_preset(owner.pk, preset).fields if preset else {}),
    )


def _kind_of(owner: User, *, is_temporary: bool) -> dict[str, Any]:
    """Whether a new conversation is kept. A key that keeps none decides for itself."""
    fields = conversation_fields(owner)
    if is_temporary and not fields.get("is_hidden"):
        fields |= temporary_fields()
    return fields


def _superseded(conversation: Conversation, old: Message) -> list[Reply]:
    """Ask the unfinished replies behind a message to stop: another version replaces it.

    Those that are held end now. Returns the others.
    """
    unfinished = Reply.objects.unfinished().with_path()
    behind = [
        reply
        for reply in unfinished.filter(message__conversation=conversation)
        if old.pk in tree.ids_up(conversation.pk, reply.pk)
    ]
    for reply in behind:
        reply.ask_to_stop()
    return [
        reply
        for reply in behind
        if reply.state != wire.State.HELD or not reply.end(wire.State.STOPPED)
    ]


def _stop_and_publish(superseded: list[Reply], reply: Reply) -> None:
    """Publish a reply behind all but those that it replaces."""
    for old in superseded:
        stop_reply(old)
    publish(reply)


def _claim_of_owner(owner: User, pk: UUID) -> Conversation:
    """Lock a conversation of an owner. Raises ``MessageRefused``."""
    conversation = Conversation.objects.claim_of_owner(pk, owner.pk)
    if conversation is None:
        check_open(is_open=User.objects.filter(pk=owner.pk, is_active=True).exists())
        raise _deleted()
    conversation.owner = owner
    return conversation


def _deleted() -> MessageRefused:
    return MessageRefused("deleted", _("This conversation was deleted."))


def claim_not_deleted(pk: UUID) -> Conversation:
    """Lock a conversation until the transaction ends. Raises ``MessageRefused``."""
    claimed = Conversation.objects.not_deleted().select_for_update()
    conversation = claimed.filter(pk=pk).first()
    if conversation is None:
        raise _deleted()
    return conversation


def _parent_of(message: Message) -> UUID | None:
    """The id of the message before this one, read again from the database.

    Either may have been removed a moment ago. Raises ``MessageRefused``.
    """
    try:
        message.refresh_from_db(fields=["parent"])
    except Message.DoesNotExist:
        raise message_gone() from None
    return message.parent_id


def message_gone() -> MessageRefused:
    """The refusal of another version of a message that was removed."""
    said = _("That message was deleted. Send this as a new one.")
    return MessageRefused("gone", said)


def _last(conversation: Conversation) -> UUID | None:
    """The id of the message that the next one follows: the last one of the path.

    A reply that was stopped before it started is skipped, so that it delays nothing.
    """
    leaf = conversation.active_leaf_id
    if conversation.has_started_leaf:
        return leaf
    while leaf is not None and _was_stopped_early(leaf):
        answered = Message.objects.select_related("parent").get(pk=leaf).parent
        if answered is None:
            break
        leaf = _newest_started_reply(answered) or answered.parent_id
    return leaf


def _newest_started_reply(message: Message) -> UUID | None:
    """The newest reply to a message that was queued at least once."""
    replies = Message.objects.filter(parent=message).exclude(reply__queued_at=None)
    return replies.order_by("-created_at").values_list("pk", flat=True).first()


def _was_stopped_early(message: UUID) -> bool:
    return Reply.objects.filter(
        message=message, state=wire.State.STOPPED, queued_at=None
    ).exists()
