"""Sentences about imports: how far one has come, why not, and what cannot come."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from django.utils.functional import Promise
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from chat.models import EntryState, ImportStatus

STATUSES: dict[str, Promise] = {
    ImportStatus.READING.value: _("the file is being read"),
    ImportStatus.READY.value: _("the file waits for you"),
    ImportStatus.IMPORTING.value: _("the file is being imported"),
    ImportStatus.DONE.value: _("imported"),
    ImportStatus.REFUSED.value: _("not imported"),
}
REASONS: dict[str, Promise] = {
    "broken_json": _("The file is cut off or broken. Download it once more."),
    "not_json": _(
        "This is no file to import: it is neither JSON nor a ZIP archive. Markdown, "
        "text and HTML are for reading. Send what “Save as JSON” or “Download "
        "conversations” gave you, or the export of another program."
    ),
    "broken_archive": _("The archive is cut off or broken. Download it once more."),
    "encrypted_archive": _("The archive is encrypted. Unpack it, and send its files."),
    "too_many_files": _("The archive has too many files. Send its conversations only."),
    "too_large_unpacked": _("Unpacked, the archive is too large."),
    "no_conversations": _("The archive has no file with conversations."),
    "unknown_format": _(
        "This is no export that the site knows: send one of this site, ChatGPT, "
        "Claude, Open WebUI, LibreChat or chat-ui."
    ),
    "newer_version": _(
        "A newer version of this program wrote the file. Ask the operator to update "
        "this site first."
    ),
    "too_deep": _("The file is nested too deeply."),
    "text_too_long": _("A text in the file is too long."),
    "too_many_conversations": _("The file has too many conversations. Split it."),
    "too_slow": _("Reading the file takes too long. Split it."),
    "unreadable": _("The site failed to read the file. Tell the operator."),
}
ENTRIES: dict[str, Promise] = {
    EntryState.WAITING.value: _("new"),
    EntryState.DUPLICATE.value: _("you have it already"),
    EntryState.DONE.value: _("imported"),
    EntryState.FAILED.value: _("not imported"),
}
SOURCES = {
    "chatsite": "chatsite",
    "chatgpt": "ChatGPT",
    "claude": "Claude",
    "open-webui": "Open WebUI",
    "librechat": "LibreChat",
    "chat-ui": "chat-ui",
}


def status_text(status: str, states: Iterable[str]) -> str:
    """How far an import has come; ``states`` are those of its conversations."""
    found = set(states)
    if status != ImportStatus.DONE or EntryState.DONE.value in found:
        return str(STATUSES[status])
    if found == {EntryState.DUPLICATE.value}:
        return gettext("you have all of it already")
    return gettext("nothing was imported")


def refusal_text(code: str) -> str:
    """Why a file is not imported; empty without a code."""
    return str(REASONS[code]) if code else ""


def entry_text(state: str) -> str:
    """What became of a conversation, or will."""
    return str(ENTRIES[state])


def lost_texts(left_out: Mapping[str, int]) -> Iterator[str]:
    """What cannot come, a phrase for each kind."""
    images, sounds = left_out.get("image", 0), left_out.get("sound", 0)
    files, tools = left_out.get("file", 0), left_out.get("tool", 0)
    thoughts = left_out.get("thought", 0)
    known = ("image", "sound", "file", "tool", "thought")
    rest = sum(n for kind, n in left_out.items() if kind not in known)
    if images:
        yield ngettext("%d picture", "%d pictures", images) % images
    if sounds:
        yield ngettext("%d sound", "%d sounds", sounds) % sounds
    if files:
        yield ngettext("%d file", "%d files", files) % files
    if tools:
        yield ngettext("%d use of a tool", "%d uses of tools", tools) % tools
    if thoughts:
        yield ngettext("%d thought", "%d thoughts", thoughts) % thoughts
    if rest:
        yield ngettext("%d other message", "%d other messages", rest) % rest
