"""Admission control: whether a message may join the queue, and if not, when it may.

Everything that creates work is admitted here once, when its rows are saved: a message
and each further reply. A held, edited, republished or repeated message was admitted
before.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

from django.conf import settings
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from chat.models import Conversation, Reply, User
from chat.models.queue_load import QueueLoad, queue_load
from chat.services.advisory_lock import advisory_lock
from chat.services.errors import MessageRefused
from chat.services.limits.rules import LimitKind, LimitScope, limit_of
from chat.services.limits.usage import (
    MESSAGE_LIMITS,
    LimitedSubject,
    LimitUsage,
    current_usage,
    known_usage,
    limited_subjects,
    record_usage,
)
from chat.services.limits.wording import limit_reached_text, too_many_waiting_text
from chat.services.wait_estimate import seconds_between_ends
from chat.wording.replies import duration
from chatsite.mailbox import MailboxAway, open_mailbox

#: Bounds of the wait that a refusal names, and the wait if no worker was measured yet.
RETRY_MIN_SECONDS = 5
RETRY_MAX_SECONDS = 3600
RETRY_UNKNOWN_SECONDS = 60
#: The limits that a copied conversation counts for: it takes no tokens.
COPY_LIMITS = (LimitKind.MESSAGES_PER_MINUTE, LimitKind.MESSAGES_PER_DAY)


def admit(
    owner: User,
    conversation: Conversation | None,
    model: str,
    count: int = 1,
    *,
    is_message: bool = True,
) -> QueueLoad:
    """Count ``count`` replies against the owner's limits, and return the load before.

    Call it in the transaction that saves them. Raises ``MessageRefused`` and counts
    nothing if that would exceed a limit. Locks
    serialise the counting, so two messages at once do not both get the last place.
    """
    subjects = limited_subjects(owner)
    advisory_lock([*(subject.key for subject in subjects), f"model {model}"])
    load = _load(owner, conversation, model, subjects)
    check_open(is_open=load.is_owner_open)
    usages = _check(load, subjects, model, count, is_message=is_message)
    # The number of tokens is known only when the reply ends.
    record_usage(
        [one for one in usages if one.kind is not LimitKind.TOKENS_PER_DAY], count
    )
    return load


def admit_copy(owner: User, messages: int) -> None:
    """Count a conversation that is made of finished messages.

    It counts as one message, and its messages as copied. Call it in a transaction,
    before they are stored. Raises ``MessageRefused``, as ``admit`` does, but never for
    a queue: a copy waits for no worker.
    """
    subjects = limited_subjects(owner)
    advisory_lock([subject.key for subject in subjects])
    check_open(is_open=User.objects.filter(pk=owner.pk, is_active=True).exists())
    usages = current_usage(subjects, COPY_LIMITS)
    _check_usage(usages, 1, is_message=False)
    _admit_daily(subjects, LimitKind.COPIED_MESSAGES_PER_DAY, messages)
    record_usage(usages, 1)


def admit_import(owner: User) -> None:
    """Count a file that an account sends. Call it in a transaction.

    Raises ``MessageRefused``.
    """
    account = replace(limited_subjects(owner)[0], scope=LimitScope.ACCOUNT)
    advisory_lock([account.key])
    _admit_daily([account], LimitKind.IMPORTS_PER_DAY, 1)


def _admit_daily(
    subjects: Sequence[LimitedSubject], kind: LimitKind, count: int
) -> None:
    """Count against a limit that only the settings have, and not for keys."""
    limited = [
        replace(subject, limits={kind: limit_of(subject.scope, kind)})
        for subject in subjects
        if subject.scope is not LimitScope.KEY
    ]
    usages = current_usage(limited, [kind])
    _check_usage(usages, count, is_message=False)
    record_usage(usages, count)


def _load(
    owner: User,
    conversation: Conversation | None,
    model: str,
    subjects: Sequence[LimitedSubject],
) -> QueueLoad:
    within = None if conversation is None else conversation.pk
    keys = [subject.key for subject in subjects]
    return queue_load(owner.pk, within, owner.network, model, keys)


def check_open(*, is_open: bool) -> None:
    """Refuse a user who was closed a moment ago: a guest who was merged or erased."""
    if not is_open:
        said = _(
            "You logged in or out in another tab. Your text is still here: send it"
            " again."
        )
        bare = _("The guest or account was closed. Send it again.")
        raise MessageRefused("closed", said, bare_message=bare)


def _check(
    load: QueueLoad,
    subjects: list[LimitedSubject],
    model: str,
    count: int,
    *,
    is_message: bool,
) -> list[LimitUsage]:
    """The usage of the limits that ``count`` replies count for.

    Raises ``MessageRefused`` if one is reached.
    """
    if full := _what_is_full(load, subjects, count):
        seconds = _seconds_until_room(model)
        raise _refusal(*full, seconds, is_message=is_message)
    usages = known_usage(subjects, MESSAGE_LIMITS, load.full_at)
    _check_usage(usages, count, is_message=is_message)
    return usages


def _check_usage(usages: list[LimitUsage], count: int, *, is_message: bool) -> None:
    """Raises ``MessageRefused`` if one of the limits has not ``count`` left."""
    if short := _what_is_short(usages, count):
        needed = _needed(short, count)
        seconds = math.ceil(short.wait_seconds(needed))
        why, code = (
            limit_reached_text(short, needed),
            limit_code(short.subject, short.kind),
        )
        raise _refusal(code, why, seconds, is_message=is_message)


def limit_code(subject: LimitedSubject, kind: LimitKind) -> str:
    """The API's error code for this limit."""
    is_of_user = subject.scope in (LimitScope.GUEST, LimitScope.ACCOUNT)
    return str(kind) if is_of_user else f"{subject.scope}_{kind}"


