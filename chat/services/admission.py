"""Admission: whether a prompt may join the line, and if not, when to come back."""

from __future__ import annotations

import math

from django.conf import settings
from django.db import connection
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from chat.models import Conversation, Reply, User
from chat.sentences import duration
from chat.services.expecting import seconds_of_one_end
from chat.services.refusal import PromptRefused
from chatsite.mailbox import MailboxAway, open_mailbox

#: What somebody who is refused is told to wait, at least and at most, and where
#: nothing was measured yet.
SOONEST_SECONDS = 5
LATEST_SECONDS = 3600
UNKNOWN_SECONDS = 60


def check_room(
    owner: User,
    conversation: Conversation | None,
    model: str,
    count: int = 1,
    *,
    is_prompt: bool = True,
) -> None:
    """Raise ``PromptRefused`` where ``count`` replies more would pass a limit. Within a
    transaction.

    Who counts here counts alone: two prompts sent at once do not both see the last
    place free.
    """
    _alone(owner, model)
    if full := _what_is_full(owner, conversation, model, count):
        raise _refusal(*full, model, is_prompt=is_prompt)


def _what_is_full(
    owner: User, conversation: Conversation | None, model: str, count: int
) -> tuple[str, str] | None:
    """Code and sentence of the first limit that ``count`` replies more would pass."""
    unfinished = Reply.objects.unfinished()
    if conversation is not None:
        ahead = unfinished.filter(message__conversation=conversation).count()
        if ahead > settings.PROMPTS_AHEAD_MAX:
            said = ngettext(
                "%(count)s message already waits in this conversation.",
                "%(count)s messages already wait in this conversation.",
                settings.PROMPTS_AHEAD_MAX,
            )
            return "too_many_ahead", said % {"count": settings.PROMPTS_AHEAD_MAX}
    of_owner = unfinished.filter(message__owner=owner).count() + count
    if of_owner > settings.OWNER_REPLIES_MAX:
        said = ngettext(
            "%(count)s of your messages already waits.",
            "%(count)s of your messages already wait.",
            settings.OWNER_REPLIES_MAX,
        )
        return "too_many_of_yours", said % {"count": settings.OWNER_REPLIES_MAX}
    if unfinished.filter(model=model).count() + count > settings.QUEUE_REPLIES_MAX:
        return "queue_full", _("The line for this model is full.")
    return None


def _alone(owner: User, model: str) -> None:
    """On SQLite there is one writer anyway; PostgreSQL needs to be asked."""
    if connection.vendor != "postgresql":
        return
    with connection.cursor() as cursor:
        for name in (f"owner {owner.pk}", f"model {model}"):
            cursor.execute(
                "SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [name]
            )


def _refusal(code: str, why: str, model: str, *, is_prompt: bool) -> PromptRefused:
    seconds = _seconds_until_room(model)
    if is_prompt:
        said = _("%(why)s Your text is kept here: send it again in %(duration)s.")
    else:
        said = _("%(why)s Try again in %(duration)s.")
    message = said % {"why": why, "duration": duration(seconds)}
    return PromptRefused(code, message, retry_seconds=seconds)


def _seconds_until_room(model: str) -> int:
    """Until a reply of this model ends, as the workers' pace has it."""
    try:
        seconds = seconds_of_one_end(open_mailbox().workers(model))
    except MailboxAway:
        seconds = None
    if seconds is None:
        return UNKNOWN_SECONDS
    return min(LATEST_SECONDS, max(SOONEST_SECONDS, math.ceil(seconds)))
