"""The message to which the form for a day of a conversation leads."""

from __future__ import annotations

from datetime import date
from uuid import UUID

from django.utils.formats import date_format
from django.utils.timezone import localdate
from django.utils.translation import gettext as _

from chat.models import Conversation
from chat.page.message_window import moments_of_path


class DayRefused(ValueError):
    """What was typed is no day of the conversation; the message says what is."""


def first_of_day(conversation: Conversation, typed: str) -> UUID:
    """The first message of the active path that was said on a day or later.

    Days are those of the person's time zone. A reply may have the time of its message,
    as other programs export them: the message is first. Raises ``DayRefused``.
    """
    try:
        day = date.fromisoformat(typed)
    except ValueError:
        said = _("That’s not a date. Write it as in 2026-05-01.")
        raise DayRefused(said) from None
    moments = moments_of_path(conversation)
    if not moments:
        raise DayRefused(_("This conversation has no messages yet."))
    days = [localdate(moment) for _pk, moment in moments]
    if not min(days) <= day <= max(days):
        raise DayRefused(_outside(day, min(days), max(days)))
    found = zip(moments, days, strict=True)
    return next(pk for (pk, _moment), said_on in found if said_on >= day)


def _outside(day: date, first: date, last: date) -> str:
    named = {"day": day, "first": first, "last": last}
    words = {name: date_format(each, "DATE_FORMAT") for name, each in named.items()}
    if first == last:
        text = _("No messages on %(day)s. All of this conversation is from %(first)s.")
    else:
        text = _(
            "No messages on %(day)s. This conversation goes from %(first)s to %(last)s."
        )
    return text % words
