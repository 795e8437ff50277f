"""How many lines of batches an owner may send today.

Lines count for the limits of a day, not for those of a minute or of replies that wait:
these keep people from each other's way, and lines wait behind all people. A part of
each limit stays for messages that the owner writes.
"""

from __future__ import annotations

from chat.models import User
from chat.services.advisory_lock import advisory_lock
from chat.services.limits.rules import LimitKind
from chat.services.limits.usage import (
    LimitUsage,
    current_usage,
    limited_subjects,
    record_usage,
)

#: A limit's part that lines leave: one in so many.
OWN_PART = 4
OF_A_DAY = (LimitKind.MESSAGES_PER_DAY, LimitKind.TOKENS_PER_DAY)


def admit_line(owner: User, count: int) -> bool:
    """Count the replies to one line; False if the owner's limits leave no room now.

    Call it in the transaction that saves them.
    """
    subjects = limited_subjects(owner)
    advisory_lock([subject.key for subject in subjects])
    usages = current_usage(subjects, OF_A_DAY)
    if not all(_has_room(usage, count) for usage in usages):
        return False
    record_usage(
        [usage for usage in usages if usage.kind is LimitKind.MESSAGES_PER_DAY], count
    )
    return True


def _has_room(usage: LimitUsage, count: int) -> bool:
    needed = count if usage.kind is LimitKind.MESSAGES_PER_DAY else 1
    return usage.remaining - needed >= usage.bucket.limit // OWN_PART
