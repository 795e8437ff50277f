"""Limits in words: which was reached, what is left of it, and when more comes back."""

from __future__ import annotations

import math
from datetime import datetime

from django.utils import timezone
from django.utils.formats import date_format, number_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from chat.services.limits.rules import LimitKind, LimitScope, is_higher_for_accounts
from chat.services.limits.usage import LimitUsage
from chat.wording.replies import duration

#: Up to so long from one message to the next, the pace says it all.
SHORT_SECONDS = 60


def limit_reached_text(balance: LimitUsage, count: int) -> str:
    """Why ``count`` more cannot be had now, and who could have more."""
    if balance.purse.whose is LimitScope.NETWORK:
        said = _(
            "The limit that all guests of your network have together is reached:"
            " %(amount)s."
        )
    else:
        said = _("Your limit is reached: %(amount)s.")
    sentences = [said % {"amount": _amount(balance.kind, balance.bucket.limit)}]
    if balance.left:
        only = ngettext(
            "%(left)s is left, and this takes %(count)s.",
            "%(left)s are left, and this takes %(count)s.",
            balance.left,
        )
        sentences.append(only % {"left": number(balance.left), "count": number(count)})
    return " ".join(sentences + account_hint(balance.purse.whose, balance.kind))


def too_many_waiting_text(whose: LimitScope, limit: int) -> str:
    """Why no further reply may wait in line."""
    if whose is LimitScope.NETWORK:
        said = ngettext(
            "No more than %(count)s message of all guests of your network together may"
            " wait at once.",
            "No more than %(count)s messages of all guests of your network together may"
            " wait at once.",
            limit,
        )
    else:
        said = ngettext(
            "No more than %(count)s of your messages may wait at once.",
            "No more than %(count)s of your messages may wait at once.",
            limit,
        )
    sentences = [said % {"count": number(limit)}]
    return " ".join(sentences + account_hint(whose, LimitKind.REPLIES_WAITING))


def account_hint(whose: LimitScope, kind: LimitKind) -> list[str]:
    """What is told a guest who could go on with an account; nothing to others."""
    if not is_higher_for_accounts(whose, kind):
        return []
    if whose is LimitScope.NETWORK:
        return [_("With an account only your own messages count.")]
    return [_("With an account you have more.")]


def remaining_text(whose: LimitScope, kind: LimitKind, left: int, limit: int) -> str:
    """``12 of 30 messages left today``, and of whom where it is not one's own."""
    said = _left(kind, limit) % {"left": number(left), "limit": number(limit)}
    if whose is LimitScope.NETWORK:
        return _("All guests of your network together: %(said)s") % {"said": said}
    return said


def refill_text(balance: LimitUsage) -> str:
    """When more comes back, in words that stay true for a while; empty where nothing
    was taken."""
    left, limit = balance.left, balance.bucket.limit
    if left >= limit:
        return ""
    if balance.kind is LimitKind.TOKENS_PER_DAY:
        if left:
            return _("all are back %(when)s") % {
                "when": _moment(balance.full_at, balance.now)
            }
        return _("more %(when)s") % {"when": _moment(_next_at(balance), balance.now)}
    interval = balance.bucket.interval_seconds
    if left or interval < SHORT_SECONDS:
        pace = duration(max(1, math.ceil(interval)))
        return _("one more every %(duration)s") % {"duration": pace}
    return _("the next one %(when)s") % {
        "when": _moment(_next_at(balance), balance.now)
    }


def number(count: int) -> str:
    return number_format(count, force_grouping=True)


def _moment(stamp: float, now: float) -> str:
    """``at 14:05``, ``tomorrow at 9:00``, or with the date; a minute too late rather
    than too early."""
    zone = timezone.get_current_timezone()
    when = datetime.fromtimestamp(60 * math.ceil(stamp / 60), zone)
    days = (when.date() - datetime.fromtimestamp(now, zone).date()).days
    if days > 1:
        return _("at %(time)s") % {"time": date_format(when, "SHORT_DATETIME_FORMAT")}
    said = _("tomorrow at %(time)s") if days else _("at %(time)s")
    return said % {"time": date_format(when, "TIME_FORMAT")}


def _next_at(balance: LimitUsage) -> float:
    return balance.now + balance.wait_seconds()


def _amount(kind: LimitKind, limit: int) -> str:
    match kind:
        case LimitKind.MESSAGES_PER_MINUTE:
            said = ngettext(
                "%(limit)s message a minute", "%(limit)s messages a minute", limit
            )
        case LimitKind.MESSAGES_PER_DAY:
            said = ngettext(
                "%(limit)s message a day", "%(limit)s messages a day", limit
            )
        case _other:
            said = ngettext("%(limit)s token a day", "%(limit)s tokens a day", limit)
    return said % {"limit": number(limit)}


def _left(kind: LimitKind, limit: int) -> str:
    match kind:
        case LimitKind.MESSAGES_PER_MINUTE:
            return ngettext(
                "%(left)s of %(limit)s message left this minute",
                "%(left)s of %(limit)s messages left this minute",
                limit,
            )
        case LimitKind.MESSAGES_PER_DAY:
            return ngettext(
                "%(left)s of %(limit)s message left today",
                "%(left)s of %(limit)s messages left today",
                limit,
            )
        case LimitKind.TOKENS_PER_DAY:
            return ngettext(
                "%(left)s of %(limit)s token left today",
                "%(left)s of %(limit)s tokens left today",
                limit,
            )
    return ngettext(
        "%(left)s of %(limit)s place for a waiting reply is free",
        "%(left)s of %(limit)s places for waiting replies are free",
        limit,
    )
