"""Spending: what was taken of the limits of a person and of their network.

Every caller is within a transaction and holds the subjects by ``alone``, or two at once
would both see the last one left.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

from chat.models import Allowance, User
from chat.services.advisory_lock import advisory_lock
from chat.services.limits.rules import (
    LimitKind,
    Limits,
    LimitScope,
    limits_of,
    network_limits,
)
from chat.services.limits.token_bucket import TokenBucket

PERIODS = {
    LimitKind.MESSAGES_PER_MINUTE: 60,
    LimitKind.MESSAGES_PER_DAY: 86_400,
    LimitKind.TOKENS_PER_DAY: 86_400,
    LimitKind.GUESTS_PER_HOUR: 3600,
    LimitKind.SIGNUPS_PER_HOUR: 3600,
    LimitKind.MAILS_PER_HOUR: 3600,
}
#: Rows of short periods come and go: what is full again is not deleted at once.
KEPT_SECONDS = 3600
#: The time that limits go by, in seconds since the epoch; tests have a clock to turn.
clock: Callable[[], float] = time.time
#: What sending needs something left of.
MESSAGE_LIMITS = (
    LimitKind.MESSAGES_PER_MINUTE,
    LimitKind.MESSAGES_PER_DAY,
    LimitKind.TOKENS_PER_DAY,
)


@dataclass(frozen=True, slots=True)
class LimitedSubject:
    """Whose limits: one person's, or those of all guests of one network."""

    whose: LimitScope
    subject: str
    limits: Limits
    owner: UUID | None = None


@dataclass(frozen=True, slots=True)
class LimitUsage:
    """How one limit of a purse stood at a moment."""

    purse: LimitedSubject
    kind: LimitKind
    bucket: TokenBucket
    full_at: float
    now: float

    @property
    def left(self) -> int:
        return self.bucket.left(self.full_at, self.now)

    def wait_seconds(self, count: int = 1) -> float:
        return self.bucket.wait_seconds(self.full_at, self.now, count)


def limited_subjects(user: User) -> list[LimitedSubject]:
    """All whose limits somebody's prompts count for; their own first."""
    whose = LimitScope.GUEST if user.is_guest else LimitScope.ACCOUNT
    own = LimitedSubject(whose, f"user:{user.pk}", limits_of(user), user.pk)
    return [own, network_subject(user.network)] if user.is_guest_of_network else [own]


def network_subject(network: str, limits: Limits | None = None) -> LimitedSubject:
    found = network_limits() if limits is None else limits
    return LimitedSubject(LimitScope.NETWORK, f"network:{network}", found)


def current_usage(
    purses: Sequence[LimitedSubject], kinds: Iterable[LimitKind]
) -> list[LimitUsage]:
    """How these limits stand now, as far as there are any; in one query."""
    now = clock()
    limited = [
        (purse, kind) for kind in kinds for purse in purses if purse.limits[kind]
    ]
    if not limited:
        return []
    rows = Allowance.objects.filter(
        subject__in={purse.subject for purse, _ in limited},
        kind__in={kind for _, kind in limited},
    )
    found = {
        (subject, kind): full_at.timestamp()
        for subject, kind, full_at in rows.values_list("subject", "kind", "full_at")
    }
    return [
        LimitUsage(
            purse,
            kind,
            TokenBucket(purse.limits[kind] or 1, PERIODS[kind]),
            found.get((purse.subject, kind), now),
            now,
        )
        for purse, kind in limited
    ]


def record_usage(taken: Sequence[LimitUsage], count: int) -> None:
    """Take ``count`` of each of these, whether they are there or not; in one query."""
    if not taken:
        return
    rows = [
        Allowance(
            subject=balance.purse.subject,
            kind=balance.kind,
            owner_id=balance.purse.owner,
            full_at=_time(balance.bucket.after(balance.full_at, balance.now, count)),
        )
        for balance in taken
    ]
    Allowance.objects.bulk_create(
        rows,
        update_conflicts=True,
        unique_fields=("subject", "kind"),
        update_fields=("full_at",),
    )


def charge_tokens(owner: User, tokens: int) -> None:
    """Take the tokens of a reply that ended; more than were left become a debt."""
    purses = limited_subjects(owner)
    if tokens <= 0 or not any(
        purse.limits[LimitKind.TOKENS_PER_DAY] for purse in purses
    ):
        return
    advisory_lock([purse.subject for purse in purses])
    record_usage(current_usage(purses, [LimitKind.TOKENS_PER_DAY]), tokens)


def purge_full_buckets() -> None:
    """Delete some of the rows that say no more than a missing one."""
    Allowance.objects.purge(_time(clock() - KEPT_SECONDS))


def _time(stamp: float) -> datetime:
    return datetime.fromtimestamp(stamp, UTC)
