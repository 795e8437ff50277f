"""Sentences for people: how long, why a reply failed, what is said aloud."""

from __future__ import annotations

import math

from django.conf import settings

from chat.models import Reply
from chat.services.expecting import Expectation
from chat.services.watching import Sight
from chatsite import wire

#: Why a reply failed, and what to do. Nothing a person wrote is ever lost by it.
REASONS = {
    wire.ErrorCode.MODEL_ERROR: (
        "The model stopped with an error on this prompt. "
        "It is kept; you can send it again."
    ),
    wire.ErrorCode.BAD_REQUEST: (
        "The worker could not read this request, perhaps because it runs another "
        "version. Your prompt is kept; send it again in a moment."
    ),
    wire.ErrorCode.TOO_SLOW: (
        "Writing took longer than the {max_duration} allowed, so it was ended. "
        "What was written is kept."
    ),
    wire.ErrorCode.WORKER_LOST: (
        "This prompt ended the worker {losses}, so it was set aside. "
        "Nothing you wrote is lost."
    ),
    wire.ErrorCode.EXPIRED: (
        "Its turn did not come within {expiry_duration}, so it left the line. "
        "Your prompt is kept; you can send it again."
    ),
    wire.ErrorCode.UNKNOWN_MODEL: (
        "The worker does not have the model that was asked for. "
        "Your prompt is kept; you can send it again."
    ),
}
UNKNOWN_REASON = "Something went wrong with this reply. Your prompt is kept."
TIMES = {1: "once", 2: "twice", 3: "three times"}


def duration(seconds: float | None) -> str:
    """``9 s``, ``1 min 12 s``, ``2 h 5 min``; empty when it is not known."""
    if seconds is None:
        return ""
    whole = max(0, round(seconds))
    hours, minutes, rest = whole // 3600, whole // 60 % 60, whole % 60
    large = f"{hours} h" if hours else f"{minutes} min" if minutes else ""
    small = minutes and f"{minutes} min" if hours else rest and f"{rest} s"
    return " ".join(part for part in (large, small) if part) or "0 s"


#: Up to so many seconds a range is told in steps of so many.
STEPS = ((60, 2), (180, 5), (600, 15), (math.inf, 60))


def rounded_range(low: float, high: float) -> tuple[int, int]:
    """A range in round numbers of seconds, never narrower than it is."""
    step = next(step for limit, step in STEPS if high <= limit)
    return step * math.floor(low / step), step * math.ceil(high / step)


def duration_range(expectation: Expectation) -> str:
    """``20 to 45 s``, ``2 min to 3 min 30 s``, ``less than 10 s``."""
    low, high = rounded_range(expectation.low, expectation.high)
    if low == 0:
        return f"less than {duration(high)}"
    if high < 60:
        return f"{low} to {duration(high)}"
    return f"{duration(low)} to {duration(high)}"


def reason(reply: Reply) -> str:
    """Why a reply failed, in a sentence."""
    try:
        said = REASONS[wire.ErrorCode(reply.error)]
    except (ValueError, KeyError):
        return UNKNOWN_REASON
    return said.format(
        max_duration=duration(settings.REPLY_MAX_SECONDS),
        expiry_duration=duration(settings.REPLY_EXPIRY_SECONDS),
        losses=TIMES.get(reply.losses, f"{reply.losses} times"),
    )


def announcement(reply: Sight | Reply) -> str:
    """What is said once, aloud, when a reply comes into a state."""
    match wire.State(reply.state):
        case wire.State.HELD if isinstance(reply, Sight) and reply.is_paused:
            return "Your next prompt waits for you to decide."
        case wire.State.HELD:
            return "Your prompt is next, when this reply is done."
        case wire.State.QUEUED:
            return "Your prompt is in line."
        case wire.State.RUNNING:
            return "The reply has started."
        case wire.State.DONE:
            return "The reply is ready."
        case wire.State.STOPPED:
            return "The reply was stopped."
        case wire.State.FAILED:
            row = reply.row if isinstance(reply, Sight) else reply
            return f"The reply failed. {reason(row)}" if row else "The reply failed."
