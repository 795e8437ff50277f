"""Forks: a new conversation that begins with the path up to a message of another."""

from __future__ import annotations

from uuid import UUID

from django.db import transaction
from django.utils.translation import gettext as _

from chat.models import Conversation, Message, Origin, User
from chat.services.copied_messages import copies_of_path
from chat.services.errors import MessageRefused
from chat.services.hidden_copy import HiddenCopy
from chat.services.idempotency import conversation_of_key, conversation_once
from chat.services.limits.admission import admit_copy
from chat.services.notify import notify_pages
from chat.services.used_key import conversation_fields

#: Before the title of a fork, in every language.
MARK = "↳ "


def fork(message: Message, owner: User, key: str | None = None) -> Conversation:
    """Copy the path up to a message into a new conversation, with its settings.

    From a message of a user its reply is copied as well. Only the path is copied, no
    other versions, and no turn whose reply is unfinished or follows such a one. With
    an idempotency key, it is done once. Making one counts as one message. Raises
    ``MessageRefused`` with the code nothing_to_fork, a code of a limit, and what
    ``conversation_once`` raises.
    """
    asked = ("fork", message.pk.hex)
    if earlier := conversation_of_key(owner.pk, key, asked):
        return earlier
    leaf = _end_of_turn(message)
    copy = _copy(message.conversation, leaf, owner)
    if copy.is_empty:
        said = _("There is no finished reply up to here. Wait for it, then fork.")
        raise MessageRefused("nothing_to_fork", said)
    with transaction.atomic():
        admit_copy(owner, len(message.conversation.path_ids(leaf)))
    copy.store_with_pauses()
    made = conversation_once(owner.pk, key, asked, copy.show)
    transaction.on_commit(lambda: notify_pages(owner.pk), robust=True)
    return made


def _copy(source: Conversation, leaf: UUID, owner: User) -> HiddenCopy:
    return HiddenCopy(
        copies_of_path(source, leaf),
        Origin.COPIED,
        owner=owner,
        title=_title(source),
        model=source.model,
        settings=source.settings,
        instructions=source.instructions,
        **conversation_fields(owner),
    )


def _title(source: Conversation) -> str:
    length = Conversation._meta.get_field("title").max_length or 0
    return f"{MARK}{source.title.removeprefix(MARK)}"[:length]


def _end_of_turn(message: Message) -> UUID:
    """The reply to a message of a user: that of the path, or else the newest."""
    if not message.is_from_user:
        return message.pk
    replies = list(
        message.children.order_by("-created_at").values_list("pk", flat=True)
    )
    path = set(message.conversation.path_ids())
    on_path = [pk for pk in replies if pk in path]
    return (on_path or replies or [message.pk])[0]
