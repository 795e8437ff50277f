"""Filters that are typed among the words of a search, such as ``in:archive``.

A filter is a key, a colon and a value without spaces. Other words with a colon, such as
an address, are searched as words.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from typing import Any
from uuid import UUID

from django.db import connection
from django.utils.timezone import make_aware
from django.utils.translation import gettext as _

from chat.models.sql_rows import adapted
from chatsite import wire

FILTER = re.compile(r"(?<!\S)(in|has|from|before|after):(\S+)", re.IGNORECASE)
#: A fence of code as Markdown knows it, and the opening of an attached file
#: (``chat/attached_files.py``).
CODE = ("```", "~~~")
FILE = '```% title="%"%'
#: Where a text has another; LIKE takes many times as long on PostgreSQL.
FIND = {"sqlite": "instr", "postgresql": "strpos"}
#: Days near the ends of the calendar, which no time zone can shift.
FIRST_DAY, LAST_DAY = date(1900, 1, 1), date(9000, 1, 1)


class FilterRefused(ValueError):
    """A filter has a value that does not exist; the message says which ones do."""


@dataclass(frozen=True, slots=True)
class Filters:
    """Which passages a search may find."""

    is_archived: bool = False
    is_pinned: bool = False
    has_code: bool = False
    has_file: bool = False
    #: Who wrote a message; None for both.
    role: wire.Role | None = None
    #: Said before this moment, and from this one on.
    before: datetime | None = None
    since: datetime | None = None
    #: Only messages of this conversation.
    conversation: UUID | None = None

    def condition(self) -> tuple[str, dict[str, Any]]:
        """The condition for rows of ``passage`` in SQL, with its parameters.

        Conversations that were deleted are never found.
        """
        talk = " AND ".join(("talk.deleted_at IS NULL", *self._of_conversation()))
        of_row = f"WHERE talk.id = passage.conversation_id AND {talk}"
        parts = [f"EXISTS (SELECT 1 FROM chat_conversation AS talk {of_row})"]
        if self.conversation:
            parts.append("passage.conversation_id = %(conversation)s")
        if self._of_message():
            said = " AND ".join(("said.id = passage.message_id", *self._of_message()))
            parts.append(f"EXISTS (SELECT 1 FROM chat_message AS said WHERE {said})")
        parts += [f"{SAID_AT} {sign} %({name})s" for sign, name in self._of_time()]
        return " AND ".join(parts), self._parameters()

    def _of_conversation(self) -> list[str]:
        flags = {"is_archived": self.is_archived, "is_pinned": self.is_pinned}
        return [f"talk.{name}" for name, is_asked in flags.items() if is_asked]

    def _of_message(self) -> list[str]:
        """What only messages have; empty where titles may be found, too."""
        found = []
        if self.role:
            found.append("said.role = %(role)s")
        if self.has_code:
            find = FIND[connection.vendor]
            fences = (
                f"{find}(said.text, %({name})s) > 0" for name in ("code", "tildes")
            )
            found.append(f"({' OR '.join(fences)})")
        if self.has_file:
            found.append("(said.role = 'user' AND said.text LIKE %(file)s)")
        if self.conversation and not found:
            found.append("said.text <> ''")
        return found

    def _of_time(self) -> list[tuple[str, str]]:
        of_time = []
        if self.before:
            of_time.append(("<", "said_before"))
        if self.since:
            of_time.append((">=", "said_since"))
        return of_time

    def _parameters(self) -> dict[str, Any]:
        return {
            "conversation": self.conversation and adapted(self.conversation),
            "role": self.role and str(self.role),
            "code": CODE[0],
            "tildes": CODE[1],
            "file": FILE,
            "said_before": self.before and adapted(self.before),
            "said_since": self.since and adapted(self.since),
        }


#: When a message was said, or the conversation of a title begun.
SAID_AT = """
coalesce(
    (SELECT created_at FROM chat_message WHERE id = passage.message_id),
    (SELECT created_at FROM chat_conversation WHERE id = passage.conversation_id)
)
"""


def split_filters(text: str) -> tuple[Filters, str]:
    """The filters of what was typed, and the words. Raises ``FilterRefused``."""
    filters = Filters()
    for key, value in FILTER.findall(text):
        filters = _with(filters, key.lower(), value.lower(), f"{key}:{value}")
    return filters, FILTER.sub(" ", text).strip()


def _with(filters: Filters, key: str, value: str, typed: str) -> Filters:
    if key in ("before", "after"):
        return _with_day(filters, key, value, typed)
    match key, value:
        case "in", "archive":
            return replace(filters, is_archived=True)
        case "in", "pinned":
            return replace(filters, is_pinned=True)
        case "has", "code":
            return replace(filters, has_code=True)
        case "has", "file":
            return replace(filters, has_file=True)
        case "from", "me":
            return replace(filters, role=wire.Role.USER)
        case "from", "model":
            return replace(filters, role=wire.Role.ASSISTANT)
    known = {"in": "in:archive, in:pinned", "has": "has:code, has:file"}
    raise FilterRefused(
        _("There is no filter “%(typed)s”. Use one of: %(known)s.")
        % {"typed": typed, "known": known.get(key, "from:me, from:model")}
    )


def _with_day(filters: Filters, key: str, value: str, typed: str) -> Filters:
    """Both leave out the day itself, which is one of the person's time zone."""
    try:
        day = date.fromisoformat(value)
    except ValueError:
        day = None
    if day is None or len(value) != len("2026-05-01") or not FIRST_DAY < day < LAST_DAY:
        raise FilterRefused(
            _("“%(typed)s” has no date. Write it as in before:2026-05-01.")
            % {"typed": typed}
        )
    if key == "before":
        return replace(filters, before=_midnight(day))
    return replace(filters, since=_midnight(day + timedelta(days=1)))


def _midnight(day: date) -> datetime:
    return make_aware(datetime.combine(day, time()))
