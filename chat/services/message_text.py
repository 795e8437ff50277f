"""The text of a message as it is stored, and what is refused."""

from __future__ import annotations

import unicodedata

from django.conf import settings
from django.utils.formats import number_format
from django.utils.translation import gettext as _

from chat.services.errors import MessageRefused
from chat.text_cleanup import as_lines, without_blank_edges

#: Invisible letters and signs: the fillers of Hangul, and Braille without dots.
FILLERS = "\u115f\u1160\u3164\uffa0\u2800"


def clean_text(text: str) -> str:
    """The text as it is stored. Raises ``MessageRefused`` if blank or too long."""
    text = without_blank_edges(as_lines(text))
    if is_blank(text):
        raise MessageRefused("blank", _("Write a message first."))
    limit = settings.MESSAGE_MAX_CHARACTERS
    if len(text) > limit:
        raise MessageRefused(
            "too_long",
            _(
                "Too long: %(count)s of %(limit)s characters. Shorten it or send it in "
                "parts."
            )
            % {
                "count": number_format(len(text), force_grouping=True),
                "limit": number_format(limit, force_grouping=True),
            },
        )
    return text


def is_blank(text: str) -> bool:
    """Whether a text has no visible character."""
    return all(
        unicodedata.category(character)[0] in "CZ" or character in FILLERS
        for character in text
    )
