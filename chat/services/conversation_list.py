"""The list of an owner's conversations, pinned ones first, loaded in parts.

Both the pinned ones and the others come newest first, in one order, so that one cursor
and one index are enough. The archive is a list of its own.

A page knows the cursor of its oldest conversation. When something changes it gets the
whole list up to that cursor again. So no conversation falls between two parts, and none
appears twice.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import cache
from uuid import UUID

from django.utils.formats import date_format
from django.utils.timezone import get_current_timezone, localdate
from django.utils.translation import gettext as _

from chat.models.sql_rows import Parameter, rows, time_of, uuid_of
from chat.models.tree import ENDLESS
from chat.services.conversation_badges import (
    NO_NEWS,
    Badge,
    ListedConversation,
    News,
    badges_and_news,
)

#: Conversations in one part.
PART = 50
#: With a limit PostgreSQL reads the index; without one it would sort all that an owner
#: has. A page that lists more is read without.
LISTED_AT_ONCE = 1000
#: The list of an owner, but for the conditions and the end.
LISTED = """
SELECT listed.id, listed.title, listed.updated_at, listed.has_unread,
    listed.is_pinned, listed.is_archived, leaf.state
FROM chat_conversation AS listed
LEFT JOIN chat_reply AS leaf ON leaf.message_id = listed.active_leaf_id
WHERE listed.owner_id = %s AND listed.deleted_at IS NULL
    AND NOT listed.is_hidden
"""
NOT_ARCHIVED = " AND NOT listed.is_archived"
ARCHIVED = " AND listed.is_archived"
#: The order of the list, and that of the archive.
PINNED_FIRST = (
    " ORDER BY listed.is_pinned DESC, listed.updated_at DESC, listed.id DESC LIMIT %s"
)
NEWEST_FIRST = " ORDER BY listed.updated_at DESC, listed.id DESC LIMIT %s"
#: What comes after a cursor in the list. Rows are compared as a whole, so that both
#: databases read the index from there.
AFTER = " AND (listed.is_pinned, listed.updated_at, listed.id) < (%s, %s, %s)"
#: The place of a cursor and everything before it.
UP_TO = " AND (listed.is_pinned, listed.updated_at, listed.id) >= (%s, %s, %s)"
#: What comes after a cursor in the archive.
OLDER = " AND (listed.updated_at, listed.id) < (%s, %s)"
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
CURSOR_DIGITS = 16
#: With which the text form of the cursor of a pinned conversation begins.
PINNED_MARK = "p"


@dataclass(frozen=True, slots=True)
class Cursor:
    """The place of a conversation in its owner's list."""

    updated_at: datetime
    pk: UUID
    is_pinned: bool = False

    def __str__(self) -> str:
        mark = PINNED_MARK if self.is_pinned else ""
        microseconds = (self.updated_at - EPOCH) // timedelta(microseconds=1)
        return f"{mark}{microseconds}-{self.pk.hex}"

    @classmethod
    def parse(cls, raw: str) -> Cursor:
        """The cursor of its text form. Raises ``ValueError``."""
        digits, _, pk = raw.removeprefix(PINNED_MARK).partition("-")
        if not (digits.isascii() and digits.isdigit()) or len(digits) > CURSOR_DIGITS:
            raise ValueError("not a cursor")
        updated_at = EPOCH + timedelta(microseconds=int(digits))
        return cls(updated_at, UUID(pk), is_pinned=raw.startswith(PINNED_MARK))

    @property
    def values(self) -> tuple[bool, datetime, UUID]:
        """Parameters for ``AFTER`` and for ``UP_TO``."""
        return self.is_pinned, self.updated_at, self.pk


@dataclass(frozen=True, slots=True)
class ListItem:
    """One conversation in the list."""

    conversation: ListedConversation
    badge: Badge | None
    #: The heading above it; empty if it has the same as the one before.
    heading: str = ""


@dataclass(frozen=True, slots=True)
class ListPart:
    """Consecutive items, and whether the list goes on after them."""

    items: tuple[ListItem, ...] = ()
    has_more: bool = False
    #: Of all conversations of the owner.
    news: News = NO_NEWS

    @property
    def last(self) -> Cursor | None:
        """The cursor of the oldest item."""
        return _cursor(self.items[-1].conversation) if self.items else None


