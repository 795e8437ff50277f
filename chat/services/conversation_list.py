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

from django.db.models import Q
from django.utils.formats import date_format
from django.utils.timezone import get_current_timezone, localdate
from django.utils.translation import gettext as _

from chat.models import Conversation
from chat.models.conversation import ConversationQuerySet
from chat.services.conversation_badges import Badge, ListedConversation, badges_of

#: Conversations in one part.
PART = 50
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
    def before(self) -> Q:
        """A filter for what comes after it in the list, which is older."""
        is_older = Q(updated_at__lt=self.updated_at) | Q(pk__lt=self.pk)
        return Q(updated_at__lte=self.updated_at) & is_older

    @property
    def on(self) -> Q:
        """A filter for this place and everything newer."""
        is_newer = Q(updated_at__gt=self.updated_at) | Q(pk__gte=self.pk)
        return Q(updated_at__gte=self.updated_at) & is_newer


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
    listed = _listed(owner)
    found = _fetched(listed.filter(since.on)) if since else []
    rest = listed.filter(since.before) if since else listed
    return _part(owner, found, rest)


def older(owner: UUID | None, before: Cursor) -> ListPart:
    """The part after the cursor ``before``."""
    if owner is None:
        return ListPart()
    rest = _listed(owner).filter(before.before)
    return _part(owner, [], rest, above=_period(before.updated_at))


def _listed(owner: UUID) -> ConversationQuerySet:
    return Conversation.objects.not_deleted().filter(owner_id=owner)


def _fetched(listed: ConversationQuerySet) -> list[ListedConversation]:
    columns = ("pk", "title", "updated_at", "has_unread", "active_leaf__reply__state")
    return [ListedConversation(*row) for row in listed.values_list(*columns)]


def _part(
    owner: UUID,
    found: list[ListedConversation],
    rest: ConversationQuerySet,
    above: str = "",
) -> ListPart:
    """``found`` filled up from ``rest``; ``above`` is the heading before them."""
    room = max(PART - len(found), 0)
    following = _fetched(rest[: room + 1])
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
