"""What the mailbox shows of replies to their owner."""

from __future__ import annotations

from chat.models import Reply, User
from chatsite.mailbox import Mailbox


def mailbox_replies(box: Mailbox, user: User, *replies: Reply):  # type: ignore[no-untyped-def]
    box.remember(str(user.pk), str(user.pk))
    seen = [(str(reply.pk), 0, 0) for reply in replies]
    found = box.snapshot(str(user.pk), "scripted", seen)
    assert found is not None
    return found.replies
