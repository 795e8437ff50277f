"""Forks: a new conversation that begins with the path up to a message of another."""

from __future__ import annotations

from collections.abc import Iterator
from uuid import UUID

from django.db import transaction
from django.utils.translation import gettext as _

from chat.models import Conversation, Message, Origin, User
from chat.services.copied_messages import NewMessage, copies_of_path, insert_messages
from chat.services.errors import MessageRefused
from chat.services.notify import notify_pages
from chat.services.used_key import conversation_fields

#: Before the title of a fork, in every language.
MARK = "↳ "


def fork(message: Message, owner: User) -> Conversation:
    """Copy the path up to a message into a new conversation, with its settings.

    From a message of a user its reply is copied as well. Only the path is copied, no
    other versions, and no turn whose reply is unfinished or follows such a one. Raises
    ``MessageRefused`` with the code nothing_to_fork.
    """
    source = message.conversation
    with transaction.atomic():
        made = Conversation.objects.create(
            owner=owner,
            title=_title(source),
            model=source.model,
            settings=source.settings,
            instructions=source.instructions,
            **conversation_fields(owner),
        )
        leaf: list[UUID] = []
        copies = _noting_last(copies_of_path(source, _end_of_turn(message)), leaf)
        if not insert_messages(made, copies, Origin.COPIED):
            said = _("There is no finished reply up to here. Wait for it, then fork.")
            raise MessageRefused("nothing_to_fork", said)
        made.active_leaf_id = leaf[0]
        made.save(update_fields=["active_leaf"])
    transaction.on_commit(lambda: notify_pages(owner.pk), robust=True)
    return made


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


def _noting_last(
    copies: Iterator[NewMessage], last: list[UUID]
) -> Iterator[NewMessage]:
    """Yield the copies, and keep the id of the newest one in ``last``."""
    for copy in copies:
        last[:] = [copy.pk]
        yield copy
