"""Sentences for people: durations, how a reply ended, and why one failed."""

from __future__ import annotations

import math

from django.conf import settings
from django.utils.formats import number_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from chat.models import Reply
from chatsite import wire

#: Why a reply failed and what the user can do, for every failure reason.
REASONS = {
    wire.ErrorCode.MODEL_ERROR: gettext_lazy("The model hit an error. Try again."),
    wire.ErrorCode.BAD_REQUEST: gettext_lazy(
        "The worker runs a different version and couldn’t read this. Try again shortly."
    ),
    wire.ErrorCode.TOO_LONG: gettext_lazy(
        "This is longer than the model can read. Shorten it and send it again."
    ),
    wire.ErrorCode.SERVER_REFUSED: gettext_lazy(
        "The server of this model refused the message. Tell the operator of this site."
    ),
    wire.ErrorCode.TOO_SLOW: gettext_lazy(
        "Stopped after %(max_duration)s, the time limit."
    ),
    wire.ErrorCode.WORKER_LOST: gettext_lazy(
        "This message crashed the worker %(losses)s, so it was skipped."
    ),
    wire.ErrorCode.EXPIRED: gettext_lazy(
        "It waited %(expiry_duration)s without a turn and was dropped. Try again."
    ),
}
UNKNOWN_REASON = gettext_lazy("Something went wrong with this reply. Try again.")
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


def exact_duration(seconds: float | None) -> str:
    """The same, but ``0.3 s`` below ten seconds."""
    if seconds is None or round(seconds, 1) >= 10:
        return duration(seconds)
    return _("%(count)s s") % {"count": number_format(round(seconds, 1), 1)}


def percent(share: float) -> str:
    """``0.5`` as ``50%``, or ``50 %`` in languages that set a space."""
    return _("%(count)s%%") % {"count": round(100 * share)}


def token_count(tokens: int) -> str:
    """``1 token``, ``4,000 tokens``."""
    counted = ngettext("%(count)s token", "%(count)s tokens", tokens)
    return counted % {"count": number_format(tokens, force_grouping=True)}


def summary(reply: Reply) -> str:
    """How a reply ended, its duration and length: ``Stopped · 3 s · 9 tokens``."""
    parts = [_ending(reply), _took(reply.seconds)]
    if tokens := reply.new_tokens:
        parts.append(token_count(tokens))
    return " · ".join(filter(None, parts))


def _took(seconds: float | None) -> str:
    """A duration; below a second in tenths, of which there is at least one."""
    if seconds is None or seconds >= 1:
        return duration(seconds)
    return exact_duration(max(0.1, seconds))


def _ending(reply: Reply) -> str:
    """A word for a reply that failed or was stopped; empty for one that is done."""
    if reply.state == wire.State.FAILED:
        return _("Failed")
    if reply.state != wire.State.STOPPED:
        return ""
    return _("Stopped")


#: Ranges are rounded: up to the first number of seconds, to multiples of the second.
STEPS = ((60, 2), (180, 5), (600, 15), (math.inf, 60))


def rounded_range(low: float, high: float) -> tuple[int, int]:
    """A range rounded outwards to round numbers of seconds."""
    step = next(step for limit, step in STEPS if high <= limit)
    return step * math.floor(low / step), step * math.ceil(high / step)


def duration_range(low: float, high: float) -> str:
    """``about 2 min to 3 min 30 s``, or ``less than 10 s``."""
    low, high = rounded_range(low, high)
    if low == 0:
        return _("less than %(duration)s") % {"duration": duration(high)}
    if high < 60:
        return _("about %(begin)s–%(end)s") % {"begin": low, "end": duration(high)}
    ends = {"begin": duration(low), "end": duration(high)}
    return _("about %(begin)s to %(end)s") % ends


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
