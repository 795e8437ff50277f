"""Sentences about limits: which one is reached, what remains, when it refills."""

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

#: If a token is refilled at least this often, the interval says enough.
SHORT_SECONDS = 60


def limit_reached_text(usage: LimitUsage, count: int) -> str:
    """Why ``count`` more are refused now, and whether an account would help."""
    if usage.subject.scope is LimitScope.NETWORK:
        said = _("Your network has reached its guest limit of %(amount)s.")
    elif usage.subject.scope is LimitScope.KEY:
        said = _("This API key has reached its limit of %(amount)s.")
    else:
        said = _("You’ve reached your limit of %(amount)s.")
    sentences = [said % {"amount": _amount(usage.kind, usage.bucket.limit)}]
    if usage.remaining:
        only = ngettext(
            "%(left)s left; this needs %(count)s.",
            "%(left)s left; this needs %(count)s.",
            usage.remaining,
        )
        sentences.append(
            only % {"left": number(usage.remaining), "count": number(count)}
        )
    return " ".join(sentences + account_hint(usage.subject.scope, usage.kind))


def too_many_waiting_text(scope: LimitScope, limit: int) -> str:
    """Why no further reply may wait in the queue."""
    if scope is LimitScope.NETWORK:
        said = ngettext(
            "The guests of your network have %(count)s message waiting, the maximum.",
            "The guests of your network have %(count)s messages waiting, the maximum.",
            limit,
        )
    else:
        said = ngettext(
            "You have %(count)s message waiting, the maximum.",
            "You have %(count)s messages waiting, the maximum.",
            limit,
        )
    sentences = [said % {"count": number(limit)}]
    return " ".join(sentences + account_hint(scope, LimitKind.REPLIES_WAITING))


def account_hint(scope: LimitScope, kind: LimitKind) -> list[str]:
    """A sentence for guests who could go on with an account; empty for others."""
    if not is_higher_for_accounts(scope, kind):
        return []
    if scope is LimitScope.NETWORK:
        return [_("With an account, only your own messages count.")]
    return [_("Sign up for more.")]


def remaining_text(scope: LimitScope, kind: LimitKind, left: int, limit: int) -> str:
    """``12 of 30 messages left today``, and whose limit it is if it is shared."""
    counts = {"left": left, "waiting": limit - left, "limit": limit}
    said = _left(kind, limit) % {name: number(count) for name, count in counts.items()}
    if scope is LimitScope.NETWORK:
        return _("Your network: %(said)s") % {"said": said}
    if scope is LimitScope.KEY:
        return _("This API key: %(said)s") % {"said": said}
    return said


def refill_text(usage: LimitUsage) -> str:
    """When the limit refills, in words that stay true for a while; empty if full."""
    left, limit = usage.remaining, usage.bucket.limit
    if left >= limit:
        return ""
    if usage.kind is LimitKind.TOKENS_PER_DAY:
        if left:
            return _("full again %(when)s") % {
                "when": _moment(usage.full_at, usage.now)
            }
        return _("more %(when)s") % {"when": _moment(_next_at(usage), usage.now)}
    interval = usage.bucket.interval_seconds
    if left or interval < SHORT_SECONDS:
        pace = duration(max(1, math.ceil(interval)))
        return _("1 more every %(duration)s") % {"duration": pace}
    return _("next one %(when)s") % {"when": _moment(_next_at(usage), usage.now)}


def number(count: int) -> str:
    """A number with grouped digits, in the language of the page."""
    return number_format(count, force_grouping=True)


def _moment(stamp: float, now: float) -> str:
    """``at 14:05``, ``tomorrow at 9:00``, or ``on`` a date; rounded up to minutes."""
    zone = timezone.get_current_timezone()
    when = datetime.fromtimestamp(60 * math.ceil(stamp / 60), zone)
    days = (when.date() - datetime.fromtimestamp(now, zone).date()).days
    if days > 1:
        return _("on %(day)s") % {"day": date_format(when, "SHORT_DATETIME_FORMAT")}
    said = _("tomorrow at %(time)s") if days else _("at %(time)s")
    return said % {"time": date_format(when, "TIME_FORMAT")}


def _next_at(usage: LimitUsage) -> float:
    return usage.now + usage.wait_seconds()


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
        case LimitKind.COPIED_MESSAGES_PER_DAY:
            said = ngettext(
                "%(limit)s copied message a day",
                "%(limit)s copied messages a day",
                limit,
            )
        case LimitKind.IMPORTS_PER_DAY:
            said = ngettext("%(limit)s import a day", "%(limit)s imports a day", limit)
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
        "%(waiting)s of %(limit)s reply waiting",
        "%(waiting)s of %(limit)s replies waiting",
        limit,
    )
