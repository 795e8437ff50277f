"""The fixtures of accounts, and passwords that cost nothing to check."""

from __future__ import annotations

from tests.chat.accounts.conftest import (
    _passwords_are_cheap,
    account,
    say,
    sent_mails,
    tab,
    visitor,
)
from tests.chat.conftest import committed, sent, worker

__all__ = [
    "_passwords_are_cheap",
    "account",
    "committed",
    "say",
    "sent",
    "sent_mails",
    "tab",
    "visitor",
    "worker",
]
