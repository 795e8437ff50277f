"""A conversation as Markdown, for people: the path that its page shows."""

from __future__ import annotations

from collections.abc import Iterator

from django.utils import timezone
from django.utils.translation import gettext as _

from chat.models import Conversation, Message
from chat.models.conversation import UNFINISHED
from chat.services.exports.pages import ROWS_PER_READ
from chat.text_cleanup import as_line
from chatsite import wire


def conversation_markdown(conversation: Conversation) -> Iterator[str]:
    """Yield pieces of the text: the title, then each message under a heading."""
    yield f"# {as_line(conversation.title)}\n"
    if instructions := conversation.instructions.strip():
        yield f"\n{_quoted(instructions)}\n"
    ids = conversation.path_ids()
    for start in range(0, len(ids), ROWS_PER_READ):
        for message in conversation.loaded(ids[start : start + ROWS_PER_READ]):
            yield _message(message)


def _message(message: Message) -> str:
    said_at = timezone.localtime(message.created_at)
    heading = f"## {_author(message)} · {said_at:%Y-%m-%d %H:%M}"
    text = message.text.strip("\n")
    note = "" if message.is_from_user else _note(message)
    return "".join(f"\n{part}\n" for part in (heading, text, note) if part)


def _author(message: Message) -> str:
    return _("You") if message.is_from_user else as_line(message.reply.model)


def _note(message: Message) -> str:
    """What a reader has to know of a reply that did not end by itself."""
    state = message.reply.state
    if state == wire.State.FAILED:
        return f"*{_('The reply failed.')}*"
    if state == wire.State.STOPPED:
        return f"*{_('The reply was stopped.')}*"
    return f"*{_('The reply is not finished.')}*" if state in UNFINISHED else ""


def _quoted(text: str) -> str:
    return "\n".join(f"> {line}".rstrip() for line in text.split("\n"))
