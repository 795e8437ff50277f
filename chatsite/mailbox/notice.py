"""The sentence that operators show on every page, as the mailbox keeps it."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass

from chatsite.mailbox.connection import MailboxCalls

KEY = "mailbox:notice"


@dataclass(frozen=True, slots=True)
class Notice:
    """A sentence, and until when it is shown: seconds since the epoch, or for good."""

    text: str
    until: float | None = None


class NoticeCalls(MailboxCalls):
    """The notice, which polls bring to open pages."""

    def set_notice(self, notice: Notice | None) -> None:
        """Show this sentence on all pages, or none."""
        if notice is None:
            self.connection.command("DEL", KEY)
        else:
            self.connection.command("SET", KEY, json.dumps(asdict(notice)))

    def notice(self) -> Notice | None:
        """Return the sentence that pages show now."""
        raw, (seconds, _) = self.connection.commands(("GET", KEY), ("TIME",))
        return notice_from(raw or "", seconds)


def notice_from(raw: str, now: float) -> Notice | None:
    """Read a notice; None if there is none, or if its time is over."""
    if not raw:
        return None
    try:
        known = json.loads(raw)
        notice = Notice(str(known["text"]), known["until"])
        is_over = notice.until is not None and notice.until <= now
    except (ValueError, KeyError, TypeError):
        return None
    return None if is_over else notice
