"""A language in which every translated text stands between ⟦ and ⟧."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from unittest.mock import patch

from django.utils import translation
from django.utils.translation import trans_real

from chat.rendering import markdown, prerender
from tests.chat.wording.page_texts import is_worded, texts_of


class Pseudo(trans_real.DjangoTranslation):
    def gettext(self, message: str) -> str:
        return _marked(super().gettext(message))

    def ngettext(self, one: str, many: str, count: int) -> str:
        return _marked(super().ngettext(one, many, count))


def _marked(message: str) -> str:
    """Without the context that stands before a message that has none translated."""
    return f"⟦{message.rpartition(trans_real.CONTEXT_SEPARATOR)[2]}⟧"


@contextmanager
def spoken() -> Iterator[None]:
    """It stands in for English, so that whoever asks for that gets it."""
    pseudo = Pseudo("en")
    _forget_what_was_rendered()
    try:
        with (
            patch.dict(trans_real._translations, {"en": pseudo}),
            patch.object(trans_real, "_default", pseudo),
        ):
            translation.activate("en")
            yield
    finally:
        translation.deactivate()
        _forget_what_was_rendered()


def _forget_what_was_rendered() -> None:
    markdown._cache.clear()
    prerender._to_fill.cache_clear()


def untranslated(html: str, names: Iterable[str] = ()) -> list[str]:
    """Texts that gettext was not asked for, beside those ``names``."""
    return [text for text in texts_of(html) if is_worded(_rest(text, names))]


def _rest(text: str, names: Iterable[str]) -> str:
    """What is left of a text without what was translated."""
    before = ""
    while text != before:
        before, text = text, re.sub(r"⟦[^⟦⟧]*⟧", " ", text)
    for name in names:
        text = text.replace(name, " ")
    return text
