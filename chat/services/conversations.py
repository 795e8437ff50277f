"""Makes and renames a conversation, picks its model, and marks it read."""

from __future__ import annotations

from django.conf import settings
from django.db import transaction
from django.utils.formats import number_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from chat.models import Conversation, User
from chat.models.conversation import without_directions
from chat.services.errors import MessageRefused
from chat.services.message_text import is_blank
from chat.services.notify import notify_pages
from chat.services.optional_write import NotWritten, optional_write
from chat.services.presets import find_preset
from chat.services.used_key import conversation_fields
from chat.text_cleanup import as_line

TITLE_MAX_CHARACTERS = 200


class TitleRefused(MessageRefused):
    """The title cannot be used; the message says why."""


def make(owner: User, title: str, preset: str = "") -> Conversation:
    """Make a conversation without messages. Raises ``MessageRefused``.

    ``preset`` is the key or name of one whose settings it begins with. Only these
    conversations are not bounded by the limits of messages; deleted ones count until
    they are removed.
    """
    title = clean_title(title)
    limit = settings.EMPTY_CONVERSATIONS_MAX
    empty = Conversation.objects.filter(owner=owner, messages=None)
    if len(empty.values_list("pk")[:limit]) >= limit:
        raise MessageRefused(
            "too_many_empty",
            ngettext(
                "You have %(count)s conversation without messages. Send one into it.",
                "You have %(count)s conversations without messages. Send one into"
                " each of them.",
                limit,
            )
            % {"count": limit},
        )
    made = Conversation.objects.create(
        owner=owner,
        title=title,
        **conversation_fields(owner),
        **(find_preset(owner.pk, preset).fields if preset else {}),
    )
    transaction.on_commit(lambda: notify_pages(owner.pk))
    return made


def rename(conversation: Conversation, title: str) -> None:
    """Rename a conversation; its place in the list stays. Raises ``TitleRefused``."""
    title = clean_title(title)
    Conversation.objects.filter(pk=conversation.pk).update(title=title)
    conversation.title = title
    transaction.on_commit(lambda: notify_pages(conversation.owner_id))


def pick_model(conversation: Conversation, name: str) -> None:
    """Pick a model of the catalogue for the next replies of a conversation."""
    Conversation.objects.filter(pk=conversation.pk).update(model=name)
    conversation.model = name
    transaction.on_commit(lambda: notify_pages(conversation.owner_id))


def clean_title(title: str) -> str:
    """The title as it is stored: one line without control characters.

    Raises ``TitleRefused``.
    """
    title = as_line(without_directions(title))
    if is_blank(title):
        raise TitleRefused("blank_title", _("Write a title first."))
    if len(title) > TITLE_MAX_CHARACTERS:
        raise TitleRefused(
            "title_too_long",
            _("Too long: %(count)s of %(limit)s characters. Shorten it.")
            % {
                "count": number_format(len(title), force_grouping=True),
                "limit": number_format(TITLE_MAX_CHARACTERS, force_grouping=True),
            },
        )
    return title


def mark_read(conversation: Conversation) -> None:
    """Remove the unread badge, on other pages too; writes only if there was one.

    The badge of a conversation that was looked up before is queried once more.
    """
    if Conversation.objects.filter(pk=conversation.pk, has_unread=True).exists():
        remove_badge(conversation)


def remove_badge(conversation: Conversation) -> None:
    """Remove the badge that a conversation just had, on other pages too."""
    unread = Conversation.objects.filter(pk=conversation.pk, has_unread=True)
    try:
        with optional_write():
            was_unread = unread.update(has_unread=False)
    except NotWritten:
        return  # the next view of the conversation removes it
    if was_unread:
        notify_pages(conversation.owner_id)
