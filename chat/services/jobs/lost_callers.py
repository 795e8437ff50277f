"""Stops replies of calls whose web process is gone, and with it their clients."""

from __future__ import annotations

import logging
from uuid import UUID

from django.conf import settings

from chat.models import Reply
from chat.services.jobs.guarded import guarded
from chat.services.jobs.stop import stop_reply
from chatsite.mailbox import open_mailbox

log = logging.getLogger(__name__)

#: Replies that are stopped in one sweep.
MOST = 500


def stop_abandoned() -> None:
    """Stop replies that were written for callers of processes that are silent now."""
    box = open_mailbox()
    found = box.abandoned(settings.CALLER_LOST_SECONDS, MOST)
    if not found:
        return
    pks = [UUID(reply) for reply in found]
    for reply in Reply.objects.unfinished().with_path().filter(pk__in=pks):
        guarded(_give_up, reply)
    box.forget_abandoned(found)


def _give_up(reply: Reply) -> None:
    with reply.logged():
        log.info("reply %s is stopped: its callers are gone", reply.pk)
        stop_reply(reply, is_given_up=True)
