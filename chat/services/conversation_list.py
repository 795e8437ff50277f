"""The list of an owner's conversations, newest first, loaded in parts.

A page knows the cursor of its oldest conversation. When something changes it gets the
whole list up to that cursor again. So no conversation falls between two parts, and none
appears twice.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import cache
from uuid import UUID

from django.utils.formats import date_format
from django.utils.timezone import get_current_timezone, localdate
from django.utils.translation import gettext as _

from chat.models.sql_rows import Parameter, rows, time_of, uuid_of
from chat.models.tree import ENDLESS
from chat.services.conversation_badges import Badge, ListedConversation, badges_of

#: Conversations in one part.
PART = 50
#: The list of an owner, but for the conditions and the end.
LISTED = """
SELECT listed.id, listed.title, listed.updated_at, listed.has_unread, leaf.state
FROM chat_conversation AS listed
LEFT JOIN chat_reply AS leaf ON leaf.message_id = listed.active_leaf_id
WHERE listed.owner_id = %s AND listed.deleted_at IS NULL
    AND NOT listed.is_hidden
"""
NEWEST_FIRST = " ORDER BY listed.updated_at DESC, listed.id DESC LIMIT %s"
#: What comes after a cursor in the list, which is older.
BEFORE = """
AND listed.updated_at <= %s AND (listed.updated_at < %s OR listed.id < %s)
"""
#: The place of a cursor and everything newer.
ON = "AND listed.updated_at >= %s AND (listed.updated_at > %s OR listed.id >= %s)"
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
CURSOR_DIGITS = 16


@dataclass(frozen=True, slots=True)
class Cursor:
    """The place of a conversation in its owner's list."""

    updated_at: datetime
    pk: UUID

    def __str__(self) -> str:
        return f"{(self.updated_at - EPOCH) // timedelta(microseconds=1)}-{self.pk.hex}"

    @classmethod
    def parse(cls, raw: str) -> Cursor:
        """The cursor of its text form. Raises ``ValueError``."""
        digits, _, pk = raw.partition("-")
        if not (digits.isascii() and digits.isdigit()) or len(digits) > CURSOR_DIGITS:
            raise ValueError("not a cursor")
        return cls(EPOCH + timedelta(microseconds=int(digits)), UUID(pk))

    @property
    def values(self) -> tuple[datetime, datetime, UUID]:
        """Parameters for ``BEFORE`` and for ``ON``."""
        return self.updated_at, self.updated_at, self.pk


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

    @property
    def last(self) -> Cursor | None:
        """The cursor of the oldest item."""
        return _cursor(self.items[-1].conversation) if self.items else None


def newest(owner: UUID | None, since: Cursor | None = None) -> ListPart:
    """All conversations up to ``since``, or one part if that is more.

    At most four queries, however long the list is.
    """
    if owner is None:
        return ListPart()
    found = _listed(owner, ON, since.values) if since else []
    return _part(owner, found, since)


def older(owner: UUID | None, before: Cursor) -> ListPart:
    """The part after the cursor ``before``."""
    if owner is None:
        return ListPart()
    return _part(owner, [], before, above=_period(before.updated_at))


def _listed(
    owner: UUID,
    condition: str = "",
    values: Sequence[Parameter] = (),
    limit: int = ENDLESS,
) -> list[ListedConversation]:
    found = rows(f"{LISTED}{condition}{NEWEST_FIRST}", (owner, *values, limit))
    return [
        ListedConversation(uuid_of(pk), title, time_of(at), bool(has_unread), state)
        for pk, title, at, has_unread, state in found
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
    following = _listed(owner, BEFORE if after else "", values, room + 1)
    found += following[:room]
    return ListPart(_items(owner, found, above), has_more=len(following) > room)


def _items(
    owner: UUID, conversations: Sequence[ListedConversation], above: str
) -> tuple[ListItem, ...]:
    badges = badges_of(owner, conversations)
    heading_of, today, zone = cache(period_of), localdate(), get_current_timezone()
    items = []
    for conversation in conversations:
        period = heading_of(localdate(conversation.updated_at, zone), today)
        heading = "" if period == above else period
        items.append(ListItem(conversation, badges[conversation.pk], heading))
        above = period
    return tuple(items)


def _period(time: datetime) -> str:
    """The heading for a time, in the time zone of the request."""
    return period_of(localdate(time), localdate())


def _cursor(conversation: ListedConversation) -> Cursor:
    return Cursor(conversation.updated_at, conversation.pk)


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