def newest(owner: UUID | None, since: Cursor | None = None) -> ListPart:
    """All conversations up to ``since``, or one part if that is more.

    At most five queries, however long the list is.
    """
    if owner is None:
        return ListPart()
    found = _up_to(owner, since) if since else []
    return _part(owner, found, since)


def older(owner: UUID | None, before: Cursor) -> ListPart:
    """The part after the cursor ``before``."""
    if owner is None:
        return ListPart()
    return _part(owner, [], before, above=_heading(before))


def archived(owner: UUID | None, before: Cursor | None = None) -> ListPart:
    """A part of the archive: its newest, or what comes after the cursor ``before``."""
    if owner is None:
        return ListPart()
    values = (before.updated_at, before.pk) if before else ()
    end = f"{ARCHIVED}{OLDER if before else ''}{NEWEST_FIRST}"
    found = _rows(owner, end, (*values, PART + 1))
    unpinned = [one._replace(is_pinned=False) for one in found[:PART]]
    above = _period(before.updated_at) if before else ""
    return _with_items(owner, unpinned, above, has_more=len(found) > PART)


def _up_to(owner: UUID, since: Cursor) -> list[ListedConversation]:
    found = _listed(owner, UP_TO, since.values, LISTED_AT_ONCE)
    if len(found) < LISTED_AT_ONCE:
        return found
    return _listed(owner, UP_TO, since.values, ENDLESS)


def _listed(
    owner: UUID, condition: str, values: Sequence[Parameter], limit: int
) -> list[ListedConversation]:
    end = f"{NOT_ARCHIVED}{condition}{PINNED_FIRST}"
    return _rows(owner, end, (*values, limit))


def _rows(
    owner: UUID, end: str, values: Sequence[Parameter]
) -> list[ListedConversation]:
    return [
        ListedConversation(
            uuid_of(pk), title, time_of(at), bool(unread), bool(pin), bool(old), state
        )
        for pk, title, at, unread, pin, old, state in rows(
            LISTED + end, (owner, *values)
        )
    ]


def _part(
    owner: UUID,
    found: list[ListedConversation],
    after: Cursor | None,
    above: str = "",
) -> ListPart:
    """``found`` filled up with what comes ``after`` it; ``above`` is the heading."""
    room = max(PART - len(found), 0)
    values = after.values if after else ()
    following = _listed(owner, AFTER if after else "", values, room + 1)
    found += following[:room]
    return _with_items(owner, found, above, has_more=len(following) > room)


def _with_items(
    owner: UUID,
    conversations: Sequence[ListedConversation],
    above: str,
    *,
    has_more: bool,
) -> ListPart:
    badges, news = badges_and_news(owner, conversations)
    return ListPart(_items(conversations, badges, above), has_more, news)


def _items(
    conversations: Sequence[ListedConversation],
    badges: Mapping[UUID, Badge | None],
    above: str,
) -> tuple[ListItem, ...]:
    heading_of, today, zone = cache(period_of), localdate(), get_current_timezone()
    items = []
    for conversation in conversations:
        if conversation.is_pinned:
            title = _("Pinned")
        else:
            title = heading_of(localdate(conversation.updated_at, zone), today)
        heading = "" if title == above else title
        items.append(ListItem(conversation, badges[conversation.pk], heading))
        above = title
    return tuple(items)


def _heading(cursor: Cursor) -> str:
    """The heading under which the conversation at a cursor is listed."""
    return _("Pinned") if cursor.is_pinned else _period(cursor.updated_at)


def _period(time: datetime) -> str:
    """The heading for a time, in the time zone of the request."""
    return period_of(localdate(time), localdate())


def _cursor(conversation: ListedConversation) -> Cursor:
    return Cursor(
        conversation.updated_at, conversation.pk, is_pinned=conversation.is_pinned
    )


def period_of(day: date, today: date) -> str:
    """The heading under which a conversation of ``day`` is listed.

    A future day counts as today: clocks and time zones may differ.
    """
    days_ago = (today - day).days
    if days_ago <= 0:
        return _("Today")
    if days_ago == 1:
        return _("Yesterday")
    if days_ago <= 7:
        return _("Previous 7 days")
    if days_ago <= 30:
        return _("Previous 30 days")
    return date_format(day, "YEAR_MONTH_FORMAT")
