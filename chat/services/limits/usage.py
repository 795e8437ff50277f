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
from chat.services.advisory_lock import alone
from chat.services.limits.rules import Kind, Limits, Whose, limits_of, network_limits
from chat.services.limits.token_bucket import Bucket

PERIODS = {
    Kind.MESSAGES_PER_MINUTE: 60,
    Kind.MESSAGES_PER_DAY: 86_400,
    Kind.TOKENS_PER_DAY: 86_400,
    Kind.GUESTS_PER_HOUR: 3600,
    Kind.SIGNUPS_PER_HOUR: 3600,
    Kind.MAILS_PER_HOUR: 3600,
}
#: Rows of short periods come and go: what is full again is not deleted at once.
KEPT_SECONDS = 3600
#: The time that limits go by, in seconds since the epoch; tests have a clock to turn.
clock: Callable[[], float] = time.time
#: What sending needs something left of.
OF_PROMPTS = (Kind.MESSAGES_PER_MINUTE, Kind.MESSAGES_PER_DAY, Kind.TOKENS_PER_DAY)


@dataclass(frozen=True, slots=True)
class Purse:
    """Whose limits: one person's, or those of all guests of one network."""

    whose: Whose
    subject: str
    limits: Limits
    owner: UUID | None = None


@dataclass(frozen=True, slots=True)
class Balance:
    """How one limit of a purse stood at a moment."""

    purse: Purse
    kind: Kind
    bucket: Bucket
    full_at: float
    now: float

    @property
    def left(self) -> int:
        return self.bucket.left(self.full_at, self.now)

    def wait_seconds(self, count: int = 1) -> float:
        return self.bucket.wait_seconds(self.full_at, self.now, count)


def purses_of(user: User) -> list[Purse]:
    """All whose limits somebody's prompts count for; their own first."""
    whose = Whose.GUEST if user.is_guest else Whose.ACCOUNT
    own = Purse(whose, f"user:{user.pk}", limits_of(user), user.pk)
    return [own, network_purse(user.network)] if user.is_guest_of_network else [own]


def network_purse(network: str, limits: Limits | None = None) -> Purse:
    found = network_limits() if limits is None else limits
    return Purse(Whose.NETWORK, f"network:{network}", found)


def balances(purses: Sequence[Purse], kinds: Iterable[Kind]) -> list[Balance]:
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
        Balance(
            purse,
            kind,
            Bucket(purse.limits[kind] or 1, PERIODS[kind]),
            found.get((purse.subject, kind), now),
            now,
        )
        for purse, kind in limited
    ]


def take(taken: Sequence[Balance], count: int) -> None:
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
    purses = purses_of(owner)
    if tokens <= 0 or not any(purse.limits[Kind.TOKENS_PER_DAY] for purse in purses):
        return
    alone([purse.subject for purse in purses])
    take(balances(purses, [Kind.TOKENS_PER_DAY]), tokens)


def forget_full() -> None:
    """Delete some of the rows that say no more than a missing one."""
    Allowance.objects.purge(_time(clock() - KEPT_SECONDS))


def _time(stamp: float) -> datetime:
    return datetime.fromtimestamp(stamp, UTC)
