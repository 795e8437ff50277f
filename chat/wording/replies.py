"""Sentences for people: durations, how a reply ended, and why one failed."""

from __future__ import annotations

import math

from django.conf import settings
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from chat.models import Reply
from chatsite import wire

#: Why a reply failed and what the user can do, for every failure reason.
REASONS = {
    wire.ErrorCode.MODEL_ERROR: gettext_lazy(
        "The model stopped with an error on this message. "
        "It is kept; you can send it again."
    ),
    wire.ErrorCode.BAD_REQUEST: gettext_lazy(
        "The worker could not read this request, perhaps because it runs another "
        "version. Your message is kept; send it again in a moment."
    ),
    wire.ErrorCode.TOO_SLOW: gettext_lazy(
        "Writing took longer than the %(max_duration)s allowed, so it was ended. "
        "What was written is kept."
    ),
    wire.ErrorCode.WORKER_LOST: gettext_lazy(
        "This message ended the worker %(losses)s, so it was set aside. "
        "Nothing you wrote is lost."
    ),
    wire.ErrorCode.EXPIRED: gettext_lazy(
        "Its turn did not come within %(expiry_duration)s, so it left the line. "
        "Your message is kept; you can send it again."
    ),
}
UNKNOWN_REASON = gettext_lazy(
    "Something went wrong with this reply. Your message is kept."
)
TIMES = {
    1: gettext_lazy("once"),
    2: gettext_lazy("twice"),
    3: gettext_lazy("three times"),
}


def duration(seconds: float | None) -> str:
    """``9 s``, ``1 min 12 s``, ``2 h 5 min``; empty if unknown."""
    if seconds is None:
        return ""
    whole = max(0, round(seconds))
    hours, minutes, rest = whole // 3600, whole // 60 % 60, whole % 60
    parts = []
    if hours:
        parts.append(_("%(count)s h") % {"count": hours})
    if minutes:
        parts.append(_("%(count)s min") % {"count": minutes})
    if (rest and not hours) or not parts:
        parts.append(_("%(count)s s") % {"count": rest})
    return " ".join(parts)


def percent(share: float) -> str:
    """``0.5`` as ``50%``, or ``50 %`` in languages that set a space."""
    return _("%(count)s%%") % {"count": round(100 * share)}


def token_count(tokens: int) -> str:
    """``1 token``, ``9 tokens``."""
    counted = ngettext("%(count)s token", "%(count)s tokens", tokens)
    return counted % {"count": tokens}


def summary(reply: Reply) -> str:
    """How a reply ended, its duration and length: ``Stopped · 3 s · 9 tokens``."""
    parts = [_ending(reply), duration(reply.seconds)]
    if tokens := reply.new_tokens:
        parts.append(token_count(tokens))
    return " · ".join(filter(None, parts))


def _ending(reply: Reply) -> str:
    """A word for a reply that failed or was stopped; empty for one that is done."""
    if reply.state == wire.State.FAILED:
        return _("Failed")
    if reply.state != wire.State.STOPPED:
        return ""
    return _("Stopped") if reply.message.text else _("Stopped before the first word")


#: Ranges are rounded: up to the first number of seconds, to multiples of the second.
STEPS = ((60, 2), (180, 5), (600, 15), (math.inf, 60))


def rounded_range(low: float, high: float) -> tuple[int, int]:
    """A range rounded outwards to round numbers of seconds."""
    step = next(step for limit, step in STEPS if high <= limit)
    return step * math.floor(low / step), step * math.ceil(high / step)


def duration_range(low: float, high: float) -> str:
    """``20 to 45 s``, ``2 min to 3 min 30 s``, ``less than 10 s``; of seconds."""
    low, high = rounded_range(low, high)
    if low == 0:
        return _("less than %(duration)s") % {"duration": duration(high)}
    begin = str(low) if high < 60 else duration(low)
    return _("%(begin)s to %(end)s") % {"begin": begin, "end": duration(high)}


def reason(reply: Reply) -> str:
    """The sentence for why a reply failed, and what to do."""
    try:
        said = REASONS[wire.ErrorCode(reply.error)]
    except (ValueError, KeyError):
        return str(UNKNOWN_REASON)
    return str(said) % {
        "max_duration": duration(settings.REPLY_MAX_SECONDS),
        "expiry_duration": duration(settings.REPLY_EXPIRY_SECONDS),
        "losses": _times(reply.losses),
    }


def _times(count: int) -> str:
    if count in TIMES:
        return str(TIMES[count])
    return ngettext("%(count)s time", "%(count)s times", count) % {"count": count}
