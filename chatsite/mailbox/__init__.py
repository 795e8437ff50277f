"""The mailbox: what web and workers share in Redis. Nothing else knows its keys."""

from chatsite.mailbox.connection import MailboxAway
from chatsite.mailbox.entries import (
    Claim,
    Ended,
    Growing,
    Kept,
    Look,
    Missing,
    Published,
    Queued,
)
from chatsite.mailbox.mailbox import Mailbox, open_mailbox

__all__ = [
    "Claim",
    "Ended",
    "Growing",
    "Kept",
    "Look",
    "Mailbox",
    "MailboxAway",
    "Missing",
    "Published",
    "Queued",
    "open_mailbox",
]
