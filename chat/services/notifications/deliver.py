"""One try of a notice: whether it is still needed, the way it goes, and the outcome."""

from __future__ import annotations

import logging
import random
from collections.abc import Callable
from datetime import datetime, timedelta

from django.db.models import F
from django.utils import timezone

from chat.models import Notice
from chat.models.notice import Channel
from chat.services.notifications import mail, push
from chat.services.notifications.needed import closed_at, needless, seen_at
from chat.services.notifications.tried import Tried
from chat.services.outgoing.retry_pause import with_jitter

log = logging.getLogger(__name__)

#: Sends a notice on one way. It may raise, and is then called again.
Way = Callable[[Notice, datetime], Tried]
WAYS: dict[str, Way] = {Channel.PUSH: push.send, Channel.MAIL: mail.send}
#: Seconds before the second try, the third, and so on; the last one repeats.
DELAYS_SECONDS = (5, 30, 120, 600, 1800, 3600)


def deliver(notice: Notice) -> None:
    """Send a claimed notice, unless it is needless, and note what became of it.

    If the process dies in between, it is tried again when its lease ends.
    """
    with notice.reply.logged():
        now = timezone.now()
        seen = seen_at(notice.reply.message.conversation.owner_id)
        if reason := needless(notice, now, seen):
            log.info("%s is dropped: %s", notice, reason)
            _remove(notice)
        elif seen is not None and closed_at(seen) > now:
            # A page may be open that has not heard of the end yet.
            _put_off(notice, closed_at(seen), attempts=F("attempts") - 1)
        else:
            _try(notice, now)


def _try(notice: Notice, now: datetime) -> None:
    try:
        tried = WAYS[notice.channel](notice, now)
    except Exception:
        log.exception("%s failed", notice)
        tried = Tried("internal", is_over=False)
    log.info("%s, try %d: %s", notice, notice.attempts, tried.result)
    if tried.is_over:
        _remove(notice)
    else:
        delay = max(tried.pause_seconds, delay_after(notice.attempts, random.random()))
        _put_off(notice, timezone.now() + timedelta(seconds=delay))


def delay_after(attempts: int, chance: float) -> float:
    """Seconds until the next try after this many; ``chance`` is from 0 to 1."""
    place = min(max(1, attempts), len(DELAYS_SECONDS)) - 1
    return with_jitter(DELAYS_SECONDS[place], chance)


def _remove(notice: Notice) -> None:
    Notice.objects.filter(pk=notice.pk).delete()


def _put_off(notice: Notice, until: datetime, **fields: object) -> None:
    notice.unless_taken().update(next_at=until, **fields)
