"""The fixtures of accounts, and passwords that cost nothing to check."""

from __future__ import annotations

from tests.chat.accounts.conftest import (
    _passwords_are_cheap,
    account,
    mails,
    newcomer,
    say,
    tab,
)
from tests.chat.conftest import committed, sent, worker

__all__ = [
    "_passwords_are_cheap",
    "account",
    "committed",
    "mails",
    "newcomer",
    "say",
    "sent",
    "tab",
    "worker",
]
