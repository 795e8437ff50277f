"""How much of each limit is used: the token buckets of users and networks.

Callers run in a transaction and hold the subjects' keys by ``advisory_lock``.
Otherwise two requests at once would both see the last token.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

from chat.models import ApiKey, LimitBucket, User
from chat.models.sql_rows import Parameter, execute, rows, time_of
from chat.services.advisory_lock import advisory_lock
from chat.services.limits.rules import (
    LimitKind,
    Limits,
    LimitScope,
    key_limits,
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
    LimitKind.COPIED_MESSAGES_PER_DAY: 86_400,
    LimitKind.IMPORTS_PER_DAY: 86_400,
}
ROW = "(%s, %s, %s, %s)"
RECORD_USAGE = """
INSERT INTO chat_allowance (subject, kind, owner_id, full_at) VALUES %s
ON CONFLICT (subject, kind) DO UPDATE SET full_at = excluded.full_at
"""
USAGE = """
SELECT subject, kind, full_at FROM chat_allowance
WHERE subject IN ({0}) AND kind IN ({0})
"""
#: A bucket that is full again keeps its row this long: it is likely to be used soon.
KEPT_SECONDS = 3600
#: The clock of all limits, in seconds since the epoch; tests replace it.
clock: Callable[[], float] = time.time
#: The limits that a message counts for.
MESSAGE_LIMITS = (
    LimitKind.MESSAGES_PER_MINUTE,
    LimitKind.MESSAGES_PER_DAY,
    LimitKind.TOKENS_PER_DAY,
)


@dataclass(frozen=True, slots=True)
class LimitedSubject:
    """One user, one API key, or all guests of one network, and their limits.

    ``key`` names the subject in the table and in locks.
    """

    scope: LimitScope
    key: str
    limits: Limits
    owner: UUID | None = None


@dataclass(frozen=True, slots=True)
class LimitUsage:
    """How much of one limit a subject had used at the time ``now``."""

    subject: LimitedSubject
    kind: LimitKind
    bucket: TokenBucket
    full_at: float
    now: float

    @property
    def remaining(self) -> int:
        """How many more the limit allows; 0 or more."""
        return self.bucket.remaining(self.full_at, self.now)

    def wait_seconds(self, count: int = 1) -> float:
        """Seconds until the limit allows ``count`` more."""
        return self.bucket.wait_seconds(self.full_at, self.now, count)


def limited_subjects(user: User) -> list[LimitedSubject]:
    """The subjects whose limits a user's messages count for, the user first.

    The second one, if any, is the network of a guest, or the key that an account uses.
    """
    scope = LimitScope.GUEST if user.is_guest else LimitScope.ACCOUNT
    own = LimitedSubject(scope, f"user:{user.pk}", limits_of(user), user.pk)
    if user.is_guest_of_network:
        return [own, network_subject(user.network)]
    return [own, key_subject(user.used_key)] if user.used_key else [own]


def key_subject(key: ApiKey) -> LimitedSubject:
    """An API key, with the limits that its owner has set for it."""
    return LimitedSubject(
        LimitScope.KEY, f"key:{key.pk}", key_limits(key), key.owner_id
    )


def network_subject(network: str, limits: Limits | None = None) -> LimitedSubject:
    """All guests of a network; ``limits`` defaults to those of the settings."""
    found = network_limits() if limits is None else limits
    return LimitedSubject(LimitScope.NETWORK, f"network:{network}", found)


def current_usage(
    subjects: Sequence[LimitedSubject], kinds: Iterable[LimitKind]
) -> list[LimitUsage]:
    """The usage of these limits now, without those that are unlimited; one query."""
    now = clock()
    limited = _limited(subjects, kinds)
    if not limited:
        return []
    wanted = [subject.key for subject, _ in limited]
    wanted += [kind.value for _, kind in limited]
    places = ", ".join(["%s"] * len(limited))
    found = {
        (subject, kind): time_of(full_at).timestamp()
        for subject, kind, full_at in rows(USAGE.format(places), wanted)
    }
    return _usages(limited, found, now)


def known_usage(
    subjects: Sequence[LimitedSubject],
    kinds: Iterable[LimitKind],
    full_at: Mapping[tuple[str, str], float],
) -> list[LimitUsage]:
    """The same from rows that were read: ``full_at`` by subject and kind."""
    return _usages(_limited(subjects, kinds), full_at, clock())


def _limited(
    subjects: Sequence[LimitedSubject], kinds: Iterable[LimitKind]
) -> list[tuple[LimitedSubject, LimitKind]]:
    return [
        (subject, kind)
        for kind in kinds
        for subject in subjects
        if subject.limits[kind]
    ]


def _usages(
    limited: Sequence[tuple[LimitedSubject, LimitKind]],
    full_at: Mapping[tuple[str, str], float],
    now: float,
) -> list[LimitUsage]:
    return [
        LimitUsage(
            subject,
            kind,
            TokenBucket(subject.limits[kind] or 1, PERIODS[kind]),
            full_at.get((subject.key, kind), now),
            now,
        )
        for subject, kind in limited
    ]


def record_usage(taken: Sequence[LimitUsage], count: int) -> None:
    """Count ``count`` against each of these, even beyond the limit; one query."""
    if not taken:
        return
    values: list[Parameter] = []
    for usage in taken:
        full_at = _time(usage.bucket.after(usage.full_at, usage.now, count))
        values += usage.subject.key, usage.kind.value, usage.subject.owner, full_at
    execute(RECORD_USAGE % ", ".join([ROW] * len(taken)), values)


def charge_tokens(owner: User, tokens: int, key: UUID | None = None) -> None:
    """Count the tokens of a finished reply; beyond the limit they become a debt.

    They count for its owner, and for the API key that asked for it.
    """
    subjects = limited_subjects(owner)
    if key is not None:
        subjects += map(key_subject, ApiKey.objects.filter(pk=key))
    if tokens <= 0 or not any(
        subject.limits[LimitKind.TOKENS_PER_DAY] for subject in subjects
    ):
        return
    advisory_lock([subject.key for subject in subjects])
    record_usage(current_usage(subjects, [LimitKind.TOKENS_PER_DAY]), tokens)


def purge_full_buckets() -> None:
    """Delete some rows of full buckets: a missing row means the same."""
    LimitBucket.objects.purge(purged_if_full_before())


def purged_if_full_before() -> datetime:
    """Buckets that have been full since this time need no row."""
    return _time(clock() - KEPT_SECONDS)


def _time(stamp: float) -> datetime:
    return datetime.fromtimestamp(stamp, UTC)
