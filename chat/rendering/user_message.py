"""What a user sent as HTML: as written, with the files it begins with folded up."""

from __future__ import annotations

from django.utils.formats import number_format
from django.utils.html import escape
from django.utils.safestring import SafeString
from django.utils.translation import gettext

from chat.attached_files import AttachedFile, split_files
from chat.rendering.prerender import prerendered


def message_html(text: str) -> SafeString:
    """Return the text of a message; each file in it is an element that opens."""
    files, typed = split_files(text)
    if not files:
        return escape(text)
    return SafeString("".join(map(_file, files)) + f"<span>{escape(typed)}</span>")


def _file(file: AttachedFile) -> SafeString:
    values = {
        "name": file.name,
        "size": gettext("{count} kB").format(count=number_format(file.kilobytes, 1)),
        "opening": file.opening,
        "content": file.content,
        "closing": file.closing,
    }
    return prerendered("messages/_attached_file.html", {}, values)
