"""Allowances: what somebody may still ask for, and when more comes back."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

from chat.models import User
from chat.services.limits.admission import waiting_of
from chat.services.limits.rules import Kind, Whose
from chat.services.limits.usage import OF_PROMPTS, Balance, balances, purses_of
from chat.services.limits.wording import what_comes, what_is_left

#: Below this share of a limit, the page says what is left beside the message box.
LITTLE = 0.2
#: What the page says of it is looked at again after so long, or later.
RENEW_SECONDS = 15


@dataclass(frozen=True, slots=True)
class Left:
    """What is left of one limit."""

    kind: Kind
    whose: Whose
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


def allowances(user: User) -> list[Left]:
    """All limits that hold for somebody's prompts, their own first."""
    purses = purses_of(user)
    found = [_left(balance) for balance in balances(purses, OF_PROMPTS)]
    for purse in purses:
        if limit := purse.limits[Kind.REPLIES_WAITING]:
            left = max(0, limit - waiting_of(user, purse))
            said = what_is_left(purse.whose, Kind.REPLIES_WAITING, left, limit)
            found.append(Left(Kind.REPLIES_WAITING, purse.whose, limit, left, said))
    return sorted(found, key=lambda one: one.whose is Whose.NETWORK)


def little_left(user: User) -> Left | None:
    """The limit of which least is left, if that is little; in one query."""
    standing = balances(purses_of(user), OF_PROMPTS)
    tightest = _tightest(b for b in standing if b.left < LITTLE * b.bucket.limit)
    return _left(tightest) if tightest else None


def _tightest(standing: Iterable[Balance]) -> Balance | None:
    return min(
        standing,
        key=lambda one: (one.left / one.bucket.limit, -one.wait_seconds()),
        default=None,
    )


def _left(balance: Balance) -> Left:
    left, limit = balance.left, balance.bucket.limit
    changes = balance.wait_seconds(min(left + 1, limit))
    return Left(
        balance.kind,
        balance.purse.whose,
        limit,
        left,
        what_is_left(balance.purse.whose, balance.kind, left, limit),
        what_comes(balance),
        wait_seconds=math.ceil(balance.wait_seconds()),
        full_seconds=math.ceil(max(0.0, balance.full_at - balance.now)),
        due_at=math.ceil(balance.now + max(RENEW_SECONDS, changes)),
    )