def waiting_count(owner: User, subject: LimitedSubject) -> int:
    """How many replies count against ``REPLIES_WAITING`` of this subject."""
    unfinished = Reply.objects.unfinished().of_no_batch()
    if subject.scope is LimitScope.NETWORK:
        return unfinished.of_guests_from(owner.network).count()
    return unfinished.filter(message__owner=owner).count()


def _what_is_full(
    load: QueueLoad, subjects: list[LimitedSubject], count: int
) -> tuple[str, str] | None:
    """Code and sentence of the first queue limit that ``count`` more would exceed."""
    if load.of_conversation > settings.HELD_MESSAGES_MAX:
        said = ngettext(
            "%(count)s message is already waiting in this conversation.",
            "%(count)s messages are already waiting in this conversation.",
            settings.HELD_MESSAGES_MAX,
        )
        return "too_many_ahead", said % {"count": settings.HELD_MESSAGES_MAX}
    for subject in subjects:
        most = subject.limits[LimitKind.REPLIES_WAITING]
        is_network = subject.scope is LimitScope.NETWORK
        waiting = load.of_network if is_network else load.of_owner
        if most and waiting + count > most:
            code = "too_many_of_your_network" if is_network else "too_many_of_yours"
            return code, too_many_waiting_text(subject.scope, most)
    if load.of_model + count > settings.QUEUE_REPLIES_MAX:
        return "queue_full", _("The queue for this model is full.")
    return None


def _what_is_short(usages: list[LimitUsage], count: int) -> LimitUsage | None:
    """The limit without ``count`` remaining that takes longest to refill, if any."""
    short = [one for one in usages if one.wait_seconds(_needed(one, count))]
    return max(
        short, key=lambda one: one.wait_seconds(_needed(one, count)), default=None
    )


def _needed(usage: LimitUsage, count: int) -> int:
    return 1 if usage.kind is LimitKind.TOKENS_PER_DAY else count


def _refusal(code: str, why: str, seconds: int, *, is_message: bool) -> MessageRefused:
    words = {"why": why, "duration": duration(seconds)}
    bare = _("%(why)s Try again in %(duration)s.") % words
    message = bare
    if is_message:
        kept = _("%(why)s Your text is still here: send it again in %(duration)s.")
        message = kept % words
    return MessageRefused(code, message, retry_seconds=seconds, bare_message=bare)


def _seconds_until_room(model: str) -> int:
    """Seconds until a reply of this model ends, by the workers' throughput."""
    try:
        seconds = seconds_between_ends(open_mailbox().workers(model))
    except MailboxAway:
        seconds = None
    if seconds is None:
        return RETRY_UNKNOWN_SECONDS
    return min(RETRY_MAX_SECONDS, max(RETRY_MIN_SECONDS, math.ceil(seconds)))
