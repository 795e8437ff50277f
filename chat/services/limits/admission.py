"""Admission: whether a prompt may join the line, and if not, when to come back.

Whatever makes work is admitted here once, when its rows are saved: a prompt, and every
further reply. What is held, changed, published anew or sent twice was admitted before.
"""

from __future__ import annotations

import math

from django.conf import settings
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from chat.models import Conversation, Reply, User
from chat.services.advisory_lock import advisory_lock
from chat.services.errors import MessageRefused
from chat.services.limits.rules import LimitKind, LimitScope
from chat.services.limits.usage import (
    MESSAGE_LIMITS,
    LimitedSubject,
    LimitUsage,
    current_usage,
    limited_subjects,
    record_usage,
)
from chat.services.limits.wording import limit_reached_text, too_many_waiting_text
from chat.services.wait_estimate import seconds_between_ends
from chat.wording.replies import duration
from chatsite.mailbox import MailboxAway, open_mailbox

#: What somebody who is refused is told to wait, at least and at most, and where
#: nothing was measured yet.
SOONEST_SECONDS = 5
LATEST_SECONDS = 3600
UNKNOWN_SECONDS = 60


def admit(
    owner: User,
    conversation: Conversation | None,
    model: str,
    count: int = 1,
    *,
    is_prompt: bool = True,
) -> None:
    """Take ``count`` replies of what their owner may have; raise ``MessageRefused``,
    and take nothing, where that would pass a limit. Within the transaction that saves
    them.

    Who counts here counts alone: two prompts sent at once do not both see the last
    place free.
    """
    purses = limited_subjects(owner)
    advisory_lock([*(purse.subject for purse in purses), f"model {model}"])
    _check_open(owner)
    standing = _check(owner, purses, conversation, model, count, is_prompt=is_prompt)
    # What it takes in tokens is known when it ends.
    record_usage(
        [one for one in standing if one.kind is not LimitKind.TOKENS_PER_DAY], count
    )


def _check_open(owner: User) -> None:
    """Somebody who was closed a moment ago gets nothing more, which would go with
    them: a guest whose conversations were taken along, or who was erased."""
    if not User.objects.filter(pk=owner.pk, is_active=True).exists():
        said = _(
            "You logged in or out in another tab meanwhile. Your text is kept here:"
            " send it again."
        )
        bare = _("The guest or account was closed meanwhile. Send it again.")
        raise MessageRefused("closed", said, bare_message=bare)


def check_first_message(newcomer: User, model: str) -> None:
    """Raise ``MessageRefused`` where the first prompt of a guest who is not saved yet
    would be refused: so that a prompt refused makes no guest. Takes nothing."""
    of_network = limited_subjects(newcomer)[1:]
    _check(newcomer, of_network, None, model, 1, is_prompt=True)


def _check(
    owner: User,
    purses: list[LimitedSubject],
    conversation: Conversation | None,
    model: str,
    count: int,
    *,
    is_prompt: bool,
) -> list[LimitUsage]:
    """How the limits stand that ``count`` replies count for. Raises
    ``MessageRefused``."""
    if full := _what_is_full(owner, purses, conversation, model, count):
        seconds = _seconds_until_room(model)
        raise _refusal(*full, seconds, is_prompt=is_prompt)
    standing = current_usage(purses, MESSAGE_LIMITS)
    if short := _what_is_short(standing, count):
        needed = _needed(short, count)
        seconds = math.ceil(short.wait_seconds(needed))
        why, code = (
            limit_reached_text(short, needed),
            limit_code(short.purse, short.kind),
        )
        raise _refusal(code, why, seconds, is_prompt=is_prompt)
    return standing


def limit_code(purse: LimitedSubject, kind: LimitKind) -> str:
    """The code of a refusal by this limit, for programs."""
    return f"network_{kind}" if purse.whose is LimitScope.NETWORK else str(kind)


def waiting_count(owner: User, purse: LimitedSubject) -> int:
    """How many replies count for what may wait of this purse."""
    unfinished = Reply.objects.unfinished()
    if purse.whose is LimitScope.NETWORK:
        return unfinished.of_guests_from(owner.network).count()
    return unfinished.filter(message__owner=owner).count()


def _what_is_full(
    owner: User,
    purses: list[LimitedSubject],
    conversation: Conversation | None,
    model: str,
    count: int,
) -> tuple[str, str] | None:
    """Code and sentence of the first limit that ``count`` replies more would pass."""
    unfinished = Reply.objects.unfinished()
    if conversation is not None:
        ahead = unfinished.filter(message__conversation=conversation).count()
        if ahead > settings.HELD_MESSAGES_MAX:
            said = ngettext(
                "%(count)s message already waits in this conversation.",
                "%(count)s messages already wait in this conversation.",
                settings.HELD_MESSAGES_MAX,
            )
            return "too_many_ahead", said % {"count": settings.HELD_MESSAGES_MAX}
    for purse in purses:
        most = purse.limits[LimitKind.REPLIES_WAITING]
        if most and waiting_count(owner, purse) + count > most:
            is_network = purse.whose is LimitScope.NETWORK
            code = "too_many_of_your_network" if is_network else "too_many_of_yours"
            return code, too_many_waiting_text(purse.whose, most)
    if unfinished.filter(model=model).count() + count > settings.QUEUE_REPLIES_MAX:
        return "queue_full", _("The line for this model is full.")
    return None


def _what_is_short(standing: list[LimitUsage], count: int) -> LimitUsage | None:
    """Of the limits that do not have as many left, the one that takes longest."""
    short = [one for one in standing if one.wait_seconds(_needed(one, count))]
    return max(
        short, key=lambda one: one.wait_seconds(_needed(one, count)), default=None
    )


def _needed(balance: LimitUsage, count: int) -> int:
    return 1 if balance.kind is LimitKind.TOKENS_PER_DAY else count


def _refusal(code: str, why: str, seconds: int, *, is_prompt: bool) -> MessageRefused:
    words = {"why": why, "duration": duration(seconds)}
    bare = _("%(why)s Try again in %(duration)s.") % words
    message = bare
    if is_prompt:
        kept = _("%(why)s Your text is kept here: send it again in %(duration)s.")
        message = kept % words
    return MessageRefused(code, message, retry_seconds=seconds, bare_message=bare)


def _seconds_until_room(model: str) -> int:
    """Until a reply of this model ends, as the workers' pace has it."""
    try:
        seconds = seconds_between_ends(open_mailbox().workers(model))
    except MailboxAway:
        seconds = None
    if seconds is None:
        return UNKNOWN_SECONDS
    return min(LATEST_SECONDS, max(SOONEST_SECONDS, math.ceil(seconds)))
