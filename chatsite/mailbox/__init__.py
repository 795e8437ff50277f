"""The mailbox: what web and workers share in Redis. Nothing else knows its keys."""

from chatsite.mailbox.connection import MailboxAway
from chatsite.mailbox.keeper import CollectedReply
from chatsite.mailbox.mailbox import Mailbox, open_mailbox
from chatsite.mailbox.results import (
    Claim,
    EndedReply,
    FinishedReply,
    LostReply,
    MailboxSnapshot,
    MissingReply,
    Publication,
    QueuedReply,
    ReplyCursor,
    RunningReply,
    Write,
    WriteResult,
)
from chatsite.mailbox.workers import HelpersInTheWay

__all__ = [
    "Claim",
    "CollectedReply",
    "EndedReply",
    "FinishedReply",
    "HelpersInTheWay",
    "LostReply",
    "Mailbox",
    "MailboxAway",
    "MailboxSnapshot",
    "MissingReply",
    "Publication",
    "QueuedReply",
    "ReplyCursor",
    "RunningReply",
    "Write",
    "WriteResult",
    "open_mailbox",
]
