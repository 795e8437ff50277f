"""Allowances: what somebody may still ask for, and when more comes back."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

from chat.models import User
from chat.services.limits.admission import waiting_count
from chat.services.limits.rules import LimitKind, LimitScope
from chat.services.limits.usage import (
    MESSAGE_LIMITS,
    LimitUsage,
    current_usage,
    limited_subjects,
)
from chat.services.limits.wording import refill_text, remaining_text

#: Below this share of a limit, the page says what is left beside the message box.
LITTLE = 0.2
#: What the page says of it is looked at again after so long, or later.
RENEW_SECONDS = 15


@dataclass(frozen=True, slots=True)
class RemainingLimit:
    """What is left of one limit."""

    kind: LimitKind
    whose: LimitScope
    limit: int
    left: int
    #: What is left and when more comes back, in words that stay true for a while.
    said: str
    comes: str = ""
    #: Until one more may be had, and until nothing is missing; None where only the end
    #: of a reply brings something back.
    wait_seconds: int | None = None
    full_seconds: int | None = None
    #: Seconds since the epoch at which ``said`` wants to be looked at again.
    due_at: int = 0


def remaining_limits(user: User) -> list[RemainingLimit]:
    """All limits that hold for somebody's prompts, their own first."""
    purses = limited_subjects(user)
    found = [_left(balance) for balance in current_usage(purses, MESSAGE_LIMITS)]
    for purse in purses:
        if limit := purse.limits[LimitKind.REPLIES_WAITING]:
            left = max(0, limit - waiting_count(user, purse))
            said = remaining_text(purse.whose, LimitKind.REPLIES_WAITING, left, limit)
            found.append(
                RemainingLimit(
                    LimitKind.REPLIES_WAITING, purse.whose, limit, left, said
                )
            )
    return sorted(found, key=lambda one: one.whose is LimitScope.NETWORK)


def scarce_limit(user: User) -> RemainingLimit | None:
    """The limit of which least is left, if that is little; in one query."""
    standing = current_usage(limited_subjects(user), MESSAGE_LIMITS)
    tightest = _tightest(b for b in standing if b.left < LITTLE * b.bucket.limit)
    return _left(tightest) if tightest else None


def _tightest(standing: Iterable[LimitUsage]) -> LimitUsage | None:
    return min(
        standing,
        key=lambda one: (one.left / one.bucket.limit, -one.wait_seconds()),
        default=None,
    )


def _left(balance: LimitUsage) -> RemainingLimit:
    left, limit = balance.left, balance.bucket.limit
    changes = balance.wait_seconds(min(left + 1, limit))
    return RemainingLimit(
        balance.kind,
        balance.purse.whose,
        limit,
        left,
        remaining_text(balance.purse.whose, balance.kind, left, limit),
        refill_text(balance),
        wait_seconds=math.ceil(balance.wait_seconds()),
        full_seconds=math.ceil(max(0.0, balance.full_at - balance.now)),
        due_at=math.ceil(balance.now + max(RENEW_SECONDS, changes)),
    )
