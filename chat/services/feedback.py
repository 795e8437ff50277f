"""What people think of replies: a thumb up or down, and a reason if they give one."""

from __future__ import annotations

from dataclasses import dataclass

from django.conf import settings
from django.utils.formats import number_format
from django.utils.translation import gettext as _

from chat.models import Reply
from chat.models.reply_choices import Rating
from chat.models.sql_rows import rows
from chat.services.errors import MessageRefused
from chat.text_cleanup import as_lines

#: The condition is that of the index, which has all that is read.
TOTALS = """
SELECT model, rating, COUNT(*) FROM chat_reply
WHERE rating IN ('up', 'down') AND origin = 'generated' GROUP BY model, rating
"""


@dataclass(frozen=True, slots=True)
class RatingTotals:
    """How many replies of a model have a thumb up, and how many one down."""

    model: str
    up: int
    down: int


def can_be_rated(reply: Reply) -> bool:
    """Whether there is a text to rate, which does not change any more."""
    return reply.is_terminal and bool(reply.message.text)


def rate(reply: Reply, rating: str, reason: str = "") -> None:
    """Replace the feedback on a reply; an empty rating withdraws it.

    ``rating`` is a value of ``Rating`` or empty. Raises ``MessageRefused`` with the
    code unfinished or reason_too_long.
    """
    if not can_be_rated(reply):
        said = _("Only a finished reply with text can be rated.")
        raise MessageRefused("unfinished", said)
    reason = clean_reason(reason) if rating else ""
    Reply.objects.filter(pk=reply.pk).update(rating=rating, rating_reason=reason)
    reply.rating, reply.rating_reason = rating, reason


def clean_reason(reason: str) -> str:
    """The reason as it is stored. Raises ``MessageRefused`` if it is too long."""
    reason, limit = as_lines(reason).strip(), settings.FEEDBACK_MAX_CHARACTERS
    if len(reason) > limit:
        said = _("Too long: %(count)s of %(limit)s characters. Shorten the reason.")
        counts = {
            "count": number_format(len(reason), force_grouping=True),
            "limit": number_format(limit, force_grouping=True),
        }
        raise MessageRefused("reason_too_long", said % counts)
    return reason


def rating_totals() -> list[RatingTotals]:
    """The totals of all models that were rated, in the order of their names."""
    counted: dict[str, dict[str, int]] = {}
    for model, rating, count in rows(TOTALS, ()):
        counted.setdefault(model, {})[rating] = count
    return [
        RatingTotals(model, of.get(Rating.UP, 0), of.get(Rating.DOWN, 0))
        for model, of in sorted(counted.items())
    ]
