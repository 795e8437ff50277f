"""Glancing: what a visitor who is nobody yet may know, the state of the workers."""

from __future__ import annotations

from chat.services.watching import View
from chatsite.mailbox import MailboxAway, open_mailbox


def glance(model: str) -> View:
    """Who serves a model and how many wait for it; of replies it knows none."""
    box = open_mailbox()
    try:
        return View("", (), "", box.waiting(model), box.workers(model))
    except MailboxAway:
        return View("", (), "", 0, (), is_away=True)
