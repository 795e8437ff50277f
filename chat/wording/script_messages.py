"""Texts that the scripts of a page show, in the language of the page."""

from __future__ import annotations

from django.utils.formats import get_format
from django.utils.translation import gettext as _


def script_texts() -> dict[str, str]:
    """The texts by name; those for a refused message by the status of the answer.

    Names with ``act-`` are for other actions than sending.
    """
    return {
        "unreachable": _(
            "The server can’t be reached. Your text is still here: send it again."
        ),
        "400": _("The server didn’t accept this. It may be too long for one message."),
        "403": _("This page is out of date. Your text is still here: send it again."),
        "404": _("Conversation not found. Copy your text before you leave this page."),
        "413": _(
            "Too long for one message. Your text is still here: send it in parts."
        ),
        "too-long": _(
            "Too long: {count} of {limit} characters. Shorten it or send it in parts."
        ),
        "pasted-too-long": _(
            "Not pasted: it has {count} characters, and a message can have {limit}."
            " Paste it in parts."
        ),
        "pasted-elsewhere": _(
            "Not pasted: {count} characters are far more than this field takes."
        ),
        "500": _(
            "Something went wrong on the server. Your text is still here: send it"
            " again."
        ),
        "503": _(
            "The server is busy. Your text is still here: send it again in a few"
            " seconds."
        ),
        "507": _(
            "The server’s disk is full. Your text is still here; please tell the site"
            " admin."
        ),
        "act-unreachable": _("The server can’t be reached. Try again."),
        "act-400": _("That didn’t work. Reload the page and try again."),
        "act-403": _("This page is out of date. Reload it and try again."),
        "act-404": _("Not found. It may have been deleted elsewhere."),
        "act-500": _("Something went wrong on the server. Try again."),
        "act-503": _("The server is busy. Try again in a few seconds."),
        "act-507": _("The server’s disk is full. Please tell the site admin."),
        "presets": _("Presets"),
        "kilobytes": _("{count} kB"),
        "megabytes": _("{count} MB"),
        "remove-file": _("Remove {name}"),
        "file-attached": _("{name} is attached."),
        "file-latin-1": _(
            "{name} is attached. It isn’t UTF-8, so it was read as Latin-1."
        ),
        "file-removed": _("{name} was removed."),
        "file-folder": _("Folders can’t be attached. Attach the files inside instead."),
        "file-unreadable": _("{name} couldn’t be read."),
        "file-binary": _("{name} is not a text file."),
        "file-empty": _("{name} is empty."),
        "file-huge": _(
            "{name} is too large: {size}. A message can have {limit} characters."
        ),
        "file-too-large": _(
            "{name} is too long: it has {count} characters, and there is room for"
            " {room}."
        ),
        "file-too-many": _("{name} wasn’t attached: a message can have {limit} files."),
        "group": get_format("THOUSAND_SEPARATOR"),
        "counter": _("{count} of {limit} characters"),
        "ready": _("The reply is ready."),
        "copied": _("Copied."),
        "turn-came": _("The reply has started. Send to make this a new version."),
        "message-gone": _(
            "This message is gone: the conversation changed elsewhere. Copy your text"
            " before you cancel."
        ),
        "wrapped": _("Long lines are wrapped."),
        "not-wrapped": _("Long lines are not wrapped."),
        "copy-keys": _("Ctrl+C"),
        "not-copied": _(
            "Your browser doesn’t let this page copy. The text is selected: copy it"
            " yourself ({keys}, or long-press on a phone)."
        ),
    }
