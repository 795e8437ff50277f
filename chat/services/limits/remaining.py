"""What remains of a user's limits, and when more becomes available."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

from chat.models import ApiKey, User
from chat.services.limits.admission import waiting_count
from chat.services.limits.rules import OF_KEYS, LimitKind, LimitScope
from chat.services.limits.usage import (
    MESSAGE_LIMITS,
    LimitUsage,
    current_usage,
    key_subject,
    limited_subjects,
)
from chat.services.limits.wording import refill_text, remaining_text

#: Below this share of a limit the page shows what remains beside the message box.
SCARCE_SHARE = 0.2
#: Below this share the settings and the account page show the limit.
LOW_SHARE = 0.5
#: The page asks again for what remains after this long at the soonest.
RENEW_SECONDS = 15


@dataclass(frozen=True, slots=True)
class RemainingLimit:
    """What remains of one limit, as pages and the API show it."""

    kind: LimitKind
    scope: LimitScope
    limit: int
    remaining: int
    #: What remains and when it refills, in words that stay true for a while.
    text: str
    refill: str = ""
    #: Seconds until one more is allowed and until all are; None if only the end of a
    #: reply makes room.
    wait_seconds: int | None = None
    full_seconds: int | None = None
    #: Seconds since the epoch at which ``text`` should be computed again.
    due_at: int = 0

    @property
    def is_low(self) -> bool:
        """Whether the pages show the limit without being asked."""
        return self.remaining < LOW_SHARE * self.limit


def remaining_limits(user: User) -> list[RemainingLimit]:
    """All limits that a user's messages count for, the user's own first."""
    subjects = limited_subjects(user)
    found = [_remaining(usage) for usage in current_usage(subjects, MESSAGE_LIMITS)]
    for subject in subjects:
        if limit := subject.limits[LimitKind.REPLIES_WAITING]:
            remaining = max(0, limit - waiting_count(user, subject))
            text = remaining_text(
                subject.scope, LimitKind.REPLIES_WAITING, remaining, limit
            )
            found.append(
                RemainingLimit(
                    LimitKind.REPLIES_WAITING, subject.scope, limit, remaining, text
                )
            )
    return sorted(found, key=lambda one: one.scope is not subjects[0].scope)


def remaining_of_key(key: ApiKey) -> list[RemainingLimit]:
    """The limits that the owner of a key has set for it."""
    return [_remaining(one) for one in current_usage([key_subject(key)], OF_KEYS)]


def scarce_limit(user: User) -> RemainingLimit | None:
    """The limit with the smallest remaining share, if it is scarce; one query."""
    usages = current_usage(limited_subjects(user), MESSAGE_LIMITS)
    tightest = _tightest(
        b for b in usages if b.remaining < SCARCE_SHARE * b.bucket.limit
    )
    return _remaining(tightest) if tightest else None


def _tightest(usages: Iterable[LimitUsage]) -> LimitUsage | None:
    return min(
        usages,
        key=lambda one: (one.remaining / one.bucket.limit, -one.wait_seconds()),
        default=None,
    )


def _remaining(usage: LimitUsage) -> RemainingLimit:
    remaining, limit = usage.remaining, usage.bucket.limit
    changes = usage.wait_seconds(min(remaining + 1, limit))
    return RemainingLimit(
        usage.kind,
        usage.subject.scope,
        limit,
        remaining,
        remaining_text(usage.subject.scope, usage.kind, remaining, limit),
        refill_text(usage),
        wait_seconds=math.ceil(usage.wait_seconds()),
        full_seconds=math.ceil(max(0.0, usage.full_at - usage.now)),
        due_at=math.ceil(usage.now + max(RENEW_SECONDS, changes)),
    )
