"""Sends the end of a reply to the mailbox, also while Redis is away for a time."""

from __future__ import annotations

import logging
from threading import Event

from chatsite import wire
from chatsite.mailbox import Claim, Mailbox, MailboxAway
from worker.delivery import Delivery

log = logging.getLogger(__name__)

#: Interval at which the end of a reply is sent again while Redis is away.
RETRY_SECONDS = 0.5
#: A worker that ends tries this often to hand a reply back; then its lease expires.
HAND_BACK_ATTEMPTS = 4


def send_end(
    box: Mailbox, delivery: Delivery, ending: wire.Ending, closed: Event
) -> None:
    """Send the end until the mailbox stores or refuses it, or ``closed`` is set."""
    while True:
        try:
            result = box.finish(delivery.next_write(), ending)
        except MailboxAway as error:
            log.warning("end of %s waits: %s", delivery.claim.reply, error)
            if closed.wait(RETRY_SECONDS):
                return
            continue
        delivery.accept(result)
        if result.verdict != "again":
            return


def hand_back(
    box: Mailbox, claim: Claim, closed: Event, *, is_fault: bool = False
) -> None:
    """Give a reply back to its line; if Redis stays away, its lease expires."""
    for _ in range(HAND_BACK_ATTEMPTS):
        try:
            verdict = box.hand_back(claim.reply, claim.token, is_fault=is_fault)
        except MailboxAway:
            closed.wait(RETRY_SECONDS)
        else:
            log.info("reply %s handed back: %s", claim.reply, verdict)
            return
    log.warning("reply %s was not handed back: its lease expires", claim.reply)
